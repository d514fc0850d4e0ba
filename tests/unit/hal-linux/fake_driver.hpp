// A serial driver behind ioctl(), for the descriptor of one test. Every other call goes to the kernel.
#pragma once
#include <linux/serial.h>

#include <cstdint>

namespace hal_linux::test {

// Answers RS-485 and serial settings on `fd` while it lives, and leaves out what it cannot without a word.
struct FakeDriver {
  explicit FakeDriver(int fd);
  FakeDriver(const FakeDriver&) = delete;
  FakeDriver& operator=(const FakeDriver&) = delete;
  ~FakeDriver();

  int fd;
  uint32_t cannot_flags = 0;  // of SER_RS485_...
  uint32_t longest_delay_ms = 100;
  bool cannot_low_latency = false;  // it ignores the flag
  int error = 0;                    // errno of each change; 0: it works
  serial_rs485 rs485{};
  serial_struct serial{};
};

}  // namespace hal_linux::test
