// Real DTU files write 1883 as "1883", false as "0" and the default as "": made what the schema says, and only that.
#pragma once
#include "config/schema.hpp"

namespace dtud::config {

// A new value: types converted where the meaning is clear, blanks replaced by the default or left out, absent keys
// filled with their defaults. What cannot be converted stays as it is, for check() to name.
[[nodiscard]] Json normalised(const Json& value, const SchemaNode& schema);

}  // namespace dtud::config
