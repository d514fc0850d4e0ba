// Watches whether the senders of a change on trial come back, each within its own time. Main lane.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "config/history.hpp"
#include "routing/router.hpp"

namespace dtud {

// 3 for "channel 3"; 0: another source.
[[nodiscard]] uint32_t channel_of(const std::string& source);
// A change of this source counts at once; one of another source has to prove itself.
[[nodiscard]] bool is_local(const std::string& source);

class TrialWatch {
 public:
  enum class Verdict { waiting, passed, failed };

  explicit TrialWatch(routing::Router& router) : router_(router) {}

  // A change of `source` is stored. Its time begins when the change is applied; so does the time of the senders that
  // are back. That of the others goes on.
  void stored(const std::string& source);
  // What was stored is applied. Every sender has to come back from now on, once within its time.
  void applied(const config::Trial& trial, int64_t now_ns);
  // A new access point, or a key of a plugin that may cut the device off, takes effect while the old connection still
  // seems to be there: only the end can tell.
  void network_changed() { network_ = true; }
  void clear();

  [[nodiscard]] bool running() const { return running_; }  // false: what is tried is not applied yet
  [[nodiscard]] Verdict look(const config::Trial& trial, int64_t now_ns);
  // Of the senders that did not come back the one whose time ends first; null: all did.
  [[nodiscard]] const config::Sender* missing(const config::Trial& trial) const;
  [[nodiscard]] int64_t next_end_ns(const config::Trial& trial) const;  // of that one's time; 0: all are back

 private:
  [[nodiscard]] bool is_back(const config::Sender& sender) const;
  [[nodiscard]] int64_t end_of(const config::Sender& sender) const;

  routing::Router& router_;
  std::map<std::string, int64_t> ends_ns_;  // of each sender's time
  std::set<std::string> came_back_;
  std::map<uint32_t, uint64_t> heard_before_;  // messages that had come from each channel
  bool running_ = false, network_ = false;
};

}  // namespace dtud
