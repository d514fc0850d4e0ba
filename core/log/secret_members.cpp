#include "log/secret_members.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "log/digits.hpp"

namespace dtud {
namespace {

constexpr std::array<const char*, 7> kSounds = {"passw", "pasw", "passc", "secret", "token", "private", "pwd"};
constexpr std::array<const char*, 4> kCommand = {"cmd_code", "cmdcode", "cmd-code", "cmd code"};
constexpr size_t kLongestName = 64;  // characters, escapes resolved
constexpr size_t kDeepest = 4;       // a string in a string in ...
constexpr size_t kWorkPerByte = 16;  // a text made to cost more is secret from there on
constexpr std::string_view kBlanks{" \t\r\n\0", 5};

// Also as wide as a CJK letter.
constexpr std::array<std::string_view, 4> kSigns = {":", "=", "\xEF\xBC\x9A", "\xEF\xBC\x9D"};
// Also the typographic ones: double, single, double angle, wide.
// clang-format off
constexpr std::array<std::string_view, 14> kQuotes = {
    "\"", "'", "`", "\xE2\x80\x98", "\xE2\x80\x99", "\xE2\x80\x9A", "\xE2\x80\x9B", "\xE2\x80\x9C", "\xE2\x80\x9D",
    "\xE2\x80\x9E", "\xE2\x80\x9F", "\xC2\xAB", "\xC2\xBB", "\xEF\xBC\x82"};
// clang-format on

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// "pass word", "pass_word": the two halves of the word, and not those of "compass west".
bool is_split_word(std::string_view low) {
  for (size_t at = 0; (at = low.find("pass", at)) != std::string_view::npos; ++at)
    if ((at == 0 || !is_letter(low[at - 1])) && at + 5 < low.size() && is_one_of(low[at + 4], " _-") &&
        low[at + 5] == 'w')
      return true;
  return false;
}

template <size_t N>
size_t length_of_any(std::string_view text, size_t at, const std::array<std::string_view, N>& set) {
  for (const std::string_view one : set)
    if (text.compare(at, one.size(), one) == 0) return one.size();
  return 0;
}

// A typographic quote ends with any that has as many strokes.
bool is_closed_by(std::string_view first, std::string_view last) {
  const auto is_double = [](char c) { return static_cast<unsigned char>(c) >= 0x9C; };
  if (first.size() == 1 || first == last) return first == last;
  return length_of_any(last, 0, kQuotes) == first.size() && first[0] == last[0] &&
         is_double(first.back()) == is_double(last.back());
}

// The escape at `at`, where a backslash stands: what it means, '?' for what is not ASCII, and its length.
std::pair<char, size_t> escape_at(std::string_view text, size_t at) {
  if (at + 1 >= text.size()) return {'\\', 1};
  constexpr std::string_view kFrom = "bfnrt", kTo = "\b\f\n\r\t";
  const char kind = text[at + 1];
  if (const size_t i = kFrom.find(kind); i != std::string_view::npos) return {kTo[i], 2};
  if (kind != 'u') return {kind, 2};
  int unit = 0;
  for (size_t i = at + 2; i < at + 6; ++i) {
    const int digit = i < text.size() ? hex_value(text[i]) : -1;
    if (digit < 0) return {kind, 2};
    unit = unit * 16 + digit;
  }
  return {unit < 0x80 ? static_cast<char>(unit) : '?', 6};
}

// A text, and where in the traffic each of its characters begins.
struct Layer {
  std::string text;
  std::vector<uint32_t> from;  // one more than characters; empty: the text is the traffic itself

