// A bounded queue of text lines from the kernel (a tap, the log) to one client. What does not fit is counted, and the
// client is told: a slow reader never holds up the kernel.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "lanes/descriptor.hpp"
#include "lanes/thread_safety.hpp"

namespace dtud::control {

class Feed {
 public:
  struct Limits {
    size_t lines = 2048;
    size_t bytes = 256U << 10U;
  };

  Feed() : Feed(Limits()) {}
  explicit Feed(Limits limits);

  // Any thread; takes no memory beyond the limits and waits for nobody. False: the line was missed, or the feed is
  // closed.
  bool push(std::string_view line);
  // Any thread: the reader is woken; what is queued can still be taken.
  void close();
  [[nodiscard]] uint64_t missed() const;  // all lines since the beginning that did not fit

  // Reader. The descriptor is readable while there is something to take, and once the feed is closed.
  [[nodiscard]] int fd() const { return ready_.get(); }
  [[nodiscard]] bool closed() const;
  // Everything queued, each line ended by a newline, with {"missed": n} after the lines that were followed by a gap.
  [[nodiscard]] std::string take();

 private:
  const Limits limits_;
  Descriptor ready_;  // eventfd
  mutable Mutex mutex_;
  std::string text_ DTU_GUARDED_BY(mutex_);
  size_t lines_ DTU_GUARDED_BY(mutex_) = 0;
  uint64_t gap_ DTU_GUARDED_BY(mutex_) = 0;  // missed since the last take
  uint64_t missed_ DTU_GUARDED_BY(mutex_) = 0;
  bool closed_ DTU_GUARDED_BY(mutex_) = false;
};

}  // namespace dtud::control
