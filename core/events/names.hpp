// Names of events, and patterns that select them.
#pragma once
#include <string>
#include <string_view>

namespace dtud::events {

// What is wrong with a name that a plugin declares: "" when nothing is.
[[nodiscard]] std::string wrong_with_name(std::string_view name);
// Its first part is one that dtud keeps for itself.
[[nodiscard]] bool is_kernels(std::string_view name);

// A name, or the first parts of names with a dot at the end ("sms."). "" selects all: only for the control API.
[[nodiscard]] bool is_pattern(std::string_view pattern);
[[nodiscard]] bool selects(std::string_view pattern, std::string_view name);

}  // namespace dtud::events
