#include "routing/outbox.hpp"

#include <dtu/channel.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace dtud::routing {
namespace {

// As dtu_fate.reason.
constexpr char kDropOldest[] = "drop-oldest", kDropNewest[] = "drop-newest", kFull[] = "full", kMemory[] = "memory",
               kCleared[] = "cleared", kNoClient[] = "no client", kSaysItAll[] = "";

}  // namespace

const char* name_of(Rejected reason) {
  constexpr std::array<const char*, kRejections> names{"refused", "closed", "max_message"};
  return names.at(static_cast<size_t>(reason));
}

void Outbox::set_alone_from(uint64_t bytes) {
  alone_from_ = bytes;
  large_ = std::min(limits_.max_message, bytes == UINT64_MAX ? bytes : bytes - 1);
}

void Outbox::set_limits(OutboxLimits limits) {
  limits_ = limits;
  set_alone_from(alone_from_);
  if (!backlog_) return;
  BacklogSettings settings = backlog_->settings();
  settings.memory_messages = limits.messages;
  settings.memory_bytes = limits.bytes;
  settings.drop_oldest = limits.policy == Policy::drop_oldest;
  settings.block = limits.policy == Policy::block;
  backlog_->set(settings);
}

void Outbox::keep(Storage& storage, uint32_t channel, config::Storage mode, spool::SpoolLimits disk,
                  std::function<bool()> carries, std::function<void()> changed) {
  const BacklogSettings settings{mode,
                                 limits_.messages,
                                 limits_.bytes,
                                 disk,
                                 limits_.policy == Policy::drop_oldest,
                                 limits_.policy == Policy::block};
  if (backlog_) return backlog_->set(settings);
  carries_ = std::move(carries);
  changed_ = std::move(changed);
  backlog_ = std::make_unique<Backlog>(storage, channel, settings, static_cast<Backlog::Window&>(*this));
  backlog_->load();
}

Outbox::Counters Outbox::counters() const {
  Counters all = counters_;
  if (backlog_) all.dropped += backlog_->dropped();
  return all;
}

bool Outbox::push(KeptMessage message, uint64_t token) {
  const bool command = (message.flags & DTU_MSG_COMMAND) != 0;
  Queue& queue = command ? commands_ : data_;
  if (message.payload_size() > limits_.max_message) {
    count_rejected(Rejected::max_message, message.payload_size());
    followed_.end_at_once(token, DTU_E_INVALID, name_of(Rejected::max_message));
    return false;
  }
  if (command) {
    // Answers do not compete with data for room, and never hold anybody up.
    if (queue.waiting.size() + queue.returned.size() >= kMostCommands) drop_oldest(queue, kDropOldest);
  } else {
    if (full() && !make_room(queue)) {
      ++counters_.dropped;
      followed_.end_at_once(token, DTU_E_DROPPED, limits_.policy == Policy::drop_newest ? kDropNewest : kFull);
      return false;
    }
    if (backlog_) return push_kept(std::move(message), token);
  }
  if (!command) another_ = false;
  bytes_ += message.payload_size();
  ++messages_;
  ++counters_.accepted;
  message.followed = token != 0;
  if (token != 0) followed_.add(false, order_, token);
  queue.waiting.push_back({std::move(message), order_++, false, false});
  return true;
}

void Outbox::push_registration(KeptMessage message) {
  if (std::exchange(registration_rejected_, false)) return;  // the peer closes for it: what waits goes without it
  Entry next{KeptMessage(), 0, false, false, 0, true};
  for (size_t left = commands_.returned.size(); left != 0; --left) {
    Entry entry = commands_.returned.pop_front();
    if (!entry.registration) {
      commands_.returned.push_back(std::move(entry));
      continue;
    }
    next.refusals = std::max(next.refusals, entry.refusals);
    next.refused_at = entry.refused_at;
    next.aside = next.aside || entry.aside;
    forget(entry);
    --counters_.accepted;
  }
  bytes_ += message.payload_size();
  ++messages_;
  ++counters_.accepted;
  if (next.aside) ++aside_;
  next.message = std::move(message);
  commands_.returned.push_front(std::move(next));
}

