// A lane: one thread with one event loop. Everything that lives on a lane runs there, one thing at a time, so it needs
// no locks. A turn of the loop is
//   1. the descriptors that are ready, 2. the timers that are due, 3. what was posted, 4. the turn hooks, until none
//   has more to do
// and then the lane sleeps. A sleeping lane costs nothing: no tick, no poll.
//
// Threads: post, wake and stop may be called from any thread; the rest only on the lane (or before it runs).
#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lanes/call_slot.hpp"
#include "lanes/descriptor.hpp"
#include "lanes/thread_safety.hpp"
#include "lanes/timers.hpp"

namespace dtud {

[[nodiscard]] int64_t monotonic_ns();
[[nodiscard]] int64_t coarse_ns();  // the same to some milliseconds, for next to nothing

class Lane {
 public:
  using Task = std::function<void()>;
  using FdFn = void (*)(void* ctx, uint32_t epoll_events);
  using TurnHook = std::function<bool()>;  // true: something was done, ask again before sleeping

  explicit Lane(std::string name);
  ~Lane();
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;

  [[nodiscard]] const std::string& name() const { return name_; }
  void run();   // until stop(); the calling thread becomes the lane's
  void stop();  // the current turn is finished, what was posted before is run
  [[nodiscard]] bool is_current() const { return current() == this; }
  [[nodiscard]] static const Lane* current();  // of the calling thread; null: none

  void post(Task task);
  void wake();  // makes the lane take a turn
  void add_turn_hook(TurnHook hook) { hooks_.push_back(std::move(hook)); }

  // Watches a descriptor, level-triggered, for EPOLLIN and EPOLLOUT bits; EPOLLERR and EPOLLHUP always come. 0: failed,
  // errno says why. The descriptor stays the caller's: unwatch before closing it.
  [[nodiscard]] uint64_t watch(int fd, uint32_t epoll_events, FdFn fn, void* ctx);
  bool rewatch(uint64_t id, uint32_t epoll_events);
  bool unwatch(uint64_t id);

  Timers& timers() { return timers_; }
  [[nodiscard]] int64_t now_ns() const { return now_ns_; }  // monotonic, as of the start of the turn
  [[nodiscard]] int64_t unix_ns();                          // the time of day, read once a turn

  // For the stall watch, any thread: when the present turn began (0: asleep), who is being run in it, which function of
  // theirs (null: none), and a number that changes whenever one begins or ends.
  [[nodiscard]] int64_t turn_began_ns() const { return turn_began_ns_.load(std::memory_order_relaxed); }
  [[nodiscard]] const std::string* running() const { return running_.load(std::memory_order_acquire); }
  [[nodiscard]] const char* function() const { return function_.load(std::memory_order_relaxed); }
  [[nodiscard]] uint64_t step() const { return step_.load(std::memory_order_relaxed); }

  // Whom it calls is written there, too: before it runs, or on it. Null: nowhere that others see.
  void show_in(CallSlot* slot) { slot_ = slot != nullptr ? slot : &unseen_; }
  [[nodiscard]] CallSlot& slot() { return *slot_; }
  [[nodiscard]] const CallSlot& slot() const { return *slot_; }

  // Says for its lifetime on whose behalf the lane is working, in which function. The name must outlive it, the
  // function is a literal; number: of CallPage. Only stores: it is around every call into a plugin.
  class Running {
   public:
    Running(Lane& lane, const std::string& who, const char* function, uint32_t number = 0)
        : lane_(lane),
          before_(lane.running_.load(std::memory_order_relaxed)),
          function_before_(lane.function()),
          number_before_(lane.slot_->who.load(std::memory_order_relaxed)),
          began_ns_(coarse_ns()) {
      lane_.now_runs(&who, function, number);
      step_ = lane_.step();
    }
    ~Running() {
      lane_.ended_ns_ = coarse_ns();
      lane_.now_runs(before_, function_before_, number_before_);
    }
    // How long so far, to some milliseconds, without the calls within that are over.
    [[nodiscard]] int64_t held_ns() const { return coarse_ns() - std::max(began_ns_, lane_.ended_ns_); }
    [[nodiscard]] bool told() const { return lane_.told_step_.load(std::memory_order_relaxed) >= step_; }  // note_told
    Running(const Running&) = delete;
    Running& operator=(const Running&) = delete;

   private:
    Lane& lane_;
    const std::string* before_;
    const char* function_before_;
    uint32_t number_before_;
    int64_t began_ns_;
    uint64_t step_ = 0;
  };
  // The stall watch has told that the present step takes long.
  void note_told() const { told_step_.store(step(), std::memory_order_relaxed); }

 private:
  struct Watch {
    int fd = -1;  // -1: free
    uint32_t generation = 0;
    FdFn fn = nullptr;
    void* ctx = nullptr;
  };
  void now_runs(const std::string* who, const char* function, uint32_t number) {
    running_.store(who, std::memory_order_release);
    function_.store(function, std::memory_order_relaxed);
    slot_->function.store(function, std::memory_order_relaxed);
    slot_->who.store(number, std::memory_order_relaxed);
    step_.store(step_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  Watch* find(uint64_t id);
  void sleep_and_dispatch(bool may_sleep);
  bool run_posted();
  bool run_hooks();
  void arm_timer_fd();

  const std::string name_;
  Descriptor epoll_, wake_fd_, timer_fd_;
  std::atomic<bool> stopping_{false};
  std::atomic<bool> awake_{true};    // false: about to sleep or asleep, so a wake-up needs the eventfd
  std::atomic<bool> wanted_{false};  // something came since the last look
  Mutex mutex_;
  std::vector<Task> posted_ DTU_GUARDED_BY(mutex_);
  std::vector<Task> running_tasks_;
  std::vector<TurnHook> hooks_;
  std::vector<Watch> watches_;
  std::vector<uint32_t> free_watches_;
  Timers timers_;
  int64_t armed_ns_ = 0;  // what timer_fd_ is set to; 0: nothing
  int64_t now_ns_ = 0;
  int64_t unix_ns_ = 0, unix_turn_ns_ = 0;  // and the turn it was read in
  std::atomic<int64_t> turn_began_ns_{0};
  std::atomic<const std::string*> running_{nullptr};
  std::atomic<const char*> function_{nullptr};
  std::atomic<uint64_t> step_{0};
  mutable std::atomic<uint64_t> told_step_{0};
  CallSlot unseen_;
  CallSlot* slot_ = &unseen_;
  int64_t ended_ns_ = 0;  // when the last Running was over
};

}  // namespace dtud
