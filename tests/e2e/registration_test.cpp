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
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Registration, GoesFirstOverEveryConnection) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start("1", tcp(server)));
  TcpPeer peer = server.accept();
  const std::string reg = peer.read_until("}");
  EXPECT_EQ(text(parse_json(reg), "imei"), "004999010640000");
  for (const char* data : {"second", "third"}) {
    peer.close();
    ASSERT_TRUE(pty.write("1," + frame(data)));
    peer = server.accept();
    EXPECT_EQ(peer.read_until("}"), reg);
    EXPECT_EQ(peer.read_until(data), data);
  }
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Registration, AtStartIsOnceForAll) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start("1", tcp(server, R"(, "reg_on": "start")")));
  TcpPeer peer = server.accept();
  EXPECT_EQ(text(parse_json(peer.read_until("}")), "imei"), "004999010640000");
  peer.close();
  peer = server.accept();
  ASSERT_TRUE(pty.write("1," + frame("data")));
  EXPECT_EQ(peer.read(4), "data");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Registration, GoesAsBytes) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start(R"("0x55AA00ff")", tcp(server)));
  EXPECT_EQ(server.accept().read(4), std::string("\x55\xaa\0\xff", 4));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Registration, ATextWithItsPlacesFilled) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start(R"("<{imei}|{iccid}|{csq}|{ver}|{id}|{\"a\": 1}|{imei}>")", tcp(server)));
  EXPECT_EQ(server.accept().read_until(">"),
            "<004999010640000|8999900000000000006|17|100|1|{\"a\": 1}|004999010640000>");
  EXPECT_EQ(dtud.stop(), 0);
}

// The channel of a TCP server begins to carry messages when it listens, to nobody. Each client is told who this is.
struct RegistrationOfServer : Registration, testing::WithParamInterface<const char*> {};

TEST_P(RegistrationOfServer, EachClientGetsItFirstAndOnce) {
  const std::string reg = "<004999010640000|1>";
  const uint16_t port = free_port();
  ASSERT_NO_FATAL_FAILURE(start(R"("<{imei}|{id}>")",
                                R"({"protocol": "tcp", "serialID": "1", "mode": "server", "uplink": "raw", "port": )" +
                                    std::to_string(port) + GetParam() + "}"));
  TcpPeer first;
  ASSERT_TRUE(eventually([&] { return (first = TcpPeer(port)).fd() >= 0; }));
  EXPECT_EQ(first.read(reg.size()), reg);
  TcpPeer second(port);
  EXPECT_EQ(second.read(reg.size()), reg);
  ASSERT_TRUE(pty.write("1," + frame("data")));
  EXPECT_EQ(first.read(4), "data");
  EXPECT_EQ(second.read(4), "data");
  first.close();
  second.close();
  TcpPeer later(port);
  EXPECT_EQ(later.read(reg.size()), reg);
  ASSERT_TRUE(pty.write("1," + frame("more")));
  EXPECT_EQ(later.read(4), "more");
  EXPECT_EQ(dtud.stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(Registration, RegistrationOfServer,
                         testing::Values("", R"(, "when_empty": "hold")", R"(, "isolate": true)"),
                         [](const auto& info) {
                           return info.index == 0 ? "discards" : info.index == 1 ? "holds" : "isolated";
                         });

struct RegistrationAtStartOfServer : Registration, testing::WithParamInterface<const char*> {};

TEST_P(RegistrationAtStartOfServer, OnlyTheFirstClientGetsIt) {
  const uint16_t port = free_port();
  ASSERT_NO_FATAL_FAILURE(
      start(R"("hello")", R"({"protocol": "tcp", "serialID": "1", "mode": "server", "uplink": "raw", "reg_on": "start",
                              "port": )" +
                              std::to_string(port) + GetParam() + "}"));
  TcpPeer first;
  ASSERT_TRUE(eventually([&] { return (first = TcpPeer(port)).fd() >= 0; }));
  EXPECT_EQ(first.read(5), "hello");
  first.close();
  TcpPeer second(port);
  ASSERT_TRUE(second.write("here"));
  EXPECT_EQ(pty.read_until("here"), "1," + frame("here"));
  ASSERT_TRUE(pty.write("1," + frame("data")));
  EXPECT_EQ(second.read(4), "data");
  EXPECT_EQ(dtud.stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(Registration, RegistrationAtStartOfServer,
                         testing::Values("", R"(, "when_empty": "hold")", R"(, "isolate": true)"),
                         [](const auto& info) {
                           return info.index == 0 ? "discards" : info.index == 1 ? "holds" : "isolated";
                         });

// D18 counts what a server without a client discards. The registration message is kept for the client that comes.
TEST_F(Registration, WithoutAClientItIsNotCountedAsDropped) {
  for (const char* reg_on : {"connect", "start"}) {
    const uint16_t port = free_port();
    dtud.ports({{"1", pty.device()}})
        .device(R"({"reg": "hello", "uconf": {"1": {}}, "conf": {"1": {"protocol": "tcp", "serialID": "1",
                   "mode": "server", "uplink": "raw", "reg_on": ")" +
                std::string(reg_on) + R"(", "port": )" + std::to_string(port) + "}}}")
        .write_documents();
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    for (const char* nobody_hears : {"one", "two"}) ASSERT_TRUE(pty.write("1," + frame(nobody_hears)));
    ASSERT_TRUE(dtud.channel_number("1", "outbox.dropped", 2));
    TcpPeer client(port);
    EXPECT_EQ(client.read(5), "hello");
    ASSERT_TRUE(pty.write("1," + frame("data")));
    EXPECT_EQ(client.read(4), "data");
    EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 2) << reg_on;
    EXPECT_EQ(number(dtud.channel("1"), "health.discarded_messages"), 2) << reg_on;
    EXPECT_EQ(dtud.stop(), 0);
  }
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

