// A mutex clang's thread-safety analysis knows.
#pragma once
#include <mutex>

#if defined(__clang__)
#define MQTT_ANNOTATE(x) __attribute__((x))
#else
#define MQTT_ANNOTATE(x)
#endif

namespace mqtt {

class MQTT_ANNOTATE(capability("mutex")) Mutex {
 public:
  void lock() MQTT_ANNOTATE(acquire_capability()) { mutex_.lock(); }
  void unlock() MQTT_ANNOTATE(release_capability()) { mutex_.unlock(); }

 private:
  std::mutex mutex_;
};

class MQTT_ANNOTATE(scoped_lockable) Lock {
 public:
  explicit Lock(Mutex& mutex) MQTT_ANNOTATE(acquire_capability(mutex)) : mutex_(mutex) { mutex_.lock(); }
  ~Lock() MQTT_ANNOTATE(release_capability()) { mutex_.unlock(); }
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;

 private:
  Mutex& mutex_;
};

}  // namespace mqtt

#define MQTT_GUARDED_BY(mutex) MQTT_ANNOTATE(guarded_by(mutex))
