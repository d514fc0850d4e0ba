// What the channel counts.
#pragma once
#include <dtu/kit/net/counters.hpp>

namespace channel_udp {

enum class Count : size_t { connects, disconnects, refusals, rejected_messages, lost_downlink_messages, size_ };

class Metrics : public net::Counters<Count> {
 public:
  explicit Metrics(dtu::Host host) : Counters(host, kNames) {}

 private:
  static const Names kNames;
};

}  // namespace channel_udp
