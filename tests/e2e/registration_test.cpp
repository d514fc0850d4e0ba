// What a channel says first (D13).
#include <gtest/gtest.h>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

const std::string kSim = R"({"type": "sim"})";

struct Registration : testing::Test {
  Pty pty;
  Dtud dtud;
  void start(const std::string& reg, const std::string& channel) {
    dtud.ports({{"1", pty.device()}})
        .hal(kSim)
        .device(R"({"version": 100, "reg": )" + reg + R"(, "uconf": {"1": {}}, "conf": {"1": )" + channel + "}}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
  static std::string tcp(const TcpServer& server, const std::string& more = "") {
    return R"({"protocol": "tcp", "serialID": "1", "uplink": "raw", "url": "127.0.0.1", "port": )" +
           std::to_string(server.port()) + more + "}";
  }
};

TEST_F(Registration, TheStandardMessageGoesBeforeDataThatWaited) {
  auto server = std::make_unique<TcpServer>();
  const uint16_t port = server->port();
  const std::string channel = tcp(*server);
  server.reset();  // nobody is there yet: data has to wait
  ASSERT_NO_FATAL_FAILURE(start("1", channel));
  ASSERT_TRUE(pty.write("1," + frame("first") + "1," + frame("second")));
  ASSERT_TRUE(dtud.channel_number("1", "outbox.messages", 2));
  TcpServer again(port);
  TcpPeer peer = again.accept();
  const Json reg = parse_json(peer.read_until("}"));
  EXPECT_EQ(number(reg, "csq"), 17);
  EXPECT_EQ(text(reg, "imei"), "004999010640000");
  EXPECT_EQ(text(reg, "iccid"), "8999900000000000006");
  EXPECT_EQ(text(reg, "ver"), "100");
  EXPECT_EQ(peer.read(11), "firstsecond");
  peer.close();  // a lost connection is no first one
  peer = again.accept();
  ASSERT_TRUE(pty.write("1," + frame("third")));
  EXPECT_EQ(peer.read(5), "third");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Registration, ATextWithItsPlacesFilled) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start(R"("<{imei}|{iccid}|{csq}|{ver}|{other}|{imei}>")", tcp(server)));
  EXPECT_EQ(server.accept().read_until(">"), "<004999010640000|8999900000000000006|17|100|{other}|004999010640000>");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Registration, AChannelCanDoWithout) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start("1", tcp(server, R"(, "reg": 0)")));
  TcpPeer peer = server.accept();
  ASSERT_TRUE(pty.write("1," + frame("data")));
  EXPECT_EQ(peer.read(4), "data");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Registration, OnAMessageChannelItIsTheFirstPublish) {
  Broker broker;
  MqttClient reader(broker.port());
  reader.subscribe("up");
  ASSERT_NO_FATAL_FAILURE(
      start("1", R"({"protocol": "mqtt", "serialID": "1", "url": "127.0.0.1", "clientID": "d", "port": )" +
                     std::to_string(broker.port()) +
                     R"(, "uplink": "raw", "publish": {"0": "up"}, "subscribe": {"0": "down"}})"));
  ASSERT_TRUE(pty.write("1,0," + frame("data")));
  EXPECT_EQ(text(parse_json(reader.next().value_or(MqttMessage{}).payload), "imei"), "004999010640000");
  EXPECT_EQ(reader.next().value_or(MqttMessage{}).payload, "data");
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
