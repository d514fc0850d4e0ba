// The MQTT channel as users configure it, against mosquitto and against a broker that does what the test says.
#include <gtest/gtest.h>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/faulty_link.hpp"
#include "harness/frame.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"

namespace e2e {
namespace {

const std::string kAccepted("\x20\x02\0\0", 4);
const std::string kRaw = R"("work_mode": "raw", "uconf": {"1": {}}, )";

// With the initial password: the last digits of the simulated IMEI.
std::string question(const std::string& code, const std::string& more = "") {
  return R"({"msg_id": 7, "cmd_code": )" + code + R"(, "password": "640000")" + more + "}";
}

size_t count(const std::string& text, const std::string& what) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos; ++at) ++n;
  return n;
}

struct Mqtt : testing::Test {
  Pty pty;
  Dtud dtud;

  // `conf`: members of the channel besides its type, port and url.
  void start(uint16_t port, const std::string& conf, const std::string& members = R"("uconf": {"1": {}}, )") {
    dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})");
    dtud.device("{" + members + R"("conf": {"1": {"protocol": "mqtt", "serialID": "1", "url": "127.0.0.1", "port": )" +
                std::to_string(port) + conf + "}}}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
  [[nodiscard]] int64_t metric(const std::string& name) const {
    return dtud.metric("dtu_mqtt_" + name + R"(_total{component="channel 1"})");
  }
  [[nodiscard]] bool logged(const std::string& text) const {
    return eventually([&] { return dtud.log().find(text) != std::string::npos; });
  }
};

// Answers CONNECT and SUBSCRIBE when it is asked to.
class ScriptedBroker {
 public:
  [[nodiscard]] uint16_t port() const { return server_.port(); }
  // The next connection; its CONNECT was read.
  MqttPeer accept() {
    MqttPeer peer(server_.accept());
    connect_ = peer.packet();
    EXPECT_EQ(connect_.type(), 1);
    return peer;
  }
  MqttPeer accept_and_answer(const std::string& connack = kAccepted) {
    MqttPeer peer = accept();
    EXPECT_TRUE(peer.write(connack));
    return peer;
  }
  [[nodiscard]] const MqttPacket& connect() const { return connect_; }

 private:
  TcpServer server_;
  MqttPacket connect_;
};

// --- retained messages -----------------------------------------------------------------------------------------------

struct MqttRetained : Mqtt {
  Broker broker;
  MqttClient cloud{broker.port()};
  const std::string topics = R"(, "subscribe": {"0": "down/#"}, "publish": {"0": "up"})";

  // A command that came live is carried out: whatever was retained has been looked at before.
  void live_round() {
    cloud.publish("down/live", question("3"));
    const auto answer = cloud.next();
    ASSERT_TRUE(answer);
    EXPECT_EQ(text(parse_json(answer->payload), "data"), "CSQ17") << answer->payload;
  }
};

