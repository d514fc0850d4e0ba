// A few threads, made when there is work and ended when it is done: an idle server has none.
#pragma once
#include <Poco/Thread.h>

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <memory>

#include "lanes/thread_safety.hpp"

namespace dtud::control {

class Workers {
 public:
  Workers(unsigned limit, int stack_bytes) : limit_(limit), stack_bytes_(stack_bytes) {}
  Workers(const Workers&) = delete;
  Workers& operator=(const Workers&) = delete;
  ~Workers();  // the jobs must be about to end: waits for them

  // Runs the job on a thread of its own; it must not throw. False: all are busy, or there is no thread to be had.
  bool run(std::function<void()> job);
  [[nodiscard]] unsigned busy() const;
  // Waits for all jobs to end. False: some have not by then.
  bool drain(std::chrono::steady_clock::time_point deadline);

 private:
  using Threads = std::list<std::unique_ptr<Poco::Thread>>;
  void ended(Threads::iterator self);

  const unsigned limit_;
  const int stack_bytes_;
  mutable Mutex mutex_;
  std::condition_variable_any changed_;
  Threads threads_ DTU_GUARDED_BY(mutex_);                     // working
  std::unique_ptr<Poco::Thread> last_ DTU_GUARDED_BY(mutex_);  // has ended, to be joined by the next one that does
};

}  // namespace dtud::control
