// Much at once, and ends that take nothing.
#include <gtest/gtest.h>

#include "server.hpp"

namespace channel_udp::test {
namespace {

TEST(UdpFlow, ManyMessagesGoInOrder) {
  TestHost host;
  Connected c(host);
  std::vector<std::string> expected;
  while (expected.size() < 1000) {
    std::vector<Message> batch;
    for (int i = 0; i < 100; ++i) {
      expected.push_back("message " + std::to_string(expected.size()));
      batch.push_back({expected.back()});
    }
    const auto sent = c.inst.send(batch);
    ASSERT_EQ(sent.taken, 100U);
    ASSERT_TRUE(host.run_until([&] { return c.server.received().size() == expected.size(); }));
  }
  EXPECT_EQ(c.server.received(), expected);
  EXPECT_EQ(completed(host, DTU_UNCONFIRMED), 1000U);
}

TEST(UdpFlow, WhileTheHostTakesNothingOneBatchIsKeptAndTheOrderStays) {
  TestHost host;
  Connected c(host);
  host.block_emit_after(3);
  for (int i = 0; i < 40; ++i) ASSERT_TRUE(c.server.send("d" + std::to_string(i), c.address()));
  ASSERT_TRUE(host.run_until([&] { return host.emitted().size() == 3; }));
  host.run_until([] { return false; }, 20ms);
  EXPECT_EQ(host.emitted().size(), 3U);
  host.block_emit(false);
  ASSERT_TRUE(host.run_until([&] { return host.emitted().size() == 40; }));
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(host.emitted()[i].payload, "d" + std::to_string(i));
  EXPECT_EQ(host.metric("udp_lost_downlink_messages"), 0);
}

TEST(UdpFlow, WhatTheSystemHadNoRoomForIsCounted) {
  TestHost host;
  Connected c(host);
  host.block_emit(true);
  const std::string large(60000, 'l');
  constexpr int kMany = 200;  // 12 MB: far beyond a receive buffer
  for (int i = 0; i < kMany; ++i) c.server.send(large, c.address());
  host.run_until([] { return false; }, 20ms);
  host.block_emit(false);
  // A drop is told with the next datagram that comes.
  ASSERT_TRUE(host.run_until([&] {
    c.server.send("more", c.address());
    return host.metric("udp_lost_downlink_messages").value_or(0) > 0;
  }));
  ASSERT_TRUE(host.run_until([&] { return host.emitted().back().payload == "more"; }));
  size_t came = 0;
  for (const auto& e : host.emitted()) came += e.payload == large ? 1 : 0;
  EXPECT_EQ(static_cast<int64_t>(came) + *host.metric("udp_lost_downlink_messages"), kMany);
}

TEST(UdpFlow, SilenceIsNotCountedWhileTheHostTakesNothing) {
  TestHost host;
  Connected c(host, R"("keepAlive": 10)");
  host.block_emit(true);
  ASSERT_TRUE(c.server.send("held", c.address()));
  ASSERT_TRUE(host.run_until([&] { return c.inst.health().find("\"received_messages\":1") != std::string::npos; }));
  host.use_fake_clock();
  host.advance(60s);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_UP);
  host.block_emit(false);
  ASSERT_TRUE(host.run_until([&] { return host.emitted().size() == 1; }));
  host.advance(10100ms);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_DOWN);
}

TEST(UdpFlow, StopCountsWhatNobodyTook) {
  TestHost host;
  Connected c(host);
  host.block_emit(true);
  for (int i = 0; i < 20; ++i) ASSERT_TRUE(c.server.send("x", c.address()));
  ASSERT_TRUE(host.run_until([&] { return c.inst.health().find("\"received_bytes\":1") != std::string::npos; }));
  EXPECT_EQ(c.inst.stop(), DTU_OK);
  EXPECT_EQ(host.metric("udp_lost_downlink_messages"), 20);
  host.block_emit(false);
  host.run_until([] { return false; }, 5ms);
  EXPECT_TRUE(host.emitted().empty());
}

}  // namespace
}  // namespace channel_udp::test
