#include "fake_driver.hpp"

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdarg>

namespace {
hal_linux::test::FakeDriver* driver = nullptr;

int change_rs485(const serial_rs485& to) {
  driver->rs485 = to;
  driver->rs485.flags &= ~driver->cannot_flags;
  driver->rs485.delay_rts_before_send = std::min(to.delay_rts_before_send, driver->longest_delay_ms);
  driver->rs485.delay_rts_after_send = std::min(to.delay_rts_after_send, driver->longest_delay_ms);
  return 0;
}

int change_serial(const serial_struct& to) {
  driver->serial = to;
  if (driver->cannot_low_latency)
    driver->serial.flags =
        static_cast<int>(static_cast<unsigned>(to.flags) & ~static_cast<unsigned>(ASYNC_LOW_LATENCY));
  return 0;
}
}  // namespace

namespace hal_linux::test {
FakeDriver::FakeDriver(int of) : fd(of) { driver = this; }
FakeDriver::~FakeDriver() { driver = nullptr; }
}  // namespace hal_linux::test

extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list more;
  va_start(more, request);
  void* arg = va_arg(more, void*);
  va_end(more);
  if (driver == nullptr || fd != driver->fd) return static_cast<int>(syscall(SYS_ioctl, fd, request, arg));
  const bool changes = request == TIOCSRS485 || request == TIOCSSERIAL;
  if (changes && driver->error != 0) return errno = driver->error, -1;
  switch (request) {
    case TIOCGRS485:
      return *static_cast<serial_rs485*>(arg) = driver->rs485, 0;
    case TIOCSRS485:
      return change_rs485(*static_cast<const serial_rs485*>(arg));
    case TIOCGSERIAL:
      return *static_cast<serial_struct*>(arg) = driver->serial, 0;
    case TIOCSSERIAL:
      return change_serial(*static_cast<const serial_struct*>(arg));
    default:
      return errno = ENOTTY, -1;
  }
}
