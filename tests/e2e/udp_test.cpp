// A port in mode "raw" and a UDP channel: each packet of the line is a datagram, and each datagram goes to the line.
#include <gtest/gtest.h>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/udp.hpp"

namespace e2e {
namespace {

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
  EXPECT_TRUE(dtud.channel_number("1", "outbox.unconfirmed", 200));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.delivered"), 0) << "UDP confirms nothing";
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

TEST(RawUdp, WhatIsTooLongForADatagramIsRejectedAndTheRestGoesOn) {
  Pty pty;
  UdpServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(
      R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "\n", "max": 65536}}}, "conf": {"1": {"protocol":
                 "udp", "serialID": "1", "url": "127.0.0.1", "port": )" +
      std::to_string(server.port()) + "}}}");
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write("before\n" + std::string(65'520, 'x') + "\nafter\n"));
  EXPECT_EQ(server.receive(), "before\n");
  EXPECT_EQ(server.receive(), "after\n");
  EXPECT_TRUE(dtud.channel_number("1", "outbox.rejections.refused.messages", 1));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.last_rejected.bytes"), 65'521);
  EXPECT_NE(dtud.log().find("a message of 65521 bytes is rejected"), std::string::npos);
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
