#include <algorithm>
#include <dtu/kit/mqtt/topic.hpp>
#include <mqtt/subscriptions.hpp>
#include <utility>

namespace mqtt {

uint64_t Subscriptions::add(Subscription subscription, Told told) {
  if (std::string wrong = check_filter(subscription.filter); !wrong.empty())
    return refuse(std::move(subscription.filter), DTU_E_INVALID, "the filter " + wrong, std::move(told));
  if (pending_.size() >= kMostPending)
    return refuse(std::move(subscription.filter), DTU_AGAIN, "64 answers of the broker are still to come",
                  std::move(told));
  const auto same = std::find_if(filters_.begin(), filters_.end(),
                                 [&](const Subscription& s) { return s.filter == subscription.filter; });
  if (same == filters_.end() && filters_.size() >= kMostFilters)
    return refuse(std::move(subscription.filter), DTU_E_INVALID, "there are 256 subscriptions, which is the most",
                  std::move(told));
  pending_[++last_] = {subscription.filter, false, std::move(told)};
  if (same == filters_.end())
    filters_.push_back(std::move(subscription));
  else
    *same = std::move(subscription);
  return last_;
}

uint64_t Subscriptions::remove(const std::string& filter, Told told) {
  if (find(filter) == nullptr) return refuse(filter, DTU_E_NOT_FOUND, "it is not subscribed to", std::move(told));
  if (pending_.size() >= kMostPending)
    return refuse(filter, DTU_AGAIN, "64 answers of the broker are still to come", std::move(told));
  erase(filter);
  pending_[++last_] = {filter, true, std::move(told)};
  return last_;
}

const Subscription* Subscriptions::find(const std::string& filter) const {
  for (const Subscription& s : filters_)
    if (s.filter == filter) return &s;
  return nullptr;
}

void Subscriptions::answered(uint64_t ticket, int code, const std::string& refusal) {
  const auto at = pending_.find(ticket);
  if (at == pending_.end()) return;
  Asked asked = std::move(at->second);
  pending_.erase(at);
  if (code >= 0x80) {
    if (!asked.remove) erase(asked.filter);
    refuse(std::move(asked.filter), DTU_E_REFUSED, refusal, std::move(asked.told));
    return;
  }
  news_.push_back({{DTU_OK, std::move(asked.filter), {}, asked.remove ? 0 : code}, std::move(asked.told)});
}

void Subscriptions::failed(uint64_t ticket, const std::string& why) {
  const auto at = pending_.find(ticket);
  if (at == pending_.end()) return;
  Asked asked = std::move(at->second);
  pending_.erase(at);
  if (asked.remove) forget(asked.filter);
  refuse(std::move(asked.filter), DTU_E_CLOSED, why, std::move(asked.told));
}

void Subscriptions::all_failed(const std::string& why) {
  while (!pending_.empty()) failed(pending_.begin()->first, why);
}

uint64_t Subscriptions::refuse(std::string filter, dtu_status status, std::string why, Told told) {
  news_.push_back({{status, std::move(filter), std::move(why), 0}, std::move(told)});
  return 0;
}

uint64_t Subscriptions::again(const std::string& filter, bool remove) {
  pending_[++last_] = {filter, remove, {}};
  return last_;
}

void Subscriptions::forget(const std::string& filter) {
  if (std::find(forgotten_.begin(), forgotten_.end(), filter) != forgotten_.end()) return;
  if (forgotten_.size() >= kMostFilters) forgotten_.erase(forgotten_.begin());  // the oldest
  forgotten_.push_back(filter);
}

void Subscriptions::erase(const std::string& filter) {
  filters_.erase(
      std::remove_if(filters_.begin(), filters_.end(), [&](const Subscription& s) { return s.filter == filter; }),
      filters_.end());
}

}  // namespace mqtt
