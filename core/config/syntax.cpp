#include "config/syntax.hpp"

#include <charconv>
#include <cstdint>
#include <unordered_map>

#include "config/json_value.hpp"
#include "config/locate.hpp"
#include "log/digits.hpp"
#include "log/utf8.hpp"

namespace dtud::config {
namespace {

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// The four digits of \uXXXX at `at`, or -1.
int32_t hex4(std::string_view text, size_t at) {
  if (at + 4 > text.size()) return -1;
  int32_t out = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const int digit = hex_value(text[i]);
    if (digit < 0) return -1;
    out = out * 16 + digit;
  }
  return out;
}

bool is_high_half(int32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_low_half(int32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

void append_utf8(std::string& out, uint32_t point) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xC0U | (point >> 6U));
    out += static_cast<char>(0x80U | (point & 0x3FU));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xE0U | (point >> 12U));
    out += static_cast<char>(0x80U | ((point >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (point & 0x3FU));
  } else {
    out += static_cast<char>(0xF0U | (point >> 18U));
    out += static_cast<char>(0x80U | ((point >> 12U) & 0x3FU));
    out += static_cast<char>(0x80U | ((point >> 6U) & 0x3FU));
    out += static_cast<char>(0x80U | (point & 0x3FU));
  }
}

std::string hex_byte(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  return std::string("0x") + digits[byte >> 4U] + digits[byte & 0xFU];
}

bool is_json_number(std::string_view token) {
  size_t at = token.substr(0, 1) == "-" ? 1 : 0;
  const auto digits = [&] {
    const size_t begin = at;
    while (at < token.size() && is_digit(token[at])) ++at;
    return at > begin;
  };
  if (at < token.size() && token[at] == '0') {
    ++at;
  } else if (!digits()) {
    return false;
  }
  if (at < token.size() && token[at] == '.') {
    ++at;
    if (!digits()) return false;
  }
  if (at < token.size() && (token[at] == 'e' || token[at] == 'E')) {
    ++at;
    if (at < token.size() && (token[at] == '+' || token[at] == '-')) ++at;
    if (!digits()) return false;
  }
  return at == token.size();
}

bool in_range(std::string_view number) {
  const char* end = number.data() + number.size();
  if (number.find_first_of(".eE") == std::string_view::npos) {
    int64_t value = 0;
    return std::from_chars(number.data(), end, value).ec == std::errc();
  }
  double value = 0;
  return std::from_chars(number.data(), end, value).ec == std::errc();
}

std::string number_hint(std::string_view token) {
  const auto unsigned_part = token.substr(token.substr(0, 1) == "-" ? 1 : 0);
  if (unsigned_part.substr(0, 1) == "+") return ": leave out the +";
  if (unsigned_part.substr(0, 2) == "0x" || unsigned_part.substr(0, 2) == "0X")
    return ": JSON knows no hexadecimal; write it in decimal, or as a text in double quotes";
  if (unsigned_part.size() > 1 && unsigned_part[0] == '0' && is_digit(unsigned_part[1]))
    return ": leave out the leading zeros, or write it as a text in double quotes";
  return ": write it as 12 or 1.5, or as a text in double quotes";
}

// No message quotes what stands in the place of a value, for that may be a secret whose quotes were forgotten. A key is
// quoted only where a colon follows it, and one without quotes only as long as the text had no mistake before.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::vector<SyntaxMistake> run() {
    if (document()) {
      if (at_ < text_.size()) mistake(at_, "something stands after the end of the document: remove it");
    }
    return std::move(mistakes_);
  }

 private:
  // All of these return false when it makes no sense to read on.
  bool document() {
    if (!space()) return false;
    if (at_ == text_.size()) return mistake(0, "the document is empty: it must hold at least {}");
    return value() && space();
  }

  bool value() {
    if (++values_ > kMaxValues) {
      mistake(at_, "more than " + std::to_string(kMaxValues) + " values in one document");
      return false;
    }
    const char c = peek();
    if (c == '{') return object();
    if (c == '[') return list();
    if (c == '"') return text(nullptr);
    if (c == '\'') return single_quoted();
    if (is_digit(c) || c == '-' || c == '+' || c == '.') return number();
    if (is_letter(c)) return word();
    if (at_ == text_.size()) return mistake(at_, "the document ends where a value is expected");
    return mistake(at_, "a value is expected here" + instead());
  }

  bool object() {
    const size_t open = at_++;
    if (!enter(open) || !space()) return false;
    std::unordered_map<std::string, size_t> seen;
    while (peek() != '}') {
      const size_t key_at = at_;
      std::string key;
      if (peek() != '"') return no_key(open);
      path_.emplace_back();
      if (!text(&key)) return false;
      path_.pop_back();
      if (!space()) return false;
      if (peek() != ':') return mistake(at_, "a colon is expected here, after a key");
      if (key.size() > kMaxKey) return mistake(key_at, "a key longer than " + std::to_string(kMaxKey) + " bytes");
      if (seen.size() == kMaxMembers)
        return mistake(key_at, "more than " + std::to_string(kMaxMembers) + " keys in one object");
      path_.push_back(key);
      if (const auto [first, fresh] = seen.emplace(key, key_at); !fresh) {
        const auto place = place_of(text_, first->second);
        if (!mistake(key_at, "the key " + shown_key(key) + " stands here a second time, first at line " +
                                 std::to_string(place.line) + ", column " + std::to_string(place.column) +
                                 ": remove one") &&
            !more())
          return false;
      }
      ++at_;
      if (!space() || !value()) return false;
      path_.pop_back();
      if (!separator('}', open)) return false;
    }
    return leave();
  }

  bool list() {
    const size_t open = at_++;
    if (!enter(open) || !space()) return false;
    for (size_t index = 0; peek() != ']'; ++index) {
      if (at_ == text_.size()) return never_closed(open);
      path_.push_back(std::to_string(index));
      if (!value()) return false;
      path_.pop_back();
      if (!separator(']', open)) return false;
    }
    return leave();
  }

  // After a value: up to the next one, or up to the closing bracket.
  bool separator(char closing, size_t open) {
    const size_t value_end = at_;
    if (!space()) return false;
    if (peek() == closing) return true;
    if (at_ == text_.size()) return never_closed(open);
    if (peek() == ',') {
      const size_t comma = at_++;
      if (!space()) return false;
      if (peek() == closing) return mistake(comma, std::string("a comma before ") + closing + ": remove it") || more();
      if (peek() == ',') {
        if (!mistake(at_, "two commas in a row: remove one") && !more()) return false;
        while (peek() == ',') {
          ++at_;
          if (!space()) return false;
        }
      }
      return true;
    }
    const bool value_follows =
        peek() == '"' || (closing == ']' && (peek() == '{' || peek() == '[' || is_digit(peek()) || is_letter(peek())));
    if (value_follows) return mistake(value_end, "a comma is missing after this value") || more();
    if (peek() == '}' || peek() == ']') {
      const auto place = place_of(text_, open);
      return mistake(at_, std::string("a ") + peek() + " closes the " + text_[open] + " of line " +
                              std::to_string(place.line) + ", column " + std::to_string(place.column) + ": a " +
                              closing + " is expected");
    }
    return mistake(at_, std::string("a comma or ") + closing + " is expected here" + instead());
  }

  bool no_key(size_t open) {
    if (at_ == text_.size()) return never_closed(open);
    if (peek() == '\'') return mistake(at_, "a key stands in double quotes, not in single ones");
    if (peek() == ',') return mistake(at_, "a comma where a key is expected: remove it");
    if (!is_letter(peek()) && peek() != '_') return mistake(at_, "a key is expected here" + instead());
    size_t end = at_;
    while (end < text_.size() && end - at_ < kMaxKey &&
           (is_letter(text_[end]) || is_digit(text_[end]) || text_[end] == '_'))
      ++end;
    const auto colon = std::min(text_.find_first_not_of(" \t\r\n", end), text_.size());
    const bool is_key = mistakes_.empty() && text_.substr(colon, 1) == ":";
    return mistake(at_, "a key stands in double quotes" +
                            (is_key ? ": write " + shown_key(text_.substr(at_, end - at_)) : std::string()));
  }

  // A text in double quotes; its meaning goes to *decoded.
  bool text(std::string* decoded) {
    const size_t open = at_++;
    bool bad_bytes = false;  // named once a text: a whole document in another encoding has thousands
    while (at_ < text_.size() && text_[at_] != '"') {
      const char c = text_[at_];
      if (c == '\n' || c == '\r') break;
      if (c == '\\') {
        if (!escape()) return false;
      } else if (static_cast<unsigned char>(c) < 0x20) {
        const std::string write = c == '\t' ? ": write \\t" : ": write it as \\u00" + hex_byte(c).substr(2);
        if (!mistake(at_, "a control character (" + hex_byte(c) + ") in a text" + write) && !more()) return false;
        ++at_;
      } else if (const size_t length = utf8_length(text_, at_); length > 0) {
        at_ += length;
      } else {
        if (!bad_bytes && !mistake(at_, "this is not UTF-8: save the file as UTF-8") && !more()) return false;
        bad_bytes = true;
        ++at_;
      }
    }
    if (at_ >= text_.size() || text_[at_] != '"') return mistake(open, "this text has no closing quote on its line");
    if (decoded != nullptr) *decoded = unescape(text_.substr(open + 1, at_ - open - 1));
    ++at_;
    return true;
  }

  bool escape() {
    const size_t begin = at_;
    const char kind = begin + 1 < text_.size() ? text_[begin + 1] : '\0';
    if (kind != 'u') {
      at_ += 2;
      if (std::string_view("\"\\/bfnrt").find(kind) != std::string_view::npos && kind != '\0') return true;
      at_ = begin + 1;
      return mistake(begin, "a backslash that begins no escape: write \\\\ for a backslash") || more();
    }
    const int32_t unit = hex4(text_, begin + 2);
    at_ = begin + 2;
    if (unit < 0) return mistake(begin, "\\u needs four hexadecimal digits") || more();
    at_ = begin + 6;
    if (unit == 0) return mistake(begin, "\\u0000 cannot stand in a text") || more();
    if (is_high_half(unit) && text_.substr(at_, 2) == "\\u" && is_low_half(hex4(text_, at_ + 2))) {
      at_ += 6;
      return true;
    }
    if (is_high_half(unit) || is_low_half(unit))
      return mistake(begin,
                     "half of a surrogate pair: \\ud83d needs its \\udc00 to \\udfff, and the other way round") ||
             more();
    return true;
  }

  bool single_quoted() {
    if (!mistake(at_, "a text stands in double quotes, not in single ones") && !more()) return false;
    const size_t end = text_.find_first_of("'\n", at_ + 1);
    if (end == std::string_view::npos || text_[end] != '\'') return false;
    at_ = end + 1;
    return true;
  }

  bool number() {
    const size_t begin = at_;
    while (at_ < text_.size() && (is_digit(text_[at_]) || is_letter(text_[at_]) || text_[at_] == '.' ||
                                  text_[at_] == '+' || text_[at_] == '-'))
      ++at_;
    const auto token = text_.substr(begin, at_ - begin);
    if (!is_json_number(token)) return mistake(begin, "this is not a JSON number" + number_hint(token)) || more();
    if (!in_range(token)) return mistake(begin, "this number is out of range") || more();
    return true;
  }

  bool word() {
    const size_t begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) || text_[at_] == '_')) ++at_;
    const auto name = text_.substr(begin, at_ - begin);
    if (name == "true" || name == "false" || name == "null") return true;
    return mistake(begin, "this word is not JSON: write true, false, null, or a text in double quotes") || more();
  }

  // Blanks, and comments, which are named and skipped.
  bool space() {
    while (at_ < text_.size()) {
      if (std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
        ++at_;
        continue;
      }
      const auto two = text_.substr(at_, 2);
      if (two != "//" && two != "/*" && text_[at_] != '#') return true;
      if (!mistake(at_, "comments are not JSON: remove this one") && !more()) return false;
      const auto end = two == "/*" ? text_.find("*/", at_ + 2) : text_.find('\n', at_);
      if (end == std::string_view::npos) {
        if (two == "/*") return false;
        at_ = text_.size();
      } else {
        at_ = two == "/*" ? end + 2 : end;
      }
    }
    return true;
  }

  bool enter(size_t open) {
    if (++depth_ <= kMaxDepth) return true;
    return mistake(open, "more than " + std::to_string(kMaxDepth) + " levels");
  }

  bool leave() {
    ++at_;
    --depth_;
    return true;
  }

  bool never_closed(size_t open) { return mistake(open, std::string("this ") + text_[open] + " is never closed"); }

  // Always false: "and stop here", unless followed by || more().
  bool mistake(size_t offset, std::string message) {
    std::string pointer;
    for (const auto& step : path_) pointer = below(pointer, step);
    mistakes_.push_back({offset, std::move(pointer), std::move(message)});
    return false;
  }

  bool more() const { return mistakes_.size() < kMaxMistakes; }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  // Named only where it is a sign of JSON itself.
  [[nodiscard]] std::string instead() const {
    if (at_ == text_.size()) return ", not the end of the document";
    return std::string_view("{}[],:;").find(peek()) == std::string_view::npos ? "" : std::string(", not ") + peek();
  }

  std::string_view text_;
  size_t at_ = 0;
  size_t values_ = 0;
  int depth_ = 0;
  std::vector<std::string> path_;
  std::vector<SyntaxMistake> mistakes_;
};

}  // namespace

