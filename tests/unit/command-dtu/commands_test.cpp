#include "rig.hpp"

namespace command_dtu::test {
namespace {

using ::testing::HasSubstr;

constexpr const char* imei = "\"861681053233719\"";

void full_board(Rig& rig) {
  auto& host = rig.host;
  host.set_point("device.imei", imei);
  host.set_point("sim.number", "\"17201593988\"");
  host.set_point("device.version", "\"1.2.0\"");
  host.set_point("radio.csq", "17");
  host.set_point("sim.iccid", "\"12456465486561516515153\"");
  host.set_point("adc.0", "3.7", "V");
  host.set_point("adc.1", "1250", "mV");
  host.set_point("gpio.4", "1");
  host.set_point("gpio.5", "0");
  host.set_point("battery.mv", "3590");
  host.set_point("sensor.temperature", "26.0");
  host.set_point("sensor.humidity", "60.0");
  host.set_point("network.voice_state", "1");
  host.set_point("network.data_state", "5");
  host.set_point("network.cells", "[[0,14071232,1120]]");
  host.set_point("location.cell", "[117.1138,31.82279,550]");
  const auto answers = [&host](const char* name, const char* json) {
    host.on_command(name, [json](const dtu::test::Request&) { return dtu::test::Answer{DTU_OK, json}; });
  };
  answers("config.get", R"({"version":"100","password":"***"})");
  answers("channels.state", R"({"1":{"type":"tcp","state":"up","dtu_state":4},"2":{"type":"mqtt","state":"down"}})");
  for (const char* name :
       {"password.set", "protocol.stop", "protocol.start", "system.restart", "sms.send", "tts.say", "time.sync"})
    answers(name, "null");
}

struct Row {
  std::vector<const char*> codes;  // decimal, then hexadecimal as text and as a number
  bool password;
  const char* data;    // of the request
  const char* answer;  // `data` of the answer
};
const std::vector<Row>& rows() {
  static const std::vector<Row> all{
      {{"0", "\"0\"", "\"0x00\""}, false, "{}", imei},
      {{"1", "\"1\"", "\"0x01\""}, false, "{}", "\"17201593988\""},
      {{"2", "\"0x02\""}, false, "{}", "\"v 100\""},
      {{"3", "\"0x03\""}, false, "{}", "\"CSQ17\""},
      {{"4", "\"0x04\""}, true, "{}", R"({"version":"100","password":"***"})"},
      {{"5", "\"0x05\""}, false, "{}", "[]"},
      {{"6", "\"0x06\""}, true, "{}", "\"12456465486561516515153\""},
      {{"7", "\"0X07\""}, true, R"({"adcn":0})", "\"3.7\""},
      {{"8", "\"0X08\""}, true, R"({"pins":4})", "1"},
      {{"9"}, true, "{}", "\"3590\""},
      {{"10", "\"10\"", "\"0x10\"", "16"}, true, "{}", R"({"temperature":26.0,"humidity":60.0})"},
      {{"11", "\"0x11\"", "17"}, true, "{}", R"({"1":4,"2":null})"},
      {{"12", "\"0X12\"", "18"}, true, "{}", R"({"voice_state":1,"data_state":5,"cells":[[0,14071232,1120]]})"},
      {{"13", "\"0x13\"", "19"}, true, "{}", "[117.1138,31.82279,550]"},
      {{"50", "\"0x50\"", "80"}, true, R"({"number":"12123123","sms_msg":"hi"})", "\"\""},
      {{"51", "\"0x51\"", "81"}, true, R"({"new_password":"654321"})", "\"\""},
      {{"64"}, true, R"({"device":0,"string":"hi"})", "\"\""},
      {{"65"}, true, "{}", "\"\""},
      {{"253", "\"0xfd\""}, true, "{}", "\"\""},
      {{"254", "\"0xFE\""}, true, "{}", "\"\""},
      {{"255", "\"0xff\""}, true, "{}", "\"reset dtu\""},
  };
  return all;
}

// One row of D1, in every numbering, with the right, no and a wrong password.
class CommandTable : public ::testing::TestWithParam<size_t> {};

TEST_P(CommandTable, AnswersInTheFormAskedAndKeepsThePassword) {
  const Row& row = rows()[GetParam()];
  for (const std::string code : row.codes) {
    Rig rig;
    full_board(rig);
    const std::string body = ",\"msg_id\":\"m\",\"data\":" + std::string(row.data) + "}";
    const std::string echo = "{\"msg_id\":\"m\",\"code\":" + code + ",\"cmd_code\":" + code;
    const std::string right = echo + ",\"data\":" + row.answer + ",\"status\":1,\"success\":1}";
    const auto refused = [&](int error_code, const char* error) {
      return echo + ",\"data\":null,\"status\":0,\"success\":0,\"error\":\"" + error +
             "\",\"error_code\":" + std::to_string(error_code) + "}";
    };
    rig.port(local("{\"cmd_code\":" + code + ",\"password\":\"" + good_password + "\"" + body));
    EXPECT_EQ(rig.local_answer(), right);
    rig.clear();
    rig.port(local("{\"cmd_code\":" + code + body));
    EXPECT_EQ(rig.local_answer(), row.password ? refused(5001, "send the password") : right);
    rig.clear();
    rig.port(local("{\"cmd_code\":" + code + ",\"password\":\"000000\"" + body));
    EXPECT_EQ(rig.local_answer(), row.password ? refused(5002, "wrong password") : right);
    rig.clear();
    rig.channel(1, "{\"cmd_code\":" + code + ",\"password\":\"" + good_password + "\"" + body, "", 9);
    ASSERT_EQ(rig.to_channel(1).size(), 1U);
    EXPECT_EQ(rig.to_channel(1)[0], right);
  }
}
INSTANTIATE_TEST_SUITE_P(D1, CommandTable, ::testing::Range<size_t>(0, rows().size()),
                         [](const auto& info) { return "Code" + std::string(rows()[info.param].codes[0]); });

TEST(Commands, EveryCodeListedIsInTheTableAbove) {
  Rig rig;
  size_t listed = 0;
  for (const auto& [code, flags] : rig.flags_by_code()) {
    bool found = false;
    for (const Row& row : rows())
      for (const std::string text : row.codes) found = found || text == std::to_string(code);
    // Written as "0x.." only, where decimal and hexadecimal are the same number.
    EXPECT_TRUE(found) << code;
    EXPECT_EQ((flags & DTU_COMMAND_WHEN_STOPPED) != 0, code >= 254) << code;
    ++listed;
  }
  EXPECT_EQ(listed, 27U);
}

TEST(Commands, ABoardWithoutHardwareSaysSo) {
  for (const Row& row : rows()) {
    const std::string code = row.codes[0];
    if (code == "5" || code == "255") continue;
    Rig rig;
    rig.port(local("{\"cmd_code\":" + code + ",\"password\":\"" + good_password + "\",\"data\":" + row.data + "}"));
    const std::string answer = rig.local_answer();
    EXPECT_EQ(member(answer, "status")->text, "0") << answer;
    EXPECT_EQ(member(answer, "data")->text, "null") << answer;
    EXPECT_THAT(answer, HasSubstr("unsupported by this board")) << code;
    EXPECT_EQ(member(answer, "error_code")->text, code == "1" || code == "6" ? "3001" : "5006") << code;
  }
}

TEST(Commands, CallsOfItsOwnAreTrustedAndNamed) {
  Rig rig;
  full_board(rig);
  rig.ask_code("51", R"({"password":"new \"one\""})");
  const auto& asked = rig.host.requests();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].code, 51);
  EXPECT_EQ(asked[0].flags, 0U);
  EXPECT_EQ(asked[0].source, "port 1");
  EXPECT_EQ(asked[1].name, "password.set");
  EXPECT_EQ(asked[1].args, R"({"new_password":"new \"one\""})");
  EXPECT_EQ(asked[1].flags, DTU_REQ_TRUSTED);
}

