#include "log/scrubber.hpp"

#include <algorithm>
#include <array>
#include <cctype>

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

// The value of a JSON string member whose name ends in "password" or "secret": where it begins, and its length.
std::pair<size_t, size_t> secret_member(std::string_view text, size_t from) {
  constexpr std::array<std::string_view, 2> kNames{"password\"", "secret\""};
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  for (const auto name : kNames) {
    if (text.size() - from < name.size() ||
        !std::equal(name.begin(), name.end(), text.begin() + static_cast<ptrdiff_t>(from),
                    [&](char n, char t) { return same(t, n); }))
      continue;
    size_t at = from + name.size();
    const auto skip = [&] {
      while (at < text.size() && (text[at] == ' ' || text[at] == '\t' || text[at] == '\r' || text[at] == '\n')) ++at;
    };
    skip();
    if (at >= text.size() || text[at] != ':') continue;
    ++at;
    skip();
    if (at >= text.size() || text[at] != '"') continue;
    const size_t begin = ++at;
    while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    return {begin, std::min(at, text.size()) - begin};
  }
  return {0, 0};
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

std::string Scrubber::blot(std::string_view bytes) const {
  std::string out(bytes);
  replace(out, [](size_t length) { return std::string(length, '*'); });
  for (size_t at = 0; at < out.size(); ++at) {
    if (std::string_view("pPsS").find(out[at]) == std::string_view::npos) continue;
    const auto [begin, length] = secret_member(out, at);
    for (size_t i = begin; i < begin + length; ++i) out[i] = '*';
  }
  return out;
}

}  // namespace dtud
