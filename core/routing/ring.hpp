// A queue in one block of memory that grows by doubling and never shrinks: pushing and popping at both ends without an
// allocation once it has grown to what is needed.
#pragma once
#include <cstddef>
#include <utility>
#include <vector>

namespace dtud::routing {

template <typename T>
class Ring {
 public:
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] size_t size() const { return size_; }
  T& operator[](size_t i) { return slots_[(first_ + i) & mask()]; }
  T& front() { return (*this)[0]; }
  T& back() { return (*this)[size_ - 1]; }

  void push_back(T value) {
    grow_if_full();
    slots_[(first_ + size_) & mask()] = std::move(value);
    ++size_;
  }
  void push_front(T value) {
    grow_if_full();
    first_ = (first_ - 1) & mask();
    slots_[first_] = std::move(value);
    ++size_;
  }
  T pop_front() {
    T value = std::move(slots_[first_]);
    first_ = (first_ + 1) & mask();
    --size_;
    return value;
  }
  void drop_front() { pop_front(); }
  T pop_back() {
    --size_;
    return std::move(slots_[(first_ + size_) & mask()]);
  }

 private:
  [[nodiscard]] size_t mask() const { return slots_.size() - 1; }
  void grow_if_full() {
    if (size_ < slots_.size()) return;
    std::vector<T> larger(slots_.empty() ? 16 : slots_.size() * 2);
    for (size_t i = 0; i < size_; ++i) larger[i] = std::move((*this)[i]);
    slots_.swap(larger);
    first_ = 0;
  }
  std::vector<T> slots_;  // a power of two
  size_t first_ = 0, size_ = 0;
};

}  // namespace dtud::routing
