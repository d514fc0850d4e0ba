#include "worker.hpp"

#include <sys/eventfd.h>
#include <unistd.h>

#include <stdexcept>

#include "wait.hpp"

namespace e2e {

Worker::Worker() : wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}

void Worker::start(std::function<void()> turn) {
  thread_ = std::thread([this, turn = std::move(turn)] { loop(turn); });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  ending_ = true;
  ::eventfd_write(wake_.get(), 1);
  thread_.join();
}

void Worker::run(std::function<void()> errand) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (!done_.wait_for(lock, kDeadline, [this] { return !errand_; })) throw std::runtime_error("a harness thread hangs");
  errand_ = std::move(errand);
  ::eventfd_write(wake_.get(), 1);
  if (!done_.wait_for(lock, kDeadline, [this] { return !errand_; })) throw std::runtime_error("a harness thread hangs");
}

void Worker::loop(const std::function<void()>& turn) {
  while (!ending_) {
    eventfd_t ignored = 0;
    ::eventfd_read(wake_.get(), &ignored);
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (errand_) errand_();
      errand_ = nullptr;
      done_.notify_all();
    }
    turn();
  }
}

}  // namespace e2e
