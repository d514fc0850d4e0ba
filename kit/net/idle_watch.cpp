#include <dtu/kit/net/idle_watch.hpp>

#include <algorithm>
#include <memory>
#include <utility>

namespace net {
namespace {

int64_t ns(uint32_t seconds) { return int64_t{seconds} * 1'000'000'000; }

}  // namespace

IdleWatch::IdleWatch(dtu::Host host, uint32_t heartbeat_s, uint32_t silence_s, Fn due)
    : host_(host),
      heartbeat_ns_(ns(heartbeat_s)),
      silence_ns_(ns(silence_s)),
      due_(std::move(due)),
      last_out_ns_(host.monotonic_ns()),
      last_in_ns_(last_out_ns_) {
  if (heartbeat_ns_ == 0 && silence_ns_ == 0) return;
  timer_ = std::make_unique<dtu::Timer>(host_, [this] { on_timer(); });
  arm();
}

void IdleWatch::not_reading(bool yes) {
  if (not_reading_ && !yes) received();
  not_reading_ = yes;
}

void IdleWatch::arm() {
  int64_t due = INT64_MAX;
  if (silence_ns_ != 0) due = last_in_ns_ + silence_ns_;
  if (heartbeat_ns_ != 0) due = std::min(due, last_out_ns_ + heartbeat_ns_);
  // Rounded up: a timer that runs a moment too early would only have to be armed once more.
  timer_->arm_us(static_cast<uint64_t>(std::max<int64_t>(due - host_.monotonic_ns(), 0) / 1000 + 1));
}

void IdleWatch::on_timer() {
  const int64_t now = host_.monotonic_ns();
  if (not_reading_) last_in_ns_ = now;
  if (silence_ns_ != 0 && now - last_in_ns_ >= silence_ns_) return due_(Due::silence);
  if (heartbeat_ns_ != 0 && now - last_out_ns_ >= heartbeat_ns_) {
    last_out_ns_ = now;
    due_(Due::heartbeat);
  }
  arm();
}

}  // namespace net
