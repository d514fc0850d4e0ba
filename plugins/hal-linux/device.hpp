// Opening a configured serial device for ourselves alone.
#pragma once
#include <dtu/kit/port/device.hpp>

#include "config.hpp"
#include "rs485.hpp"

namespace hal_linux {

using dtu_port::Device;
using dtu_port::holders;
using dtu_port::OpenError;
using dtu_port::Trouble;

// See dtu_port::open_device.
inline Device open_device(const PortConfig& config, const dtu_port_settings& settings) {
  return dtu_port::open_device(config.device, settings, [&](int fd) {
    if (config.rs485) apply_rs485(fd, *config.rs485, settings);
  });
}

}  // namespace hal_linux
