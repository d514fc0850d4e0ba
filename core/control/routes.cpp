#include "control/routes.hpp"

#include <Poco/Exception.h>
#include <Poco/JSONString.h>
#include <Poco/URI.h>

#include <array>
#include <charconv>
#include <utility>

#include "control/feed.hpp"
#include "log/utf8.hpp"

namespace dtud::control {

Answer Answer::error(int status, std::string_view text) {
  return {status, "{\"error\": " + Poco::toJSON(valid_utf8(text)) + "}"};
}

FeedPtr Streams::open() {
  const Lock lock(mutex_);
  if (ended_ || open_.size() >= limit_) return nullptr;
  return *open_.insert(std::make_shared<Feed>()).first;
}

void Streams::close(const FeedPtr& feed) {
  feed->close();
  missed_.fetch_add(feed->missed(), std::memory_order_relaxed);
  const Lock lock(mutex_);
  open_.erase(feed);
}

void Streams::close_all() {
  const Lock lock(mutex_);
  ended_ = true;
  for (const FeedPtr& feed : open_) feed->close();
}

namespace {

Answer log_lines(const Ask& ask) {
  constexpr uint32_t most = 10'000;
  const std::string text = ask.parameter("lines").value_or("100");
  uint32_t lines = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), lines);
  if (ec != std::errc() || end != text.data() + text.size() || lines == 0 || lines > most)
    return Answer::error(400, "lines=" + text + " is not a whole number from 1 to " + std::to_string(most));
  return ask.backend.log(lines);
}

Answer with_revision(const Ask& ask, Answer (Backend::*answer)(uint64_t)) {
  uint64_t id = 0;
  const auto [end, ec] = std::from_chars(ask.name.data(), ask.name.data() + ask.name.size(), id);
  if (ec != std::errc() || end != ask.name.data() + ask.name.size() || id == 0)
    return Answer::error(400, "\"" + ask.name + "\" is not a revision number: see GET /v1/config/history");
  return (ask.backend.*answer)(id);
}
Answer revision(const Ask& ask) { return with_revision(ask, &Backend::revision); }
Answer roll_back(const Ask& ask) { return with_revision(ask, &Backend::roll_back); }

// 0: the name in the path is no channel's.
uint32_t channel_in(const Ask& ask) {
  uint32_t id = 0;
  const auto [end, ec] = std::from_chars(ask.name.data(), ask.name.data() + ask.name.size(), id);
  return ec == std::errc() && end == ask.name.data() + ask.name.size() ? id : 0;
}
Answer no_channel(const Ask& ask) {
  return Answer::error(404, "\"" + ask.name + "\" is not a channel number (1 to 98)");
}
Answer stored(const Ask& ask) {
  const std::string text = ask.parameter("from").value_or("0");
  uint64_t from = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), from);
  if (ec != std::errc() || end != text.data() + text.size())
    return Answer::error(400, "from=" + text + " is not a sequence number: see \"next\" of the page before");
  return channel_in(ask) == 0 ? no_channel(ask) : ask.backend.stored(channel_in(ask), from);
}
Answer clear_stored(const Ask& ask) {
  return channel_in(ask) == 0 ? no_channel(ask) : ask.backend.clear_stored(channel_in(ask));
}

constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
Answer tap(const Ask& a, const FeedPtr& feed) { return a.backend.tap(*a.parameter("target"), feed); }
Answer follow(const Ask& a, const FeedPtr& feed) { return a.backend.follow_log(feed); }
Answer events(const Ask& a, const FeedPtr& feed) { return a.backend.follow_events(*a.parameter("prefix"), feed); }
Answer follow_upgrade(const Ask& a, const FeedPtr& feed) { return a.backend.follow_upgrade(feed); }
Answer no_target(const Ask&) { return Answer::error(400, "target is missing: ?target=port:1, channel:2 or all"); }

constexpr Route long_running(Route route) {
  route.long_running = true;
  return route;
}

