// What a document does that leaves a key out: the defaults of the schemas that no other test shows.
// tests/docs/defaults.txt names a test for each.
#include <gtest/gtest.h>
#include <termios.h>

#include <vector>

#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"
#include "harness/udp.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

struct Defaults : testing::Test {
  Pty pty;
  Dtud dtud;
  void start(const std::string& device) {
    dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})").device(device);
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up")) << dtud.log();
  }
};

// A broker by hand: what it is sent can be looked at.
struct DefaultsOfMqtt : Defaults {
  TcpServer server;
  MqttPeer peer;
  // The CONNECT packet. It is answered.
  MqttPacket connected(const std::string& more, const std::string& port = "{}") {
    start(R"({"uconf": {"1": )" + port +
          R"(}, "conf": {"1": {"protocol": "mqtt", "serialID": "1", "url": "127.0.0.1", "port": )" +
          std::to_string(server.port()) + more + "}}}");
    peer = MqttPeer(server.accept());
    MqttPacket connect = peer.packet();
    EXPECT_TRUE(peer.write(mqtt_packet(0x20, std::string(2, '\0'))));
    return connect;
  }
};

TEST_F(DefaultsOfMqtt, Version311CleanSessionSixtySecondsNoUserAndTheImei) {
  const MqttPacket connect = connected(R"(, "publish": {"0": "up"})");
  const std::string flags(1, '\x02'), sixty("\x00\x3c", 2);
  EXPECT_EQ(connect.body, mqtt_text("MQTT") + "\x04" + flags + sixty + mqtt_text("004999010640000"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write("1,0," + frame("data")));
  const MqttPacket first = peer.packet();  // no SUBSCRIBE before it
  EXPECT_EQ(first.head, 0x30) << "PUBLISH, QoS 0, not retained";
  EXPECT_EQ(text(parse_json(read_publish(first).payload), "data"), "data");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(DefaultsOfMqtt, AWillIsEmptyQosZeroAndNotRetained) {
  const MqttPacket connect = connected(R"(, "publish": {"0": "up"}, "will": {"topic": "gone"})");
  const std::string flags(1, '\x06'), sixty("\x00\x3c", 2);
  EXPECT_EQ(connect.body, mqtt_text("MQTT") + "\x04" + flags + sixty + mqtt_text("004999010640000") +
                              mqtt_text("gone") + mqtt_text(""));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(DefaultsOfMqtt, SixtyFourMessagesWaitForTheirAcknowledgement) {
  (void)connected(R"(, "publish": {"0": "up"}, "qos": 1, "uplink": "raw")",
                  R"({"mode": "raw", "packet": {"delimiter": "\n"}})");
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write(numbered_lines(1, 80)));
  std::string acknowledgements;
  for (uint32_t i = 1; i <= 64; ++i) {
    const MqttMessage message = read_publish(peer.packet());
    ASSERT_EQ(message.payload, numbered_line(i));
    acknowledgements += mqtt_packet(0x40, {static_cast<char>(message.id >> 8U), static_cast<char>(message.id & 0xffU)});
  }
  ASSERT_TRUE(dtud.channel_number("1", "outbox.messages", 80));
  EXPECT_EQ(peer.read_for(std::chrono::milliseconds(200)), "");
  EXPECT_TRUE(peer.write(acknowledgements));
  EXPECT_EQ(read_publish(peer.packet()).payload, numbered_line(65));
  dtud.kill();
}

TEST_F(Defaults, OfATcpServerAnyPortOfThisMachineAndEightClients) {
  start(R"({"uconf": {"1": {"mode": "raw"}}, "conf": {"1": {"protocol": "tcp", "mode": "server", "serialID": "1"}}})");
  const uint16_t port = dtud.listen_port("1");
  ASSERT_NE(port, 0);
  std::vector<TcpPeer> clients;
  for (size_t i = 1; i <= 8; ++i) {
    clients.emplace_back(port);
    ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == i; }));
  }
  TcpPeer ninth(port);
  EXPECT_EQ(ninth.read_to_end(), "");
  ASSERT_TRUE(pty.write("to all"));
  for (TcpPeer& client : clients) EXPECT_EQ(client.read(6), "to all");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Defaults, OfAPacketALineWithoutEndIsCutAt4096Bytes) {
  UdpServer server;
  start(
      R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "\n"}}}, "conf": {"1": {"protocol": "udp", "serialID": "1",
            "url": "127.0.0.1", "port": )" +
      std::to_string(server.port()) + "}}}");
  const std::string line(5000, 'x');
  ASSERT_TRUE(pty.write(line + "\n"));
  EXPECT_EQ(server.receive().size(), 4096U);
  EXPECT_EQ(server.receive().size(), 905U);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Defaults, OfALine115200Baud8N1WithoutFlowControl) {
  start(R"({"uconf": {"1": {}}})");
  termios line{};
  ASSERT_EQ(::tcgetattr(pty.fd(), &line), 0);  // of the other end: a pty has one setting for both
  EXPECT_EQ(::cfgetospeed(&line), static_cast<speed_t>(B115200));
  EXPECT_EQ(::cfgetispeed(&line), static_cast<speed_t>(B115200));
  EXPECT_EQ(line.c_cflag & static_cast<tcflag_t>(CSIZE | PARENB | CSTOPB | CRTSCTS), static_cast<tcflag_t>(CS8));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Defaults, OfARawLineEachReadIsAMessage) {
  UdpServer server;
  start(
      R"({"uconf": {"1": {"mode": "raw"}}, "conf": {"1": {"protocol": "udp", "serialID": "1", "url": "127.0.0.1", "port": )" +
      std::to_string(server.port()) + "}}}");
  for (const std::string& bytes : {std::string("no end\nof a line"), std::string(3, '\0'), std::string("x")}) {
    ASSERT_TRUE(pty.write(bytes));
    EXPECT_EQ(server.receive(), bytes);
  }
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Defaults, OfHttpAPostOfJsonWithoutHeadersOfOurOwn) {
  TcpServer server;
  start(R"({"uconf": {"1": {}}, "conf": {"1": {"protocol": "http", "serialID": "1", "url": "http://127.0.0.1:)" +
        std::to_string(server.port()) + R"(/in"}}})");
  ASSERT_TRUE(pty.write("1," + frame("data")));
  TcpPeer peer = server.accept();
  const std::string head = peer.read_until("\r\n\r\n");
  EXPECT_EQ(head.substr(0, head.find('\r')), "POST /in HTTP/1.1");
  EXPECT_NE(head.find("\r\nContent-Type: application/json\r\n"), std::string::npos) << head;
  EXPECT_EQ(head.find("Authorization"), std::string::npos) << head;
  EXPECT_EQ(text(parse_json(peer.read_until("}")), "data"), "data");
  dtud.kill();
}

