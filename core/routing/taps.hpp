// Live traffic for whoever watches: `dtuctl tap`, tests. Costs one comparison a message while nobody does. Main lane.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace dtud::routing {

struct TapEvent {
  int64_t time_ns;            // Unix time
  const std::string& target;  // "port 1", "channel 2"
  bool in;                    // into dtud
  std::string_view route;
  uint64_t peer;
  std::string_view payload;
  std::string_view device;
};

class Taps {
 public:
  using Watcher = std::function<void(const TapEvent&)>;

  [[nodiscard]] bool active() const { return !watchers_.empty(); }
  // target: "port 1", "channel 2", or "" for all.
  uint64_t add(std::string target, Watcher watcher) {
    watchers_.push_back({++last_id_, std::move(target), std::move(watcher)});
    return last_id_;
  }
  void remove(uint64_t id) {
    for (auto it = watchers_.begin(); it != watchers_.end(); ++it)
      if (it->id == id) {
        watchers_.erase(it);
        return;
      }
  }
  void tell(const TapEvent& event) const {
    for (const Entry& e : watchers_)
      if (e.target.empty() || e.target == event.target) e.watcher(event);
  }

 private:
  struct Entry {
    uint64_t id;
    std::string target;
    Watcher watcher;
  };
  std::vector<Entry> watchers_;
  uint64_t last_id_ = 0;
};

}  // namespace dtud::routing
