// What every subcommand's loop shares: waiting for the line, the clock and Ctrl-C at once; a line that comes back.
#pragma once
#include <cstdint>
#include <string>

#include "line.hpp"

namespace sim {

// Ctrl-C and SIGTERM as something to wait for. Make it before any thread.
class Interrupts {
 public:
  Interrupts();
  [[nodiscard]] int fd() const { return fd_.get(); }

 private:
  Fd fd_;
};

[[nodiscard]] int64_t now_ms();  // never jumps

class Session {
 public:
  // patience_s: how long the line may be missing before that is an error; 0 = for ever.
  Session(LineSettings line, int64_t patience_s) : line_(std::move(line)), patience_ms_(patience_s * 1000) {}

  [[nodiscard]] Line& line() { return line_; }
  [[nodiscard]] bool interrupted() const { return interrupted_; }
  [[nodiscard]] uint64_t vanished() const { return vanished_; }

  // Waits until the line is readable, the outgoing bytes can go on, `due_ms` (see now_ms) has come, or Ctrl-C; reopens
  // the line when it is gone. Returns true when there may be something to read. Throws when the line stays missing.
  bool wait(int64_t due_ms);

  // Bytes on their way out, in order; send() adds, wait() carries on.
  bool send(const std::string& bytes);  // false: too much is waiting, nothing was taken
  [[nodiscard]] size_t waiting() const { return out_.size(); }

  // Waits until everything sent has left (from a pty of our own: was read; leaving earlier would destroy it).
  // False when it did not within the time given or the line vanished.
  bool finish(int64_t within_ms);

  static constexpr size_t kMostWaiting = 256 * 1024;

 private:
  bool reopen();
  void flush();

  Interrupts interrupts_;
  Line line_;
  int64_t patience_ms_;
  int64_t missing_since_ = -1;
  bool was_open_ = false;
  bool interrupted_ = false;
  uint64_t vanished_ = 0;
  std::string out_;
};

}  // namespace sim
