// The DTU protocol on a serial line, over MQTT and over TCP, with the simulated board behind it.
#include <gtest/gtest.h>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

const std::string kSim = R"({"type": "sim", "absent": ["tts.say"]})";

// With the initial password: the last digits of the simulated IMEI.
std::string question(const std::string& code, const std::string& more = "") {
  return R"({"msg_id": 7, "cmd_code": )" + code + R"(, "password": "640000")" + more + "}";
}

struct Commands : testing::Test {
  Pty pty;
  Dtud dtud;
  void start(const std::string& device) {
    dtud.ports({{"1", pty.device()}}).hal(kSim).device(device);
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(eventually([&] { return text(dtud.status(), "password") != "none"; }));
  }
};

TEST_F(Commands, EveryQueryInBothNumberings) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": {}}})"));
  struct Row {
    const char* codes[2];
    const char* data;
  };
  const Row rows[] = {{{"0", "\"0x00\""}, "004999010640000"},
                      {{"1", "\"0x01\""}, "15555550100"},
                      {{"2", "\"0x02\""}, "v 1"},
                      {{"3", "\"0x03\""}, "CSQ17"},
                      {{"6", "\"0x06\""}, "8999900000000000006"},
                      {{"7", "\"0x07\""}, "3.7"},
                      {{"8", "\"0x08\""}, R"({"1":0,"2":0,"3":0,"4":0})"},
                      {{"9", "\"9\""}, "3590"},
                      {{"10", "\"0x10\""}, R"({"humidity":60.5,"temperature":26.5})"},
                      {{"11", "\"0x11\""}, "{}"},
                      {{"13", "\"0x13\""}, "[117.1138,31.82279,550]"}};
  for (const Row& row : rows)
    for (const char* code : row.codes) {
      const Json answer = ask(pty, question(code));
      EXPECT_EQ(text(answer, "data"), row.data) << code << " " << to_json(answer);
      EXPECT_EQ(number(answer, "status"), 1) << code;
      EXPECT_EQ(number(answer, "success"), 1) << code;
      EXPECT_EQ(number(answer, "msg_id"), 7) << code;
      EXPECT_EQ(to_json(at(answer, "cmd_code")), code);
    }
  EXPECT_EQ(number(ask(pty, question("12")), "data.data_state"), 1);
  EXPECT_EQ(number(ask(pty, question("\"0x12\"")), "data.voice_state"), 1);
  EXPECT_EQ(text(ask(pty, question("4")), "data.password"), "");
  EXPECT_EQ(text(ask(pty, question("7", R"(, "data": {"adcn": 1})")), "data"), "1.25");
  EXPECT_EQ(number(ask(pty, question("50", R"(, "data": {"number": "123", "sms_msg": "hello"})")), "status"), 1);
  EXPECT_NE(dtud.get("/v1/points/sms.last").body.find("hello"), std::string::npos);
  EXPECT_EQ(number(ask(pty, question("64", R"(, "data": {"string": "hello"})")), "error_code"), 5006);
  EXPECT_EQ(number(ask(pty, question("4711")), "error_code"), 6005);
  EXPECT_EQ(number(ask(pty, R"({"cmd_code": 4})"), "error_code"), 5001);
  EXPECT_EQ(number(ask(pty, R"({"cmd_code": 4, "password": "wrong"})"), "error_code"), 5002);
  const std::string diagnosis = text(ask(pty, question("5")), "data");
  for (const char* seen : {"6005", "5001", "5002", "5006"}) EXPECT_NE(diagnosis.find(seen), std::string::npos) << seen;
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands, NewPasswordIsAnsweredStoredAndTheOldOneRefused) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": {}}})"));
  EXPECT_EQ(text(dtud.status(), "password"), "initial");
  const Json answer = ask(pty, question("51", R"(, "data": {"new_password": "secret-1"})"));
  EXPECT_EQ(number(answer, "status"), 1) << to_json(answer);
  EXPECT_EQ(text(dtud.status(), "password"), "set");
  EXPECT_EQ(number(ask(pty, question("4")), "error_code"), 5002);
  const Json again = ask(pty, R"({"cmd_code": "0x51", "password": "secret-1", "data": {"password": "secret-2"}})");
  EXPECT_EQ(number(again, "status"), 1) << to_json(again);
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  const Json config = ask(pty, R"({"cmd_code": 4, "password": "secret-2"})");
  EXPECT_EQ(number(config, "status"), 1) << to_json(config);
  EXPECT_EQ(text(config, "data.password"), "***");
  EXPECT_EQ(dtud.log().find("secret-"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands, FiveWrongPasswordsLockTheLineButNotTheConsole) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": {}}})"));
  for (int i = 0; i < 8; ++i) (void)ask(pty, R"({"cmd_code": 6, "password": "guess"})");
  const Json locked = ask(pty, question("6"));
  EXPECT_EQ(number(locked, "error_code"), 5002);
  EXPECT_NE(text(locked, "error").find("wait"), std::string::npos) << to_json(locked);
  EXPECT_EQ(number(ask(pty, R"({"cmd_code": 0})"), "status"), 1);
  EXPECT_EQ(dtud.dtuctl({"call", "sim.iccid"}).status, 0);
  EXPECT_TRUE(eventually([&] { return number(ask(pty, question("6")), "status") == 1; }));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands, StopRefusesAllButStartAndRestart) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": {}}})"));
  EXPECT_EQ(number(ask(pty, question("253")), "status"), 1);
  EXPECT_EQ(text(dtud.status(), "protocol"), "stopped");
  EXPECT_EQ(number(ask(pty, question("0")), "error_code"), 5006);
  EXPECT_EQ(number(ask(pty, question("254")), "status"), 1);
  EXPECT_EQ(number(ask(pty, question("0")), "status"), 1);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands, RestartIsAnsweredFirst) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": {}}})"));
  const auto starts = [this] {
    const std::string log = dtud.log();
    size_t count = 0;
    for (size_t at = 0; (at = log.find(" runs; control socket", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  EXPECT_EQ(text(ask(pty, question("255")), "data"), "reset dtu");
  ASSERT_TRUE(eventually([&] { return starts() == 2; })) << "dtud does not come back";
  ASSERT_TRUE(dtud.port_is("1", "up"));
  EXPECT_EQ(number(ask(pty, question("0")), "status"), 1);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands, PlatePutsTheImeiIntoEveryAnswer) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"plate": 1, "uconf": {"1": {}}})"));
  EXPECT_EQ(text(ask(pty, question("3")), "imei"), "004999010640000");
  EXPECT_EQ(text(ask(pty, question("4711")), "imei"), "004999010640000");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands, OverMqttTopicsGoByIdAndDownlinkReachesTheLine) {
  Broker broker;
  MqttClient cloud(broker.port());
  cloud.subscribe("up/#", 1);
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": {}}, "conf": {"1": {"protocol": "mqtt", "serialID": "1", "qos": 1,
    "url": "127.0.0.1", "port": )" +
                                std::to_string(broker.port()) +
                                R"(, "subscribe": {"0": "down/0", "5": "down/5"},
    "publish": {"0": "up/0", "7": "up/7"}}}})"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  for (const char* topic : {"0", "7"}) {
    ASSERT_TRUE(pty.write(std::string("1,") + topic + "," + frame("hello " + std::string(topic))));
    const auto m = cloud.next();
    ASSERT_TRUE(m);
    EXPECT_EQ(m->topic, std::string("up/") + topic);
    EXPECT_EQ(text(parse_json(m->payload), "data"), std::string("hello ") + topic);
  }
  for (const char* topic : {"0", "5"}) {
    cloud.publish(std::string("down/") + topic, R"({"msg_id": "1", "data": "good day"})", 0);
    EXPECT_EQ(pty.read_until(","), "1,");
    EXPECT_EQ(pty.read_until(","), std::string(topic) + ",");
    EXPECT_EQ(read_frame(pty), "good day");
  }
  cloud.publish("down/0", question("\"0x03\"", R"(, "topic_id": "7")"), 0);
  const auto answer = cloud.next();
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->topic, "up/7");
  EXPECT_EQ(text(parse_json(answer->payload), "data"), "CSQ17");
  // A new password changes the configuration the link is made of: the answer must come all the same.
  cloud.publish("down/0", question("51", R"(, "data": {"new_password": "other"})"), 0);
  const auto changed = cloud.next();
  ASSERT_TRUE(changed);
  EXPECT_EQ(number(parse_json(changed->payload), "status"), 1);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands, OverTcpEachClientGetsItsOwnAnswer) {
  ASSERT_NO_FATAL_FAILURE(
      start(R"({"uconf": {"1": {}}, "conf": {"1": {"protocol": "tcp", "serialID": "1", "mode": "server"}}})"));
  TcpPeer one(dtud.listen_port("1")), two(dtud.listen_port("1"));
  ASSERT_TRUE(one.write(R"({"msg_id": 1, "cmd_code": 3})"));
  EXPECT_EQ(number(parse_json(one.read_until("}")), "msg_id"), 1);
  ASSERT_TRUE(two.write(R"({"msg_id": 2, "cmd_code": 3}{"msg_id": 3, "cmd_code": "0x00"})"));
  EXPECT_EQ(number(parse_json(two.read_until("}")), "msg_id"), 2);
  EXPECT_EQ(number(parse_json(two.read_until("}")), "msg_id"), 3);
  ASSERT_TRUE(one.write("plain words"));
  EXPECT_EQ(pty.read_until(","), "1,");
  EXPECT_EQ(read_frame(pty), "plain words");
  ASSERT_TRUE(pty.write("1," + frame("to everyone")));
  EXPECT_EQ(text(parse_json(one.read_until("}")), "data"), "to everyone");
  EXPECT_EQ(text(parse_json(two.read_until("}")), "data"), "to everyone");
  EXPECT_FALSE(one.ready(0));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands, ThroughModeFramesHaveNoChannelAndTheCloudGivesNoOrders) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"work_mode": "through", "uconf": {"1": {}}, "conf": {"1": {"protocol": "tcp",
    "serialID": "1", "mode": "server", "uplink": "raw"}}})"));
  TcpPeer client(dtud.listen_port("1"));
  const std::string order = R"({"msg_id": 1, "cmd_code": 3})";
  ASSERT_TRUE(client.write(order));
  EXPECT_EQ(read_frame(pty), order);
  ASSERT_TRUE(pty.write(frame("hello")));
  EXPECT_EQ(client.read(5), "hello");
  EXPECT_EQ(text(ask(pty, question("3")), "data"), "CSQ17");
  EXPECT_EQ(number(ask(pty, question("58", R"(, "data": {"uconf": {}})")), "error_code"), 5006);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Commands, DtuctlCallsTheSameTable) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": {}}})"));
  const Ran csq = dtud.dtuctl({"call", "radio.csq"});
  EXPECT_EQ(csq.status, 0);
  EXPECT_NE(csq.output.find("CSQ17"), std::string::npos) << csq.output;
  EXPECT_EQ(number(parse_json(dtud.post("/v1/call", R"({"code": 10})").body), "result.humidity"), 60);
  EXPECT_NE(dtud.dtuctl({"call", "no.such"}).status, 0);
  EXPECT_EQ(dtud.stop(), 0);
}

// Eight of 64 KiB in a row. A machine that pauses within a frame is no silent line: frame_idle_ms.
TEST_F(Commands, LongestPayloads) {
  ASSERT_NO_FATAL_FAILURE(
      start(R"({"uconf": {"1": {"frame_idle_ms": 60000}}, "conf": {"1": {"protocol": "tcp", "serialID": "1",
    "mode": "server", "uplink": "raw"}}})"));
  TcpPeer client(dtud.listen_port("1"));
  ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 1; }));
  std::string all, frames;
  for (uint32_t i = 0; i < 8; ++i) {
    const std::string payload = pattern(65536, i);
    all += payload;
    frames += "1," + frame(payload);
  }
  auto came = carry({{&pty, nullptr, frames}, {nullptr, &client, all}});
  EXPECT_EQ(difference(all, came[1]), "");
  EXPECT_EQ(text(dtud.port("1"), "dialect_drops"), "{}");
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
