// A pty pair: we are the board, whoever opens the device is what hangs on the line.
#pragma once
#include <dtu/ports.h>
#include <dtu/kit/port/descriptor.hpp>

#include <string>

namespace hal_sim {

class Pty {
 public:
  Pty();  // throws DTU_E_IO when the system has no pty left
  [[nodiscard]] const std::string& device() const noexcept { return device_; }
  // A descriptor of our end, to give away.
  [[nodiscard]] dtu_port::Descriptor end() const;
  // Hangs up when somebody hangs the line up for everybody (vhangup, as getty and login do), and then for good.
  [[nodiscard]] int keeper() const noexcept { return keeper_.get(); }
  // Takes the line up again after that, raw as before.
  void mend() { keep_open(); }
  // Shown to whoever looks at the device; a pty carries bytes at any speed.
  void settings(const dtu_port_settings& settings);
  [[nodiscard]] const dtu_port_settings& settings() const noexcept { return settings_; }

 private:
  void keep_open();

  dtu_port::Descriptor master_;
  // We hold the far end open too: while it has no other user our end then neither hangs up nor loses a byte.
  dtu_port::Descriptor keeper_;
  std::string device_;
  dtu_port_settings settings_{sizeof(dtu_port_settings), 115200, 8, DTU_PARITY_NONE, 1, DTU_FLOW_NONE, -1, 1};
};

}  // namespace hal_sim
