#include "log/scrubber.hpp"

#include <algorithm>

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
  for (size_t i = 0; i < out.size(); ++i)
    if (secret[i] == '*') out[i] = '*';
  return out;
}

}  // namespace dtud
