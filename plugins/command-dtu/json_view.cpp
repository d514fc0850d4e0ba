#include "json_view.hpp"

#include <cstring>

#include "text_codec.hpp"

namespace command_dtu {
namespace {

constexpr size_t key_max = 64;  // longer names, as written, are nobody's

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

class Reader {
 public:
  Reader(std::string_view text, size_t at) : text_(text), at_(at) {}

  bool value(JsonValue& out, int depth) {
    skip();
    const size_t begin = at_;
    if (done()) return fail("the text ends where a value should be");
    if (!any(out.type, depth)) return false;
    out.text = text_.substr(begin, at_ - begin);
    return true;
  }
  [[nodiscard]] size_t at() const { return at_; }
  [[nodiscard]] JsonProblem problem() const { return {at_, what_}; }

 private:
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] char now() const { return text_[at_]; }
  void skip() { skip_white_space(text_, at_); }
  bool fail(const char* what) {
    what_ = what;
    return false;
  }
  bool take(char c) {
    if (done() || now() != c) return false;
    ++at_;
    return true;
  }

  bool any(JsonType& type, int depth) {
    switch (now()) {
      case '{':
        type = JsonType::object;
        return sequence('}', true, depth);
      case '[':
        type = JsonType::array;
        return sequence(']', false, depth);
      case '"':
        type = JsonType::string;
        return string();
      case 't':
        type = JsonType::boolean;
        return word("true");
      case 'f':
        type = JsonType::boolean;
        return word("false");
      case 'n':
        type = JsonType::null;
        return word("null");
      default:
        type = JsonType::number;
        return number();
    }
  }

  bool sequence(char close, bool keyed, int depth) {
    if (depth == 0) return fail("nested deeper than 32 levels");
    ++at_;
    skip();
    if (take(close)) return true;
    for (;;) {
      if (keyed) {
        skip();
        if (done() || now() != '"') return fail("a member needs a name in quotes");
        if (!string()) return false;
        skip();
        if (!take(':')) return fail("a colon is missing behind a name");
      }
      JsonValue item;
      if (!value(item, depth - 1)) return false;
      skip();
      if (take(close)) return true;
      if (!take(',')) return fail(keyed ? "a comma or } is missing" : "a comma or ] is missing");
    }
  }

  bool string() {
    for (++at_; !done(); ++at_) {
      const char c = now();
      if (c == '"') {
        ++at_;
        return true;
      }
      if (static_cast<uint8_t>(c) < 0x20) return fail("a control character in a string");
      if (c != '\\') continue;
      if (++at_; done()) break;
      if (now() == 'u') {
        for (int i = 0; i < 4; ++i)
          if (++at_; done() || hex_value(now()) < 0) return fail("\\u needs four hexadecimal digits");
      } else if (std::strchr("\"\\/bfnrt", now()) == nullptr || now() == '\0') {
        return fail("an unknown escape in a string");
      }
    }
    return fail("a string does not end");
  }

  bool digits() {
    const size_t begin = at_;
    while (!done() && is_digit(now())) ++at_;
    return at_ > begin;
  }

  bool number() {
    take('-');
    if (!take('0') && !digits()) return fail("this is not a value");
    if (take('.') && !digits()) return fail("digits are missing behind the point");
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!digits()) return fail("digits are missing in the exponent");
    }
    return true;
  }

  bool word(std::string_view expected) {
    const std::string_view rest = text_.substr(at_, expected.size());
    if (rest != expected && rest == expected.substr(0, rest.size())) at_ = text_.size();  // the text ends within it
    if (rest != expected) return fail("this is not a value");
    at_ += expected.size();
    return true;
  }

  std::string_view text_;
  size_t at_;
  const char* what_ = "";
};

// The four digits of a \u escape, `at` on the first.
uint32_t unit(std::string_view s, size_t at) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4 && at + i < s.size(); ++i)
    value = value << 4U | (static_cast<uint32_t>(hex_value(s[at + i])) & 0xFU);
  return value;
}

