// The tty of one interface of a USB device, found in sysfs.
#pragma once
#include <string>

#include "config.hpp"

namespace hal_ec600 {

struct UsbPort {
  std::string device;   // "/dev/ttyUSB2"; "": none, see trouble
  std::string trouble;  // "no USB device 2c7c:0901: ...", "no driver bound to interface 2: ..."
};

// Reads a few files of sysfs, at most 256 devices. The first device with the id is taken.
UsbPort find_usb_port(const UsbConfig& usb);

}  // namespace hal_ec600