TEST_F(Registration, WaitsForAHalThatStarts) {
  TcpServer server;
  dtud.ports({{"1", pty.device()}})
      .hal(R"({"type": "sim", "isolate": true})")
      .device(R"({"reg": 1, "uconf": {"1": {}}, "conf": {"1": )" + tcp(server) + "}}");
  dtud.start();
  const Json reg = parse_json(server.accept().read_until("}"));
  EXPECT_EQ(text(reg, "imei"), "004999010640000");
  EXPECT_EQ(text(reg, "ver"), "1") << "the board's, as code 2 answers it";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Registration, ABoardThatKnowsNothing) {
  TcpServer server;
  dtud.ports({{"1", pty.device()}}).device(R"({"reg": 1, "uconf": {"1": {}}, "conf": {"1": )" + tcp(server) + "}}");
  dtud.start();
  EXPECT_EQ(server.accept().read_until("}"), R"({"csq":99,"iccid":"","imei":"","ver":"0"})");
  EXPECT_NE(dtud.log().find("{imei} is left empty: this board has no point device.imei"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

struct Placeholders : Registration {};

TEST_F(Placeholders, InTopicsAndTheClientId) {
  Broker broker;
  MqttClient reader(broker.port());
  reader.subscribe("plant/+/up");
  ASSERT_NO_FATAL_FAILURE(
      start("0", R"({"protocol": "mqtt", "serialID": "1", "url": "127.0.0.1", "uplink": "raw", "port": )" +
                     std::to_string(broker.port()) +
                     R"(, "clientID": "dtu-{imei}-{id}", "publish": {"0": "plant/{imei}/up"},
                                            "subscribe": {"0": {"topic": "plant/{iccid}/{ver}"}}})"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write("1,0," + frame("data")));
  const MqttMessage message = reader.next().value_or(MqttMessage{});
  EXPECT_EQ(message.topic, "plant/004999010640000/up");
  EXPECT_EQ(message.payload, "data");
  EXPECT_EQ(text(dtud.channel("1"), "health.client_id"), "dtu-004999010640000-1");
  reader.publish("plant/8999900000000000006/100", R"({"data": "down"})");
  EXPECT_EQ(pty.read_until("down"), "1,0," + frame("down"));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Placeholders, InTheHeartbeat) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start("0", tcp(server, R"(, "heartbeat": 1, "ping": "<{imei}|{id}>")")));
  TcpPeer peer = server.accept();
  EXPECT_EQ(peer.read_until(">"), "<004999010640000|1>");
  EXPECT_EQ(peer.read_until(">"), "<004999010640000|1>");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Placeholders, AHeartbeatOfBytes) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start("0", tcp(server, R"(, "heartbeat": 1, "ping": "0x55aa00ff")")));
  EXPECT_EQ(server.accept().read(4), std::string("\x55\xaa\0\xff", 4));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Placeholders, AnUnknownOneIsAFinding) {
  TcpServer server;
  dtud.ports({{"1", pty.device()}})
      .device(R"({"reg": "0x123", "uconf": {"1": {}}, "conf": {"1": )" + tcp(server, R"(, "ping": "<{imie}>")") + "}}");
  const Ran check = dtud.check();
  EXPECT_NE(check.status, 0);
  EXPECT_NE(
      check.output.find(
          R"(/conf/1/ping: "<{imie}>" has the unknown placeholder {imie}: known are {imei}, {iccid}, {csq}, {ver}, {id})"),
      std::string::npos)
      << check.output;
  EXPECT_NE(check.output.find(R"(/reg: "0x123" begins with 0x)"), std::string::npos) << check.output;
  dtud.start();
  const auto put =
      dtud.put("/v1/config", R"({"uconf": {"1": {}}, "conf": {"1": )" + tcp(server, R"(, "ping": "{imie}")") + "}}");
  EXPECT_NE(put.body.find("{imie}"), std::string::npos) << put.body;
  EXPECT_GE(put.status, 400);
  server.accept();  // what runs already goes on
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
