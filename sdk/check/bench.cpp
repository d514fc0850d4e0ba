#include "bench.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <utility>

#include "config.hpp"
#include "process_state.hpp"

namespace dtu::check {
namespace {

using Clock = std::chrono::steady_clock;
constexpr milliseconds slow(100), blocking(500);  // dtud counts each call of the second kind as a fault
constexpr size_t lines_max = 100;                 // of the log, in one life: some 150 messages are carried in it
constexpr milliseconds turn_max(20);
constexpr uint64_t going_on = 8;    // other messages emitted after one found no room
constexpr uint64_t spinning = 200;  // DTU_AGAIN to one source while nobody said that there is room
constexpr char filler = '\x5A';     // what an error holds behind its text before the call

}  // namespace

Bench::Bench(Wire& wire, Trail& trail, const Part& p, const Job& j)
    : part(p), job(j), storage(trail), state(*this, storage), wire_(wire), trail_(trail) {
  state.strict = true;
  state.loop.call_through(
      [this](const void* owner, const char* what, const std::function<void()>& fn) { around(owner, what, fn); });
  state.points = {{"device.imei", "\"004999010640000\""}, {"radio.csq", "17"}, {"gpio.1", "0"}};
}

// --- calls -----------------------------------------------------------------------------------------------------------

dtu_status Bench::call(const std::string& function, const std::function<dtu_status()>& body) {
  dtu_status status = DTU_E_EXCEPTION;
  const auto waited = waited_for_cpu();
  trail_.enter(function);
  const auto begin = Clock::now();
  try {
    status = body();
  } catch (const std::exception& e) {
    found("contract.exception", function + " threw an exception: " + e.what());
  } catch (...) {
    found("contract.exception", function + " threw an exception that is not a std::exception");
  }
  auto took = std::chrono::duration_cast<milliseconds>(Clock::now() - begin);
  trail_.leave();
  if (took > slow) took -= std::chrono::duration_cast<milliseconds>(waited_for_cpu() - waited);
  if (took > slow && (part.component().caps & DTU_CAP_BLOCKING) == 0)
    found(took >= blocking ? "contract.blocks" : "contract.slow",
          function + " took " + std::to_string(took.count()) + " ms");
  return status;
}

void Bench::act(const std::string& function, const std::function<void()>& body) {
  call(function, [&] { return body(), DTU_OK; });
}

void Bench::around(const void* owner, const char* what, const std::function<void()>& fn) {
  std::string name = what;
  if (owner != nullptr) name += " of " + static_cast<const host::InstanceRecord*>(owner)->type;
  act(name, fn);
}

bool Bench::run_until(const std::function<bool()>& done, milliseconds deadline) {
  const auto until = Clock::now() + deadline;
  while (!done()) {
    const auto left = until - Clock::now();
    if (left <= left.zero()) return false;
    state.loop.turn(std::min<std::chrono::nanoseconds>(left, turn_max));
  }
  return true;
}

void Bench::run_for(milliseconds time) {
  run_until([] { return false; }, time);
}

// --- errors and secrets ----------------------------------------------------------------------------------------------

dtu_error Bench::fresh_error() {
  dtu_error e{};
  e.struct_size = sizeof e;
  std::fill(std::begin(e.message), std::end(e.message), filler);
  e.message[0] = '\0';
  return e;
}

void Bench::judge(const std::string& function, dtu_status status, const dtu_error& error) {
  const auto* end = std::find(std::begin(error.message), std::end(error.message), '\0');
  const std::string text(std::begin(error.message), end);
  look_for_secrets("the error of " + function, text);
  if (end == std::end(error.message) || (text.size() > 1 && text.back() == filler) || !is_utf8(text))
    return found("error.text", function + ": the text of the error has no NUL at the end or is not UTF-8: \"" +
                                   text.substr(0, 60) + "\"");
  if (status >= 0 || status == DTU_E_EXCEPTION || status == DTU_AGAIN) return;
  if (text.empty())
    return found("error.empty", function + " answered " + std::to_string(status) + " with an empty error");
  if (error.code != status)
    found("error.code", function + " answered " + std::to_string(status) + ", but the code of the error is " +
                            std::to_string(error.code));
}

void Bench::look_for_secrets(const std::string& where, const std::string& text) {
  for (const std::string& secret : job.secrets)
    if (text.find(secret) != std::string::npos) found("error.secret", "a secret of the configuration is in " + where);
}

void Bench::look_through_records() {
  const host::Records& r = state.records();
  size_t lines = 0;
  for (const host::LogLine& l : r.logs) {
    look_for_secrets("the log", l.text);
    lines += l.level <= DTU_LOG_INFO ? 1 : 0;
  }
  if (lines > lines_max) found("calls.log", std::to_string(lines) + " lines were logged, without those for debugging");
  for (const host::Report& p : r.reports) look_for_secrets("a report", p.text);
  for (const host::Published& e : r.events) {
    look_for_secrets("event " + e.name, e.json);
    if (!judged_events_.insert(e.name).second) continue;
    const dtu_event_info* info = host::declared_event(*host::InstanceRecord::of(e.by).component, e.name);
    if (info == nullptr || info->schema == nullptr || *info->schema == '\0') continue;
    const Schema schema(info->schema);
    for (const std::string& what : schema.trouble()) found("events.schema", "the schema of " + e.name + ": " + what);
    if (schema.usable() && !schema.completed(e.json)) found("events.schema", "event " + e.name + ": " + schema.why());
  }
  for (const host::Reply& p : r.replies) {
    look_for_secrets("an answer", p.error);
    const auto it = asked.find(p.call);
    if (it == asked.end()) {
      found("reply.unknown", "reply() to call " + std::to_string(p.call) + ", which was never made");
    } else if (!it->second) {
      found("reply.after-failure", "reply() to call " + std::to_string(p.call) + ", which had failed");
    }
    if (p.status == DTU_OK && !p.json.empty() && !is_json_value(p.json))
      found("reply.json", "the answer to call " + std::to_string(p.call) + " is not JSON: " + p.json.substr(0, 60));
  }
}

// --- what the host refuses -------------------------------------------------------------------------------------------

void Bench::refuse(const std::string& function, uint64_t nth) {
  const host::Lock lock(mutex_);
  counts_.clear();
  refused_ = function;
  refused_nth_ = nth;
}

uint64_t Bench::times_called(const std::string& function) {
  const host::Lock lock(mutex_);
  const auto it = counts_.find(function);
  return it == counts_.end() ? 0 : it->second;
}

bool Bench::refuses(const host::InstanceRecord& /*by*/, const char* function) {
  const host::Lock lock(mutex_);
  const uint64_t n = ++counts_[function];
  return refused_nth_ != 0 && refused_ == function && n == refused_nth_;
}

void Bench::misbehaved(const host::InstanceRecord* /*by*/, const char* rule, const std::string& what) {
  wire_.finding(rule, what);
}

// --- what is emitted -------------------------------------------------------------------------------------------------

void Bench::ports_open(const std::set<uint64_t>& keys) {
  const host::Lock lock(mutex_);
  for (const uint64_t key : keys_)
    if (keys.count(key) == 0) closed_keys_.insert(key);
  keys_ = keys;
}

void Bench::emits(const host::InstanceRecord& by, const dtu_msg& msg, dtu_status answer) {
  const host::Lock lock(mutex_);
  if (answer == DTU_E_INVALID)
    wire_.finding("emit.size", by.type + " emitted a route of " + std::to_string(msg.route.len) + ", a device of " +
                                   std::to_string(msg.device.len) + " and a payload of " +
                                   std::to_string(msg.payload.len) + " bytes");
  else if (!is_utf8(said(msg.device)))
    wire_.finding("emit.size", by.type + " emitted a device that is not UTF-8");
  if (by.component->kind == DTU_KIND_HAL && keys_.count(msg.source) == 0) {
    const bool closed = closed_keys_.count(msg.source) != 0;
    wire_.finding(closed ? "emit.after-close" : "emit.source", by.type + " emitted for the key " +
                                                                   std::to_string(msg.source) + ", which is " +
                                                                   (closed ? "closed" : "not the key of a port"));
  }
  const std::string payload = said(msg.payload);
  if (answer == DTU_AGAIN) {
    Held& held = held_[msg.source];
    if (held.again++ == 0) held.refused = payload;
    const size_t same = std::min(payload.size(), held.refused.size());  // bytes may come in other pieces
    const bool other = payload.compare(0, same, held.refused, 0, same) != 0;
    if (holding_ && other && ++held.others == going_on)
      wire_.finding("emit.spins", by.type + " emitted " + std::to_string(going_on) + " other messages for source " +
                                      std::to_string(msg.source) + " after one found no room");
    if (holding_ && held.again == spinning)
      wire_.finding("emit.spins", by.type + " emitted " + std::to_string(spinning) + " times for source " +
                                      std::to_string(msg.source) + " without waiting for writable()");
    return;
  }
  const auto it = held_.find(msg.source);
  if (it == held_.end() || it->second.resumed || answer != DTU_OK) return;
  it->second.resumed = true;
  const size_t common = std::min(payload.size(), it->second.refused.size());  // bytes may come in other pieces
  if (payload.compare(0, common, it->second.refused, 0, common) != 0)
    wire_.finding("emit.lost",
                  by.type + " did not emit the refused message first for source " + std::to_string(msg.source));
}

void Bench::hold_emits() {
  {
    const host::Lock lock(mutex_);
    holding_ = true;
    held_.clear();
  }
  state.set_emit_room(0);
}

void Bench::release_emits(const std::string& whose) {
  {
    const host::Lock lock(mutex_);
    holding_ = false;
  }
  state.set_emit_room(-1);
  const auto all_resumed = [this] {
    const host::Lock lock(mutex_);
    return std::all_of(held_.begin(), held_.end(), [](const auto& h) { return h.second.resumed; });
  };
  if (!run_until(all_resumed, patience()))
    found("emit.lost", whose + " did not emit the refused message again after writable()");
  const host::Lock lock(mutex_);
  held_.clear();
}

}  // namespace dtu::check
