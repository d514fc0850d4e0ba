#include "alphabet.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace hal_ec600::sms {
namespace {

constexpr char32_t kReplacement = 0xFFFD;
constexpr uint8_t kEscape = 0x1B;

// 23.038, 6.2.1. The escape has no character.
constexpr std::array<char32_t, 128> kDefault{
    U'@',  0xA3, U'$',  0xA5,  0xE8,  0xE9,  0xF9,  0xEC,  0xF2,  0xC7,  U'\n', 0xD8, 0xF8, U'\r', 0xC5, 0xE5,  //
    0x394, U'_', 0x3A6, 0x393, 0x39B, 0x3A9, 0x3A0, 0x3A8, 0x3A3, 0x398, 0x39E, 0,    0xC6, 0xE6,  0xDF, 0xC9,  //
    U' ',  U'!', U'"',  U'#',  0xA4,  U'%',  U'&',  U'\'', U'(',  U')',  U'*',  U'+', U',', U'-',  U'.', U'/',  //
    U'0',  U'1', U'2',  U'3',  U'4',  U'5',  U'6',  U'7',  U'8',  U'9',  U':',  U';', U'<', U'=',  U'>', U'?',  //
    0xA1,  U'A', U'B',  U'C',  U'D',  U'E',  U'F',  U'G',  U'H',  U'I',  U'J',  U'K', U'L', U'M',  U'N', U'O',  //
    U'P',  U'Q', U'R',  U'S',  U'T',  U'U',  U'V',  U'W',  U'X',  U'Y',  U'Z',  0xC4, 0xD6, 0xD1,  0xDC, 0xA7,  //
    0xBF,  U'a', U'b',  U'c',  U'd',  U'e',  U'f',  U'g',  U'h',  U'i',  U'j',  U'k', U'l', U'm',  U'n', U'o',  //
    U'p',  U'q', U'r',  U's',  U't',  U'u',  U'v',  U'w',  U'x',  U'y',  U'z',  0xE4, 0xF6, 0xF1,  0xFC, 0xE0};

constexpr std::array<std::pair<uint8_t, char32_t>, 10> kExtension{{{0x0A, U'\f'},
                                                                   {0x14, U'^'},
                                                                   {0x28, U'{'},
                                                                   {0x29, U'}'},
                                                                   {0x2F, U'\\'},
                                                                   {0x3C, U'['},
                                                                   {0x3D, U'~'},
                                                                   {0x3E, U']'},
                                                                   {0x40, U'|'},
                                                                   {0x65, 0x20AC}}};

bool is_high(uint32_t unit) { return unit >= 0xD800 && unit < 0xDC00; }
bool is_low(uint32_t unit) { return unit >= 0xDC00 && unit < 0xE000; }

// The character that begins at `at`, and how many bytes it has; one byte of U+FFFD when they are none.
std::pair<char32_t, size_t> character_at(std::string_view text, size_t at) {
  const auto first = static_cast<uint8_t>(text[at]);
  if (first < 0x80) return {first, 1};
  const size_t length = first >= 0xC2 && first < 0xE0 ? 2 : first >= 0xE0 && first < 0xF0 ? 3 : 4;
  if (first < 0xC2 || first > 0xF4 || at + length > text.size()) return {kReplacement, 1};
  char32_t c = first & (0xFFU >> (length + 1));
  for (size_t i = 1; i < length; ++i) {
    const auto next = static_cast<uint8_t>(text[at + i]);
    if ((next & 0xC0U) != 0x80U) return {kReplacement, 1};
    c = (c << 6U) | (next & 0x3FU);
  }
  constexpr std::array<char32_t, 5> kSmallest{0, 0, 0x80, 0x800, 0x10000};
  if (c < kSmallest.at(length) || c > 0x10FFFF || is_high(c) || is_low(c)) return {kReplacement, 1};
  return {c, length};
}

char32_t extension(uint8_t code) {  // 0: there is none
  const auto* const found =
      std::find_if(kExtension.begin(), kExtension.end(), [&](const auto& e) { return e.first == code; });
  return found == kExtension.end() ? 0 : found->second;
}

}  // namespace

std::u32string from_utf8(std::string_view text) {
  std::u32string out;
  for (size_t at = 0; at < text.size();) {
    const auto [c, length] = character_at(text, at);
    out += c;
    at += length;
  }
  return out;
}

