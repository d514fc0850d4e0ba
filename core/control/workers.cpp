#include "control/workers.hpp"

#include <Poco/Exception.h>
#include <pthread.h>
#include <csignal>

namespace dtud::control {
namespace {

// Threads inherit the mask: signals are for the main thread.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

Workers::~Workers() {
  while (!drain(std::chrono::steady_clock::now() + std::chrono::minutes(1))) {
  }
}

bool Workers::run(std::function<void()> job) {
  const Lock lock(mutex_);
  if (threads_.size() >= limit_) return false;
  const auto self = threads_.insert(threads_.end(), std::make_unique<Poco::Thread>("control"));
  try {
    const SignalsBlocked blocked;
    (*self)->setStackSize(stack_bytes_);
    (*self)->startFunc([this, self, job = std::move(job)] {
      job();
      ended(self);
    });
    return true;
  } catch (const Poco::Exception&) {
    threads_.erase(self);
    return false;
  }
}

void Workers::ended(Threads::iterator self) {
  std::unique_ptr<Poco::Thread> before;
  {
    const Lock lock(mutex_);
    before = std::move(last_);
    last_ = std::move(*self);
    threads_.erase(self);
    changed_.notify_all();
  }
  if (before != nullptr) before->join();  // it has nothing left to do
}

unsigned Workers::busy() const {
  const Lock lock(mutex_);
  return static_cast<unsigned>(threads_.size());
}

bool Workers::drain(std::chrono::steady_clock::time_point deadline) {
  std::unique_ptr<Poco::Thread> last;
  {
    const Lock lock(mutex_);
    while (!threads_.empty()) {
      if (changed_.wait_until(mutex_, deadline) == std::cv_status::timeout && !threads_.empty()) return false;
    }
    last = std::move(last_);
  }
  if (last != nullptr) last->join();
  return true;
}

}  // namespace dtud::control