  [[nodiscard]] size_t offset(size_t at) const { return from.empty() ? at : from[at]; }
  // With one level of escapes resolved: what a string of it holds reads as if it stood by itself.
  [[nodiscard]] Layer inner() const {
    Layer out;
    out.from.reserve(text.size() + 1);
    for (size_t at = 0; at < text.size();) {
      const auto [c, length] = text[at] == '\\' ? escape_at(text, at) : std::pair<char, size_t>(text[at], 1);
      out.from.push_back(static_cast<uint32_t>(offset(at)));
      out.text += c;
      at += length;
    }
    out.from.push_back(static_cast<uint32_t>(offset(text.size())));
    return out;
  }
  // Without NULs: a text of two bytes a letter (UTF-16) reads as one of one byte.
  [[nodiscard]] Layer without_nuls() const {
    Layer out;
    out.from.reserve(text.size() + 1);
    for (size_t at = 0; at < text.size(); ++at) {
      if (text[at] == '\0') continue;
      out.from.push_back(static_cast<uint32_t>(offset(at)));
      out.text += text[at];
    }
    out.from.push_back(static_cast<uint32_t>(offset(text.size())));
    return out;
  }
};

// At `at`, if no comment is there. One of a line ends with it.
size_t end_of_comment(std::string_view text, size_t at) {
  if (text.compare(at, 2, "//") == 0 || text.compare(at, 2, "--") == 0)
    return std::min(text.find_first_of("\r\n", at), text.size());
  if (text.compare(at, 2, "/*") != 0) return at;
  const size_t end = text.find("*/", at + 2);
  return end == std::string_view::npos ? text.size() : end + 2;
}

using Ranges = std::vector<std::pair<size_t, size_t>>;  // in order

// JSON as lenient readers of commands take it: names without quotes, 0x40, more commas, comments of a line, NULs.
class Objects {
 public:
  explicit Objects(std::string_view text) : text_(text), work_left_(4 * text.size()) {}

  // What stands outside the objects that can be read, or may be when more of them has come.
  Ranges outside() {
    Ranges out;
    size_t begin = 0;
    for (size_t at = text_.find('{'); at < text_.size(); at = text_.find('{', at)) {
      size_t end = at + 1;
      const bool is_read = work_left_ > 0 && object(end);
      work_left_ -= std::min(work_left_, end - at);
      if (!is_read) {
        ++at;
        continue;
      }
      if (begin < at) out.emplace_back(begin, at);
      begin = at = end;
    }
    if (begin < text_.size()) out.emplace_back(begin, text_.size());
    return out;
  }

 private:
  // From behind the { to behind the }, or to the end of the text. False if it cannot be read.
  [[nodiscard]] bool object(size_t& at) const {
    constexpr size_t kMostOpen = 32;
    enum { name, sign, value, comma } next = name;
    std::string open(1, '{');
    for (;;) {
      skip(at);
      if (at >= text_.size()) return true;
      const char c = text_[at];
      const bool may_close = next == comma || next == name || (next == value && open.back() == '[');
      if (may_close && c == (open.back() == '{' ? '}' : ']')) {
        ++at;
        open.pop_back();
        if (open.empty()) return true;
        next = comma;
      } else if (next == sign || next == comma) {
        if (c != (next == sign ? ':' : ',')) return false;
        next = next == sign || open.back() == '[' ? value : name;
        ++at;
      } else if (next == value && (c == '{' || c == '[')) {
        if (open.size() == kMostOpen) return false;
        open += c;
        next = c == '{' ? name : value;
        ++at;
      } else {
        if (!(c == '"' ? string(at) : bare(at))) return false;
        next = next == name ? sign : comma;
      }
    }
  }

  bool string(size_t& at) const {
    for (++at; at < text_.size() && text_[at] != '"'; ++at) {
      if (text_[at] == '\\')
        ++at;
      else if (text_[at] != '\0' && static_cast<unsigned char>(text_[at]) < ' ')
        return false;
    }
    at = std::min(at + 1, text_.size());
    return true;
  }
  bool bare(size_t& at) const {
    const size_t begin = at;
    while (at < text_.size() && (is_word(text_[at]) || is_one_of(text_[at], "+."))) ++at;
    return at > begin;
  }
  void skip(size_t& at) const {
    constexpr std::string_view kFirst = "/-";  // of the mark of a comment, which may be cut
    for (;;) {
      while (at < text_.size() && is_one_of(text_[at], kBlanks)) ++at;
      if (at + 1 == text_.size() && is_one_of(text_[at], kFirst)) at = text_.size();
      const size_t end = at < text_.size() ? end_of_comment(text_, at) : at;
      if (end == at) return;
      at = end;
    }
  }

