// Carries TCP connections to another port, as long as it is open: to keep dtud away from a broker until a test is
// ready.
#pragma once
#include <atomic>
#include <cstdint>
#include <thread>

#include "tcp.hpp"

namespace e2e {

class Proxy {
 public:
  explicit Proxy(uint16_t to);
  ~Proxy();
  [[nodiscard]] uint16_t port() const { return server_.port(); }
  void open() { open_ = true; }
  void shut() { open_ = false; }  // refuses new connections; those that are there go on

 private:
  void serve();
  uint16_t to_;
  TcpServer server_;
  std::atomic<bool> open_{true}, ending_{false};
  std::thread thread_;
};

}  // namespace e2e
