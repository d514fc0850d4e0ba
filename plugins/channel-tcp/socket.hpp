// A socket descriptor, its addresses, and what the system knows about it.
#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace channel_tcp {

class Socket {
 public:
  Socket() = default;
  explicit Socket(int fd) noexcept : fd_(fd) {}
  Socket(Socket&& o) noexcept : fd_(std::exchange(o.fd_, -1)) {}
  Socket& operator=(Socket&& o) noexcept {
    if (this != &o) {
      reset();
      fd_ = std::exchange(o.fd_, -1);
    }
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { reset(); }
  void reset() noexcept;
  [[nodiscard]] int fd() const noexcept { return fd_; }
  explicit operator bool() const noexcept { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

struct Address {
  sockaddr_storage storage{};
  socklen_t length = 0;
  [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  [[nodiscard]] std::string text() const;  // "10.0.0.1:8305", "[::1]:8305"
  [[nodiscard]] uint16_t port() const;
};

// The address, or nothing when `host` is not an IP address. Never asks a name server.
[[nodiscard]] std::optional<Address> numeric_address(const std::string& host, uint16_t port);
[[nodiscard]] Address local_address(int fd);
[[nodiscard]] Address peer_address(int fd);

// All are non-blocking and close-on-exec. An empty Socket: see errno.
[[nodiscard]] Socket open_socket(const Address& address);
[[nodiscard]] Socket listen_on(const Address& address);
[[nodiscard]] Socket accept_from(int listener);

// No delay; and a dead peer is found out: with bytes under way after min(keep_alive_s, 60) seconds, idle by probes.
void tune(int fd, uint32_t keep_alive_s);

[[nodiscard]] int pending_error(int fd);         // SO_ERROR
[[nodiscard]] uint64_t unacknowledged(int fd);   // bytes given to the socket and not acknowledged by the peer's TCP
[[nodiscard]] bool connected_to_itself(int fd);  // a port of our own range may answer to its own SYN

struct SocketFacts {
  int dtu_state = 0;  // as numbered by the DTU protocol: 0 CLOSED, 1 LISTEN, 2 SYN_SENT, 4 ESTABLISHED, ...
  uint32_t rtt_us = 0;
};
[[nodiscard]] SocketFacts facts(int fd);

// "connection refused by 10.0.0.1:8305"
[[nodiscard]] std::string describe(int error, const std::string& peer);
// Why listening failed, and what to do.
[[nodiscard]] std::string describe_listen(int error, const std::string& address);

}  // namespace channel_tcp
