// Notices a lane whose turn does not end: a plugin function that does not return. It looks every five seconds from a
// thread of its own and tells once per stall; it cannot free the lane, only name who holds it.
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
    std::chrono::milliseconds look_every{5000};
    std::chrono::milliseconds limit{5000};
  };
  // who: on whose behalf the lane was running, "kernel" when nobody's. Called on the watch's thread.
  using Told = std::function<void(const Lane&, const std::string& who, std::chrono::milliseconds for_so_long)>;

  StallWatch(Options options, Told told);
  ~StallWatch();
  StallWatch(const StallWatch&) = delete;
  StallWatch& operator=(const StallWatch&) = delete;

  void add(const Lane& lane);  // the lane must outlive the watch or be removed
  void remove(const Lane& lane);
  // Something else that may stall: `look` is called at each look, on the watch's thread, until it is forgotten.
  using Look = std::function<void(int64_t now_ns)>;
  void observe(const void* whose, Look look);
  void forget(const void* whose);

 private:
  struct Seen {
    const Lane* lane;
    int64_t told_turn_ns;  // the turn that was told of
  };
  struct Observed {
    const void* whose;
    Look look;
  };
  void run();
  void look();
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
