// `isolate` of a component: whether it runs in a process of its own, and what that may use.
#pragma once
#include <optional>

#include "config/documents.hpp"
#include "config/json_value.hpp"

namespace dtud::config {

// Of a value that satisfies the schema; nothing: it runs inside dtud.
[[nodiscard]] std::optional<IsolateConfig> isolate_of(const Json& value);

}  // namespace dtud::config
