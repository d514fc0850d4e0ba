#include <MQTTAsync.h>

#include <mqtt/inbox.hpp>

namespace mqtt {

void FreePaho::operator()(void* p) const noexcept { MQTTAsync_free(p); }

Inbox::Put Inbox::put(Incoming&& message) {
  const Lock lock(mutex_);
  const bool full = queue_.size() >= max_messages_ || (!queue_.empty() && bytes_ + message.size() > max_bytes_);
  if (full && message.qos == 0) return Put::dropped;
  bytes_ += message.size();
  queue_.push_back(std::move(message));
  return full ? Put::over : Put::taken;
}

const Incoming* Inbox::front() {
  const Lock lock(mutex_);
  return queue_.empty() ? nullptr : &queue_.front();  // a deque that grows at its end leaves its elements in place
}

void Inbox::pop() {
  Incoming gone;  // freed outside the lock
  const Lock lock(mutex_);
  bytes_ -= queue_.front().size();
  gone = std::move(queue_.front());
  queue_.pop_front();
}

bool Inbox::half_empty() {
  const Lock lock(mutex_);
  return queue_.size() <= max_messages_ / 2 && bytes_ <= max_bytes_ / 2;
}

size_t Inbox::count() {
  const Lock lock(mutex_);
  return queue_.size();
}

}  // namespace mqtt
