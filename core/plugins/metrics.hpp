// Counters and gauges plugins register through dtu.metrics/1. A cell is never removed, so that an id stays valid on any
// thread; an instance that starts again gets its old cells.
#pragma once
#include <dtu/abi.h>

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/thread_safety.hpp"

namespace dtud::plugins {

// The name of a metric as a plugin gives it: NAME, or NAME{LABEL="VALUE"}.
struct MetricName {
  std::string_view name, label, value;  // no label: ""
};
// Nothing: NAME is not [a-z0-9_]{1,48}, LABEL is not [a-z_]{1,24} or is the kernel's ("component"), or VALUE is longer
// than 64 bytes, or holds a quote, a backslash or a control character.
[[nodiscard]] std::optional<MetricName> read_metric_name(std::string_view text);

class Metrics {
 public:
  struct Reading {
    std::string instance, name, help;
    uint32_t kind;  // DTU_METRIC_...
    int64_t value;
  };

  // 0: the name cannot be read, the kind is unknown, or there are too many.
  [[nodiscard]] uint64_t add(const std::string& instance, uint32_t kind, const std::string& name,
                             const std::string& help);
  void increase(uint64_t id, uint64_t by);
  void set(uint64_t id, int64_t value);
  [[nodiscard]] std::vector<Reading> read() const;

  // A metric whose value another process keeps in a page both see: read from there until it is settled, which must be
  // before the page goes. A counter goes on from what it was.
  void follow(uint64_t id, const std::atomic<int64_t>* there);
  void settle(uint64_t id);

  // The other end: values are kept in `cells`, one a metric, and each new metric is told with the number of its cell.
  using Added = std::function<void(size_t cell, const Reading&)>;
  void keep_in(std::atomic<int64_t>* cells, size_t count, Added added);

 private:
  static constexpr size_t kMost = 4096;
  struct Cell {
    std::string instance, name, help;
    uint32_t kind = 0;
    std::atomic<int64_t> value{0};
    const std::atomic<int64_t>* there = nullptr;  // counts on top of `value`, or is the gauge
  };
  static std::atomic<int64_t>* cell(uint64_t id);
  static int64_t value_of(const Cell& c);

  mutable Mutex mutex_;
  std::deque<Cell> cells_ DTU_GUARDED_BY(mutex_);  // a deque: cells stay where they are
  std::atomic<int64_t>* shared_ = nullptr;         // set before the first is added
  size_t shared_count_ = 0;
  Added added_;
};

}  // namespace dtud::plugins
