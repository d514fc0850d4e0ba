#include "routing/outbox.hpp"

#include <utility>

namespace dtud::routing {

bool Outbox::push(KeptMessage message) {
  const bool command = (message.flags & DTU_MSG_COMMAND) != 0;
  Queue& queue = command ? commands_ : data_;
  if (command) {
    // Answers do not compete with data for room, and never hold anybody up.
    if (queue.waiting.size() + queue.returned.size() >= kMostCommands) drop_oldest(queue);
  } else if (full()) {
    const bool far_over = messages_ >= limits_.messages + kChunkMessages || bytes_ >= limits_.bytes + kChunkBytes;
    if (limits_.policy == Policy::drop_newest || (limits_.policy == Policy::block && far_over)) {
      ++counters_.dropped;
      return false;
    }
    if (limits_.policy == Policy::drop_oldest) {
      while (full())
        if (!drop_oldest(queue)) {  // all of it is in flight: the newest has to go
          ++counters_.dropped;
          return false;
        }
    }
  }
  bytes_ += message.payload_size();
  ++messages_;
  ++counters_.accepted;
  queue.waiting.push_back({std::move(message), order_++, false});
  return true;
}

void Outbox::forget(Entry& entry) {
  bytes_ -= entry.message.payload_size();
  --messages_;
}

bool Outbox::drop_oldest(Queue& queue) {
  if (queue.nothing_waits()) return false;
  Entry oldest = queue.returned.empty() ? queue.waiting.pop_front() : queue.returned.pop_front();
  forget(oldest);
  ++counters_.dropped;
  return true;
}

uint32_t Outbox::take(dtu_msg* out) {
  uint32_t n = 0;
  for (Queue* queue : {&commands_, &data_}) {
    if (shown_) settle(*queue);
    const uint32_t before = n;
    while (n < kBatch && !queue->nothing_waits() && queue->in_flight.size() < kLongestFlight) {
      Entry entry = queue->returned.empty() ? queue->waiting.pop_front() : queue->returned.pop_front();
      entry.open = true;
      out[n++] = entry.message.view(token_of(*queue, queue->in_flight.size(), queue == &commands_));
      queue->in_flight.push_back(std::move(entry));
      ++queue->open;
    }
    (queue == &commands_ ? last_commands_ : last_data_) = n - before;
  }
  shown_ = n != 0;
  return n;
}

void Outbox::untake(uint32_t count) {
  for (; count != 0 && last_commands_ + last_data_ != 0; --count) {
    Queue& queue = last_data_ != 0 ? data_ : commands_;
    --(last_data_ != 0 ? last_data_ : last_commands_);
    Entry entry = queue.in_flight.pop_back();
    if (!entry.open) continue;  // completed though not taken: the channel's mistake, already counted
    --queue.open;
    entry.open = false;
    queue.returned.push_front(std::move(entry));
  }
  last_commands_ = last_data_ = 0;
  shown_ = false;
  settle(commands_);
  settle(data_);
}

KeptMessage Outbox::hold(uint64_t token) {
  Queue& queue = (token & 1U) != 0 ? commands_ : data_;
  const uint64_t sequence = token >> 1U;
  if (sequence < queue.first || sequence - queue.first >= queue.in_flight.size()) return {};
  return queue.in_flight[sequence - queue.first].message.share();
}

bool Outbox::complete(uint64_t token, dtu_status status) {
  Queue& queue = (token & 1U) != 0 ? commands_ : data_;
  const uint64_t sequence = token >> 1U;
  if (sequence < queue.first || sequence - queue.first >= queue.in_flight.size()) return false;
  Entry& entry = queue.in_flight[sequence - queue.first];
  if (!entry.open) return false;
  entry.open = false;
  --queue.open;
  if (status == DTU_OK || status == DTU_E_INVALID) {
    ++(status == DTU_OK ? counters_.delivered : counters_.rejected);
    forget(entry);
  } else {
    ++counters_.resent;
    give_back(queue, std::exchange(entry, Entry{}));
  }
  if (!shown_) {
    entry.message = KeptMessage();
    settle(queue);
  }
  return true;
}

// Completions of a lost connection come oldest first, so this is nearly always a push at the end.
void Outbox::give_back(Queue& queue, Entry entry) {
  queue.returned.push_back(std::move(entry));
  for (size_t i = queue.returned.size() - 1; i != 0 && queue.returned[i - 1].order > queue.returned[i].order; --i)
    std::swap(queue.returned[i - 1], queue.returned[i]);
}

void Outbox::settle(Queue& queue) {
  while (!queue.in_flight.empty() && !queue.in_flight.front().open) {
    queue.in_flight.drop_front();
    ++queue.first;
  }
}

void Outbox::return_all() {
  for (Queue* queue : {&commands_, &data_}) {
    while (!queue->in_flight.empty()) {
      Entry entry = queue->in_flight.pop_front();
      ++queue->first;
      if (!entry.open) continue;
      entry.open = false;
      ++counters_.resent;
      give_back(*queue, std::move(entry));
    }
    queue->open = 0;
  }
  last_commands_ = last_data_ = 0;
  shown_ = false;
}

}  // namespace dtud::routing
