#include "object_scan.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "loose_json.hpp"
#include "message_parts.hpp"
#include "secret_words.hpp"

namespace command_dtu {
namespace {

constexpr bool is_white(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }
constexpr bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
constexpr bool is_word(char c) {
  return is_letter(c) || (c >= '0' && c <= '9') || c == '.' || c == '+' || c == '-' || static_cast<uint8_t>(c) >= 0x80;
}

// A colon and quotes as the documents of the protocol print them here and there.
constexpr std::array<std::string_view, 3> printed_signs{"\xEF\xBC\x9A", "\xE2\x80\x9C", "\xE2\x80\x9D"};

}  // namespace

void ObjectScan::close(bool list) {
  while (depth_ > 0 && in_list() != list) --depth_;  // a bracket that is missing
  if (depth_ > 0) --depth_;
}

ObjectScan::End ObjectScan::outside(char c, size_t position) {
  const char before = std::exchange(last_, c);
  if (is_white(c)) return End::no;
  if (c == '/' || c == '-') {
    in_comment_ = before == c;
    return End::no;
  }
  const char sign = std::exchange(last_sign_, c);
  switch (c) {
    case '\0':
      return depth_ > 0 ? End::before : End::no;
    case '"':
      in_string_ = true;
      // A quote before it is missing, or a comma.
      mistaken_ = mistaken_ || std::string_view("{[,:\0", 5).find(sign) == std::string_view::npos;
      after_name_ = !in_list() && (sign == '{' || sign == ',' || sign == '\0');
      return End::no;
    case '{':
    case '[':
      if (c == '{' && depth_ > 0 && !in_list() && sign != ':') doubt(position);
      if (depth_++ < 64) {
        const uint64_t bit = uint64_t{1} << (depth_ - 1);
        lists_ = c == '[' ? lists_ | bit : lists_ & ~bit;
      }
      return End::no;
    case '}':
      close(false);
      return depth_ == 0 ? End::behind : End::no;
    case ']':
      if (depth_ > 0 && in_list()) close(true);
      return End::no;
    default:
      return End::no;
  }
}

void ObjectScan::doubt(size_t position) {
  if (doubts_.size() < doubts_max) doubts_.push_back(position);
}

// Where a quote is missing, what looks like a string is what stands between two of them. If it ends behind a {, a
// command may begin there: no right object reads as one from within its strings.
void ObjectScan::inside(char c, size_t position) {
  if (escaped_) {
    escaped_ = false;
    brace_.reset();
    return;
  }
  in_string_ = c != '"' && c != '\n' && c != '\r';  // no string goes over the end of a line
  if (!in_string_ && brace_) doubt(*brace_);
  if (c == '{')
    brace_ = position;
  else if (!in_string_ || !is_white(c))
    brace_.reset();
  escaped_ = c == '\\';
}

std::optional<size_t> ObjectScan::feed(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool line_end = c == '\n' || c == '\r';
    if (in_comment_) {
      in_comment_ = !line_end;
    } else if (!in_string_) {
      const End end = outside(c, fed_ + i);
      if (end != End::no) return i + (end == End::behind ? 1 : 0);
    } else {
      inside(c, fed_ + i);
    }
  }
  fed_ += text.size();
  return std::nullopt;
}

bool ObjectScan::wants_value() const { return in_list() ? last_sign_ == '[' || last_sign_ == ',' : last_sign_ == ':'; }

bool ObjectScan::wants_name() const { return !in_list() && (last_sign_ == '{' || last_sign_ == ','); }

bool ObjectScan::may_begin_another(std::string_view text, bool with_mistakes) const {
  const auto at = std::find_if_not(text.begin(), text.end(), is_white);
  if (at == text.end() || *at != '{') return false;
  const bool in_doubt = in_string_ || in_comment_ || with_mistakes;
  if (!in_doubt) return !wants_value();
  return may_become_object(text.substr(static_cast<size_t>(at - text.begin())));
}

// An unquoted password may be anything, and so may the rest of a string.
bool ObjectScan::may_go_on(std::string_view text, bool with_mistakes) const {
  const size_t at = static_cast<size_t>(std::find_if_not(text.begin(), text.end(), is_white) - text.begin());
  if (at == text.size() || in_comment_) return true;
  const char c = text[at];
  const std::string_view rest = text.substr(at);
  if (may_begin_another(text, with_mistakes)) return false;
  if (in_string_ || with_mistakes || wants_value()) return true;
  switch (c) {
    case '"':
    case '\'':
    case ',':
    case '}':
    case ']':
    case '\0':
      return true;
    case '=':
    case ':':
      if (last_sign_ == '"') return after_name_ || rest.size() == 1 || is_white(rest[1]) || rest[1] == '"';
      return is_letter(last_sign_);
    case '/':
    case '-':
      return last_ == c || rest.size() == 1 || rest[1] == c;
    default:
      break;
  }
  for (const std::string_view sign : printed_signs)
    if (sign.substr(0, rest.size()) == rest.substr(0, sign.size())) return true;
  if (at == 0 && is_word(c) && is_word(last_)) return true;  // the cut goes through a word
  if (!wants_name() || !is_letter(c)) return wants_name() && has_secret(rest, true);
  const size_t end = static_cast<size_t>(std::find_if_not(rest.begin(), rest.end(), is_word) - rest.begin());
  return has_secret(rest, true) || may_be_bare_name(rest.substr(0, end), end == rest.size());
}

}  // namespace command_dtu
