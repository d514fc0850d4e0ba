// What a channel still has to deliver: first in, first out, bounded in messages and bytes. Answers to commands have a
// queue of their own that goes first. A message leaves only when the channel completed its token; one that was not
// delivered goes back to where it was in the order. With a backlog (offline_storage) data outlives the process, and
// what is here is the window of the oldest. Main lane.
#pragma once
#include <dtu/message.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>

#include "plugins/buffer.hpp"
#include "routing/backlog.hpp"
#include "routing/followed.hpp"
#include "routing/outbox_limits.hpp"
#include "routing/ring.hpp"

namespace dtud::routing {

class Outbox final : private Backlog::Window {
 public:
  static constexpr uint32_t kBatch = 64;
  // With a backlog: what is held here of it, enough for any channel's flight.
  static constexpr uint64_t kWindowMessages = 1024, kWindowBytes = 1U << 20U;

  using Counters = OutboxCounters;
  // A read of 64 KiB: one message of each byte; JSON makes six bytes of one, and has a head.
  static constexpr uint64_t kChunkMessages = 65536, kChunkBytes = 8 * 65536;

  explicit Outbox(OutboxLimits limits) : limits_(limits), large_(limits.max_message) {}
  ~Outbox() = default;
  Outbox(const Outbox&) = delete;
  Outbox& operator=(const Outbox&) = delete;
  void set_limits(OutboxLimits limits);
  [[nodiscard]] const OutboxLimits& limits() const { return limits_; }
  void on_rejected(std::function<void(Rejected, uint64_t bytes)> rejected) { rejected_ = std::move(rejected); }
  // From now on data is kept as `mode` and `disk` say. `carries`: the channel can send. `changed` is called when
  // messages came from the backlog or it has room again. What is here already stays in plain memory, and goes first.
  void keep(Storage& storage, uint32_t channel, config::Storage mode, spool::SpoolLimits disk,
            std::function<bool()> carries, std::function<void()> changed);
  [[nodiscard]] Backlog* backlog() { return backlog_.get(); }
  [[nodiscard]] const Backlog* backlog() const { return backlog_.get(); }
  // Drops all data that waits, also in the backlog.
  void clear(std::function<void(uint64_t messages, const spool::Trouble&)> cleared);

  Followed& followed() { return followed_; }  // it tells from within a call of this: only to take notes
  // False: this message was dropped (counted). `token`, if it is not 0, is followed. Under `block` the sender is
  // expected to have looked at full() before; what it sends all the same, because one chunk became many messages, is
  // taken: as many as a chunk can become.
  bool push(KeptMessage message, uint64_t token = 0);
  // Goes before everything that waits. One that was not delivered over an earlier connection is replaced.
  void push_registration(KeptMessage message);

  // At or over a bound / well below it again.
  [[nodiscard]] bool full() const {
    return (over(limits_.messages, limits_.bytes) && !another_) || (backlog_ != nullptr && backlog_->full());
  }
  [[nodiscard]] bool has_room() const {
    return (another_ || !over(limits_.messages - limits_.messages / 4, limits_.bytes - limits_.bytes / 4)) &&
           (backlog_ == nullptr || backlog_->has_room());
  }
  void make_room_for_another();  // there is room for one more message, though it is full
  // Something can be taken now, or was set aside.
  [[nodiscard]] bool has_waiting() {
    return (commands_.next() != nullptr && !flight_is_long(commands_)) || (data_may_go() && !flight_is_long(data_)) ||
           (aside_ != 0 && in_flight() == 0);
  }
  // Puts the next messages, at most `most`, in flight and shows them. The views are good until untake(), which ends the
  // batch and puts the last `count` of it back, or until the next take(): completing a message before does not free it.
  uint32_t take(dtu_msg* out, uint32_t most = kBatch);
  void untake(uint32_t count);
  // The messages just taken, held for someone who uses the views later than this turn.
  [[nodiscard]] KeptMessage hold(uint64_t token);

  bool complete(uint64_t token, dtu_status status);  // false: no such token is open
  // The same for a message that the peer never takes.
  bool reject(uint64_t token);
  // How often the peer closed for this message alone: of one in flight (0 if it is not), of the next one to be taken.
  [[nodiscard]] uint8_t was_refused(uint64_t token);
  [[nodiscard]] uint8_t next_was_refused();
  struct Refusals {
    uint8_t times = 0;
    bool other_taken = false;  // the peer confirmed another message, no registration, since the first time
  };
  Refusals count_refusal(uint64_t token);  // once more
  [[nodiscard]] bool is_open(uint64_t token) { return open_entry(token) != nullptr; }
  [[nodiscard]] bool is_registration(uint64_t token);
  // The next message is one for which the peer closed. / One waits for which it closed less often than `below`.
  [[nodiscard]] bool refused_waits();
  [[nodiscard]] bool other_waits(uint8_t below = UINT8_MAX);
  // Passes over all for which the peer closed, in flight or waiting, until put_back().
  void set_refused_aside();
  [[nodiscard]] bool any_aside() const { return aside_ != 0; }
  void put_back(bool overtaken = false);  // a newer one was delivered meanwhile
  // The last take() took one message as long as a rejected one: it goes alone.
  [[nodiscard]] bool took_alone() const { return took_alone_; }
  void forget_refusals();
  void return_all();  // the channel is gone: everything in flight waits again, in its order

