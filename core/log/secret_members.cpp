#include "log/secret_members.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <vector>

namespace dtud {
namespace {

constexpr std::array<const char*, 5> kSounds = {"passw", "secret", "token", "private", "pwd"};
constexpr size_t kLongestName = 64;  // characters, escapes resolved
constexpr size_t kDeepest = 4;       // a string in a string in ...
constexpr size_t kWorkPerByte = 16;  // a text made to cost more is secret from there on
constexpr std::string_view kBlanks{" \t\r\n\0", 5};

bool is_one_of(char c, std::string_view set) { return set.find(c) != std::string_view::npos; }
bool is_word(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
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
};

// One pass over one layer.
class Finder {
 public:
  Finder(const Layer& layer, const SecretNames& names, std::string& out)
      : layer_(layer), text_(layer.text), names_(names), out_(out), work_left_(kWorkPerByte * (text_.size() + 256)) {}

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
    std::string name;
    while (at < text_.size() && is_name(text_[at])) {
      const auto [c, length] = text_[at] == '\\' ? escape_at(text_, at) : std::pair<char, size_t>(text_[at], 1);
      if (text_[at] == '\\' && !is_word(c)) {  // the quote of a string in a string
        if (at == begin) return at + 1;
        break;
      }
      if (name.size() <= kLongestName) name += c;
      at += length;
    }
    spend(at - begin);
    name = lower(name.size() <= kLongestName ? name : "");
    const auto from = secret_from(name);
    const bool is_url = name.size() >= 3 && name.compare(name.size() - 3, 3, "url") == 0;
    if (!from && !is_url) return at;
    size_t next = at;
    skip(next, " ");
    if (next < text_.size() && is_one_of(text_[next], "\"'")) ++next;
    skip_blank(next);
    if (next >= text_.size() || text_[next] != ':') return at;
    ++next;
    skip_blank(next);
    if (next >= text_.size()) return at;
    return from ? value(next, *from) : address(next);
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
    if (c == '[' || c == '{') return container(at, c == '[' ? from : 0);
    const size_t end = std::min(text_.find_first_of(std::string_view(",}]\r\n\"\0", 7), at), text_.size());
    spend(end - at);
    mark(at, end);
    return std::max(end, at);
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
    for (skip(at, kBlanks); work_left_ > 0 && (text_.compare(at, 2, "//") == 0 || text_.compare(at, 2, "--") == 0);
         skip(at, kBlanks)) {
      const size_t end = std::min(text_.find_first_of("\r\n", at), text_.size());
      spend(end - at);
      at = end;
    }
  }

  const Layer& layer_;
  std::string_view text_;
  const SecretNames& names_;
  std::string& out_;
  size_t work_left_;
};

}  // namespace

bool sounds_secret(std::string_view name) {
  const std::string low = lower(name);
  return std::any_of(kSounds.begin(), kSounds.end(),
                     [&](const char* sound) { return low.find(sound) != std::string::npos; });
}

std::string secret_bytes(std::string_view text, const SecretNames& names) {
  std::string out(text.size(), ' ');
  Layer layer{std::string(text), {}};
  for (size_t depth = 0; depth < kDeepest; ++depth) {
    Finder(layer, names, out).run();
    if (layer.text.find('\\') == std::string::npos) break;
    layer = layer.inner();
  }
  return out;
}

}  // namespace dtud
