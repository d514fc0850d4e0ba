// Paho's socket, seen from outside. Paho does not lend it, so it is found by its peer's address among the descriptors
// of the process. What it tells: whether what was written has been acknowledged by the peer's TCP, and who ended it.
#pragma once
#include <cstdint>
#include <mqtt/mutex.hpp>
#include <string>
#include <vector>

namespace mqtt {

// The descriptors of this process that are connected to `address` (numeric) and `port`.
std::vector<int> connections_to(const std::string& address, uint16_t port);

// Any thread.
class SocketWatch {
 public:
  SocketWatch() = default;
  SocketWatch(const SocketWatch&) = delete;
  SocketWatch& operator=(const SocketWatch&) = delete;
  ~SocketWatch() { close(); }

  // Finds the socket, holds it and sets TCP_NODELAY: Paho leaves Nagle's algorithm on. Two connections to one broker
  // that are made in the same moment cannot be told apart. Then both are watched: what is acknowledged on both is
  // acknowledged on the one. To be called once, when the broker has answered on it.
  void find(const std::string& address, uint16_t port);
  void close();
  [[nodiscard]] bool found();

  // mark() notes what is written now; marked_acknowledged() tells whether the peer has acknowledged all of it.
  void mark();
  [[nodiscard]] bool marked_acknowledged();

  enum class By { peer, us, unknown };
  struct End {
    By by = By::unknown;
    uint32_t silent_ms = 0;  // since the last byte from the peer
    uint64_t open = 0;       // bytes the peer has not acknowledged
    uint64_t unread = 0;     // bytes that came and were not read
  };
  [[nodiscard]] End end();  // how the connection ended; to be asked at once

 private:
  struct Socket {
    int fd;
    uint64_t marked;
  };
  Mutex mutex_;
  std::vector<Socket> sockets_ MQTT_GUARDED_BY(mutex_);
};

}  // namespace mqtt
