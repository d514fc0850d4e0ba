// UDP peers on 127.0.0.1.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <stdexcept>
#include <string>

#include "descriptor.hpp"
#include "wait.hpp"

namespace e2e {

// A server on 127.0.0.1. Closed it refuses; nobody else is given its port.
class UdpServer {
 public:
  UdpServer() {
    sockaddr_in a{};
    a.sin_family = AF_INET;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    holder_ = bound(a);
    socklen_t length = sizeof a;
    if (::getsockname(holder_.get(), reinterpret_cast<sockaddr*>(&a), &length) != 0 ||
        ::connect(holder_.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0)
      throw std::runtime_error("cannot hold a UDP port");
    address_ = a;
    open();
  }
  void open() { fd_ = bound(address_); }
  void close() { fd_.reset(); }
  [[nodiscard]] uint16_t port() const { return ntohs(address_.sin_port); }
  // The next datagram; "(nothing)" at the deadline.
  std::string receive(int ms = Deadline().left_ms()) {
    std::string buffer(65536, '\0');
    socklen_t length = sizeof from_;
    if (!wait_readable(fd_.get(), ms)) return "(nothing)";
    const ssize_t n =
        ::recvfrom(fd_.get(), buffer.data(), buffer.size(), 0, reinterpret_cast<sockaddr*>(&from_), &length);
    return n < 0 ? "(nothing)" : buffer.substr(0, static_cast<size_t>(n));
  }
  bool answer(const std::string& payload) const {
    return ::sendto(fd_.get(), payload.data(), payload.size(), 0, reinterpret_cast<const sockaddr*>(&from_),
                    sizeof from_) == static_cast<ssize_t>(payload.size());
  }

 private:
  static Descriptor bound(const sockaddr_in& a) {
    Descriptor fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int on = 1;
    ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&a), sizeof a) != 0)
      throw std::runtime_error("cannot bind a UDP port");
    return fd;
  }
  Descriptor holder_;  // keeps the port; connected to itself, it hears nobody
  sockaddr_in address_{};
  Descriptor fd_;
  sockaddr_in from_{};
};

}  // namespace e2e
