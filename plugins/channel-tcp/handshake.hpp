// A connected socket on its way to TLS, on the lane: it gets 10 s, then it is given up.
#pragma once
#include <dtu/kit/tls/session.hpp>
#include <dtu/sdk.hpp>
#include <functional>
#include <memory>
#include <string>

#include "transport.hpp"

namespace channel_tcp {

class Handshake {
 public:
  // problem: "" when it is agreed: take() the transport then. Comes from the loop, once, and may destroy the handshake.
  using Done = std::function<void(Handshake&, const std::string& problem)>;
  Handshake(dtu::Host host, Socket socket, std::unique_ptr<tls::Session> session, Done done);
  Handshake(const Handshake&) = delete;
  Handshake& operator=(const Handshake&) = delete;

  [[nodiscard]] Transport take();
  [[nodiscard]] int fd() const { return socket_.fd(); }
  [[nodiscard]] const std::string& address() const { return address_; }

 private:
  void go_on();
  void finish(const std::string& problem);

  Socket socket_;
  std::unique_ptr<tls::Session> session_;
  const std::string address_;
  Done done_;
  dtu::Timer deadline_;
  std::unique_ptr<dtu::FdWatch> watch_;
};

}  // namespace channel_tcp
