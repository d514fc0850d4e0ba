// Changes of the configuration, one at a time and in the order in which they came: a change that waits for the disk is
// not overtaken by the next one. Main lane.
#pragma once
#include <cstddef>
#include <deque>
#include <functional>

namespace dtud {

class ChangeQueue {
 public:
  using Change = std::function<void()>;  // ends with over(), within the call or later
  static constexpr size_t kMost = 16;    // that wait; whoever asks from outside looks at full() first

  [[nodiscard]] bool full() const { return waiting_.size() >= kMost; }
  [[nodiscard]] bool busy() const { return running_ || !waiting_.empty(); }
  // Runs the change when those before it are over: within this call if there are none.
  void begin(Change change);
  // The change that runs is over. The next one begins within this call, so this is the last thing that a change does.
  void over();

 private:
  void next();

  std::deque<Change> waiting_;
  bool running_ = false;
};

}  // namespace dtud
