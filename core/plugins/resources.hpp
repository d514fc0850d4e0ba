// What one run of an instance has taken from its lane: timers and watched descriptors. Given back by the plugin, or by
// us when it is gone. On the instance's lane.
#pragma once
#include <dtu/services.h>

#include <cstdint>
#include <memory>
#include <unordered_map>

#include "lanes/lane.hpp"

namespace dtud::plugins {

class Instance;

class Resources {
 public:
  Resources(Lane& lane, Instance& owner) : lane_(lane), owner_(owner) {}
  ~Resources() { release_all(); }
  Resources(const Resources&) = delete;
  Resources& operator=(const Resources&) = delete;

  // 0: refused. Then, and when the thing has ended, its destroy was called; one that ends itself is destroyed when its
  // function has returned.
  [[nodiscard]] uint64_t create_timer(const dtu_timer& timer);
  bool arm_timer(uint64_t id, uint64_t delay_us, uint64_t period_us);
  bool disarm_timer(uint64_t id);
  bool destroy_timer(uint64_t id);

  static constexpr uint64_t kLongestDelay_us = 366ULL * 24 * 3600 * 1'000'000;  // a year: longer is a mistake

  [[nodiscard]] uint64_t watch(const dtu_watch& watch);  // 0: errno says why
  bool rewatch(uint64_t id, uint32_t events);
  bool unwatch(uint64_t id);

  // The instance is about to be destroyed: none of their functions is called any more, and each destroy is. The numbers
  // stay known until release_all(), for a plugin that gives its things back in its own destroy().
  void end_callbacks();
  // Gives back what is left; how many there were that nothing would have ended.
  size_t release_all();

 private:
  static constexpr size_t kMost = 1024;  // of each kind, so that a leak ends in a refusal
  struct Kept {                          // of the plugin's
    Resources* owner = nullptr;
    dtu_fn destroy = nullptr;
    void* ctx = nullptr;
    bool has_destroy = false;
    bool running = false, ended = false;  // in its function; not called any more
  };
  struct Timer : Kept, std::enable_shared_from_this<Timer> {
    dtu_fn fn = nullptr;
  };
  struct Watch : Kept, std::enable_shared_from_this<Watch> {
    void (*fn)(void* ctx, uint32_t events) = nullptr;
    uint64_t id = 0;
    uint32_t idle = 0;  // calls in a row in which it called nothing of the host
    uint32_t idle_after = 0;
    int64_t idle_since_ns = 0;
  };
  // Calls `fn` as a function of `kept`, which may end itself meanwhile.
  template <typename Fn>
  void run(Kept& kept, const char* what, const char* destroy_what, Fn fn);
  void destroy(Kept& kept, const char* what);
  void did_nothing(uint64_t watch, uint32_t calls);
  static void timer_due(void* timer);
  static void fd_ready(void* watch, uint32_t epoll_events);

  Lane& lane_;
  Instance& owner_;
  std::unordered_map<uint64_t, std::shared_ptr<Timer>> timers_;
  std::unordered_map<uint64_t, std::shared_ptr<Watch>> watches_;
};

}  // namespace dtud::plugins