  // All of them, those on disk included; their bytes, those on disk about.
  [[nodiscard]] uint64_t messages() const { return messages_ + (backlog_ ? backlog_->messages() : 0); }
  [[nodiscard]] uint64_t bytes() const {
    return bytes_ + (backlog_ ? backlog_->in_memory().bytes + backlog_->disk().payload : 0);
  }
  // Answers not yet delivered, in flight or waiting.
  [[nodiscard]] uint64_t answers_waiting() const {
    return commands_.waiting.size() + commands_.returned.size() + commands_.open;
  }
  [[nodiscard]] uint64_t in_flight() const { return commands_.open + data_.open; }
  [[nodiscard]] uint64_t in_flight_bytes() const { return commands_.open_bytes + data_.open_bytes; }
  // The token of the oldest answer, or data, in flight; 0: none.
  [[nodiscard]] uint64_t oldest_in_flight(bool answers) const {
    const Queue& queue = answers ? commands_ : data_;
    return queue.open != 0 ? token_of(queue, 0, answers) : 0;
  }
  [[nodiscard]] Counters counters() const;

 private:
  struct Entry {
    KeptMessage message;
    uint64_t order = 0;  // of one that is kept: its sequence number
    bool open = false;   // in flight and not yet completed
    bool kept = false;   // the backlog has it
    uint8_t refusals = 0;
    bool registration = false;
    bool aside = false;  // is not taken
    bool overtaken = false;
    uint16_t refused_at = 0;  // confirmed_, at the first of `refusals`
  };
  struct Queue {
    Ring<Entry> waiting;
    Ring<Entry> returned;   // was in flight and failed; goes before `waiting`, in order
    Ring<Entry> in_flight;  // its first has the sequence number `first`
    uint64_t first = 1;
    uint64_t open = 0, open_bytes = 0;
    [[nodiscard]] bool nothing_waits() const { return waiting.empty() && returned.empty(); }
    [[nodiscard]] Entry* next();  // the one to be taken next; null: there is none
    Entry pop_next();
  };
  // A channel that never completes an old message must not make the in-flight ring grow without bound.
  static constexpr size_t kLongestFlight = 1U << 16U;
  static constexpr uint32_t kMostCommands = 1024;
  static constexpr uint32_t kMostAbove = 64;  // make_room_for_another() so often

  [[nodiscard]] bool over(uint64_t messages, uint64_t bytes) const { return messages_ >= messages || bytes_ >= bytes; }
  bool push_kept(KeptMessage message, uint64_t token);
  bool make_room(Queue& queue);
  [[nodiscard]] bool frees_memory(Queue& queue);
  void refill();
  [[nodiscard]] bool data_may_go();
  [[nodiscard]] bool flight_is_long(const Queue& queue) const;
  void forget(Entry& entry);
  void end(Entry& entry, dtu_status status, const char* reason);
  void count_rejected(Rejected reason, uint64_t bytes);
  void count_delivered(Entry& entry);
  void set_alone_from(uint64_t bytes);
  Entry* open_entry(uint64_t token);
  void leave_flight(Queue& queue, Entry& entry);
  void left_flight(Queue& queue, Entry& entry);
  bool drop_oldest(Queue& queue, const char* why);
  uint64_t drop_waiting(uint64_t below);
  // Backlog::Window
  bool wants_more() override;
  void loaded(KeptMessage message, uint64_t seq) override;
  void dropped(uint64_t below) override;
  void gone(uint64_t from, uint64_t to, const char* why) override;
  bool carries() override { return carries_(); }
  void changed() override { changed_(); }
  static bool after(const Entry& a, const Entry& b) { return a.kept != b.kept ? a.kept : a.order > b.order; }
  void give_back(Queue& queue, Entry entry);
  void reject(Entry& entry);
  void settle(Queue& queue);
  static uint64_t token_of(const Queue& queue, size_t index, bool command) {
    return (queue.first + index) << 1U | (command ? 1U : 0U);
  }

  OutboxLimits limits_;
  uint64_t alone_from_ = UINT64_MAX;  // bytes of the shortest message that the peer never took
  uint64_t large_;                    // what is longer goes alone, or is longer than max_message
  bool took_alone_ = false, registration_rejected_ = false;
  uint32_t aside_ = 0;      // so many are
  uint16_t confirmed_ = 0;  // counts the messages that the peer confirmed
  bool another_ = false;    // make_room_for_another()
  uint32_t above_ = 0;      // so often since there was room
  Queue commands_, data_;
  uint64_t messages_ = 0, bytes_ = 0, order_ = 1;  // of what the backlog does not have; order 0: a registration
  uint64_t window_bytes_ = 0;                      // of what it has
  uint32_t last_commands_ = 0, last_data_ = 0;     // of the last take()
  bool shown_ = false;                             // its views are in use
  Counters counters_;
  Followed followed_;
  std::function<bool()> carries_;
  std::function<void()> changed_;
  std::function<void(Rejected, uint64_t)> rejected_;
  std::unique_ptr<Backlog> backlog_;
};

}  // namespace dtud::routing
