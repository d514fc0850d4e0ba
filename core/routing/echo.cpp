#include "routing/echo.hpp"

#include <algorithm>

namespace dtud::routing {

std::string_view Echo::take(std::string_view read) {
  if (!waiting()) return read;
  const std::string_view left = std::string_view(sent_).substr(matched_);
  const size_t n = std::min(left.size(), read.size());
  if (read.substr(0, n) != left.substr(0, n)) {
    ++counters_.mismatches;
    passed_on_.assign(sent_, 0, matched_);
    passed_on_.append(read);
    forget();
    return passed_on_;
  }
  matched_ += n;
  if (matched_ == sent_.size()) forget();
  return read.substr(n);
}

std::string_view Echo::give_up() {
  if (!waiting()) return {};
  ++counters_.missing;
  passed_on_.assign(sent_, 0, matched_);
  forget();
  return passed_on_;
}

void Echo::forget() {
  sent_.clear();
  matched_ = 0;
}

}  // namespace dtud::routing
