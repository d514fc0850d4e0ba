#include "control/routes.hpp"

#include <Poco/Exception.h>
#include <Poco/JSONString.h>
#include <Poco/Net/HTTPRequestHandler.h>
#include <Poco/Net/HTTPServerRequestImpl.h>
#include <Poco/Net/HTTPServerResponse.h>
#include <Poco/Net/NetException.h>
#include <Poco/URI.h>

#include <array>
#include <charconv>
#include <optional>
#include <ostream>

#include "control/feed.hpp"
#include "control/wire_socket.hpp"

namespace dtud::control {

using Poco::Net::HTTPRequest;
using Poco::Net::HTTPResponse;
using Poco::Net::HTTPServerRequest;
using Poco::Net::HTTPServerResponse;

Answer Answer::error(int status, std::string_view text) {
  return {status, "{\"error\": " + Poco::toJSON(std::string(text)) + "}"};
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

// A request as the table's functions see it.
struct Ask {
  Backend& backend;
  std::string name;  // what stands in the path for NAME or TYPE
  std::string body;
  Poco::URI::QueryParameters query;

  [[nodiscard]] std::optional<std::string> parameter(std::string_view key) const {
    for (const auto& [k, v] : query)
      if (k == key) return v;
    return std::nullopt;
  }
};

Answer log_lines(const Ask& ask) {
  constexpr uint32_t most = 10'000;
  const std::string text = ask.parameter("lines").value_or("100");
  uint32_t lines = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), lines);
  if (ec != std::errc() || end != text.data() + text.size() || lines == 0 || lines > most)
    return Answer::error(400, "lines=" + text + ": a whole number from 1 to " + std::to_string(most));
  return ask.backend.log(lines);
}

Answer with_revision(const Ask& ask, Answer (Backend::*answer)(uint64_t)) {
  uint64_t id = 0;
  const auto [end, ec] = std::from_chars(ask.name.data(), ask.name.data() + ask.name.size(), id);
  if (ec != std::errc() || end != ask.name.data() + ask.name.size() || id == 0)
    return Answer::error(400, "\"" + ask.name + "\" is no revision: it is a number, see GET /v1/config/history");
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
Answer no_channel(const Ask& ask) { return Answer::error(404, "\"" + ask.name + "\" is no channel: they are 1 to 98"); }
Answer stored(const Ask& ask) {
  const std::string text = ask.parameter("from").value_or("0");
  uint64_t from = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), from);
  if (ec != std::errc() || end != text.data() + text.size())
    return Answer::error(400, "from=" + text + ": a sequence number, see \"next\" of the page before");
  return channel_in(ask) == 0 ? no_channel(ask) : ask.backend.stored(channel_in(ask), from);
}
Answer clear_stored(const Ask& ask) {
  return channel_in(ask) == 0 ? no_channel(ask) : ask.backend.clear_stored(channel_in(ask));
}

using Answerer = Answer (*)(const Ask&);
using Streamer = Answer (*)(const Ask&, const FeedPtr&);
struct Route {
  const char* method;
  std::string_view path;  // one that ends in '/' takes a name after it
  Answerer answer;
  Streamer stream = nullptr;        // instead of the answer,
  std::string_view stream_if = {};  // when the query has this parameter
  const char* type = "application/json";
};

constexpr const char* kMetricsType = "text/plain; version=0.0.4; charset=utf-8";
Answer tap(const Ask& a, const FeedPtr& feed) { return a.backend.tap(*a.parameter("target"), feed); }
Answer follow(const Ask& a, const FeedPtr& feed) { return a.backend.follow_log(feed); }
Answer follow_upgrade(const Ask& a, const FeedPtr& feed) { return a.backend.follow_upgrade(feed); }
Answer no_target(const Ask&) { return Answer::error(400, "say what to tap: ?target=port:1, channel:2 or all"); }

