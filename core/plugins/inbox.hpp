// Host calls that plugins make from threads other than the main lane: copied, kept in order, and delivered on the main
// lane in its next turn. Emits of an instance that find no room wait here, in their order, without holding up its
// completions and reports.
#pragma once
#include <dtu/message.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "lanes/lane.hpp"
#include "plugins/buffer.hpp"
#include "plugins/handle.hpp"

namespace dtud::plugins {

class Instance;
class Upcalls;

class Inbox {
 public:
  static constexpr uint64_t kMostBytes = 4U << 20U;  // emits of an instance that wait; then emit answers DTU_AGAIN
  // Its other calls that wait. No plugin that works gets there (each message in flight completes once): one that does
  // is taken down and started again, which gives back what it had in flight.
  static constexpr uint64_t kMostCallBytes = 16U << 20U;

  Inbox(Lane& main, Upcalls& up);
  ~Inbox();
  Inbox(const Inbox&) = delete;
  Inbox& operator=(const Inbox&) = delete;

  // Any thread.
  dtu_status emit(Handle& from, const dtu_msg* msgs, uint32_t n, uint32_t* taken);
  void complete(Handle& from, uint64_t token, dtu_status status);
  void writable(Handle& from, uint64_t source);
  void report(Handle& from, uint64_t source, int32_t state, const dtu_error* error);
  dtu_status reply(Handle& from, const dtu_reply& reply);
  // Event number `event` of its component's list. False: it calls too fast, and will be taken down.
  bool publish(Handle& from, size_t event, std::string_view json);
  // Runs `fn` on the main lane, in order with the rest of what it calls; `bytes` of it count. False: as above.
  bool ask(Handle& from, uint64_t bytes, std::function<void(Instance&)> fn);
  // The instance's plugin broke the contract: Instance::fault() on the main lane. `function` is a literal.
  void accuse(Handle& from, Fault kind, const char* function, std::string what);

  // Main lane.
  bool deliver();             // the turn hook
  void expect_completions();  // messages are in flight: good news about them may wait for a moment, all together
  void forget(Handle& of);    // the instance is gone
  // What was emitted and taken, and waits here. Given to the successor of an instance that is being replaced: nothing
  // that was taken is lost.
  [[nodiscard]] std::deque<KeptMessage> take_waiting(Handle& of);
  void give(Handle& to, std::deque<KeptMessage> waiting);

 private:
  enum class Kind { emit, room, complete, writable, report, reply, publish, ask, fault };
  struct Item {
    Kind kind;
    Handle* from;
    uint64_t bytes = 0;   // what it counts against the bound
    uint64_t number = 0;  // token, source, call or event
    int32_t status = 0;   // status, state or kind of fault
    KeptMessage message;
    std::string json;  // or what was wrong
    std::unique_ptr<dtu_error> error;
    const char* function = nullptr;
    std::function<void(Instance&)> run = nullptr;
    uint32_t age_ms = 0, flags = 0;  // of a reply
  };
  // What may wait does not wake the lane while a look is due anyway: confirmations of a busy link come by the hundred.
  enum class Urgency { now, may_wait };
  static constexpr int64_t kLookAfter_ns = 20'000'000;
  static constexpr size_t kMostWaiting = 64;
  void push(Item item, Urgency urgency = Urgency::now);
  // False: too many wait; the instance will be taken down.
  bool push_call(Item item, Urgency urgency = Urgency::now);
  static void look_due(void* self);
  void run(Item& item);
  void refuse(Handle& from, uint64_t source);
  bool resume(Handle& from, std::deque<KeptMessage>& waiting);
  bool hand_over(Handle& from, const KeptMessage& message);
  void freed(Handle& from, uint64_t bytes);

  Lane& main_;
  Upcalls& up_;
  Mutex mutex_;
  std::vector<Item> items_ DTU_GUARDED_BY(mutex_);
  bool look_is_due_ DTU_GUARDED_BY(mutex_) = false;
  uint64_t look_timer_ = 0;
  bool look_armed_ = false;  // main lane
  std::vector<Item> running_;
  std::unordered_map<Handle*, std::deque<KeptMessage>> held_;  // emits that found no room
};

}  // namespace dtud::plugins
