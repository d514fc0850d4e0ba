// Has a component check a configuration (dtu_ops.check) in this process, and carries what it found to another one.
#pragma once
#include <optional>
#include <string>

#include "config/checkup.hpp"
#include "config/json_value.hpp"
#include "plugins/loader/handshake.hpp"

namespace dtud::plugins {

// What it found: at most 64 faults and 256 names, texts cut to 1,000 bytes. Nothing when the component has no check().
[[nodiscard]] std::optional<config::Checkup> check_config(const LoadedComponent& component, const std::string& json);

[[nodiscard]] config::JsonObject::Ptr to_json(const config::Checkup& checkup);
// The bounds above hold here too: the other process may say anything.
[[nodiscard]] config::Checkup checkup_of(const config::Json& json);

}  // namespace dtud::plugins
