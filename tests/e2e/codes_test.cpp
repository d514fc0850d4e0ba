// D1 against the real dtud with a simulated board: every row, in every form its code may have, with the right, no and a
// wrong password on the serial line; and every row over MQTT, over TCP and with dtuctl.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <set>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

constexpr int kNone = -1;
const std::string kPassword = "640000";  // the initial one: the last digits of the simulated IMEI
const std::string kPorts =
    R"({"1": {"frame_idle_ms": 60000}})";  // a machine that pauses within a frame is no silent line

// What may stand for data that differs from run to run, or from link to link.
const std::string kAnything = "*", kConf = "CONF";

struct Row {
  int decimal, hex;        // kNone: not in that numbering
  bool free;               // of the password
  std::string data;        // of the request
  std::string answer;      // its data, JSON; "" = unsupported
  bool applied = false;    // the document changes
  std::string undo = "";   // a command that makes things as they were
  std::string needs = "";  // a command the board may lack: then it is unsupported
};
const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {0, 0x00, true, "{}", "\"004999010640000\""},
      {1, 0x01, true, "{}", "\"15555550100\""},
      {2, 0x02, true, "{}", kAnything},
      {3, 0x03, true, "{}", "\"CSQ17\""},
      {4, 0x04, false, "{}", kAnything},
      {5, 0x05, true, "{}", kAnything},
      {6, 0x06, false, "{}", "\"8999900000000000006\""},
      {7, 0x07, false, R"({"adcn": 1})", "\"1.25\""},
      {8, 0x08, false, R"({"pins": 4})", "1"},
      {9, kNone, false, "{}", "\"3590\""},
      {10, 0x10, false, "{}", R"({"temperature":26.5,"humidity":60.5})"},
      {11, 0x11, false, "{}", kAnything},
      {12, 0x12, false, "{}", R"({"voice_state":1,"data_state":1,"cells":[[0,14071232,1,1,123,22550,1850,-62]]})"},
      {13, 0x13, false, "{}", "[117.1138,31.82279,550]"},
      {50, 0x50, false, R"({"message": {"number": "12123123", "sms_msg": "hello"}})", "\"\""},
      {52, 0x52, false, R"({"plate": 0})", "\"\"", true},
      {53, 0x53, false, R"({"reg": 0})", "\"send reg\"", true},
      {54, 0x54, false, R"({"version": "100"})", "\"100\"", true},
      {55, 0x55, false, R"({"fota": 0})", "\"fota\"", true},
      {56, 0x56, false, R"({"nolog": 1})", "\"log\"", true},
      {57, 0x57, false, R"({"service_acquire": 0})", "\"service acquire\"", true},
      {58, 0x58, false, R"({"uconf": )" + kPorts + "}", "\"uconf\"", true},
      {59, 0x59, false, R"({"conf": )" + kConf + "}", "\"conf\"", true},
      {60, 0x60, false, R"({"apn": ["", "", ""]})", "\"set apn\"", true},
      {61, 0x61, false, R"({"pins": ["1", "pio2", "4"]})", "\"set gpio pins\"", true},
      {62, 0x62, false, R"({"ota": 0})", "\"off: upgrades are not accepted\"", true},
      {63, 0x63, false, R"({"dtu_config": {"plate": 0, "version": "100"}})", "\"\"", true},
      {64, kNone, false, R"({"device": 0, "string": "hello"})", "\"\"", false, "", "tts.say"},
      {65, kNone, false, "{}", "\"\"", false, "", "time.sync"},
      {kNone, 0x64, false, "{}", ""},
      {kNone, 0x65, false, "{}", ""},
      {kNone, 0xFD, false, "{}", "\"\"", false, "254"},
      {kNone, 0xFE, false, "{}", "\"\""},
      {51, 0x51, false, R"({"new_password": "640000"})", "\"\"", true}};
  return all;
}

std::string quoted(const char* format, int code) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), format, static_cast<unsigned>(code));
  return text.data();
}

// Every way to write either number of a row, as JSON.
std::vector<std::string> forms(const Row& row) {
  std::vector<std::string> all;
  for (const int code : {row.decimal, row.hex}) {
    if (code == kNone || (code == row.hex && code == row.decimal && !all.empty())) continue;
    all.push_back(std::to_string(code));
    all.push_back("\"" + std::to_string(code) + "\"");
    all.push_back(quoted("\"0x%02x\"", code));
    all.push_back(quoted("\"0X%X\"", code));
  }
  return all;
}

