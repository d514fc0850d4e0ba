// What a channel counts: shown in health, and by the host's metrics where it offers them.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <dtu/sdk/host.hpp>

namespace net {

struct CounterName {
  const char* key;  // in health
  const char* metric;
  const char* help;
};

// Count: an enum class over size_t whose last entry is size_; the names are in its order.
template <typename Count>
class Counters {
 public:
  static constexpr size_t kSize = static_cast<size_t>(Count::size_);
  using Names = CounterName[kSize];

  Counters(dtu::Host host, const Names& names)
      : host_(host), names_(names), service_(host.service<dtu_metrics_service>(DTU_METRICS_SERVICE)) {
    if (service_ == nullptr) return;
    for (size_t i = 0; i < kSize; ++i) {
      if (service_->add(host_.instance(), DTU_METRIC_COUNTER, dtu::str(names[i].metric), dtu::str(names[i].help),
                        &ids_[i]) != DTU_OK)
        ids_[i] = 0;
    }
  }
  void add(Count which, uint64_t by = 1) {
    const auto i = static_cast<size_t>(which);
    values_[i] += by;
    if (ids_[i] != 0) service_->increase(host_.instance(), ids_[i], by);
  }
  [[nodiscard]] uint64_t value(Count which) const { return values_[static_cast<size_t>(which)]; }
  // `out` has set(key, value), as Poco::JSON::Object does.
  template <typename Object>
  void show(Object& out) const {
    for (size_t i = 0; i < kSize; ++i) out.set(names_[i].key, values_[i]);
  }

 private:
  dtu::Host host_;
  const Names& names_;
  const dtu_metrics_service* service_;
  std::array<uint64_t, kSize> ids_{};
  std::array<uint64_t, kSize> values_{};
};

}  // namespace net
