// A mutex clang can check the use of (-Wthread-safety). Other compilers see a plain mutex.
#pragma once
#include <mutex>

#ifdef __clang__
#define DTU_HOST_ATTR(x) __attribute__((x))
#else
#define DTU_HOST_ATTR(x)
#endif
#define GUARDED_BY(m) DTU_HOST_ATTR(guarded_by(m))
#define REQUIRES(m) DTU_HOST_ATTR(requires_capability(m))

namespace dtu::host {

class DTU_HOST_ATTR(capability("mutex")) Mutex {
 public:
  void lock() DTU_HOST_ATTR(acquire_capability()) { mutex_.lock(); }
  void unlock() DTU_HOST_ATTR(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class DTU_HOST_ATTR(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& m) DTU_HOST_ATTR(acquire_capability(m)) : mutex_(m) { mutex_.lock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() DTU_HOST_ATTR(release_capability()) { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};

}  // namespace dtu::host