TEST(Commands, Version) {
  Rig rig;
  full_board(rig);
  EXPECT_EQ(rig.ask_code("2"), "\"v 100\"");
  std::string config;
  rig.host.on_command("config.get", [&](const dtu::test::Request&) { return dtu::test::Answer{DTU_OK, config}; });
  for (const auto& [document, answer] : std::map<std::string, std::string>{{R"({"version":7})", "\"v 7\""},
                                                                           {R"({"version":""})", "\"v 1.2.0\""},
                                                                           {"{}", "\"v 1.2.0\""},
                                                                           {"null", "\"v 1.2.0\""}}) {
    config = document;
    EXPECT_EQ(rig.ask_code("2"), answer) << document;
  }
  rig.host.set_point("device.version", "\"V2\"");
  EXPECT_EQ(rig.ask_code("2"), "\"v 2\"");
}

TEST(Commands, SignalIsNeverMadeUp) {
  Rig rig;
  for (const char* value : {"99", "-1", "32", "null", "\"?\"", "1.5"}) {
    rig.host.set_point("radio.csq", value);
    EXPECT_EQ(rig.ask_code("3"), "null") << value;
  }
  rig.host.set_point("radio.csq", "0");
  EXPECT_EQ(rig.ask_code("3"), "\"CSQ0\"");
  rig.host.set_point("device.imei", "null");
  EXPECT_EQ(rig.ask(R"({"cmd_code":0})", "status"), "0");
}

