#include "broker.hpp"

#include <stdexcept>

#include "tcp.hpp"
#include "wait.hpp"

namespace e2e {

Broker::Broker(std::string more) : more_(std::move(more)) {
  // Another test may take a free port before mosquitto does: then it ends, and another port is tried.
  for (int tries = 0; tries < 10; ++tries) {
    port_ = free_port();
    start();
    if (process_.running()) return;
  }
  throw std::runtime_error("mosquitto does not start: " + read_file(dir_.path("log")));
}

void Broker::start() {
  write_file(dir_.path("mosquitto.conf"), "listener " + std::to_string(port_) +
                                              " 127.0.0.1\nallow_anonymous true\npersistence false\nuser root\n"
                                              "max_inflight_messages 0\nmax_queued_messages 0\n" +
                                              more_);
  process_.start({"/usr/sbin/mosquitto", "-c", dir_.path("mosquitto.conf")}, dir_.path("log"));
  const auto listens = [this] { return read_file(dir_.path("log")).find(" running") != std::string::npos; };
  eventually([&] { return !process_.running() || (listens() && TcpPeer(port_).fd() >= 0); });
}

}  // namespace e2e
