// A word to systemd, as sd_notify(3) sends it, when it started us and wants to hear of us ($NOTIFY_SOCKET).
#pragma once
#include <cstdint>
#include <string_view>

#include "lanes/lane.hpp"

namespace dtud {

// "READY=1\nSTATUS=...". Does nothing without systemd. Any thread.
void tell_service_manager(std::string_view assignments);

// WatchdogSec= of the unit: a sign of life in half of that time, from the main lane, so that a lane that hangs is seen.
class Watchdog {
 public:
  explicit Watchdog(Lane& lane);
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;
  ~Watchdog();
  void start();

 private:
  static void alive(void* self);
  Lane& lane_;
  uint64_t timer_;
};

}  // namespace dtud
