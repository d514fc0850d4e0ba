// A server that refuses: nobody listens on its port, and its system says so (ICMP).
#include <gtest/gtest.h>

#include "server.hpp"

namespace channel_udp::test {
namespace {

struct Refused : testing::Test {
  // Sends into a closed port; the channel is DOWN then.
  void refuse(const std::string& extra = "") {
    inst = std::make_unique<Instance>(
        host.create(steady(), config(server.port(), R"("reconnect": {"min_ms": 1000})" + extra)));
    inst->start();
    ASSERT_TRUE(host.run_until([&] { return host.state(*inst) == DTU_STATE_UP; }));
    host.use_fake_clock();
    inst->send({{"into the void"}});
    ASSERT_TRUE(host.run_until([&] { return host.state(*inst) == DTU_STATE_DOWN; }));
  }
  TestHost host;
  Server server{"127.0.0.1", false};
  std::unique_ptr<Instance> inst;
};

TEST_F(Refused, IsDownAndCounted) {
  refuse();
  EXPECT_EQ(last_report(host),
            "connection refused by 127.0.0.1:" + std::to_string(server.port()) + ": no program listens there");
  EXPECT_EQ(host.metric("udp_refusals"), 1);
  EXPECT_EQ(host.metric("udp_disconnects"), 1);
  const auto sent = inst->send({{"x"}});
  EXPECT_EQ(sent.status, DTU_E_IO);
  EXPECT_EQ(inst->raw_error().protocol_code, 5007U);
  EXPECT_NE(inst->raw_error().flags & DTU_ERR_RETRYABLE, 0U);
}

TEST_F(Refused, OneMessageTriesWhetherItIsBackAndIsNotLost) {
  refuse();
  host.clear();
  host.advance(1100ms);
  ASSERT_EQ(host.state(*inst), DTU_STATE_DEGRADED);
  EXPECT_NE(last_report(host).find("refused the last datagrams"), std::string::npos);
  const auto sent = inst->send({{"one"}, {"two"}});
  EXPECT_EQ(sent.status, DTU_AGAIN);
  EXPECT_EQ(sent.taken, 1U);
  ASSERT_TRUE(host.run_until([&] { return host.state(*inst) == DTU_STATE_DOWN; }));
  EXPECT_EQ(completed(host, DTU_E_CLOSED), 1U) << "given back, to be sent again";
  EXPECT_EQ(completed(host, DTU_UNCONFIRMED), 0U);

  server.open();
  host.advance(2100ms);
  ASSERT_EQ(host.state(*inst), DTU_STATE_DEGRADED);
  host.clear();
  EXPECT_EQ(inst->send({{"one"}, {"two"}}).taken, 1U);
  host.advance(1100ms);
  EXPECT_EQ(host.state(*inst), DTU_STATE_UP);
  EXPECT_EQ(completed(host, DTU_UNCONFIRMED), 1U);
  EXPECT_EQ(host.writables().size(), 1U);
  EXPECT_EQ(inst->send({{"two"}}).status, DTU_OK);
  ASSERT_TRUE(host.run_until([&] { return server.received().size() == 2; }));
}

TEST_F(Refused, AnAnswerEndsTheProbationAtOnce) {
  refuse();
  server.open();
  host.advance(1100ms);
  inst->send({{"anybody?"}});
  ASSERT_TRUE(host.run_until([&] { return server.received().size() == 1; }));
  ASSERT_TRUE(server.answer("here"));
  EXPECT_TRUE(host.run_until([&] { return host.state(*inst) == DTU_STATE_UP; }));
  EXPECT_EQ(inst->open_tokens(), 0U);
}

TEST_F(Refused, ThePingTriesWhereThereIsOne) {
  refuse(R"(, "ping": "beat")");
  host.advance(1100ms);
  ASSERT_TRUE(host.run_until([&] { return host.metric("udp_refusals") == 2; }));
  EXPECT_EQ(host.state(*inst), DTU_STATE_DOWN) << "never anything else meanwhile";
  EXPECT_EQ(host.reports().size(), 2U);
  server.open();
  host.advance(2100ms);
  ASSERT_TRUE(host.run_until([&] { return server.received().size() == 1; }));
  EXPECT_EQ(server.received()[0], "beat");
  EXPECT_EQ(host.state(*inst), DTU_STATE_DOWN) << "not yet: a refusal may still come";
  EXPECT_EQ(inst->send({{"x"}}).status, DTU_AGAIN);
  host.advance(1100ms);
  EXPECT_EQ(host.state(*inst), DTU_STATE_UP);
  EXPECT_EQ(host.completions().size(), 1U) << "of the message at the beginning";
}

TEST_F(Refused, WaitsLongerEachTime) {
  refuse(R"(, "ping": "beat")");
  const auto refusals_after = [&](std::chrono::milliseconds time) {
    const int64_t before = *host.metric("udp_refusals");
    host.advance(time);
    host.run_until([&] { return host.metric("udp_refusals") != before; }, 20ms);
    return *host.metric("udp_refusals") - before;
  };
  EXPECT_EQ(refusals_after(900ms), 0);
  EXPECT_EQ(refusals_after(200ms), 1) << "1 s after the first";
  EXPECT_EQ(refusals_after(1900ms), 0);
  EXPECT_EQ(refusals_after(200ms), 1) << "2 s after the second";
  EXPECT_EQ(refusals_after(3800ms), 0);
  EXPECT_EQ(refusals_after(400ms), 1) << "4 s after the third";
}

TEST_F(Refused, StopGivesTheTryingMessageBack) {
  refuse();
  server.open();
  host.advance(1100ms);
  ASSERT_EQ(inst->send({{"one"}}).taken, 1U);
  host.clear();
  EXPECT_EQ(inst->stop(), DTU_OK);
  EXPECT_EQ(completed(host, DTU_E_CLOSED), 1U);
}

TEST_F(Refused, WhatStillArrivesBringsTheSocketBack) {
  Connected c(host, R"("keepAlive": 60, "reconnect": {"min_ms": 5000})");
  const net::Address address = c.address();
  host.use_fake_clock();
  host.advance(61s);
  ASSERT_EQ(host.state(c.inst), DTU_STATE_DOWN);
  ASSERT_TRUE(c.server.send("late", address));
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_UP; }));
  EXPECT_EQ(host.emitted_bytes(), "late");
  EXPECT_EQ(host.metric("udp_connects"), 1);
  host.advance(50s);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_UP);
  host.advance(11s);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_DOWN) << "and its silence counts again";
}

}  // namespace
}  // namespace channel_udp::test
