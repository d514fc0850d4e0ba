#include "kernel/output_pin.hpp"

#include <utility>

namespace dtud {

void OutputPin::use(int32_t pin) {
  const std::string point = pin < 0 ? "" : "gpio." + std::to_string(pin);
  if (point == point_) return;
  if (there()) (void)calls_.write_point(point_, "0", nullptr, [](const commands::Answer&) {});
  point_ = point;
  writing_ = std::make_shared<bool>(false);
  wanted_ = 0;
  written_ = -1;
  warned_ = false;
}

void OutputPin::set(bool level) {
  wanted_ = level ? 1 : 0;
  write();
}

void OutputPin::write() {
  if (*writing_ || wanted_ == written_ || !there()) return;
  written_ = wanted_;
  const commands::Answer refusal =
      calls_.write_point(point_, std::to_string(wanted_), nullptr,
                         [this, writing = std::weak_ptr<bool>(writing_)](const commands::Answer& answer) {
                           const auto ours = writing.lock();
                           if (ours == nullptr || ours != writing_) return;
                           *ours = false;
                           if (answer.status == DTU_OK) return write();
                           failed(answer);
                         });
  *writing_ = refusal.status == DTU_OK;
  if (refusal.status != DTU_OK) failed(refusal);
}

void OutputPin::failed(const commands::Answer& answer) {
  written_ = -1;
  if (answer.status != DTU_E_CLOSED) warn(answer.error);  // closed: its HAL has stopped
  failed_();
}

void OutputPin::say_if_missing() {
  if (configured() && !there()) warn("no HAL offers " + point_ + ": add the pin to board.json or name another");
}

void OutputPin::warn(const std::string& what) {
  if (std::exchange(warned_, true)) return;
  log_.warning("pins", key_ + ", " + point_ + ": " + what);
}

}  // namespace dtud
