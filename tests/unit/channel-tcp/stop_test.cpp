// stop() and flush(): what was taken goes out if the time allows, and every token is answered.
#include <gtest/gtest.h>

#include "remote.hpp"

namespace channel_tcp::test {
namespace {

TEST(TcpStop, BeforeStartAndBeforeTheFirstAttempt) {
  TestHost host;
  Instance never = host.create(component(), client_config(1));
  EXPECT_EQ(never.stop(100), DTU_OK);
  EXPECT_EQ(never.health().find(R"({"mode":"client","dtu_state":0)"), 0U);
  Instance early = host.create(component(), client_config(1));
  early.start();
  EXPECT_EQ(early.stop(100), DTU_OK);
  host.run_for(10ms);
  EXPECT_TRUE(host.reports().empty());
}

TEST(TcpStop, WithNothingUnderWayIsAtOnce) {
  TestHost host;
  Connected c(host);
  EXPECT_EQ(c.inst.stop(1000), DTU_OK);
  EXPECT_TRUE(host.run_until([&] {
    c.remote->read();
    return c.remote->ended();
  }));
  Instance server = host.create(component(), server_config());
  server.start();
  ASSERT_TRUE(host.run_until([&] { return host.state(server) == DTU_STATE_UP; }));
  EXPECT_EQ(server.stop(1000), DTU_OK);
}

TEST(TcpStop, FlushesWhatWasTaken) {
  TestHost host;
  Connected c(host, "", 4096);
  const std::string all = pattern(600000);
  ASSERT_EQ(c.inst.send({{all}}).taken, 1U);
  EXPECT_EQ(c.inst.stop(20000), DTU_PENDING);
  ASSERT_TRUE(host.run_until(
      [&] {
        c.remote->read();
        return host.state(c.inst) == DTU_STATE_STOPPED;
      },
      20s));
  EXPECT_EQ(completed(host, DTU_OK), 1U);
  ASSERT_TRUE(host.run_until([&] {
    c.remote->read();
    return c.remote->ended();
  }));
  EXPECT_TRUE(c.remote->received == all);
}

TEST(TcpStop, GivesUpAtTheDeadlineAndAnswersTheRest) {
  TestHost host;
  Connected c(host, "", 4096);
  const auto sent = c.inst.send({{"small"}, {pattern(600000)}, {"after"}});
  ASSERT_EQ(sent.taken, 3U);
  EXPECT_EQ(c.inst.stop(100), DTU_PENDING);
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_STOPPED; }));
  ASSERT_EQ(host.completions().size(), 3U);
  EXPECT_EQ(host.completions()[0].status, DTU_OK);
  EXPECT_EQ(host.completions()[1].status, DTU_E_CLOSED);
  EXPECT_EQ(host.completions()[2].status, DTU_E_CLOSED);
  EXPECT_EQ(c.inst.open_tokens(), 0U);
}

TEST(TcpStop, TheOtherEndGoesDuringTheFlush) {
  TestHost host;
  Connected c(host, "", 4096);
  ASSERT_EQ(c.inst.send({{pattern(600000)}}).taken, 1U);
  EXPECT_EQ(c.inst.stop(20000), DTU_PENDING);
  c.remote->reset();
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_STOPPED; }));
  EXPECT_EQ(completed(host, DTU_E_REFUSED), 1U);
}

TEST(TcpStop, UnderLoadBothWays) {
  TestHost host;
  Connected c(host);
  const std::string block = pattern(65536);
  size_t up = 0;
  host.run_until([&] {
    c.remote->write(block);
    while (c.inst.send({{block}}).status == DTU_OK) ++up;
    c.remote->read(100000);
    return up > 100;
  });
  ASSERT_GT(up, 100U);
  EXPECT_EQ(c.inst.stop(20000), DTU_PENDING);
  ASSERT_TRUE(host.run_until(
      [&] {
        c.remote->write(block);
        c.remote->read();
        return host.state(c.inst) == DTU_STATE_STOPPED;
      },
      20s));
  EXPECT_EQ(c.inst.open_tokens(), 0U);
  EXPECT_EQ(completed(host, DTU_OK), up);
}

TEST(TcpStop, LosesWhatThePortNeverTookAndCountsIt) {
  TestHost host;
  Connected c(host);
  host.block_emit(true);
  c.remote->write_all("12345");
  ASSERT_TRUE(has_read(host, c.inst));
  EXPECT_EQ(c.inst.stop(1000), DTU_OK);
  EXPECT_EQ(host.metric("tcp_lost_downlink_bytes"), 5);
}

TEST(TcpStop, AServerFlushesToo) {
  TestHost host;
  Instance inst = host.create(component(), server_config());
  inst.start();
  ASSERT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
  const uint16_t port = listen_port(inst);
  Remote fast = Remote::connect(port);
  Remote slow = Remote::connect(port, 4096);
  ASSERT_TRUE(host.run_until([&] { return peer_health(inst, 1, "id") == 2; }));
  const std::string all = pattern(600000);
  ASSERT_EQ(inst.send({{all}}).taken, 1U);
  EXPECT_EQ(inst.stop(20000), DTU_PENDING);
  ASSERT_TRUE(host.run_until(
      [&] {
        fast.read();
        slow.read();
        return host.state(inst) == DTU_STATE_STOPPED;
      },
      20s));
  EXPECT_EQ(completed(host, DTU_OK), 1U);
  ASSERT_TRUE(host.run_until([&] {
    fast.read();
    slow.read();
    return fast.ended() && slow.ended();
  }));
  EXPECT_TRUE(fast.received == all);
  EXPECT_TRUE(slow.received == all);
}

TEST(TcpStop, AServerGivesUpAtTheDeadline) {
  for (const char* when_empty : {R"("when_empty": "hold")", R"("when_empty": "discard")"}) {
    TestHost host;
    Instance inst = host.create(component(), server_config(when_empty));
    inst.start();
    ASSERT_TRUE(host.run_until([&] { return !health(inst, "listen_port").empty(); }));
    const Remote slow = Remote::connect(listen_port(inst), 4096);
    ASSERT_TRUE(host.run_until([&] { return peer_health(inst, 0, "id") == 1; }));
    ASSERT_EQ(inst.send({{pattern(600000)}, {"more"}}).taken, 2U);
    EXPECT_EQ(inst.stop(100), DTU_PENDING);
    ASSERT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_STOPPED; }));
    EXPECT_EQ(completed(host, DTU_E_CLOSED), 2U) << when_empty;
    EXPECT_EQ(inst.open_tokens(), 0U);
  }
}

TEST(TcpStop, FlushTellsWhetherAnythingIsUnderWay) {
  TestHost host;
  Connected c(host, "", 4096);
  const auto* channel = c.inst.iface<dtu_channel>(DTU_CHANNEL_IFACE);
  EXPECT_EQ(channel->flush(c.inst.self(), 1000, nullptr), DTU_OK);
  ASSERT_EQ(c.inst.send({{pattern(600000)}}).taken, 1U);
  EXPECT_EQ(channel->flush(c.inst.self(), 1000, nullptr), DTU_PENDING);
  ASSERT_TRUE(host.run_until([&] {
    c.remote->read();
    return c.inst.open_tokens() == 0;
  }));
  EXPECT_EQ(channel->flush(c.inst.self(), 1000, nullptr), DTU_OK);
}

}  // namespace
}  // namespace channel_tcp::test