TEST_F(MqttRetained, ARestartIsNotCarriedOut) {
  cloud.publish("down/0", question("255"), 1, true);
  cloud.subscribe("up");
  ASSERT_NO_FATAL_FAILURE(start(broker.port(), topics));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_NO_FATAL_FAILURE(live_round());
  EXPECT_EQ(count(dtud.log(), " runs; control socket"), 1U);
  EXPECT_EQ(metric("retained_dropped"), 1);
  EXPECT_FALSE(pty.ready(0));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(MqttRetained, ASetDoesNotUndoALocalOne) {
  FaultyLink link(broker.port());
  cloud.publish("down/0", question("54", R"(, "data": {"version": "200"})"), 1, true);
  cloud.subscribe("up");
  ASSERT_NO_FATAL_FAILURE(start(link.port(), topics));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(eventually([&] { return metric("retained_dropped") == 1; }));
  EXPECT_EQ(number(ask(pty, question("54", R"(, "data": {"version": "100"})")), "status"), 1);
  link.reset();
  ASSERT_TRUE(eventually([&] { return metric("retained_dropped") == 2; }));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_NO_FATAL_FAILURE(live_round());
  EXPECT_EQ(text(ask(pty, question("2")), "data"), "v 100");
  EXPECT_EQ(count(dtud.log(), "retained message on down/0"), 1U) << "said once for a topic";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(MqttRetained, DataIsDroppedUnlessTheSubscriptionDeliversIt) {
  for (const char* topic : {"down/a", "old/a"}) cloud.publish(topic, std::string("kept on ") + topic, 1, true);
  cloud.publish("old/command", question("255"), 1, true);
  cloud.subscribe("up");
  ASSERT_NO_FATAL_FAILURE(start(broker.port(), R"(, "publish": {"0": "up"},
    "subscribe": {"0": "down/#", "5": {"topic": "old/#", "retained": "deliver"}})"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(pty.read_until("1,5,"), "1,5,");
  EXPECT_EQ(read_frame(pty), "kept on old/a");
  ASSERT_NO_FATAL_FAILURE(live_round());
  EXPECT_EQ(metric("retained_dropped"), 1);
  EXPECT_EQ(count(dtud.log(), " runs; control socket"), 1U);
  EXPECT_FALSE(pty.ready(0)) << "a command went to the line";
  EXPECT_NE(dtud.get("/metrics").body.find("retained_command"), std::string::npos);
  EXPECT_EQ(count(dtud.log(), "a retained command on old/command was dropped"), 1U);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(MqttRetained, AnswersAreNotRetainedAndDataIs) {
  cloud.subscribe("up");
  ASSERT_NO_FATAL_FAILURE(start(broker.port(), topics + R"(, "retain": true)"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write("1,0," + frame("a reading")));
  const auto data = cloud.next();
  ASSERT_TRUE(data);
  ASSERT_NO_FATAL_FAILURE(live_round());
  MqttClient late(broker.port());
  late.subscribe("up");
  const auto kept = late.next();
  ASSERT_TRUE(kept);
  EXPECT_TRUE(kept->retain);
  EXPECT_EQ(kept->payload, data->payload);
  EXPECT_EQ(dtud.stop(), 0);
}

// --- what is said at the connect -------------------------------------------------------------------------------------

struct MqttKeepAlive : Mqtt, testing::WithParamInterface<const char*> {};

TEST_P(MqttKeepAlive, IsTheDefault) {
  ScriptedBroker broker;
  ASSERT_NO_FATAL_FAILURE(start(broker.port(), GetParam()));
  MqttPeer peer = broker.accept_and_answer();
  EXPECT_EQ(broker.connect().body.substr(8, 2), std::string("\0\x3C", 2));
  EXPECT_TRUE(dtud.channel_is("1", "up"));
}
INSTANTIATE_TEST_SUITE_P(Values, MqttKeepAlive, testing::Values("", R"(, "keepAlive": 0)", R"(, "keepAlive": "")"),
                         [](const auto& info) {
                           return std::string(info.index == 0 ? "Absent" : info.index == 1 ? "Zero" : "Empty");
                         });

TEST_F(Mqtt, AVersion5BrokerWithoutQosAndRetainIsNotAskedForThem) {
  ScriptedBroker broker;
  ASSERT_NO_FATAL_FAILURE(
      start(broker.port(), R"(, "version": "5", "qos": 1, "retain": true, "publish": {"0": "up"})", kRaw));
  MqttPeer peer = broker.accept_and_answer(std::string("\x20\x07\0\0\x04\x24\0\x25\0", 9));
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    ASSERT_TRUE(pty.write("x"));
    EXPECT_EQ(peer.packet().head, 0x30);
    ASSERT_TRUE(dtud.channel_number("1", "outbox.delivered", i + 1));
  }
  EXPECT_EQ(count(dtud.log(), "takes QoS 0 at most"), 1U);
  EXPECT_EQ(count(dtud.log(), "does not retain messages"), 1U);
}

TEST_F(Mqtt, AWillTheBrokerCannotKeepIsLowered) {
  ScriptedBroker broker;
  ASSERT_NO_FATAL_FAILURE(start(
      broker.port(), R"(, "version": "5", "will": {"topic": "gone", "payload": "x", "qos": 1, "retain": true})", kRaw));
  for (const char* refusal : {"\x9A", "\x9B"}) {
    const MqttPeer peer = broker.accept_and_answer(std::string("\x20\x03\0", 3) + refusal + std::string("\0", 1));
    EXPECT_NE(broker.connect().body.find("gone"), std::string::npos);
  }
  const MqttPeer peer = broker.accept_and_answer(std::string("\x20\x03\0\0\0", 5));
  EXPECT_EQ(broker.connect().body[7] & 0x38, 0) << "will QoS 0, will retain 0";
  EXPECT_TRUE(dtud.channel_is("1", "up"));
}

TEST_F(Mqtt, ABirthMessageGoesOutOnEveryConnectBeforeData) {
  ScriptedBroker broker;
  ASSERT_NO_FATAL_FAILURE(start(broker.port(), R"(, "publish": {"0": "up"}, "subscribe": {"0": "down"},
    "birth": {"topic": "state", "payload": "online", "retain": true, "qos": 1})",
                                kRaw));
  ASSERT_TRUE(pty.write("data"));
  for (int connect = 0; connect < 2; ++connect) {
    MqttPeer peer = broker.accept_and_answer();
    const MqttPacket subscribe = peer.packet();
    ASSERT_EQ(subscribe.type(), 8);
    ASSERT_TRUE(peer.write(mqtt_packet(0x90, subscribe.body.substr(0, 2) + std::string(1, '\0'))));
    const MqttPacket packet = peer.packet();
    ASSERT_EQ(packet.type(), 3);
    const MqttMessage birth = read_publish(packet);
    EXPECT_EQ(birth.topic, "state");
    EXPECT_EQ(birth.payload, "online");
    EXPECT_EQ(birth.qos, 1);
    EXPECT_TRUE(birth.retain);
    if (connect == 0) {
      EXPECT_EQ(read_publish(peer.packet()).payload, "data");
    }
  }
}

TEST_F(Mqtt, ABirthMessageIsEmptyQos0AndNotRetainedByDefault) {
  ScriptedBroker broker;
  ASSERT_NO_FATAL_FAILURE(start(broker.port(), R"(, "birth": {"topic": "state"})", kRaw));
  MqttPeer peer = broker.accept_and_answer();
  const MqttPacket birth = peer.packet();
  EXPECT_EQ(birth.head, 0x30);
  EXPECT_EQ(birth.body, mqtt_text("state"));
}

// --- delivery --------------------------------------------------------------------------------------------------------

TEST_F(Mqtt, Qos0IsDeliveredWhenThePeerHasAcknowledgedIt) {
  MqttSink sink;
  FaultyLink link(sink.port());
  ASSERT_NO_FATAL_FAILURE(start(link.port(), R"(, "publish": {"0": "up"})",
                                R"("work_mode": "raw", "uconf": {"1": {"packet": {"delimiter": "0x0a"}}}, )"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 100)));
  ASSERT_TRUE(sink.has('a', 100));
  ASSERT_TRUE(dtud.channel_number("1", "outbox.delivered", 100));
  link.swallow();
  ASSERT_TRUE(pty.write(marked_lines('a', 101, 200)));
  // Paho's socket has taken them.
  ASSERT_TRUE(eventually([&] { return metric("publishes") == 300; }));
  ASSERT_TRUE(dtud.channel_number("1", "outbox.messages", 200));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.delivered"), 100);
  link.reset();
  link.pass();
  ASSERT_TRUE(sink.has('a', 300)) << sink.tally().missing('a', 300);
  ASSERT_TRUE(dtud.channel_number("1", "outbox.delivered", 300));
  EXPECT_EQ(sink.tally().wrong('a', 300), "");
}

TEST_F(Mqtt, AMessageLargerThanTheBrokerTakesIsRejectedWithItsSize) {
  Broker broker("max_packet_size 1000\n");
  MqttClient cloud(broker.port());
  cloud.subscribe("up");
  ASSERT_NO_FATAL_FAILURE(start(broker.port(), R"(, "version": "5", "qos": 1, "publish": {"0": "up"})",
                                R"("work_mode": "raw", "uconf": {"1": {"packet": {"delimiter": "0x0a"}}}, )"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write(std::string(2000, 'x') + "\nafter\n"));
  const auto next = cloud.next();
  ASSERT_TRUE(next);
  EXPECT_EQ(next->payload, "after\n");
  EXPECT_TRUE(dtud.channel_number("1", "outbox.rejected", 1));
  EXPECT_TRUE(logged("a message of 2001 bytes is larger than the broker takes"));
  EXPECT_EQ(metric("reconnects"), 0);
}

// mosquitto closes the connection of a 3.1.1 client that sends too large a packet.
TEST_F(Mqtt, AMessageForWhichTheBrokerClosesStopsNobody) {
  Broker broker("max_packet_size 1000\n");
  MqttClient cloud(broker.port());
  cloud.subscribe("up");
  ASSERT_NO_FATAL_FAILURE(start(broker.port(),
                                R"(, "qos": 1, "publish": {"0": "up"}, "reconnect": {"min_ms": 10, "max_ms": 100})",
                                R"("work_mode": "raw", "uconf": {"1": {"packet": {"delimiter": "0x0a"}}}, )"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write("before\n" + std::string(2000, 'x') + "\nafter\n"));
  for (std::string got; got != "after\n";) {
    const auto next = cloud.next();
    ASSERT_TRUE(next) << dtud.get("/v1/channels").body;
    got = next->payload;
    EXPECT_TRUE(got == "before\n" || got == "after\n");
  }
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.rejections.closed.messages"), 1);
  EXPECT_EQ(number(dtud.channel("1"), "outbox.rejections.closed.bytes"), 2001);
}

TEST_F(Mqtt, ARefusalOfAMessageIsSaidWithItsSize) {
  ScriptedBroker broker;
  ASSERT_NO_FATAL_FAILURE(start(broker.port(), R"(, "version": "5", "qos": 1, "publish": {"0": "up"})", kRaw));
  MqttPeer peer = broker.accept_and_answer(std::string("\x20\x03\0\0\0", 5));
  int rejected = 0;
  for (const char* reason : {"\x95", "\x99"}) {
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    ASSERT_TRUE(pty.write("poison"));
    const MqttPacket publish = peer.packet();
    ASSERT_EQ(publish.type(), 3);
    ASSERT_TRUE(peer.write(mqtt_packet(0x40, publish.body.substr(4, 2) + reason)));
    ASSERT_TRUE(dtud.channel_number("1", "outbox.rejected", ++rejected));
  }
  EXPECT_TRUE(logged("the broker refused a message of 6 bytes: the packet is too large (0x95)"));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.messages"), 0);
}

// --- downlink --------------------------------------------------------------------------------------------------------

TEST_F(Mqtt, DownlinkFasterThanTheLineIsCountedAndSaid) {
  Broker broker;
  ASSERT_NO_FATAL_FAILURE(start(broker.port(), R"(, "qos": 1, "subscribe": {"0": "down"})", kRaw));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  MqttClient cloud(broker.port());
  for (int i = 0; i < 1500; ++i) cloud.publish("down", std::string(1000, 'x'), 1);
  ASSERT_TRUE(eventually([&] { return metric("downlink_overflows") == 1; }));
  EXPECT_TRUE(logged("messages that come meanwhile are lost (cleanSession is true)"));
}

TEST_F(Mqtt, AMessageOverOneMebibyteIsCountedAndSaidOnce) {
  Broker broker;
  ASSERT_NO_FATAL_FAILURE(start(broker.port(), R"(, "subscribe": {"0": "down"})", kRaw));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  MqttClient cloud(broker.port());
  for (int i = 0; i < 2; ++i) cloud.publish("down", std::string((1 << 20) + 1, 'x'), 1);
  cloud.publish("down", "small", 1);
  EXPECT_EQ(pty.read(5), "small");
  EXPECT_EQ(metric("downlink_dropped"), 2);
  EXPECT_EQ(count(dtud.log(), "a message of 1048577 bytes on down is larger than 1 MiB"), 1U);
}

}  // namespace
}  // namespace e2e
