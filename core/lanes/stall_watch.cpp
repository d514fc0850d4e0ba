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

void StallWatch::add(const Lane& lane, bool may_block) {
  const std::lock_guard<std::mutex> lock(mutex_);
  Seen seen{};
  seen.lane = &lane;
  seen.may_block = may_block;
  lanes_.push_back(seen);
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
  constexpr std::chrono::milliseconds kActive{1000};
  std::unique_lock<std::mutex> lock(mutex_);
  std::chrono::milliseconds pause = options_.look_every;
  while (!stopping_) {
    changed_.wait_for(lock, pause, [this] { return stopping_; });
    if (stopping_) return;
    const Pace pace = look();
    pause = pace == Pace::in_turn ? options_.slow : pace == Pace::active ? std::max(options_.slow, kActive) : 2 * pause;
    pause = std::min(pause, options_.look_every);
  }
}

StallWatch::Pace StallWatch::look() {
  const int64_t now = monotonic_ns();
  for (const Observed& o : observed_) o.look(now);
  Pace pace = Pace::idle;
  for (Seen& seen : lanes_) pace = std::max(pace, look_at(seen, now));
  return pace;
}

StallWatch::Pace StallWatch::look_at(Seen& seen, int64_t now) {
  const int64_t turn = seen.lane->turn_began_ns();
  const uint64_t step = seen.lane->step();
  const bool same_turn = turn != 0 && turn == seen.turn_ns, same_step = same_turn && step == seen.step;
  const bool active = step != seen.step;
  seen.turn_ns = turn;
  seen.step = step;
  seen.looks = same_turn ? seen.looks + 1 : 1;
  if (!same_step) seen.since_ns = now;
  if (turn == 0) return active ? Pace::active : Pace::idle;
  const auto turned = std::chrono::nanoseconds(now - turn), stuck = std::chrono::nanoseconds(now - seen.since_ns);
  if (turned >= options_.limit && seen.looks >= kLeastLooks && seen.told_turn_ns != turn) {
    seen.told_turn_ns = turn;
    seen.told_step = step;
    tell(seen, turned, false);
  } else if (!seen.may_block && stuck >= options_.slow && seen.told_step != step && seen.lane->function() != nullptr) {
    seen.told_step = step;
    tell(seen, stuck, true);
  }
  if (!seen.may_block) return Pace::in_turn;
  return seen.told_turn_ns == turn ? Pace::idle : Pace::active;  // it may sit there for hours
}

void StallWatch::tell(const Seen& seen, std::chrono::nanoseconds held, bool slow) const {
  const std::string* who = seen.lane->running();
  const char* function = seen.lane->function();
  seen.lane->note_told();
  told_({*seen.lane, who != nullptr ? *who : "kernel", function != nullptr ? function : "",
         std::chrono::duration_cast<std::chrono::milliseconds>(held), slow});
}

}  // namespace dtud
