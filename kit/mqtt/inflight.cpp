#include <algorithm>
#include <mqtt/inflight.hpp>

namespace mqtt {

Inflight::Inflight(uint32_t window, uint64_t max_bytes, uint32_t more)
    : size_(std::max(window, 1U) + more),
      window_(std::max(window, 1U)),
      max_bytes_(max_bytes),
      slots_(std::make_unique<Slot[]>(size_)),
      limit_(window_) {}

bool Inflight::full(const Slot& slot, uint64_t bytes, int qos) const {
  return slot.busy.load() || (qos > 0 && confirmed_.load() >= limit_) ||
         (count_.load() > 0 && bytes_.load() + bytes > max_bytes_);
}

Inflight::Slot* Inflight::take(uint64_t token, uint64_t bytes, int qos) {
  Slot& slot = slots_[next_];
  if (full(slot, bytes, qos)) {
    starved_ = true;
    if (full(slot, bytes, qos)) return nullptr;  // else room came in between, and done() may have missed `starved_`
    starved_ = false;
  }
  slot.token = token;
  slot.bytes = bytes;
  slot.qos = qos;
  ++count_;
  if (qos > 0) ++confirmed_;
  bytes_ += bytes;
  slot.written = false;
  slot.busy = true;
  next_ = (next_ + 1) % size_;
  return &slot;
}

void Inflight::give_back(Slot* slot) {
  next_ = (next_ + size_ - 1) % size_;
  done(slot);
}

Inflight::Done Inflight::done(Slot* slot) {
  const uint64_t bytes = slot->bytes;
  const bool confirmed = slot->qos > 0;
  slot->busy = false;
  const uint64_t left_bytes = (bytes_ -= bytes);
  const uint32_t left_confirmed = confirmed ? --confirmed_ : confirmed_.load();
  const uint32_t left = --count_;
  // Half a window at a time: the lane is not woken for every acknowledgement.
  const bool room = left_confirmed <= limit_ / 2 && left <= size_ / 2 && (left == 0 || left_bytes <= max_bytes_ / 2) &&
                    starved_.exchange(false);
  return {room, left == 0};
}

void Inflight::limit(uint32_t messages) { limit_ = std::clamp(messages, 1U, window_); }

}  // namespace mqtt
