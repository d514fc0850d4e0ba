#include "plugins/inbox.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "lanes/wall_clock.hpp"
#include "plugins/event_service.hpp"
#include "plugins/instance.hpp"
#include "plugins/sound.hpp"
#include "plugins/upcalls.hpp"

namespace dtud::plugins {
namespace {

constexpr std::array<const char*, 9> kNames{"emit",  "emit",    "complete", "writable", "report",
                                            "reply", "publish", "invoke",   ""};
constexpr size_t kMostSources = 256;  // a plugin that emits for more ports than there can be

std::unique_ptr<dtu_error> copy(const dtu_error* error) {
  if (error == nullptr) return nullptr;
  auto mine = std::make_unique<dtu_error>(*error);
  mine->message[sizeof mine->message - 1] = '\0';
  return mine;
}

}  // namespace

Inbox::Inbox(Lane& main, Upcalls& up) : main_(main), up_(up) {
  main_.add_turn_hook([this] { return deliver(); });
  look_timer_ = main_.timers().create(look_due, this);
}

Inbox::~Inbox() { main_.timers().destroy(look_timer_); }

void Inbox::push(Item item, Urgency urgency) {
  {
    Lock lock(mutex_);
    items_.push_back(std::move(item));
    if (urgency == Urgency::may_wait && look_is_due_ && items_.size() < kMostWaiting) return;
  }
  main_.wake();
}

bool Inbox::push_call(Item item, Urgency urgency) {
  Handle& from = *item.from;
  item.bytes += sizeof(Item) + item.json.size() + (item.error != nullptr ? sizeof(dtu_error) : 0);
  if (from.inbox_call_bytes.fetch_add(item.bytes) + item.bytes <= kMostCallBytes) {
    push(std::move(item), urgency);
    return true;
  }
  from.inbox_call_bytes.fetch_sub(item.bytes);
  if (from.inbox_overrun.exchange(true)) return false;
  accuse(from, Fault::overrun, kNames.at(static_cast<size_t>(item.kind)),
         "calls the host faster than dtud can handle (" + std::to_string(kMostCallBytes >> 20U) + " MiB wait)");
  return false;
}

void Inbox::accuse(Handle& from, Fault kind, const char* function, std::string what) {
  Item item{Kind::fault, &from, 0, 0, static_cast<int32_t>(kind), {}, std::move(what), nullptr};
  item.function = function;
  push(std::move(item));
}

void Inbox::expect_completions() {
  if (look_armed_) return;
  look_armed_ = true;
  main_.timers().arm(look_timer_, main_.now_ns() + kLookAfter_ns);
  Lock lock(mutex_);
  look_is_due_ = true;
}

void Inbox::look_due(void* self) {
  // The turn this timer makes does the looking; from here on the lane has to be woken again.
  auto& me = *static_cast<Inbox*>(self);
  me.look_armed_ = false;
  Lock lock(me.mutex_);
  me.look_is_due_ = false;
}

dtu_status Inbox::emit(Handle& from, const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  *taken = 0;
  while (*taken < n) {
    const dtu_msg& msg = msgs[*taken];
    if (!is_acceptable(msg)) return from.faults.load()->unacceptable("emit");
    const uint64_t cost = msg.payload.len + sizeof(Item);
    if (from.inbox_bytes.fetch_add(cost) + cost > kMostBytes) {
      from.inbox_bytes.fetch_sub(cost);
      refuse(from, msg.source);
      return DTU_AGAIN;
    }
    Item item{Kind::emit, &from, cost, 0, 0, KeptMessage::keep(msg), {}, nullptr};
    if (!item.message) {
      from.inbox_bytes.fetch_sub(cost);
      return DTU_E_INTERNAL;
    }
    // It may have to wait here: the time it was read is now.
    if (item.message.time_ns == 0) item.message.time_ns = wall_clock_ns();
    push(std::move(item));
    ++*taken;
  }
  return DTU_OK;
}

void Inbox::refuse(Handle& from, uint64_t source) {
  {
    Lock lock(mutex_);
    auto& owed = from.refused;
    if (std::find(owed.begin(), owed.end(), source) == owed.end() && owed.size() < kMostSources) owed.push_back(source);
    from.inbox_refused.store(true);
  }
  // Should everything have been delivered meanwhile, nothing would tell of the room.
  if (from.inbox_bytes.load() <= kMostBytes / 2) push({Kind::room, &from, 0, 0, 0, {}, {}, nullptr});
}

void Inbox::complete(Handle& from, uint64_t token, dtu_status status) {
  push_call({Kind::complete, &from, 0, token, status, {}, {}, nullptr},
            status == DTU_OK ? Urgency::may_wait : Urgency::now);
}
void Inbox::writable(Handle& from, uint64_t source) {
  push_call({Kind::writable, &from, 0, source, 0, {}, {}, nullptr});
}
void Inbox::report(Handle& from, uint64_t source, int32_t state, const dtu_error* error) {
  push_call({Kind::report, &from, 0, source, state, {}, {}, copy(error)});
}
dtu_status Inbox::reply(Handle& from, const dtu_reply& reply) {
  if (reply.json.len > DTU_PAYLOAD_MAX) return DTU_E_INVALID;
  Item item{Kind::reply, &from, 0, reply.call, reply.status, {}, std::string(view(reply.json)), copy(reply.error)};
  item.age_ms = reply.age_ms;
  item.flags = reply.flags;
  return push_call(std::move(item)) ? DTU_OK : DTU_AGAIN;
}

bool Inbox::publish(Handle& from, size_t event, std::string_view json) {
  return push_call({Kind::publish, &from, 0, event, 0, {}, std::string(json), nullptr});
}

bool Inbox::ask(Handle& from, uint64_t bytes, std::function<void(Instance&)> fn) {
  Item item{Kind::ask, &from, bytes, 0, 0, {}, {}, nullptr};
  item.run = std::move(fn);
  return push_call(std::move(item));
}

bool Inbox::deliver() {
  {
    Lock lock(mutex_);
    running_.swap(items_);
  }
  bool any = !running_.empty();
  for (Item& item : running_) run(item);
  running_.clear();
  for (auto it = held_.begin(); it != held_.end();) {
    any = resume(*it->first, it->second) || any;
    it = it->second.empty() ? held_.erase(it) : std::next(it);
  }
  return any;
}

void Inbox::run(Item& item) {
  Instance* instance = item.from->instance.load();
  if (item.kind != Kind::emit) item.from->inbox_call_bytes.fetch_sub(item.bytes);
  if (instance == nullptr) {
    if (item.kind == Kind::emit) item.from->inbox_bytes.fetch_sub(item.bytes);
    return;
  }
  switch (item.kind) {
    case Kind::emit: {
      const auto waiting = held_.find(item.from);
      if (waiting != held_.end() || !hand_over(*item.from, item.message))
        held_[item.from].push_back(std::move(item.message));
      else
        freed(*item.from, item.bytes);
      break;
    }
    case Kind::room:
      freed(*item.from, 0);
      break;
    case Kind::complete:
      up_.complete(*instance, item.number, item.status);
      break;
    case Kind::writable:
      up_.writable(*instance, item.number);
      break;
    case Kind::report:
      instance->reported(item.number, item.status, item.error.get());
      break;
    case Kind::publish:
      tell_event(*instance, item.number, std::move(item.json));
      break;
    case Kind::ask:
      item.run(*instance);
      break;
    case Kind::fault:
      instance->fault(static_cast<Fault>(item.status), item.function, item.json);
      break;
    case Kind::reply:
      (void)up_.reply(*instance, {sizeof(dtu_reply),
                                  item.status,
                                  item.number,
                                  {item.json.data(), item.json.size()},
                                  item.error.get(),
                                  item.age_ms,
                                  item.flags});
      break;
  }
}

bool Inbox::hand_over(Handle& from, const KeptMessage& message) {
  Instance* instance = from.instance.load();
  if (instance == nullptr) return true;
  const dtu_msg msg = message.view(0);
  uint32_t taken = 0;
  return up_.emit(*instance, &msg, 1, &taken) != DTU_AGAIN;
}

void Inbox::freed(Handle& from, uint64_t bytes) {
  const uint64_t left = from.inbox_bytes.fetch_sub(bytes) - bytes;
  if (left > kMostBytes / 2 || !from.inbox_refused.exchange(false)) return;
  std::vector<uint64_t> owed;
  {
    Lock lock(mutex_);
    owed.swap(from.refused);
  }
  if (Instance* instance = from.instance.load())
    for (const uint64_t source : owed) instance->tell_writable(source);
}

// Tried every turn while there is something: whatever made the room, it is found.
bool Inbox::resume(Handle& from, std::deque<KeptMessage>& waiting) {
  bool any = false;
  for (; !waiting.empty() && hand_over(from, waiting.front()); any = true) {
    const uint64_t bytes = waiting.front().payload_size() + sizeof(Item);
    waiting.pop_front();
    freed(from, bytes);
  }
  return any;
}

void Inbox::forget(Handle& of) { held_.erase(&of); }

std::deque<KeptMessage> Inbox::take_waiting(Handle& of) {
  std::deque<KeptMessage> all;
  if (const auto node = held_.extract(&of)) all = std::move(node.mapped());
  Lock lock(mutex_);
  for (Item& item : items_)
    if (item.from == &of && item.kind == Kind::emit) all.push_back(std::move(item.message));
  const auto taken = [&](const Item& item) { return item.from == &of && item.kind == Kind::emit; };
  items_.erase(std::remove_if(items_.begin(), items_.end(), taken), items_.end());
  return all;
}

void Inbox::give(Handle& to, std::deque<KeptMessage> waiting) {
  if (waiting.empty()) return;
  uint64_t bytes = 0;
  for (const KeptMessage& message : waiting) bytes += message.payload_size() + sizeof(Item);
  to.inbox_bytes.fetch_add(bytes);
  auto& held = held_[&to];
  for (KeptMessage& message : held) waiting.push_back(std::move(message));
  held = std::move(waiting);
  main_.wake();
}

}  // namespace dtud::plugins
