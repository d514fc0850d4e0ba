#include "config/locate.hpp"

#include <algorithm>
#include <string>

#include "config/json_value.hpp"
#include "config/syntax.hpp"

namespace dtud::config {
namespace {

// Walks a text known to be JSON; on any other it stops at the end without harm.
class Walker {
 public:
  explicit Walker(std::string_view text) : text_(text) {}

  Located find(std::string_view pointer) {
    space();
    Located found{at_, at_, true};
    while (!pointer.empty()) {
      pointer.remove_prefix(1);  // '/'
      const auto step = pointer.substr(0, pointer.find('/'));
      pointer.remove_prefix(step.size());
      size_t key = 0;
      if (!descend(step, key)) {
        found.exact = false;
        return found;
      }
      found.key = key;
      found.value = at_;
    }
    return found;
  }

 private:
  // From a '{' or '[' to the value of its member `step` (escaped as in a pointer).
  bool descend(std::string_view step, size_t& key) {
    const char open = peek();
    if (open != '{' && open != '[') return false;
    ++at_;
    for (size_t index = 0;; ++index) {
      space();
      if (at_ >= text_.size() || peek() == '}' || peek() == ']') return false;
      key = at_;
      std::string name;
      if (open == '{') {
        name = below({}, unescape(skip_text()));
        name.erase(0, 1);
        space();
        ++at_;  // ':'
        space();
      } else {
        name = std::to_string(index);
      }
      if (name == step) return true;
      skip_value();
      space();
      if (peek() == ',') ++at_;
    }
  }

  void skip_value() {
    size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = peek();
      if (c == '"') {
        skip_text();
        if (depth == 0) return;
        continue;
      }
      if (c == '{' || c == '[') ++depth;
      if (c == '}' || c == ']') {
        if (depth == 0) return;  // a number or word ended before it
        ++at_;
        if (--depth == 0) return;
        continue;
      }
      if (depth == 0 && std::string_view(", \t\r\n").find(c) != std::string_view::npos) return;
      ++at_;
    }
  }

  // Past a text; what is between its quotes.
  std::string_view skip_text() {
    const size_t begin = ++at_;
    while (at_ < text_.size() && peek() != '"') at_ += peek() == '\\' ? 2 : 1;
    const size_t end = std::min(at_, text_.size());
    at_ = std::min(end + 1, text_.size());
    return text_.substr(std::min(begin, end), end - std::min(begin, end));
  }

  void space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) ++at_;
  }

  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  std::string_view text_;
  size_t at_ = 0;
};

}  // namespace

Place place_of(std::string_view text, size_t offset) {
  Place place{1, 1};
  for (const char c : text.substr(0, offset)) {
    if (c == '\n') {
      ++place.line;
      place.column = 1;
    } else if ((static_cast<unsigned char>(c) & 0xC0U) != 0x80U) {
      ++place.column;
    }
  }
  return place;
}

Located locate(std::string_view text, std::string_view pointer) { return Walker(text).find(pointer); }

}  // namespace dtud::config
