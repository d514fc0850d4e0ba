#include "log/scrubber.hpp"

#include <algorithm>

#include "log/digits.hpp"

namespace dtud {
namespace {

constexpr size_t kMost = 512;  // the oldest goes: it is the least likely to be in use
constexpr char kMask[] = "***";

// In a JSON string some bytes are written otherwise.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\' || c == '/') out += '\\';
    out += c;
  }
  return out;
}

// The end of the user name and password that begin at `from`, behind "://"; npos: there are none.
size_t end_of_user(std::string_view text, size_t from) {
  size_t end = from;
  while (end < text.size() && static_cast<unsigned char>(text[end]) > ' ' &&
         std::string_view("/?#\"'<>\\").find(text[end]) == std::string_view::npos)
    ++end;
  const size_t at = text.substr(from, end - from).rfind('@');
  return at == std::string_view::npos || at == 0 ? std::string_view::npos : from + at;
}

bool is_hex(char c) { return hex_value(c) >= 0; }

// From a checksum of all bytes a short secret among them is found by trying. One stands in front of the first object,
// or of the secret if there is no object; and behind a length and in front of a comma. `first` and `last` are of
// secrets.
void blot_checksums(std::string_view bytes, size_t first, size_t last, std::string& out) {
  constexpr size_t kDecimal = 6, kHex = 8;  // digits; fewer may be a length or an identifier
  constexpr std::string_view kBlanks{" \t\r\n\0\xEF\xBB\xBF", 8};
  const size_t front = std::min(bytes.find('{'), first);
  for (size_t at = 0, end = 0; at < last; at = end + 1) {
    size_t digits = 0, most_digits = 0;
    for (end = at; end < bytes.size() && is_hex(bytes[end]); ++end) {
      digits = is_digit(bytes[end]) ? digits + 1 : 0;
      most_digits = std::max(most_digits, digits);
    }
    if (end == at || end > last) continue;
    const bool behind_0x = at >= 2 && (bytes[at - 1] == 'x' || bytes[at - 1] == 'X');
    const size_t begin = behind_0x ? at - 2 : at;
    const bool is_field = begin >= 2 && bytes[begin - 1] == ',' && is_digit(bytes[begin - 2]) && bytes[end] == ',';
    const size_t next = is_field ? bytes.find_first_not_of(kBlanks, end + 1) : std::string_view::npos;
    const bool is_long = most_digits >= kDecimal || end - at >= kHex;
    if ((is_long && (at < front || is_field)) || (next != std::string_view::npos && bytes[next] == '{'))
      std::fill(out.begin() + static_cast<ptrdiff_t>(at), out.begin() + static_cast<ptrdiff_t>(end), '*');
  }
}

}  // namespace

void Scrubber::add(std::string_view secret) {
  const size_t scheme = secret.find("://");
  const size_t end = scheme == std::string_view::npos ? scheme : end_of_user(secret, scheme + 3);
  if (end != std::string_view::npos) {  // a URL: its password may be quoted alone
    const std::string_view user = secret.substr(scheme + 3, end - scheme - 3);
    add(user);
    add(user.substr(std::min(user.find(':') + 1, user.size())));
  }
  if (secret.size() < kShortest) return;
  Lock lock(mutex_);
  if (!secrets_.emplace(secret).second) return;
  secrets_.insert(escaped(secret));
  ages_.emplace_back(secret);
  if (ages_.size() <= kMost) return;
  secrets_.erase(escaped(ages_.front()));
  secrets_.erase(ages_.front());
  ages_.pop_front();
}

template <typename Replacement>
void Scrubber::replace(std::string& text, const Replacement& by) const {
  {
    Lock lock(mutex_);
    for (const std::string& secret : secrets_)
      for (size_t at = 0; (at = text.find(secret, at)) != std::string::npos;) {
        const std::string mask = by(secret.size());
        text.replace(at, secret.size(), mask);
        at += mask.size();
      }
  }
  constexpr std::string_view kScheme = "://";
  for (size_t at = 0; (at = text.find(kScheme, at)) != std::string::npos;) {
    at += kScheme.size();
    const size_t end = end_of_user(text, at);
    if (end != std::string::npos) text.replace(at, end - at, by(end - at));
  }
}

std::string Scrubber::clean(std::string_view text) const {
  std::string out(text);
  replace(out, [](size_t /*length*/) { return std::string(kMask); });
  return out;
}

std::string Scrubber::clean_json(std::string_view json) const {
  std::string out;
  for (size_t at = 0; at < json.size();) {
    const size_t begin = std::min(json.find('"', at), json.size());
    out += json.substr(at, begin - at);
    if (begin == json.size()) break;
    size_t end = begin + 1;
    while (end < json.size() && json[end] != '"') end += json[end] == '\\' ? 2 : 1;
    end = std::min(end, json.size());
    out += '"' + clean(json.substr(begin + 1, end - begin - 1));
    if (end < json.size()) out += '"';
    at = end + 1;
  }
  return out;
}

std::string Scrubber::blot(std::string_view bytes, const SecretNames& names) const {
  std::string out(bytes);
  replace(out, [](size_t length) { return std::string(length, '*'); });
  // Found in the bytes as they came: a secret may be a part of the name of a member.
  const std::string secret = secret_bytes(bytes, names);
  size_t first = bytes.size(), last = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    if (secret[i] == '*') out[i] = '*';
    if (secret[i] != '*' && out[i] == bytes[i]) continue;
    first = std::min(first, i);
    last = i;
  }
  if (first < bytes.size()) blot_checksums(bytes, first, last, out);
  return out;
}

}  // namespace dtud
