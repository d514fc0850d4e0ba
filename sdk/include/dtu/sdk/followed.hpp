// What a dialect remembers of messages that it follows (dtu_msg.token), by token.
//
//   dtu::Followed<Reading> waiting_;
//   msg.token = waiting_.add(reading);                           // before to_channel() or to_port()
//   if (link_.to_channel(...) != DTU_OK) waiting_.take(msg.token);  // then nothing is told of it
//   void delivered(const dtu_fate& fate) override {
//     if (const auto reading = waiting_.take(fate.token)) ...
//   }
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <utility>

namespace dtu {

template <typename T>
class Followed {
 public:
  // A token that was not given before.
  [[nodiscard]] uint64_t add(T what) {
    all_.emplace_hint(all_.end(), ++last_, std::move(what));
    return last_;
  }
  // What was added, once. Nothing: it was taken already, or is no token of these.
  std::optional<T> take(uint64_t token) {
    const auto it = all_.find(token);
    if (it == all_.end()) return std::nullopt;
    std::optional<T> what(std::move(it->second));
    all_.erase(it);
    return what;
  }
  [[nodiscard]] size_t size() const { return all_.size(); }  // not told of yet

 private:
  std::map<uint64_t, T> all_;
  uint64_t last_ = 0;
};

}  // namespace dtu
