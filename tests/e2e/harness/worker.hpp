// The thread of a harness piece that polls. What others ask of it is done by it, between two of its turns, so that its
// state needs no lock.
#pragma once
#include <atomic>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "descriptor.hpp"

namespace e2e {

class Worker {
 public:
  Worker();
  ~Worker() { stop(); }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // Calls `turn` again and again; it waits in poll() for wake_fd() and whatever else it looks at.
  void start(std::function<void()> turn);
  void stop();
  // Done by the thread before this returns. Throws when it does not within the deadline.
  void run(std::function<void()> errand);
  [[nodiscard]] int wake_fd() const { return wake_.get(); }

 private:
  void loop(const std::function<void()>& turn);
  Descriptor wake_;
  std::mutex mutex_;
  std::condition_variable done_;
  std::function<void()> errand_;  // guarded by mutex_
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

}  // namespace e2e
