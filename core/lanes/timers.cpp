#include "lanes/timers.hpp"

namespace dtud {

namespace {
uint32_t index_of(uint64_t id) { return static_cast<uint32_t>(id) - 1; }
uint64_t id_of(uint32_t index, uint32_t generation) { return (uint64_t{generation} << 32U) | (index + 1); }
}  // namespace

Timers::Timer* Timers::find(uint64_t id) {
  const uint32_t index = index_of(id);
  if (index >= timers_.size()) return nullptr;
  Timer& timer = timers_[index];
  return timer.fn != nullptr && timer.generation == id >> 32U ? &timer : nullptr;
}

uint64_t Timers::create(Fn fn, void* ctx) {
  uint32_t index = 0;
  if (free_.empty()) {
    index = static_cast<uint32_t>(timers_.size());
    timers_.emplace_back();
  } else {
    index = free_.back();
    free_.pop_back();
  }
  Timer& timer = timers_[index];
  timer.fn = fn;
  timer.ctx = ctx;
  return id_of(index, timer.generation);
}

void Timers::enqueue(uint64_t id, Timer& timer) {
  if (timer.queued_ns != 0 && timer.queued_ns <= timer.deadline_ns) return;  // an earlier entry will find us
  timer.queued_ns = timer.deadline_ns;
  heap_.push({timer.deadline_ns, id});
}

bool Timers::arm(uint64_t id, int64_t deadline_ns, int64_t period_ns) {
  Timer* timer = find(id);
  if (timer == nullptr) return false;
  timer->deadline_ns = deadline_ns > 0 ? deadline_ns : 1;
  timer->period_ns = period_ns;
  enqueue(id, *timer);
  return true;
}

bool Timers::disarm(uint64_t id) {
  Timer* timer = find(id);
  if (timer == nullptr) return false;
  timer->deadline_ns = 0;
  return true;
}

bool Timers::destroy(uint64_t id) {
  Timer* timer = find(id);
  if (timer == nullptr) return false;
  const uint32_t generation = timer->generation + 1;
  *timer = Timer{};
  timer->generation = generation;
  free_.push_back(index_of(id));
  return true;
}

bool Timers::run_due(int64_t now_ns) {
  bool any = false;
  while (!heap_.empty() && heap_.top().at_ns <= now_ns) {
    const Entry entry = heap_.top();
    heap_.pop();
    Timer* timer = find(entry.id);
    if (timer == nullptr || timer->queued_ns != entry.at_ns) continue;  // gone, or an earlier entry took over
    timer->queued_ns = 0;
    if (timer->deadline_ns == 0) continue;
    if (timer->deadline_ns > now_ns) {  // pushed further away meanwhile
      enqueue(entry.id, *timer);
      continue;
    }
    timer->deadline_ns = 0;
    if (timer->period_ns > 0) {
      timer->deadline_ns = now_ns + timer->period_ns;
      enqueue(entry.id, *timer);
    }
    any = true;
    timer->fn(timer->ctx);  // may create, arm and destroy timers, this one too
  }
  return any;
}

int64_t Timers::next_ns() {
  while (!heap_.empty()) {
    const Entry entry = heap_.top();
    Timer* timer = find(entry.id);
    if (timer != nullptr && timer->queued_ns == entry.at_ns) {
      if (timer->deadline_ns != 0) return entry.at_ns;
      timer->queued_ns = 0;
    }
    heap_.pop();
  }
  return 0;
}

}  // namespace dtud
