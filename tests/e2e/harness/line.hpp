// A byte stream under test: something read and written without blocking, with what was read so far.
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "descriptor.hpp"
#include "wait.hpp"

namespace e2e {

class Line {
 public:
  Line() = default;
  explicit Line(Descriptor fd) : fd_(std::move(fd)) {}
  Line(Line&&) = default;
  Line& operator=(Line&&) = default;
  virtual ~Line() = default;

  [[nodiscard]] int fd() const { return fd_.get(); }
  // Writes all; false at the deadline or when the other end is gone.
  bool write(std::string_view bytes);
  // Reads until so many bytes are there; less at the deadline or at the end.
  std::string read(size_t length);
  // Reads up to and with `text`; all that came when it does not come.
  std::string read_until(const std::string& text);
  // Something was read before, or comes within so long.
  [[nodiscard]] bool ready(int ms) const { return !received_.empty() || wait_readable(fd(), ms); }
  // Reads to the end of the stream.
  std::string read_to_end();
  // What came within so long: for what must not come.
  std::string read_for(std::chrono::milliseconds time);
  void close() { fd_.reset(); }

 protected:
  // False when nothing more can come now.
  bool more(const Deadline& deadline);
  Descriptor fd_;
  std::string received_;
};

}  // namespace e2e