  std::string_view text_;
  size_t work_left_;
};

bool names_command(const Layer& layer) {
  const std::string low = lower(layer.text.find('\\') == std::string::npos ? layer.text : layer.inner().text);
  return std::any_of(kCommand.begin(), kCommand.end(),
                     [&](const char* name) { return low.find(name) != std::string::npos; });
}

// Of a text that names a command: what cannot be read.
Ranges unreadable_commands(const Layer& layer) {
  if (!names_command(layer)) return {};
  Ranges outside = Objects(layer.text).outside();
  Layer rest;
  for (const auto& [begin, end] : outside) rest.text += layer.text.substr(begin, end - begin) + ' ';
  return names_command(rest) ? outside : Ranges{};
}

// One pass over one layer.
class Finder {
 public:
  // `unreadable`: of a command that nobody can read. What such a text means is not known, so more of it is secret.
  Finder(const Layer& layer, const SecretNames& names, const Ranges& unreadable, std::string& out)
      : layer_(layer),
        text_(layer.text),
        names_(names),
        unreadable_(unreadable),
        out_(out),
        work_left_(kWorkPerByte * (text_.size() + 256)) {}

  void run() {
    for (size_t at = 0; at < text_.size();) {
      if (work_left_ == 0) return mark(at, text_.size());
      if (text_.compare(at, 3, "://") == 0) url(at + 3, end_of_url(at + 3));
      at = is_name(text_[at]) ? member(at) : at + 1;
    }
  }

 private:
  // Of a name, which may have escapes.
  static bool is_name(char c) { return is_word(c) || c == '\\'; }

  void spend(size_t bytes) { work_left_ -= std::min(work_left_, bytes); }
  void mark(size_t begin, size_t end) {
    const size_t first = layer_.offset(begin);
    std::fill(out_.begin() + static_cast<ptrdiff_t>(first), out_.begin() + static_cast<ptrdiff_t>(layer_.offset(end)),
              '*');
  }

  // From what may be a name; the answer: where to go on.
  size_t member(size_t at) {
    const size_t begin = at;
    std::string name = word(at);
    if (at == begin) return at + 1;
    const bool is_half = name.size() >= 4 && name.compare(name.size() - 4, 4, "pass") == 0;
    size_t second = at;
    if (is_half) skip(second, " \t");
    if (second > at && second < text_.size() && is_name(text_[second])) {
      size_t end = second;
      const std::string both = name + ' ' + word(end);
      if (is_split_word(both)) {
        name = both;
        at = end;
      }
    }
    const auto from = secret_from(name);
    const bool is_url = name.size() >= 3 && name.compare(name.size() - 3, 3, "url") == 0;
    if (!from && !is_url) return at;
    size_t next = at;
    const bool has_value = find_value(begin, next, from.has_value());
    if (from && is_unreadable(begin) && (has_value || sounds_secret(name))) {
      const size_t end = has_value && next < text_.size() ? value(next, *from) : next;
      const size_t last = std::max(end, end_of_command(next));
      mark(at, last);
      return last;
    }
    if (!has_value || next >= text_.size()) return at;
    return from ? value(next, *from) : address(next);
  }

  // A word in lower case, which may have escapes; "" if it is longer than any name.
  std::string word(size_t& at) {
    const size_t begin = at;
    std::string name;
    while (at < text_.size() && is_name(text_[at])) {
      const auto [c, length] = text_[at] == '\\' ? escape_at(text_, at) : std::pair<char, size_t>(text_[at], 1);
      if (text_[at] == '\\' && !is_word(c)) break;  // the quote of a string in a string
      if (name.size() <= kLongestName) name += c;
      at += length;
    }
    spend(at - begin);
    return lower(name.size() <= kLongestName ? name : "");
  }

