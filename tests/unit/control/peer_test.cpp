#include "control/peer.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>

#include "lanes/descriptor.hpp"

namespace dtud::control {
namespace {

TEST(Peer, IsWhoConnected) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
  const Descriptor one(ends[0]);
  const Descriptor two(ends[1]);
  Peer peer;
  ASSERT_TRUE(read_peer(one.get(), peer));
  EXPECT_EQ(peer.uid, ::geteuid());
  EXPECT_EQ(peer.gid, ::getegid());
  EXPECT_EQ(peer.pid, ::getpid());
}

TEST(Peer, WhoMayEnter) {
  const uid_t owner = 100;
  const gid_t group = 200;
  EXPECT_TRUE(may_enter({0, 0, 1, {}}, owner, group, 0600));
  EXPECT_TRUE(may_enter({100, 1, 1, {}}, owner, group, 0600));
  EXPECT_FALSE(may_enter({101, 200, 1, {}}, owner, group, 0600));
  EXPECT_TRUE(may_enter({101, 200, 1, {}}, owner, group, 0660));
  EXPECT_TRUE(may_enter({101, 1, 1, {5, 200}}, owner, group, 0660));
  EXPECT_FALSE(may_enter({101, 1, 1, {5, 6}}, owner, group, 0660));
  EXPECT_FALSE(may_enter({101, 1, 1, {}}, owner, group, 0664));  // reading the file is not connecting
  EXPECT_TRUE(may_enter({101, 1, 1, {}}, owner, group, 0666));
}

}  // namespace
}  // namespace dtud::control
