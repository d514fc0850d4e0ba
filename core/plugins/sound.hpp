// What a plugin hands over, looked at before it is used.
#pragma once
#include <dtu/message.h>

#include <cstring>
#include <string>
#include <string_view>

#include "lanes/lane.hpp"
#include "log/utf8.hpp"

namespace dtud {

// It has the bytes it says it has, or none.
[[nodiscard]] inline bool is_sound(dtu_str s) { return s.ptr != nullptr || s.len == 0; }
[[nodiscard]] inline bool is_sound(const dtu_msg& m) {
  return is_sound(m.payload) && is_sound(m.route) && is_sound(m.device) && (m.props != nullptr || m.prop_count == 0);
}

// Somebody could take it. A device is a name that people and JSON see, so it is UTF-8.
[[nodiscard]] inline bool is_acceptable(const dtu_msg& m) {
  return m.payload.len <= DTU_PAYLOAD_MAX && m.route.len <= DTU_ROUTE_MAX && m.device.len <= DTU_DEVICE_MAX &&
         is_sound(m) && (m.device.len == 0 || is_utf8({m.device.ptr, static_cast<size_t>(m.device.len)}));
}

// Its text, or nothing when it is not sound.
[[nodiscard]] inline std::string_view view(dtu_str s) {
  return is_sound(s) ? std::string_view(s.ptr, static_cast<size_t>(s.len)) : std::string_view();
}

// The same as valid UTF-8, for everybody but the one whose bytes they are.
[[nodiscard]] inline std::string text_of(dtu_str s) {
  return is_utf8(view(s)) ? std::string(view(s)) : valid_utf8(view(s));
}
[[nodiscard]] inline std::string text_of(const dtu_error& e) {
  return valid_utf8({e.message, ::strnlen(e.message, sizeof e.message)});
}
[[nodiscard]] inline std::string text_of(const dtu_error* e) { return e != nullptr ? text_of(*e) : std::string(); }
// Without "port 2: " before it, where whoever shows it says so already.
[[nodiscard]] inline std::string text_of(const dtu_error* e, const std::string& name) {
  std::string text = text_of(e);
  const bool named = text.compare(0, name.size() + 2, name + ": ") == 0;
  return named ? text.substr(name.size() + 2) : text;
}

// A function of the host as its faults name it: with the plugin's function that called it, if that is known. On the
// lane.
[[nodiscard]] inline std::string called_in(const Lane& lane, const char* function) {
  return lane.function() != nullptr ? std::string(function) + " in " + lane.function() : function;
}

}  // namespace dtud
