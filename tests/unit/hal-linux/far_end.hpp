// The other end of a line under test, and the data sent over it.
#pragma once
#include <dtu/kit/port/descriptor.hpp>

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace dtu::test {

class TestHost;

// A pty master: the HAL opens device().
dtu_port::Descriptor make_pty(std::string* device);

// Bits per second as the kernel holds them, also those <termios.h> has no name for; 0 when the two ways differ.
uint32_t kernel_speed(int fd);

// Any non-blocking descriptor, written and read as far as possible between the turns of a host.
class FarEnd {
 public:
  explicit FarEnd(dtu_port::Descriptor fd) : fd_(std::move(fd)) {}
  void send(std::string_view data) { to_send_ += data; }
  void pump();
  [[nodiscard]] bool sent_all() const { return to_send_.size() == sent_; }
  [[nodiscard]] const std::string& received() const { return received_; }
  [[nodiscard]] int fd() const { return fd_.get(); }
  void hang_up() { fd_.reset(); }

 private:
  void pump_send();

  dtu_port::Descriptor fd_;
  std::string to_send_, received_;
  size_t sent_ = 0;
};

// Bytes that repeat nowhere, the same in every run.
std::string noise(size_t size, uint32_t seed);
// `data` in pieces of 1 to `longest` bytes.
std::vector<std::string> pieces(const std::string& data, size_t longest, uint32_t seed);
// Where two long strings differ, instead of printing them; "" when they do not.
std::string difference(const std::string& got, const std::string& wanted);

// Nothing keeps the loop of this host busy: over 200 ms it wakes for its own reasons only.
bool sleeps(TestHost& host);

// A directory of our own, removed with everything in it.
class TempDir {
 public:
  TempDir();
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  ~TempDir();
  [[nodiscard]] std::string operator/(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

}  // namespace dtu::test
