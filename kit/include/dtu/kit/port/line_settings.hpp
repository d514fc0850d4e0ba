// The settings of a tty: speed, frame, flow control, always raw (bytes go through unchanged, both ways).
#pragma once
#include <dtu/ports.h>

#include <string>

namespace dtu_port {

constexpr uint32_t kMinBaud = 50;
constexpr uint32_t kMaxBaud = 12'000'000;  // the fastest USB adapters

// Throws DTU_E_INVALID naming the setting, its value and what is allowed.
void check_settings(const dtu_port_settings& settings);

// "115200 8N1", with " RTS/CTS"
std::string to_text(const dtu_port_settings& settings);

// Any speed a driver can do, not only those termios has names for. Throws DTU_E_UNSUPPORTED when the driver did
// something else than asked (a pty ignores settings, which is no error), DTU_E_INVALID when fd is not a tty, DTU_E_IO
// when no hardware answers.
void apply_settings(int fd, const dtu_port_settings& settings, bool pty);

}  // namespace dtu_port