constexpr std::array<Route, 34> kRoutes{{
    {"GET", "/v1/status", [](const Ask& a) { return a.backend.status(); }},
    {"GET", "/v1/plugins", [](const Ask& a) { return a.backend.plugins(); }},
    {"POST", "/v1/plugins/install", [](const Ask& a) { return a.backend.install_plugin(a.body); }},
    {"POST", "/v1/plugins/retry", [](const Ask& a) { return a.backend.retry_plugin(a.body); }},
    {"POST", "/v1/plugins/retry/", [](const Ask& a) { return a.backend.retry_instance(a.name); }},
    {"POST", "/v1/plugins/upgrade", [](const Ask& a) { return a.backend.upgrade_plugin(a.body); }},
    {"GET", "/v1/plugins/upgrade", [](const Ask& a) { return a.backend.plugin_upgrade(); }},
    {"GET", "/v1/plugins/", [](const Ask& a) { return a.backend.plugin(a.name); }},
    {"DELETE", "/v1/plugins/", [](const Ask& a) { return a.backend.remove_plugin(a.name); }},
    {"GET", "/v1/components/", [](const Ask& a) { return a.backend.component(a.name); }},
    {"GET", "/v1/commands", [](const Ask& a) { return a.backend.commands(); }},
    {"POST", "/v1/call", [](const Ask& a) { return a.backend.call(a.body); }},
    {"GET", "/v1/points", [](const Ask& a) { return a.backend.points(); }},
    {"GET", "/v1/points/", [](const Ask& a) { return a.backend.read_point(a.name); }},
    {"PUT", "/v1/points/", [](const Ask& a) { return a.backend.write_point(a.name, a.body); }},
    {"GET", "/v1/ports", [](const Ask& a) { return a.backend.ports(); }},
    {"GET", "/v1/channels", [](const Ask& a) { return a.backend.channels(); }},
    {"GET", "/v1/spool", [](const Ask& a) { return a.backend.spool(); }},
    {"GET", "/v1/spool/", stored},
    {"DELETE", "/v1/spool/", clear_stored},
    {"GET", "/v1/config", [](const Ask& a) { return a.backend.config(); }},
    {"PUT", "/v1/config", [](const Ask& a) { return a.backend.set_config(a.body); }},
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
    {"GET", "/metrics", [](const Ask& a) { return a.backend.metrics(); }, nullptr, {}, kMetricsType},
    {"GET", "/", [](const Ask&) { return Answer::error(404, "this is dtud's control API: see GET /v1/status"); }},
}};

bool matches(const Route& route, const std::string& path) {
  if (route.path.size() > 1 && route.path.back() == '/')
    return path.size() > route.path.size() && path.compare(0, route.path.size(), route.path) == 0 &&
           path.find('/', route.path.size()) == std::string::npos;
  return path == route.path;
}

class Handler : public Poco::Net::HTTPRequestHandler {
 public:
  Handler(Backend& backend, Streams& streams, const RouteLimits& limits)
      : backend_(backend), streams_(streams), limits_(limits) {}

  void handleRequest(HTTPServerRequest& request, HTTPServerResponse& response) override {
    auto& wire = *dynamic_cast<WireSocket*>(dynamic_cast<Poco::Net::HTTPServerRequestImpl&>(request).socket().impl());
    response.set("Cache-Control", "no-store");
    try {
      handle(wire, request, response);
    } catch (const Poco::TimeoutException&) {
      throw;  // the connection's
    } catch (const Poco::Net::NetException&) {
      throw;
    } catch (const Poco::Exception& e) {
      fail(wire, response, e.displayText());
    } catch (const std::exception& e) {
      fail(wire, response, e.what());
    }
    wire.set_deadline(WireSocket::Clock::now() + limits_.keep_alive + limits_.patience);
    wire.set_allowance(limits_.head);
  }

 private:
  void handle(WireSocket& wire, HTTPServerRequest& request, HTTPServerResponse& response) {
    Ask ask{backend_, {}, {}, {}};
    const Route* route = nullptr;
    if (const auto refused = find(request, response, ask, route)) {
      if (request.getChunkedTransferEncoding() || request.getContentLength64() > 0) response.setKeepAlive(false);
      send(wire, response, *refused);
      return;
    }
    if (const auto refused = read_body(wire, request, ask.body)) {
      response.setKeepAlive(false);
      send(wire, response, *refused);
    } else if (route->stream != nullptr && ask.parameter(route->stream_if)) {
      stream(wire, response, *route, ask);
    } else {
      response.setContentType(route->type);
      send(wire, response, route->answer(ask));
    }
  }

  static std::optional<Answer> find(const HTTPServerRequest& request, HTTPServerResponse& response, Ask& ask,
                                    const Route*& route) {
    std::string path;
    try {
      const Poco::URI uri(request.getURI());
      ask.query = uri.getQueryParameters();
      path = request.getURI().substr(0, request.getURI().find('?'));
    } catch (const Poco::Exception& e) {
      return Answer::error(400, "the path cannot be read: " + e.displayText());
    }
    std::string allowed;
    for (const Route& r : kRoutes) {
      if (!matches(r, path)) continue;
      if (request.getMethod() == r.method) {
        route = &r;
        if (r.path.size() > 1 && r.path.back() == '/') Poco::URI::decode(path.substr(r.path.size()), ask.name);
        return std::nullopt;
      }
      allowed += (allowed.empty() ? "" : ", ") + std::string(r.method);
    }
    if (allowed.empty()) return Answer::error(404, "there is no " + path + "; see docs/control-api.md");
    response.set("Allow", allowed);
    return Answer::error(405, request.getMethod() + " does not go with " + path + "; " + allowed + " does");
  }

