// How long to wait before the next try: doubling, with jitter, so that a thousand devices do not come back at once.
#pragma once
#include <cstdint>
#include <functional>

namespace net {

// A random number from 0 to below 1.
[[nodiscard]] double random_fraction();

class Backoff {
 public:
  using Random = std::function<double()>;
  Backoff(uint32_t min_ms, uint32_t max_ms, Random random = random_fraction);

  // The thing tried works since now. When it worked for 30 s, the next failure starts from the least wait again.
  void worked(int64_t now_ns) {
    since_ns_ = now_ns;
    carried_ = false;
  }
  // It was of use since then. When it worked for min_ms at least, the wait is no longer than it worked, nor less than
  // the least wait: a link that is cut again and again is used for half of the time. What fails at once, although it
  // took something, is no such link.
  void carried() { carried_ = true; }
  // The other side confirmed something, or is of use in another way that counts: the next failure starts from the least
  // wait.
  void confirmed() { ceiling_ms_ = 0; }
  // It failed: wait so many milliseconds, always from min_ms to max_ms.
  [[nodiscard]] uint32_t next(int64_t now_ns);

 private:
  uint32_t min_ms_, max_ms_;
  Random random_;
  uint32_t ceiling_ms_;
  int64_t since_ns_ = -1;
  bool carried_ = false;
};

}  // namespace net
