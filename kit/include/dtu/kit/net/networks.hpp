// Lists of IP networks, as the keys "allowed" and "read_only" name them: "192.168.1.0/24", "fd00::/8", "10.0.0.5".
// Nothing is looked up, nothing allocates but the texts of errors. [any]
#pragma once
#include <array>
#include <cstdint>
#include <dtu/kit/net/socket.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace net {

// 16 bytes; IPv4 as ::ffff:a.b.c.d, which is what a socket that listens on :: shows of it.
using IpBytes = std::array<uint8_t, 16>;

// Nothing for an address of another family, or none.
[[nodiscard]] std::optional<IpBytes> ip_of(const Address& address);

struct Network {
  IpBytes first{};
  unsigned bits = 128;  // how many of the first ones count; of IPv4 96 more than written
  // An IPv6 network, ::/0 too, contains no IPv4 address.
  [[nodiscard]] bool contains(const IpBytes& ip) const;
};

struct ReadNetwork {
  Network network;
  std::string problem;  // what is wrong, with what is allowed; "" when nothing is
};
// An address, or an address/bits whose bits after these are 0.
[[nodiscard]] ReadNetwork read_network(std::string_view text);

using Networks = std::vector<Network>;
[[nodiscard]] bool any_contains(const Networks& networks, const Address& address);

}  // namespace net
