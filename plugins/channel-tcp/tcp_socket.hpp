// What only a TCP socket has: listening, probes, acknowledgements, a state.
#pragma once
#include <cstdint>
#include <dtu/kit/net/socket.hpp>
#include <string>

namespace channel_tcp {

using net::Address;
using net::Socket;

// All are non-blocking and close-on-exec. An empty Socket: see errno.
[[nodiscard]] Socket listen_on(const Address& address);
[[nodiscard]] Socket accept_from(int listener);

// No delay; and a dead peer is found out: with bytes under way after min(keep_alive_s, 60) seconds, idle by probes.
void tune(int fd, uint32_t keep_alive_s);

[[nodiscard]] uint64_t unacknowledged(int fd);  // bytes given to the socket and not acknowledged by the peer's TCP

struct SocketFacts {
  int dtu_state = 0;  // as numbered by the DTU protocol: 0 CLOSED, 1 LISTEN, 2 SYN_SENT, 4 ESTABLISHED, ...
  uint32_t rtt_us = 0;
};
[[nodiscard]] SocketFacts facts(int fd);

// Why listening failed, and what to do.
[[nodiscard]] std::string describe_listen(int error, const Address& listen);

}  // namespace channel_tcp
