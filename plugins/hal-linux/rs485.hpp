// RS-485 direction control by the kernel's driver.
#pragma once
#include <dtu/ports.h>

#include "config.hpp"

namespace hal_linux {

// Throws DTU_E_INVALID when RTS is wanted for the direction and for flow control.
void check_rs485(const std::optional<Rs485Config>& config, const dtu_port_settings& settings);
// Throws DTU_E_UNSUPPORTED when the driver refuses, DTU_E_INVALID when RTS is wanted for flow control as well.
void apply_rs485(int fd, const Rs485Config& config, const dtu_port_settings& settings);

}  // namespace hal_linux
