#include "host/loop.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <stdexcept>
#include <utility>

#include "host/rules.hpp"

namespace dtu::host {
namespace plugin_clock {
namespace {
std::atomic<int64_t>& fake() {
  static std::atomic<int64_t> ns{-1};
  return ns;
}
}  // namespace

int64_t now_ns() {
  const int64_t ns = fake();
  return ns >= 0 ? ns : std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
}
void set_fake(int64_t ns) { fake() = ns; }
}  // namespace plugin_clock

namespace {

short to_poll(uint32_t events) {
  return static_cast<short>(((events & DTU_FD_READ) != 0 ? POLLIN : 0) | ((events & DTU_FD_WRITE) != 0 ? POLLOUT : 0));
}
uint32_t from_poll(int revents) {
  return ((revents & POLLIN) != 0 ? DTU_FD_READ : 0) | ((revents & POLLOUT) != 0 ? DTU_FD_WRITE : 0) |
         ((revents & (POLLERR | POLLHUP | POLLNVAL)) != 0 ? DTU_FD_ERROR : 0);
}

}  // namespace

Loop::Loop(Complain complain) : complain_(std::move(complain)), wake_fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  if (wake_fd_ < 0) throw std::runtime_error("eventfd: no descriptor to be had");
}

Loop::~Loop() {
  close(wake_fd_);
  if (fake_) plugin_clock::set_fake(-1);
}

void Loop::post(Owner owner, std::function<void()> fn, End end) {
  {
    const Lock lock(mutex_);
    posted_.push_back({owner, std::move(fn), end});
  }
  wake();
}

void Loop::wake() { eventfd_write(wake_fd_, 1); }

uint64_t Loop::add_timer(Owner owner, const dtu_timer& timer) {
  timers_[++last_id_] = Timer{owner, timer.fn, timer.ctx, -1, 0, timer.destroy};
  return last_id_;
}

void Loop::call(Owner owner, const char* what, const std::function<void()>& fn) {
  if (around_) return around_(owner, what, fn);
  fn();
}

void Loop::end(Owner owner, End end) {
  if (end.destroy != nullptr) call(owner, "the destroy of a callback", [end] { end.destroy(end.ctx); });
}

void Loop::end_later(uint64_t id, Owner owner, End ending) {
  if (id == running_)
    end_of_running_ = ending;
  else
    end(owner, ending);
}

void Loop::call_one(uint64_t id, Owner owner, const char* what, const std::function<void()>& fn) {
  running_ = id;
  call(owner, what, fn);
  running_ = 0;
  end(owner, std::exchange(end_of_running_, End{}));
}

Loop::Timer* Loop::timer(Owner owner, uint64_t id) {
  const auto it = timers_.find(id);
  if (it == timers_.end()) return nullptr;
  if (it->second.owner != owner)
    complain_(rules::foreign, "timer " + std::to_string(id) + " belongs to another instance");
  return it->second.owner == owner ? &it->second : nullptr;
}

dtu_status Loop::arm_timer(Owner owner, uint64_t id, uint64_t delay_us, uint64_t period_us) {
  constexpr uint64_t longest_us = uint64_t{1} << 52U;  // 142 years; keeps the sum below within 64 bits
  Timer* t = timer(owner, id);
  if (t == nullptr) return DTU_E_NOT_FOUND;
  if (t->ended) return DTU_OK;
  t->due_ns = plugin_clock::now_ns() + static_cast<int64_t>(std::min(delay_us, longest_us) * 1000);
  t->period_ns = static_cast<int64_t>(std::min(period_us, longest_us) * 1000);
  return DTU_OK;
}

dtu_status Loop::disarm_timer(Owner owner, uint64_t id) {
  Timer* t = timer(owner, id);
  if (t == nullptr) return DTU_E_NOT_FOUND;
  t->due_ns = -1;
  return DTU_OK;
}

