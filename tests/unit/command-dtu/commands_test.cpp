#include "board.hpp"

namespace command_dtu::test {
namespace {

TEST(Commands, WhatACommandNeedsIsAskedForWhoeverCalledIt) {
  Rig rig;
  full_board(rig);
  rig.ask_code("51", R"({"password":"new \"one\""})");
  const auto& asked = rig.host.requests();
  ASSERT_EQ(asked.size(), 2U);
  EXPECT_EQ(asked[0].code, 51);
  EXPECT_EQ(asked[0].caller, DTU_CALLER_PORT);
  EXPECT_EQ(asked[0].link, 77U);
  EXPECT_EQ(asked[1].name, "password.set");
  EXPECT_EQ(asked[1].args, R"({"new_password":"new \"one\""})");
  EXPECT_EQ(asked[1].caller, DTU_CALLER_ASKER);
  EXPECT_EQ(asked[1].for_call, 1U);
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
  for (const char* unknown : {"null", "\"\""}) {
    rig.host.set_point("device.version", unknown);
    EXPECT_EQ(rig.ask_code("2"), "\"v 0\"") << unknown;
  }
  Rig bare;
  EXPECT_EQ(bare.ask_code("2"), "\"v 0\"") << "nobody knows a version";
  bare.host.on_point("device.version", [](const dtu::test::Request&) { return dtu::test::Answer{DTU_E_IO, "", "no"}; });
  EXPECT_EQ(bare.ask_code("2"), "null") << "it is known to somebody who cannot say it now";
}

