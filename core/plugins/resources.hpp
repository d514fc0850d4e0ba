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

  [[nodiscard]] uint64_t create_timer(dtu_fn fn, void* ctx);
  bool arm_timer(uint64_t id, uint64_t delay_us, uint64_t period_us);
  bool disarm_timer(uint64_t id);
  bool destroy_timer(uint64_t id);

  static constexpr uint64_t kLongestDelay_us = 366ULL * 24 * 3600 * 1'000'000;  // a year: longer is a mistake

  using FdFn = void (*)(void* ctx, uint32_t events);
  [[nodiscard]] uint64_t watch(int fd, uint32_t events, FdFn fn, void* ctx);  // 0: errno says why
  bool rewatch(uint64_t id, uint32_t events);
  bool unwatch(uint64_t id);

  // Gives back what is left; how many there were.
  size_t release_all();

 private:
  static constexpr size_t kMost = 1024;  // of each kind, so that a leak ends in a refusal
  struct Timer {
    Resources* owner;
    dtu_fn fn;
    void* ctx;
  };
  struct Watch {
    Resources* owner;
    FdFn fn;
    void* ctx;
    uint64_t id = 0;
    uint32_t idle = 0;  // calls in a row in which it called nothing of the host
    uint32_t idle_after = 0;
    int64_t idle_since_ns = 0;
  };
  void did_nothing(uint64_t watch, uint32_t calls);
  static void timer_due(void* timer);
  static void fd_ready(void* watch, uint32_t epoll_events);

  Lane& lane_;
  Instance& owner_;
  std::unordered_map<uint64_t, std::unique_ptr<Timer>> timers_;
  std::unordered_map<uint64_t, std::unique_ptr<Watch>> watches_;
};

}  // namespace dtud::plugins
