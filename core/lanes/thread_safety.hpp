// Clang's thread-safety analysis: a mutex the compiler checks, and nothing elsewhere.
#pragma once
#include <mutex>

#if defined(__clang__)
#define DTU_TSA(x) __attribute__((x))
#else
#define DTU_TSA(x)
#endif
#define DTU_GUARDED_BY(mutex) DTU_TSA(guarded_by(mutex))
#define DTU_REQUIRES(mutex) DTU_TSA(requires_capability(mutex))

namespace dtud {

class DTU_TSA(capability("mutex")) Mutex {
 public:
  void lock() DTU_TSA(acquire_capability()) { mutex_.lock(); }
  void unlock() DTU_TSA(release_capability()) { mutex_.unlock(); }
  std::mutex& native() { return mutex_; }  // for a condition variable

 private:
  std::mutex mutex_;
};

class DTU_TSA(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& mutex) DTU_TSA(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~Lock() DTU_TSA(release_capability()) { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace dtud
