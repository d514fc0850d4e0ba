// What a plugin hands over, looked at before it is used.
#pragma once
#include <dtu/abi.h>

#include <string_view>

namespace dtud {

// It has the bytes it says it has, or none.
[[nodiscard]] inline bool is_sound(dtu_str s) { return s.ptr != nullptr || s.len == 0; }
[[nodiscard]] inline bool is_sound(const dtu_msg& m) { return is_sound(m.payload) && is_sound(m.route); }

// Its text, or nothing when it is not sound.
[[nodiscard]] inline std::string_view view(dtu_str s) {
  return is_sound(s) ? std::string_view(s.ptr, static_cast<size_t>(s.len)) : std::string_view();
}

}  // namespace dtud
