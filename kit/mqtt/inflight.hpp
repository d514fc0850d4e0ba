// The messages handed to Paho and not yet done with: a ring of slots, oldest first. The lane fills a slot, Paho's
// threads empty it, no lock between them. A slot's number travels through Paho, so nothing is allocated per message.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>

namespace mqtt {

class Connection;

class Inflight {
 public:
  // `window`: of messages that the broker acknowledges. `more`: room for those of QoS 0 besides.
  Inflight(uint32_t window, uint64_t max_bytes, uint32_t more = 0);

  struct Slot {
    Connection* connection = nullptr;  // the one it was sent through
    uint64_t token = 0;
    uint64_t bytes = 0;
    int qos = 0;
    std::atomic<bool> busy{false};
    std::atomic<bool> written{false};  // QoS 0: the socket has it, the peer may not
  };

  // A slot for the next message, or null when the window is full; then done() tells once of room. [lane]
  Slot* take(uint64_t token, uint64_t bytes, int qos);
  // The slot taken last was not used after all. [lane]
  void give_back(Slot* slot);

  struct Done {
    bool room;   // a sender that was refused may go on
    bool empty;  // nothing is open any more
  };
  // Frees the slot; its token was read before. [any, once per take]
  Done done(Slot* slot);

  // Calls fn(token) for everything still open, oldest first, and empties the ring. Nobody else may use it then. [lane]
  template <typename Fn>
  void sweep(Fn&& fn) {
    for (uint32_t i = 0; i < size_; ++i) {
      Slot& slot = slots_[(next_ + i) % size_];
      if (!slot.busy.load()) continue;
      done(&slot);
      fn(slot.token);
    }
    starved_ = false;
  }

  // The broker's receive maximum (MQTT 5). [lane, while empty]
  void limit(uint32_t messages);
  [[nodiscard]] uint32_t count() const { return count_.load(); }

 private:
  [[nodiscard]] bool full(const Slot& slot, uint64_t bytes, int qos) const;
  const uint32_t size_, window_;
  const uint64_t max_bytes_;
  const std::unique_ptr<Slot[]> slots_;
  uint32_t next_ = 0;
  std::atomic<uint32_t> limit_;
  std::atomic<uint32_t> count_{0};
  std::atomic<uint32_t> confirmed_{0};  // of them, those the broker acknowledges
  std::atomic<uint64_t> bytes_{0};
  std::atomic<bool> starved_{false};
};

}  // namespace mqtt
