// One client of a server: its connection, and what the server knows of it.
#pragma once
#include <dtu/kit/net/networks.hpp>

#include "rfc2217.hpp"
#include "stream.hpp"

namespace channel_tcp {

// The server makes no other streams, so a Stream& that it is called with is one of these.
struct ServedClient final : Stream {
  using Stream::Stream;
  std::optional<net::IpBytes> ip;
  int64_t heard_ns = 0;                      // when it came, or when a byte of it was last read
  bool read_only = false;                    // its bytes are dropped
  bool gone = false;                         // what it had sent may still wait for room
  std::unique_ptr<rfc2217::Session> telnet;  // none: it sends and gets the bytes of the line

  [[nodiscard]] size_t unread() const { return undelivered() + (telnet ? telnet->data_bytes() : 0); }
};

}  // namespace channel_tcp
