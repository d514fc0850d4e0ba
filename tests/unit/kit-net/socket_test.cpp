#include <gtest/gtest.h>
#include <netinet/in.h>

#include <cerrno>
#include <dtu/kit/net/socket.hpp>
#include <net/lookup_error.hpp>

namespace net {
namespace {

TEST(Socket, TellsAddresses) {
  EXPECT_EQ(numeric_address("10.0.0.1", 8305)->text(), "10.0.0.1:8305");
  EXPECT_EQ(numeric_address("::1", 5)->text(), "[::1]:5");
  EXPECT_EQ(numeric_address("::1", 5)->port(), 5);
  EXPECT_FALSE(numeric_address("localhost", 5));
  EXPECT_FALSE(numeric_address("", 5));
}

TEST(Socket, SaysWhatWentWrong) {
  EXPECT_EQ(describe(ECONNREFUSED, "10.0.0.1:8305"), "connection refused by 10.0.0.1:8305");
  EXPECT_EQ(describe(EMFILE, "x:1"), "this device has no free descriptor to reach x:1");
  EXPECT_EQ(describe(ENETDOWN, "x:1"), "the network of this device is down: no way to reach x:1");
  EXPECT_EQ(describe(EPROTO, "x:1"), "x:1: Protocol error");
}

TEST(Socket, OnlyANameServerThatAnswersCanSayThatANameHasNoAddress) {
  EXPECT_EQ(describe_lookup(EAI_NONAME, "a.b").rfind("the name a.b has no address (", 0), 0U);
  EXPECT_EQ(describe_lookup(EAI_AGAIN, "a.b").rfind("no name server answered for the name a.b (", 0), 0U);
  errno = EMFILE;
  EXPECT_EQ(describe_lookup(EAI_SYSTEM, "a.b"), "the name a.b cannot be looked up (Too many open files)");
}

// A port of the ephemeral range that nobody listens on may be given to our own end, which then answers itself.
TEST(Socket, KnowsAConnectionToItself) {
  const Socket s(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const Address any = *numeric_address("127.0.0.1", 0);
  ASSERT_EQ(::bind(s.fd(), any.get(), any.length), 0);
  const Address self = local_address(s.fd());
  ASSERT_EQ(::connect(s.fd(), self.get(), self.length), 0);
  EXPECT_TRUE(connected_to_itself(s.fd()));

  const Socket other = open_socket(any, SOCK_DGRAM);
  EXPECT_FALSE(connected_to_itself(other.fd())) << "connected to nobody";
  const Socket peer = open_socket(any, SOCK_DGRAM);
  ASSERT_EQ(::bind(peer.fd(), any.get(), any.length), 0);
  const Address there = local_address(peer.fd());
  ASSERT_EQ(::connect(other.fd(), there.get(), there.length), 0);
  EXPECT_FALSE(connected_to_itself(other.fd()));
}

}  // namespace
}  // namespace net