bool Outbox::push_kept(KeptMessage message, uint64_t token) {
  bool in_window = false;
  const uint64_t seq = backlog_->append(message, wants_more(), in_window);
  if (seq == 0) {
    ++counters_.dropped;
    followed_.end_at_once(token, DTU_E_DROPPED, kMemory);
    return false;
  }
  ++counters_.accepted;
  if (token != 0) followed_.add(true, seq, token);
  if (in_window) loaded(std::move(message), seq);
  return true;
}

// False: the newest has to go.
bool Outbox::make_room(Queue& queue) {
  if (limits_.policy == Policy::drop_newest) return false;
  if (limits_.policy == Policy::block) {
    const uint64_t messages = messages_ + (backlog_ ? backlog_->in_memory().messages : 0);
    const uint64_t bytes = bytes_ + (backlog_ ? backlog_->in_memory().bytes : 0);
    return messages < limits_.messages + kChunkMessages && bytes < limits_.bytes + kChunkBytes;
  }
  while (full()) {
    if (frees_memory(queue) && drop_oldest(queue, kDropOldest)) continue;
    const uint64_t seq = backlog_ != nullptr ? backlog_->drop_oldest() : 0;
    if (seq == 0) return false;  // all of it is in flight
    ++counters_.dropped;
    followed_.end(true, seq, DTU_E_DROPPED, kDropOldest);
  }
  return true;
}

// What is on disk already stands in nobody's way.
bool Outbox::frees_memory(Queue& queue) {
  if (queue.nothing_waits()) return false;
  const Entry& oldest = queue.returned.empty() ? queue.waiting.front() : queue.returned.front();
  return !oldest.kept || !backlog_->on_disk(oldest.order);
}

void Outbox::forget(Entry& entry) {
  if (std::exchange(entry.aside, false)) --aside_;
  if (entry.kept) {
    window_bytes_ -= entry.message.payload_size();
    backlog_->done(entry.order, entry.message.payload_size());
    return;
  }
  bytes_ -= entry.message.payload_size();
  --messages_;
}

// It leaves, and whoever follows it hears of it.
void Outbox::end(Entry& entry, dtu_status status, const char* reason) {
  if (entry.message.followed) followed_.end(entry.kept, entry.order, status, reason);
  forget(entry);
}

bool Outbox::drop_oldest(Queue& queue, const char* why) {
  if (queue.nothing_waits()) return false;
  Entry oldest = queue.returned.empty() ? queue.waiting.pop_front() : queue.returned.pop_front();
  end(oldest, DTU_E_DROPPED, why);
  ++counters_.dropped;
  return true;
}

// --- the window of a backlog
// -------------------------------------------------------------------------------------------

bool Outbox::wants_more() {
  const uint64_t held = data_.waiting.size() + data_.returned.size() + data_.in_flight.size();
  return held < kWindowMessages && window_bytes_ < kWindowBytes;
}

void Outbox::loaded(KeptMessage message, uint64_t seq) {
  window_bytes_ += message.payload_size();
  message.followed = followed_.has_kept(seq);
  data_.waiting.push_back({std::move(message), seq, false, true});
}

void Outbox::dropped(uint64_t below) {
  counters_.dropped += drop_waiting(below);
  if (followed_.size() == 0) return;
  std::vector<uint64_t> open;
  for (size_t i = 0; i < data_.in_flight.size(); ++i)
    if (const Entry& entry = data_.in_flight[i]; entry.open && entry.kept) open.push_back(entry.order);
  std::sort(open.begin(), open.end());
  followed_.end_kept(0, below, DTU_E_DROPPED, kDropOldest,  // those that were on disk only
                     [&open](uint64_t seq) { return std::binary_search(open.begin(), open.end(), seq); });
}

