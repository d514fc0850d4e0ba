// Waiting for what only a question can tell. The deadline is for a machine that hangs; it is normally never used.
#pragma once
#include <poll.h>

#include <chrono>

namespace e2e {

constexpr std::chrono::seconds kDeadline{30};

class Deadline {
 public:
  explicit Deadline(std::chrono::milliseconds length = kDeadline) : end_(std::chrono::steady_clock::now() + length) {}
  [[nodiscard]] bool over() const { return std::chrono::steady_clock::now() >= end_; }
  [[nodiscard]] int left_ms() const {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end_ - std::chrono::steady_clock::now());
    return left.count() > 0 ? static_cast<int>(left.count()) : 0;
  }

 private:
  std::chrono::steady_clock::time_point end_;
};

// Asks until the answer is yes; false when the deadline is over.
template <typename Question>
bool eventually(Question question, std::chrono::milliseconds length = kDeadline) {
  const Deadline deadline(length);
  while (!question()) {
    if (deadline.over()) return false;
    ::poll(nullptr, 0, 5);  // between two questions, not in place of one
  }
  return true;
}

}  // namespace e2e
