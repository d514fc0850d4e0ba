// What each setter asks the kernel to change, and what it refuses before the kernel is asked.
#include "board.hpp"

namespace command_dtu::test {
namespace {

using ::testing::HasSubstr;

// The arguments of the one config.change that a command made; "" when it made none.
std::string changed(Rig& rig) {
  std::string args;
  for (const auto& request : rig.host.requests())
    if (request.name == "config.change") args += request.args;
  return args;
}

struct Set {
  const char* code;
  const char* data;
  const char* set;  // of config.change
};
constexpr Set sets[] = {
    {"52", R"({"plate":0})", R"({"plate":0})"},
    {"52", R"({"plate":"1"})", R"({"plate":1})"},
    {"53", R"({"reg":0})", R"({"reg":0})"},
    {"53", R"({"reg":"1"})", R"({"reg":1})"},
    {"53", R"({"reg":"{imei} \"here\""})", R"({"reg":"{imei} \"here\""})"},
    {"54", R"({"version":"100"})", R"({"version":"100"})"},
    {"54", R"({"version":7})", R"({"version":"7"})"},
    {"54", R"({"version ":"100"})", R"({"version":"100"})"},  // as seed 001 spells it
    {"54", R"({" version ":"100"})", R"({"version":"100"})"},
    {"55", R"({"fota":"0"})", R"({"fota":0})"},
    {"56", R"({"nolog":1})", R"({"nolog":1})"},
    {"57", R"({" service_acquire":0})", R"({"service_acquire":0})"},
    {"58", R"({"uconf":{"0":{"baudrate":"9600"}}})", R"({"uconf":{"0":{"baudrate":"9600"}}})"},
    {"59", R"({"conf":{"1":{"protocol":"tcp","password":"***"}}})",
     R"({"conf":{"1":{"protocol":"tcp","password":"***"}}})"},
    {"60", R"({"apn":["cmnet","u","***"]})", R"({"apn":["cmnet","u","***"]})"},
    {"60", R"({ "apn" : [ "a" , 5 , "" ] })", R"({"apn":["a","5",""]})"},
    {"61", R"({"pins":["1","pio128",3]})", R"({"pins":["1","128","3"]})"},
    {"62", R"({"ota":0})", R"({"ota":0})"},
    {"62", R"({"ota":"1"})", R"({"ota":1})"},
    {"62", R"({"ota":["uid","EC600N","pk"]})", R"({"ota":["uid","EC600N","pk"]})"},
    {"63", R"({"dtu_config":{"plate":1,"reg":0}})", R"({"plate":1,"reg":0})"},
    {"63", R"({"plate":1,"reg":0})", R"({"plate":1,"reg":0})"},
    {"63", R"("{\"dtu_config\":{\"plate\":1}}")", R"({"plate":1})"},
};

TEST(Setters, OneChangeEachInTheNameOfWhoAsked) {
  for (const Set& s : sets) {
    Rig rig;
    full_board(rig);
    rig.channel(1, std::string("{\"cmd_code\":") + s.code + ",\"password\":\"012345\",\"data\":" + s.data + "}");
    ASSERT_EQ(rig.to_channel(1).size(), 1U);
    EXPECT_EQ(member(rig.to_channel(1)[0], "status")->text, "1") << s.data << rig.to_channel(1)[0];
    EXPECT_EQ(changed(rig), std::string("{\"set\":") + s.set + "}") << s.code;
    EXPECT_EQ(rig.host.requests().back().caller, DTU_CALLER_ASKER)
        << "the kernel must know who has to prove the change";
  }
}

TEST(Setters, ParametersBesideTheCode) {  // D3
  Rig rig;
  full_board(rig);
  EXPECT_EQ(rig.ask(R"({"cmd_code":63,"password":"012345","dtu_config":{"plate":1}})", "status"), "1");
  EXPECT_EQ(changed(rig), R"({"set":{"plate":1}})");
  EXPECT_EQ(rig.ask(R"({"cmd_code":"0x57","password":"012345","service_acquire":1})", "status"), "1");
  EXPECT_EQ(changed(rig), R"({"set":{"service_acquire":1}})");
}

struct Refusal {
  const char* code;
  const char* data;
  const char* error_code;
  const char* says;
};
constexpr Refusal refusals[] = {
    {"52", "{}", "5009", R"(plate is missing: send {\"plate\": 0})"},
    {"52", R"({"plate":null})", "5009", "plate is missing"},
    {"52", R"({"plate":2})", "5005", "plate must be 0 or 1, not 2"},
    {"52", R"({"plate":true})", "5005", "not true"},
    {"52", R"({"plate":[1]})", "5005", "not a list"},
    {"53", "{}", "5009", "reg is missing"},
    {"53", R"({"reg":2})", "5005", "0, 1 or a text"},
    {"53", R"({"reg":{}})", "5005", "not an object"},
    {"54", "{}", "5009", "version is missing"},
    {"54", R"({"version":"1.0.2"})", "5005", "a whole number"},
    {"54", R"({"version":-1})", "5005", "a whole number"},
    {"54", R"({"version":""})", "5005", "a whole number"},
    {"54", R"({"version":1234567890123456789})", "5005", "a whole number"},
    {"55", R"({"fota":"on"})", "5005", "fota must be 0 or 1"},
    {"56", R"({"log":1})", "5009", "nolog is missing"},
    {"57", R"({"service_acquire":1.0})", "5005", "not 1.0"},
    {"58", "{}", "5009", "uconf is missing"},
    {"58", R"({"uconf":[]})", "5005", "an object"},
    {"59", R"({"1":{"protocol":"tcp"}})", "5009", "conf is missing"},
    {"59", R"({"conf":"secret"})", "5005", "not a text"},
    {"60", "{}", "5009", "apn is missing"},
    {"60", R"({"apn":"cmnet"})", "5005", "a list"},
    {"60", R"({"apn":["a","b"]})", "5009", "exactly 3 entries, not 2"},
    {"60", R"({"apn":[]})", "5009", "exactly 3 entries, not 0"},
    {"60", R"({"apn":["a","b","c","d"]})", "5009", "not more"},
    {"60", R"({"apn":["a","b",["c"]]})", "5005", "not a list"},
    {"61", R"({"pins":["1","2"]})", "5009", "exactly 3"},
    {"61", R"({"pins":["1","2","3","4"]})", "5009", "exactly 3"},
    {"61", R"({"pins":["0","2","3"]})", "5005", "1 to 128"},
    {"61", R"({"pins":["1","129","3"]})", "5005", "1 to 128"},
    {"61", R"({"pins":["1","","3"]})", "5005", "1 to 128"},
    {"61", R"({"pins":["1","gpio2","3"]})", "5005", "1 to 128"},
    {"61", R"({"pins":["1","2",true]})", "5005", "1 to 128"},
    {"62", "{}", "5009", "ota is missing"},
    {"62", R"({"ota":2})", "5005", "0, 1 or an order"},
    {"62", R"({"ota":"http://h/?k=qzX"})", "5005", "0, 1 or an order, not a text"},
    {"62", R"({"ota":["a"]})", "5009", "exactly 3"},
    {"63", "{}", "5009", "dtu_config is missing"},
    {"63", R"({"dtu_config":{}})", "5009", "dtu_config is missing"},
    {"63", R"({"dtu_config":[1]})", "5005", "the device document"},
    {"51", "{}", "5009", "new_password is missing"},
    {"51", R"({"new_password":""})", "5005", "not empty"},
};

TEST(Setters, WhatIsMissingOrMistypedIsRefusedWithWhatToSend) {
  for (const Refusal& r : refusals) {
    Rig rig;
    full_board(rig);
    rig.port(local(std::string("{\"cmd_code\":") + r.code + ",\"password\":\"012345\",\"data\":" + r.data + "}"));
    const std::string answer = rig.local_answer();
    EXPECT_EQ(member(answer, "status")->text, "0") << r.code << r.data;
    EXPECT_EQ(member(answer, "error_code")->text, r.error_code) << r.code << r.data << answer;
    EXPECT_THAT(answer, HasSubstr(r.says)) << r.code << r.data;
    EXPECT_EQ(changed(rig), "");
  }
}

TEST(Setters, TheKernelsReasonIsTheAnswer) {
  Rig rig;
  rig.host.on_command("config.change", [](const dtu::test::Request&) {
    return dtu::test::Answer{DTU_E_INVALID, "", "/uconf/1/baudrate: 7 is less than 50"};
  });
  EXPECT_EQ(rig.ask_code("58", R"({"uconf":{"1":{"baudrate":7}}})"), "null");
  EXPECT_THAT(rig.local_answer(), HasSubstr(R"("error":"/uconf/1/baudrate: 7 is less than 50","error_code":5005)"));
}

TEST(Setters, WhoTheUpgradeCloudKnowsStaysWhenOtaIsSwitchedOn) {
  Rig rig;
  full_board(rig);
  rig.host.on_command("config.get", [](const dtu::test::Request&) {
    return dtu::test::Answer{DTU_OK, R"({"ota":["uid","EC600N","pk"]})"};
  });
  EXPECT_EQ(rig.ask_code("62", R"({"ota":1})"), R"({"step":"idle"})");
  EXPECT_EQ(changed(rig), "") << "it is on already, and servers ask often";
  EXPECT_EQ(rig.ask_code("62", R"({"ota":0})"), "\"off: upgrades are not accepted\"");
  EXPECT_EQ(changed(rig), R"({"set":{"ota":0}})");
}

// GUI v1 writes the numbers of seed 000 in decimal and calls the new password "password" (its firmware refused both).
TEST(Setters, AsTheFirstGuiSendsThem) {
  Rig rig;
  full_board(rig);
  EXPECT_EQ(rig.ask(R"({"cmd_code":81,"password":"012345","data":{"password":"new"}})", "code"), "81");
  EXPECT_EQ(rig.host.requests().back().args, R"({"new_password":"new"})");
  EXPECT_EQ(rig.ask(R"({"cmd_code":"0","data":{}})", "code"), "\"0\"");
  for (const auto& [request, set] : std::map<std::string, std::string>{
           {R"({"cmd_code":82,"password":"012345","data":{"plate":1}})", R"({"set":{"plate":1}})"},
           {R"({"cmd_code":97,"password":"012345","data":{"pins":["1","2","3"]}})",
            R"({"set":{"pins":["1","2","3"]}})"},
           {R"({"cmd_code":98,"password":"012345","data":{"ota":1}})", R"({"set":{"ota":1}})"}}) {
    EXPECT_EQ(rig.ask(request, "status"), "1") << request;
    EXPECT_EQ(changed(rig), set);
  }
}

}  // namespace
}  // namespace command_dtu::test
