#include "loose_json.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace command_dtu {
namespace {

constexpr size_t hex_digits_max = 15;  // below 2^60: exact in every integer type of the program
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
// What the documents print without quotes, and the other members of a command.
constexpr std::array<std::string_view, 8> bare_names{"Password", "message", "password", "cmd_code",
                                                     "code",     "data",    "msg_id",   "topic_id"};

bool is_hex(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool is_word(char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

// Positions of problems are as JsonReader's: the end of the text means that more of it might make it whole.
class LooseReader {
 public:
  LooseReader(std::string_view text, size_t at) : text_(text), at_(at) {}

  bool object() {
    skip();
    return !done() && now() == '{' ? sequence('}', json_depth_max) : fail("this is no object");
  }
  [[nodiscard]] size_t at() const { return at_; }
  [[nodiscard]] JsonProblem problem() const { return problem_; }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] char now() const { return text_[at_]; }
  [[nodiscard]] std::string_view rest() const { return text_.substr(at_); }
  bool fail(const char* what) {
    // The first half of a comment's mark may be all that has come.
    if (at_ + 1 == text_.size() && (now() == '-' || now() == '/')) at_ = text_.size();
    problem_ = {at_, what};
    return false;
  }
  bool take_one(char c) {
    if (done() || now() != c) return false;
    ++at_;
    return true;
  }

  void skip() {
    for (skip_white_space(text_, at_); rest().substr(0, 2) == "//" || rest().substr(0, 2) == "--";
         skip_white_space(text_, at_))
      at_ = std::min(text_.find_first_of("\r\n", at_), text_.size());
  }

  bool value(int depth) {
    skip();
    if (done()) return fail("the text ends where a value should be");
    if (now() == '{') return sequence('}', depth);
    if (now() == '[') return sequence(']', depth);
    if (now() == '"') return string();
    if (rest().substr(0, 2) == "0x" || rest().substr(0, 2) == "0X") return hexadecimal();
    const size_t begin = at_;
    JsonProblem problem;
    if (!read_json(text_, at_, &problem)) {
      at_ = problem.position;
      return fail(problem.what);
    }
    out_.append(text_, begin, at_ - begin);
    return true;
  }

  bool sequence(char close, int depth) {
    if (depth == 0) return fail("nested deeper than 32 levels");
    out_ += text_[at_++];
    for (bool first = true;; first = false) {
      skip();
      if (take_one(close)) break;
      if (!first) out_ += ',';
      if (close == '}' && !name()) return false;
      if (!value(depth - 1)) return false;
      skip();
      if (take_one(close)) break;
      if (!take_one(',')) return fail(close == '}' ? "a comma or } is missing" : "a comma or ] is missing");
    }
    out_ += close;
    return true;
  }

  bool name() {
    if (!done() && now() == '"') {
      if (!string()) return false;
    } else if (!bare_name()) {
      return fail("a member needs a name in quotes");
    }
    skip();
    if (!take_one(':')) return fail("a colon is missing behind a name");
    out_ += ':';
    return true;
  }

  bool bare_name() {
    size_t end = at_;
    while (end < text_.size() && is_word(text_[end])) ++end;
    const std::string_view word = text_.substr(at_, end - at_);
    for (const std::string_view known : bare_names) {
      if (end == text_.size() && known.substr(0, word.size()) == word) {
        at_ = end;
        return false;  // the text ends within it
      }
      if (word != known) continue;
      out_.append("\"").append(word).append("\"");
      at_ = end;
      return true;
    }
    return false;
  }

  bool string() {
    size_t run = at_;  // not written yet
    for (++at_; !done(); ++at_) {
      const char c = now();
      if (c == '"') {
        out_.append(text_, run, ++at_ - run);
        return true;
      }
      if (c == '\0') {
        out_.append(text_, run, at_ - run).append("\\u0000");
        run = at_ + 1;
      } else if (static_cast<uint8_t>(c) < 0x20) {
        return fail("a control character in a string");
      } else if (c == '\\' && ++at_ == text_.size()) {
        break;  // which escape it is, the strict reader looks at
      }
    }
    return fail("a string does not end");
  }

  bool hexadecimal() {
    const size_t begin = at_ + 2;
    for (at_ = begin; !done() && is_hex(now());) ++at_;
    if (at_ == begin || (!done() && is_word(now()))) return fail("0x needs hexadecimal digits");
    if (at_ - begin > hex_digits_max) return fail("a hexadecimal number has more than 15 digits");
    uint64_t number = 0;
    std::from_chars(text_.data() + begin, text_.data() + at_, number, 16);
    out_ += std::to_string(number);
    return true;
  }

  std::string_view text_;
  size_t at_;
  std::string out_;
  JsonProblem problem_;
};

}  // namespace

std::optional<std::string> read_loose(std::string_view text, size_t& at, JsonProblem* problem) {
  LooseReader reader(text, at);
  JsonProblem found;
  if (reader.object()) {
    std::string strict = reader.take();
    if (parse_json(strict, &found)) {
      at = reader.at();
      return strict;
    }
    found.position = at;  // an escape, or what is not UTF-8: more text does not make it right
  } else {
    found = reader.problem();
  }
  if (problem != nullptr) *problem = found;
  return std::nullopt;
}

bool may_be_bare_name(std::string_view word, bool cut) noexcept {
  return std::any_of(bare_names.begin(), bare_names.end(),
                     [&](std::string_view name) { return cut ? name.substr(0, word.size()) == word : name == word; });
}

void skip_blank(std::string_view text, size_t& at) noexcept {
  if (at == 0 && text.substr(0, byte_order_mark.size()) == byte_order_mark) at = byte_order_mark.size();
  while (at < text.size() &&
         (text[at] == '\0' || text[at] == ' ' || text[at] == '\t' || text[at] == '\n' || text[at] == '\r'))
    ++at;
}

}  // namespace command_dtu
