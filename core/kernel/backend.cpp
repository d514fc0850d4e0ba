#include "kernel/backend.hpp"

#include <Poco/Base64Encoder.h>

#include <future>
#include <sstream>
#include <utility>

#include "config/json_text.hpp"
#include "config/secret_names.hpp"
#include "config/store.hpp"
#include "events/names.hpp"
#include "kernel/kernel.hpp"
#include "kernel/views.hpp"
#include "lanes/wall_clock.hpp"
#include "log/counted.hpp"
#include "log/secret_stream.hpp"
#include "log/utf8.hpp"

namespace dtud {
namespace {

using config::Json;
using config::JsonObject;
using config::make_object;
using control::Answer;

constexpr char kConsole[] = "console";

std::string findings_json(bool ok, const config::Findings& findings, const Changes::Outcome* outcome = nullptr,
                          const Device::Changed* changed = nullptr) {
  auto o = make_object();
  o->set("ok", ok);
  config::JsonArray::Ptr list = new config::JsonArray;
  for (const config::Finding& f : findings) list->add(views::finding(f));
  o->set("findings", list);
  if (changed != nullptr) {
    config::JsonArray::Ptr names = new config::JsonArray;
    for (const std::string& name : *changed) names->add(name);
    o->set("changed", names);
  }
  if (outcome != nullptr) {
    o->set("revision", outcome->revision);
    o->set("stored", outcome->stored);
    if (outcome->restored != 0) o->set("restored", outcome->restored);
    if (!outcome->note.empty()) o->set("note", outcome->note);
  }
  return config::to_json(Json(o));
}

JsonObject::Ptr line_view(const LogLine& line) {
  auto o = make_object();
  o->set("time_ns", line.time_ns);
  o->set("level", std::string(name_of(line.level)));
  o->set("who", line.who);
  o->set("text", line.text);
  return o;
}

// Names of members that hold secrets in what is installed: in documents, and in arguments of commands.
SecretNames secret_names(Kernel& kernel) {
  SecretNames names = config::secret_names(kernel.components().schemas());
  for (const auto& [name, offers] : kernel.directory().commands())
    for (const commands::Command& command : offers)
      if (command.arguments) config::add_secret_names(command.arguments->schema(), names);
  return names;
}

std::string tap_line(const routing::TapEvent& e, const Scrubber& scrubber, SecretStreams& streams) {
  const std::string stream = e.target + (e.in ? " in " : " out ") + std::to_string(e.peer);
  const std::string shown = streams.shown(scrubber, stream, e.payload);
  std::ostringstream data;
  Poco::Base64Encoder encoder(data);
  encoder.rdbuf()->setLineLength(0);
  encoder.write(shown.data(), static_cast<std::streamsize>(shown.size()));
  encoder.close();
  auto o = make_object();
  o->set("time_ns", e.time_ns);
  if (!clock_is_set(e.time_ns)) o->set("clock_set", false);
  o->set("target", e.target);
  o->set("direction", std::string(e.in ? "in" : "out"));
  o->set("route", std::string(e.route));
  if (!e.device.empty()) o->set("device", std::string(e.device));
  // The source of what comes from a port, or goes to it, is the port itself.
  const bool of_port = e.target.compare(0, 5, "port ") == 0;
  o->set("peer", of_port ? int64_t{0} : static_cast<int64_t>(e.peer));
  o->set("length", static_cast<int64_t>(e.payload.size()));
  o->set("data_b64", data.str());
  return config::to_json(Json(o));
}

// Between the parts of a JSON text only white space is a new line.
std::string one_line(std::string json) {
  for (char& c : json)
    if (c == '\n' || c == '\r') c = ' ';
  return json;
}

std::string event_line(const events::Event& e, uint32_t flags, const Scrubber& scrubber) {
  auto o = make_object();
  o->set("time_ns", e.time_ns);
  if (!clock_is_set(e.time_ns)) o->set("clock_set", false);
  o->set("seq", static_cast<int64_t>(e.seq));
  o->set("name", e.name);
  o->set("source", e.source);
  if ((flags & DTU_EVENT_STATE) != 0) o->set("state", true);
  if ((flags & DTU_EVENT_LAST) != 0) o->set("last", true);
  if ((flags & DTU_EVENT_GONE) != 0) o->set("gone", true);
  // The object as it came: parsed and written again its numbers could become others.
  std::string line = config::to_json(Json(o));
  line.back() = ',';
  return line + "\"data\":" + scrubber.clean_json(one_line(e.json)) + "}";
}

std::string value_view(const std::string& name, const std::string& json, uint32_t age_ms = 0, bool stale = false) {
  return "{\"name\":" + config::to_json(Json(name)) + ",\"value\":" + (json.empty() ? "null" : json) +
         ",\"age_ms\":" + std::to_string(age_ms) + ",\"stale\":" + (stale ? "true" : "false") + "}";
}

int http_status(dtu_status status) {
  return status == DTU_E_NOT_FOUND                           ? 404
         : status == DTU_E_INVALID                           ? 400
         : status == DTU_E_TIMEOUT || status == DTU_E_CLOSED ? 503
                                                             : 409;
}

std::string call_view(const commands::Answer& a) {
  if (a.status == DTU_OK) return R"({"status":"ok","result":)" + (a.json.empty() ? "null" : a.json) + "}";
  auto o = make_object();
  o->set("status", std::string(commands::name_of_status(a.status)));
  o->set("error", a.error);
  if (a.protocol_code != 0) o->set("protocol_code", a.protocol_code);
  return config::to_json(Json(o));
}

}  // namespace

struct KernelBackend::Waiting {
  std::promise<Answer> answer;
  std::atomic<bool> answered{false};
  void give(Answer a) {
    if (!answered.exchange(true)) answer.set_value(std::move(a));
  }
};

Answer KernelBackend::ask(Question question, std::chrono::milliseconds deadline) {
  auto waiting = std::make_shared<Waiting>();
  auto future = waiting->answer.get_future();
  uint64_t id = 0;
  {
    Lock lock(mutex_);
    if (refusing_) return Answer::error(503, "dtud is stopping");
    id = ++last_;
    waiting_.emplace(id, waiting);
  }
  kernel_.lane().post([this, waiting, question = std::move(question)] {
    if (waiting->answered.load()) return;
    question([this, waiting](Answer a) {
      a.held = kernel_.answers().local();
      waiting->give(std::move(a));
    });
  });
  const bool in_time = future.wait_for(deadline) == std::future_status::ready;
  {
    Lock lock(mutex_);
    waiting_.erase(id);
  }
  if (!in_time) waiting->give(Answer::error(503, "dtud did not answer in time: see dtuctl log"));
  return future.get();
}

void KernelBackend::refuse_from_now() {
  Lock lock(mutex_);
  refusing_ = true;
  for (const auto& [id, waiting] : waiting_) waiting->give(Answer::error(503, "dtud is stopping"));
}

Answer KernelBackend::view(std::string (*make)(Kernel&)) {
  return ask([this, make](const Reply& reply) { reply({200, make(kernel_)}); });
}

Answer KernelBackend::status() { return view(views::status); }
Answer KernelBackend::plugins() { return view(views::plugins); }
Answer KernelBackend::commands() { return view(views::commands); }
Answer KernelBackend::points() { return view(views::points); }
Answer KernelBackend::ports() { return view(views::ports); }
Answer KernelBackend::channels() { return view(views::channels); }
Answer KernelBackend::spool() { return view(views::spool); }
Answer KernelBackend::metrics() { return view(views::metrics); }

Answer KernelBackend::retry_instance(const std::string& instance) {
  return ask([this, instance](const Reply& asker) {
    const Reply reply = audited("plugins.retry", asker);
    plugins::Instance* found = kernel_.instance(instance);
    if (found == nullptr)
      return reply(Answer::error(404, "there is no instance \"" + instance + "\": see dtuctl status"));
    if (const std::string refused = found->retry(); !refused.empty()) return reply(Answer::error(409, refused));
    reply({200, "{\"instance\":" + config::to_json(Json(instance)) + ",\"retried\":true}"});
  });
}

Answer KernelBackend::component(const std::string& type) {
  return ask([this, type](const Reply& reply) {
    std::string body = views::component(kernel_, type);
    if (body.empty()) return reply(Answer::error(404, "no plugin offers type \"" + type + "\": see dtuctl plugins"));
    reply({200, std::move(body)});
  });
}

Answer KernelBackend::call(const std::string& json) {
  config::Findings findings;
  const auto parsed = config::read_json(json, "", findings);
  const JsonObject* body = parsed ? config::as_object(*parsed) : nullptr;
  if (body == nullptr)
    return Answer::error(400, findings.empty() ? "the body is not a JSON object" : findings.front().message);
  commands::Request request;
  request.command = config::as_text(body->get("command"));
  request.code = config::as_integer(body->get("code"), -1);
  const Json to = body->get("to");
  if (!to.isEmpty() && !to.isString())
    return Answer::error(400, "\"to\" is the name of an instance: see dtuctl commands");
  request.to = config::as_text(to);
  if (request.command.empty() && request.code < 0) return Answer::error(400, "the body needs \"command\" or \"code\"");
  const Json args = body->get("args");
  request.args = args.isEmpty() ? "{}" : config::to_json(args);
  request.caller = commands::console_caller();
  const int64_t ms = config::as_integer(body->get("deadline_ms"), commands::Calls::kDefaultDeadline_ms);
  if (ms < 1 || ms > commands::Calls::kLongestDeadline_ms)
    return Answer::error(400, "deadline_ms is 1 to " + std::to_string(commands::Calls::kLongestDeadline_ms));
  request.deadline_ms = static_cast<uint32_t>(ms);
  return ask(
      [this, request](const Reply& reply) {
        const auto refusal = kernel_.calls().invoke(request, nullptr, [reply](const commands::Answer& a) {
          reply({200, call_view(a)});
        });
        if (refusal.status != DTU_OK) reply({200, call_view(refusal)});
      },
      std::chrono::milliseconds(ms + 1000));
}

Answer KernelBackend::read_point(const std::string& name) {
  return ask(
      [this, name](const Reply& reply) {
        const auto done = [reply, name](const commands::Answer& a) {
          if (a.status != DTU_OK) return reply(Answer::error(http_status(a.status), a.error));
          reply({200, value_view(name, a.json, a.age_ms, a.stale)});
        };
        const auto refusal = kernel_.calls().read_point(name, nullptr, done);
        if (refusal.status != DTU_OK) done(refusal);
      },
      std::chrono::milliseconds(commands::Calls::kDefaultDeadline_ms + 1000));
}

Answer KernelBackend::write_point(const std::string& name, const std::string& json) {
  return ask(
      [this, name, json](const Reply& asker) {
        const Reply reply = audited("points.write", asker);
        const auto done = [reply, name, json](const commands::Answer& a) {
          if (a.status != DTU_OK) return reply(Answer::error(http_status(a.status), a.error));
          reply({200, value_view(name, json)});
        };
        const auto refusal = kernel_.calls().write_point(name, json, nullptr, done);
        if (refusal.status != DTU_OK) done(refusal);
      },
      std::chrono::milliseconds(commands::Calls::kDefaultDeadline_ms + 1000));
}

Answer KernelBackend::stored(uint32_t channel, uint64_t from_seq) {
  constexpr uint32_t kPageMessages = 500;
  constexpr uint64_t kPageBytes = 256U << 10U;
  return ask([this, channel, from_seq](const Reply& reply) {
    routing::Channel* c = kernel_.router().channel(channel);
    if (c == nullptr) return reply(Answer::error(404, "there is no channel " + std::to_string(channel)));
    if (c->outbox.backlog() == nullptr) return reply({200, views::spool_page({})});
    c->outbox.backlog()->peek(
        from_seq, kPageMessages, kPageBytes,
        [reply](const std::vector<routing::Backlog::Peeked>& page, const spool::Trouble& trouble) {
          if (trouble) return reply(Answer::error(409, trouble.text));
          reply({200, views::spool_page(page)});
        });
  });
}

Answer KernelBackend::clear_stored(uint32_t channel) {
  return ask([this, channel](const Reply& asker) {
    const Reply reply = audited("spool.clear", asker);
    routing::Channel* c = kernel_.router().channel(channel);
    if (c == nullptr) return reply(Answer::error(404, "there is no channel " + std::to_string(channel)));
    c->outbox.clear([this, reply, name = c->name](uint64_t messages, const spool::Trouble& trouble) {
      kernel_.log().warning(name, counted(messages, "waiting message") + " cleared by the console");
      if (trouble) return reply(Answer::error(409, trouble.text));
      reply({200, "{\"cleared\":" + std::to_string(messages) + "}"});
    });
  });
}

Answer KernelBackend::config() {
  return ask([this](const Reply& reply) { reply({200, config::masked(kernel_.changes().latest())}); });
}

Answer KernelBackend::board() {
  return ask([this](const Reply& reply) {
    config::FileError error;
    const auto text = config::read_file(kernel_.options().board_file, 1U << 20U, error);
    if (!text) return reply(Answer::error(409, error.text));
    const std::string shown = config::masked(*text, kernel_.board());
    if (shown.empty())
      return reply(Answer::error(409, kernel_.options().board_file + " cannot be read: dtud --check says why"));
    reply({200, shown});
  });
}

Answer KernelBackend::check_config(const std::string& text) {
  return ask([this, text](const Reply& reply) {
    const auto findings = kernel_.changes().check(text);
    reply({200, findings_json(config::first_new_error(findings) == nullptr, findings)});
  });
}

// Refused, or stored and applied: what PUT /v1/config and its like answer.
Answer KernelBackend::ask_to_change(const char* name,
                                    const std::function<void(const Changes::Stored&, Changes::Applied)>& change) {
  return ask(
      [this, name, change](const Reply& reply) {
        auto kept = std::make_shared<Changes::Outcome>();
        change(
            [this, name, reply, kept](const Changes::Outcome& outcome) {
              *kept = outcome;
              const config::Finding* error = config::first_new_error(outcome.findings);
              const auto status = outcome.taken ? DTU_OK : outcome.busy ? DTU_AGAIN : DTU_E_INVALID;
              kernel_.calls().note(kConsole, name, true,
                                   {status, "", outcome.taken || error == nullptr ? "" : config::to_text(*error)});
              if (!outcome.taken) reply({409, findings_json(false, outcome.findings, kept.get())});
            },
            [reply, kept](const Device::Changed& changed) {
              reply({200, findings_json(true, kept->findings, kept.get(), &changed)});
            });
      },
      std::chrono::seconds(10));
}

Answer KernelBackend::set_config(const std::string& text) {
  return ask_to_change("config.set", [this, text](const Changes::Stored& stored, Changes::Applied applied) {
    kernel_.changes().set(text, kConsole, stored, std::move(applied));
  });
}

Answer KernelBackend::patch_config(const std::string& json) {
  config::Findings findings;
  const auto patch = config::read_json(json, "", findings);
  if (!patch) return Answer{409, findings_json(false, findings)};
  return ask_to_change("config.patch", [this, patch](const Changes::Stored& stored, Changes::Applied applied) {
    kernel_.changes().patch(*patch, kConsole, stored, std::move(applied));
  });
}

Answer KernelBackend::reload_config() {
  return ask_to_change("config.reload", [this](const Changes::Stored& stored, Changes::Applied applied) {
    kernel_.changes().reload(stored, std::move(applied));
  });
}

Answer KernelBackend::roll_back(uint64_t revision) {
  return ask_to_change("config.rollback", [this, revision](const Changes::Stored& stored, Changes::Applied applied) {
    kernel_.changes().go_back(revision, kConsole, stored, std::move(applied));
  });
}

KernelBackend::Reply KernelBackend::audited(const char* what, Reply reply) {
  return [this, what, reply = std::move(reply)](Answer answer) {
    config::Findings ignored;
    const auto body = answer.ok() ? std::nullopt : config::read_json(answer.body, "", ignored);
    const dtu_status status = answer.ok()            ? DTU_OK
                              : answer.status == 404 ? DTU_E_NOT_FOUND
                              : answer.status == 503 ? DTU_E_TIMEOUT
                                                     : DTU_E_INVALID;
    kernel_.calls().note(kConsole, what, true,
                         {status, "", body ? config::as_text(config::as_object(*body)->get("error")) : ""});
    reply(std::move(answer));
  };
}

Answer KernelBackend::history() { return view(views::history); }
// When all that it shows is also in the file.
Answer KernelBackend::audit() {
  return ask([this](const Reply& reply) {
    const auto here = std::make_shared<bool>(true);
    kernel_.disk().run(
        here, [] { return true; },
        [this, here, reply](bool) {
          reply({200, views::audit(kernel_)});
        });
  });
}

Answer KernelBackend::upgrade() {
  return ask([this](const Reply& reply) { reply({200, kernel_.upgrades().state()}); });
}

Answer KernelBackend::follow_upgrade(const control::FeedPtr& feed) {
  return ask([this, feed](const Reply& reply) {
    upgrade_feeds_[feed.get()] =
        kernel_.upgrades().follow([weak = std::weak_ptr<control::Feed>(feed)](const std::string& state) {
          if (const auto to = weak.lock()) to->push(state);
        });
    reply({200, {}});
  });
}

Answer KernelBackend::events() { return view(views::events); }

Answer KernelBackend::follow_events(const std::string& prefix, const control::FeedPtr& feed) {
  if (!events::is_pattern(prefix))
    return Answer::error(400, "prefix=" + prefix + " is neither the name of an event nor first parts with a dot: sms.");
  return ask([this, prefix, feed](const Reply& reply) {
    event_feeds_[feed.get()] = kernel_.events().follow(
        prefix, [this, weak = std::weak_ptr<control::Feed>(feed)](const events::Event& event, uint32_t flags) {
          if (const auto to = weak.lock()) to->push(event_line(event, flags, kernel_.log().scrubber()));
        });
    reply({200, {}});
  });
}

Answer KernelBackend::revision(uint64_t id) {
  return ask([this, id](const Reply& reply) {
    std::string document = views::revision(kernel_, id);
    if (document.empty())
      return reply(Answer::error(404, "there is no revision " + std::to_string(id) + ": see dtuctl config history"));
    reply({200, std::move(document)});
  });
}

Answer KernelBackend::log(uint32_t lines) {
  auto o = make_object();
  config::JsonArray::Ptr list = new config::JsonArray;
  for (const LogLine& line : kernel_.log().newest(lines)) list->add(line_view(line));
  o->set("lines", list);
  return {200, config::to_json(Json(o))};
}

Answer KernelBackend::follow_log(const control::FeedPtr& feed) {
  auto token = kernel_.log().follow([weak = std::weak_ptr<control::Feed>(feed)](const LogLine& line) {
    if (const auto to = weak.lock()) to->push(config::to_json(Json(line_view(line))));
  });
  Lock lock(mutex_);
  follows_[feed.get()] = std::move(token);
  return {200, {}};
}

Answer KernelBackend::tap(const std::string& target, const control::FeedPtr& feed) {
  return ask([this, target, feed](const Reply& reply) {
    std::string name;  // "port:1" -> "port 1"; "all" -> ""
    if (target != "all") {
      const size_t colon = target.find(':');
      if (colon == std::string::npos) return reply(Answer::error(400, "target is port:ID, channel:ID or all"));
      name = target.substr(0, colon) + " " + target.substr(colon + 1);
      bool known = false;
      for (const auto& p : kernel_.router().ports()) known = known || p->name == name;
      for (const auto& c : kernel_.router().channels()) known = known || c->name == name;
      if (!known) return reply(Answer::error(404, "there is no " + name));
    }
    const auto streams = std::make_shared<SecretStreams>(secret_names(kernel_));
    taps_[feed.get()] = kernel_.router().taps().add(
        name, [this, streams, weak = std::weak_ptr<control::Feed>(feed)](const routing::TapEvent& event) {
          if (const auto to = weak.lock()) to->push(tap_line(event, kernel_.log().scrubber(), *streams));
        });
    reply({200, {}});
  });
}

void KernelBackend::drop(const control::FeedPtr& feed) {
  {
    Lock lock(mutex_);
    follows_.erase(feed.get());
  }
  kernel_.lane().post([this, feed] {
    upgrade_feeds_.erase(feed.get());
    if (const auto node = event_feeds_.extract(feed.get())) kernel_.events().unfollow(node.mapped());
    const auto it = taps_.find(feed.get());
    if (it == taps_.end()) return;
    kernel_.router().taps().remove(it->second);
    taps_.erase(it);
  });
}

}  // namespace dtud
