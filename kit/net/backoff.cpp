#include <dtu/kit/net/backoff.hpp>

#include <algorithm>
#include <random>
#include <utility>

namespace net {
namespace {

constexpr int64_t kMs = 1'000'000, kStableNs = 30'000 * kMs;

uint32_t twice(uint32_t ms, uint32_t most) { return ms > most / 2 ? most : ms * 2; }

}  // namespace

double random_fraction() {
  std::random_device source;
  return std::uniform_real_distribution<double>(0.0, 1.0)(source);
}

Backoff::Backoff(uint32_t min_ms, uint32_t max_ms, Random random)
    : min_ms_(min_ms), max_ms_(max_ms), random_(std::move(random)), ceiling_ms_(twice(min_ms, max_ms)) {}

uint32_t Backoff::next(int64_t now_ns) {
  const int64_t least = twice(min_ms_, max_ms_), worked_ns = since_ns_ < 0 ? 0 : now_ns - since_ns_;
  if (worked_ns >= kStableNs || ceiling_ms_ == 0)
    ceiling_ms_ = static_cast<uint32_t>(least);
  else if (carried_ && worked_ns >= min_ms_ * kMs)
    ceiling_ms_ = static_cast<uint32_t>(std::min<int64_t>(ceiling_ms_, std::max(least, worked_ns / kMs)));
  since_ns_ = -1;
  carried_ = false;
  const uint32_t floor_ms = std::max(min_ms_, ceiling_ms_ / 2);
  const uint32_t room = ceiling_ms_ - floor_ms;
  ceiling_ms_ = twice(ceiling_ms_, max_ms_);
  return floor_ms + std::min(room, static_cast<uint32_t>(random_() * (room + 1.0)));
}

}  // namespace net
