#include "event_feed.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>

namespace command_dtu {

void EventFeed::join(Listener& listener, const std::vector<std::string>& names) {
  if (names.empty()) return;
  listeners_.push_back(&listener);
  for (const std::string& name : names) {
    try {
      subscriptions_.try_emplace(name, host_, name, [this](const dtu_event& event) { told(event); });
    } catch (const dtu::Failure& e) {
      host_.warn("events \"" + name + "\" are not forwarded: " + e.what());
    }
  }
}

void EventFeed::leave(const Listener& listener) {
  listeners_.erase(std::remove(listeners_.begin(), listeners_.end(), &listener), listeners_.end());
  if (listeners_.empty()) subscriptions_.clear();
}

void EventFeed::told(const dtu_event& event) {
  if ((event.flags & DTU_EVENT_LAST) != 0) return;  // it was told, and forwarded, before
  const auto now = listeners_;
  for (Listener* listener : now) listener->on_event(event);
}

bool selects(std::string_view name, std::string_view event) {
  if (name.empty() || name.back() != '.') return name == event;
  return event.size() > name.size() && event.substr(0, name.size()) == name;
}

std::string event_message(const dtu_event& event, uint64_t msg_id) {
  std::string out = "{";
  if (msg_id != 0) out += "\"msg_id\":" + std::to_string(msg_id) + ",";
  out += "\"event\":" + dtu::quoted(dtu::view(event.name)) + ",\"source\":" + dtu::quoted(dtu::view(event.source)) +
         ",\"time_ns\":" + std::to_string(event.time_ns);
  if ((event.flags & DTU_EVENT_GONE) != 0) out += ",\"gone\":true";
  return out.append(",\"data\":").append(dtu::view(event.json)) + "}";
}

}  // namespace command_dtu