// Decodes the \u escape whose first digit is at `at`; `at` moves to its last digit.
uint32_t code_point(std::string_view s, size_t& at) {
  const uint32_t first = unit(s, at);
  at += 3;
  if (first < 0xD800 || first > 0xDFFF) return first;
  if (first < 0xDC00 && s.substr(at + 1, 2) == "\\u") {
    const uint32_t second = unit(s, at + 3);
    if (second >= 0xDC00 && second <= 0xDFFF) {
      at += 6;
      return 0x10000 + ((first - 0xD800) << 10U) + (second - 0xDC00);
    }
  }
  return 0xFFFD;
}

char simple_escape(char c) {
  constexpr std::string_view from = "bfnrt";
  constexpr std::string_view to = "\b\f\n\r\t";
  const size_t found = from.find(c);
  return found == std::string_view::npos ? c : to[found];
}

}  // namespace

void skip_white_space(std::string_view text, size_t& at) noexcept {
  while (at < text.size() && is_space(text[at])) ++at;
}

std::optional<JsonValue> read_json(std::string_view text, size_t& at, JsonProblem* problem) {
  Reader reader(text, at);
  JsonValue value;
  JsonProblem found;
  if (!reader.value(value, json_depth_max))
    found = reader.problem();
  else if (!is_utf8(value.text))
    found = {at, "the text is not UTF-8"};
  else {
    at = reader.at();
    return value;
  }
  if (problem != nullptr) *problem = found;
  return std::nullopt;
}

std::optional<JsonValue> parse_json(std::string_view text, JsonProblem* problem) {
  size_t at = 0;
  std::optional<JsonValue> value = read_json(text, at, problem);
  if (!value) return value;
  skip_white_space(text, at);
  if (at == text.size()) return value;
  if (problem != nullptr) *problem = {at, "there is something behind the value"};
  return std::nullopt;
}

void each_member(std::string_view object, const std::function<bool(std::string_view key, const JsonValue&)>& each) {
  size_t at = 0;
  skip_white_space(object, at);
  if (at >= object.size() || object[at] != '{') return;
  for (++at;;) {
    Reader name_reader(object, at);
    JsonValue name;
    if (!name_reader.value(name, 1) || name.type != JsonType::string) return;
    at = name_reader.at();
    skip_white_space(object, at);
    Reader reader(object, at + 1);
    JsonValue value;
    if (!reader.value(value, json_depth_max)) return;
    at = reader.at();
    skip_white_space(object, at);
    const std::string_view written = name.text.substr(1, name.text.size() - 2);
    const bool plain = written.size() > key_max || written.find('\\') == std::string_view::npos;
    if (plain ? !each(written, value) : !each(unquote(name.text), value)) return;
    if (at >= object.size() || object[at] != ',') return;
    ++at;
  }
}

std::optional<JsonValue> member(std::string_view object, std::string_view name) {
  std::optional<JsonValue> found;
  each_member(object, [&](std::string_view key, const JsonValue& value) {
    if (key == name) found = value;
    return !found;
  });
  return found;
}

std::string unquote(std::string_view quoted) {
  std::string bytes;
  if (quoted.size() < 2) return bytes;
  const std::string_view s = quoted.substr(1, quoted.size() - 2);
  bytes.reserve(s.size());
  for (size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '\\') {
      const size_t run = i;
      while (i < s.size() && s[i] != '\\') ++i;
      bytes.append(s, run, i - run);
      --i;
    } else if (++i; i < s.size()) {
      if (s[i] == 'u')
        append_utf8(bytes, code_point(s, ++i));
      else
        bytes += simple_escape(s[i]);
    }
  }
  return bytes;
}

std::string plain_text(const JsonValue& value) {
  return value.type == JsonType::string ? unquote(value.text) : std::string(value.text);
}

}  // namespace command_dtu
