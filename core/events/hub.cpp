#include "events/hub.hpp"

#include <algorithm>

#include "events/names.hpp"

namespace dtud::events {

bool is_whole(const dtu_subscription* s) { return s != nullptr && s->struct_size >= sizeof *s; }

bool is_sound(const dtu_subscription& s, const uint64_t* id) {
  return s.fn != nullptr && id != nullptr && s.pattern.ptr != nullptr && s.pattern.len != 0 &&
         is_pattern({s.pattern.ptr, static_cast<size_t>(s.pattern.len)});
}

void Hub::send(Event event) {
  event.time_ns = main_.unix_ns();
  EventPtr sent;
  {
    Lock lock(mutex_);
    event.seq = ++seq_;
    sent = std::make_shared<const Event>(std::move(event));
    if (sent->is_state()) {
      Key key{sent->source, sent->name};
      if ((sent->flags & DTU_EVENT_GONE) != 0)
        last_.erase(key);
      else
        last_[std::move(key)] = sent;
    }
    bool any_closed = false;
    for (const MailboxPtr& mailbox : mailboxes_) {
      mailbox->offer(sent);
      any_closed = any_closed || mailbox->closed();
    }
    if (any_closed)
      mailboxes_.erase(std::remove_if(mailboxes_.begin(), mailboxes_.end(), [](const auto& m) { return m->closed(); }),
                       mailboxes_.end());
  }
  for (const auto& [id, f] : followers_)
    if (selects(f.pattern, sent->name)) f.follower(*sent, sent->flags);
}

void Hub::publish(std::string_view source, const Declared& what, std::string json) {
  send({what.name, std::string(source), std::move(json), 0, 0, what.flags & DTU_EVENT_STATE, false});
}

void Hub::tell(std::string_view name, std::string_view source, std::string json, bool state) {
  send({std::string(name), std::string(source), std::move(json), 0, 0, state ? DTU_EVENT_STATE : 0, true});
}

void Hub::gone(std::string_view source) {
  std::vector<EventPtr> states;
  {
    Lock lock(mutex_);
    for (auto it = last_.lower_bound({std::string(source), {}}); it != last_.end() && it->first.first == source; ++it)
      if (!it->second->kernel) states.push_back(it->second);
  }
  for (const EventPtr& last : states) send_gone(last->name, last->source, false);
}

void Hub::gone(std::string_view name, std::string_view source) {
  {
    Lock lock(mutex_);
    if (last_.count({std::string(source), std::string(name)}) == 0) return;
  }
  send_gone(std::string(name), std::string(source), true);
}

void Hub::send_gone(std::string name, std::string source, bool kernel) {
  send({std::move(name), std::move(source), "{}", 0, 0, DTU_EVENT_STATE | DTU_EVENT_GONE, kernel});
}

std::vector<EventPtr> Hub::last_of(std::string_view pattern) const {
  std::vector<EventPtr> found;
  for (const auto& [key, event] : last_)
    if (selects(pattern, event->name)) found.push_back(event);
  std::sort(found.begin(), found.end(), [](const EventPtr& a, const EventPtr& b) { return a->seq < b->seq; });
  return found;
}

uint64_t Hub::follow(std::string pattern, Follower follower) {
  std::vector<EventPtr> first;
  {
    Lock lock(mutex_);
    first = last_of(pattern);
  }
  for (const EventPtr& event : first) follower(*event, event->flags | DTU_EVENT_LAST);
  followers_.emplace(++last_follower_, Following{std::move(pattern), std::move(follower)});
  return last_follower_;
}

dtu_status Hub::subscribe(const MailboxPtr& mailbox, const dtu_subscription* subscription, uint64_t* id) {
  if (!is_whole(subscription)) return DTU_E_INVALID;
  const dtu_subscription& s = *subscription;
  if (!is_sound(s, id)) return mailbox->refuse(s, DTU_E_INVALID);
  dtu_status status = DTU_OK;
  {
    // With the lock held nothing is told: what was before is in `first`, what comes is offered to the mailbox.
    Lock lock(mutex_);
    status = mailbox->add(s, last_of({s.pattern.ptr, s.pattern.len}), seq_, *id);
    const bool known = std::find(mailboxes_.begin(), mailboxes_.end(), mailbox) != mailboxes_.end();
    if (status == DTU_OK && !known) mailboxes_.push_back(mailbox);
  }
  return status == DTU_OK ? DTU_OK : mailbox->refuse(s, status);
}

uint64_t Hub::told() const {
  Lock lock(mutex_);
  return seq_;
}

}  // namespace dtud::events
