// A port in mode "raw" and a TCP channel: every byte, both ways.
#include <gtest/gtest.h>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"
#include "harness/tls.hpp"

namespace e2e {
namespace {

constexpr size_t kMuch = 8U << 20U;

std::string one_channel(const std::string& channel) {
  return R"({"uconf": {"1": {"mode": "raw"}}, "conf": {"1": {"protocol": "tcp", "serialID": "1", )" + channel + "}}}";
}

TEST(RawTcp, ServerCarriesEightMegabytesBothWays) {
  Pty pty;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(one_channel(R"("mode": "server", "outbox": {"overflow": "block"})"));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  TcpPeer client(dtud.listen_port("1"));
  ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 1; }));
  const std::string up = pattern(kMuch, 1), down = pattern(kMuch, 2);
  const auto came = carry({{&pty, &client, up}, {&client, &pty, down}});
  EXPECT_EQ(difference(up, came[0]), "");
  EXPECT_EQ(difference(down, came[1]), "");
  EXPECT_EQ(number(dtud.port("1"), "rx_bytes"), static_cast<int64_t>(kMuch));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(RawTcp, ClientCarriesEightMegabytesBothWays) {
  Pty pty;
  TcpServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(one_channel(R"("url": "127.0.0.1", "port": )" + std::to_string(server.port()) +
                          R"(, "outbox": {"overflow": "block"})"));
  dtud.start();
  TcpPeer peer = server.accept();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  const std::string up = pattern(kMuch, 3), down = pattern(kMuch, 4);
  const auto came = carry({{&pty, &peer, up}, {&peer, &pty, down}});
  EXPECT_EQ(difference(up, came[0]), "");
  EXPECT_EQ(difference(down, came[1]), "");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(RawTcp, EveryClientGetsEverythingAndAnyMayTalk) {
  Pty pty;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(one_channel(R"("mode": "server", "outbox": {"overflow": "block"})"));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  std::vector<TcpPeer> clients;
  for (int i = 0; i < 5; ++i) clients.emplace_back(dtud.listen_port("1"));
  ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 5; }));
  const std::string up = pattern(1U << 20U, 5);
  std::vector<Flow> flows{{&pty, &clients[0], up}};
  for (size_t i = 1; i < clients.size(); ++i) flows.push_back({nullptr, &clients[i], up});
  for (const std::string& came : carry(flows)) EXPECT_EQ(difference(up, came), "");
  for (size_t i = 0; i < clients.size(); ++i) {
    const std::string down = "client " + std::to_string(i) + "\n";
    ASSERT_TRUE(clients[i].write(down));
    EXPECT_EQ(pty.read_until("\n"), down);
  }
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(RawTcp, OneClientMoreThanAllowedIsClosedAndCounted) {
  Pty pty;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(one_channel(R"("mode": "server", "max_clients": 2)"));
  dtud.start();
  TcpPeer one(dtud.listen_port("1")), two(dtud.listen_port("1"));
  ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 2; }));
  TcpPeer three(dtud.listen_port("1"));
  EXPECT_EQ(three.read_to_end(), "");
  EXPECT_EQ(dtud.metric("dtu_tcp_refused_clients_total{component=\"channel 1\"}"), 1) << dtud.get("/metrics").body;
  EXPECT_EQ(dtud.stop(), 0);
}

// Two channels of one dtud are the two ends, and each demands the other's certificate.
TEST(RawTcp, TlsCarriesEverythingBetweenTwoChannels) {
  Pty left, right;
  const TlsFiles files;
  const std::string port = std::to_string(free_port());
  const std::string tls = R"("tls": {"ca": ")" + files.cert() + R"(", "cert": ")" + files.cert() + R"(", "key": ")" +
                          files.key() + R"("}, "outbox": {"overflow": "block"}})";
  Dtud dtud;
  dtud.ports({{"1", left.device()}, {"2", right.device()}});
  dtud.device(R"({"uconf": {"1": {"mode": "raw"}, "2": {"mode": "raw"}}, "conf": {
      "1": {"protocol": "tcp", "serialID": "1", "mode": "server", "port": )" +
              port + ", " + tls + R"(,
      "2": {"protocol": "tcp", "serialID": "2", "url": "127.0.0.1", "port": )" +
              port + R"(, "reconnect": {"min_ms": 50}, )" + tls + "}}");
  EXPECT_EQ(dtud.check().status, 0) << dtud.check().output;
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("2", "up"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(dtud.port_is("2", "up"));
  ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 1; }));
  EXPECT_NE(dtud.get("/v1/channels").body.find("TLSv1.3"), std::string::npos);
  const std::string up = pattern(1U << 20U, 6), down = pattern(1U << 20U, 7);
  const auto came = carry({{&left, &right, up}, {&right, &left, down}});
  EXPECT_EQ(difference(up, came[0]), "");
  EXPECT_EQ(difference(down, came[1]), "");
  EXPECT_TRUE(eventually([&] { return number(dtud.channel("1"), "outbox.messages") == 0; }));
  TcpPeer plain(dtud.listen_port("1"));
  ASSERT_TRUE(plain.write("no TLS\n"));
  static_cast<void>(plain.read_to_end());
  EXPECT_EQ(dtud.metric("dtu_tcp_failed_handshakes_total{component=\"channel 1\"}"), 1);
  EXPECT_NE(dtud.log().find("it does not speak TLS"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

// What a server without a client discards is dropped, not delivered (D18).
TEST(RawTcp, AServerWithoutAClientDeliversNothing) {
  Pty pty;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(one_channel(R"("mode": "server")"));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write("nobody hears this"));
  EXPECT_TRUE(eventually([&] { return number(dtud.channel("1"), "outbox.dropped") > 0; }));
  const Json channel = dtud.channel("1");
  EXPECT_EQ(number(channel, "outbox.delivered"), 0);
  EXPECT_EQ(number(channel, "outbox.no_receiver"), number(channel, "outbox.dropped"));
  EXPECT_NE(dtud.dtuctl({"channels"}).output.find("no client was connected"), std::string::npos);
  EXPECT_GT(dtud.metric(R"(dtu_outbox_dropped_total{channel="1",type="tcp",reason="no_receiver"})"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
