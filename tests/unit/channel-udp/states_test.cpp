// What command 11 shows, and the DTU status codes of what is reported.
#include <gtest/gtest.h>

#include "server.hpp"

namespace channel_udp::test {
namespace {

// A UDP socket is connected or it is not: of the protocol's table of socket states it has ESTABLISHED and CLOSED.
TEST(UdpStates, EstablishedWhileConnectedElseClosed) {
  TestHost host;
  const Server server;
  Instance inst = host.create(steady(), config(server.port(), R"("keepAlive": 5)"));
  EXPECT_EQ(health(inst, "dtu_state"), "0");
  host.use_fake_clock();
  inst.start();
  host.advance(1ms);
  EXPECT_EQ(health(inst, "dtu_state"), "4");
  host.advance(5100ms);
  ASSERT_EQ(host.state(inst), DTU_STATE_DOWN);
  EXPECT_EQ(health(inst, "dtu_state"), "0");
  host.advance(3s);
  EXPECT_EQ(health(inst, "dtu_state"), "4");
  inst.stop();
  EXPECT_EQ(health(inst, "dtu_state"), "0");
}

TEST(UdpStates, HealthShowsTheConnection) {
  TestHost host;
  Connected c(host);
  c.inst.send({{"123"}});
  ASSERT_TRUE(c.server.send("12345", c.address()));
  ASSERT_TRUE(host.run_until([&] { return !host.emitted().empty(); }));
  const std::string json = c.inst.health();
  for (const char* piece : {R"("sent_messages":1)", R"("sent_bytes":3)", R"("received_messages":1)",
                            R"("received_bytes":5)", R"("local":"127.0.0.1:)", R"("connects":1)", R"("refusals":0)"})
    EXPECT_NE(json.find(piece), std::string::npos) << piece << " in " << json;
  EXPECT_NE(json.find("\"address\":\"127.0.0.1:" + std::to_string(c.server.port())), std::string::npos);
}

TEST(UdpStates, WhatIsNotUpCarriesTheStatusCode) {
  TestHost host;
  host.use_fake_clock();
  Server server("127.0.0.1", false);
  Instance inst = host.create(steady(), config(server.port()));
  inst.start();
  host.advance(1ms);
  inst.send({{"x"}});
  ASSERT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_DOWN; }));
  host.advance(1100ms);
  ASSERT_EQ(host.state(inst), DTU_STATE_DEGRADED);
  ASSERT_EQ(host.reports().size(), 3U);
  for (size_t i = 1; i < 3; ++i) {
    EXPECT_EQ(host.reports()[i].flags, DTU_ERR_RETRYABLE) << i;
    EXPECT_EQ(host.reports()[i].protocol_code, 4004U) << i;
  }
}

TEST(UdpStates, WorksWithoutTheMetricsService) {
  TestHost host;
  host.withhold("dtu.metrics/1");
  Connected c(host);
  c.inst.send({{"x"}});
  EXPECT_EQ(c.inst.open_tokens(), 0U);
}

}  // namespace
}  // namespace channel_udp::test
