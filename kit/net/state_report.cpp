#include <dtu/kit/net/state_report.hpp>

namespace net {

void StateReport::up() {
  if (is_up()) return;
  state_ = DTU_STATE_UP;
  reason_.clear();
  host_.report(DTU_STATE_UP);
}

void StateReport::not_up(int32_t state, const std::string& reason) {
  if (state == state_ && reason == reason_) return;
  state_ = state;
  reason_ = reason;
  const dtu_error error = dtu::make_error(DTU_E_IO, reason, DTU_ERR_RETRYABLE, status_code_);
  dtu_report(host_.raw(), host_.instance(), 0, state, &error);
}

}  // namespace net
