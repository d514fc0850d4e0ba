#include "kernel/change_queue.hpp"

#include <utility>

namespace dtud {

void ChangeQueue::begin(Change change) {
  waiting_.push_back(std::move(change));
  next();
}

void ChangeQueue::over() {
  running_ = false;
  next();
}

void ChangeQueue::next() {
  while (!running_ && !waiting_.empty()) {
    running_ = true;
    const Change change = std::move(waiting_.front());
    waiting_.pop_front();
    change();
  }
}

}  // namespace dtud