  // Nothing, or why the body cannot be taken. What is left of it must not be read as the next request.
  std::optional<Answer> read_body(WireSocket& wire, HTTPServerRequest& request, std::string& body) const {
    const bool chunked = request.getChunkedTransferEncoding();
    const auto length = request.getContentLength64();
    const bool writes = request.getMethod() != HTTPRequest::HTTP_GET;
    if (!chunked && length < 0 && writes) return Answer::error(400, "send Content-Length, or the body in chunks");
    if (!chunked && length <= 0) return std::nullopt;
    if (!writes) return Answer::error(400, "GET takes no body");
    const auto too_long = Answer::error(413, "the body is over " + std::to_string(limits_.body) + " bytes");
    if (!chunked && static_cast<size_t>(length) > limits_.body) return too_long;
    wire.set_deadline(WireSocket::Clock::now() + limits_.patience);
    wire.set_allowance(2 * limits_.body + limits_.head);
    std::array<char, 8192> piece{};
    std::istream& in = request.stream();
    while (in.read(piece.data(), piece.size()), in.gcount() > 0) {
      body.append(piece.data(), static_cast<size_t>(in.gcount()));
      if (body.size() > limits_.body) return too_long;
    }
    if (in.bad() || (!chunked && body.size() < static_cast<size_t>(length)))
      return Answer::error(400, "the body ended early, or came too slowly");
    return std::nullopt;
  }

  void send(WireSocket& wire, HTTPServerResponse& response, const Answer& answer) const {
    response.setStatusAndReason(static_cast<HTTPResponse::HTTPStatus>(answer.status));
    if (!answer.ok() || response.getContentType() == Poco::Net::HTTPMessage::UNKNOWN_CONTENT_TYPE)
      response.setContentType("application/json");
    wire.set_deadline(WireSocket::Clock::now() + limits_.patience);
    response.sendBuffer(answer.body.data(), answer.body.size());
  }

  void fail(WireSocket& wire, HTTPServerResponse& response, const std::string& what) const {
    if (response.sent()) return;  // half an answer is out: the connection ends
    response.setKeepAlive(false);
    send(wire, response, Answer::error(500, what));
  }

  void stream(WireSocket& wire, HTTPServerResponse& response, const Route& route, const Ask& ask) {
    const FeedPtr feed = streams_.open();
    if (feed == nullptr) {
      send(wire, response,
           Answer::error(409, "no more than " + std::to_string(streams_.limit()) +
                                  " taps and followed logs at a time; end one of them"));
      return;
    }
    // Whatever happens, the backend hears that nobody listens any more.
    const std::shared_ptr<void> end(nullptr, [&](void*) {
      streams_.close(feed);
      backend_.drop(feed);
    });
    const Answer answer = route.stream(ask, feed);
    if (!answer.ok()) return send(wire, response, answer);
    response.setKeepAlive(false);
    response.setChunkedTransferEncoding(true);
    response.setContentType("application/x-ndjson");
    wire.set_deadline(WireSocket::Clock::now() + limits_.patience);
    std::ostream& out = response.send();
    out.flush();
    while (out.good()) {
      const auto wake = feed->wait(Feed::Clock::now() + std::chrono::hours(1), wire.fd());
      if (wake == Feed::Wake::closed || wake == Feed::Wake::peer_gone) break;
      if (wake == Feed::Wake::deadline) continue;
      wire.set_deadline(WireSocket::Clock::now() + limits_.patience);
      out << feed->take();
      out.flush();
    }
  }

  Backend& backend_;
  Streams& streams_;
  const RouteLimits& limits_;
};

}  // namespace

Poco::Net::HTTPRequestHandler* Routes::createRequestHandler(const HTTPServerRequest& request) {
  // Poco answers "Expect: 100-continue" by itself unless the status is an error already.
  if (request.getContentLength64() > static_cast<Poco::Int64>(limits_.body))
    request.response().setStatus(HTTPResponse::HTTP_REQUEST_ENTITY_TOO_LARGE);
  return std::make_unique<Handler>(backend_, streams_, limits_).release();
}

}  // namespace dtud::control
