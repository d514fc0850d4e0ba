// The other end of the channel under test: a UDP socket on the loopback that never blocks.
#pragma once
#include <chrono>
#include <cstdint>
#include <dtu/kit/net/socket.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "channel.hpp"
#include "host/test_host.hpp"

extern "C" const dtu_plugin DTU_ENTRY;

namespace channel_udp::test {

using dtu::test::Instance;
using dtu::test::Message;
using dtu::test::TestHost;
using namespace std::chrono_literals;

inline const dtu_component& component() { return *DTU_ENTRY.components[0]; }
// The same, but its waits have no jitter: the least each time.
[[nodiscard]] const dtu_component& steady();

class Server {
 public:
  // A server that is not open refuses; nobody else is given its port.
  explicit Server(const std::string& address = "127.0.0.1", bool open = true);
  void open();
  void close();
  [[nodiscard]] uint16_t port() const { return port_; }
  // Everything that came so far.
  const std::vector<std::string>& received();
  [[nodiscard]] std::string last_sender() const { return sender_.text(); }
  // To whoever sent last; or to an address.
  bool answer(std::string_view payload);
  bool send(std::string_view payload, const net::Address& to);

 private:
  net::Socket holder_;  // keeps the port; connected to itself, it hears nobody
  net::Socket socket_;
  uint16_t port_ = 0;
  net::Address sender_;
  std::vector<std::string> received_;
};

// {"url": "127.0.0.1", "port": N, extra...}
[[nodiscard]] std::string config(uint16_t port, const std::string& extra = "");
// What health() says at `key`, as text.
[[nodiscard]] std::string health(Instance& inst, const std::string& key);
[[nodiscard]] size_t completed(TestHost& host, dtu_status status);
[[nodiscard]] std::string last_report(TestHost& host);

// A channel that is UP, and its server.
struct Connected {
  explicit Connected(TestHost& host, const std::string& extra = "");
  Server server;
  Instance inst;
  [[nodiscard]] net::Address address();  // of the channel's socket
};

}  // namespace channel_udp::test
