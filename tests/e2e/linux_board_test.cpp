// A board with serial lines and nothing else: what it cannot do is said, and not stored (D24, D31). A board with
// sensors: what the function codes answer then. And the forms of answers that servers of either document read (D29).
#include <gtest/gtest.h>

#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/made_board.hpp"
#include "harness/ntp_server.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

struct LinuxBoard : testing::Test {
  Pty pty;
  Dtud dtud;
  void start(const std::string& device) {
    dtud.ports({{"1", pty.device()}}).device(device);
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
  Json ask_code(const std::string& code, const std::string& data = "{}") {
    return ask(pty, R"({"cmd_code": )" + code + R"(, "password": "door-key", "data": )" + data + "}");
  }
};

TEST_F(LinuxBoard, SetsNobodyCanCarryOutAreRefusedAndNotStored) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"password": "door-key", "uconf": {"1": {}}})"));
  const std::string before = dtud.get("/v1/config").body;
  struct Row {
    const char *code, *data;
  };
  const Row rows[] = {{"60", R"({"apn": ["cmnet", "", ""]})"},
                      {"61", R"({"pins": ["1", "2", "3"]})"},
                      {"\"0x61\"", R"({"pins": ["pio1", "pio2", "pio3"]})"},
                      {"62", R"({"ota": 0})"},
                      {"62", R"({"ota": 1})"},
                      {"\"0x62\"", R"({"ota": ["uid", "EC600N", "key"]})"},
                      {"62", R"({"ota": {"url": "http://192.0.2.1/f", "version": "2", "sha256":
                               "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"}})"}};
  for (const Row& row : rows) {
    const Json answer = ask_code(row.code, row.data);
    EXPECT_EQ(number(answer, "status"), 0) << row.code << row.data << to_json(answer);
    EXPECT_EQ(number(answer, "error_code"), 5006) << row.code << row.data << to_json(answer);
    EXPECT_NE(text(answer, "error").find("unsupported by this board: it "), std::string::npos);
    const Ran console =
        dtud.dtuctl({"call", row.code[0] == '"' ? std::string(row.code).substr(1, 4) : row.code, row.data});
    EXPECT_NE(console.status, 0) << row.code << console.output;
  }
  EXPECT_EQ(dtud.get("/v1/config").body, before);
  EXPECT_EQ(dtud.stop(), 0);
}

// A document is refused like that for what it changes (D24); what is stored may stay, so get, edit, set works (D21).
TEST_F(LinuxBoard, ADocumentWithWhatNobodyCanCarryOutIsRefusedUnlessItIsStored) {
  ASSERT_NO_FATAL_FAILURE(start(
      R"({"password": "door-key", "uconf": {"1": {}}, "apn": ["cmnet", "me", "hush-1"], "pins": ["1", "", ""]})"));
  const std::string before = dtud.get("/v1/config").body;
  for (const std::string& members :
       {std::string(R"("apn": ["other", "", ""])"), std::string(R"("apn": ["cmnet", "me", "hush-2"])"),
        std::string(R"("pins": ["1", "2", ""])"), std::string(R"("ota": 0)"),
        std::string(R"("ota": ["uid", "EC600N", "key"])")}) {
    SCOPED_TRACE(members);
    const std::string reason = members[1] == 'a'   ? "it offers no mobile network"
                               : members[1] == 'o' ? "it offers no upgrades"
                                                   : "it offers no GPIO";
    for (const std::string& data : {"{" + members + "}", R"({"dtu_config": {"nolog": 1, )" + members + "}}"}) {
      const Json answer = ask_code("63", data);
      EXPECT_EQ(number(answer, "status"), 0) << to_json(answer);
      EXPECT_EQ(number(answer, "error_code"), 5006) << to_json(answer);
      EXPECT_NE(text(answer, "error").find("unsupported by this board: " + reason), std::string::npos);
      EXPECT_EQ(text(answer, "error").find("hush"), std::string::npos);
    }
    for (const HttpAnswer& answer : {http(dtud.socket(), "PATCH", "/v1/config", "{" + members + "}"),
                                     dtud.put("/v1/config", R"({"uconf": {"1": {}}, )" + members + "}")}) {
      EXPECT_EQ(answer.status, 409) << answer.body;
      EXPECT_NE(answer.body.find("unsupported by this board: " + reason), std::string::npos) << answer.body;
    }
  }
  EXPECT_EQ(dtud.get("/v1/config").body, before);

  EXPECT_EQ(number(ask_code("63", before), "status"), 1);
  EXPECT_EQ(number(ask_code("63", R"({"nolog": 1})"), "status"), 1);
  EXPECT_EQ(dtud.put("/v1/config", before).status, 200);
  EXPECT_EQ(dtud.check().status, 0);
  EXPECT_NE(dtud.check().output.find("warning: /apn: unsupported by this board"), std::string::npos);
  EXPECT_EQ(number(ask_code("63", R"({"apn": ["", "", ""], "pins": ["", "", ""], "ota": 1})"), "status"), 1)
      << "none is none";
  for (const char* code : {"60", "\"0x60\""})  // the same as with 63
    EXPECT_EQ(number(ask_code(code, R"({"apn": ["", "", ""]})"), "status"), 1) << code;
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(LinuxBoard, TheVersionIsNeverUnsupported) {
  ASSERT_NO_FATAL_FAILURE(start(R"({"password": "door-key", "uconf": {"1": {}}})"));
  for (const char* code : {"2", "\"0x02\""}) EXPECT_EQ(text(ask_code(code), "data"), "v 0");
  EXPECT_EQ(text(ask_code("54", R"({"version": "100"})"), "data"), "100");
  EXPECT_TRUE(eventually([&] { return text(ask_code("2"), "data") == "v 100"; }));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(LinuxBoard, ConnectionsAreAMapOrOneStateAsText) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start(R"({"password": "door-key", "uconf": {"1": {}}, "conf": {"1": {"protocol": "tcp",
    "serialID": "1", "url": "127.0.0.1", "port": )" +
                                std::to_string(server.port()) + "}}}"));
  TcpPeer peer = server.accept();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  for (const char* code : {"11", "\"0x11\""}) {
    EXPECT_EQ(to_json(at(ask_code(code), "data")), R"({"1":4})");
    for (const char* one : {R"({"channel": "1"})", R"({"channel": 1})"}) {
      const Json answer = ask_code(code, one);
      EXPECT_EQ(to_json(at(answer, "data")), "\"4\"") << to_json(answer);
    }
    const Json unknown = ask_code(code, R"({"channel": "7"})");
    EXPECT_EQ(number(unknown, "error_code"), 5005) << to_json(unknown);
  }
  EXPECT_EQ(dtud.stop(), 0);
}