void Outbox::gone(uint64_t from, uint64_t to, const char* why) {
  followed_.end_kept(from, to, DTU_E_DROPPED, why, [](uint64_t) { return false; });
}

// Those that are kept, wait and come before `below`. What was pushed before there was a backlog stands in front of
// them.
uint64_t Outbox::drop_waiting(uint64_t below) {
  uint64_t count = 0;
  for (Ring<Entry>* ring : {&data_.returned, &data_.waiting})
    for (size_t left = ring->size(); left != 0; --left) {
      Entry entry = ring->pop_front();
      if (entry.kept && entry.order < below) {
        end(entry, DTU_E_DROPPED, kDropOldest);
        ++count;
      } else {
        ring->push_back(std::move(entry));
      }
    }
  return count;
}

void Outbox::clear(std::function<void(uint64_t, const spool::Trouble&)> cleared) {
  uint64_t mine = 0;
  while (drop_oldest(data_, kCleared)) ++mine;
  counters_.dropped -= mine;
  counters_.cleared += mine;
  if (!backlog_) return cleared(mine, {});
  backlog_->clear([this, mine, cleared = std::move(cleared)](uint64_t more, const spool::Trouble& trouble) {
    counters_.cleared += more;
    cleared(mine + more, trouble);
  });
}

// Under `always` what is not on disk yet stays.
bool Outbox::data_may_go() {
  const Entry* next = data_.next();
  return next != nullptr && (!next->kept || next->order <= backlog_->sendable());
}

Outbox::Entry* Outbox::Queue::next() {
  for (size_t i = 0; i < returned.size(); ++i)
    if (!returned[i].aside) return &returned[i];
  return waiting.empty() ? nullptr : &waiting.front();
}

// What is aside is a few at the front: it moves up by one.
Outbox::Entry Outbox::Queue::pop_next() {
  size_t at = 0;
  while (at < returned.size() && returned[at].aside) ++at;
  if (at == returned.size()) return waiting.pop_front();
  for (; at != 0; --at) std::swap(returned[at], returned[at - 1]);
  return returned.pop_front();
}

void Outbox::refill() {
  if (!backlog_ || data_.waiting.size() + data_.returned.size() + data_.in_flight.size() > kWindowMessages / 2) return;
  const size_t before = data_.waiting.size();
  backlog_->load();
  if (data_.waiting.size() != before) changed_();
}

// What is in flight cannot be dropped any more. A slow channel that has taken everything would leave only the newest to
// drop, so under drop_oldest it gets half.
bool Outbox::flight_is_long(const Queue& queue) const {
  if (queue.in_flight.size() >= kLongestFlight) return true;
  if (&queue == &commands_ || backlog_ || limits_.policy != Policy::drop_oldest || queue.open == 0) return false;
  return queue.open >= (limits_.messages + 1) / 2 || queue.open_bytes >= (limits_.bytes + 1) / 2;
}

uint32_t Outbox::take(dtu_msg* out, uint32_t most) {
  uint32_t n = 0;
  const uint64_t rejected = counters_.rejected;
  took_alone_ = false;
  for (Queue* queue : {&commands_, &data_}) {
    if (shown_) settle(*queue);
    const uint32_t before = n;
    const auto may_go = [&] { return queue == &data_ ? data_may_go() : queue->next() != nullptr; };
    while (n < most && !flight_is_long(*queue) && may_go()) {
      Entry& next = *queue->next();
      if (const uint64_t size = next.message.payload_size(); size > large_) {
        if (size > limits_.max_message) {  // from before the bound was set
          Entry entry = queue->pop_next();
          end(entry, DTU_E_INVALID, name_of(Rejected::max_message));
          count_rejected(Rejected::max_message, size);
          continue;
        }
        if (n != 0 || in_flight() != 0) {  // not yet: nothing else may be in flight
          most = n;
          break;
        }
        if (next.refusals == 0) {
          next.refusals = 1;
          next.refused_at = confirmed_;
        }
        took_alone_ = true;
        most = 1;
      }
      Entry entry = queue->pop_next();
      entry.open = true;
      queue->open_bytes += entry.message.payload_size();
      entry.message.show(token_of(*queue, queue->in_flight.size(), queue == &commands_), out[n++]);
      queue->in_flight.push_back(std::move(entry));
      ++queue->open;
    }
    (queue == &commands_ ? last_commands_ : last_data_) = n - before;
  }
  shown_ = n != 0;
  if (counters_.rejected != rejected) refill();
  return n;
}

