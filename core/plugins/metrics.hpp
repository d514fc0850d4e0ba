// Counters and gauges plugins register through dtu.metrics/1. A cell is never removed, so that an id stays valid on any
// thread; an instance that starts again gets its old cells. An id is checked, and only its instance may use it.
#pragma once
#include <dtu/abi.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
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
  // False: that instance has no metric of that id.
  bool increase(std::string_view instance, uint64_t id, uint64_t by);
  bool set(std::string_view instance, uint64_t id, int64_t value);
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
  static constexpr size_t kBlock = 64;
  using Block = std::array<Cell, kBlock>;
  [[nodiscard]] Cell& at(size_t index) const { return (*blocks_[index / kBlock])[index % kBlock]; }
  [[nodiscard]] std::atomic<int64_t>* cell(std::string_view instance, uint64_t id);
  static int64_t value_of(const Cell& c);

  mutable Mutex mutex_;  // of adding, and of `there`
  // Cells stay where they are. An id is the index of its cell plus 1; any thread may look below count_.
  std::array<std::unique_ptr<Block>, kMost / kBlock> blocks_;
  std::atomic<size_t> count_{0};
  std::atomic<int64_t>* shared_ = nullptr;  // set before the first is added
  size_t shared_count_ = 0;
  Added added_;
};

}  // namespace dtud::plugins
