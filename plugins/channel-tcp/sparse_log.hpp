// For what others can cause as often as they like: the first is logged at once, then one a minute, which says how many
// there were since. [lane]
#pragma once
#include <cstdint>
#include <dtu/sdk/host.hpp>
#include <string>

namespace channel_tcp {

class SparseLog {
 public:
  explicit SparseLog(dtu::Host host) : host_(host) {}
  void warn(const std::string& text) {
    const int64_t now = host_.monotonic_ns();
    if (logged_ && now - last_ns_ < kPauseNs) {
      ++unsaid_;
      return;
    }
    host_.warn(unsaid_ == 0 ? text : text + " (and " + std::to_string(unsaid_) + " more since the last such line)");
    logged_ = true;
    last_ns_ = now;
    unsaid_ = 0;
  }

 private:
  static constexpr int64_t kPauseNs = 60'000'000'000;
  dtu::Host host_;
  bool logged_ = false;
  int64_t last_ns_ = 0;
  uint64_t unsaid_ = 0;
};

}  // namespace channel_tcp
