#include "host/test_host.hpp"

#include <gtest/gtest.h>
#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include "host/buffers.hpp"
#include "host/state.hpp"

namespace dtu::test {
namespace {

using Phase = InstanceRecord::Phase;
constexpr std::chrono::nanoseconds turn_max = std::chrono::milliseconds(50);

dtu_str borrow(const std::string& s) { return {s.data(), s.size()}; }

}  // namespace

OwnedMsg::OwnedMsg(Message m) : text_(std::make_unique<Message>(std::move(m))) {
  uint8_t* bytes = nullptr;
  raw_.owner = buffers::alloc(text_->payload.size(), &bytes);
  if (raw_.owner != nullptr) std::copy(text_->payload.begin(), text_->payload.end(), bytes);
  raw_.payload = {reinterpret_cast<const char*>(bytes), text_->payload.size()};
  raw_.token = text_->token;
  raw_.source = text_->source;
  raw_.time_ns = text_->time_ns;
  raw_.route = borrow(text_->route);
  raw_.device = borrow(text_->device);
  raw_.flags = text_->flags;
  for (const auto& [key, value] : text_->props) props_.push_back({borrow(key), borrow(value)});
  raw_.props = props_.data();
  raw_.prop_count = static_cast<uint32_t>(props_.size());
}
OwnedMsg::OwnedMsg(OwnedMsg&& o) noexcept : text_(std::move(o.text_)), props_(std::move(o.props_)), raw_(o.raw_) {
  o.raw_ = {};
}
OwnedMsg::~OwnedMsg() { buffers::unref(raw_.owner); }

Instance::Instance(Instance&& o) noexcept
    : host_(o.host_),
      record_(std::exchange(o.record_, nullptr)),
      status_(o.status_),
      error_(o.error_),
      started_(o.started_) {}

Instance::~Instance() {
  if (record_ == nullptr || record_->phase == Phase::destroyed) return;
  if (started_) stop_and_wait();
  destroy();
}

Instance::operator bool() const { return record_->self != nullptr; }
std::string Instance::error() const { return error_.message; }
void* Instance::self() const { return record_->self; }
dtu_instance* Instance::handle() const { return record_->handle(); }

dtu_status Instance::start() {
  error_ = {};
  started_ = true;
  return status_ = record_->component->ops->start(record_->self, &error_);
}

dtu_status Instance::stop(uint32_t deadline_ms) {
  error_ = {};
  started_ = false;
  record_->phase = Phase::stopped;
  return status_ = record_->component->ops->stop(record_->self, deadline_ms, &error_);
}

bool Instance::stop_and_wait(std::chrono::milliseconds deadline) {
  const auto stopped = [this] {
    for (const Report& r : host_->records().reports)
      if (r.by == handle() && r.source == 0 && r.state == DTU_STATE_STOPPED) return true;
    return false;
  };
  const auto until = std::chrono::steady_clock::now() + deadline;
  if (stop(static_cast<uint32_t>(deadline.count())) != DTU_PENDING) return status_ == DTU_OK;
  while (!stopped()) {
    if (std::chrono::steady_clock::now() >= until) return false;
    host_->loop.turn(turn_max);
  }
  return true;
}

void Instance::destroy() {
  host_->end_callbacks(*record_);
  if (record_->self != nullptr) record_->component->ops->destroy(record_->self);
  record_->phase = Phase::destroyed;
  record_->self = nullptr;
  for (const std::string& what : host_->loop.forget(record_))
    host_->misbehaved(record_, rules::leak_timers, record_->type + " left behind at destroy(): " + what);
}

std::string Instance::health() {
  const dtu_ops* ops = record_->component->ops;
  if (!DTU_HAS(ops, dtu_ops, health)) return {};
  std::string out;
  status_ = ops->health(
      record_->self, [](void* ctx, dtu_str json) { *static_cast<std::string*>(ctx) = text(json); }, &out);
  return out;
}

const void* Instance::find_iface(const char* id) const {
  const dtu_component& c = *record_->component;
  for (uint64_t k = 0; k < c.iface_count; ++k)
    if (std::strcmp(c.ifaces[k].id, id) == 0) return c.ifaces[k].table;
  return nullptr;
}

Sent Instance::offer(std::vector<Message> messages, bool with_tokens, const Call& call) {
  std::vector<OwnedMsg> owned;
  std::vector<dtu_msg> raw;
  std::set<uint64_t> tokens;
  for (Message& m : messages) {
    if (with_tokens && m.token == 0) m.token = ++host_->last_token;
    if (m.token != 0) tokens.insert(m.token);
    owned.emplace_back(std::move(m));
    raw.push_back(*owned.back().get());
  }
  host_->tokens_offered(handle(), tokens);
  Sent sent;
  error_ = {};
  sent.status = status_ = call(raw.data(), static_cast<uint32_t>(raw.size()), &sent.taken, &error_);
  sent.error = error_.message;
  if (sent.taken > raw.size()) {
    host_->misbehaved(record_, rules::taken, record_->type + " reports that it took more messages than it was given");
    sent.taken = static_cast<uint32_t>(raw.size());
  }
  if (sent.status == DTU_OK && sent.taken < raw.size())
    host_->misbehaved(record_, rules::taken, record_->type + " answered DTU_OK and did not take everything");
  for (uint32_t k = 0; k < sent.taken; ++k) {
    sent.tokens.push_back(raw[k].token);
    tokens.erase(raw[k].token);
  }
  host_->tokens_left(handle(), tokens);
  return sent;
}

Sent Instance::send(std::vector<Message> messages) {
  const auto* channel = iface<dtu_channel>(DTU_CHANNEL_IFACE);
  if (channel == nullptr) return {DTU_E_UNSUPPORTED, 0, {}, "no dtu.channel/1"};
  return offer(std::move(messages), true, [&](const dtu_msg* m, uint32_t n, uint32_t* taken, dtu_error* e) {
    return channel->send(self(), m, n, taken, e);
  });
}

Sent Instance::write(void* port, std::vector<Message> messages) {
  const auto* ports = iface<dtu_ports>(DTU_PORTS_IFACE);
  if (ports == nullptr) return {DTU_E_UNSUPPORTED, 0, {}, "no dtu.ports/1"};
  return offer(std::move(messages), false, [&](const dtu_msg* m, uint32_t n, uint32_t* taken, dtu_error* e) {
    return ports->write(self(), port, m, n, taken, e);
  });
}

size_t Instance::open_tokens() const { return host_->open_tokens(handle()); }

// What a plugin does wrong fails the test.
class TestHost::Judge final : public Observer {
 public:
  void misbehaved(const InstanceRecord* /*by*/, const char* /*rule*/, const std::string& what) override {
    if (!tolerant) ADD_FAILURE() << "plugin misbehaviour: " << what;
  }
  std::atomic<bool> tolerant{false};
};

TestHost::TestHost() : judge_(std::make_unique<Judge>()), state_(std::make_unique<State>(*judge_)) {}
TestHost::~TestHost() = default;

Instance TestHost::create(const dtu_component& component, const std::string& config_json) {
  InstanceRecord& record = state_->instances.emplace_back();
  record.host = state_.get();
  record.component = &component;
  record.type = component.type;
  Instance made(*state_, record);
  void* self = nullptr;
  made.status_ = component.create(&host_table(), record.handle(), borrow(config_json), &self, &made.error_);
  record.self = made.status_ == DTU_OK ? self : nullptr;
  record.phase = Phase::live;
  if (record.self == nullptr) made.destroy();
  return made;
}

bool TestHost::run_until(const std::function<bool()>& done, std::chrono::milliseconds deadline) {
  const auto until = std::chrono::steady_clock::now() + deadline;
  while (!done()) {
    const auto left = until - std::chrono::steady_clock::now();
    if (left <= left.zero()) return false;
    state_->loop.turn(std::min<std::chrono::nanoseconds>(left, turn_max));
  }
  return true;
}

void TestHost::run_for(std::chrono::milliseconds time) {
  run_until([] { return false; }, time);
}
void TestHost::use_fake_clock() { state_->loop.use_fake_clock(); }
void TestHost::advance(std::chrono::milliseconds by) { state_->loop.advance(by); }

const std::deque<Emitted>& TestHost::emitted() { return state_->records().emitted; }
const std::deque<Completion>& TestHost::completions() { return state_->records().completions; }
const std::deque<Report>& TestHost::reports() { return state_->records().reports; }
const std::deque<LogLine>& TestHost::logs() { return state_->records().logs; }
const std::deque<Reply>& TestHost::replies() { return state_->records().replies; }
const std::deque<Writable>& TestHost::writables() { return state_->records().writables; }
const std::deque<LinkWrite>& TestHost::link_writes() { return state_->records().link_writes; }
const std::deque<LineCall>& TestHost::line_calls() { return state_->records().line_calls; }
void TestHost::refuse_line(dtu_status status) { state_->line_refusal = status; }
const std::deque<Drop>& TestHost::drops() { return state_->records().drops; }
const std::deque<Request>& TestHost::requests() { return state_->records().requests; }
const std::deque<Published>& TestHost::events() { return state_->records().events; }
const std::deque<std::string>& TestHost::misbehaviour() { return state_->records().misbehaviour; }

int32_t TestHost::state(const Instance& inst, uint64_t source) {
  int32_t last = 0;
  for (const Report& r : reports())
    if (r.by == inst.handle() && r.source == source) last = r.state;
  return last;
}

bool TestHost::logged(std::string_view piece) {
  for (const LogLine& line : logs())
    if (line.text.find(piece) != std::string::npos) return true;
  return false;
}

std::string TestHost::emitted_bytes(uint64_t source) {
  std::string all;
  for (const Emitted& e : emitted())
    if (e.source == source) all += e.payload;
  return all;
}

void TestHost::clear() { state_->records() = {}; }

void TestHost::block_emit(bool yes) { state_->set_emit_room(yes ? 0 : -1); }
void TestHost::block_emit_after(uint32_t messages) { state_->set_emit_room(messages); }
void TestHost::withhold(const std::string& service_id) { state_->withheld.insert(service_id); }
std::map<std::string, std::string>& TestHost::kv(const std::string& type) { return state_->kv[type]; }
std::optional<int64_t> TestHost::metric(const std::string& name, const std::string& type) {
  return state_->metric(type, name);
}
void TestHost::tolerate_misbehaviour() { judge_->tolerant = true; }

void TestHost::on_command(const std::string& name, Handler handler) { state_->handlers[name] = std::move(handler); }
void TestHost::on_code(int64_t code, Handler handler) {
  state_->handlers["#" + std::to_string(code)] = std::move(handler);
}
void TestHost::on_point(const std::string& name, Handler handler) { state_->handlers[name] = std::move(handler); }
void TestHost::set_point(const std::string& name, const std::string& json, const std::string& unit) {
  state_->units[name] = unit;
  state_->set_point(name, json);
}
void TestHost::answer(uint64_t request_id, const Answer& answer) { state_->answer(request_id, answer); }
void TestHost::refuse_invoke(dtu_status status) { state_->invoke_refusal = status; }
void TestHost::tell(const std::string& name, const std::string& json, const std::string& source, uint32_t flags) {
  state_->tell({name, json, source, flags});
}

void TestHost::on_link_write(std::function<dtu_status(const LinkWrite&)> handler) {
  state_->on_link_write = std::move(handler);
}
const dtu_host* TestHost::table() const { return &host_table(); }

std::string check(const dtu_component& component, std::string_view config_json) {
  if (component.ops->check == nullptr) return "it has no check()";
  std::string out;
  const auto take = [](void* to, const dtu_finding* f) {
    constexpr const char* names[] = {"?", "error", "warning", "claim", "offer"};
    auto& lines = *static_cast<std::string*>(to);
    lines += std::string(f->level < 5 ? names[f->level] : "?") + " " + std::string(dtu::view(f->path)) + ": " +
             std::string(dtu::view(f->text)) + "\n";
  };
  dtu_error error{};
  const dtu_status status = component.ops->check(dtu::str(config_json), take, &out, &error);
  return status == DTU_OK ? out : out + "failed: " + error.message + "\n";
}

}  // namespace dtu::test
