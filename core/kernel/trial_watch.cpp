#include "kernel/trial_watch.hpp"

#include <algorithm>
#include <charconv>
#include <string_view>

#include "plugins/instance.hpp"

namespace dtud {

uint32_t channel_of(const std::string& source) {
  constexpr std::string_view kChannel = "channel ";
  uint32_t id = 0;
  if (source.compare(0, kChannel.size(), kChannel) == 0)
    std::from_chars(source.data() + kChannel.size(), source.data() + source.size(), id);
  return id;
}

bool is_local(const std::string& source) {
  return source == "console" || source == "dtud" || source == "file" || source.compare(0, 5, "port ") == 0;
}

void TrialWatch::stored(const std::string& source) {
  ends_ns_.erase(source);
  for (const std::string& back : came_back_) ends_ns_.erase(back);
  came_back_.clear();
  running_ = false;
}

void TrialWatch::applied(const config::Trial& trial, int64_t now_ns) {
  constexpr int64_t kSecond = 1'000'000'000;
  for (const config::Sender& sender : trial.senders)
    ends_ns_.emplace(sender.source, now_ns + int64_t{sender.confirm_s} * kSecond);
  heard_before_.clear();
  for (const auto& channel : router_.channels()) heard_before_[channel->id] = channel->traffic.rx_messages;
  running_ = true;
}

void TrialWatch::clear() {
  ends_ns_.clear();
  came_back_.clear();
  heard_before_.clear();
  running_ = network_ = false;
}

// The channel it came over carries messages again; where being up proves nothing, something came from it. When that
// channel is removed on purpose, another one counts. One that another sender removed does not come back.
bool TrialWatch::is_back(const config::Sender& sender) const {
  const auto back = [&](const routing::Channel& c) {
    if (!c.carries()) return false;
    if ((c.instance->component().caps & DTU_CAP_CONNECTIONLESS) == 0) return true;
    const auto before = heard_before_.find(c.id);
    return c.traffic.rx_messages > (before != heard_before_.end() ? before->second : 0);
  };
  const uint32_t id = channel_of(sender.source);
  if (const routing::Channel* own = router_.channel(id)) return back(*own);
  if (id != 0 && !sender.leaves) return false;
  const auto& all = router_.channels();
  if (all.empty() && id == 0) return true;  // nothing was cut off, and nothing could tell
  const auto& heirs = sender.heirs;
  const auto counts = [&](uint32_t channel) {
    return heirs.empty() || std::find(heirs.begin(), heirs.end(), channel) != heirs.end();
  };
  return std::any_of(all.begin(), all.end(), [&](const auto& c) { return counts(c->id) && back(*c); });
}

int64_t TrialWatch::end_of(const config::Sender& sender) const {
  const auto end = ends_ns_.find(sender.source);
  return end != ends_ns_.end() ? end->second : 0;
}

const config::Sender* TrialWatch::missing(const config::Trial& trial) const {
  const config::Sender* first = nullptr;
  for (const config::Sender& sender : trial.senders)
    if (came_back_.count(sender.source) == 0 && (first == nullptr || end_of(sender) < end_of(*first))) first = &sender;
  return first;
}

int64_t TrialWatch::next_end_ns(const config::Trial& trial) const {
  const config::Sender* first = missing(trial);
  return first != nullptr ? end_of(*first) : 0;
}

TrialWatch::Verdict TrialWatch::look(const config::Trial& trial, int64_t now_ns) {
  for (const config::Sender& sender : trial.senders)
    if ((!network_ || now_ns >= end_of(sender)) && is_back(sender)) came_back_.insert(sender.source);
  const config::Sender* first = missing(trial);
  if (first == nullptr) return Verdict::passed;
  return now_ns >= end_of(*first) ? Verdict::failed : Verdict::waiting;
}

}  // namespace dtud