void put_utf8(std::string& out, char32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr std::array<uint8_t, 4> kLead{0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead.at(more) | (c >> (6 * more)));
  for (unsigned left = more; left-- > 0;) out += static_cast<char>(0x80U | ((c >> (6 * left)) & 0x3FU));
}

std::optional<std::string> septets_of(char32_t c) {
  if (c != 0)
    if (const auto* const found = std::find(kDefault.begin(), kDefault.end(), c); found != kDefault.end())
      return std::string(1, static_cast<char>(found - kDefault.begin()));
  for (const auto& [code, character] : kExtension)
    if (character == c) return std::string{static_cast<char>(kEscape), static_cast<char>(code)};
  return std::nullopt;
}

std::string from_septets(std::string_view septets) {
  std::string out;
  for (size_t at = 0; at < septets.size(); ++at) {
    auto code = static_cast<uint8_t>(static_cast<uint8_t>(septets[at]) & 0x7FU);
    if (code != kEscape) {
      put_utf8(out, kDefault.at(code));
      continue;
    }
    code = at + 1 < septets.size() ? static_cast<uint8_t>(septets[at + 1]) & 0x7FU : kEscape;
    if (at + 1 < septets.size()) ++at;
    const char32_t c = extension(code);
    put_utf8(out, c != 0 ? c : code == kEscape ? U' ' : kDefault.at(code));
  }
  return out;
}

std::string packed(std::string_view septets, unsigned skip_bits) {
  std::string out((septets.size() * 7 + skip_bits + 7) / 8, '\0');
  size_t bit = skip_bits;
  const auto put = [&out](size_t octet, unsigned bits) {
    if ((bits & 0xFFU) != 0) out[octet] = static_cast<char>(static_cast<uint8_t>(out[octet]) | (bits & 0xFFU));
  };
  for (const char c : septets) {
    const unsigned both = (static_cast<uint8_t>(c) & 0x7FU) << (bit % 8);
    put(bit / 8, both);
    put(bit / 8 + 1, both >> 8U);
    bit += 7;
  }
  return out;
}

std::string unpacked(std::string_view octets, size_t first_bit, size_t count) {
  std::string out;
  const size_t bits = octets.size() * 8;
  for (size_t bit = first_bit; out.size() < count && bit + 7 <= bits; bit += 7) {
    unsigned both = static_cast<uint8_t>(octets[bit / 8]);
    if (bit / 8 + 1 < octets.size()) both |= static_cast<unsigned>(static_cast<uint8_t>(octets[bit / 8 + 1])) << 8U;
    out += static_cast<char>((both >> (bit % 8)) & 0x7FU);
  }
  return out;
}

std::string utf16_of(char32_t c) {
  std::string out;
  const auto put = [&out](uint32_t unit) {
    out += static_cast<char>(unit >> 8U);
    out += static_cast<char>(unit & 0xFFU);
  };
  if (c < 0x10000) {
    put(c);
  } else {
    put(0xD800 + ((c - 0x10000) >> 10U));
    put(0xDC00 + ((c - 0x10000) & 0x3FFU));
  }
  return out;
}

std::string from_utf16(std::string_view octets) {
  std::string out;
  const auto unit_at = [&](size_t at) {
    return at + 1 < octets.size()
               ? static_cast<uint32_t>(static_cast<uint8_t>(octets[at])) << 8U | static_cast<uint8_t>(octets[at + 1])
               : 0U;
  };
  for (size_t at = 0; at < octets.size(); at += 2) {
    const uint32_t unit = at + 1 < octets.size() ? unit_at(at) : static_cast<uint32_t>(kReplacement);
    const uint32_t next = unit_at(at + 2);
    if (is_high(unit) && is_low(next)) {
      put_utf8(out, 0x10000 + ((unit - 0xD800) << 10U) + (next - 0xDC00));
      at += 2;
    } else {
      put_utf8(out, is_high(unit) || is_low(unit) ? kReplacement : static_cast<char32_t>(unit));
    }
  }
  return out;
}

std::string hex_of(std::string_view octets) {
  constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string out;
  out.reserve(octets.size() * 2);
  for (const char c : octets) {
    out += kDigits[static_cast<uint8_t>(c) >> 4U];
    out += kDigits[static_cast<uint8_t>(c) & 0xFU];
  }
  return out;
}

}  // namespace hal_ec600::sms
