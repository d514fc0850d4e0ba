// Tells the host of a state, and of the same state only once for the same reason.
#pragma once
#include <dtu/sdk/host.hpp>
#include <string>

namespace net {

class StateReport {
 public:
  explicit StateReport(dtu::Host host) : host_(host) {}
  void up();
  void not_up(int32_t state, const std::string& reason);
  [[nodiscard]] bool is_up() const { return state_ == DTU_STATE_UP; }
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  dtu::Host host_;
  int32_t state_ = 0;
  std::string reason_;
};

}  // namespace net
