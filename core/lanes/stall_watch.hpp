// Notices a function that does not return to its lane, from a thread of its own; it cannot free the lane, only name who
// holds it. Two grades, each told once a time:
//   slow    one call of a lane that must not block has gone on for 100 ms
//   stall   a turn of any lane has gone on for five seconds
// It looks every five seconds while nothing happens on the lanes, every second while something does, and every 100 ms
// while a turn is under way, so that idle lanes cost next to nothing: a slow call between two looks is not seen.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "lanes/lane.hpp"

namespace dtud {

class StallWatch {
 public:
  struct Options {
    std::chrono::milliseconds look_every{5000};  // when idle
    std::chrono::milliseconds limit{5000};
    std::chrono::milliseconds slow{100};  // and how often it looks while a turn is under way
  };
  struct Stall {
    const Lane& lane;
    std::string who;                 // on whose behalf the lane was running, "kernel" when nobody's
    std::string function;            // of theirs; "": none
    std::chrono::milliseconds held;  // at least
    bool slow;                       // only
  };
  using Told = std::function<void(const Stall&)>;  // called on the watch's thread

  StallWatch(Options options, Told told);
  ~StallWatch();
  StallWatch(const StallWatch&) = delete;
  StallWatch& operator=(const StallWatch&) = delete;

  // The lane must outlive the watch or be removed; after remove() nothing of it is told. may_block: of calls into
  // plugins that said they would (DTU_CAP_BLOCKING).
  void add(const Lane& lane, bool may_block = false);
  void remove(const Lane& lane);
  // Something else that may stall: `look` is called at each look, on the watch's thread, until it is forgotten.
  using Look = std::function<void(int64_t now_ns)>;
  void observe(const void* whose, Look look);
  void forget(const void* whose);

 private:
  static constexpr uint32_t kLeastLooks = 3;  // at a turn: a process that was held up as a whole is no stall
  struct Seen {
    const Lane* lane;
    bool may_block;
    int64_t turn_ns = 0;       // the turn that was under way at the last look; 0: none
    int64_t told_turn_ns = 0;  // the turn that was told of
    uint32_t looks = 0;        // at that turn
    uint64_t step = 0;         // of the lane at the last look
    int64_t since_ns = 0;      // when this step was seen first
    uint64_t told_step = 0;
  };
  struct Observed {
    const void* whose;
    Look look;
  };
  enum class Pace { idle, active, in_turn };
  void run();
  Pace look();
  Pace look_at(Seen& seen, int64_t now);
  void tell(const Seen& seen, std::chrono::nanoseconds held, bool slow) const;
  void begin();

  const Options options_;
  const Told told_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Seen> lanes_;         // under mutex_
  std::vector<Observed> observed_;  // under mutex_
  bool stopping_ = false;           // under mutex_
  std::thread thread_;              // begun by the first thing to look at
};

}  // namespace dtud
