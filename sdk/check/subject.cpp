#include "subject.hpp"

#include <algorithm>
#include <utility>

namespace dtu::check {
namespace {

using Phase = host::InstanceRecord::Phase;
constexpr uint32_t stop_ms = 1000;
constexpr milliseconds known_in_vain(20);
constexpr milliseconds stop_grace(1000);  // dtud gives half a second; this machine may be busy

}  // namespace

Subject::Subject(Bench& bench, std::string name) : bench_(bench), name_(std::move(name)) {}

// --- life ------------------------------------------------------------------------------------------------------------

bool Subject::create(const std::string& config) {
  record_ = &bench_.state.instances.emplace_back();
  record_->host = &bench_.state;
  record_->component = &bench_.part.raw();
  record_->type = name_;
  const LentText lent(bench_.storage, config);
  const Job& job = bench_.job;
  const bool valid = config == job.config || config == job.changed_config || config == job.secret_config;
  broken_ = !job.refused.empty() || config.empty() || !valid;
  void* self = nullptr;
  status_ = call("create()", [&](dtu_error* e) {
    return bench_.part.component().create(&host::host_table(), record_->handle(), lent.get(), &self, e);
  });
  record_->self = status_ == DTU_OK ? self : nullptr;
  record_->phase = Phase::live;
  if (status_ > 0) bench_.found("life.create", in("create()") + " answered " + std::to_string(status_));
  if (status_ == DTU_OK && self == nullptr)
    bench_.found("life.create", in("create()") + " answered DTU_OK and left *self null");
  if (record_->self == nullptr) destroy();
  return alive();
}

bool Subject::start() {
  started_ = true;
  status_ = call("start()", [&](dtu_error* e) { return bench_.part.ops().start(self(), e); });
  if (status_ > DTU_PENDING) bench_.found("life.start", in("start()") + " answered " + std::to_string(status_));
  return status_ >= 0;
}

int32_t Subject::reported() const {
  int32_t last = 0;
  for (const host::Report& r : bench_.state.records().reports)
    if (r.by == record_->handle() && r.source == 0) last = r.state;
  return last;
}

bool Subject::is_up() const {
  const int32_t state = reported();
  if (!bench_.part.is_channel()) return state == 0 || state == DTU_STATE_UP || state == DTU_STATE_DEGRADED;
  return state == DTU_STATE_UP || state == DTU_STATE_DEGRADED;
}

bool Subject::is_well() const { return is_up() && reported() != DTU_STATE_DEGRADED; }

bool Subject::wait_up(milliseconds deadline) {
  return bench_.run_until([this] { return is_up(); }, deadline);
}

void Subject::stop(bool wait) {
  started_ = false;
  record_->phase = Phase::stopping;
  status_ = call("stop()", [&](dtu_error* e) { return bench_.part.ops().stop(self(), stop_ms, e); });
  if (status_ != DTU_OK && status_ != DTU_PENDING && status_ != DTU_E_EXCEPTION)
    bench_.found("life.stop", in("stop()") + " answered " + std::to_string(status_));
  if (status_ == DTU_PENDING && !wait) return;
  const auto wait_ms = bench_.job.stops_late ? known_in_vain : milliseconds(stop_ms) + stop_grace;
  if (status_ == DTU_PENDING && !bench_.run_until([this] { return reported() == DTU_STATE_STOPPED; }, wait_ms) &&
      !bench_.job.stops_late)
    bench_.found("life.stop-late", in("stop()") + " answered DTU_PENDING; no report(STOPPED) came within its " +
                                       std::to_string(stop_ms) + " ms");
  record_->phase = Phase::stopped;
}

void Subject::destroy() {
  bench_.act(in("the end of its callbacks"), [&] { bench_.state.end_callbacks(*record_); });
  if (record_->self != nullptr) bench_.act(in("destroy()"), [&] { bench_.part.ops().destroy(self()); });
  record_->phase = Phase::destroyed;
  record_->self = nullptr;
  for (const std::string& what : bench_.state.loop.forget(record_))
    bench_.found("leak.timers", name_ + " left behind at destroy(): " + what);
  if (const int64_t left = record_->buffers; left > 0)
    bench_.found("leak.buffers",
                 name_ + " did not give back " + std::to_string(left) + " buffers by the end of destroy()");
}

void Subject::end() {
  if (!alive()) return;
  if (started_) stop();
  destroy();
}

void Subject::health() {
  const auto& ops = bench_.part.ops();
  if (ops.health == nullptr) return;
  std::vector<std::string> out;
  const auto take = [](void* to, dtu_str json) { static_cast<std::vector<std::string>*>(to)->push_back(said(json)); };
  dtu_status status = DTU_OK;
  bench_.act(in("health()"), [&] { status = ops.health(self(), take, &out); });
  if (status != DTU_OK) return;
  if (out.size() != 1)
    return bench_.found("life.health", in("health()") + " gave " + std::to_string(out.size()) + " texts");
  if (!is_json_object(out[0]))
    bench_.found("life.health", in("health()") + " gave no JSON object: " + out[0].substr(0, 60));
  bench_.look_for_secrets("health", out[0]);
}

// --- calls -----------------------------------------------------------------------------------------------------------

dtu_status Subject::call(const std::string& function, const std::function<dtu_status(dtu_error*)>& body) {
  dtu_error error = Bench::fresh_error();
  const dtu_status status = bench_.call(in(function), [&] { return body(&error); });
  bench_.judge(in(function), status, error);
  // dtud counts that as a fault of the plugin, wherever the exception was stopped.
  if (status == DTU_E_EXCEPTION && !broken_)
    bench_.found("contract.exception",
                 in(function) + " answered DTU_E_EXCEPTION: " +
                     std::string(error.message, strnlen(error.message, sizeof error.message)).substr(0, 100));
  error_ = status < 0 ? std::string(error.message, strnlen(error.message, sizeof error.message)) : "";
  return status;
}

uint32_t Subject::offer(const std::string& function, std::vector<host::Message>& messages, bool with_tokens,
                        const Offer& body) {
  std::set<uint64_t> tokens;
  for (host::Message& m : messages) {
    if (with_tokens && m.token == 0) m.token = ++bench_.state.last_token;
    if (!with_tokens) m.token = 0;
    if (m.token != 0) tokens.insert(m.token);
  }
  bench_.state.tokens_offered(handle(), tokens);
  const auto n = static_cast<uint32_t>(messages.size());
  uint32_t taken = 0;
  dtu_status status = DTU_OK;
  {
    const Letters letters(bench_.storage, messages);
    status = call(function, [&](dtu_error* e) { return body(letters.data(), n, &taken, e); });
  }
  const std::string answer = in(function) + " answered " + std::to_string(status) + " and took " +
                             std::to_string(taken) + " of " + std::to_string(n);
  if (taken > n || (status == DTU_OK && taken != n) || (status == DTU_AGAIN && taken == n))
    bench_.found("data.taken", answer);
  if (status > 0) bench_.found("data.status", answer);
  taken = std::min(taken, n);
  for (uint32_t k = 0; k < taken; ++k) tokens.erase(messages[k].token);
  bench_.state.tokens_left(handle(), tokens);
  status_ = status;
  return taken;
}

std::optional<host::Reply> Subject::ask(const std::string& function, const Ask& body, milliseconds deadline) {
  const uint64_t number = ++bench_.last_call;
  bench_.asked[number] = true;
  status_ = call(function, [&](dtu_error* e) { return body(number, e); });
  bench_.asked[number] = status_ >= 0;
  if (status_ < 0) return std::nullopt;
  std::optional<host::Reply> reply;
  const auto came = [&] {
    for (const host::Reply& r : bench_.state.records().replies)
      if (r.call == number) reply = r;
    return reply.has_value();
  };
  if (!bench_.run_until(came, bench_.job.never_replies ? known_in_vain : deadline)) {
    bench_.found("reply.never",
                 in(function) + " answered DTU_OK; no reply() to call " + std::to_string(number) + " came");
    return reply;
  }
  if (reply->by != handle())
    bench_.found("life.two-instances", "a call to " + name_ + " was answered by another instance");
  return reply;
}

}  // namespace dtu::check
