#include "plugins/instances.hpp"

#include <array>
#include <cstdlib>

#include "plugins/context.hpp"
#include "plugins/instance.hpp"

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

Instances::~Instances() {
  for (const auto& lost : lost_)
    if (lost->lane().turn_began_ns() != 0) {
      // Still inside a plugin: its thread cannot be joined, and what it uses must not be freed.
      context_.log.error(lost->name(), "is still inside a call of the plugin while dtud exits");
      std::_Exit(EXIT_FAILURE);
    }
}

}  // namespace dtud::plugins
