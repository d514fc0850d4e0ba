// One end of the socket between dtud and a plugin's process: frames in, frames out, each turn's in one write. Neither
// end ever waits for the other here: what the socket does not take stays. On the lane.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/descriptor.hpp"
#include "plugins/isolation/frame.hpp"

namespace dtud::plugins::isolation {

class Wire {
 public:
  Wire() = default;
  explicit Wire(Descriptor socket) : socket_(std::move(socket)) {}

  [[nodiscard]] int fd() const { return socket_.get(); }
  void close() { socket_.close(); }

  // Out: append frames with a Writer, then flush().
  [[nodiscard]] std::string& out() { return out_; }
  [[nodiscard]] size_t pending() const { return out_.size() - sent_; }  // bytes the other end has not taken
  bool flush();                                                         // false: the other end is gone
  // Also waits until everything is out. Only in the child: dtud never waits.
  bool flush_all();

  // In: fill() reads once, next() gives the whole frames of it one by one.
  enum class Filled { something, nothing, ended };
  [[nodiscard]] Filled fill();
  enum class Next { frame, none, broken };  // broken: a length no frame has
  // body: valid until the next fill().
  [[nodiscard]] Next next(Frame& type, std::string_view& body);
  // Looks for a frame of this type behind those that next() has not given yet, and takes it out. For the child, when it
  // has to wait for an answer inside a call.
  [[nodiscard]] Next extract(Frame type, std::string& body);

 private:
  // The length of the frame that begins at `at`, 0 when it is not all there, or npos when it cannot be one.
  [[nodiscard]] size_t frame_at(size_t at, Frame& type) const;

  static constexpr size_t kRead = 64U << 10U, kKept = 256U << 10U;
  Descriptor socket_;
  std::string out_;
  size_t sent_ = 0;
  std::vector<char> in_;
  size_t begin_ = 0, end_ = 0;  // of what was read and not given out
};

}  // namespace dtud::plugins::isolation
