#include "log/secret_stream.hpp"

#include <algorithm>

namespace dtud {

std::string SecretStreams::shown(const Scrubber& scrubber, const std::string& stream, std::string_view piece) {
  if (tails_.size() >= kMost && tails_.count(stream) == 0) tails_.clear();
  std::string& tail = tails_[stream];
  std::string whole = tail;
  whole += piece;
  const std::string all = scrubber.blot(whole, names_);
  const size_t keep = !all.empty() && all.back() == '*' ? kSecret : kTail;
  std::string out = all.substr(tail.size());
  tail = whole.substr(whole.size() - std::min(keep, whole.size()));
  return out;
}

}  // namespace dtud
