#include "log/secret_stream.hpp"

#include <algorithm>

namespace dtud {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

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

}  // namespace

SecretStreams::Stream& SecretStreams::used(const std::string& name) {
  if (const auto known = by_name_.find(name); known != by_name_.end()) {
    streams_.splice(streams_.begin(), streams_, known->second);
  } else {
    streams_.push_front({name, {}});
    by_name_.emplace(name, streams_.begin());
  }
  return streams_.front();
}

std::string SecretStreams::shown(const Scrubber& scrubber, const std::string& stream, std::string_view piece) {
  std::string& tail = used(stream).tail;
  std::string whole = tail;
  whole += piece;
  std::string all = scrubber.blot(whole, names_);
  const size_t keep = !all.empty() && all.back() == '*' ? kSecret : kTail;
  blot_unfinished(whole, all);
  std::string out = all.substr(tail.size());
  bytes_ -= tail.size();
  tail = whole.substr(whole.size() - std::min(keep, whole.size()));
  bytes_ += tail.size();
  // The longest unused go first. The one in use stays: it is smaller than all together may be.
  for (; streams_.size() > kMost || bytes_ > kMostBytes; streams_.pop_back()) {
    bytes_ -= streams_.back().tail.size();
    by_name_.erase(streams_.back().name);
  }
  return out;
}

}  // namespace dtud
