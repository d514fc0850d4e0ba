// A socket descriptor and its addresses.
#pragma once
#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace net {

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

// Non-blocking and close-on-exec. type: SOCK_STREAM, SOCK_DGRAM. An empty Socket: see errno.
[[nodiscard]] Socket open_socket(const Address& address, int type);

// An option this kernel lacks is none that matters: there is no failure.
void set_option(int fd, int level, int option, int value);

[[nodiscard]] int pending_error(int fd);         // SO_ERROR
[[nodiscard]] bool connected_to_itself(int fd);  // a port of our own range may be given to our own end

// "connection refused by 10.0.0.1:8305"
[[nodiscard]] std::string describe(int error, const std::string& peer);

}  // namespace net
