// The timers of a lane. Pushing a deadline further away, the common case (an idle gap re-armed by every read), is O(1):
// the heap keeps the old, earlier entry, which is put back when it comes up.
#pragma once
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

namespace dtud {

class Timers {
 public:
  using Fn = void (*)(void* ctx);

  [[nodiscard]] uint64_t create(Fn fn, void* ctx);  // disarmed
  bool arm(uint64_t id, int64_t deadline_ns, int64_t period_ns = 0);
  bool disarm(uint64_t id);
  bool destroy(uint64_t id);  // also from inside its own function

  // Runs what is due; a timer that is several periods late runs once. True if any ran.
  bool run_due(int64_t now_ns);
  // When to look again, 0: nothing is armed. May be earlier than the first real deadline, never later.
  [[nodiscard]] int64_t next_ns();

 private:
  struct Timer {
    Fn fn = nullptr;  // null: free
    void* ctx = nullptr;
    uint32_t generation = 0;
    int64_t deadline_ns = 0;  // 0: disarmed
    int64_t period_ns = 0;
    int64_t queued_ns = 0;  // the earliest heap entry it has; 0: none
  };
  struct Entry {
    int64_t at_ns;
    uint64_t id;
    bool operator>(const Entry& other) const { return at_ns > other.at_ns; }
  };
  Timer* find(uint64_t id);
  void enqueue(uint64_t id, Timer& timer);

  std::vector<Timer> timers_;
  std::vector<uint32_t> free_;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> heap_;
};

}  // namespace dtud
