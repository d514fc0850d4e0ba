#include "lanes/stall_watch.hpp"

#include <algorithm>

namespace dtud {

StallWatch::StallWatch(Options options, Told told) : options_(options), told_(std::move(told)) {}

StallWatch::~StallWatch() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void StallWatch::add(const Lane& lane) {
  const std::lock_guard<std::mutex> lock(mutex_);
  lanes_.push_back({&lane, 0});
  begin();
}

void StallWatch::observe(const void* whose, Look look) {
  const std::lock_guard<std::mutex> lock(mutex_);
  observed_.push_back({whose, std::move(look)});
  begin();
}

void StallWatch::forget(const void* whose) {
  const std::lock_guard<std::mutex> lock(mutex_);
  observed_.erase(
      std::remove_if(observed_.begin(), observed_.end(), [&](const Observed& o) { return o.whose == whose; }),
      observed_.end());
}

void StallWatch::begin() {
  if (!thread_.joinable()) thread_ = std::thread([this] { run(); });
}

void StallWatch::remove(const Lane& lane) {
  const std::lock_guard<std::mutex> lock(mutex_);
  lanes_.erase(std::remove_if(lanes_.begin(), lanes_.end(), [&](const Seen& s) { return s.lane == &lane; }),
               lanes_.end());
}

void StallWatch::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    changed_.wait_for(lock, options_.look_every, [this] { return stopping_; });
    if (!stopping_) look();
  }
}

void StallWatch::look() {
  const int64_t now = monotonic_ns();
  for (const Observed& o : observed_) o.look(now);
  for (Seen& seen : lanes_) {
    const int64_t began = seen.lane->turn_began_ns();
    const auto held = std::chrono::nanoseconds(now - began);
    if (began == 0 || began == seen.told_turn_ns || held < options_.limit) continue;
    seen.told_turn_ns = began;
    const std::string* who = seen.lane->running();
    told_(*seen.lane, who != nullptr ? *who : "kernel", std::chrono::duration_cast<std::chrono::milliseconds>(held));
  }
}

}  // namespace dtud
