// Somebody who subscribes, without an instance around it, and a lane that runs when the test says so.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "events/hub.hpp"

namespace dtud::events {

// What is posted to the lane runs in settle(), on the thread of the test.
class ManualLane {
 public:
  Lane& get() { return lane_; }
  void settle() {
    lane_.stop();
    lane_.run();
  }

 private:
  Lane lane_{"test"};
};

struct Seen {
  std::string name, source, json;
  uint64_t seq = 0;
  uint32_t flags = 0;
  uint64_t missed = 0;
};

struct Subscriber {
  struct Subscription {
    Subscriber* owner;
    std::vector<Seen> seen;
    int destroyed = 0;
    uint64_t id = 0;
    std::function<void(const Seen&)> then;  // called in fn
  };

  Subscriber(Hub& h, Lane& lane)
      : hub(h), mailbox(std::make_shared<Mailbox>(lane, [this](const char*, const std::function<void()>& fn) {
          ++inside;
          fn();
          --inside;
        })) {
    mailbox->open();
  }

  static dtu_subscription about(Subscription& s, std::string_view pattern) {
    return {sizeof(dtu_subscription), 0, {pattern.data(), pattern.size()}, told, destroyed, &s};
  }
  dtu_status subscribe(Subscription& s, std::string_view pattern) {
    s.owner = this;
    const dtu_subscription subscription = about(s, pattern);
    return hub.subscribe(mailbox, &subscription, &s.id);
  }
  static void told(void* ctx, const dtu_event* e) {
    auto& s = *static_cast<Subscription*>(ctx);
    const auto text = [](dtu_str t) { return std::string(t.ptr, t.len); };
    s.seen.push_back({text(e->name), text(e->source), text(e->json), e->seq, e->flags, e->missed});
    if (s.then) s.then(s.seen.back());
  }
  static void destroyed(void* ctx) { ++static_cast<Subscription*>(ctx)->destroyed; }

  Hub& hub;
  int inside = 0;
  MailboxPtr mailbox;
};

inline std::vector<std::string> texts(const std::vector<Seen>& seen) {
  std::vector<std::string> all;
  for (const Seen& s : seen) all.push_back(s.json);
  return all;
}

inline const Declared kNews{"sms.received", "", "", 0};
inline const Declared kState{"wifi.link", "", "", DTU_EVENT_STATE};

}  // namespace dtud::events
