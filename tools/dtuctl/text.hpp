// Text for people: sizes, times, and strings that cannot play tricks with a terminal.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace dtuctl {

// Control characters and bytes that are not UTF-8 as \n, \x1b and so on. What came over a wire goes through this.
[[nodiscard]] std::string printable(std::string_view text);
// True if printable() would change nothing but \r, \n and \t.
[[nodiscard]] bool is_text(std::string_view bytes);
[[nodiscard]] size_t columns(std::string_view utf8);                         // on a terminal; wide characters count 2
[[nodiscard]] std::string cut(const std::string& utf8, size_t max_columns);  // with an ellipsis when it is too long

[[nodiscard]] std::string byte_size(uint64_t bytes);        // "17 B", "1.2 KiB"
[[nodiscard]] std::string duration(uint64_t seconds);       // "59 s", "3 h 12 m", "5 d 1 h"
[[nodiscard]] std::string time_of_day(uint64_t unix_ns);    // "12:34:56.789012", local time
[[nodiscard]] std::string date_and_time(uint64_t unix_ns);  // "2026-11-20 12:34:56.789", local time
// "0000  01 03 00 00 00 02 c4 0b                           |........|", a line for each 16 bytes
[[nodiscard]] std::string hexdump(std::string_view bytes, std::string_view indent);

}  // namespace dtuctl
