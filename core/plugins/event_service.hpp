// dtu.events/1 for plugins of this process.
#pragma once
#include <dtu/events.h>

#include <string>
#include <string_view>

#include "events/event.hpp"

namespace dtud::plugins {

class Instance;
struct Handle;

[[nodiscard]] const dtu_events_service& event_service();
// Main lane: `instance` told event number `event` of its component's list. `json` was checked to be an object.
void tell_event(Instance& instance, size_t event, std::string json);
// The object is one that this event may carry.
[[nodiscard]] bool is_event_object(const events::Declared& event, std::string_view json);
// Events that were refused because there were too many: a fault. all: also of the last second. Any thread.
void note_flood(Handle& handle, const char* function, bool all);

// The instance behind a [lane] call, or null when it is gone or the call came on another thread: that is noted.
[[nodiscard]] Instance* on_lane(dtu_instance* i, const char* function);

}  // namespace dtud::plugins
