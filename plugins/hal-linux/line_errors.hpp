// What the UART's driver counted.
#pragma once
#include <cstdint>
#include <optional>

namespace hal_linux {

struct LineErrors {
  uint64_t overruns = 0;  // the UART's FIFO or the kernel's buffer was full: bytes were lost
  uint64_t parity = 0;
  uint64_t framing = 0;
  uint64_t breaks = 0;
};

LineErrors operator+(const LineErrors& a, const LineErrors& b);
LineErrors operator-(const LineErrors& a, const LineErrors& b);

// Since the driver was loaded; absent when this device counts nothing (a pty).
std::optional<LineErrors> read_line_errors(int fd);

}  // namespace hal_linux
