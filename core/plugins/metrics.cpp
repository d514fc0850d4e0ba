#include "plugins/metrics.hpp"

#include <dtu/services.h>

#include <utility>

#include "log/utf8.hpp"

namespace dtud::plugins {

uint64_t Metrics::add(const std::string& instance, uint32_t kind, const std::string& name, const std::string& help) {
  if (name.empty() || name.size() > 48 ||
      name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string::npos ||
      (kind != DTU_METRIC_COUNTER && kind != DTU_METRIC_GAUGE))
    return 0;
  Lock lock(mutex_);
  for (Cell& c : cells_)
    if (c.instance == instance && c.name == name && c.kind == kind)
      return shared_ != nullptr ? reinterpret_cast<uintptr_t>(c.there) : reinterpret_cast<uintptr_t>(&c.value);
  if (cells_.size() >= kMost) return 0;
  const size_t index = cells_.size();
  if (shared_ != nullptr && index >= shared_count_) return 0;
  Cell& c = cells_.emplace_back();
  c.instance = instance;
  c.name = name;
  c.help = valid_utf8(help);
  c.kind = kind;
  if (shared_ == nullptr) return reinterpret_cast<uintptr_t>(&c.value);
  c.there = &shared_[index];
  added_(index, {instance, name, help, kind, 0});
  return reinterpret_cast<uintptr_t>(&shared_[index]);
}

// The id is the address of the cell's value: an increase from any thread is one atomic addition.
std::atomic<int64_t>* Metrics::cell(uint64_t id) { return reinterpret_cast<std::atomic<int64_t>*>(id); }

void Metrics::increase(uint64_t id, uint64_t by) {
  if (id != 0) cell(id)->fetch_add(static_cast<int64_t>(by), std::memory_order_relaxed);
}

void Metrics::set(uint64_t id, int64_t value) {
  if (id != 0) cell(id)->store(value, std::memory_order_relaxed);
}

std::vector<Metrics::Reading> Metrics::read() const {
  Lock lock(mutex_);
  std::vector<Reading> all;
  all.reserve(cells_.size());
  for (const Cell& c : cells_) all.push_back({c.instance, c.name, c.help, c.kind, value_of(c)});
  return all;
}

int64_t Metrics::value_of(const Cell& c) {
  const int64_t here = c.value.load(std::memory_order_relaxed);
  if (c.there == nullptr) return here;
  const int64_t there = c.there->load(std::memory_order_relaxed);
  if (c.kind != DTU_METRIC_COUNTER) return there;
  return static_cast<int64_t>(static_cast<uint64_t>(here) + static_cast<uint64_t>(there));
}

void Metrics::follow(uint64_t id, const std::atomic<int64_t>* there) {
  Lock lock(mutex_);
  for (Cell& c : cells_)
    if (&c.value == cell(id)) c.there = there;
}

void Metrics::settle(uint64_t id) {
  Lock lock(mutex_);
  for (Cell& c : cells_) {
    if (&c.value != cell(id) || c.there == nullptr) continue;
    c.value.store(value_of(c), std::memory_order_relaxed);
    c.there = nullptr;
  }
}

void Metrics::keep_in(std::atomic<int64_t>* cells, size_t count, Added added) {
  shared_ = cells;
  shared_count_ = count;
  added_ = std::move(added);
}

}  // namespace dtud::plugins
