// mosquitto on a free port of its own, which may be killed and started again on the same port.
#pragma once
#include <cstdint>
#include <string>

#include "process.hpp"
#include "temp_dir.hpp"

namespace e2e {

class Broker {
 public:
  // Starts it and waits until it listens. `more`: lines for the end of its configuration, such as another listener.
  explicit Broker(std::string more = "");
  void start();                     // after kill()
  void kill() { process_.kill(); }  // SIGKILL
  [[nodiscard]] uint16_t port() const { return port_; }

 private:
  const std::string more_;
  TempDir dir_;
  Process process_;
  uint16_t port_ = 0;
};

}  // namespace e2e