  // Of the name from `begin` to `end`; then `end` is where its value begins, if it has one.
  bool find_value(size_t begin, size_t& end, bool is_secret) {
    size_t at = end;
    skip_blank(at);
    const size_t quote = length_of_any(text_, at, kQuotes);
    size_t next = at + quote;
    skip_blank(next);
    if (const size_t sign = length_of_any(text_, next, kSigns); sign > 0) {
      end = next + sign;
      if (is_secret) skip_signs(end);
      skip_blank(end);
      return true;
    }
    if (quote == 0) return false;
    if (is_opened(begin)) {
      if (is_value(begin)) return false;
      if (next < text_.size() && text_[next] == ',') skip_blank(++next);
      if (length_of_any(text_, next, kQuotes) == 0) return false;
      end = next;
      return true;
    }
    // A value in quotes, and not the end of a string that ends with the name.
    if (at == end || next != at + quote || next >= text_.size() || is_one_of(text_[next], ",:;}])")) return false;
    end = at;
    return true;
  }

  // More signs, and what looks like a comment, may be of a value without quotes.
  void skip_signs(size_t& at) {
    size_t sign = 0;
    for (skip(at, kBlanks); (sign = length_of_any(text_, at, kSigns)) > 0; skip(at, kBlanks)) {
      mark(at, at + sign);
      at += sign;
    }
    size_t next = at;
    skip_blank(next);
    const bool is_marked =
        next < text_.size() && (is_one_of(text_[next], "[{\\") || length_of_any(text_, next, kQuotes) > 0);
    if (!is_marked) mark(at, next);
  }

  // A quote stands in front of what begins at `at`.
  [[nodiscard]] bool is_opened(size_t at) const {
    return std::any_of(kQuotes.begin(), kQuotes.end(), [&](std::string_view quote) {
      return at >= quote.size() && text_.compare(at - quote.size(), quote.size(), quote) == 0;
    });
  }
  // The word in quotes is the value of a member, as in {"mode":"token","x":1}.
  [[nodiscard]] bool is_value(size_t at) {
    const size_t begin = at;
    while (at > 0 && is_one_of(text_[at - 1], "\"' \t\r\n")) --at;
    spend(begin - at);
    return at > 0 && is_one_of(text_[at - 1], ":=");
  }

  [[nodiscard]] bool is_unreadable(size_t at) const {
    const auto behind = std::upper_bound(unreadable_.begin(), unreadable_.end(), at,
                                         [](size_t a, const auto& range) { return a < range.first; });
    return behind != unreadable_.begin() && at < std::prev(behind)->second;
  }
  // Of one that cannot be read: the line ends, or the last } of it stands in front of something else.
  size_t end_of_command(size_t at) {
    const size_t begin = at;
    for (; at < text_.size() && !is_one_of(text_[at], "\r\n"); ++at) {
      if (text_[at] != '}') continue;
      const size_t next = std::min(text_.find_first_not_of('}', at), text_.size());
      if (is_other(next)) break;
      at = next - 1;
    }
    spend(at - begin);
    return at;
  }
  // The end, bytes that are no text, an object, or the numbers of a frame.
  [[nodiscard]] bool is_other(size_t at) const {
    if (at >= text_.size() || static_cast<unsigned char>(text_[at]) < ' ' || text_[at] == '{') return true;
    const size_t comma = text_.find_first_not_of("0123456789", at);
    return comma > at && (comma == std::string_view::npos || text_[comma] == ',');
  }

  [[nodiscard]] std::optional<size_t> secret_from(const std::string& name) const {
    if (const auto known = names_.find(name); known != names_.end()) return known->second;
    return sounds_secret(name) ? std::optional<size_t>(0) : std::nullopt;
  }

  size_t value(size_t at, size_t from) {
    const char c = text_[at];
    if (c == '\\') return at;  // of a string in a string: the next layer has it
    if (c == '"') {
      const size_t end = end_of_string(at);
      mark(at + 1, end);
      return end;
    }
    if (const size_t quote = length_of_any(text_, at, kQuotes); quote > 0) return other_string(at, quote);
    if (c == '[' || c == '{') return container(at, c == '[' ? from : 0);
    const size_t end = std::min(text_.find_first_of(std::string_view(",}]\r\n\"\0", 7), at), text_.size());
    spend(end - at);
    mark(at, end);
    return std::max(end, at);
  }

