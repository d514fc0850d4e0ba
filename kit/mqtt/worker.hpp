// Runs one blocking call at a time away from the lane. The thread lives as long as the call.
#pragma once
#include <functional>
#include <thread>

namespace mqtt {

class Worker {
 public:
  Worker() = default;
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;
  ~Worker() { join(); }

  // `job` must not throw. Only when the last one was joined.
  void run(std::function<void()> job);
  [[nodiscard]] bool busy() const { return thread_.joinable(); }
  void join();

 private:
  std::thread thread_;
};

}  // namespace mqtt