TEST(Commands, Adc) {
  Rig rig;
  full_board(rig);
  EXPECT_EQ(rig.ask_code("7"), "\"3.7\"");
  EXPECT_EQ(rig.ask_code("7", R"({"adcn":"0"})"), "\"3.7\"");
  EXPECT_EQ(rig.ask_code("7", R"({"adcn":1})"), "\"1.25\"") << "a board that says mV";
  EXPECT_EQ(rig.ask_code("7", R"({"adcn":2})"), "null");
  for (const char* bad :
       {R"({"adcn":-1})", R"({"adcn":1.5})", R"({"adcn":true})", R"({"adcn":"x"})", R"({"adcn":4294967296})"})
    EXPECT_EQ(rig.ask("{\"cmd_code\":7,\"password\":\"012345\",\"data\":" + std::string(bad) + "}", "error_code"),
              "5005");
}

TEST(Commands, Gpio) {
  Rig rig;
  full_board(rig);
  EXPECT_EQ(rig.ask_code("8"), R"({"4":1,"5":0})");
  EXPECT_EQ(rig.ask_code("8", R"({"pins":"pio5"})"), "0");
  EXPECT_EQ(rig.ask_code("8", R"({"pins":6})"), "null");
  rig.host.on_point("gpio.5", [](const dtu::test::Request&) { return dtu::test::Answer{DTU_E_IO, "", "broken"}; });
  EXPECT_EQ(rig.ask_code("8"), R"({"4":1,"5":null})");
}

TEST(Commands, WhatIsThereOfSeveralValues) {
  Rig rig;
  rig.host.set_point("sensor.humidity", "60.5");
  EXPECT_EQ(rig.ask_code("10"), R"({"humidity":60.5})");
  rig.host.set_point("network.data_state", "1");
  EXPECT_EQ(rig.ask_code("12"), R"({"data_state":1})");
}

