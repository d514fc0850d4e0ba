// Brokers in trouble, and what the log says of it.
#include <gtest/gtest.h>
#include <sys/resource.h>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/tls.hpp"

namespace e2e {
namespace {

const std::string kAccepted("\x20\x02\0\0", 4);
// PUBLISH with a length of 256 MiB.
const std::string kHuge("\x30\xFF\xFF\xFF\x7F\0", 6);

struct MqttTrouble : testing::Test {
  Pty pty;
  Dtud dtud;

  static std::string channel(uint16_t port, const std::string& more) {
    return R"({"protocol": "mqtt", "url": "127.0.0.1", "port": )" + std::to_string(port) + more + "}";
  }
  void start(const std::string& channels) {
    dtud.ports({{"1", pty.device()}});
    dtud.device(R"({"work_mode": "raw", "uconf": {"1": {}}, "conf": {)" + channels + "}}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
  [[nodiscard]] bool logged(const std::string& text) const {
    return eventually([&] { return dtud.log().find(text) != std::string::npos; });
  }
  static MqttPeer accept(TcpServer& server) {
    MqttPeer peer(server.accept());
    EXPECT_EQ(peer.packet().type(), 1);
    EXPECT_TRUE(peer.write(kAccepted));
    return peer;
  }
  static void expect_end(MqttPeer& peer) {
    for (MqttPacket packet = peer.packet(); packet.head != 0; packet = peer.packet())
      EXPECT_EQ(packet.type(), 14) << "the connection ends";
    EXPECT_TRUE(peer.read_to_end().empty());
  }
  // What was written into the line comes as a message of QoS 0.
  void carries(MqttPeer& peer) {
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    ASSERT_TRUE(pty.write("x"));
    EXPECT_EQ(read_publish(peer.packet()).payload, "x");
  }
};

TEST_F(MqttTrouble, ABrokerThatStopsAnsweringIsNotSaidToHaveClosed) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start(R"("1": )" + channel(server.port(), R"(, "keepAlive": 1)")));
  const MqttPeer silent = accept(server);
  EXPECT_TRUE(logged("the keep-alive timed out"));
  EXPECT_EQ(dtud.log().find("the broker closed the connection"), std::string::npos);
}

TEST_F(MqttTrouble, ABrokerThatClosesIsSaidToHaveClosed) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start(R"("1": )" + channel(server.port(), "")));
  accept(server).close();
  EXPECT_TRUE(logged("the broker closed the connection"));
}

TEST_F(MqttTrouble, TwoClientsWithOneIdAreSuspected) {
  Broker broker;
  const std::string one = R"(, "clientID": "meter", "reconnect": {"min_ms": 10})";
  ASSERT_NO_FATAL_FAILURE(start(R"("1": )" + channel(broker.port(), one) + R"(, "2": )" + channel(broker.port(), one)));
  EXPECT_TRUE(logged("another client may use the client id \"meter\""));
}

TEST_F(MqttTrouble, AFastReconnectLoopIsNoFaultOfThePlugin) {
  TcpServer closes_at_once, closes_later;
  const std::string fast = R"(, "reconnect": {"min_ms": 10, "max_ms": 10})";
  ASSERT_NO_FATAL_FAILURE(
      start(R"("1": )" + channel(closes_at_once.port(), fast) + R"(, "2": )" + channel(closes_later.port(), fast)));
  for (int i = 0; i < 8; ++i) accept(closes_later).close();
  for (int i = 0; i < 150; ++i) {
    const TcpPeer peer = closes_at_once.accept();
    ASSERT_GE(peer.fd(), 0);
  }
  EXPECT_EQ(dtud.log().find("changes states faster"), std::string::npos);
  EXPECT_EQ(dtud.get("/metrics").body.find(R"(kind="flood")"), std::string::npos);
}