constexpr std::array<Route, 37> kRoutes{{
    {"GET", "/v1/status", [](const Ask& a) { return a.backend.status(); }},
    {"GET", "/v1/plugins", [](const Ask& a) { return a.backend.plugins(); }},
    long_running({"POST", "/v1/plugins/install", [](const Ask& a) { return a.backend.install_plugin(a.body); }}),
    long_running({"POST", "/v1/plugins/retry", [](const Ask& a) { return a.backend.retry_plugin(a.body); }}),
    {"POST", "/v1/plugins/retry/", [](const Ask& a) { return a.backend.retry_instance(a.name); }},
    long_running({"POST", "/v1/plugins/upgrade", [](const Ask& a) { return a.backend.upgrade_plugin(a.body); }}),
    {"GET", "/v1/plugins/upgrade", [](const Ask& a) { return a.backend.plugin_upgrade(); }},
    long_running({"GET", "/v1/plugins/", [](const Ask& a) { return a.backend.plugin(a.name); }}),
    {"DELETE", "/v1/plugins/", [](const Ask& a) { return a.backend.remove_plugin(a.name); }},
    {"GET", "/v1/components/", [](const Ask& a) { return a.backend.component(a.name); }},
    {"GET", "/v1/commands", [](const Ask& a) { return a.backend.commands(); }},
    long_running({"POST", "/v1/call", [](const Ask& a) { return a.backend.call(a.body); }}),
    {"GET", "/v1/points", [](const Ask& a) { return a.backend.points(); }},
    long_running({"GET", "/v1/points/", [](const Ask& a) { return a.backend.read_point(a.name); }}),
    long_running({"PUT", "/v1/points/", [](const Ask& a) { return a.backend.write_point(a.name, a.body); }}),
    {"GET", "/v1/ports", [](const Ask& a) { return a.backend.ports(); }},
    {"GET", "/v1/channels", [](const Ask& a) { return a.backend.channels(); }},
    {"GET", "/v1/spool", [](const Ask& a) { return a.backend.spool(); }},
    {"GET", "/v1/spool/", stored},
    {"DELETE", "/v1/spool/", clear_stored},
    {"GET", "/v1/config", [](const Ask& a) { return a.backend.config(); }},
    {"PUT", "/v1/config", [](const Ask& a) { return a.backend.set_config(a.body); }},
    {"PATCH", "/v1/config", [](const Ask& a) { return a.backend.patch_config(a.body); }},
    {"POST", "/v1/config/reload", [](const Ask& a) { return a.backend.reload_config(); }},
    {"GET", "/v1/config/board", [](const Ask& a) { return a.backend.board(); }},
    {"POST", "/v1/config/check", [](const Ask& a) { return a.backend.check_config(a.body); }},
    {"GET", "/v1/config/history", [](const Ask& a) { return a.backend.history(); }},
    {"GET", "/v1/config/history/", revision},
    {"POST", "/v1/config/rollback", [](const Ask& a) { return a.backend.roll_back(0); }},
    {"POST", "/v1/config/rollback/", roll_back},
    {"GET", "/v1/audit", [](const Ask& a) { return a.backend.audit(); }},
    {"GET", "/v1/upgrade", [](const Ask& a) { return a.backend.upgrade(); }, follow_upgrade, "follow"},
    {"GET", "/v1/log", log_lines, follow, "follow"},
    {"GET", "/v1/tap", no_target, tap, "target"},
    {"GET", "/v1/events", [](const Ask& a) { return a.backend.events(); }, events, "prefix"},
    {"GET", "/metrics", [](const Ask& a) { return a.backend.metrics(); }, nullptr, {}, kMetricsType},
    {"GET", "/", [](const Ask&) { return Answer::error(404, "this is the control API of dtud: see GET /v1/status"); }},
}};

bool matches(const Route& route, const std::string& path) {
  if (route.path.size() > 1 && route.path.back() == '/')
    return path.size() > route.path.size() && path.compare(0, route.path.size(), route.path) == 0 &&
           path.find('/', route.path.size()) == std::string::npos;
  return path == route.path;
}

}  // namespace

Found find_route(Backend& backend, Request request) {
  Found found{nullptr, {backend, {}, std::move(request.body), {}}, false, {}};
  std::string path;
  try {
    found.ask.query = Poco::URI(request.target).getQueryParameters();
    path = request.target.substr(0, request.target.find('?'));
    std::string allowed;
    for (const Route& r : kRoutes) {
      if (!matches(r, path)) continue;
      if (request.method == r.method) {
        found.route = &r;
        if (r.path.size() > 1 && r.path.back() == '/') Poco::URI::decode(path.substr(r.path.size()), found.ask.name);
        found.ask.name = valid_utf8(found.ask.name);
        found.streams = r.stream != nullptr && found.ask.parameter(r.stream_if);
        return found;
      }
      allowed += (allowed.empty() ? "" : ", ") + std::string(r.method);
    }
    if (allowed.empty()) {
      found.refusal.answer = Answer::error(404, "there is no " + path + "; see docs/control-api.md");
    } else {
      found.refusal.answer = Answer::error(405, path + " does not take " + request.method + "; it takes " + allowed);
      found.refusal.allow = allowed;
    }
  } catch (const Poco::Exception& e) {
    found.route = nullptr;
    found.refusal.answer = Answer::error(400, "the path cannot be read: " + e.displayText());
  }
  return found;
}

Reply reply_of(const Found& found) {
  Reply reply{found.route->answer(found.ask)};
  if (reply.answer.ok()) reply.type = found.route->type;
  return reply;
}

}  // namespace dtud::control
