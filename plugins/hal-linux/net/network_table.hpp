// What the kernel says of its interfaces, addresses and default routes (rtnetlink), and how it is shown. It only reads
// bytes: network.hpp has the socket.
#pragma once
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace hal_linux {

class NetworkTable {
 public:
  static constexpr size_t kMostInterfaces = 64, kMostAddresses = 32, kMostRoutes = 64;

  struct Taken {
    bool done = false;          // the end of a dump
    bool inconsistent = false;  // something changed during the dump: ask again
    int error = 0;              // errno of the kernel: it refused the request
  };
  // One datagram of a dump. Messages with another `sequence` are left alone. Never reads beyond `bytes`.
  Taken take(std::string_view bytes, uint32_t sequence);

  // JSON. [{"name": "eth0", "state": "up", "addresses": ["192.0.2.5/24", "fe80::1/64"]}]
  [[nodiscard]] std::string interfaces() const;
  // {"ipv4": {"interface": "eth0", "gateway": "192.0.2.1", "metric": 100}, "ipv6": null}: those with the lowest metric.
  [[nodiscard]] std::string default_route() const;
  // Both, and "online" (there is a default route): the event network.changed. Interfaces that would make it longer than
  // 3 KiB are left out, and "more" says how many.
  [[nodiscard]] std::string event() const;
  [[nodiscard]] uint64_t left_out() const { return left_out_; }  // above the limits

 private:
  struct Interface {
    std::string name;
    const char* state = "unknown";
    std::set<std::string> addresses;
  };
  struct Route {
    bool ipv6 = false;
    int interface = 0;
    std::string gateway;  // "": none, a link without one
    uint32_t metric = 0;
  };
  void take_link(std::string_view body);
  void take_address(std::string_view body);
  void take_route(std::string_view body);
  [[nodiscard]] std::string route_json(bool ipv6) const;
  [[nodiscard]] static std::string interface_json(const Interface& i);

  std::map<int, Interface> interfaces_;
  std::vector<Route> routes_;
  uint64_t left_out_ = 0;
};

// True if this notification may change what a NetworkTable shows: a link, an address, a default route.
[[nodiscard]] bool concerns_network(std::string_view bytes);

}  // namespace hal_linux
