// The client under load: order, contents, back-pressure both ways, and what becomes of tokens.
#include <gtest/gtest.h>

#include "remote.hpp"

namespace channel_tcp::test {
namespace {

constexpr size_t kMany = 32U << 20U;

TEST(TcpFlow, ABatchArrivesWholeAndInOrder) {
  TestHost host;
  Connected c(host);
  std::vector<Message> batch;
  std::string all;
  for (uint32_t i = 0; i < 64; ++i) {
    batch.push_back({pattern(i * 7 % 50, i)});
    all += batch.back().payload;
  }
  const auto sent = c.inst.send(batch);
  EXPECT_EQ(sent.taken, 64U);
  ASSERT_TRUE(host.run_until([&] {
    c.remote->read();
    return c.remote->received == all && c.inst.open_tokens() == 0;
  }));
  ASSERT_EQ(host.completions().size(), 64U);
  for (size_t i = 0; i < 64; ++i) {
    EXPECT_EQ(host.completions()[i].token, sent.tokens[i]);
    EXPECT_EQ(host.completions()[i].status, DTU_OK);
  }
}

TEST(TcpFlow, TakesMoreThanABatchInOneCall) {
  TestHost host;
  Connected c(host);
  const auto sent = c.inst.send(std::vector<Message>(150, Message{"0123456789"}));
  EXPECT_EQ(sent.status, DTU_OK);
  EXPECT_EQ(sent.taken, 150U);
  EXPECT_TRUE(host.run_until([&] {
    c.remote->read();
    return c.remote->received.size() == 1500 && c.inst.open_tokens() == 0;
  }));
}

TEST(TcpFlow, CarriesPayloadsOf64KiBAndOf1MiB) {
  TestHost host;
  Connected c(host);
  const std::string big = pattern(65536, 3);
  const std::string biggest = pattern(DTU_PAYLOAD_MAX, 4);
  ASSERT_EQ(c.inst.send({{big}, {biggest}, {big}}).taken, 3U);
  ASSERT_TRUE(host.run_until([&] {
    c.remote->read();
    return c.remote->received.size() == 2 * big.size() + biggest.size();
  }));
  EXPECT_TRUE(c.remote->received == big + biggest + big);
  EXPECT_TRUE(host.run_until([&] { return c.inst.open_tokens() == 0; }));
}

TEST(TcpFlow, IsCompleteOnlyWhenAcknowledged) {
  TestHost host;
  Connected c(host, "", 4096);  // takes a few KiB, then nothing until it reads
  const std::string small = "small";
  const std::string large = pattern(256 * 1024);
  const auto sent = c.inst.send({{small}, {large}});
  ASSERT_EQ(sent.taken, 2U);
  ASSERT_TRUE(host.run_until([&] { return host.completions().size() == 1; })) << "the first one was acknowledged";
  EXPECT_EQ(host.completions()[0].token, sent.tokens[0]);
  host.run_for(300ms);
  EXPECT_EQ(host.completions().size(), 1U) << "the second one is not acknowledged";
  ASSERT_TRUE(host.run_until([&] {
    c.remote->read();
    return host.completions().size() == 2;
  }));
  EXPECT_EQ(host.completions()[1].status, DTU_OK);
}

TEST(TcpFlow, AsksAfterEnoughBytesWithoutWaitingForTheTimer) {
  TestHost host;
  Connected c(host);
  host.use_fake_clock();  // the timer never fires
  for (int i = 0; i < 40; ++i) {
    ASSERT_EQ(c.inst.send({{pattern(4096)}}).status, DTU_OK);
    c.remote->read();
  }
  EXPECT_GE(completed(host, DTU_OK), 15U);
  for (int i = 0; i < 1200; ++i) {
    ASSERT_EQ(c.inst.send({{"x"}}).status, DTU_OK);
    c.remote->read();
  }
  EXPECT_LE(c.inst.open_tokens(), 1000U) << "nor do many small ones wait";
}

TEST(TcpFlow, PushesBackAndGoesOn) {
  TestHost host;
  Connected c(host, "", 4096);
  const std::string block = pattern(65536, 9);
  std::string all;
  dtu::test::Sent sent;
  while ((sent = c.inst.send({{block}, {block}})).status == DTU_OK)
    for (uint32_t i = 0; i < sent.taken; ++i) all += block;
  EXPECT_EQ(sent.status, DTU_AGAIN);
  EXPECT_EQ(sent.taken, 0U);
  host.run_for(50ms);
  EXPECT_TRUE(host.writables().empty());
  ASSERT_TRUE(host.run_until([&] {
    c.remote->read();
    return !host.writables().empty();
  }));
  EXPECT_EQ(host.writables()[0].source, 0U);
  EXPECT_EQ(c.inst.send({{"end"}}).status, DTU_OK);
  all += "end";
  ASSERT_TRUE(host.run_until([&] {
    c.remote->read();
    return c.remote->received.size() == all.size() && c.inst.open_tokens() == 0;
  }));
  EXPECT_TRUE(c.remote->received == all);
  EXPECT_EQ(host.writables().size(), 1U);
}

TEST(TcpFlow, ThirtyTwoMebibytesUpToASlowReader) {
  TestHost host;
  Connected c(host);
  const std::string all = pattern(kMany, 5);
  size_t at = 0;
  size_t step = 1;
  ASSERT_TRUE(host.run_until(
      [&] {
        while (at < all.size()) {
          std::vector<Message> batch;
          for (size_t end = at, i = 0; i < 8 && end < all.size(); ++i) {
            step = step * 31 % 39916801;
            const size_t n = std::min(all.size() - end, 1 + step % 30000);
            batch.push_back({all.substr(end, n)});
            end += n;
          }
          const auto sent = c.inst.send(batch);
          for (uint32_t i = 0; i < sent.taken; ++i) at += batch[i].payload.size();
          if (sent.status != DTU_OK) break;
        }
        c.remote->read(200000);
        return c.remote->received.size() == all.size() && c.inst.open_tokens() == 0;
      },
      60s));
  EXPECT_TRUE(c.remote->received == all);
  EXPECT_EQ(completed(host, DTU_OK), host.completions().size());
  EXPECT_FALSE(host.writables().empty()) << "it did push back";
}

TEST(TcpFlow, ThirtyTwoMebibytesDownToASlowPort) {
  TestHost host;
  Connected c(host);
  const std::string all = pattern(kMany, 6);
  size_t at = 0;
  std::string got;
  uint32_t turn = 0;
  ASSERT_TRUE(host.run_until(
      [&] {
        at += c.remote->write(std::string_view(all).substr(at));
        if (++turn % 2 == 0) host.block_emit_after(turn % 7);
        got += host.emitted_bytes();
        host.clear();
        return got.size() == all.size();
      },
      60s));
  EXPECT_TRUE(got == all);
}

TEST(TcpFlow, AFloodWaitsInTheNetworkNotInMemory) {
  TestHost host;
  Connected c(host);
  host.block_emit(true);
  const std::string all = pattern(kMany, 7);
  size_t at = 0;
  host.run_until(
      [&] {
        at += c.remote->write(std::string_view(all).substr(at));
        return false;
      },
      500ms);
  EXPECT_LT(at, all.size()) << "the sender was held";
  EXPECT_EQ(peer_health(c.inst, 0, "received_bytes"), 65536U) << "one read, and no more";
}

TEST(TcpFlow, AClosedConnectionGivesBackWhatWasNotAcknowledged) {
  TestHost host;
  Connected c(host, "", 4096);
  ASSERT_EQ(c.inst.send({{"first"}}).taken, 1U);
  ASSERT_TRUE(host.run_until([&] { return completed(host, DTU_OK) == 1; }));
  std::vector<uint64_t> open;
  for (int i = 0; i < 4; ++i)
    for (const uint64_t token : c.inst.send({{pattern(100000)}, {pattern(100000)}}).tokens) open.push_back(token);
  c.remote->read(10000);  // in the middle of the first
  c.remote->reset();
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_DOWN; }));
  ASSERT_EQ(host.completions().size(), 1 + open.size());
  for (size_t i = 0; i < open.size(); ++i) {
    EXPECT_EQ(host.completions()[1 + i].token, open[i]) << "in order";
    const dtu_status status = host.completions()[1 + i].status;
    EXPECT_TRUE(status == DTU_E_REFUSED || (i != 0 && status == DTU_E_CLOSED)) << i << ": " << status;
  }
  EXPECT_EQ(c.inst.open_tokens(), 0U);

  // And they can be sent again when it is back.
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_UP; }));
  ASSERT_TRUE(host.run_until([&] { return (c.remote = c.listener.accept()) != nullptr; }));
  dtu::test::Message again{pattern(1000)};
  again.token = open[0];
  ASSERT_EQ(c.inst.send({again}).taken, 1U);
  EXPECT_TRUE(host.run_until([&] {
    c.remote->read();
    return completed(host, DTU_OK) == 2;
  }));
}

