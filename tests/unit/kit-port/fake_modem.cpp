#include "fake_modem.hpp"

#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>

namespace {
dtu_port::test::FakeModem* modem = nullptr;
}

namespace dtu_port::test {
FakeModem::FakeModem(int of) : fd(of) { modem = this; }
FakeModem::~FakeModem() { modem = nullptr; }
}  // namespace dtu_port::test

extern "C" int ioctl(int fd, unsigned long request, ...) noexcept {
  va_list more;
  va_start(more, request);
  void* arg = va_arg(more, void*);
  va_end(more);
  if (modem == nullptr || fd != modem->fd) return static_cast<int>(syscall(SYS_ioctl, fd, request, arg));
  ++modem->calls;
  if (modem->error != 0) return errno = modem->error, -1;
  int* bits = static_cast<int*>(arg);
  switch (request) {
    case TIOCMGET:
      *bits = modem->bits;
      return 0;
    case TIOCMBIS:
      modem->bits |= *bits;
      return 0;
    case TIOCMBIC:
      modem->bits &= ~*bits;
      return 0;
    case TIOCSBRK:
    case TIOCCBRK:
      modem->breaks = request == TIOCSBRK;
      return 0;
    default:
      return errno = ENOTTY, -1;
  }
}
