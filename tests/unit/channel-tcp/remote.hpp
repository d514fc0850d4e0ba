// The other end of the channel under test: plain sockets that never block, so that one thread plays both sides.
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "channel.hpp"
#include "host/test_host.hpp"
#include "tcp_socket.hpp"

extern "C" const dtu_plugin DTU_ENTRY;

namespace channel_tcp::test {

using dtu::test::Instance;
using dtu::test::Message;
using dtu::test::TestHost;
using namespace std::chrono_literals;

inline const dtu_component& component() { return *DTU_ENTRY.components[0]; }

// Bytes whose every stretch tells where it belongs.
[[nodiscard]] std::string pattern(size_t size, uint32_t seed = 1);

class Remote {
 public:
  explicit Remote(Socket socket) : socket_(std::move(socket)) {}
  // Connects to 127.0.0.1:port; a small receive buffer (0: the system's) makes a peer that soon takes nothing more.
  static Remote connect(uint16_t port, int receive_buffer = 0, const std::string& from = "");

  void read(size_t most = SIZE_MAX);       // what is there, appended to received
  size_t write(std::string_view bytes);    // as much as fits
  void write_all(std::string_view bytes);  // all of it must fit
  void reset();                            // RST
  void close() { socket_.reset(); }
  [[nodiscard]] bool ended() const { return ended_; }  // the channel closed or reset the connection
  [[nodiscard]] int fd() const { return socket_.fd(); }
  std::string received;

 private:
  Socket socket_;
  bool ended_ = false;
};

// A listening socket on 127.0.0.1.
class Listener {
 public:
  static constexpr int kNotYet = -1;  // the port is ours, but connections to it are refused until listen()
  explicit Listener(int receive_buffer = 0, int backlog = 16);
  void listen(int backlog = 16);
  [[nodiscard]] uint16_t port() const { return port_; }
  std::unique_ptr<Remote> accept();  // null: nobody is there
  void close() { socket_.reset(); }

 private:
  Socket socket_;
  uint16_t port_ = 0;
};

// {"mode": "client", "url": "127.0.0.1", "port": N, extra...}
[[nodiscard]] std::string client_config(uint16_t port, const std::string& extra = "");
[[nodiscard]] std::string server_config(const std::string& extra = "");

// What health() says at `key`, as text.
[[nodiscard]] std::string health(Instance& inst, const std::string& key);
[[nodiscard]] uint64_t peer_health(Instance& inst, size_t index, const std::string& key);
// The (first) connection has read something, whether or not the host had room for it.
[[nodiscard]] bool has_read(TestHost& host, Instance& inst);
[[nodiscard]] uint16_t listen_port(Instance& inst);

// A client that is UP, and the server's end of its connection.
struct Connected {
  explicit Connected(TestHost& host, const std::string& extra = "", int receive_buffer = 0);
  Listener listener;
  Instance inst;
  std::unique_ptr<Remote> remote;
};

// The last state reported has this state and a text that contains `piece`.
[[nodiscard]] bool reported(TestHost& host, const Instance& inst, int32_t state, const std::string& piece);
[[nodiscard]] size_t completed(TestHost& host, dtu_status status);

}  // namespace channel_tcp::test
