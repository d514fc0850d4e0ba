#include "tcp_socket.hpp"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>

#include "remote.hpp"

namespace channel_tcp {
namespace {

int option(int fd, int level, int name) {
  int value = -1;
  socklen_t length = sizeof value;
  EXPECT_EQ(::getsockopt(fd, level, name, &value, &length), 0);
  return value;
}

TEST(Socket, IsTunedSoThatADeadPeerIsFoundOut) {
  const Socket s(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  struct Case {
    uint32_t keep_alive_s;
    int silence_s;
  };
  for (const Case& c : {Case{300, 60}, Case{0, 60}, Case{30, 30}, Case{1, 1}}) {
    tune(s.fd(), c.keep_alive_s);
    EXPECT_EQ(option(s.fd(), IPPROTO_TCP, TCP_NODELAY), 1);
    EXPECT_EQ(option(s.fd(), SOL_SOCKET, SO_KEEPALIVE), 1);
    EXPECT_EQ(option(s.fd(), IPPROTO_TCP, TCP_KEEPIDLE), c.silence_s);
    EXPECT_EQ(option(s.fd(), IPPROTO_TCP, TCP_KEEPINTVL), std::max(1, c.silence_s / 6));
    EXPECT_EQ(option(s.fd(), IPPROTO_TCP, TCP_KEEPCNT), 3);
    EXPECT_EQ(option(s.fd(), IPPROTO_TCP, TCP_USER_TIMEOUT), c.silence_s * 1000);
  }
}

TEST(Socket, TellsStatesByTheNumbersOfTheProtocol) {
  test::Listener listener;
  const test::Remote client = test::Remote::connect(listener.port());
  auto accepted = listener.accept();
  ASSERT_TRUE(accepted);
  EXPECT_EQ(facts(accepted->fd()).dtu_state, 4);
  const Socket fresh(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(facts(fresh.fd()).dtu_state, 0);
  EXPECT_EQ(facts(listen_on(*net::numeric_address("127.0.0.1", 0)).fd()).dtu_state, 1);
  accepted->close();
  EXPECT_EQ(facts(client.fd()).dtu_state, 7) << "CLOSE_WAIT";
  EXPECT_EQ(facts(-1).dtu_state, 0);
}

TEST(Socket, ListeningTwiceOnOnePortFails) {
  const Socket first = listen_on(*net::numeric_address("127.0.0.1", 0));
  ASSERT_TRUE(first);
  const Socket second = listen_on(net::local_address(first.fd()));
  EXPECT_FALSE(second);
  EXPECT_EQ(errno, EADDRINUSE);
}

TEST(Socket, SaysWhyItCannotListen) {
  const test::Listener taken;
  const auto address = *net::numeric_address("127.0.0.1", taken.port());
  EXPECT_NE(describe_listen(EADDRINUSE, address).find("in use by another channel of this program"), std::string::npos);
  const auto free = *net::numeric_address("0.0.0.0", 1);
  EXPECT_NE(describe_listen(EADDRINUSE, free).find("in use by another program"), std::string::npos);
  EXPECT_NE(describe_listen(EACCES, free).find("above 1023"), std::string::npos);
  EXPECT_NE(describe_listen(ENOMEM, free).find("cannot listen on 0.0.0.0:1"), std::string::npos);
}

}  // namespace
}  // namespace channel_tcp
