// The messages of one outbox whose senders are told what became of them: their tokens, by the number that each message
// has in the outbox. A message keeps its number while it waits, is in flight, in the journal or on disk, so what is
// here is as small as a number and a token however large the message is. Costs nothing for messages without a token.
// Main lane.
#pragma once
#include <dtu/message.h>

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

namespace dtud::routing {

class Followed {
 public:
  // At once. A spool may hold a million messages; as many tokens in memory would be more than a small board has.
  static constexpr size_t kMost = 65536;
  // The reason: as dtu_fate.reason; a literal.
  using Tell = std::function<void(uint64_t token, dtu_status status, const char* reason)>;

  void on_fate(Tell tell) { tell_ = std::move(tell); }
  [[nodiscard]] bool full() const { return plain_.size() + kept_.size() >= kMost; }
  [[nodiscard]] size_t size() const { return plain_.size() + kept_.size(); }

  // `kept`: the number is one of the backlog.
  void add(bool kept, uint64_t number, uint64_t token) { of(kept).emplace(number, token); }
  [[nodiscard]] bool has_kept(uint64_t number) const { return !kept_.empty() && kept_.count(number) != 0; }
  // It never got a number.
  void end_at_once(uint64_t token, dtu_status status, const char* reason) {
    if (token != 0 && tell_) tell_(token, status, reason);
  }
  // Nothing when it is not followed (any more).
  void end(bool kept, uint64_t number, dtu_status status, const char* reason) {
    Tokens& tokens = of(kept);
    const auto it = tokens.find(number);
    if (it == tokens.end()) return;
    const uint64_t token = it->second;
    tokens.erase(it);
    end_at_once(token, status, reason);
  }
  // All of the backlog from `from` on and below `to`, but for those `stays` is true for.
  template <typename Stays>
  void end_kept(uint64_t from, uint64_t to, dtu_status status, const char* reason, Stays stays) {
    for (auto it = kept_.lower_bound(from); it != kept_.end() && it->first < to;) {
      if (stays(it->first)) {
        ++it;
        continue;
      }
      const uint64_t token = it->second;
      it = kept_.erase(it);
      end_at_once(token, status, reason);
    }
  }
  // Whoever followed is gone; the messages are not.
  void forget() {
    plain_.clear();
    kept_.clear();
  }

 private:
  using Tokens = std::map<uint64_t, uint64_t>;
  Tokens& of(bool kept) { return kept ? kept_ : plain_; }

  Tokens plain_, kept_;
  Tell tell_;
};

}  // namespace dtud::routing