  // In other quotes than JSON has.
  size_t other_string(size_t at, size_t quote) {
    const std::string_view first = text_.substr(at, quote);
    size_t end = at + quote;
    while (end < text_.size() && (text_[end - 1] == '\\' || !is_closed_by(first, text_.substr(end, quote)))) ++end;
    end = std::min(end, text_.size());
    spend(end - at);
    mark(at + quote, end);
    return end;
  }

  // All inside the brackets, of a list without its first entries.
  size_t container(size_t at, size_t keep) {
    size_t depth = 0, secret = keep == 0 ? at + 1 : text_.size();
    const size_t begin = at;
    for (; at < text_.size(); ++at) {
      const char c = text_[at];
      if (c == '"') {
        at = end_of_string(at);
      } else if (c == '[' || c == '{') {
        ++depth;
      } else if (c == ']' || c == '}') {
        if (--depth == 0) break;
      } else if (c == ',' && depth == 1 && keep > 0 && --keep == 0) {
        secret = at + 1;
      }
    }
    at = std::min(at, text_.size());
    spend(at - begin);
    if (secret < at) mark(secret, at);
    return keep == 0 ? at : begin + 1;
  }

  // A string under the name of a URL, which may lack its scheme.
  size_t address(size_t at) {
    if (text_[at] != '"') return at;
    const size_t end = end_of_string(at);
    if (text_.substr(at, end - at).find("://") != std::string_view::npos) return at;
    url(at + 1, end);
    return end;
  }

  size_t end_of_string(size_t quote) {
    size_t end = quote + 1;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    end = std::min(end, text_.size());
    spend(end - quote);
    return end;
  }

  size_t end_of_url(size_t at) {
    const size_t begin = at;
    while (at < text_.size() && static_cast<unsigned char>(text_[at]) > ' ' && !is_one_of(text_[at], "\"'<>\\")) ++at;
    spend(at - begin);
    return at;
  }

  // What stands behind the scheme.
  void url(size_t begin, size_t end) {
    const std::string_view all = text_.substr(begin, end - begin);
    const size_t user = all.substr(0, all.find_first_of("/?#")).rfind('@');
    if (user != std::string_view::npos) mark(begin, begin + user);
    size_t at = std::min(all.find_first_of("?#"), all.size());
    while (at < all.size()) {
      const std::string_view rest = all.substr(++at);
      const std::string_view part = rest.substr(0, rest.find('&'));
      const size_t sign = part.find('=');
      mark(begin + at + (sign == std::string_view::npos ? 0 : sign + 1), begin + at + part.size());
      at += part.size();
    }
    spend(end - begin);
  }

  void skip(size_t& at, std::string_view set) {
    const size_t begin = at;
    while (at < text_.size() && is_one_of(text_[at], set)) ++at;
    spend(at - begin);
  }
  // And comments, which some commands have.
  void skip_blank(size_t& at) {
    for (skip(at, kBlanks); work_left_ > 0; skip(at, kBlanks)) {
      const size_t end = end_of_comment(text_, at);
      if (end == at) return;
      spend(end - at);
      at = end;
    }
  }

  const Layer& layer_;
  std::string_view text_;
  const SecretNames& names_;
  const Ranges& unreadable_;
  std::string& out_;
  size_t work_left_;
};

}  // namespace

bool sounds_secret(std::string_view name) {
  const std::string low = lower(name);
  return is_split_word(low) || std::any_of(kSounds.begin(), kSounds.end(),
                                           [&](const char* sound) { return low.find(sound) != std::string::npos; });
}

std::string secret_bytes(std::string_view text, const SecretNames& names) {
  std::string out(text.size(), ' ');
  const auto look_at = [&](Layer layer) {
    Ranges unreadable = unreadable_commands(layer);
    for (size_t depth = 0; depth < kDeepest; ++depth) {
      Finder(layer, names, unreadable, out).run();
      if (layer.text.find('\\') == std::string::npos) break;
      layer = layer.inner();
      unreadable.clear();  // what a string holds is no JSON as a whole
    }
  };
  Layer traffic{std::string(text), {}};
  if (text.find('\0') != std::string_view::npos) look_at(traffic.without_nuls());
  look_at(std::move(traffic));
  return out;
}

}  // namespace dtud
