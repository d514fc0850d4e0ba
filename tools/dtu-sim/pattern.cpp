#include "pattern.hpp"

#include <charconv>
#include <cstdio>

#include "crc32.hpp"

namespace sim {
namespace {

constexpr size_t kDigits = 10, kFiller = 43, kBody = kDigits + 1 + kFiller, kCrcDigits = 8;
static_assert(kBody + 1 + kCrcDigits + 1 == kPatternLine);

}  // namespace

std::string pattern_line(uint64_t number) {
  char text[24];
  std::snprintf(text, sizeof text, "%010llu ", static_cast<unsigned long long>(number % 10'000'000'000ULL));
  std::string line = text;
  uint64_t state = number * 0x9E3779B97F4A7C15ULL + 1;
  while (line.size() < kBody) {
    state ^= state << 13U;
    state ^= state >> 7U;
    state ^= state << 17U;
    line += static_cast<char>('!' + state % 94);  // printable, so that a line is also a good MQTT message to look at
  }
  std::snprintf(text, sizeof text, " %08x\n", crc32(line));
  return line + text;
}

void PatternChecker::feed(std::string_view bytes) {
  for (const char byte : bytes) {
    if (byte == '\n') {
      check(line_);
      line_.clear();
    } else if (line_.size() < kPatternLine) {
      line_ += byte;  // a longer one is damaged; there is no need to keep it
    }
  }
}

void PatternChecker::check(std::string_view line) {
  uint64_t number = 0;
  uint32_t crc = 0;
  const bool whole =
      line.size() == kPatternLine - 1 &&
      std::from_chars(line.data(), line.data() + kDigits, number).ptr == line.data() + kDigits &&
      std::from_chars(line.data() + kBody + 1, line.data() + line.size(), crc, 16).ptr == line.data() + line.size() &&
      crc32(line.substr(0, kBody)) == crc;
  if (!whole) {
    ++counts_.damaged;
  } else if (number < next_) {
    ++counts_.repeated;
  } else {
    counts_.lost += number - next_;
    ++counts_.good;
    next_ = number + 1;
  }
}

}  // namespace sim
