// Where events meet: numbers them, keeps the last state of each source, and offers them to the mailboxes of those who
// subscribed. It waits for nobody. Main lane, unless a function says otherwise.
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "events/exchange.hpp"
#include "lanes/lane.hpp"
#include "lanes/thread_safety.hpp"

namespace dtud::events {

class Hub final : public Exchange {
 public:
  // flags: of the event, and DTU_EVENT_LAST.
  using Follower = std::function<void(const Event&, uint32_t flags)>;

  explicit Hub(Lane& main) : main_(main) {}

  void publish(std::string_view source, const Declared& what, std::string json) override;
  // dtud tells one of its own. source: what it is about, or "kernel".
  void tell(std::string_view name, std::string_view source, std::string json, bool state);
  // The states of this instance, or this one of dtud's about it, hold no longer.
  void gone(std::string_view source);
  void gone(std::string_view name, std::string_view source);

  // For the control API: the last states first, then what follows, at once. pattern: is_pattern().
  [[nodiscard]] uint64_t follow(std::string pattern, Follower follower);
  void unfollow(uint64_t id) { followers_.erase(id); }

  dtu_status subscribe(const MailboxPtr& mailbox, const dtu_subscription* subscription, uint64_t* id) override;

  [[nodiscard]] uint64_t told() const;  // events since the start. Any thread

 private:
  using Key = std::pair<std::string, std::string>;  // source, name
  struct Following {
    std::string pattern;
    Follower follower;
  };
  void send(Event event);
  void send_gone(std::string name, std::string source, bool kernel);
  [[nodiscard]] std::vector<EventPtr> last_of(std::string_view pattern) const DTU_REQUIRES(mutex_);

  Lane& main_;
  std::map<uint64_t, Following> followers_;
  uint64_t last_follower_ = 0;
  mutable Mutex mutex_;
  uint64_t seq_ DTU_GUARDED_BY(mutex_) = 0;
  std::map<Key, EventPtr> last_ DTU_GUARDED_BY(mutex_);
  std::vector<MailboxPtr> mailboxes_ DTU_GUARDED_BY(mutex_);
};

}  // namespace dtud::events
