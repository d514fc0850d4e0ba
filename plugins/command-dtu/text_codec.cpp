#include "text_codec.hpp"

#include <array>

namespace command_dtu {
namespace {

constexpr std::string_view hex_digits = "0123456789ABCDEF";
constexpr std::string_view base64_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

// What a byte is inside a JSON string: 0 goes as it is, 1 needs an escape, 2 begins a longer UTF-8 sequence.
constexpr std::array<uint8_t, 256> make_classes() {
  std::array<uint8_t, 256> classes{};
  for (size_t c = 0; c < classes.size(); ++c) classes[c] = c >= 0x80 ? 2 : (c < 0x20 || c == '"' || c == '\\') ? 1 : 0;
  return classes;
}
constexpr std::array<uint8_t, 256> classes = make_classes();

uint8_t byte_at(std::string_view s, size_t i) { return static_cast<uint8_t>(s[i]); }

// Length of the UTF-8 sequence at i, 0 when it is none: too short, overlong, a surrogate, above U+10FFFF.
size_t sequence_length(std::string_view s, size_t i) {
  const uint8_t first = byte_at(s, i);
  const size_t length = first < 0x80   ? 1
                        : first < 0xC2 ? 0
                        : first < 0xE0 ? 2
                        : first < 0xF0 ? 3
                        : first < 0xF5 ? 4
                                       : 0;
  if (length == 0 || s.size() - i < length) return 0;
  for (size_t k = 1; k < length; ++k)
    if ((byte_at(s, i + k) & 0xC0U) != 0x80) return 0;
  if (length == 1) return 1;
  const uint8_t second = byte_at(s, i + 1);
  const bool wrong = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                     (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return wrong ? 0 : length;
}

void append_escape(std::string& out, char c) {
  out += '\\';
  switch (c) {
    case '"':
    case '\\':
      out += c;
      break;
    case '\n':
      out += 'n';
      break;
    case '\r':
      out += 'r';
      break;
    case '\t':
      out += 't';
      break;
    default:
      out += "u00";
      out += hex_digits[static_cast<uint8_t>(c) >> 4U];
      out += hex_digits[static_cast<uint8_t>(c) & 0xFU];
  }
}

// Appends the string; at bytes that are not UTF-8 asks `broken` whether to go on.
template <typename Broken>
bool append_string(std::string& out, std::string_view bytes, Broken broken) {
  out += '"';
  size_t i = 0;
  while (i < bytes.size()) {
    const size_t run = i;
    while (i < bytes.size() && classes[byte_at(bytes, i)] == 0) ++i;
    out.append(bytes, run, i - run);
    if (i == bytes.size()) break;
    if (classes[byte_at(bytes, i)] == 1) {
      append_escape(out, bytes[i++]);
    } else if (const size_t length = sequence_length(bytes, i); length != 0) {
      out.append(bytes, i, length);
      i += length;
    } else {
      if (!broken()) return false;
      ++i;
    }
  }
  out += '"';
  return true;
}

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array<int8_t, 256> make_base64_values() {
  std::array<int8_t, 256> values{};
  for (int8_t& v : values) v = -1;
  for (size_t i = 0; i < base64_digits.size(); ++i)
    values[static_cast<uint8_t>(base64_digits[i])] = static_cast<int8_t>(i);
  return values;
}
constexpr std::array<int8_t, 256> base64_values = make_base64_values();

}  // namespace

bool append_json_string(std::string& out, std::string_view bytes) {
  const size_t before = out.size();
  if (append_string(out, bytes, [] { return false; })) return true;
  out.resize(before);
  return false;
}

void append_json_text(std::string& out, std::string_view text) {
  append_string(out, text, [&out] {
    append_utf8(out, 0xFFFD);
    return true;
  });
}

bool is_utf8(std::string_view bytes) noexcept {
  for (size_t i = 0; i < bytes.size();) {
    const size_t length = sequence_length(bytes, i);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

void append_utf8(std::string& out, uint32_t c) {
  const auto put = [&out](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) {
    put(c);
  } else if (c < 0x800) {
    put(0xC0U | c >> 6U);
    put(0x80U | (c & 0x3FU));
  } else if (c < 0x10000) {
    put(0xE0U | c >> 12U);
    put(0x80U | (c >> 6U & 0x3FU));
    put(0x80U | (c & 0x3FU));
  } else {
    put(0xF0U | c >> 18U);
    put(0x80U | (c >> 12U & 0x3FU));
    put(0x80U | (c >> 6U & 0x3FU));
    put(0x80U | (c & 0x3FU));
  }
}

void append_base64(std::string& out, std::string_view bytes) {
  out.reserve(out.size() + (bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    const size_t n = bytes.size() - i < 3 ? bytes.size() - i : 3;
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k) group = group << 8U | (k < n ? byte_at(bytes, i + k) : 0U);
    for (size_t k = 0; k < 4; ++k) out += k <= n ? base64_digits[group >> (18 - 6 * k) & 0x3FU] : '=';
  }
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    const bool last = i + 4 == text.size();
    const size_t padding = last && text[i + 3] == '=' ? (text[i + 2] == '=' ? 2 : 1) : 0;
    uint32_t group = 0;
    for (size_t k = 0; k < 4; ++k) {
      const int value = k >= 4 - padding ? 0 : base64_values[byte_at(text, i + k)];
      if (value < 0) return std::nullopt;
      group = group << 6U | static_cast<uint32_t>(value);
    }
    for (size_t k = 0; k < 3 - padding; ++k) bytes += static_cast<char>(group >> (16 - 8 * k) & 0xFFU);
  }
  return bytes;
}

void append_hex(std::string& out, std::string_view bytes) {
  out.reserve(out.size() + bytes.size() * 2);
  for (const char c : bytes) {
    out += hex_digits[static_cast<uint8_t>(c) >> 4U];
    out += hex_digits[static_cast<uint8_t>(c) & 0xFU];
  }
}

std::optional<std::string> from_hex(std::string_view text) {
  if (text.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 2);
  for (size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]);
    const int low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    bytes += static_cast<char>(high << 4 | low);
  }
  return bytes;
}

}  // namespace command_dtu
