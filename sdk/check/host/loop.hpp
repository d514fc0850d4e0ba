// One thread's descriptors, timers and posted functions, by poll(2).
#pragma once
#include <dtu/services.h>

#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "host/annotations.hpp"

namespace dtu::host {

// The clock plugins see through host->monotonic_ns, which has no argument to say whose: there is one per process.
namespace plugin_clock {
[[nodiscard]] int64_t now_ns();
void set_fake(int64_t ns);  // below 0: the real one again
}  // namespace plugin_clock

class Loop {
 public:
  using Owner = const void*;
  using Complain = std::function<void(const char* rule, const std::string&)>;
  // How a function of the plugin is called: with the owner and what it is ("a timer's function").
  using Around = std::function<void(Owner, const char* what, const std::function<void()>& call)>;

  explicit Loop(Complain complain);
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // What ends a callback of the plugin: called once, when its function is not called any more.
  struct End {
    dtu_fn destroy = nullptr;
    void* ctx = nullptr;
  };

  // Any thread.
  void post(Owner owner, std::function<void()> fn) { post(owner, std::move(fn), End{}); }
  void post(Owner owner, std::function<void()> fn, End end);
  void wake();

  // The loop's thread.
  uint64_t add_timer(Owner owner, const dtu_timer& timer);
  [[nodiscard]] dtu_status arm_timer(Owner owner, uint64_t id, uint64_t delay_us, uint64_t period_us);
  [[nodiscard]] dtu_status disarm_timer(Owner owner, uint64_t id);
  [[nodiscard]] dtu_status remove_timer(Owner owner, uint64_t id);
  // On failure the watch is not ended: that is the caller's.
  [[nodiscard]] dtu_status add_fd(Owner owner, const dtu_watch& watch, uint64_t* id);
  [[nodiscard]] dtu_status modify_fd(Owner owner, uint64_t id, uint32_t events);
  [[nodiscard]] dtu_status remove_fd(Owner owner, uint64_t id);

  // Ready descriptors, due timers, posted functions. Sleeps at most `wait` for the first of them.
  void turn(std::chrono::nanoseconds wait);
  void use_fake_clock();
  void advance(std::chrono::nanoseconds by);  // runs what falls due on the way, in order

  void call_through(Around around) { around_ = std::move(around); }  // default: called directly

  // Before the destroy() of `owner`: nothing that has a destroy is called any more but that.
  void end_callbacks(Owner owner);
  void end(Owner owner, End end);
  // What `owner` left behind that nothing would have ended, in words; all of it is dropped.
  std::vector<std::string> forget(Owner owner);
  [[nodiscard]] bool idle() const;  // nothing is watched and no timer armed

 private:
  struct Timer {
    Owner owner;
    dtu_fn fn;
    void* ctx;
    int64_t due_ns;  // below 0: disarmed
    int64_t period_ns;
    dtu_fn destroy;
    bool ended = false;  // its destroy was called
  };
  struct Watch {
    Owner owner;
    int fd;
    uint32_t events;
    void (*fn)(void* ctx, uint32_t events);
    void* ctx;
    dtu_fn destroy;
    bool ended = false;
  };
  struct Posted {
    Owner owner = nullptr;
    std::function<void()> fn;
    End end = {};
  };
  // Ends it now, or, from inside its own function, when that has returned.
  void end_later(uint64_t id, Owner owner, End end);
  void call_one(uint64_t id, Owner owner, const char* what, const std::function<void()>& fn);
  Timer* timer(Owner owner, uint64_t id);
  Watch* watch(Owner owner, uint64_t id);
  [[nodiscard]] int64_t next_due() const;  // below 0: none
  void run_fds(std::chrono::nanoseconds wait);
  void run_timers();
  void run_posted();
  void call(Owner owner, const char* what, const std::function<void()>& fn);

  Complain complain_;
  Around around_;
  int wake_fd_;
  bool fake_ = false;
  uint64_t last_id_ = 0, running_ = 0;
  End end_of_running_;
  std::map<uint64_t, Timer> timers_;
  std::map<uint64_t, Watch> watches_;
  Mutex mutex_;
  std::deque<Posted> posted_ GUARDED_BY(mutex_);
};

}  // namespace dtu::host
