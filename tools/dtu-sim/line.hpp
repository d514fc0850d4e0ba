// The line to the DTU: a serial device, a pseudo terminal made here, or a TCP connection. It may vanish and come back.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace sim {

// A descriptor that is closed with its owner.
class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(other.release()) {}
  Fd& operator=(Fd&& other) noexcept;
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() { reset(); }
  [[nodiscard]] int get() const { return fd_; }
  int release();
  void reset();

 private:
  int fd_ = -1;
};

struct LineSettings {
  std::string port;  // a device to open
  std::string pty;   // or: make a pseudo terminal and link this path to it
  std::string tcp;   // or: "HOST:PORT" to connect to
  int64_t baud = 115200;
};

class Line {
 public:
  // Throws std::runtime_error when a pty cannot be made. A device or server may still be missing: see open().
  explicit Line(LineSettings);
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  [[nodiscard]] bool is_open() const { return fd_.get() >= 0; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  [[nodiscard]] const std::string& name() const { return name_; }
  // Tries once. False: not there (yet); error() says why.
  bool open();
  [[nodiscard]] const std::string& error() const { return error_; }

  // What is there to read, "" for nothing. A line that vanished is closed.
  std::string read();
  // How much of it the line took; the rest has to wait. A line that vanished is closed.
  size_t write(std::string_view bytes);
  void close();
  // Nothing is on its way any more: the driver has sent it, or the reader of our own pty has taken it.
  [[nodiscard]] bool drained() const;

 private:
  bool open_device();
  bool open_tcp();
  void make_pty();
  bool fail(const std::string& what);

  LineSettings settings_;
  std::string name_;
  std::string error_;
  Fd fd_;
  Fd far_end_;  // of our own pty: kept open, so that it does not hang up when the DTU closes it
};

}  // namespace sim
