// {id} in the texts a schema marks with "x-dtu-text" (dtu/sdk/placeholders.hpp).
#pragma once
#include <cstdint>

#include "config/schema.hpp"

namespace dtud::config {

// A copy of `value`, which satisfies the schema, with the id in each place.
[[nodiscard]] Json with_channel_id(const Json& value, const SchemaNode& schema, uint32_t id);

}  // namespace dtud::config
