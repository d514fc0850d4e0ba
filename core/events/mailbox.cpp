#include "events/mailbox.hpp"

#include <algorithm>
#include <utility>

#include "events/names.hpp"

namespace dtud::events {
namespace {

dtu_str str(const std::string& s) { return {s.data(), s.size()}; }

}  // namespace

// --- from anywhere ---------------------------------------------------------------------------------------------------

void Mailbox::schedule() {
  if (scheduled_ || !open_ || closed_ || paused_) return;
  scheduled_ = true;
  lane_.post([self = shared_from_this()] { self->run(); });
}

void Mailbox::close() {
  std::deque<Item> dropped;  // freed without the lock: what an answer owns is not ours to know
  Lock lock(mutex_);
  closed_ = true;
  dropped.swap(items_);
  events_ = bytes_ = answers_ = 0;
}

bool Mailbox::closed() const {
  Lock lock(mutex_);
  return closed_;
}

void Mailbox::answer(std::function<void()> tell) {
  Lock lock(mutex_);
  if (closed_) return;
  Item item;
  item.answer = std::move(tell);
  items_.push_back(std::move(item));
  ++answers_;
  schedule();
}

void Mailbox::give(uint64_t subscription, EventPtr event, uint32_t flags, uint64_t missed, std::function<void()> told) {
  answer([this, subscription, event = std::move(event), flags, missed, told = std::move(told)] {
    SubscriptionPtr to;
    {
      Lock lock(mutex_);
      const auto it = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                   [&](const SubscriptionPtr& s) { return s->id == subscription; });
      if (it != subscriptions_.end()) to = *it;
    }
    if (to != nullptr) tell(to, *event, flags, missed);
    told();
  });
}

void Mailbox::pause(bool yes) {
  Lock lock(mutex_);
  paused_ = yes;
  if (!items_.empty()) schedule();
}

size_t Mailbox::answers_waiting() const {
  Lock lock(mutex_);
  return answers_;
}

uint64_t Mailbox::missed() const {
  Lock lock(mutex_);
  return missed_;
}

// --- from the hub ----------------------------------------------------------------------------------------------------

dtu_status Mailbox::add(const dtu_subscription& subscription, std::vector<EventPtr> first, uint64_t since,
                        uint64_t& id) {
  Lock lock(mutex_);
  if (closed_) return DTU_E_CLOSED;
  if (subscriptions_.size() >= kMostSubscriptions) return DTU_AGAIN;
  auto made = std::make_shared<Subscription>();
  made->id = id = ++last_id_;
  made->since = since;
  made->pattern.assign(subscription.pattern.ptr, subscription.pattern.len);
  made->fn = subscription.fn;
  made->destroy = subscription.destroy;
  made->ctx = subscription.ctx;
  made->first = std::move(first);
  if (!made->first.empty()) {
    Item item;
    item.only = made;
    items_.push_back(std::move(item));
    schedule();
  }
  subscriptions_.push_back(std::move(made));
  return DTU_OK;
}

void Mailbox::offer(const EventPtr& event) {
  Lock lock(mutex_);
  if (closed_ || std::none_of(subscriptions_.begin(), subscriptions_.end(),
                              [&](const SubscriptionPtr& s) { return selects(s->pattern, event->name); }))
    return;
  if (event->is_state()) supersede(*event);
  while (!has_room(*event)) {
    ++missed_;
    ++untold_;
    if (!drop_one(*event, events_ < kMostEvents)) return;
  }
  ++events_;
  bytes_ += event->bytes();
  Item item;
  item.event = event;
  items_.push_back(std::move(item));
  schedule();
}

bool Mailbox::has_room(const Event& coming) const {
  return events_ == 0 || (events_ < kMostEvents && bytes_ + coming.bytes() <= kMostBytes);
}

void Mailbox::erase(std::deque<Item>::iterator at) {
  --events_;
  bytes_ -= at->event->bytes();
  items_.erase(at);
}

void Mailbox::supersede(const Event& by) {
  const auto older = std::find_if(items_.begin(), items_.end(), [&](const Item& i) {
    return i.event != nullptr && i.event->is_state() && i.event->name == by.name && i.event->source == by.source;
  });
  if (older != items_.end()) erase(older);
}