// A way to ask: takes a command, gives the answer as text.
using Way = std::function<std::string(const std::string& command)>;

struct Codes : testing::Test {
  Pty pty;
  Dtud dtud;
  std::string conf = "{}";
  int ids = 0;

  void start() {
    dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim", "points": {"gpio.4": 1}})");
    dtud.device(R"({"uconf": )" + kPorts + R"(, "conf": )" + conf + "}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(eventually([&] { return text(dtud.status(), "password") == "initial"; }));
  }
  [[nodiscard]] std::string on_line(const std::string& json) {
    EXPECT_TRUE(pty.write(command(json)));
    return read_frame(pty);
  }
  // How often a document was applied since the start.
  [[nodiscard]] size_t applied() const {
    const std::string log = dtud.log();
    size_t count = 0;
    for (const char* said : {" applied: ", ": nothing had to be changed"})
      for (size_t at = 0; (at = log.find(said, at)) != std::string::npos; ++at) ++count;
    return count;
  }
  [[nodiscard]] std::string data_of(const Row& row) const {
    std::string data = row.data;
    if (const size_t at = data.find(kConf); at != std::string::npos) data.replace(at, kConf.size(), conf);
    return data;
  }
  [[nodiscard]] bool supported(const Row& row) const {
    return !row.answer.empty() &&
           (row.needs.empty() ||
            !text(with(parse_json(dtud.get("/v1/commands").body), "name", row.needs), "name").empty());
  }

  // Asks and compares the whole answer. error_code 0: it is carried out.
  void check(const Way& way, const Row& row, const std::string& code, const std::string& password, int error_code) {
    const std::string id = std::to_string(++ids);
    const size_t before = applied();
    const std::string answer =
        way(R"({"msg_id": )" + id + R"(, "cmd_code": )" + code + password + R"(, "data": )" + data_of(row) + "}");
    const std::string head = "{\"msg_id\":" + id + ",\"code\":" + code + ",\"cmd_code\":" + code + ",\"data\":";
    if (error_code == 0) {
      const std::string tail = ",\"status\":1,\"success\":1}";
      const std::string data = row.answer != kAnything ? row.answer
                               : answer.size() > head.size() + tail.size()
                                   ? answer.substr(head.size(), answer.size() - head.size() - tail.size())
                                   : "missing";
      EXPECT_EQ(answer, head + data + tail);
      // Only then the next: a link is made anew, and what it has half read is gone with it.
      if (row.applied) {
        EXPECT_TRUE(eventually([&] { return applied() > before; })) << answer;
      }
      return;
    }
    const Json parsed = parse_json(answer);
    EXPECT_EQ(answer.substr(0, head.size()), head);
    EXPECT_EQ(number(parsed, "error_code"), error_code) << answer;
    EXPECT_EQ(number(parsed, "status"), 0) << answer;
    EXPECT_EQ(number(parsed, "success"), 0) << answer;
    EXPECT_EQ(to_json(at(parsed, "data")), "null") << answer;
    if (error_code == 5006) {
      EXPECT_NE(text(parsed, "error").find("unsupported"), std::string::npos) << answer;
    }
  }
  void check_right(const Way& way, const Row& row, const std::string& code) {
    const std::string password = R"(, "password": ")" + kPassword + "\"";
    check(way, row, code, password, supported(row) ? 0 : 5006);
    if (!row.undo.empty()) (void)way(R"({"cmd_code": )" + row.undo + password + "}");
  }
  void what_was_set_is_stored() {
    const Json document = parse_json(dtud.get("/v1/config").body);
    EXPECT_EQ(text(document, "version"), "100");
    EXPECT_EQ(text(document, "fota"), "0");
    EXPECT_EQ(text(document, "pins"), R"(["1","2","4"])");
    EXPECT_EQ(text(document, "password"), "***");
    EXPECT_NE(dtud.log().find("config: revision"), std::string::npos);
  }
};

