// What the channel counts: shown in health, and by the host's metrics where it offers them.
#pragma once
#include <Poco/JSON/Object.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <dtu/sdk.hpp>

namespace channel_http {

enum class Count : size_t { requests, delivered, rejected, failures, connections, redirects, lost_answers, size_ };

class Counters {
 public:
  explicit Counters(dtu::Host host);
  void add(Count which, uint64_t by = 1);
  void show(Poco::JSON::Object& out) const;

 private:
  static constexpr size_t kSize = static_cast<size_t>(Count::size_);
  dtu::Host host_;
  const dtu_metrics_service* service_;
  std::array<uint64_t, kSize> ids_{};
  std::array<uint64_t, kSize> values_{};
};

}  // namespace channel_http
