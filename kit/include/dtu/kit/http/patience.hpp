// How long a request may still wait, and what ends the waiting early. Every wait of the client's thread goes through
// it.
#pragma once
#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <utility>

namespace http {

class Patience {
 public:
  using Clock = std::chrono::steady_clock;
  // `wake` becomes readable when the client is told to stop, and stays so.
  // A single wait is never longer than `each`; `beat` is called four times a second of waiting.
  Patience(int wake, Clock::time_point until, Clock::duration each = Clock::duration::max(),
           std::function<void()> beat = nullptr)
      : wake_(wake), until_(until), each_(each), beat_(std::move(beat)) {}

  // Until `fd` is ready for `events` (POLLIN, POLLOUT). Throws Broken: stopped, or failed with "<doing> took too long".
  void wait(int fd, short events, const std::string& doing) const;
  // The same, but false instead of "took too long".
  [[nodiscard]] bool ready(int fd, short events) const;
  // Throws Broken when there is no time left, or the client was told to stop.
  void check(const std::string& doing) const { wait(-1, 0, doing); }
  // As this one, but not longer than until then.
  [[nodiscard]] Patience until(Clock::time_point end) const { return {wake_, std::min(until_, end), each_, beat_}; }
  // As this one, but never longer than an equal share of what is left.
  [[nodiscard]] Patience share(size_t of) const;

 private:
  int wake_;
  Clock::time_point until_;
  Clock::duration each_;
  std::function<void()> beat_;
};

}  // namespace http
