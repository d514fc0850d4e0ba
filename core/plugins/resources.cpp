#include "plugins/resources.hpp"

#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <utility>
#include <vector>

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

constexpr char kOfATimer[] = "destroy of a timer", kOfAWatch[] = "destroy of a watch";

}  // namespace

template <typename Fn>
void Resources::run(Kept& kept, const char* what, const char* destroy_what, Fn fn) {
  kept.running = true;
  owner_.guarded(what, nullptr, [&] { return fn(), DTU_OK; });
  kept.running = false;
  if (kept.ended) destroy(kept, destroy_what);
}

void Resources::destroy(Kept& kept, const char* what) {
  kept.ended = true;
  if (!kept.running) end_callback(owner_, what, std::exchange(kept.destroy, nullptr), kept.ctx);
}

void Resources::timer_due(void* timer) {
  const std::shared_ptr<Timer> t = static_cast<Timer*>(timer)->shared_from_this();  // its function may destroy it
  t->owner->run(*t, "a timer", kOfATimer, [&] { t->fn(t->ctx); });
}

void Resources::fd_ready(void* watch, uint32_t epoll_events) {
  const std::shared_ptr<Watch> w = static_cast<Watch*>(watch)->shared_from_this();  // its function may remove it
  Resources& me = *w->owner;
  const std::atomic<uint32_t>& calls = me.owner_.handle().calls;
  const uint32_t before = calls.load(std::memory_order_relaxed);
  me.run(*w, "a descriptor", kOfAWatch, [&] { w->fn(w->ctx, from_epoll(epoll_events)); });
  if (calls.load(std::memory_order_relaxed) == before) me.did_nothing(w->id, before);
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

uint64_t Resources::create_timer(const dtu_timer& given) {
  auto timer = std::make_shared<Timer>();
  static_cast<Kept&>(*timer) = {this, given.destroy, given.ctx, given.destroy != nullptr};
  timer->fn = given.fn;
  if (given.fn == nullptr || timers_.size() >= kMost || owner_.handle().ended.load())
    return destroy(*timer, kOfATimer), 0;
  const uint64_t id = lane_.timers().create(timer_due, timer.get());
  timers_.emplace(id, std::move(timer));
  return id;
}

bool Resources::arm_timer(uint64_t id, uint64_t delay_us, uint64_t period_us) {
  const auto it = timers_.find(id);
  if (it == timers_.end() || it->second->ended) return it != timers_.end();
  // The turn's time, not the clock's: re-arming on every read costs no clock reading. Never due in this very turn: a
  // timer that re-arms itself with 0 must not keep the lane from everything else.
  return lane_.timers().arm(id, lane_.now_ns() + static_cast<int64_t>(std::max<uint64_t>(delay_us, 1)) * 1000,
                            static_cast<int64_t>(period_us) * 1000);
}

bool Resources::disarm_timer(uint64_t id) {
  const auto it = timers_.find(id);
  return it != timers_.end() && (it->second->ended || lane_.timers().disarm(id));
}

bool Resources::destroy_timer(uint64_t id) {
  const auto node = timers_.extract(id);
  if (!node) return false;
  if (!node.mapped()->ended) lane_.timers().destroy(id);
  destroy(*node.mapped(), kOfATimer);
  return true;
}

uint64_t Resources::watch(const dtu_watch& given) {
  auto watch = std::make_shared<Watch>();
  static_cast<Kept&>(*watch) = {this, given.destroy, given.ctx, given.destroy != nullptr};
  watch->fn = given.fn;
  errno = EINVAL;
  if (given.fn != nullptr && watches_.size() < kMost && !owner_.handle().ended.load())
    watch->id = lane_.watch(given.fd, to_epoll(given.events), fd_ready, watch.get());
  const uint64_t id = watch->id;
  if (id != 0) {
    watches_.emplace(id, std::move(watch));
  } else {
    const int why = errno;
    destroy(*watch, kOfAWatch);
    errno = why;
  }
  return id;
}

bool Resources::rewatch(uint64_t id, uint32_t events) {
  const auto it = watches_.find(id);
  return it != watches_.end() && (it->second->ended || lane_.rewatch(id, to_epoll(events)));
}

bool Resources::unwatch(uint64_t id) {
  const auto node = watches_.extract(id);
  if (!node) return false;
  if (!node.mapped()->ended) lane_.unwatch(id);
  destroy(*node.mapped(), kOfAWatch);
  return true;
}

void Resources::end_callbacks() {
  // All of them first: no destroy finds another one that still runs. By a copy: a destroy may end more.
  std::vector<std::pair<std::shared_ptr<Kept>, const char*>> ending;
  for (const auto& [id, timer] : timers_)
    if (!std::exchange(timer->ended, true)) {
      lane_.timers().destroy(id);
      ending.emplace_back(timer, kOfATimer);
    }
  for (const auto& [id, watch] : watches_)
    if (!std::exchange(watch->ended, true)) {
      lane_.unwatch(id);
      ending.emplace_back(watch, kOfAWatch);
    }
  for (const auto& [kept, what] : ending) destroy(*kept, what);
}

size_t Resources::release_all() {
  end_callbacks();
  const auto count = [](const auto& all) {
    return static_cast<size_t>(
        std::count_if(all.begin(), all.end(), [](const auto& entry) { return !entry.second->has_destroy; }));
  };
  const size_t left = count(timers_) + count(watches_);
  timers_.clear();
  watches_.clear();
  return left;
}

}  // namespace dtud::plugins
