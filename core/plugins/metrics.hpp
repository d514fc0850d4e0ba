// Counters and gauges plugins register through dtu.metrics/1. A cell is never removed, so that an id stays valid on any
// thread; an instance that starts again gets its old cells.
#pragma once
#include <dtu/abi.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "lanes/thread_safety.hpp"

namespace dtud::plugins {

class Metrics {
 public:
  struct Reading {
    std::string instance, name, help;
    uint32_t kind;  // DTU_METRIC_...
    int64_t value;
  };

  // 0: the name is not [a-z0-9_]{1,48}, the kind is unknown, or there are too many.
  [[nodiscard]] uint64_t add(const std::string& instance, uint32_t kind, const std::string& name,
                             const std::string& help);
  void increase(uint64_t id, uint64_t by);
  void set(uint64_t id, int64_t value);
  [[nodiscard]] std::vector<Reading> read() const;

 private:
  static constexpr size_t kMost = 4096;
  struct Cell {
    std::string instance, name, help;
    uint32_t kind = 0;
    std::atomic<int64_t> value{0};
  };
  std::atomic<int64_t>* cell(uint64_t id);

  mutable Mutex mutex_;
  std::deque<Cell> cells_ DTU_GUARDED_BY(mutex_);  // a deque: cells stay where they are
};

}  // namespace dtud::plugins
