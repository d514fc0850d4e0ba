#include "kernel/answers_out.hpp"

#include <algorithm>
#include <utility>

namespace dtud {
namespace {

constexpr int64_t kMs = 1'000'000, kLookAgain = 10 * kMs;

}  // namespace

AnswersOut::AnswersOut(Lane& lane, commands::Calls& calls, routing::Router& router)
    : lane_(lane), calls_(calls), router_(router), timer_(lane.timers().create(look, this)) {}

AnswersOut::~AnswersOut() { lane_.timers().destroy(timer_); }

bool AnswersOut::given() { return local_.use_count() == 1 && !calls_.answers_untold() && router_.answers_are_out(); }

bool AnswersOut::all() { return !calls_.remote_under_way() && router_.answers_are_out(); }

void AnswersOut::wait(uint32_t deadline_ms, std::function<void()> then, const void* owner, uint64_t number) {
  waiters_.push_back({monotonic_ns() + int64_t{deadline_ms} * kMs, std::move(then), owner, number});
  lane_.timers().arm(timer_, monotonic_ns() + kLookAgain);
}

void AnswersOut::forget(const void* owner, uint64_t number) {
  const auto theirs = [&](const Waiter& w) { return w.owner == owner && w.number == number; };
  waiters_.erase(std::remove_if(waiters_.begin(), waiters_.end(), theirs), waiters_.end());
}

void AnswersOut::forget(const void* owner) {
  const auto theirs = [&](const Waiter& w) { return w.owner == owner; };
  waiters_.erase(std::remove_if(waiters_.begin(), waiters_.end(), theirs), waiters_.end());
}

void AnswersOut::look(void* self) {
  auto& me = *static_cast<AnswersOut*>(self);
  const bool out = me.given();
  const int64_t now = monotonic_ns();
  const auto waits = [&](const Waiter& w) { return !out && w.latest_ns > now; };
  const auto due = std::stable_partition(me.waiters_.begin(), me.waiters_.end(), waits);
  const std::vector<Waiter> over(std::make_move_iterator(due), std::make_move_iterator(me.waiters_.end()));
  me.waiters_.erase(due, me.waiters_.end());
  if (!me.waiters_.empty()) me.lane_.timers().arm(me.timer_, now + kLookAgain);
  for (const Waiter& w : over) w.then();
}

}  // namespace dtud
