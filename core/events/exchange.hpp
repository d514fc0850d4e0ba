// Where the instances of a process tell and subscribe: the hub in dtud, and what speaks to it in the process of an
// isolated instance.
#pragma once
#include <dtu/events.h>

#include <string>
#include <string_view>

#include "events/event.hpp"
#include "events/mailbox.hpp"

namespace dtud::events {

class Exchange {
 public:
  Exchange() = default;
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  virtual ~Exchange() = default;

  // Main lane. An instance tells an event that it declares. `json` was checked.
  virtual void publish(std::string_view source, const Declared& what, std::string json) = 0;
  // The subscriber's lane. Whatever it answers, the subscription's destroy is called once for it, now or later, unless
  // the struct is too short to hold one. It answers as dtu_events_service::subscribe.
  virtual dtu_status subscribe(const MailboxPtr& mailbox, const dtu_subscription* subscription, uint64_t* id) = 0;
  // The subscriber's lane. False: the mailbox has no such subscription.
  [[nodiscard]] virtual bool unsubscribe(Mailbox& mailbox, uint64_t id) { return mailbox.unsubscribe(id); }
  // Whether it holds the first event of each name against its schema: once is enough.
  [[nodiscard]] virtual bool checks_schemas() const { return true; }
};

// The struct is whole, and says what can be subscribed to.
[[nodiscard]] bool is_whole(const dtu_subscription* subscription);
[[nodiscard]] bool is_sound(const dtu_subscription& subscription, const uint64_t* id);

}  // namespace dtud::events
