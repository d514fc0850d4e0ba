#include "text.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <ctime>

namespace dtuctl {
namespace {

// The code point at the front of `s` and its length; 0 when it is not well-formed UTF-8.
struct CodePoint {
  char32_t value = 0;
  size_t length = 0;
};

CodePoint front(std::string_view s) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(s[i]); };
  const unsigned char lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || s.size() < length) return {};
  char32_t value = lead & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0U) != 0x80) return {};
    value = (value << 6U) | (byte(i) & 0x3FU);
  }
  constexpr std::array<char32_t, 5> least{0, 0, 0x80, 0x800, 0x10000};
  if (value < least[length] || value > 0x10FFFF || (value >= 0xD800 && value <= 0xDFFF)) return {};
  return {value, length};
}

struct Range {
  char32_t first, last;
};

template <size_t n>
bool within(char32_t c, const std::array<Range, n>& ranges) {
  return std::any_of(ranges.begin(), ranges.end(), [c](const Range& r) { return c >= r.first && c <= r.last; });
}

// Controls, and what changes the direction or the place of other text.
bool is_control(char32_t c) {
  constexpr std::array<Range, 6> controls{
      {{0, 0x1F}, {0x7F, 0x9F}, {0x200B, 0x200F}, {0x2028, 0x202E}, {0x2060, 0x206F}, {0xFEFF, 0xFEFF}}};
  return within(c, controls);
}

bool is_wide(char32_t c) {
  constexpr std::array<Range, 8> wide{{{0x1100, 0x115F},
                                       {0x2E80, 0xA4CF},
                                       {0xAC00, 0xD7A3},
                                       {0xF900, 0xFAFF},
                                       {0xFE30, 0xFE6F},
                                       {0xFF00, 0xFF60},
                                       {0x1F300, 0x1FAFF},
                                       {0x20000, 0x3FFFD}}};
  return within(c, wide);
}

std::string escaped(unsigned char byte) {
  switch (byte) {
    case '\n':
      return "\\n";
    case '\r':
      return "\\r";
    case '\t':
      return "\\t";
    default: {
      std::array<char, 8> text{};
      std::snprintf(text.data(), text.size(), "\\x%02x", byte);
      return text.data();
    }
  }
}

std::string format_time(uint64_t unix_ns, const char* format, unsigned digits) {
  const auto seconds = static_cast<time_t>(unix_ns / 1'000'000'000U);
  std::tm parts{};
  ::localtime_r(&seconds, &parts);
  std::array<char, 32> text{};
  const size_t n = std::strftime(text.data(), text.size(), format, &parts);
  std::string fraction = std::to_string(1'000'000'000U + unix_ns % 1'000'000'000U).substr(1, digits);
  return std::string(text.data(), n) + "." + fraction;
}

}  // namespace

std::string printable(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const CodePoint c = front(text);
    const size_t length = std::max<size_t>(c.length, 1);
    if (c.length == 0 || is_control(c.value)) {
      for (size_t i = 0; i < length; ++i) out += escaped(static_cast<unsigned char>(text[i]));
    } else {
      out += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  return out;
}

bool is_text(std::string_view bytes) {
  while (!bytes.empty()) {
    const CodePoint c = front(bytes);
    const bool blank = c.value == '\r' || c.value == '\n' || c.value == '\t';
    if (c.length == 0 || (is_control(c.value) && !blank)) return false;
    bytes.remove_prefix(c.length);
  }
  return true;
}

size_t columns(std::string_view utf8) {
  size_t n = 0;
  while (!utf8.empty()) {
    const CodePoint c = front(utf8);
    n += is_wide(c.value) ? 2 : 1;
    utf8.remove_prefix(std::max<size_t>(c.length, 1));
  }
  return n;
}

std::string cut(const std::string& utf8, size_t max_columns) {
  if (columns(utf8) <= max_columns) return utf8;
  std::string_view rest = utf8;
  std::string out;
  size_t used = 1;  // the ellipsis
  while (!rest.empty()) {
    const CodePoint c = front(rest);
    const size_t length = std::max<size_t>(c.length, 1);
    used += is_wide(c.value) ? 2 : 1;
    if (used > max_columns) break;
    out += rest.substr(0, length);
    rest.remove_prefix(length);
  }
  return out + "…";
}

std::string byte_size(uint64_t bytes) {
  constexpr std::array<const char*, 5> units{"KiB", "MiB", "GiB", "TiB", "PiB"};
  if (bytes < 1024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1024;
  size_t unit = 0;
  while (value >= 999.95 && unit + 1 < units.size()) {
    value /= 1024;
    ++unit;
  }
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.1f %s", value, units[unit]);
  return text.data();
}

std::string duration(uint64_t seconds) {
  const auto pair = [](uint64_t big, const char* b, uint64_t small, const char* s) {
    return std::to_string(big) + b + std::to_string(small) + s;
  };
  if (seconds < 60) return std::to_string(seconds) + " s";
  if (seconds < 3600) return pair(seconds / 60, " m ", seconds % 60, " s");
  if (seconds < 86'400) return pair(seconds / 3600, " h ", seconds / 60 % 60, " m");
  return pair(seconds / 86'400, " d ", seconds / 3600 % 24, " h");
}

std::string time_of_day(uint64_t unix_ns) { return format_time(unix_ns, "%H:%M:%S", 6); }
std::string date_and_time(uint64_t unix_ns) { return format_time(unix_ns, "%Y-%m-%d %H:%M:%S", 3); }

std::string hexdump(std::string_view bytes, std::string_view indent) {
  constexpr size_t per_line = 16;
  std::string out;
  for (size_t at = 0; at < bytes.size(); at += per_line) {
    const std::string_view line = bytes.substr(at, per_line);
    std::array<char, 24> text{};
    std::snprintf(text.data(), text.size(), "%04zx ", at);
    out.append(indent).append(text.data());
    std::string ascii;
    for (size_t i = 0; i < per_line; ++i) {
      if (i == per_line / 2) out += ' ';
      if (i >= line.size()) {
        out += "   ";
        continue;
      }
      const auto byte = static_cast<unsigned char>(line[i]);
      std::snprintf(text.data(), text.size(), " %02x", byte);
      out += text.data();
      ascii += byte >= 0x20 && byte < 0x7F ? static_cast<char>(byte) : '.';
    }
    out += "  |" + ascii + "|\n";
  }
  return out;
}

}  // namespace dtuctl
