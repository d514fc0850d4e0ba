// Blocking reads and writes of exact lengths. The program's deadline (measure.hpp) bounds every wait.
#pragma once
#include <errno.h>
#include <unistd.h>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace bench {

inline void write_all(int fd, const char* data, size_t n) {
  while (n > 0) {
    const ssize_t done = write(fd, data, n);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) throw std::runtime_error("write to the gateway failed: errno " + std::to_string(errno));
    data += done;
    n -= static_cast<size_t>(done);
  }
}

// At least one byte.
inline size_t read_some(int fd, char* data, size_t room) {
  for (;;) {
    const ssize_t got = read(fd, data, room);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) throw std::runtime_error("the gateway closed the line: errno " + std::to_string(got < 0 ? errno : 0));
    return static_cast<size_t>(got);
  }
}

inline void read_all(int fd, char* data, size_t n) {
  for (size_t at = 0; at < n;) at += read_some(fd, data + at, n - at);
}

}  // namespace bench
