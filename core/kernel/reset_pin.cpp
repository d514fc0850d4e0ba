#include "kernel/reset_pin.hpp"

#include <utility>

namespace dtud {
namespace {

constexpr int64_t kDebounce_ns = 25'000'000;

}  // namespace

ResetPin::ResetPin(Lane& lane, Log& log, commands::Directory& directory, commands::Calls& calls,
                   std::function<void()> pressed)
    : lane_(lane),
      log_(log),
      directory_(directory),
      calls_(calls),
      pressed_(std::move(pressed)),
      timer_(lane.timers().create(run_debounced, this)) {}

ResetPin::~ResetPin() {
  off();
  lane_.timers().destroy(timer_);
}

void ResetPin::use(int32_t pin) {
  const std::string point = pin < 0 ? "" : "gpio." + std::to_string(pin);
  if (point == point_) return;
  off();
  point_ = point;
  warned_ = false;
  points_changed();
}

void ResetPin::points_changed() {
  if (state_ == State::off && !point_.empty() && !missing()) await(State::not_seen_high);
}

void ResetPin::off() {
  lane_.timers().disarm(timer_);
  if (await_ != 0) calls_.drop(await_);
  await_ = 0;
  press_.reset();
  state_ = State::off;
}

void ResetPin::await(State state) {
  state_ = state;
  const char* until_not = state == State::waiting ? "1" : "0";
  const commands::Answer refusal = calls_.await_point(
      point_, until_not, nullptr, [this](const commands::Answer& a) { changed(a); }, await_);
  if (refusal.status == DTU_OK) return;
  off();
  warn(refusal.error);
}

void ResetPin::changed(const commands::Answer& answer) {
  await_ = 0;
  if (answer.status != DTU_OK) {
    off();
    // Where the HAL has stopped, points_changed() comes when it runs again.
    if (answer.status != DTU_E_CLOSED) warn(answer.error);
    return;
  }
  if (state_ != State::waiting) {  // it is high, or was between two looks
    lane_.timers().disarm(timer_);
    press_.reset();
    return await(State::waiting);
  }
  await(State::pressed);
  if (state_ != State::pressed) return;
  press_ = std::make_shared<State>(state_);
  lane_.timers().arm(timer_, monotonic_ns() + kDebounce_ns);
}

void ResetPin::debounced() {
  if (state_ != State::pressed) return;
  const auto ours = [this, press = std::weak_ptr<State>(press_)](const commands::Answer& a) {
    if (!press.expired()) read(a);
  };
  const commands::Answer refusal = calls_.read_point(point_, nullptr, ours);
  if (refusal.status != DTU_OK) warn(refusal.error);
}

void ResetPin::read(const commands::Answer& answer) {
  if (state_ != State::pressed) return;
  if (answer.status != DTU_OK) return warn(answer.error);
  if (answer.json != "0") return;  // the await will tell
  state_ = State::held;
  log_.warning("pins", "the reset button (" + point_ + ") is pressed: resetting the parameters");
  pressed_();
}

void ResetPin::say_if_missing() {
  if (missing()) warn("no HAL offers " + point_ + ": add the pin to board.json or name another");
}

void ResetPin::warn(const std::string& what) {
  if (std::exchange(warned_, true)) return;
  log_.warning("pins", "pins/2 (reset button), " + point_ + ": " + what);
}

}  // namespace dtud