TEST(TcpFlow, WritingIntoAResetConnectionLosesNothing) {
  TestHost host;
  Connected c(host);
  c.remote->reset();  // the loop has not seen it when send() is called
  const auto one = c.inst.send({{"a"}, {"b"}});
  EXPECT_EQ(one.taken, 2U);
  const auto two = c.inst.send({{"c"}});
  EXPECT_EQ(two.status, DTU_AGAIN) << "the connection is known to be dead";
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_DOWN; }));
  EXPECT_EQ(completed(host, DTU_E_CLOSED), 2U) << "the server took nothing of them";
  EXPECT_EQ(c.inst.open_tokens(), 0U);
  EXPECT_TRUE(reported(host, c.inst, DTU_STATE_DOWN, "by the server 127.0.0.1:"));
  EXPECT_TRUE(host.writables().empty());
  EXPECT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_UP && host.writables().size() == 1; }))
      << "who was refused is told when it is back";
}

// The server sends its answer and goes, while the port is too slow to take it, and our own data is answered by a reset.
TEST(TcpFlow, WhatArrivedBeforeAResetIsStillDelivered) {
  TestHost host;
  Connected c(host);
  host.block_emit(true);
  const std::string all = pattern(150000, 8);
  c.remote->write_all(all);
  ASSERT_TRUE(has_read(host, c.inst));
  c.remote->close();
  c.inst.send({{"late"}});
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_DOWN; }));
  EXPECT_EQ(host.emitted().size(), 0U);

  // The next connection is made meanwhile; its bytes come after.
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_UP; }));
  ASSERT_TRUE(host.run_until([&] { return (c.remote = c.listener.accept()) != nullptr; }));
  c.remote->write_all("next");
  ASSERT_TRUE(has_read(host, c.inst));
  host.block_emit_after(1);
  ASSERT_TRUE(host.run_until([&] { return host.emitted().size() == 1; }));
  host.block_emit(false);
  ASSERT_TRUE(host.run_until([&] { return host.emitted_bytes().size() == all.size() + 4; }));
  EXPECT_TRUE(host.emitted_bytes() == all + "next");
  EXPECT_EQ(host.metric("tcp_lost_downlink_bytes"), 0);
}

TEST(TcpFlow, ASecondLossWhileTheFirstStillWaitsIsCounted) {
  TestHost host;
  Connected c(host);
  host.block_emit(true);
  for (int i = 0; i < 2; ++i) {
    c.remote->write_all("12345");
    ASSERT_TRUE(has_read(host, c.inst));
    c.remote->reset();
    ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_DOWN; }));
    ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_UP; }));
    ASSERT_TRUE(host.run_until([&] { return (c.remote = c.listener.accept()) != nullptr; }));
  }
  EXPECT_EQ(host.metric("tcp_lost_downlink_bytes"), 5);
  EXPECT_TRUE(host.logged("5 bytes received from it are lost"));
  host.block_emit(false);
  EXPECT_TRUE(host.run_until([&] { return host.emitted_bytes() == "12345"; }));
}

}  // namespace
}  // namespace channel_tcp::test
