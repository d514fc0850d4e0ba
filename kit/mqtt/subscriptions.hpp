// The filters of a client, and the answers of the broker that somebody waits for. [lane]
#pragma once
#include <cstdint>
#include <dtu/kit/mqtt/session.hpp>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace mqtt {

class Subscriptions {
 public:
  static constexpr size_t kMostFilters = 256, kMostPending = 64;
  using Told = Session::Told;

  explicit Subscriptions(std::vector<Subscription>& filters) : filters_(filters) {}

  // Adds or removes the filter and remembers `told`. Returns the ticket to ask the broker with, or 0 when `told` will
  // hear at once what is wrong.
  uint64_t add(Subscription subscription, Told told);
  uint64_t remove(const std::string& filter, Told told);
  [[nodiscard]] const Subscription* find(const std::string& filter) const;

  // Asks for one of the filters once more, or to be rid of one; nobody is told.
  uint64_t again(const std::string& filter, bool remove);

  // The broker answered with a code of SUBACK or UNSUBACK. `refusal` is used when it is 0x80 or more.
  void answered(uint64_t ticket, int code, const std::string& refusal);
  // No answer will come.
  void failed(uint64_t ticket, const std::string& why);
  void all_failed(const std::string& why);
  [[nodiscard]] size_t pending() const { return pending_.size(); }
  [[nodiscard]] bool has_news() const { return !news_.empty(); }
  struct News {
    Outcome outcome;
    Told told;  // may be empty
  };
  // What is to be told since the last call.
  std::vector<News> take_news() { return std::exchange(news_, {}); }

  // Filters that were removed while they could not be given up: a broker that kept the session still has them.
  void forget(const std::string& filter);
  std::vector<std::string> take_forgotten() { return std::exchange(forgotten_, {}); }

 private:
  struct Asked {
    std::string filter;
    bool remove = false;
    Told told;
  };
  uint64_t refuse(std::string filter, dtu_status status, std::string why, Told told);
  void erase(const std::string& filter);

  std::vector<Subscription>& filters_;
  std::map<uint64_t, Asked> pending_;  // in the order they were asked
  std::vector<News> news_;
  std::vector<std::string> forgotten_;
  uint64_t last_ = 0;
};

}  // namespace mqtt
