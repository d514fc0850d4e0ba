// Digits of ASCII, whatever the locale.
#pragma once

namespace dtud {

[[nodiscard]] inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// What a digit of a hexadecimal number is worth; -1: it is none.
[[nodiscard]] inline int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace dtud
