// An event on its way: made once by the hub, shared by all who get it.
#pragma once
#include <dtu/events.h>

#include <cstdint>
#include <memory>
#include <string>

namespace dtud::events {

// An event that a component, or dtud itself, declares.
struct Declared {
  std::string name, title, schema;  // schema "": any object
  uint32_t flags = 0;               // DTU_EVENT_STATE
};

struct Event {
  std::string name, source, json;
  uint64_t seq = 0;
  int64_t time_ns = 0;
  uint32_t flags = 0;  // DTU_EVENT_STATE, DTU_EVENT_GONE
  bool kernel = false;

  [[nodiscard]] bool is_state() const { return (flags & DTU_EVENT_STATE) != 0; }
  [[nodiscard]] size_t bytes() const { return name.size() + source.size() + json.size(); }
};
using EventPtr = std::shared_ptr<const Event>;

}  // namespace dtud::events
