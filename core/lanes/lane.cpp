#include "lanes/lane.hpp"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>

#include <array>
#include <cerrno>
#include <ctime>
#include <system_error>

#include "lanes/call_page.hpp"
#include "lanes/wall_clock.hpp"

namespace dtud {
namespace {

constexpr uint64_t kWakeTag = 0;  // watch ids start at 1 in their low half
constexpr uint64_t kTimerTag = 1ULL << 63U;
constexpr int kHookRounds = 16;  // then descriptors get their turn, so a busy link cannot starve the others

void add(int epoll, int fd, uint32_t events, uint64_t tag) {
  epoll_event event{};
  event.events = events;
  event.data.u64 = tag;
  if (::epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

thread_local const Lane* current_lane = nullptr;  // also after run(), until the lane is gone

}  // namespace

int64_t monotonic_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

int64_t coarse_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

int64_t wall_clock_ns() {
  timespec t{};
  ::clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1'000'000'000LL + t.tv_nsec;
}

Lane::Lane(std::string name)
    : name_(std::move(name)),
      epoll_(::epoll_create1(EPOLL_CLOEXEC)),
      wake_fd_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      timer_fd_(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK)),
      now_ns_(monotonic_ns()) {
  if (!epoll_ || !wake_fd_ || !timer_fd_)
    throw std::system_error(errno, std::generic_category(), "lane " + name_ + ": cannot make its descriptors");
  // Edge-triggered: neither has to be read, each write or expiry is one event.
  add(epoll_.get(), wake_fd_.get(), EPOLLIN | EPOLLET, kWakeTag);
  add(epoll_.get(), timer_fd_.get(), EPOLLIN | EPOLLET, kTimerTag);
}

Lane::~Lane() {
  if (current_lane == this) current_lane = nullptr;
}

const Lane* Lane::current() { return current_lane; }

void Lane::run() {
  current_lane = this;
  const SignalStack room;
  bool more = true;
  while (!stopping_.load(std::memory_order_acquire)) {
    sleep_and_dispatch(!more);
    timers_.run_due(now_ns_);
    more = run_posted();
    more = run_hooks() || more;
  }
  while (run_posted() || run_hooks()) {
  }
  turn_began_ns_.store(0, std::memory_order_relaxed);
}

int64_t Lane::unix_ns() {
  if (unix_turn_ns_ != now_ns_) {
    unix_ns_ = wall_clock_ns();
    unix_turn_ns_ = now_ns_;
  }
  return unix_ns_;
}

void Lane::stop() {
  stopping_.store(true, std::memory_order_release);
  wake();
}

void Lane::wake() {
  wanted_.store(true, std::memory_order_seq_cst);
  if (awake_.exchange(true, std::memory_order_seq_cst)) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t n = ::write(wake_fd_.get(), &one, sizeof one);  // EAGAIN: a wake-up is pending anyway
}

void Lane::post(Task task) {
  {
    Lock lock(mutex_);
    posted_.push_back(std::move(task));
  }
  wake();
}

void Lane::sleep_and_dispatch(bool may_sleep) {
  if (may_sleep) {
    arm_timer_fd();
    awake_.store(false, std::memory_order_seq_cst);
    if (wanted_.load(std::memory_order_seq_cst)) may_sleep = false;
  }
  turn_began_ns_.store(0, std::memory_order_relaxed);
  std::array<epoll_event, 64> events{};
  const int n = ::epoll_wait(epoll_.get(), events.data(), events.size(), may_sleep ? -1 : 0);
  awake_.store(true, std::memory_order_seq_cst);
  wanted_.store(false, std::memory_order_seq_cst);  // before the queues are looked at
  now_ns_ = monotonic_ns();
  turn_began_ns_.store(now_ns_, std::memory_order_relaxed);
  for (int i = 0; i < n; ++i) {
    const uint64_t tag = events[i].data.u64;
    if (tag == kTimerTag) armed_ns_ = 0;
    if (tag == kTimerTag || tag == kWakeTag) continue;
    if (const Watch* watch = find(tag)) watch->fn(watch->ctx, events[i].events);  // find: removed meanwhile?
  }
}

void Lane::arm_timer_fd() {
  const int64_t next = timers_.next_ns();
  if (next == 0 || (armed_ns_ != 0 && armed_ns_ <= next)) return;  // an early wake-up is cheaper than a system call
  itimerspec when{};
  when.it_value.tv_sec = next / 1'000'000'000;
  when.it_value.tv_nsec = next % 1'000'000'000;
  if (::timerfd_settime(timer_fd_.get(), TFD_TIMER_ABSTIME, &when, nullptr) == 0) armed_ns_ = next;
}

bool Lane::run_posted() {
  {
    Lock lock(mutex_);
    if (posted_.empty()) return false;
    running_tasks_.swap(posted_);
  }
  for (Task& task : running_tasks_) task();
  running_tasks_.clear();
  return true;
}

bool Lane::run_hooks() {
  for (int round = 0; round < kHookRounds; ++round) {
    bool more = false;
    for (const TurnHook& hook : hooks_) more = hook() || more;
    if (!more) return false;
  }
  return true;
}

Lane::Watch* Lane::find(uint64_t id) {
  const auto index = static_cast<uint32_t>(id) - 1;
  if (index >= watches_.size()) return nullptr;
  Watch& watch = watches_[index];
  return watch.fd >= 0 && watch.generation == static_cast<uint32_t>(id >> 32U) ? &watch : nullptr;
}

uint64_t Lane::watch(int fd, uint32_t epoll_events, FdFn fn, void* ctx) {
  uint32_t index = 0;
  if (free_watches_.empty()) {
    index = static_cast<uint32_t>(watches_.size());
    watches_.emplace_back();
  } else {
    index = free_watches_.back();
    free_watches_.pop_back();
  }
  Watch& watch = watches_[index];
  const uint64_t id = (uint64_t{watch.generation} << 32U) | (index + 1);
  epoll_event event{};
  event.events = epoll_events;
  event.data.u64 = id;
  if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) {
    free_watches_.push_back(index);
    return 0;
  }
  watch.fd = fd;
  watch.fn = fn;
  watch.ctx = ctx;
  return id;
}

bool Lane::rewatch(uint64_t id, uint32_t epoll_events) {
  const Watch* watch = find(id);
  if (watch == nullptr) return false;
  epoll_event event{};
  event.events = epoll_events;
  event.data.u64 = id;
  return ::epoll_ctl(epoll_.get(), EPOLL_CTL_MOD, watch->fd, &event) == 0;
}

bool Lane::unwatch(uint64_t id) {
  Watch* watch = find(id);
  if (watch == nullptr) return false;
  ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, watch->fd, nullptr);
  watch->fd = -1;
  watch->generation = (watch->generation + 1) & 0x7fffffffU;  // bit 63 of an id is the timer's tag
  free_watches_.push_back(static_cast<uint32_t>(id) - 1);
  return true;
}

}  // namespace dtud
