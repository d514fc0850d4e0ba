// Keeps the kernel's watchdog quiet as long as the lane of the HAL runs. [lane]
#pragma once
#include <dtu/sdk/host.hpp>

#include <memory>
#include <optional>
#include <string>

#include "board/config.hpp"
#include "watchdog/device.hpp"

namespace hal_linux {

class Watchdog {
 public:
  // Nothing configured: it does nothing.
  Watchdog(dtu::Host host, const std::optional<WatchdogConfig>& config,
           std::unique_ptr<WatchdogDevice> device = std::make_unique<KernelWatchdog>());
  ~Watchdog();  // without stop(): it stays armed, and the board restarts unless a new instance kicks it in time
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // Arms it. A device that cannot be had is logged and tried again every 30 s: the board works meanwhile.
  void start();
  void stop();  // disarms it
  // {"state": "armed", "timeout_s": 60, "kicks": 12}; "off" without configuration, "failed" with "trouble".
  [[nodiscard]] std::string health() const;

 private:
  void arm();
  void kick();
  void failed(const std::string& why);

  dtu::Host host_;
  const std::optional<WatchdogConfig> config_;
  std::unique_ptr<WatchdogDevice> device_;
  std::unique_ptr<dtu::Timer> timer_;  // while started
  uint32_t timeout_s_ = 0;             // 0: not armed
  uint64_t kicks_ = 0;
  std::string trouble_;
};

}  // namespace hal_linux