// A module with an ADC, a climate sensor and a battery, on a tree of files.
struct MadeBoard : LinuxBoard {
  void start_made(const std::string& members = "") {
    make_board(dtud.path("tree"));
    dtud.hal(R"({"type": "linux", "root": ")" + dtud.path("tree") + R"(", "ports": {"1": {"device": ")" + pty.device() +
             R"("}}, "imei": "490154203237518", "version": "1.7")" + (members.empty() ? "" : ", ") + members + "}");
    dtud.device(R"({"password": "door-key", "uconf": {"1": {}}})");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
};

TEST_F(MadeBoard, TheFunctionCodesAnswerWhatTheKernelMeasures) {
  ASSERT_NO_FATAL_FAILURE(
      start_made(R"("gpio": {"4": {"chip": "/dev/gpiochip-none", "line": 7}}, "adc": {"0": {"channel": "voltage0"},
        "1": {"channel": "voltage2", "factor": 11}, "2": {"device": "gone"}})"));
  for (const auto& [code, hex] : {std::pair("7", "\"0x07\""), {"9", "9"}, {"10", "\"0x10\""}, {"0", "0"}, {"2", "2"}})
    for (const std::string form : {code, hex}) {
      const Json answer = ask_code(form);
      EXPECT_EQ(number(answer, "status"), 1) << form << to_json(answer);
    }
  EXPECT_EQ(to_json(at(ask_code("7"), "data")), "\"3.7\"");
  EXPECT_EQ(to_json(at(ask_code("7", R"({"adcn": 1})"), "data")), "\"5.5\"");
  EXPECT_EQ(to_json(at(ask_code("9"), "data")), "\"3590\"");
  EXPECT_EQ(number(ask_code("10"), "data.temperature"), 26);
  EXPECT_EQ(number(ask_code("10"), "data.humidity"), 60);
  EXPECT_EQ(text(ask_code("0"), "data"), "490154203237518");
  EXPECT_EQ(text(ask_code("2"), "data"), "v 1.7");
  EXPECT_NE(text(ask_code("7", R"({"adcn": 2})"), "error").find("no voltage input of device gone"), std::string::npos);
  EXPECT_NE(text(ask_code("8", R"({"pins": 4})"), "error").find("gpio.4 (/dev/gpiochip-none line 7)"),
            std::string::npos);
  make_file(dtud.path("tree"), "/sys/class/hwmon/hwmon0/humidity1_input", "-1");
  EXPECT_EQ(to_json(at(ask_code("10"), "data")), R"({"humidity":null,"temperature":26})");
  make_file(dtud.path("tree"), "/sys/class/power_supply/BAT0/present", "0");
  EXPECT_NE(text(ask_code("9"), "error").find("the battery is taken out"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(MadeBoard, CodeEightAnswersTheLevelsOfTheLines) {
  make_file(dtud.path("lines"), "/7", "1");
  dtud.environment(
      {"LD_PRELOAD=" E2E_FAKE_GPIOD, "ASAN_OPTIONS=verify_asan_link_order=0", "FAKE_GPIO=" + dtud.path("lines")});
  ASSERT_NO_FATAL_FAILURE(start_made(
      R"("gpio": {"4": {"chip": "/dev/fake", "line": 7}, "5": {"chip": "/dev/fake", "line": 9, "direction": "out"}})"));
  for (const char* code : {"8", "\"0x08\""}) {
    EXPECT_EQ(to_json(at(ask_code(code, R"({"pins": 4})"), "data")), "1");
    EXPECT_EQ(to_json(at(ask_code(code), "data")), R"({"4":1,"5":0})");
  }
  make_file(dtud.path("lines"), "/7", "0");
  EXPECT_EQ(dtud.put("/v1/points/gpio.5", "1").status, 200);
  EXPECT_EQ(read_file(dtud.path("lines/9")), "1");
  EXPECT_EQ(to_json(at(ask_code("8"), "data")), R"({"4":0,"5":1})");
  EXPECT_EQ(dtud.stop(), 0);
}

// "set_clock": false: this test must not set the clock of the machine it runs on.
TEST_F(MadeBoard, TheClockIsHeldAgainstAnNtpServer) {
  NtpServer server(std::chrono::hours(2));
  ASSERT_NO_FATAL_FAILURE(
      start_made(R"("time": {"set_clock": false, "ntp_port": )" + std::to_string(server.port()) + "}"));
  EXPECT_EQ(number(ask_code("65", R"({"ntp_server": "127.0.0.1"})"), "status"), 1);
  const Json called =
      parse_json(dtud.post("/v1/call", R"({"command": "time.sync", "args": {"ntp_server": "127.0.0.1"}})").body);
  EXPECT_EQ(text(called, "result.means"), "ntp") << to_json(called);
  EXPECT_NEAR(static_cast<double>(number(called, "result.offset_ms")), 7'200'000, 5'000) << to_json(called);
  EXPECT_EQ(text(called, "result.set"), "false");
  const Json none = ask_code("65");
  EXPECT_EQ(number(none, "status"), 0) << to_json(none);
  EXPECT_NE(text(none, "error").find("no time server"), std::string::npos) << to_json(none);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(LinuxBoard, APasswordOfAWifiIsShownNowhere) {
  dtud.hal(R"({"type": "sim"})");
  ASSERT_NO_FATAL_FAILURE(start(R"({"password": "door-key", "uconf": {"1": {}}})"));
  const auto call = [&](const std::string& command, const std::string& args) {
    return dtud.post("/v1/call", R"({"command": ")" + command + R"(", "args": )" + args + "}").body;
  };
  std::string shown;
  for (const char* args :
       {R"({"ssid": "simulated", "password": "hush hush"})", R"({"ssid": "x", "password": "hush hush"})",
        R"({"ssid": "simulated", "password": ["hush"]})",
        R"({"ssid": "simulated", "password": "hush............................................................."})"})
    for (const char* command : {"wifi.connect", "wifi.access_point"}) shown += call(command, args);
  EXPECT_NE(shown.find(R"("ssid":"simulated")"), std::string::npos) << shown;
  EXPECT_NE(shown.find("the network is not in reach"), std::string::npos) << shown;
  for (const char* path : {"/v1/points/wifi.state", "/v1/status", "/v1/events"}) shown += dtud.get(path).body;
  shown += dtud.dtuctl({"--json", "audit"}).output;
  EXPECT_NE(shown.find("wifi.connect"), std::string::npos) << "in the audit";
  EXPECT_EQ(dtud.stop(), 0);
  shown += dtud.log() + read_file(dtud.path("state/audit.log"));
  EXPECT_EQ(shown.find("hush"), std::string::npos) << shown;
}

struct Sms : LinuxBoard {};
TEST_F(Sms, TakesAThousandAndTwentyFourBytesAndANumberFilledWithZeros) {
  dtud.hal(R"({"type": "sim"})");
  ASSERT_NO_FATAL_FAILURE(start(R"({"password": "door-key", "uconf": {"1": {}}})"));
  const std::string longest(1024, 'x');
  const std::string filled = "12123123" + std::string(24, '\0');
  std::string escaped = "12123123";
  for (int i = 0; i < 24; ++i) escaped += "\\u0000";
  for (const std::string& number_sent : {std::string("12123123"), filled, escaped, std::string("12123123\0", 9)})
    for (const char* field : {"sms_msg", "data"}) {
      const Json answer = ask_code(
          "50", R"({"message": {"number": ")" + number_sent + R"(", ")" + field + R"(": ")" + longest + "\"}}");
      EXPECT_EQ(number(answer, "status"), 1) << to_json(answer);
      const Json last = at(parse_json(dtud.get("/v1/points/sms.last").body), "value");
      EXPECT_EQ(text(last, "number"), "12123123");
      EXPECT_EQ(text(last, "text"), longest);
    }
  const Json longer = ask_code("50", R"({"number": "12123123", "sms_msg": ")" + longest + "x\"}");
  EXPECT_EQ(number(longer, "error_code"), 5005) << to_json(longer);
  const Json longest_number = ask_code("50", R"({"number": "12345678901234567890123456789012", "sms_msg": "x"})");
  EXPECT_EQ(number(longest_number, "status"), 1) << to_json(longest_number);
  const Json no_number = ask_code("50", R"({"number": "\u0000\u0000", "sms_msg": "x"})");
  EXPECT_EQ(number(no_number, "error_code"), 5005) << to_json(no_number);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
