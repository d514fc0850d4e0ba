// What the modem says while it upgrades itself: +QIND: "FOTA",... Pure. [any]
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hal_ec600::fota {

struct Said {
  enum class What { http_start, downloading, http_end, start, updating, end };
  What what = What::http_start;
  int64_t number = 0;  // percent, or the error: 0 = none
};
// Nothing: the line is no such line, or one that is not known.
[[nodiscard]] std::optional<Said> said_in(std::string_view line);

// "the package is for another version (507)"
[[nodiscard]] std::string error_words(int64_t error);

// Of the whole upgrade: the download is the first half, the writing the second; -1: not known.
[[nodiscard]] int percent_of(const Said& said);

}  // namespace hal_ec600::fota
