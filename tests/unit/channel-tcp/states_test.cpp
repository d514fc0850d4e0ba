// What command 11 shows: the socket states of the DTU protocol as far as a channel can have them. A channel closes what
// it ends, so it never shows FIN_WAIT, CLOSING, LAST_ACK and TIME_WAIT; SYN_RCVD is over before a client is accepted.
#include <gtest/gtest.h>

#include "remote.hpp"

namespace channel_tcp::test {
namespace {

TEST(TcpStates, OfAClient) {
  TestHost host;
  Connected c(host);
  EXPECT_EQ(health(c.inst, "dtu_state"), "4") << "ESTABLISHED";
  host.block_emit(true);
  c.remote->write_all("waits");
  ASSERT_TRUE(has_read(host, c.inst));
  c.remote->close();
  EXPECT_TRUE(host.run_until([&] { return health(c.inst, "dtu_state") == "7"; })) << "CLOSE_WAIT, while it cannot read";
  host.block_emit(false);
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_DOWN; }));
  EXPECT_EQ(health(c.inst, "dtu_state"), "0") << "CLOSED";
}

TEST(TcpStates, OfAServer) {
  TestHost host;
  Instance inst = host.create(component(), server_config());
  EXPECT_EQ(health(inst, "dtu_state"), "0") << "CLOSED";
  inst.start();
  ASSERT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
  EXPECT_EQ(health(inst, "dtu_state"), "1") << "LISTEN";
  Remote client = Remote::connect(listen_port(inst));
  ASSERT_TRUE(host.run_until([&] { return health(inst, "dtu_state") == "4"; })) << "ESTABLISHED";
  host.block_emit(true);
  ASSERT_TRUE(host.run_until([&] { return client.write("waits") == 5; }));
  ASSERT_TRUE(has_read(host, inst));
  client.close();
  EXPECT_TRUE(host.run_until([&] { return health(inst, "dtu_state") == "7"; })) << "CLOSE_WAIT";
  host.block_emit(false);
  EXPECT_TRUE(host.run_until([&] { return health(inst, "dtu_state") == "1"; })) << "LISTEN again";
  ASSERT_TRUE(inst.stop_and_wait());
  EXPECT_EQ(health(inst, "dtu_state"), "0");
}

TEST(TcpStates, WhatIsNotUpCarriesTheStatusCode) {
  TestHost host;
  Connected c(host);
  c.remote->reset();
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_DOWN; }));
  EXPECT_EQ(host.reports().back().flags, DTU_ERR_RETRYABLE);
  EXPECT_EQ(host.reports().back().protocol_code, 4003U);

  const Listener taken;
  Instance server = host.create(component(), R"({"mode": "server", "port": )" + std::to_string(taken.port()) + "}");
  server.start();
  ASSERT_TRUE(host.run_until([&] { return host.state(server) == DTU_STATE_DOWN; }));
  EXPECT_EQ(host.reports().back().flags, DTU_ERR_RETRYABLE);
  EXPECT_EQ(host.reports().back().protocol_code, 4003U);
  EXPECT_EQ(server.send({{"x"}}).status, DTU_E_IO);
  EXPECT_EQ(server.raw_error().flags, DTU_ERR_RETRYABLE);
  EXPECT_EQ(server.raw_error().protocol_code, 5007U);
}

}  // namespace
}  // namespace channel_tcp::test
