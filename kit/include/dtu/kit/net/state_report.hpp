// Tells the host of a state, and of the same state only once for the same reason.
#pragma once
#include <dtu/kit/net/status_codes.hpp>
#include <dtu/sdk/host.hpp>
#include <string>
#include <utility>

namespace net {

class StateReport {
 public:
  // status_code: of the DTU protocol (net/status_codes.hpp), for every state that is not UP.
  StateReport(dtu::Host host, uint32_t status_code) : host_(host), status_code_(status_code) {}
  void up();
  void not_up(int32_t state, const std::string& reason);
  [[nodiscard]] bool is_up() const { return state_ == DTU_STATE_UP; }
  [[nodiscard]] const std::string& reason() const { return reason_; }

 private:
  dtu::Host host_;
  uint32_t status_code_;
  int32_t state_ = 0;
  std::string reason_;
};

// What send() throws when there is no connection to send over.
[[nodiscard]] inline dtu::Failure not_sent(std::string why) {
  return {DTU_E_IO, std::move(why), DTU_ERR_RETRYABLE, kSendFailed};
}

}  // namespace net
