#include "path.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace hal_ec600::data {
namespace {

constexpr std::array kStates{"no_modem", "searching", "working", "waiting", "unproved", "proved", "detached"};
constexpr std::array kLevelNames{"interface", "context", "registration", "radio"};
constexpr int64_t kNsPerMs = 1'000'000;

// What each level does. activate and up come last in all of them, and activate does nothing when the context is active.
using Steps = std::array<Action, 5>;
constexpr std::array<Steps, kLevels> kPlans{
    {{Action::down, Action::activate, Action::up},
     {Action::down, Action::deactivate, Action::activate, Action::up},
     {Action::down, Action::deactivate, Action::register_again, Action::activate, Action::up},
     {Action::down, Action::toggle_radio, Action::activate, Action::up}}};

bool needs_context(Action action) { return action == Action::activate || action == Action::deactivate; }
// Putting down what is not up fails, and does not matter.
bool matters(Action action) { return action != Action::down && action != Action::deactivate; }

Level after(Level level, bool has_context) {
  const auto next = static_cast<size_t>(level) + 1;
  if (next == kLevels) return Level::interface;
  if (static_cast<Level>(next) == Level::context && !has_context) return Level::registration;
  return static_cast<Level>(next);
}

}  // namespace

const char* name_of(State state) { return kStates.at(static_cast<size_t>(state)); }
const char* name_of(Level level) { return kLevelNames.at(static_cast<size_t>(level)); }

Path::Path(const Limits& limits, net::Backoff::Random random)
    : limits_(limits), backoff_(limits.wait_min_ms, limits.wait_max_ms, std::move(random)) {
  plan(Level::interface);
}

void Path::enter(State state, int64_t now_ms) {
  if (state == state_) return;
  state_ = state;
  since_ms_ = now_ms;
}

void Path::plan(Level level) {
  level_ = level;
  plan_.clear();
  for (const Action action : kPlans.at(static_cast<size_t>(level)))
    if (action != Action::none && (limits_.has_context || !needs_context(action))) plan_.push_back(action);
  up_ = false;
}

Action Path::next(int64_t now_ms, const Seen& seen) {
  if (busy_ != Action::none) return Action::none;
  if (!seen.wanted) {
    enter(State::detached, now_ms);
    if (!up_) return Action::none;
    plan(Level::interface);  // for the day when it is wanted again
    return busy_ = Action::down;
  }
  if (!seen.modem) {
    if (state_ != State::no_modem) plan(Level::interface), tries_ = 0, not_before_ms_ = now_ms;
    enter(State::no_modem, now_ms);
    return Action::none;
  }
  if (!seen.registered) {
    enter(State::searching, now_ms);
    return Action::none;
  }
  if (now_ms < not_before_ms_) {
    enter(State::waiting, now_ms);
    return Action::none;
  }
  if (plan_.empty()) return watch(now_ms, seen);
  if (!seen.may_toggle && std::find(plan_.begin(), plan_.end(), Action::toggle_radio) != plan_.end()) {
    plan(Level::interface);
    not_before_ms_ = now_ms + limits_.wait_max_ms;
    enter(State::waiting, now_ms);
    return Action::none;
  }
  if (plan_.front() == Action::down) ++begun_.at(static_cast<size_t>(level_));
  enter(State::working, now_ms);
  busy_ = plan_.front();
  plan_.pop_front();
  return busy_;
}

void Path::done(int64_t now_ms, bool ok, const std::string& why) {
  const Action action = std::exchange(busy_, Action::none);
  if (action == Action::probe) {
    if (ok) return proved(now_ms);
    probe_due_ms_ = now_ms + kProbeAgain_ms;
    if (++probe_failures_ >= kProbes) fail(now_ms, "the probe failed: " + why);
    return;
  }
  if (!ok && matters(action)) return fail(now_ms, why);
  if (action == Action::up && plan_.empty()) up_ = true;
}

void Path::fail(int64_t now_ms, const std::string& why) {
  why_ = why;
  ++failures_;
  Level level = level_;
  if (++tries_ >= kTries.at(static_cast<size_t>(level))) {
    tries_ = 0;
    level = after(level, limits_.has_context);
  }
  plan(level);
  not_before_ms_ = now_ms + backoff_.next(now_ms * kNsPerMs);
  enter(State::waiting, now_ms);
}

void Path::dropped(int64_t now_ms, const std::string& why) {
  if (!limits_.has_context || !up_) return;  // what is under way fails by itself
  why_ = why;
  ++failures_;
  tries_ = 0;
  plan(Level::context);
  not_before_ms_ = now_ms + backoff_.next(now_ms * kNsPerMs);
  enter(State::waiting, now_ms);
}

void Path::changed(int64_t now_ms) {
  tries_ = 0;
  plan(Level::interface);
  not_before_ms_ = now_ms;
}

// --- is it believed?

void Path::rebase(int64_t now_ms, const Seen& seen) {
  base_ms_ = now_ms;
  base_rx_ = seen.rx;
  base_tx_ = seen.tx;
}

void Path::proved(int64_t now_ms) {
  if (state_ != State::proved) {
    ++proofs_;
    backoff_.worked(now_ms * kNsPerMs);
  }
  backoff_.confirmed();
  level_ = Level::interface;
  tries_ = probe_failures_ = 0;
  why_.clear();
  probe_due_ms_ = now_ms + limits_.probe_ms;
  enter(State::proved, now_ms);
}

Action Path::watch(int64_t now_ms, const Seen& seen) {
  if (!seen.link) {
    fail(now_ms, "the interface is gone");
    return Action::none;
  }
  if (state_ != State::unproved && state_ != State::proved) {
    enter(State::unproved, now_ms);
    rebase(now_ms, seen);
    probe_due_ms_ = now_ms;
    probe_failures_ = 0;
  }
  if (seen.rx < base_rx_ || seen.tx < base_tx_) rebase(now_ms, seen);  // the interface was made anew
  const bool heard = seen.rx - base_rx_ >= kHeard;
  if (heard && (!limits_.has_probe || state_ == State::proved)) {
    proved(now_ms);
    rebase(now_ms, seen);
    return Action::none;
  }
  if (limits_.has_probe) return now_ms >= probe_due_ms_ ? busy_ = Action::probe : Action::none;
  if (limits_.proof_ms == 0 || now_ms - base_ms_ < limits_.proof_ms) return Action::none;
  const uint64_t said = seen.tx - base_tx_;
  rebase(now_ms, seen);
  if (said >= kSaid)
    fail(now_ms, std::to_string(said) + " bytes went out in " + std::to_string(limits_.proof_ms / 1000) +
                     " s and nothing came back");
  return Action::none;
}

}  // namespace hal_ec600::data
