// TCP peers on 127.0.0.1.
#pragma once
#include <cstdint>

#include "line.hpp"

namespace e2e {

class TcpPeer : public Line {
 public:
  TcpPeer() = default;
  explicit TcpPeer(Descriptor fd);
  explicit TcpPeer(uint16_t port);  // connects; fd() is -1 when it cannot
  void end_sending() const;         // the other end reads the end of the stream
  void reset();                     // closes with RST
};

class TcpServer {
 public:
  explicit TcpServer(uint16_t port = 0);
  [[nodiscard]] uint16_t port() const { return port_; }
  TcpPeer accept();  // fd() is -1 at the deadline
  [[nodiscard]] int fd() const { return fd_.get(); }
  void close() { fd_.reset(); }

 private:
  Descriptor fd_;
  uint16_t port_ = 0;
};

uint16_t free_port();

}  // namespace e2e
