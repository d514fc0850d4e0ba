#include "tcp.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <stdexcept>

namespace e2e {
namespace {

sockaddr_in loopback(uint16_t port) {
  sockaddr_in a{};
  a.sin_family = AF_INET;
  a.sin_port = htons(port);
  a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return a;
}

}  // namespace

TcpPeer::TcpPeer(Descriptor fd) : Line(std::move(fd)) {
  const int on = 1;
  ::setsockopt(fd_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
}

TcpPeer::TcpPeer(uint16_t port) : TcpPeer(Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0))) {
  const sockaddr_in a = loopback(port);
  ::fcntl(fd_.get(), F_SETFL, 0);
  if (::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0) fd_.reset();
  if (fd_) ::fcntl(fd_.get(), F_SETFL, O_NONBLOCK);
}

void TcpPeer::end_sending() const { ::shutdown(fd(), SHUT_WR); }

void TcpPeer::reset() {
  const linger hard{1, 0};
  ::setsockopt(fd(), SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
  close();
}

TcpServer::TcpServer(uint16_t port) : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
  const int on = 1;
  ::setsockopt(fd_.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in a = loopback(port);
  socklen_t length = sizeof a;
  if (::bind(fd_.get(), reinterpret_cast<sockaddr*>(&a), sizeof a) != 0 || ::listen(fd_.get(), 64) != 0 ||
      ::getsockname(fd_.get(), reinterpret_cast<sockaddr*>(&a), &length) != 0)
    throw std::runtime_error("cannot listen on port " + std::to_string(port));
  port_ = ntohs(a.sin_port);
}

TcpPeer TcpServer::accept() {
  if (!wait_readable(fd_.get(), Deadline().left_ms())) return {};
  return TcpPeer(Descriptor(::accept4(fd_.get(), nullptr, nullptr, SOCK_CLOEXEC)));
}

uint16_t free_port() { return TcpServer().port(); }

}  // namespace e2e
