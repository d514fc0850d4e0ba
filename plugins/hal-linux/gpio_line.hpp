// One line of a GPIO chip, through libgpiod.
#pragma once
#include <gpiod.h>

#include <memory>
#include <string>

#include "config.hpp"

namespace hal_linux {

// Every failure is a dtu::Failure that names the pin, the chip and the line, and what to do.
class GpioLine {
 public:
  explicit GpioLine(const PinConfig& config);  // takes the line: input, or output with its initial level

  [[nodiscard]] int read();
  void write(int level);

  // From now on the descriptor can be read when the level has changed. Throws DTU_E_UNSUPPORTED for a line without
  // interrupt, which goes on as an input.
  [[nodiscard]] int watch_edges();
  void take_edges();  // all that came

 private:
  void request(int type, int initial);
  [[noreturn]] void fail(const std::string& what, int code);

  struct Close {
    void operator()(gpiod_chip* chip) const { gpiod_chip_close(chip); }
  };
  PinConfig config_;
  std::string name_;                         // "gpio.3 (/dev/gpiochip0 line 17)"
  std::unique_ptr<gpiod_chip, Close> chip_;  // releases the line with it
  gpiod_line* line_ = nullptr;
  int edges_ = -1;  // the descriptor, the line's; -1: not watched
};

}  // namespace hal_linux