std::vector<SyntaxMistake> check_syntax(std::string_view text) { return Scanner(text).run(); }

std::string unescape(std::string_view inside) {
  std::string out;
  out.reserve(inside.size());
  for (size_t at = 0; at < inside.size(); ++at) {
    if (inside[at] != '\\' || at + 1 == inside.size()) {
      out += inside[at];
      continue;
    }
    const char kind = inside[++at];
    constexpr std::string_view from = "bfnrt", to = "\b\f\n\r\t";
    if (const auto i = from.find(kind); i != std::string_view::npos) {
      out += to[i];
      continue;
    }
    const int32_t unit = kind == 'u' ? hex4(inside, at + 1) : -1;
    if (unit < 0) {
      out += kind;  // \" \\ \/
      continue;
    }
    at += 4;
    const int32_t low = inside.substr(at + 1, 2) == "\\u" ? hex4(inside, at + 3) : -1;
    if (is_high_half(unit) && is_low_half(low)) {
      append_utf8(out,
                  0x10000U + ((static_cast<uint32_t>(unit) & 0x3FFU) << 10U) + (static_cast<uint32_t>(low) & 0x3FFU));
      at += 6;
    } else if (is_high_half(unit) || is_low_half(unit)) {
      out += '?';
    } else {
      append_utf8(out, static_cast<uint32_t>(unit));
    }
  }
  return out;
}

}  // namespace dtud::config