bool Mailbox::drop_one(const Event& coming, bool by_bytes) {
  struct Share {
    std::string_view source;
    size_t amount;
    std::deque<Item>::iterator oldest;
  };
  std::vector<Share> shares;  // of the sources that are not dtud
  auto oldest_of_kernel = items_.end();
  for (auto it = items_.begin(); it != items_.end(); ++it) {
    if (it->event == nullptr) continue;
    if (it->event->kernel) {
      if (oldest_of_kernel == items_.end()) oldest_of_kernel = it;
      continue;
    }
    const size_t amount = by_bytes ? it->event->bytes() : 1;
    const auto of =
        std::find_if(shares.begin(), shares.end(), [&](const Share& s) { return s.source == it->event->source; });
    if (of == shares.end())
      shares.push_back({it->event->source, amount, it});
    else
      of->amount += amount;
  }
  const auto most = std::max_element(shares.begin(), shares.end(),
                                     [](const Share& a, const Share& b) { return a.amount < b.amount; });
  if (most != shares.end()) return erase(most->oldest), true;
  if (!coming.kernel) return false;
  return erase(oldest_of_kernel), true;
}

// --- the lane --------------------------------------------------------------------------------------------------------

void Mailbox::open() {
  Lock lock(mutex_);
  open_ = true;
  if (!items_.empty()) schedule();
}

bool Mailbox::take(Item& item, uint32_t& flags, uint64_t& missed) {
  Lock lock(mutex_);
  targets_.clear();
  for (;;) {
    if (closed_ || paused_ || items_.empty()) {
      scheduled_ = false;
      return false;
    }
    Item& front = items_.front();
    if (front.answer != nullptr) {
      --answers_;
      item = std::move(front);
      items_.pop_front();
      return true;
    }
    if (front.only != nullptr) {
      if (front.only->is_removed || front.next == front.only->first.size()) {
        front.only->first.clear();
        items_.pop_front();
        continue;
      }
      item.event = front.only->first[front.next++];
      flags = item.event->flags | DTU_EVENT_LAST;
      targets_.push_back(front.only);
      missed = 0;
      return true;
    }
    item = front;
    erase(items_.begin());
    flags = item.event->flags;
    for (const SubscriptionPtr& s : subscriptions_)
      if (s->since < item.event->seq && selects(s->pattern, item.event->name)) targets_.push_back(s);
    if (targets_.empty()) continue;  // whoever wanted it has left
    missed = std::exchange(untold_, 0);
    return true;
  }
}

void Mailbox::run() {
  for (size_t told = 0;; ++told) {
    if (told == kMostATurn) return lane_.post([self = shared_from_this()] { self->run(); });  // scheduled_ stays
    Item item;
    uint32_t flags = 0;
    uint64_t missed = 0;
    if (!take(item, flags, missed)) return;
    if (item.answer != nullptr) {
      item.answer();
      continue;
    }
    for (const SubscriptionPtr& to : targets_) tell(to, *item.event, flags, missed);
  }
}

void Mailbox::tell(const SubscriptionPtr& to, const Event& event, uint32_t flags, uint64_t missed) {
  if (to->is_removed || closed()) return;
  const dtu_event told{sizeof told, flags,         str(event.name), str(event.source),
                       event.seq,   event.time_ns, str(event.json), missed};
  to->running = true;
  struct {
    const Subscription& to;
    const dtu_event& event;
  } call{*to, told};
  call_("event", [&call] { call.to.fn(call.to.ctx, &call.event); });
  to->running = false;
  if (to->is_removed) destroy(to->destroy, to->ctx);
}

void Mailbox::destroy(void (*&fn)(void*), void* ctx) {
  const auto once = std::exchange(fn, nullptr);
  if (once != nullptr) call_("destroy of a subscription", [once, ctx] { once(ctx); });
}

dtu_status Mailbox::refuse(const dtu_subscription& subscription, dtu_status status) {
  auto fn = subscription.destroy;
  destroy(fn, subscription.ctx);
  return status;
}

bool Mailbox::unsubscribe(uint64_t id) {
  SubscriptionPtr found;
  {
    Lock lock(mutex_);
    const auto it = std::find_if(subscriptions_.begin(), subscriptions_.end(),
                                 [&](const SubscriptionPtr& s) { return s->id == id; });
    if (it == subscriptions_.end()) return false;
    found = *it;
    found->is_removed = true;
    subscriptions_.erase(it);
  }
  if (!found->running) destroy(found->destroy, found->ctx);
  return true;
}

void Mailbox::release() {
  std::vector<SubscriptionPtr> all;
  {
    Lock lock(mutex_);
    closed_ = true;
    all.swap(subscriptions_);
    for (const SubscriptionPtr& s : all) s->is_removed = true;
  }
  for (const SubscriptionPtr& s : all)
    if (!s->running) destroy(s->destroy, s->ctx);
}

}  // namespace dtud::events
