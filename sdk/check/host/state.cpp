#include "host/state.hpp"

#include <dtu/channel.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

namespace dtu::host {
namespace {

template <typename T>
void move_all(std::deque<T>& from, std::deque<T>& to) {
  for (T& entry : from) to.push_back(std::move(entry));
  from.clear();
}

}  // namespace

Message copy(const dtu_msg& m) {
  Message out;
  out.payload = text(m.payload);
  out.route = text(m.route);
  out.device = text(m.device);
  out.latest_ns = m.latest_ns;
  out.source = m.source;
  out.token = m.token;
  out.flags = m.flags;
  out.time_ns = m.time_ns;
  for (uint32_t i = 0; i < m.prop_count; ++i) out.props[text(m.props[i].key)] = text(m.props[i].value);
  return out;
}

State::State(Observer& observer, Storage& bytes)
    : loop([this](const char* rule, const std::string& what) { misbehaved(nullptr, rule, what); }),
      storage(bytes),
      observer_(observer) {}

const std::string& State::folders() {
  std::string made = std::filesystem::temp_directory_path() / "dtu-folders-XXXXXX";
  if (folders_.empty() && ::mkdtemp(made.data()) != nullptr) folders_ = made;
  return folders_;
}

State::~State() {
  std::error_code ignored;
  if (!folders_.empty()) std::filesystem::remove_all(folders_, ignored);
  for (const InstanceRecord& i : instances)
    if (i.buffers > 0)
      misbehaved(&i, rules::leak_buffers,
                 i.type + ": " + std::to_string(i.buffers) + " buffers were never given back (buf_unref)");
}

void State::misbehaved(const InstanceRecord* by, const char* rule, const std::string& what) {
  const Lock lock(mutex_);
  complain(by, rule, what);
}

void State::complain(const InstanceRecord* by, const char* rule, const std::string& what) {
  fresh_.misbehaviour.push_back(what);
  observer_.misbehaved(by, rule, what);
}

bool State::may_call(InstanceRecord& i, const char* function) {
  if (i.phase != InstanceRecord::Phase::destroyed) return true;
  misbehaved(&i, rules::after_destroy, i.type + " called " + function + " after destroy()");
  return false;
}

bool State::may_speak(InstanceRecord& i, const char* function) {
  if (i.phase == InstanceRecord::Phase::creating)
    misbehaved(&i, rules::in_create, i.type + " called " + function + " from create(): wait for start()");
  if (strict && i.phase == InstanceRecord::Phase::stopped)
    misbehaved(&i, rules::after_stop, i.type + " called " + function + " after its stop() was finished");
  return may_call(i, function);
}

bool State::on_lane(InstanceRecord& i, const char* function) {
  if (std::this_thread::get_id() != lane)
    misbehaved(&i, rules::thread, i.type + " called " + function + " from a foreign thread: it is [lane] only");
  return may_call(i, function);
}

bool State::sound(InstanceRecord& i, const char* function, std::initializer_list<dtu_str> texts) {
  if (std::all_of(texts.begin(), texts.end(), [](dtu_str s) { return s.ptr != nullptr || s.len == 0; })) return true;
  misbehaved(&i, rules::arguments, i.type + " called " + function + " with a length and no bytes");
  return false;
}

dtu_status State::emit(InstanceRecord& i, const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  if (msgs == nullptr && n != 0) {
    misbehaved(&i, rules::arguments, i.type + " called emit without messages");
    return DTU_E_INVALID;
  }
  bool all_sound = true;
  for (uint32_t k = 0; k < n; ++k)
    all_sound = sound(i, "emit", {msgs[k].payload, msgs[k].route, msgs[k].device}) && all_sound;
  const Lock lock(mutex_);
  if (strict && i.phase != InstanceRecord::Phase::live) {
    if (taken != nullptr) *taken = 0;
    return DTU_E_CLOSED;
  }
  dtu_status status = DTU_OK;
  uint32_t k = 0;
  for (; k < n && status == DTU_OK; ++k) {
    const dtu_msg& m = msgs[k];
    if (!all_sound || m.route.len > DTU_ROUTE_MAX || m.device.len > DTU_DEVICE_MAX || m.payload.len > DTU_PAYLOAD_MAX) {
      status = DTU_E_INVALID;
    } else if (emit_room_ == 0) {
      status = DTU_AGAIN;
      refused_.emplace(i.handle(), m.source);
    } else {
      if (m.owner != nullptr && !buffers::holds(m.owner, m.payload))
        complain(&i, rules::emit_buffer, i.type + " emitted a payload that lies outside its buffer");
      if (m.owner != nullptr) buffers::seal(m.owner);
      if (emit_room_ > 0) --emit_room_;
      Emitted e;
      static_cast<Message&>(e) = copy(m);
      e.by = i.handle();
      fresh_.emitted.push_back(std::move(e));
    }
    if (all_sound) observer_.emits(i, m, status);
  }
  if (taken != nullptr) *taken = status == DTU_OK ? k : k - 1;
  loop.wake();
  return status;
}

void State::set_emit_room(int64_t messages) {
  std::set<Key> tell;
  {
    const Lock lock(mutex_);
    emit_room_ = messages;
    if (messages != 0) tell.swap(refused_);
  }
  for (const auto& [handle, source] : tell) {
    InstanceRecord& i = InstanceRecord::of(handle);
    loop.post(&i, [&i, s = source] {
      if (i.phase == InstanceRecord::Phase::live && DTU_HAS(i.component->ops, dtu_ops, writable))
        i.component->ops->writable(i.self, s);
    });
  }
}

void State::tokens_offered(dtu_instance* by, const std::set<uint64_t>& tokens) {
  const Lock lock(mutex_);
  keeps_tokens_.insert(by);
  for (const uint64_t t : tokens) {
    open_tokens_.emplace(by, t);
    closed_tokens_.erase({by, t});
  }
}

void State::tokens_left(dtu_instance* by, const std::set<uint64_t>& not_taken) {
  const Lock lock(mutex_);
  for (const uint64_t t : not_taken)
    if (open_tokens_.erase({by, t}) == 0)
      complain(&InstanceRecord::of(by), rules::unknown_token,
               InstanceRecord::of(by).type + " completed token " + std::to_string(t) + ", which it did not take");
}

size_t State::open_tokens(dtu_instance* by) {
  const Lock lock(mutex_);
  size_t n = 0;
  for (const auto& [handle, _] : open_tokens_) n += handle == by ? 1 : 0;
  return n;
}

void State::complete(InstanceRecord& i, uint64_t token, dtu_status status) {
  const Lock lock(mutex_);
  const std::string name = i.type + " completed token " + std::to_string(token);
  if (token == 0) complain(&i, rules::unknown_token, name + ": no completion was wanted");
  // 2: DTU_UNCONFIRMED, the one result above 0.
  if (status == DTU_AGAIN || (status > 0 && status != DTU_UNCONFIRMED))
    complain(&i, rules::completion_status, name + " with " + std::to_string(status));
  const bool was_open = open_tokens_.erase({i.handle(), token}) == 1;
  const bool first = closed_tokens_.emplace(i.handle(), token).second;
  if (!first) complain(&i, rules::completed_twice, name + " twice");
  // Whoever calls dtu_channel.send by hand keeps the books himself.
  if (first && !was_open && token != 0 && keeps_tokens_.count(i.handle()) != 0) {
    const bool of_another = std::any_of(open_tokens_.begin(), open_tokens_.end(),
                                        [token](const Key& open) { return open.second == token; });
    complain(&i, of_another ? rules::foreign : rules::unknown_token,
             name + (of_another ? ", which another instance was given" : ", which it was not given"));
  }
  fresh_.completions.push_back({i.handle(), token, status});
  loop.wake();
}

void State::report(InstanceRecord& i, Report r) {
  if (r.state < DTU_STATE_CONNECTING || r.state > DTU_STATE_STOPPED)
    misbehaved(&i, rules::state, i.type + " reported the unknown state " + std::to_string(r.state));
  if (strict && r.source == 0 && r.state == DTU_STATE_DOWN && i.phase == InstanceRecord::Phase::live)
    if (const size_t open = open_tokens(i.handle()); open != 0)
      misbehaved(&i, rules::open_at_down, i.type + " reported DOWN with " + std::to_string(open) + " tokens open");
  write_down(&Records::reports, std::move(r));
}

bool State::has_replied(dtu_instance* by, uint64_t call) {
  const Lock lock(mutex_);
  return replied_.count({by, call}) != 0;
}

dtu_status State::reply(Reply r) {
  const Lock lock(mutex_);
  if (!replied_.emplace(r.by, r.call).second)
    complain(&InstanceRecord::of(r.by), rules::reply_twice,
             InstanceRecord::of(r.by).type + " answered call " + std::to_string(r.call) + " twice");
  fresh_.replies.push_back(std::move(r));
  loop.wake();
  return DTU_OK;
}

std::optional<uint64_t> State::add_metric(const InstanceRecord& i, uint32_t kind, const std::string& name) {
  // NAME or NAME{LABEL="VALUE"}
  const std::string base = name.substr(0, name.find('{'));
  if (base.empty() || base.size() > 48 ||
      base.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos)
    return {};
  if (base.size() != name.size() && (name.find("=\"") == std::string::npos || name.substr(name.size() - 2) != "\"}"))
    return {};
  if (kind != DTU_METRIC_COUNTER && kind != DTU_METRIC_GAUGE) return {};
  const Lock lock(mutex_);
  for (size_t k = 0; k < metrics_.size(); ++k)
    if (metrics_[k].type == i.type && metrics_[k].name == name) return k + 1;
  metrics_.push_back({i.type, name, kind, 0});
  return metrics_.size();
}

void State::set_metric(uint64_t id, uint64_t add, std::optional<int64_t> set) {
  const Lock lock(mutex_);
  if (id == 0 || id > metrics_.size())
    return complain(nullptr, rules::metric, "metric " + std::to_string(id) + " does not exist");
  Metric& m = metrics_[id - 1];
  if ((m.kind == DTU_METRIC_GAUGE) != set.has_value())
    return complain(nullptr, rules::metric, "metric " + m.name + ": increase() is for counters, set() for gauges");
  m.value = set ? *set : m.value + static_cast<int64_t>(add);
}

std::optional<int64_t> State::metric(const std::string& type, const std::string& name) {
  const Lock lock(mutex_);
  for (const Metric& m : metrics_)
    if (m.name == name && (type.empty() || m.type == type)) return m.value;
  return {};
}

void State::forget_past() {
  static_cast<void>(records());
  records_.emitted.clear();
  records_.completions.clear();
  records_.logs.clear();
  records_.writables.clear();
  const Lock lock(mutex_);
  closed_tokens_.clear();
}

Records& State::records() {
  const Lock lock(mutex_);
  move_all(fresh_.emitted, records_.emitted);
  move_all(fresh_.completions, records_.completions);
  move_all(fresh_.reports, records_.reports);
  move_all(fresh_.logs, records_.logs);
  move_all(fresh_.replies, records_.replies);
  move_all(fresh_.writables, records_.writables);
  move_all(fresh_.link_writes, records_.link_writes);
  move_all(fresh_.line_calls, records_.line_calls);
  move_all(fresh_.drops, records_.drops);
  move_all(fresh_.requests, records_.requests);
  move_all(fresh_.events, records_.events);
  move_all(fresh_.misbehaviour, records_.misbehaviour);
  return records_;
}

}  // namespace dtu::host