TEST_F(Codes, EveryRowInEveryFormOnTheLine) {
  ASSERT_NO_FATAL_FAILURE(start());
  const Way line = [this](const std::string& json) { return on_line(json); };
  for (const Row& row : rows())
    for (const std::string& code : forms(row)) {
      SCOPED_TRACE("code " + code);
      if (row.free) {
        check(line, row, code, "", 0);
        check(line, row, code, R"(, "password": "wrong")", 0);
      } else {
        check(line, row, code, "", 5001);
        check(line, row, code, R"(, "password": "wrong")", 5002);  // the right one behind it: five in a row would lock
      }
      check_right(line, row, code);
    }
  what_was_set_is_stored();
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Codes, RestartInEveryForm) {
  ASSERT_NO_FATAL_FAILURE(start());
  const auto starts = [this] {
    const std::string log = dtud.log();
    size_t count = 0;
    for (size_t at = 0; (at = log.find(" runs; control socket", at)) != std::string::npos; ++at) ++count;
    return count;
  };
  const Row row{255, 0xFF, false, "{}", "\"reset dtu\""};
  const Way line = [this](const std::string& json) { return on_line(json); };
  size_t expected = 1;
  for (const std::string& code : forms(row)) {
    SCOPED_TRACE("code " + code);
    check(line, row, code, "", 5001);
    check(line, row, code, R"(, "password": "wrong")", 5002);
    check_right(line, row, code);
    ASSERT_TRUE(eventually([&] { return starts() == expected + 1; })) << "dtud does not come back";
    ++expected;
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(eventually([&] { return text(dtud.status(), "password") == "initial"; }));
  }
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Codes, EveryRowOverTcp) {
  conf =
      R"({"1": {"protocol": "tcp", "serialID": "1", "mode": "server", "port": )" + std::to_string(free_port()) + "}}";
  ASSERT_NO_FATAL_FAILURE(start());
  TcpPeer server(dtud.listen_port("1"));
  const Way tcp = [&](const std::string& json) {
    EXPECT_TRUE(server.write(json));
    const std::string end = R"("success":)";
    std::string answer = server.read_until(end);
    return answer += server.read_until("}");
  };
  for (const Row& row : rows()) {
    SCOPED_TRACE("code " + forms(row).front());
    check_right(tcp, row, forms(row).back());
  }
  what_was_set_is_stored();
  EXPECT_FALSE(pty.ready(0)) << "an answer went to the line";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Codes, EveryRowOverMqtt) {
  Broker broker;
  MqttClient cloud(broker.port());
  cloud.subscribe("up/#", 1);
  conf = R"({"1": {"protocol": "mqtt", "serialID": "1", "qos": 1, "url": "127.0.0.1", "port": )" +
         std::to_string(broker.port()) + R"(, "subscribe": {"0": "down/0"}, "publish": {"0": "up/0", "7": "up/7"}}})";
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  const Way mqtt = [&](const std::string& json) {
    cloud.publish("down/0", json, 1);
    const auto answer = cloud.next();
    if (answer) {
      EXPECT_EQ(answer->topic, "up/0");
    }
    return answer ? answer->payload : "";
  };
  for (const Row& row : rows()) {
    SCOPED_TRACE("code " + forms(row).front());
    check_right(mqtt, row, forms(row).front());
  }
  what_was_set_is_stored();
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Codes, EveryRowWithDtuctlWhichNeedsNoPassword) {
  ASSERT_NO_FATAL_FAILURE(start());
  for (const Row& row : rows()) {
    const int code = row.decimal != kNone ? row.decimal : row.hex;
    const size_t before = applied();
    const Ran ran = dtud.dtuctl({"--json", "call", std::to_string(code), data_of(row)});
    if (supported(row)) {
      EXPECT_EQ(ran.status, 0) << code << ": " << ran.output;
      if (row.answer != kAnything) {
        EXPECT_EQ(ran.output, R"({"status":"ok","result":)" + row.answer + "}\n") << code;
      }
      if (row.applied) {
        EXPECT_TRUE(eventually([&] { return applied() > before; })) << code;
      }
    } else {
      EXPECT_NE(ran.status, 0) << code;
      EXPECT_NE(ran.output.find("unsupported"), std::string::npos) << ran.output;
    }
    if (!row.undo.empty()) {
      EXPECT_EQ(dtud.dtuctl({"call", row.undo}).status, 0);
    }
  }
  what_was_set_is_stored();
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Codes, TheTableIsComplete) {
  ASSERT_NO_FATAL_FAILURE(start());
  std::set<int64_t> listed, tested{255};
  const Json commands = parse_json(dtud.get("/v1/commands").body);
  for (size_t i = 0; i < size(commands); ++i) {
    const Json codes = at(commands, "[" + std::to_string(i) + "].codes");
    for (size_t k = 0; k < size(codes); ++k) listed.insert(number(codes, "[" + std::to_string(k) + "]"));
  }
  for (const Row& row : rows())
    for (const int code : {row.decimal, row.hex})
      if (code != kNone) tested.insert(code);
  EXPECT_EQ(listed, tested);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
