// The grammar behind json.hpp: moves over values of a text, checking as it goes, and unescapes strings. What is no JSON
// (RFC 8259) throws a Failure, also what is nested deeper than the caller allows: the text may come from anybody.
#pragma once
#include <dtu/sdk/text.hpp>

#include <charconv>

namespace dtu::json {

[[noreturn]] inline void broken() { throw Failure(DTU_E_INVALID, "this is no JSON"); }
inline int hex4(std::string_view t, size_t at) noexcept {
  if (at + 4 > t.size()) return -1;
  int code = 0;
  const char* end = t.data() + at + 4;
  const auto done = std::from_chars(t.data() + at, end, code, 16);
  return done.ptr == end && t[at] != '-' ? code : -1;
}

inline void put_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
    return;
  }
  const int more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
  constexpr unsigned char kLead[] = {0, 0xC0, 0xE0, 0xF0};
  out += static_cast<char>(kLead[more] | (c >> (6 * more)));
  for (int i = more - 1; i >= 0; --i) out += static_cast<char>(0x80 | ((c >> (6 * i)) & 0x3F));
}
// Of a text that was checked. Half a surrogate pair becomes U+FFFD.
inline std::string unquoted(std::string_view t) {
  std::string out;
  for (size_t at = 1; at + 1 < t.size(); ++at) {
    if (t[at] != '\\') {
      out += t[at];
      continue;
    }
    constexpr std::string_view kNames = "bfnrt", kMeant = "\b\f\n\r\t";
    const char name = t[++at];
    if (name != 'u') {
      const size_t known = kNames.find(name);
      out += known == std::string_view::npos ? name : kMeant[known];
      continue;
    }
    auto code = static_cast<uint32_t>(hex4(t, at + 1));
    at += 4;
    const bool high = code >= 0xD800 && code < 0xDC00, low = code >= 0xDC00 && code < 0xE000;
    const int second = high && t.substr(at + 1, 2) == "\\u" ? hex4(t, at + 3) : -1;
    if (second >= 0xDC00 && second < 0xE000) {
      code = 0x10000 + ((code - 0xD800) << 10) + (static_cast<uint32_t>(second) - 0xDC00);
      at += 6;
    } else if (high || low) {
      code = 0xFFFD;
    }
    put_utf8(out, code);
  }
  return out;
}

template <typename Each>
void walk(std::string_view t, size_t& at, int depth, Each&& each);

inline void skip_blank(std::string_view t, size_t& at) noexcept {
  while (at < t.size() && (t[at] == ' ' || t[at] == '\t' || t[at] == '\n' || t[at] == '\r')) ++at;
}
inline char next(std::string_view t, size_t at) {
  if (at >= t.size()) broken();
  return t[at];
}
inline void skip_text(std::string_view t, size_t& at) {
  if (next(t, at) != '"') broken();
  for (++at; next(t, at) != '"'; ++at) {
    if (static_cast<unsigned char>(t[at]) < 0x20) broken();
    if (t[at] != '\\') continue;
    const char escape = next(t, ++at);
    if (std::string_view(R"("\/bfnrtu)").find(escape) == std::string_view::npos) broken();
    if (escape == 'u' && hex4(t, at + 1) < 0) broken();
  }
  ++at;
}
inline size_t skip_digits(std::string_view t, size_t& at) noexcept {
  const size_t begin = at;
  while (at < t.size() && t[at] >= '0' && t[at] <= '9') ++at;
  return at - begin;
}
inline void skip_number(std::string_view t, size_t& at) {
  if (next(t, at) == '-') ++at;
  const bool zero = next(t, at) == '0';
  const size_t digits = skip_digits(t, at);
  if (digits == 0 || (zero && digits > 1)) broken();
  if (at < t.size() && t[at] == '.' && skip_digits(t, ++at) == 0) broken();
  if (at >= t.size() || (t[at] != 'e' && t[at] != 'E')) return;
  if (const char sign = next(t, ++at); sign == '+' || sign == '-') ++at;
  if (skip_digits(t, at) == 0) broken();
}
inline void skip_value(std::string_view t, size_t& at, int depth) {
  if (depth == 0) broken();
  switch (const char first = next(t, at); first) {
    case '{':
    case '[':
      return walk(t, at, depth, [](std::string_view, std::string_view) { return true; });
    case '"':
      return skip_text(t, at);
    case 't':
    case 'f':
    case 'n': {
      const std::string_view word = first == 't' ? "true" : first == 'f' ? "false" : "null";
      if (t.substr(at, word.size()) != word) broken();
      at += word.size();
      return;
    }
    default:
      return skip_number(t, at);
  }
}
// The members of the object, or the entries of the array, that begins at `at`; `each` answers false to end it.
template <typename Each>
void walk(std::string_view t, size_t& at, int depth, Each&& each) {
  const bool keyed = t[at] == '{';
  const char close = keyed ? '}' : ']';
  skip_blank(t, ++at);
  if (next(t, at) == close) {
    ++at;
    return;
  }
  for (;; skip_blank(t, ++at)) {
    std::string key;
    if (keyed) {
      const size_t begin = at;
      skip_text(t, at);
      key = unquoted(t.substr(begin, at - begin));
      skip_blank(t, at);
      if (next(t, at) != ':') broken();
      skip_blank(t, ++at);
    }
    const size_t begin = at;
    skip_value(t, at, depth - 1);
    if (!each(key, t.substr(begin, at - begin))) return;
    skip_blank(t, at);
    if (next(t, at) == close) break;
    if (t[at] != ',') broken();
  }
  ++at;
}

}  // namespace dtu::json
