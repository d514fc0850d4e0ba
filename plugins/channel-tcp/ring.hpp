// A first-in first-out queue in one block of memory: it doubles when full and keeps its room, so that steady traffic
// allocates nothing.
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

namespace channel_tcp {

template <typename T>
class Ring {
 public:
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] size_t size() const { return size_; }
  [[nodiscard]] T& front() { return slots_[head_]; }
  [[nodiscard]] T& operator[](size_t i) { return slots_[(head_ + i) & (slots_.size() - 1)]; }
  void push(T item) {
    if (size_ == slots_.size()) grow();
    (*this)[size_++] = std::move(item);
  }
  void pop() {
    slots_[head_] = T{};
    head_ = (head_ + 1) & (slots_.size() - 1);
    --size_;
  }

 private:
  void grow() {
    std::vector<T> larger(slots_.empty() ? 64 : slots_.size() * 2);  // always a power of two
    for (size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    slots_ = std::move(larger);
    head_ = 0;
  }
  std::vector<T> slots_;
  size_t head_ = 0;
  size_t size_ = 0;
};

}  // namespace channel_tcp