dtu_status Loop::remove_timer(Owner owner, uint64_t id) {
  const Timer* t = timer(owner, id);
  if (t == nullptr) return DTU_E_NOT_FOUND;
  const End ending{t->ended ? nullptr : t->destroy, t->ctx};
  timers_.erase(id);
  end_later(id, owner, ending);
  return DTU_OK;
}

Loop::Watch* Loop::watch(Owner owner, uint64_t id) {
  const auto it = watches_.find(id);
  if (it == watches_.end()) return nullptr;
  if (it->second.owner != owner)
    complain_(rules::foreign, "watch " + std::to_string(id) + " belongs to another instance");
  return it->second.owner == owner ? &it->second : nullptr;
}

dtu_status Loop::add_fd(Owner owner, const dtu_watch& watch, uint64_t* id) {
  const int fd = watch.fd;
  // As strict as epoll, which dtud uses: an open descriptor that can be waited for, watched once.
  struct stat st = {};
  if (fstat(fd, &st) != 0 || S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) return DTU_E_INVALID;
  for (const auto& [_, w] : watches_)
    if (w.fd == fd) return DTU_E_INVALID;
  *id = ++last_id_;
  watches_[*id] = Watch{owner, fd, watch.events, watch.fn, watch.ctx, watch.destroy};
  return DTU_OK;
}

dtu_status Loop::modify_fd(Owner owner, uint64_t id, uint32_t events) {
  Watch* w = watch(owner, id);
  if (w == nullptr) return DTU_E_NOT_FOUND;
  w->events = events;
  return DTU_OK;
}

dtu_status Loop::remove_fd(Owner owner, uint64_t id) {
  const Watch* w = watch(owner, id);
  if (w == nullptr) return DTU_E_NOT_FOUND;
  const End ending{w->ended ? nullptr : w->destroy, w->ctx};
  watches_.erase(id);
  end_later(id, owner, ending);
  return DTU_OK;
}

int64_t Loop::next_due() const {
  int64_t next = -1;
  for (const auto& [_, t] : timers_)
    if (t.due_ns >= 0 && (next < 0 || t.due_ns < next)) next = t.due_ns;
  return next;
}

void Loop::turn(std::chrono::nanoseconds wait) {
  const int64_t next = fake_ ? -1 : next_due();
  if (next >= 0) wait = std::min(wait, std::chrono::nanoseconds(std::max<int64_t>(0, next - plugin_clock::now_ns())));
  run_fds(wait);
  run_timers();
  run_posted();
}

