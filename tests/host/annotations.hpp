// A mutex clang can check the use of (-Wthread-safety). Other compilers see a plain mutex.
#pragma once
#include <mutex>

#ifdef __clang__
#define DTU_TEST_ATTR(x) __attribute__((x))
#else
#define DTU_TEST_ATTR(x)
#endif
#define GUARDED_BY(m) DTU_TEST_ATTR(guarded_by(m))
#define REQUIRES(m) DTU_TEST_ATTR(requires_capability(m))

namespace dtu::test {

class DTU_TEST_ATTR(capability("mutex")) Mutex {
 public:
  void lock() DTU_TEST_ATTR(acquire_capability()) { mutex_.lock(); }
  void unlock() DTU_TEST_ATTR(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class DTU_TEST_ATTR(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& m) DTU_TEST_ATTR(acquire_capability(m)) : mutex_(m) { mutex_.lock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  ~Lock() DTU_TEST_ATTR(release_capability()) { mutex_.unlock(); }

 private:
  Mutex& mutex_;
};

}  // namespace dtu::test
