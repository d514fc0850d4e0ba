// A port in mode "raw" and a UDP channel: each packet of the line is a datagram, and each datagram goes to the line.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <stdexcept>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"

namespace e2e {
namespace {

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

std::string raw_udp(uint16_t port, const std::string& more = "") {
  return R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "\n"}}}, "conf": {"1": {"protocol": "udp",
            "serialID": "1", "url": "127.0.0.1", "heartbeat": "", "keepAlive": "0", "port": ")" +
         std::to_string(port) + "\"" + more + "}}}";
}

TEST(RawUdp, EachPacketIsADatagramBothWays) {
  Pty pty;
  UdpServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(raw_udp(server.port()));
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  for (int i = 0; i < 200; ++i) {
    const std::string up = "up " + std::to_string(i) + "\n";
    const std::string down = "down " + std::to_string(i) + "\n";
    ASSERT_TRUE(pty.write(up));
    ASSERT_EQ(server.receive(), up);
    ASSERT_TRUE(server.answer(down));
    ASSERT_EQ(pty.read_until("\n"), down);
  }
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 200));
  const Json health = at(dtud.channel("1"), "health");
  EXPECT_EQ(number(health, "dtu_state"), 4);
  EXPECT_EQ(number(health, "peers[0].sent_messages"), 200);
  EXPECT_EQ(number(health, "peers[0].received_messages"), 200);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(RawUdp, WhatWaitsWhileTheServerRefusesIsSentWhenItIsBack) {
  Pty pty;
  UdpServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(raw_udp(server.port(), R"(, "reconnect": {"min_ms": 20, "max_ms": 100})"));
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  server.close();
  ASSERT_TRUE(pty.write("may be lost\n"));
  ASSERT_TRUE(eventually([&] { return number(at(dtud.channel("1"), "health"), "refusals") > 0; }));
  for (int i = 0; i < 50; ++i) ASSERT_TRUE(pty.write("kept " + std::to_string(i) + "\n"));
  // Each try costs a datagram that is refused, and no message.
  ASSERT_TRUE(eventually([&] { return number(at(dtud.channel("1"), "health"), "refusals") > 3; }));
  server.open();
  for (int i = 0; i < 50; ++i) ASSERT_EQ(server.receive(), "kept " + std::to_string(i) + "\n");
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(RawUdp, ABadConfigurationIsNamed) {
  Dtud dtud;
  dtud.device(R"({"conf": {"1": {"protocol": "udp", "url": "udp://host", "port": 70000}}})");
  dtud.write_documents();
  const Ran check = dtud.check();
  EXPECT_EQ(check.status, 1);
  EXPECT_NE(check.output.find("/conf/1/port: 70000 is not allowed"), std::string::npos) << check.output;
}

}  // namespace
}  // namespace e2e