// Nobody is there: what is read waits.
struct DefaultsOfTheOutbox : Defaults {
  void start_without_a_server(const std::string& port) {
    start(R"({"uconf": {"1": )" + port +
          R"(}, "conf": {"1": {"protocol": "tcp", "serialID": "1", "url": "127.0.0.1", "port": )" +
          std::to_string(free_port()) + R"(, "outbox": {"overflow": "drop-newest"}}}})");
  }
};

TEST_F(DefaultsOfTheOutbox, Holds4096Messages) {
  start_without_a_server(R"({"mode": "raw", "packet": {"delimiter": "\n"}})");
  ASSERT_TRUE(pty.write(numbered_lines(1, 5000)));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.dropped", 904)) << to_json(dtud.channel("1"));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.messages"), 4096);
  dtud.kill();
}

TEST_F(DefaultsOfTheOutbox, Holds4MiB) {
  start_without_a_server(R"({"mode": "raw", "packet": {"length": 4096}})");
  ASSERT_TRUE(pty.write(std::string(1100 * 4096, 'x')));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.dropped", 76)) << to_json(dtud.channel("1"));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.messages"), 1024);
  dtud.kill();
}

// In the class of the JSON envelope: text as it is, bytes as base64, in frames of the command dialect.
TEST_F(Defaults, OfTheProtocolJsonEnvelopesBytesAsBase64AndFullAnswersWithoutThePlate) {
  TcpServer server;
  start(R"({"uconf": {"1": {}}, "conf": {"1": {"protocol": "tcp", "serialID": "1", "url": "127.0.0.1", "port": )" +
        std::to_string(server.port()) + "}}}");
  TcpPeer peer = server.accept();
  ASSERT_TRUE(pty.write("1," + frame("\xff\x01")));
  const Json envelope = parse_json(peer.read_until("}"));  // the first thing sent: no registration
  EXPECT_EQ(text(envelope, "data_b64"), "/wE=");
  EXPECT_FALSE(text(envelope, "msg_id").empty());
  ASSERT_TRUE(peer.write(R"({"cmd_code": 3})"));
  const Json answer = parse_json(peer.read_until("}"));
  EXPECT_EQ(number(answer, "status"), 1);
  EXPECT_EQ(number(answer, "success"), 1);
  EXPECT_EQ(text(answer, "imei"), "");
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
