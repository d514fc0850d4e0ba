// dtu.events/1: what is told goes to the records and to those who subscribed, each from a turn of the loop of its own.
#include <dtu/events.h>

#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include "host/state.hpp"

namespace dtu::host {
namespace {

InstanceRecord& at(dtu_instance* i) { return InstanceRecord::of(i); }
State& host(dtu_instance* i) { return *at(i).host; }

// False: too many. The clock is the real one, whatever the plugin is made to believe.
bool within_budget(InstanceRecord& by) {
  const std::lock_guard<std::mutex> lock(by.events_mutex);
  const int64_t now = std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
  by.events_left = std::min(200.0, by.events_left + static_cast<double>(now - by.events_at_ns) * 20e-9);
  by.events_at_ns = now;
  if (by.events_left < 1) return false;
  by.events_left -= 1;
  return true;
}

bool is_object(const std::string& text) {
  try {
    return Json(text).raw().substr(0, 1) == "{";
  } catch (const Failure&) {
    return false;
  }
}

bool is_pattern(const std::string& p) {
  return !p.empty() && p.size() <= 64 && p.front() != '.' && p.find("..") == std::string::npos &&
         p.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_.-") == std::string::npos;
}

bool selects(const std::string& pattern, const std::string& name) {
  if (pattern.back() != '.') return pattern == name;
  return name.size() > pattern.size() && name.compare(0, pattern.size(), pattern) == 0;
}

dtu_status publish(dtu_instance* i, dtu_str name, dtu_str json) {
  InstanceRecord& by = at(i);
  State& state = host(i);
  if (!state.may_speak(by, "events.publish")) return DTU_E_CLOSED;
  if (by.phase != InstanceRecord::Phase::live && by.phase != InstanceRecord::Phase::creating) return DTU_E_CLOSED;
  const std::string event = text(name), object = text(json);
  const dtu_event_info* info = declared_event(*by.component, event);
  if (info == nullptr) {
    state.misbehaved(&by, rules::event_name,
                     by.type + " told event " + event + ", which its dtu.events/1 does not list");
    return DTU_E_DENIED;
  }
  const bool is_state = (info->flags & DTU_EVENT_STATE) != 0;
  const size_t most = is_state ? DTU_EVENT_STATE_JSON_MAX : DTU_EVENT_JSON_MAX;
  if (object.size() > most || !is_object(object)) {
    state.misbehaved(&by, rules::event_object,
                     by.type + " told event " + event + " with " +
                         (object.size() > most ? std::to_string(object.size()) + " bytes" : "what is no JSON object"));
    return DTU_E_INVALID;
  }
  if (!within_budget(by)) {
    if (!std::exchange(by.flooded, true))
      state.misbehaved(&by, rules::event_flood, by.type + " told more than 200 events at once, or 20 a second");
    return DTU_AGAIN;
  }
  if (state.refuses(by, "events.publish")) return DTU_AGAIN;
  state.write_down(&Records::events, Published{i, event, object});
  state.tell({event, object, by.type, is_state ? DTU_EVENT_STATE : 0U});
  return DTU_OK;
}

dtu_status subscribe(dtu_instance* i, const dtu_subscription* s, uint64_t* id) {
  if (s == nullptr || s->struct_size < sizeof *s) return DTU_E_INVALID;
  const auto refuse = [s](dtu_status status) {
    if (s->destroy != nullptr) s->destroy(s->ctx);
    return status;
  };
  if (!host(i).on_lane(at(i), "events.subscribe")) return refuse(DTU_E_CLOSED);
  if (host(i).refuses(at(i), "events.subscribe")) return refuse(DTU_AGAIN);
  if (s->fn == nullptr || id == nullptr || !is_pattern(text(s->pattern))) return refuse(DTU_E_INVALID);
  *id = host(i).subscribe(at(i), *s);
  return DTU_OK;
}

dtu_status unsubscribe(dtu_instance* i, uint64_t id) {
  if (!host(i).on_lane(at(i), "events.unsubscribe")) return DTU_E_CLOSED;
  return host(i).unsubscribe(at(i), id) ? DTU_OK : DTU_E_NOT_FOUND;
}

constexpr dtu_events_service table{sizeof(dtu_events_service), 0, publish, subscribe, unsubscribe};

}  // namespace

const dtu_event_info* declared_event(const dtu_component& c, const std::string& name) {
  for (uint64_t k = 0; k < c.iface_count; ++k) {
    if (std::strcmp(c.ifaces[k].id, DTU_EVENTS_IFACE) != 0) continue;
    const auto& table = *static_cast<const dtu_events*>(c.ifaces[k].table);
    for (uint32_t e = 0; e < table.count; ++e)
      if (table.list[e]->name == name) return table.list[e];
  }
  return nullptr;
}

const dtu_events_service& events_table() { return table; }

void State::tell(const Told& event) {
  const Lock lock(mutex_);
  tell_locked(event);
}

void State::tell_locked(Told event) {
  event.seq = ++last_event_;
  if ((event.flags & DTU_EVENT_STATE) != 0) {
    if ((event.flags & DTU_EVENT_GONE) != 0)
      last_events_.erase({event.source, event.name});
    else
      last_events_[{event.source, event.name}] = event;
  }
  for (const auto& [id, s] : subscriptions_)
    if (selects(s.pattern, event.name)) deliver(id, *s.by, event);
}

void State::deliver(uint64_t id, InstanceRecord& to, const Told& event) {
  loop.post(to.handle(), [this, id = id, &to, event] {
    Subscribed s;
    {
      const Lock lock(mutex_);
      const auto it = subscriptions_.find(id);
      if (it == subscriptions_.end() || to.phase != InstanceRecord::Phase::live) return;
      s = it->second;
    }
    const auto str = [](const std::string& t) { return dtu_str{t.data(), t.size()}; };
    const dtu_event e{sizeof e,        event.flags,
                      str(event.name), str(event.source),
                      event.seq,       static_cast<int64_t>(event.seq * 1000),
                      str(event.json), 0};
    s.fn(s.ctx, &e);
  });
}

uint64_t State::subscribe(InstanceRecord& by, const dtu_subscription& s) {
  const Lock lock(mutex_);
  const uint64_t id = ++last_subscription_;
  subscriptions_[id] = {&by, text(s.pattern), s.fn, s.destroy, s.ctx};
  std::vector<Told> first;
  for (const auto& [_, event] : last_events_)
    if (selects(text(s.pattern), event.name)) first.push_back(event);
  std::sort(first.begin(), first.end(), [](const Told& a, const Told& b) { return a.seq < b.seq; });
  for (Told& event : first) {
    event.flags |= DTU_EVENT_LAST;
    deliver(id, by, event);
  }
  return id;
}

bool State::unsubscribe(InstanceRecord& by, uint64_t id) {
  Subscribed s;
  {
    const Lock lock(mutex_);
    const auto it = subscriptions_.find(id);
    if (it == subscriptions_.end() || it->second.by != &by) return false;
    s = it->second;
    subscriptions_.erase(it);
  }
  if (s.destroy != nullptr) s.destroy(s.ctx);
  return true;
}

void State::end_events(InstanceRecord& of) {
  std::vector<Subscribed> ended;
  {
    const Lock lock(mutex_);
    for (auto it = subscriptions_.begin(); it != subscriptions_.end();) {
      const bool its = it->second.by == &of;
      if (its) ended.push_back(it->second);
      it = its ? subscriptions_.erase(it) : std::next(it);
    }
    std::vector<Told> gone;
    for (const auto& [key, event] : last_events_)
      if (key.first == of.type) gone.push_back(event);
    for (Told& event : gone) {
      event.json = "{}";
      event.flags = DTU_EVENT_STATE | DTU_EVENT_GONE;
      tell_locked(event);
    }
  }
  for (const Subscribed& s : ended)
    if (s.destroy != nullptr) s.destroy(s.ctx);
}

}  // namespace dtu::host
