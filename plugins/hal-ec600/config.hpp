// The part of board.json that belongs to this HAL.
#pragma once
#include <dtu/sdk/check.hpp>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace hal_ec600 {

// Where the AT port is, by what it is instead of by a number that moves (field-troubles A5).
struct UsbConfig {
  std::string id;          // "2c7c:0901", in small letters
  uint32_t interface = 0;  // of the AT port
  std::string sysfs = "/sys", dev = "/dev";
};

struct Config {
  std::string at_device;         // "": by usb
  std::optional<UsbConfig> usb;  // nothing: by at_device
  uint32_t baud = 115'200;
  uint32_t poll_s = 60;
  std::string pin;          // of the SIM; "": none is entered
  std::string reset_point;  // "gpio.5"; "": there is no reset line
  bool reset_level = true;  // of that point, while it resets
  std::string urc_port;     // "usbat", "usbmodem", "uart1": what QURCCFG is set to; "": left as it is
  bool gnss = false;
  std::string lbs_token;     // "": location.cell is not offered
  bool at_commands = false;  // the console may call modem.at
};

// `json` satisfies the schema. Throws DTU_E_INVALID when it names both at_device and usb, or neither.
Config read_config(std::string_view json);
void check_config(std::string_view json, const dtu::Findings& found);

}  // namespace hal_ec600
