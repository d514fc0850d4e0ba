// How much one instance may tell: 200 events at once, 20 a second and 64 KiB a second in the long run.
#pragma once
#include <cstddef>
#include <cstdint>

#include "lanes/thread_safety.hpp"

namespace dtud::events {

class Budget {
 public:
  static constexpr int64_t kBurst = 200, kPerSecond = 20;
  static constexpr int64_t kBytesPerSecond = 64 << 10;

  explicit Budget(int64_t times = 1) : times_(times) {}  // so many times as much
  void renew();                                          // for the next run
  // Any thread. False: too much for now.
  [[nodiscard]] bool take(size_t bytes, int64_t now_ns);
  // How many refusals are to be noted now: they are noted together, the first at once and then those of each second,
  // because a publisher in a loop must cost next to nothing.
  [[nodiscard]] uint64_t refusals_to_note(int64_t now_ns);

 private:
  Mutex mutex_;
  // Both in billionths: what a nanosecond gives back is then a whole number.
  static constexpr int64_t kUnit = 1'000'000'000;
  const int64_t times_;
  int64_t events_ DTU_GUARDED_BY(mutex_) = times_ * kBurst * kUnit;
  int64_t bytes_ DTU_GUARDED_BY(mutex_) = times_ * kBytesPerSecond * kUnit;
  int64_t at_ns_ DTU_GUARDED_BY(mutex_) = 0;
  uint64_t refused_ DTU_GUARDED_BY(mutex_) = 0;
  int64_t noted_ns_ DTU_GUARDED_BY(mutex_) = 0;  // 0: never
};

}  // namespace dtud::events