void Outbox::untake(uint32_t count) {
  for (; count != 0 && last_commands_ + last_data_ != 0; --count) {
    Queue& queue = last_data_ != 0 ? data_ : commands_;
    --(last_data_ != 0 ? last_data_ : last_commands_);
    Entry entry = queue.in_flight.pop_back();
    if (!entry.open) continue;  // completed though not taken: the channel's mistake, already counted
    --queue.open;
    queue.open_bytes -= entry.message.payload_size();
    entry.open = false;
    queue.returned.push_front(std::move(entry));
    for (size_t i = 1; i < queue.returned.size() && after(queue.returned[i - 1], queue.returned[i]); ++i)
      std::swap(queue.returned[i - 1], queue.returned[i]);  // what is aside stands before it
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

Outbox::Entry* Outbox::open_entry(uint64_t token) {
  Queue& queue = (token & 1U) != 0 ? commands_ : data_;
  const uint64_t sequence = token >> 1U;
  if (sequence < queue.first || sequence - queue.first >= queue.in_flight.size()) return nullptr;
  Entry& entry = queue.in_flight[sequence - queue.first];
  return entry.open ? &entry : nullptr;
}

void Outbox::leave_flight(Queue& queue, Entry& entry) {
  entry.open = false;
  --queue.open;
  queue.open_bytes -= entry.message.payload_size();
}

void Outbox::left_flight(Queue& queue, Entry& entry) {
  if (!shown_) {
    entry.message = KeptMessage();
    settle(queue);
  }
  if (&queue == &data_) refill();
}

bool Outbox::complete(uint64_t token, dtu_status status) {
  Entry* const entry = open_entry(token);
  if (entry == nullptr) return false;
  Queue& queue = (token & 1U) != 0 ? commands_ : data_;
  leave_flight(queue, *entry);
  switch (status) {
    case DTU_OK:
      count_delivered(*entry);
      end(*entry, status, kSaysItAll);
      break;
    case DTU_UNCONFIRMED:
      ++counters_.unconfirmed;
      end(*entry, status, kSaysItAll);
      break;
    case DTU_E_INVALID:
      count_rejected(Rejected::refused, entry->message.payload_size());
      end(*entry, status, name_of(Rejected::refused));
      break;
    case DTU_E_DROPPED:
      if (entry->registration) {  // no data: who comes later is told then
        --counters_.accepted;
      } else {
        ++counters_.dropped;
        ++counters_.no_receiver;
      }
      end(*entry, status, kNoClient);
      break;
    default:
      ++counters_.resent;
      give_back(queue, std::exchange(*entry, Entry{}));
  }
  left_flight(queue, *entry);
  return true;
}

bool Outbox::reject(uint64_t token) {
  Entry* const entry = open_entry(token);
  if (entry == nullptr) return false;
  Queue& queue = (token & 1U) != 0 ? commands_ : data_;
  leave_flight(queue, *entry);
  registration_rejected_ = entry->registration;
  reject(*entry);
  left_flight(queue, *entry);
  return true;
}

void Outbox::reject(Entry& entry) {
  count_rejected(Rejected::closed, entry.message.payload_size());
  set_alone_from(std::min(alone_from_, entry.message.payload_size()));
  end(entry, DTU_E_INVALID, name_of(Rejected::closed));
}

void Outbox::set_refused_aside() {
  for (Queue* queue : {&commands_, &data_})
    for (Ring<Entry>* ring : {&queue->returned, &queue->in_flight})
      for (size_t i = 0; i < ring->size(); ++i)
        if (Entry& entry = (*ring)[i]; entry.refusals != 0 && !std::exchange(entry.aside, true)) ++aside_;
}

void Outbox::put_back(bool overtaken) {
  if (aside_ == 0) return;
  for (Queue* queue : {&commands_, &data_})
    for (Ring<Entry>* ring : {&queue->returned, &queue->in_flight})
      for (size_t i = 0; i < ring->size(); ++i)
        if (Entry& entry = (*ring)[i]; std::exchange(entry.aside, false)) entry.overtaken |= overtaken;
  aside_ = 0;
}

// One at a time, and not without end: a peer may take nothing at all.
void Outbox::make_room_for_another() {
  const bool full = over(limits_.messages, limits_.bytes);
  another_ = full && limits_.policy != Policy::drop_oldest && above_ < kMostAbove;
  if (another_) ++above_;
  if (!full) above_ = 0;
}

void Outbox::count_delivered(Entry& entry) {
  ++counters_.delivered;
  if (entry.overtaken) ++counters_.overtaken;
  if (!entry.registration) ++confirmed_;
  if (entry.message.payload_size() >= alone_from_) set_alone_from(UINT64_MAX);  // so it was not the length
}

void Outbox::count_rejected(Rejected reason, uint64_t bytes) {
  OutboxCounters::Rejection& of = counters_.rejections.at(static_cast<size_t>(reason));
  ++counters_.rejected;
  ++of.messages;
  of.bytes += bytes;
  of.last_bytes = bytes;
  counters_.last_rejected = reason;
  if (rejected_) rejected_(reason, bytes);
}

uint8_t Outbox::was_refused(uint64_t token) {
  const Entry* entry = open_entry(token);
  return entry != nullptr ? entry->refusals : 0;
}

uint8_t Outbox::next_was_refused() {
  for (Queue* queue : {&commands_, &data_})
    if (const Entry* next = queue->next(); next != nullptr) return next->refusals;
  return 0;
}

bool Outbox::refused_waits() {
  const auto refused = [](const Entry* next) { return next != nullptr && next->refusals != 0; };
  return refused(commands_.next()) || refused(data_.next());
}

bool Outbox::other_waits(uint8_t below) {
  for (Queue* queue : {&commands_, &data_}) {
    if (queue == &data_ && !data_may_go()) continue;
    for (size_t i = 0; i < queue->returned.size(); ++i)
      if (const Entry& entry = queue->returned[i]; !entry.aside && entry.refusals < below) return true;
    if (!queue->waiting.empty()) return true;
  }
  return false;
}

Outbox::Refusals Outbox::count_refusal(uint64_t token) {
  Entry* entry = open_entry(token);
  if (entry == nullptr) return {};
  if (entry->refusals == 0) entry->refused_at = confirmed_;
  if (entry->refusals < UINT8_MAX - 1) ++entry->refusals;
  return {entry->refusals, entry->refused_at != confirmed_};
}

bool Outbox::is_registration(uint64_t token) {
  const Entry* entry = open_entry(token);
  return entry != nullptr && entry->registration;
}

void Outbox::forget_refusals() {
  for (Queue* queue : {&commands_, &data_})
    for (Ring<Entry>* ring : {&queue->returned, &queue->in_flight})
      for (size_t i = 0; i < ring->size(); ++i) (*ring)[i].refusals = 0;
}

// Completions of a lost connection come oldest first, so this is nearly always a push at the end.
void Outbox::give_back(Queue& queue, Entry entry) {
  queue.returned.push_back(std::move(entry));
  for (size_t i = queue.returned.size() - 1; i != 0 && after(queue.returned[i - 1], queue.returned[i]); --i)
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
    queue->open = queue->open_bytes = 0;
  }
  last_commands_ = last_data_ = 0;
  shown_ = false;
}

}  // namespace dtud::routing
