// Text that came from outside (a plugin, a peer, the operating system, the command line) as valid UTF-8. It is made
// valid where it enters, so that everything behind may put it into JSON.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace dtud {

// Bytes of the well-formed UTF-8 sequence at `at`; 0 when there is none: truncated, overlong, a surrogate, or beyond
// U+10FFFF.
[[nodiscard]] size_t utf8_length(std::string_view text, size_t at);
[[nodiscard]] bool is_utf8(std::string_view text);
// Each byte that belongs to no well-formed sequence becomes U+FFFD. What would make the result longer than `longest`
// bytes is left out, from a whole character on.
[[nodiscard]] std::string valid_utf8(std::string_view text, size_t longest = std::string_view::npos);

}  // namespace dtud
