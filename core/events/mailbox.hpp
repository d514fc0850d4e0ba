// What waits for one run of an instance: the events it subscribed to and the answers to its calls, in one order,
// because the events and the answers of one instance must reach it in the order they were given. Delivered on the
// instance's lane, from a turn of its own, so never inside a call into the instance.
//
// An answer is always delivered. Events are bounded: of a state only the newest waits, and when the queue is full the
// oldest event of the source with the most in it is dropped, dtud's own last. The next event says how many were.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <vector>

#include "events/event.hpp"
#include "lanes/lane.hpp"
#include "lanes/thread_safety.hpp"

namespace dtud::events {

class Mailbox : public std::enable_shared_from_this<Mailbox> {
 public:
  static constexpr size_t kMostEvents = 256, kMostBytes = 256U << 10U;
  static constexpr size_t kMostSubscriptions = DTU_SUBSCRIPTIONS_MAX;
  static constexpr size_t kMostATurn = 256;
  // Runs `fn` as a call into the subscriber, named by a literal.
  using Call = std::function<void(const char* function, const std::function<void()>& fn)>;

  Mailbox(Lane& lane, Call call) : lane_(lane), call_(std::move(call)) {}
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  // The subscriber's lane. Before open() all of it waits; release() ends the subscriptions.
  void open();
  [[nodiscard]] bool unsubscribe(uint64_t id);
  void release();
  // Answers `status`, after the destroy of a subscription that was not made.
  dtu_status refuse(const dtu_subscription& subscription, dtu_status status);

  // Any thread. After close() nothing is delivered any more and nothing is kept.
  void close();
  [[nodiscard]] bool closed() const;
  void answer(std::function<void()> tell);
  // An event for this subscription only, behind all that waits; `told` is called on the lane when that is over, also
  // when the subscription is gone. For the process of an isolated instance, whose events dtud selects and counts.
  void give(uint64_t subscription, EventPtr event, uint32_t flags, uint64_t missed, std::function<void()> told);
  // The subscriber cannot take more for now: nothing is delivered until this is called with false.
  void pause(bool yes);
  [[nodiscard]] size_t answers_waiting() const;
  [[nodiscard]] uint64_t missed() const;  // events that were dropped

  // The hub, under its lock. `first`: the states it is told of before all else. `since`: the last event taken. Answers
  // as dtu_events_service::subscribe; `subscription` is sound, and its destroy is the caller's if it fails.
  dtu_status add(const dtu_subscription& subscription, std::vector<EventPtr> first, uint64_t since, uint64_t& id);
  void offer(const EventPtr& event);

 private:
  struct Subscription {
    uint64_t id = 0, since = 0;
    std::string pattern;
    dtu_event_fn fn = nullptr;
    void (*destroy)(void*) = nullptr;
    void* ctx = nullptr;
    std::vector<EventPtr> first;               // told one by one; the item below stays until all are
    bool running = false, is_removed = false;  // the lane
  };
  using SubscriptionPtr = std::shared_ptr<Subscription>;
  struct Item {                              // one of:
    std::function<void()> answer = nullptr;  //
    EventPtr event = nullptr;                // for whoever subscribed before it
    SubscriptionPtr only = nullptr;          // `first` of this one
    size_t next = 0;                         // of `first`
  };

  void schedule() DTU_REQUIRES(mutex_);
  void supersede(const Event& by) DTU_REQUIRES(mutex_);
  // False: the one to be dropped is `coming` itself.
  [[nodiscard]] bool drop_one(const Event& coming, bool by_bytes) DTU_REQUIRES(mutex_);
  [[nodiscard]] bool has_room(const Event& coming) const DTU_REQUIRES(mutex_);
  void erase(std::deque<Item>::iterator at) DTU_REQUIRES(mutex_);
  void run();
  // Takes the next thing out: an answer, or an event with the subscriptions in targets_. False: there is none.
  [[nodiscard]] bool take(Item& item, uint32_t& flags, uint64_t& missed);
  void tell(const SubscriptionPtr& to, const Event& event, uint32_t flags, uint64_t missed);
  void destroy(void (*&fn)(void*), void* ctx);

  Lane& lane_;
  const Call call_;
  std::vector<SubscriptionPtr> targets_;  // the lane
  mutable Mutex mutex_;
  std::vector<SubscriptionPtr> subscriptions_ DTU_GUARDED_BY(mutex_);
  std::deque<Item> items_ DTU_GUARDED_BY(mutex_);
  size_t events_ DTU_GUARDED_BY(mutex_) = 0, bytes_ DTU_GUARDED_BY(mutex_) = 0;  // in items_, with `event`
  size_t answers_ DTU_GUARDED_BY(mutex_) = 0;                                    // in items_
  uint64_t missed_ DTU_GUARDED_BY(mutex_) = 0, untold_ DTU_GUARDED_BY(mutex_) = 0;
  uint64_t last_id_ DTU_GUARDED_BY(mutex_) = 0;
  bool open_ DTU_GUARDED_BY(mutex_) = false, closed_ DTU_GUARDED_BY(mutex_) = false;
  bool scheduled_ DTU_GUARDED_BY(mutex_) = false, paused_ DTU_GUARDED_BY(mutex_) = false;
};
using MailboxPtr = std::shared_ptr<Mailbox>;

}  // namespace dtud::events
