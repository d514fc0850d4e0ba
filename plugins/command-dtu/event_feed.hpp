// The events that the document names ("events": ["sms."]), for the sessions that forward them: one subscription for
// each name, however many links there are.
#pragma once
#include <dtu/sdk/events.hpp>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace command_dtu {

class EventFeed {
 public:
  class Listener {
   public:
    virtual ~Listener() = default;
    virtual void on_event(const dtu_event& event) = 0;  // of any listener's names
  };

  explicit EventFeed(dtu::Host host) : host_(host) {}
  EventFeed(const EventFeed&) = delete;
  EventFeed& operator=(const EventFeed&) = delete;

  // Names, or first parts of names with a dot at the end. One that the host refuses is said in the log.
  void join(Listener& listener, const std::vector<std::string>& names);
  void leave(const Listener& listener);

 private:
  void told(const dtu_event& event);

  dtu::Host host_;
  std::vector<Listener*> listeners_;
  std::map<std::string, dtu::Subscription> subscriptions_;
};

// "sms." selects sms.received, "sms.received" itself only.
[[nodiscard]] bool selects(std::string_view name, std::string_view event);
// {"msg_id":7,"event":"sms.received","source":"hal sim","time_ns":1700000000000000000,"data":{}}; a state whose source
// stopped has "gone":true. msg_id 0: without it.
[[nodiscard]] std::string event_message(const dtu_event& event, uint64_t msg_id);

}  // namespace command_dtu
