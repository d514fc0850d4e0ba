// A file descriptor that closes itself, and reading and writing it without waiting.
#pragma once
#include <string>
#include <string_view>
#include <utility>

namespace e2e {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Descriptor() { reset(); }
  void reset(int fd = -1);
  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

// Waits until fd can be read (or written); false when `ms` are over.
bool wait_readable(int fd, int ms);
// Appends what is there; false at the end of the stream or an error. A pty whose other end is closed is not at its end.
bool read_some(int fd, std::string& to);
// How many bytes went out; 0 when nothing can be taken now, -1 when the other end is gone.
ssize_t write_some(int fd, std::string_view bytes);

}  // namespace e2e