TEST_F(MqttTrouble, ReconnectsUntilTheBrokerStays) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(
      start(R"("1": )" +
            channel(server.port(), R"(, "reconnect": {"min_ms": 10}, "serialID": "1", "publish": {"0": "up"})")));
  for (int i = 0; i < 3; ++i) accept(server).close();
  MqttPeer stays = accept(server);
  ASSERT_NO_FATAL_FAILURE(carries(stays));
}

// A process with little memory has no 256 MiB to spare.
struct MqttHugePacket : MqttTrouble {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  void SetUp() override { GTEST_SKIP() << "a sanitizer bounds no memory"; }
#endif
};

TEST_F(MqttHugePacket, DoesNotStopAnIsolatedChannel) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(
      start(R"("1": )" + channel(server.port(), R"(, "serialID": "1", "publish": {"0": "up"}, "isolate": true)")));
  for (int i = 0; i < 2; ++i) {
    MqttPeer hostile = accept(server);
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    ASSERT_TRUE(hostile.write(kHuge));
    expect_end(hostile);
  }
  MqttPeer healthy = accept(server);
  ASSERT_NO_FATAL_FAILURE(carries(healthy));
  EXPECT_TRUE(logged("a received packet could not be read"));
}

TEST_F(MqttHugePacket, DoesNotStopTheOtherChannels) {
  TcpServer bad, good;
  ASSERT_NO_FATAL_FAILURE(start(R"("1": )" + channel(good.port(), R"(, "serialID": "1", "publish": {"0": "up"})") +
                                R"(, "2": )" + channel(bad.port(), "")));
  MqttPeer healthy = accept(good);
  MqttPeer hostile = accept(bad);
  ASSERT_TRUE(dtud.channel_is("1", "up") && dtud.channel_is("2", "up"));
  const rlim_t most = (static_cast<rlim_t>(dtud.proc_number("VmData")) << 10U) + (64U << 20U);
  const rlimit limit{most, most};
  ASSERT_EQ(prlimit(dtud.process().pid(), RLIMIT_DATA, &limit, nullptr), 0);
  ASSERT_TRUE(hostile.write(kHuge));
  expect_end(hostile);
  const MqttPeer again = accept(bad);
  ASSERT_TRUE(dtud.channel_is("1", "up") && dtud.channel_is("2", "up"));
  // Both read what comes.
  ASSERT_TRUE(healthy.write(mqtt_packet(0x30, mqtt_text("down") + "y")));
  EXPECT_EQ(pty.read(1), "y");
  ASSERT_NO_FATAL_FAILURE(carries(healthy));
}

// Within TLS Paho gives OpenSSL the null pointer to read to, which ends the process (see kit/mqtt/README.md). An
// isolated channel has a process of its own.
struct MqttHugePacketTls : MqttHugePacket {
  const TlsFiles files;
  TcpServer server;
  [[nodiscard]] TlsPeer accept_tls() {
    TlsPeer peer(server.accept(), files);
    EXPECT_EQ(peer.packet().type(), 1);
    EXPECT_TRUE(peer.write(kAccepted));
    return peer;
  }
};

TEST_F(MqttHugePacketTls, DoesNotStopAnIsolatedChannel) {
  ASSERT_NO_FATAL_FAILURE(start(R"("1": )" + channel(server.port(), R"(, "serialID": "1", "publish": {"0": "up"},
      "isolate": true, "tls": {"ca": ")" + files.cert() + "\"}")));
  for (int i = 0; i < 2; ++i) {
    TlsPeer hostile = accept_tls();
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    ASSERT_TRUE(hostile.write(kHuge));
    for (MqttPacket packet = hostile.packet(); packet.head != 0; packet = hostile.packet())
      EXPECT_EQ(packet.type(), 14) << "the connection ends";
  }
  TlsPeer healthy = accept_tls();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write("x"));
  EXPECT_EQ(read_publish(healthy.packet()).payload, "x");
  EXPECT_TRUE(logged("channel 1: failed: its process was ended by signal"));
  EXPECT_EQ(dtud.stop(), 0) << "dtud itself did not end";
}

}  // namespace
}  // namespace e2e
