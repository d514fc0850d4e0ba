#include "events/budget.hpp"

#include <algorithm>
#include <utility>

namespace dtud::events {

void Budget::renew() {
  Lock lock(mutex_);
  events_ = times_ * kBurst * kUnit;
  bytes_ = times_ * kBytesPerSecond * kUnit;
  at_ns_ = noted_ns_ = 0;
  refused_ = 0;
}

bool Budget::take(size_t bytes, int64_t now_ns) {
  Lock lock(mutex_);
  // After ten seconds both are full: longer pauses are not multiplied out.
  const int64_t since = std::clamp<int64_t>(now_ns - at_ns_, 0, 10 * kUnit);
  at_ns_ = std::max(at_ns_, now_ns);
  events_ = std::min(times_ * kBurst * kUnit, events_ + since * times_ * kPerSecond);
  bytes_ = std::min(times_ * kBytesPerSecond * kUnit, bytes_ + since * times_ * kBytesPerSecond);
  const int64_t cost = static_cast<int64_t>(bytes) * kUnit;
  if (events_ < kUnit || bytes_ < cost) {
    ++refused_;
    return false;
  }
  events_ -= kUnit;
  bytes_ -= cost;
  return true;
}

uint64_t Budget::refusals_to_note(int64_t now_ns) {
  Lock lock(mutex_);
  if (noted_ns_ != 0 && now_ns - noted_ns_ < kUnit) return 0;
  noted_ns_ = now_ns;
  return std::exchange(refused_, 0);
}

}  // namespace dtud::events
