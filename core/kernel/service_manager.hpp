// A word to systemd, as sd_notify(3) sends it, when it started us and wants to hear of us ($NOTIFY_SOCKET).
#pragma once
#include <cstdint>
#include <functional>
#include <string_view>

#include "lanes/lane.hpp"

namespace dtud {

// "READY=1\nSTATUS=...". Does nothing without systemd. Any thread.
void tell_service_manager(std::string_view assignments);

// WatchdogSec= of the unit: a sign of life in half of that time, from the main lane, so that a lane that hangs is seen,
// and only while all is well: a restart is what systemd can do about the rest.
class Watchdog {
 public:
  Watchdog(Lane& lane, std::function<bool()> is_well);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();
  void start();

 private:
  static void alive(void* self);
  Lane& lane_;
  const std::function<bool()> is_well_;
  uint64_t timer_;
};

}  // namespace dtud
