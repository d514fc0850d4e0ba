#include "plugins/instances.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "plugins/context.hpp"
#include "plugins/instance.hpp"
#include "plugins/killers.hpp"

namespace dtud::plugins {

const char* name_of_state(int32_t state) {
  constexpr std::array<const char*, 7> names{"unknown", "connecting", "up", "degraded", "down", "failed", "stopped"};
  return state > 0 && state < static_cast<int32_t>(names.size()) ? names[static_cast<size_t>(state)] : names[0];
}

Instances::Instances(Context& context) : context_(context), faults_(context.log) {}

Handle& Instances::new_handle(Instance& instance) {
  Handle* handle = nullptr;
  if (retired_.size() > kRest) {
    handle = retired_.front();
    retired_.pop_front();
  } else {
    handles_.push_back(std::make_unique<Handle>(context_));
    handle = handles_.back().get();
  }
  handle->renew();
  handle->name = instance.name();
  handle->faults.store(&instance.faults());
  handle->inbox_bytes.store(0);
  handle->inbox_refused.store(false);
  handle->inbox_overrun.store(false);
  handle->buffers.store(0);
  handle->buffers_overrun.store(false);
  handle->refused.clear();
  handle->declared.store(&instance.component().events);
  handle->budget.renew();
  handle->checked_events = 0;
  {
    Lock lock(handle->door);
    handle->tasks.clear();
  }
  handle->closing.store(false);
  handle->ended.store(false);
  handle->lane.store(&instance.lane());
  handle->instance.store(&instance);
  return *handle;
}

void Instances::retire(Handle& handle, bool again) {
  handle.instance.store(nullptr);
  handle.ended.store(true);
  {
    Lock lock(handle.door);
    handle.lane.store(nullptr);
  }
  context_.inbox.forget(handle);
  if (again) retired_.push_back(&handle);
}

void Instances::keep(std::unique_ptr<Instance> lost) { lost_.push_back(std::move(lost)); }

const Instance* Instances::still_inside() const {
  const auto inside = [](const auto& lost) { return lost->lane().turn_began_ns() != 0; };
  const auto lost = std::find_if(lost_.begin(), lost_.end(), inside);
  return lost != lost_.end() ? lost->get() : nullptr;
}

// Its thread cannot be joined, and what it uses must not be freed.
Instances::~Instances() {
  const Instance* inside = still_inside();
  if (inside == nullptr) return;
  context_.log.error(inside->name(), "is still inside a call of the plugin while dtud exits");
  if (context_.killers != nullptr) context_.killers->page().end();
  std::_Exit(EXIT_FAILURE);
}

}  // namespace dtud::plugins
