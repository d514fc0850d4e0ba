#include "commands/caller.hpp"

#include <algorithm>
#include <array>

#include "log/utf8.hpp"

namespace dtud::commands {
namespace {

constexpr size_t kLongest = 64;

// The code point of a well-formed sequence.
uint32_t decoded(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first;
  uint32_t code = first & (0x7FU >> sequence.size());
  for (const char c : sequence.substr(1)) code = code << 6U | (static_cast<unsigned char>(c) & 0x3FU);
  return code;
}

// Also what has no shape of its own, or turns round the text that follows: with it one name looks like another.
bool is_printable(uint32_t code) {
  struct Range {
    uint32_t first, last;
  };
  constexpr std::array<Range, 9> kNot{{{0x00, 0x1F},
                                       {0x7F, 0xA0},
                                       {0xAD, 0xAD},
                                       {0x200B, 0x200F},
                                       {0x2028, 0x202E},
                                       {0x2060, 0x206F},
                                       {0xFEFF, 0xFEFF},
                                       {0xFFF9, 0xFFFF},
                                       {0xE0000, 0xE0FFF}}};
  return std::none_of(kNot.begin(), kNot.end(), [code](Range r) { return code >= r.first && code <= r.last; });
}

}  // namespace

std::string wrong_remote_name(std::string_view name) {
  if (name.empty()) return "remote is empty: say for whom it is asked, such as \"sms +15550100\"";
  if (name.size() > kLongest)
    return "remote has " + std::to_string(name.size()) + " bytes: at most " + std::to_string(kLongest) + " are allowed";
  if (name.front() == ' ' || name.back() == ' ') return "remote begins or ends with a blank";
  for (size_t at = 0; at < name.size();) {
    const size_t length = utf8_length(name, at);
    if (length == 0) return "remote is not UTF-8";
    if (!is_printable(decoded(name.substr(at, length)))) return "remote has a character that cannot be printed";
    at += length;
  }
  return {};
}

bool looks_like_ours(std::string_view name) {
  std::string first(name.substr(0, name.find(' ')));
  std::transform(first.begin(), first.end(), first.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  constexpr std::array<std::string_view, 9> kOurs{"console", "dtud", "kernel", "file",   "signal",
                                                  "channel", "port", "hal",    "command"};
  return std::find(kOurs.begin(), kOurs.end(), first) != kOurs.end();
}

}  // namespace dtud::commands
