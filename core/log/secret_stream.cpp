#include "log/secret_stream.hpp"

#include <algorithm>

#include "log/digits.hpp"

namespace dtud {
namespace {

bool is_hex(char c) { return hex_value(c) >= 0; }

// Of a command's frame `99,length,checksum,{...}` that has begun and not ended: a secret may still come, and from the
// checksum a short one can be found. `all` is what is shown of `text`.
void blot_unfinished(std::string_view text, std::string& all) {
  constexpr std::string_view kCommand = "99,";
  constexpr size_t kLongest = 7;  // digits of a length
  for (size_t begin = 0; (begin = text.find(kCommand, begin)) != std::string_view::npos; ++begin) {
    if (begin > 0 && (is_digit(text[begin - 1]) || text[begin - 1] == ',' || text[begin - 1] == '.')) continue;
    size_t at = begin + kCommand.size(), length = 0;
    for (const size_t first = at; at < text.size() && is_digit(text[at]) && at - first < kLongest; ++at)
      length = length * 10 + static_cast<size_t>(text[at] - '0');
    if (at >= text.size() || text[at] != ',') continue;
    const size_t checksum = ++at;
    if (text.compare(at, 2, "0x") == 0 || text.compare(at, 2, "0X") == 0) at += 2;
    while (at < text.size() && is_hex(text[at])) ++at;
    const size_t end = at;
    if (at < text.size() && text[at] != ',') continue;
    if (at < text.size()) ++at;
    if (text.size() - at >= length || (at < text.size() && text[at] != '{')) continue;
    std::fill(all.begin() + static_cast<ptrdiff_t>(checksum), all.begin() + static_cast<ptrdiff_t>(end), '*');
  }
}

// What to remember of `text`, of which `all` is shown. In a long secret the middle is left out: its name and its
// beginning tell how it ends.
std::string tail_of(std::string_view text, std::string_view all, bool in_secret) {
  constexpr size_t kTail = 512;  // a name, and a list that has begun
  constexpr size_t kSecret = SecretStreams::kLongestTail, kName = 256, kBeginning = 16;
  const size_t keep = in_secret ? kSecret : kTail;
  if (text.size() <= keep) return std::string(text);
  size_t from = text.size() - keep;
  const size_t last_shown = all.find_last_not_of('*');
  const size_t secret = last_shown == std::string_view::npos ? 0 : last_shown + 1;
  if (!in_secret || secret >= from + kName) return std::string(text.substr(from));
  std::string tail(text.substr(secret - std::min(secret, kName), std::min(secret, kName) + kBeginning));
  from += tail.size();
  while (from < text.size() && text[from - 1] == '\\') ++from;  // no quote loses its backslash
  while (!tail.empty() && tail.back() == '\\') tail.pop_back();
  return tail.append(text.substr(from));
}

}  // namespace

SecretStreams::Stream& SecretStreams::used(const std::string& name) {
  if (const auto known = by_name_.find(name); known != by_name_.end()) {
    streams_.splice(streams_.begin(), streams_, known->second);
  } else {
    streams_.push_front({name, {}, 0});
    by_name_.emplace(name, streams_.begin());
  }
  return streams_.front();
}

std::string SecretStreams::shown(const Scrubber& scrubber, const std::string& stream, std::string_view piece) {
  auto& [name, tail, hidden] = used(stream);
  std::string whole = tail;
  whole += piece;
  std::string all = scrubber.blot(whole, names_);
  hidden = !all.empty() && all.back() == '*' ? hidden + piece.size() : 0;
  std::string next = tail_of(whole, all, hidden > 0 && hidden <= kLongestSecret);
  blot_unfinished(whole, all);
  std::string out = all.substr(tail.size());
  bytes_ -= tail.size();
  tail = std::move(next);
  bytes_ += tail.size();
  // The longest unused go first. The one in use stays: it is smaller than all together may be.
  for (; streams_.size() > kMost || bytes_ > kMostBytes; streams_.pop_back()) {
    bytes_ -= streams_.back().tail.size();
    by_name_.erase(streams_.back().name);
  }
  return out;
}

}  // namespace dtud
