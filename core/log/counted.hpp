// A number with its noun, for messages: "1 message", "2 messages".
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace dtud {

[[nodiscard]] inline std::string counted(uint64_t n, std::string_view noun, std::string_view nouns) {
  return std::to_string(n) + " " + std::string(n == 1 ? noun : nouns);
}
[[nodiscard]] inline std::string counted(uint64_t n, std::string_view noun) {
  return counted(n, noun, std::string(noun) + "s");
}

}  // namespace dtud
