#include "awaits.hpp"

#include <algorithm>

namespace hal_sim {

void Awaits::add(uint64_t call, std::string name, std::string json) {
  constexpr size_t kMost = 1024;
  if (waiting_.size() >= kMost)
    throw dtu::Failure::retryable(DTU_E_IO, std::to_string(kMost) + " already wait for points of the simulated board");
  waiting_.push_back({call, std::move(name), std::move(json)});
}

void Awaits::cancel(uint64_t call) {
  const auto its = [call](const Await& a) { return a.call == call; };
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), its), waiting_.end());
}

void Awaits::changed(const std::string& name, const std::string& json) {
  const auto over = [&](const Await& a) {
    if (a.name != name || a.json == json) return false;
    host_.reply(a.call, json);
    return true;
  };
  waiting_.erase(std::remove_if(waiting_.begin(), waiting_.end(), over), waiting_.end());
}

void Awaits::end() {
  for (const Await& a : waiting_) host_.reply_error(a.call, DTU_E_CLOSED, "the simulated board was stopped");
  waiting_.clear();
}

}  // namespace hal_sim
