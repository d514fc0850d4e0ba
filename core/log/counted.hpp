// A number with its noun, for messages: "1 message", "2 messages".
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace dtud {

[[nodiscard]] inline std::string counted(uint64_t n, std::string_view noun) {
  return std::to_string(n) + " " + std::string(noun) + (n == 1 ? "" : "s");
}

}  // namespace dtud