void Loop::run_fds(std::chrono::nanoseconds wait) {
  std::vector<pollfd> fds{{wake_fd_, POLLIN, 0}};
  std::vector<uint64_t> ids{0};
  for (const auto& [id, w] : watches_) {
    if (w.ended) continue;
    fds.push_back({w.fd, to_poll(w.events), 0});
    ids.push_back(id);
  }
  const timespec limit{static_cast<time_t>(wait.count() / 1'000'000'000),
                       static_cast<long>(wait.count() % 1'000'000'000)};
  if (ppoll(fds.data(), fds.size(), &limit, nullptr) <= 0) return;
  if (fds[0].revents != 0) {
    eventfd_t ignored = 0;
    eventfd_read(wake_fd_, &ignored);
  }
  for (size_t i = 1; i < fds.size(); ++i) {
    const auto it = watches_.find(ids[i]);  // an earlier callback may have removed it
    if (fds[i].revents == 0 || it == watches_.end()) continue;
    if ((fds[i].revents & POLLNVAL) != 0) {
      complain_(rules::closed_watched,
                "descriptor " + std::to_string(fds[i].fd) + " was closed while it was watched: remove the watch first");
      watches_.erase(it);
      continue;
    }
    const Watch w = it->second;
    const uint32_t events = from_poll(fds[i].revents);
    call_one(ids[i], w.owner, "a descriptor's function", [&] { w.fn(w.ctx, events); });
  }
}

void Loop::run_timers() {
  const int64_t now = plugin_clock::now_ns();
  std::vector<std::pair<int64_t, uint64_t>> due;
  for (const auto& [id, t] : timers_)
    if (t.due_ns >= 0 && t.due_ns <= now) due.emplace_back(t.due_ns, id);
  std::sort(due.begin(), due.end());
  for (const auto& [when, id] : due) {
    const auto it = timers_.find(id);  // an earlier one may have destroyed or re-armed it
    if (it == timers_.end() || it->second.due_ns != when) continue;
    Timer& t = it->second;
    t.due_ns = t.period_ns == 0 ? -1 : std::max(when + t.period_ns, now + 1);
    const Timer copy = t;
    call_one(id, copy.owner, "a timer's function", [&] { copy.fn(copy.ctx); });
  }
}

void Loop::run_posted() {
  size_t n = 0;
  {
    const Lock lock(mutex_);
    n = posted_.size();  // what is posted from now on waits for the next turn
  }
  for (; n > 0; --n) {
    Posted next;
    {
      const Lock lock(mutex_);
      if (posted_.empty()) return;
      next = std::move(posted_.front());
      posted_.pop_front();
    }
    call(next.owner, "a posted function", next.fn);
    end(next.owner, next.end);
  }
}

void Loop::use_fake_clock() {
  plugin_clock::set_fake(plugin_clock::now_ns());
  fake_ = true;
}

void Loop::advance(std::chrono::nanoseconds by) {
  const int64_t target = plugin_clock::now_ns() + by.count();
  turn(std::chrono::nanoseconds(0));
  for (int64_t next = next_due(); next >= 0 && next <= target; next = next_due()) {
    const int64_t now = plugin_clock::now_ns();
    if (now >= target) break;
    plugin_clock::set_fake(std::min(std::max(next, now + 1000), target));  // also a timer of no delay takes time
    turn(std::chrono::nanoseconds(0));
  }
  plugin_clock::set_fake(target);
  turn(std::chrono::nanoseconds(0));
}

bool Loop::idle() const { return watches_.empty() && next_due() < 0; }

void Loop::end_callbacks(Owner owner) {
  std::vector<End> ending;
  {
    const Lock lock(mutex_);
    const auto its = [&](const Posted& p) { return p.owner == owner && p.end.destroy != nullptr; };
    for (const Posted& p : posted_)
      if (its(p)) ending.push_back(p.end);
    posted_.erase(std::remove_if(posted_.begin(), posted_.end(), its), posted_.end());
  }
  for (auto& [_, t] : timers_)
    if (t.owner == owner && t.destroy != nullptr && !std::exchange(t.ended, true)) {
      t.due_ns = -1;
      ending.push_back({t.destroy, t.ctx});
    }
  for (auto& [_, w] : watches_)
    if (w.owner == owner && w.destroy != nullptr && !std::exchange(w.ended, true)) ending.push_back({w.destroy, w.ctx});
  for (const End& one : ending) end(owner, one);
}

std::vector<std::string> Loop::forget(Owner owner) {
  std::vector<std::string> left;
  for (auto it = timers_.begin(); it != timers_.end();) {
    if (it->second.owner == owner && !it->second.ended) left.push_back("timer " + std::to_string(it->first));
    it = it->second.owner == owner ? timers_.erase(it) : std::next(it);
  }
  for (auto it = watches_.begin(); it != watches_.end();) {
    if (it->second.owner == owner && !it->second.ended)
      left.push_back("watch of descriptor " + std::to_string(it->second.fd));
    it = it->second.owner == owner ? watches_.erase(it) : std::next(it);
  }
  std::vector<End> ending;  // of what was posted meanwhile, by a thread
  {
    const Lock lock(mutex_);
    for (const Posted& p : posted_)
      if (p.owner == owner) ending.push_back(p.end);
    posted_.erase(std::remove_if(posted_.begin(), posted_.end(), [&](const Posted& p) { return p.owner == owner; }),
                  posted_.end());
  }
  for (const End& one : ending) end(owner, one);
  return left;
}

}  // namespace dtu::host
