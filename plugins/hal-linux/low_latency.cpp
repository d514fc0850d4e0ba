#include "low_latency.hpp"

#include <linux/serial.h>
#include <sys/ioctl.h>

#include <cerrno>
#include <system_error>

namespace hal_linux {

std::string set_low_latency(int fd) {
  serial_struct now{};
  if (ioctl(fd, TIOCGSERIAL, &now) != 0) return std::generic_category().message(errno);
  if ((static_cast<unsigned>(now.flags) & ASYNC_LOW_LATENCY) != 0) return {};
  now.flags = static_cast<int>(static_cast<unsigned>(now.flags) | ASYNC_LOW_LATENCY);
  if (ioctl(fd, TIOCSSERIAL, &now) != 0) return std::generic_category().message(errno);
  // A driver may drop what it does not know without a word.
  serial_struct got{};
  if (ioctl(fd, TIOCGSERIAL, &got) != 0 || (static_cast<unsigned>(got.flags) & ASYNC_LOW_LATENCY) != 0) return {};
  return "the driver ignores it";
}

}  // namespace hal_linux
