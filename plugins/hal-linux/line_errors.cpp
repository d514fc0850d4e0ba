#include "line_errors.hpp"

#include <linux/serial.h>
#include <sys/ioctl.h>

namespace hal_linux {

LineErrors operator+(const LineErrors& a, const LineErrors& b) {
  return {a.overruns + b.overruns, a.parity + b.parity, a.framing + b.framing, a.breaks + b.breaks};
}

LineErrors operator-(const LineErrors& a, const LineErrors& b) {
  return {a.overruns - b.overruns, a.parity - b.parity, a.framing - b.framing, a.breaks - b.breaks};
}

std::optional<LineErrors> read_line_errors(int fd) {
  serial_icounter_struct c{};
  if (ioctl(fd, TIOCGICOUNT, &c) != 0) return std::nullopt;
  return LineErrors{static_cast<uint64_t>(c.overrun) + static_cast<uint64_t>(c.buf_overrun),
                    static_cast<uint64_t>(c.parity), static_cast<uint64_t>(c.frame), static_cast<uint64_t>(c.brk)};
}

}  // namespace hal_linux