TEST(Commands, AnEmptyEntryOfTheSimIsNoNumber) {
  Rig rig;
  for (const char* value : {"\"\"", "null"}) {
    rig.host.set_point("sim.number", value);
    EXPECT_EQ(rig.ask(R"({"cmd_code":1})", "error_code"), "3001") << value;
    EXPECT_EQ(rig.ask(R"({"cmd_code":1})"), "null") << value;
  }
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

// The modem is gone, and its board answers from memory.
TEST(Commands, AStaleValueIsNoAnswer) {
  Rig rig;
  full_board(rig);
  const auto old = [](const char* json) {
    return [json](const dtu::test::Request&) {
      dtu::test::Answer answer{DTU_OK, json};
      answer.age_ms = 90'000;
      answer.stale = true;
      return answer;
    };
  };
  rig.host.on_point("radio.csq", old("17"));
  rig.host.on_point("sensor.temperature", old("31"));
  rig.host.on_point("device.imei", old(imei));
  EXPECT_EQ(rig.ask_code("3"), "null");
  EXPECT_EQ(rig.ask(R"({"cmd_code":3})", "status"), "0");
  EXPECT_THAT(rig.ask(R"({"cmd_code":3})", "error"),
              testing::HasSubstr("radio.csq is not known now: its last value is 90 s old"));
  EXPECT_EQ(rig.ask_code("10"), R"({"temperature":null,"humidity":60.0})") << "the other one is true";
  EXPECT_EQ(rig.ask_code("0"), imei) << "what the board is does not age";
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
  EXPECT_EQ(rig.ask_code("10"), R"({"temperature":null,"humidity":60.5})");
  rig.host.set_point("network.data_state", "1");
  EXPECT_EQ(rig.ask_code("12"), R"({"data_state":1})");
}

TEST(Commands, OneConnectionAsText) {
  Rig rig;
  full_board(rig);
  EXPECT_EQ(rig.ask_code("11", R"({"channel":"1"})"), "\"4\"");
  EXPECT_EQ(rig.ask_code("17", R"({"channel":1})"), "\"4\"");
  EXPECT_EQ(rig.ask_code("11", R"({"channel":"2"})"), "null") << "its plugin tells none";
  for (const char* none : {R"({"channel":"3"})", R"({"channel":{}})"})
    EXPECT_EQ(rig.ask("{\"cmd_code\":11,\"password\":\"012345\",\"data\":" + std::string(none) + "}", "error_code"),
              "5005");
}

TEST(Commands, WhatTheBoardDoesNotOfferIsNotStored) {
  Rig rig;
  full_board(rig);
  rig.host.on_command("board.offers", [](const dtu::test::Request&) {
    return dtu::test::Answer{DTU_OK, R"({"network":false,"firmware":false})"};
  });
  for (const auto& [code, data] :
       std::map<std::string, std::string>{{"62", R"({"ota":1})"}, {"98", R"({"ota":["a","b","c"]})"}}) {
    EXPECT_EQ(rig.ask("{\"cmd_code\":" + code + ",\"password\":\"012345\",\"data\":" + data + "}", "error_code"),
              "5006");
    for (const auto& asked : rig.host.requests()) EXPECT_NE(asked.name, "config.change");
  }
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
  Rig filled;
  full_board(filled);
  for (const char* text : {R"({"number":"12\u0000\u0000","sms_msg":"x"})", R"({"number":"12","sms_msg":"x\u0000"})",
                           R"({"message":{"number":"12\u0000","data":"x"}})"}) {
    EXPECT_EQ(filled.ask_code("50", text), "\"\"");
    EXPECT_EQ(filled.host.requests().back().args, R"({"number":"12","text":"x"})");
  }
  EXPECT_EQ(filled.ask_code("50", R"({"number":"12","sms_msg":"a\u0000b\\u0000\u0000"})"), "\"\"");
  EXPECT_EQ(filled.host.requests().back().args, R"({"number":"12","text":"a\u0000b\\u0000"})");
  Rig rig;
  full_board(rig);
  for (const char* data :
       {R"({"number":"1;rm","sms_msg":"x"})", R"({"number":"1","sms_msg":5})", R"({"number":{},"sms_msg":""})"})
    EXPECT_EQ(rig.ask("{\"cmd_code\":50,\"password\":\"012345\",\"data\":" + std::string(data) + "}", "error_code"),
              "5005")
        << data;
  for (const char* data : {"{}", R"({"number":"1"})", R"({"sms_msg":"x"})", R"({"message":{"number":"1"}})"})
    EXPECT_EQ(rig.ask("{\"cmd_code\":50,\"password\":\"012345\",\"data\":" + std::string(data) + "}", "error_code"),
              "5009")
        << data;
}

TEST(Commands, RestartAnswersFirst) {
  Rig rig;
  std::vector<std::string> order;
  rig.host.on_command("system.restart", [&](const dtu::test::Request& r) {
    EXPECT_EQ(r.caller, DTU_CALLER_ASKER);
    EXPECT_EQ(rig.host.replies().size(), 1U) << "answered before";
    return dtu::test::Answer{DTU_E_UNSUPPORTED, "", "not here"};
  });
  EXPECT_EQ(rig.ask_code("255"), "\"reset dtu\"");
  EXPECT_EQ(rig.host.requests().back().name, "system.restart");
  EXPECT_TRUE(rig.host.logged("not here"));
}

TEST(Commands, CancelForgetsTheCall) {
  Rig rig;
  std::vector<uint64_t> open;
  rig.host.on_point("radio.csq", [&](const dtu::test::Request& r) -> std::optional<dtu::test::Answer> {
    open.push_back(r.id);
    return std::nullopt;
  });
  const dtu_commands& commands = rig.commands();
  const dtu_caller caller{sizeof caller, DTU_CALLER_CONSOLE, 0, 0, dtu::str("console")};
  dtu_invocation asked{sizeof asked, 0, 500, dtu::str("radio.csq"), dtu::str("{}"), &caller};
  ASSERT_EQ(commands.invoke(rig.plugin().self(), &asked, nullptr), DTU_OK);
  dtu_error error{};
  EXPECT_EQ(commands.invoke(rig.plugin().self(), &asked, &error), DTU_E_INVALID);
  asked.call = 501;
  asked.name = dtu::str("no.such");
  EXPECT_EQ(commands.invoke(rig.plugin().self(), &asked, &error), DTU_E_NOT_FOUND);
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
