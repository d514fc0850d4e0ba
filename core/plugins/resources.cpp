#include "plugins/resources.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "plugins/instance.hpp"

namespace dtud::plugins {
namespace {

uint32_t to_epoll(uint32_t events) {
  return ((events & DTU_FD_READ) != 0 ? EPOLLIN : 0U) | ((events & DTU_FD_WRITE) != 0 ? EPOLLOUT : 0U);
}

uint32_t from_epoll(uint32_t events) {
  return ((events & EPOLLIN) != 0 ? DTU_FD_READ : 0U) | ((events & EPOLLOUT) != 0 ? DTU_FD_WRITE : 0U) |
         ((events & (EPOLLERR | EPOLLHUP)) != 0 ? DTU_FD_ERROR : 0U);
}

}  // namespace

void Resources::timer_due(void* timer) {
  const Timer t = *static_cast<Timer*>(timer);  // its function may destroy it
  t.owner->owner_.guarded("a timer", nullptr, [&] { return t.fn(t.ctx), DTU_OK; });
}

void Resources::fd_ready(void* watch, uint32_t epoll_events) {
  const Watch w = *static_cast<Watch*>(watch);  // its function may remove it
  Instance& owner = w.owner->owner_;
  const std::atomic<uint32_t>& calls = owner.handle().calls;
  const uint32_t before = calls.load(std::memory_order_relaxed);
  owner.guarded("a descriptor", nullptr, [&] { return w.fn(w.ctx, from_epoll(epoll_events)), DTU_OK; });
  if (calls.load(std::memory_order_relaxed) == before) w.owner->did_nothing(w.id, before);
}

// A descriptor that is ready and is left so makes the lane run without a pause. Whether the plugin read from it nobody
// sees, but one that reads hands something over, arms a timer, or asks for something else, now and then.
void Resources::did_nothing(uint64_t id, uint32_t calls) {
  constexpr uint32_t kMostIdle = 20'000;
  constexpr int64_t kWithin_ns = 10'000'000'000;
  const auto it = watches_.find(id);
  if (it == watches_.end()) return;
  Watch& watch = *it->second;
  const int64_t now = lane_.now_ns();
  if (watch.idle == 0 || watch.idle_after != calls) {
    watch.idle = 0;
    watch.idle_after = calls;
    watch.idle_since_ns = now;
  }
  if (++watch.idle < kMostIdle) return;
  watch.idle = 0;
  if (now - watch.idle_since_ns > kWithin_ns) return;
  owner_.faults().note(Fault::busy, "a descriptor",
                       "was called " + std::to_string(kMostIdle) + " times in " +
                           std::to_string((now - watch.idle_since_ns) / 1'000'000) +
                           " ms, did nothing, and leaves its descriptor ready: the lane runs without a pause");
}

uint64_t Resources::create_timer(dtu_fn fn, void* ctx) {
  if (fn == nullptr || timers_.size() >= kMost) return 0;
  auto timer = std::make_unique<Timer>(Timer{this, fn, ctx});
  const uint64_t id = lane_.timers().create(timer_due, timer.get());
  timers_.emplace(id, std::move(timer));
  return id;
}

bool Resources::arm_timer(uint64_t id, uint64_t delay_us, uint64_t period_us) {
  if (timers_.count(id) == 0) return false;
  // The turn's time, not the clock's: re-arming on every read costs no clock reading. Never due in this very turn: a
  // timer that re-arms itself with 0 must not keep the lane from everything else.
  return lane_.timers().arm(id, lane_.now_ns() + static_cast<int64_t>(std::max<uint64_t>(delay_us, 1)) * 1000,
                            static_cast<int64_t>(period_us) * 1000);
}

bool Resources::disarm_timer(uint64_t id) { return timers_.count(id) != 0 && lane_.timers().disarm(id); }

bool Resources::destroy_timer(uint64_t id) {
  if (timers_.erase(id) == 0) return false;
  return lane_.timers().destroy(id);
}

uint64_t Resources::watch(int fd, uint32_t events, FdFn fn, void* ctx) {
  if (fn == nullptr || watches_.size() >= kMost) {
    errno = EINVAL;
    return 0;
  }
  auto watch = std::make_unique<Watch>(Watch{this, fn, ctx, 0, 0, 0, 0});
  const uint64_t id = lane_.watch(fd, to_epoll(events), fd_ready, watch.get());
  if (id == 0) return 0;
  watch->id = id;
  watches_.emplace(id, std::move(watch));
  return id;
}

bool Resources::rewatch(uint64_t id, uint32_t events) {
  return watches_.count(id) != 0 && lane_.rewatch(id, to_epoll(events));
}

bool Resources::unwatch(uint64_t id) {
  if (watches_.erase(id) == 0) return false;
  return lane_.unwatch(id);
}

size_t Resources::release_all() {
  const size_t left = timers_.size() + watches_.size();
  for (const auto& [id, timer] : timers_) lane_.timers().destroy(id);
  for (const auto& [id, watch] : watches_) lane_.unwatch(id);
  timers_.clear();
  watches_.clear();
  return left;
}

}  // namespace dtud::plugins
