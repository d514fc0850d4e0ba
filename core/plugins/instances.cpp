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

Handle& Instances::new_handle(Instance& instance) {
  Handle* handle = nullptr;
  if (retired_.size() > kRest) {
    handle = retired_.front();
    retired_.pop_front();
  } else {
    handles_.push_back(std::make_unique<Handle>());
    handle = handles_.back().get();
  }
  handle->context = &context_;
  handle->name = instance.name();
  handle->inbox_bytes.store(0);
  handle->inbox_refused.store(false);
  handle->closing.store(false);
  handle->instance.store(&instance);
  return *handle;
}

void Instances::retire(Handle& handle) {
  handle.instance.store(nullptr);
  context_.inbox.forget(handle);
  retired_.push_back(&handle);
}

void Instances::abandon(std::unique_ptr<Lane> lane, std::thread thread, std::unique_ptr<Resources> resources) {
  lane->stop();
  lost_.push_back({std::move(lane), std::move(resources), std::move(thread)});
}

Instances::~Instances() {
  for (Lost& lost : lost_) {
    if (lost.lane->turn_began_ns() != 0) {
      // Still inside a plugin: its thread cannot be joined, and what it uses must not be freed.
      context_.log.error(lost.lane->name(), "still inside its plugin at the end of dtud");
      std::_Exit(EXIT_FAILURE);
    }
    lost.thread.join();
  }
}

}  // namespace dtud::plugins