TEST(Commands, SmsInEveryShape) {
  for (const char* request :
       {R"({"cmd_code":50,"password":"012345","data":{"number":"+12","sms_msg":"a\"b"}})",
        R"({"cmd_code":50,"password":"012345","data":{"message":{"number":"+12","sms_msg":"a\"b"}}})",
        R"({"cmd_code":80,"password":"012345","data":{"message":{"number":"+12","data":"a\"b"}}})",
        R"({"cmd_code":"0x50","password":"012345","message":{"number":"+12","sms_msg":"a\"b"}})",
        R"({"cmd_code":50,"password":"012345","number":"+12","data":"a\"b"})"}) {
    Rig rig;
    full_board(rig);
    EXPECT_EQ(rig.ask(request, "status"), "1") << request;
    EXPECT_EQ(rig.host.requests().back().args, R"({"number":"+12","text":"a\"b"})");
  }
  Rig rig;
  full_board(rig);
  for (const char* data :
       {"{}", R"({"number":"1"})", R"({"number":"1;rm","sms_msg":"x"})", R"({"number":"1","sms_msg":5})"})
    EXPECT_EQ(rig.ask("{\"cmd_code\":50,\"password\":\"012345\",\"data\":" + std::string(data) + "}", "error_code"),
              "5005")
        << data;
}

TEST(Commands, RestartAnswersFirst) {
  Rig rig;
  std::vector<std::string> order;
  rig.host.on_command("system.restart", [&](const dtu::test::Request& r) {
    EXPECT_EQ(r.flags, DTU_REQ_TRUSTED);
    EXPECT_EQ(rig.host.replies().size(), 1U) << "answered before";
    return dtu::test::Answer{DTU_E_UNSUPPORTED, "", "not here"};
  });
  EXPECT_EQ(rig.ask_code("255"), "\"reset dtu\"");
  EXPECT_EQ(rig.host.requests().back().name, "system.restart");
  EXPECT_TRUE(rig.host.logged("not here"));
}

TEST(Commands, DiagnosisOfCommandsAndChannels) {
  Rig rig;
  rig.ask(R"({"cmd_code":"0x04"})");
  rig.ask(R"({"cmd_code":200})");
  rig.state(2, DTU_STATE_DOWN);
  rig.state(2, DTU_STATE_FAILED);
  rig.state(2, DTU_STATE_UP);
  rig.state(1, DTU_STATE_UP);
  rig.state(1, DTU_STATE_DOWN);
  EXPECT_EQ(rig.ask_code("5"),
            R"([{"func_code":"0x04","error_code":"5001"},{"func_code":"200","error_code":"6005"},)"
            R"({"func_code":"","error_code":"4005","channel":2},{"func_code":"","error_code":"4003","channel":1}])");
}

TEST(Commands, CancelForgetsTheCall) {
  Rig rig;
  std::vector<uint64_t> open;
  rig.host.on_point("radio.csq", [&](const dtu::test::Request& r) -> std::optional<dtu::test::Answer> {
    open.push_back(r.id);
    return std::nullopt;
  });
  const dtu_commands& commands = rig.commands();
  ASSERT_EQ(
      commands.invoke(rig.plugin().self(), 500, dtu::str("radio.csq"), dtu::str("{}"), dtu::str("console"), nullptr),
      DTU_OK);
  dtu_error error{};
  EXPECT_EQ(
      commands.invoke(rig.plugin().self(), 500, dtu::str("radio.csq"), dtu::str("{}"), dtu::str("console"), &error),
      DTU_E_INVALID);
  EXPECT_EQ(commands.invoke(rig.plugin().self(), 501, dtu::str("no.such"), dtu::str("{}"), dtu::str("console"), &error),
            DTU_E_NOT_FOUND);
  rig.settle();
  ASSERT_EQ(open.size(), 1U);
  commands.cancel(rig.plugin().self(), 500);
  rig.host.answer(open[0], {DTU_OK, "17"});
  rig.settle();
  EXPECT_TRUE(rig.host.replies().empty());
  EXPECT_EQ(member(rig.plugin().health(), "waiting")->text, "0");
}

}  // namespace
}  // namespace command_dtu::test
