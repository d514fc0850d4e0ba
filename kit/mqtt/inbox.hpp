// Received messages on their way from Paho's thread to the lane. Bounded.
#pragma once
#include <atomic>
#include <deque>
#include <dtu/kit/mqtt/session.hpp>
#include <memory>
#include <mqtt/mutex.hpp>

namespace mqtt {

struct FreePaho {
  void operator()(void* p) const noexcept;
};

struct Incoming : Message {
  std::unique_ptr<void, FreePaho> topic_memory, payload_memory;  // as Paho allocated them: nothing is copied
  [[nodiscard]] size_t size() const { return topic.size() + payload.size(); }
};

class Inbox {
 public:
  Inbox(size_t messages, size_t bytes) : max_messages_(messages), max_bytes_(bytes) {}

  enum class Put {
    taken,
    over,     // taken, but it is over the limits: a QoS 1 or 2 message is already acknowledged by Paho
    dropped,  // QoS 0 and full
  };
  Put put(Incoming&& message);
  // The oldest message, or null. It stays valid until pop(). [the lane only]
  const Incoming* front();
  void pop();
  [[nodiscard]] bool half_empty();
  [[nodiscard]] size_t count();

 private:
  const size_t max_messages_, max_bytes_;
  Mutex mutex_;
  std::deque<Incoming> queue_ MQTT_GUARDED_BY(mutex_);
  size_t bytes_ MQTT_GUARDED_BY(mutex_) = 0;
};

}  // namespace mqtt
