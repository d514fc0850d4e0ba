// Messages dtud handed over that the plugin has not taken yet: of the channel, or of one port. They are offered again
// whenever there is room, in their order. Main lane; the plugin is called on its own.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>

#include "plugins/buffer.hpp"
#include "plugins/instance.hpp"

namespace dtud::host {

class Feed : public std::enable_shared_from_this<Feed> {
 public:
  static constexpr uint32_t kBatch = 64;
  // The plugin's send() or write().
  using Offer = std::function<dtu_status(const dtu_msg*, uint32_t n, uint32_t* taken, dtu_error*)>;
  struct Told {
    // So many of the oldest are the plugin's now.
    std::function<void(uint32_t messages, uint64_t bytes)> taken;
    // It can never take the oldest. Null: then it stays, as any other failure.
    std::function<void(uint64_t bytes, const dtu_error&)> refused;
  };
  Feed(plugins::Instance& instance, const char* function, Offer offer, Told told)
      : instance_(instance),
        function_(function),
        offer_(std::move(offer)),
        told_(std::move(told)),
        timer_(instance.context().main.timers().create(try_again, this)) {}
  ~Feed() { instance_.context().main.timers().destroy(timer_); }
  Feed(const Feed&) = delete;
  Feed& operator=(const Feed&) = delete;

  void push(uint64_t token, KeptMessage message) { waiting_.push_back({token, std::move(message)}); }
  // Offers what waits; true: something was done.
  bool serve();
  void room();                      // host->writable, or it is up again
  void close() { closed_ = true; }  // nothing is offered any more
  // All that waits, given to `each` by its token, oldest first; none when a call is under way with them.
  void give_back(const std::function<void(uint64_t token)>& each);

 private:
  struct Entry {
    uint64_t token;
    KeptMessage message;
  };
  struct Batch {
    std::array<dtu_msg, kBatch> msgs;
    uint32_t n = 0, taken = 0;
    dtu_status status = DTU_OK;
    dtu_error error{};
  };
  void offered(const Batch& batch);
  static void try_again(void* self);

  plugins::Instance& instance_;
  const char* const function_;
  const Offer offer_;
  const Told told_;
  const uint64_t timer_;  // while it is full
  std::deque<Entry> waiting_;
  bool offering_ = false, full_ = false, room_told_ = false, closed_ = false;
  bool none_ = false;         // the last time it took none although nothing was wrong
  bool tried_again_ = false;  // although it did not say that it has room
};

}  // namespace dtud::host
