// What a JSON Schema asks for, as a table for people: of a configuration, or of the arguments of a command.
#pragma once
#include <string>

#include "json.hpp"
#include "terminal.hpp"

namespace dtuctl {

// One row for each property: name, type and allowed values, default, meaning. Those of nested objects follow their
// parent, with dots.
[[nodiscard]] Table schema_table(const std::string& title, const Json& schema);
// "channel [now]": the properties, those that may be left out in brackets; for a column.
[[nodiscard]] std::string properties_in_short(const Json& schema);

}  // namespace dtuctl
