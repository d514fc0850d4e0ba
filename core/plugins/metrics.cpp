#include "plugins/metrics.hpp"

#include <dtu/services.h>

#include <algorithm>
#include <utility>

#include "log/utf8.hpp"

namespace dtud::plugins {

std::optional<MetricName> read_metric_name(std::string_view text) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz_";
  const size_t brace = std::min(text.find('{'), text.size());
  MetricName read{text.substr(0, brace), {}, {}};
  if (read.name.empty() || read.name.size() > 48 ||
      read.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != std::string_view::npos)
    return std::nullopt;
  if (brace == text.size()) return read;
  const std::string_view rest = text.substr(brace + 1);
  const size_t equals = rest.find("=\"");
  if (equals == std::string_view::npos || rest.size() < equals + 4 || rest.substr(rest.size() - 2) != "\"}")
    return std::nullopt;
  read.label = rest.substr(0, equals);
  read.value = rest.substr(equals + 2, rest.size() - equals - 4);
  const auto is_bad = [](char c) { return c == '"' || c == '\\' || static_cast<unsigned char>(c) < ' '; };
  if (read.label.empty() || read.label.size() > 24 || read.label == "component" ||
      read.label.find_first_not_of(letters) != std::string_view::npos || read.value.size() > 64 ||
      std::any_of(read.value.begin(), read.value.end(), is_bad))
    return std::nullopt;
  return read;
}

uint64_t Metrics::add(const std::string& instance, uint32_t kind, const std::string& name, const std::string& help) {
  if (!read_metric_name(name) || (kind != DTU_METRIC_COUNTER && kind != DTU_METRIC_GAUGE)) return 0;
  Lock lock(mutex_);
  const size_t count = count_.load(std::memory_order_relaxed);
  for (size_t i = 0; i < count; ++i)
    if (const Cell& c = at(i); c.instance == instance && c.name == name && c.kind == kind) return i + 1;
  if (count >= kMost || (shared_ != nullptr && count >= shared_count_)) return 0;
  if (count % kBlock == 0) blocks_[count / kBlock] = std::make_unique<Block>();
  Cell& c = at(count);
  c.instance = instance;
  c.name = name;
  c.help = valid_utf8(help);
  c.kind = kind;
  if (shared_ != nullptr) c.there = &shared_[count];
  count_.store(count + 1, std::memory_order_release);
  if (shared_ != nullptr) added_(count, {instance, name, help, kind, 0});
  return count + 1;
}

std::atomic<int64_t>* Metrics::cell(std::string_view instance, uint64_t id) {
  if (id == 0 || id > count_.load(std::memory_order_acquire)) return nullptr;
  Cell& c = at(id - 1);
  if (c.instance != instance) return nullptr;
  return shared_ != nullptr ? &shared_[id - 1] : &c.value;
}

bool Metrics::increase(std::string_view instance, uint64_t id, uint64_t by) {
  auto* const value = cell(instance, id);
  if (value != nullptr) value->fetch_add(static_cast<int64_t>(by), std::memory_order_relaxed);
  return value != nullptr;
}

bool Metrics::set(std::string_view instance, uint64_t id, int64_t to) {
  auto* const value = cell(instance, id);
  if (value != nullptr) value->store(to, std::memory_order_relaxed);
  return value != nullptr;
}

std::vector<Metrics::Reading> Metrics::read() const {
  Lock lock(mutex_);
  std::vector<Reading> all;
  const size_t count = count_.load(std::memory_order_relaxed);
  all.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const Cell& c = at(i);
    all.push_back({c.instance, c.name, c.help, c.kind, value_of(c)});
  }
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
  if (id != 0 && id <= count_.load(std::memory_order_relaxed)) at(id - 1).there = there;
}

void Metrics::settle(uint64_t id) {
  Lock lock(mutex_);
  if (id == 0 || id > count_.load(std::memory_order_relaxed)) return;
  Cell& c = at(id - 1);
  if (c.there == nullptr) return;
  c.value.store(value_of(c), std::memory_order_relaxed);
  c.there = nullptr;
}

void Metrics::keep_in(std::atomic<int64_t>* cells, size_t count, Added added) {
  shared_ = cells;
  shared_count_ = count;
  added_ = std::move(added);
}

}  // namespace dtud::plugins
