// Modem signals behind ioctl(), for the descriptor of one test. Every other call goes to the kernel.
#pragma once
#include <cstdint>

namespace dtu_port::test {

// Answers the modem calls on `fd` while it lives.
struct FakeModem {
  explicit FakeModem(int fd);
  FakeModem(const FakeModem&) = delete;
  FakeModem& operator=(const FakeModem&) = delete;
  ~FakeModem();

  int fd;
  int bits = 0;  // TIOCM_...
  bool breaks = false;
  int error = 0;  // errno of every call; 0: it works
  int calls = 0;
};

}  // namespace dtu_port::test
