#include <algorithm>
#include <dtu/kit/mqtt/requests.hpp>
#include <random>
#include <utility>
#include <vector>

namespace mqtt {

Requests::Requests(dtu::Host host, uint32_t timeout_ms, size_t most)
    : host_(host),
      timer_(host, [this] { expire(); }),
      timeout_ms_(timeout_ms),
      most_(most),
      last_(std::random_device{}()) {}

void Requests::ask(const std::function<void(const std::string& id)>& send, Done done) {
  if (open_.size() >= most_)
    throw dtu::Failure(DTU_AGAIN, std::to_string(open_.size()) + " requests wait for an answer already",
                       DTU_ERR_RETRYABLE);
  std::string id;
  do id = std::to_string(++last_);
  while (open_.count(id) != 0);
  send(id);
  open_[id] = {host_.monotonic_ns() + int64_t{timeout_ms_} * 1'000'000, std::move(done)};
  if (open_.size() == 1) arm();
}

bool Requests::answer(std::string_view id, std::string_view payload) {
  const auto at = open_.find(id);
  if (at == open_.end()) return false;
  const Done done = std::move(at->second.done);
  open_.erase(at);
  done(DTU_OK, payload);
  return true;
}

void Requests::close(std::string_view why) {
  for (const auto& [id, request] : std::exchange(open_, {})) request.done(DTU_E_CLOSED, why);
}

void Requests::expire() {
  std::vector<Done> late;
  for (auto at = open_.begin(); at != open_.end();) {
    if (at->second.deadline_ns > host_.monotonic_ns()) {
      ++at;
      continue;
    }
    late.push_back(std::move(at->second.done));
    at = open_.erase(at);
  }
  arm();
  for (const Done& done : late)
    done(DTU_E_TIMEOUT, "no answer came within " + std::to_string(timeout_ms_ / 1000) + " s");
}

void Requests::arm() {
  if (open_.empty()) return;
  int64_t first = INT64_MAX;
  for (const auto& [id, request] : open_) first = std::min(first, request.deadline_ns);
  timer_.arm_us(static_cast<uint64_t>(std::max<int64_t>(first - host_.monotonic_ns(), 0)) / 1000 + 1);
}

}  // namespace mqtt
