#include "handshake.hpp"

#include <utility>

namespace channel_tcp {
namespace {

constexpr uint32_t kDeadlineMs = 10000;

}  // namespace

// Both sides begin when the loop says that the socket can be written: at once.
Handshake::Handshake(dtu::Host host, Socket socket, std::unique_ptr<tls::Session> session, Done done)
    : socket_(std::move(socket)),
      session_(std::move(session)),
      address_(net::peer_address(socket_.fd()).text()),
      done_(std::move(done)),
      deadline_(host,
                [this] {
                  finish("it did not finish the TLS handshake within " + std::to_string(kDeadlineMs / 1000) + " s");
                }),
      watch_(std::make_unique<dtu::FdWatch>(host, socket_.fd(), DTU_FD_WRITE, [this](uint32_t) { go_on(); })) {
  deadline_.arm_ms(kDeadlineMs);
}

void Handshake::go_on() {
  switch (session_->handshake()) {
    case tls::Step::done:
      return finish("");
    case tls::Step::wants_read:
      return watch_->want(DTU_FD_READ);
    case tls::Step::wants_write:
      return watch_->want(DTU_FD_WRITE);
    default:
      return finish(session_->socket_error() != 0 ? net::describe(session_->socket_error(), address_)
                                                  : session_->reason());
  }
}

void Handshake::finish(const std::string& problem) {
  watch_.reset();
  deadline_.disarm();
  // The call may destroy this object, and the function with it.
  const Done done = std::move(done_);
  done(*this, problem);
}

Transport Handshake::take() { return {std::move(socket_), std::move(session_)}; }

}  // namespace channel_tcp
