#include "config/isolate.hpp"

namespace dtud::config {

std::optional<IsolateConfig> isolate_of(const Json& value) {
  const JsonObject* object = as_object(value);
  if (object == nullptr) return as_flag(value) ? std::optional<IsolateConfig>(IsolateConfig{}) : std::nullopt;
  IsolateConfig out;
  out.memory_mb = static_cast<uint32_t>(as_integer(object->get("memory_mb"), out.memory_mb));
  out.stall_s = static_cast<uint32_t>(as_integer(object->get("stall_s"), out.stall_s));
  return out;
}

}  // namespace dtud::config
