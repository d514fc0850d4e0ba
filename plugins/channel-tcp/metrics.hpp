// What the channel counts.
#pragma once
#include <dtu/kit/net/counters.hpp>

namespace channel_tcp {

enum class Count : size_t {
  connects,
  disconnects,
  failed_handshakes,
  server_changes,
  refused_clients,
  kicked_clients,
  not_allowed_clients,
  slow_clients,
  discarded_messages,
  discarded_bytes,
  lost_downlink_bytes,
  read_only_bytes,
  malformed_telnet_bytes,
  size_
};

class Metrics : public net::Counters<Count> {
 public:
  explicit Metrics(dtu::Host host) : Counters(host, kNames) {}

 private:
  static const Names kNames;
};

}  // namespace channel_tcp
