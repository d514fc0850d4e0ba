// The commands of the simulated board.
#include <Poco/JSON/Parser.h>

#include "fixture.hpp"

namespace hal_sim::test {
namespace {

class Commands : public SimTest {
 protected:
  struct Listed {
    std::string name, schema;
    uint32_t flags;
  };
  std::vector<Listed> listed() {
    std::vector<Listed> all;
    const auto each = [](void* ctx, const dtu_command_info* i) {
      static_cast<std::vector<Listed>*>(ctx)->push_back(
          {std::string(dtu::view(i->name)), std::string(dtu::view(i->args_schema)), i->flags});
    };
    EXPECT_EQ(commands().list(sim_->self(), each, &all, nullptr), DTU_OK);
    return all;
  }
};

TEST_F(Commands, AllNeedThePasswordOrAreForDtudAlone) {
  use("{}");
  std::vector<std::string> names;
  for (const Listed& command : listed()) {
    names.push_back(command.name);
    if (command.name.find("firmware.") == 0 || command.name == "network.configure")
      EXPECT_EQ(command.flags & ~DTU_COMMAND_CHANGES, DTU_COMMAND_INTERNAL | DTU_COMMAND_SHARED) << command.name;
    else
      EXPECT_EQ(command.flags & ~(DTU_COMMAND_CHANGES | DTU_COMMAND_SHARED), DTU_COMMAND_PASSWORD) << command.name;
    if (command.schema.empty()) continue;
    EXPECT_NO_THROW(Poco::JSON::Parser().parse(command.schema)) << command.name;
  }
  EXPECT_THAT(names,
              testing::ElementsAre("sms.send", "tts.say", "time.sync", "wifi.scan", "wifi.connect", "wifi.disconnect",
                                   "wifi.access_point", "wifi.clients", "firmware.facts", "firmware.install",
                                   "firmware.mark_good", "firmware.cancel", "network.configure"));
}

TEST_F(Commands, TheLastSmsIsAPoint) {
  use("{}");
  EXPECT_EQ(read("sms.last"), "null");
  EXPECT_EQ(invoke("sms.send", R"({"number": "+15555550123", "text": "hello \"you\""})"), "");
  EXPECT_EQ(read("sms.last"), R"({"number":"+15555550123","text":"hello \"you\""})");
  EXPECT_EQ(invoke("sms.send", R"({"number": "10086", "text": "second"})"), "");
  EXPECT_EQ(read("sms.last"), R"({"number":"10086","text":"second"})");
}

TEST_F(Commands, TheWifiIsStateInMemory) {
  use("{}");
  EXPECT_EQ(read("wifi.state"), R"({"state":"disconnected","access_point":{"state":"disabled"}})");
  EXPECT_THAT(invoke("wifi.scan", "{}"), testing::HasSubstr(R"({"ssid":"simulated",)"));
  EXPECT_THAT(invoke("wifi.connect", R"({"ssid": "simulated", "password": "hush hush"})"),
              testing::HasSubstr(R"("ssid":"simulated")"));
  EXPECT_THAT(read("wifi.state"), testing::HasSubstr(R"({"state":"connected","ssid":"simulated")"));
  EXPECT_THAT(host_.events().back().json, testing::Not(testing::HasSubstr("hush")));
  EXPECT_EQ(invoke("wifi.connect", R"({"ssid": "simulated", "password": "wrong password"})"),
            failed(DTU_E_IO, "wifi.connect: the password is wrong"));
  EXPECT_EQ(invoke("wifi.connect", R"({"ssid": "elsewhere"})"),
            failed(DTU_E_IO, "wifi.connect: the network is not in reach"));
  EXPECT_EQ(invoke("wifi.disconnect", "{}"), R"({"state":"disconnected"})");
  EXPECT_EQ(invoke("wifi.clients", "{}"), R"({"clients":[]})");
  EXPECT_EQ(invoke("wifi.access_point", R"({"ssid": "panel \"1\"", "channel": 6})"), "");
  EXPECT_EQ(
      read("wifi.state"),
      R"({"state":"disconnected","access_point":{"state":"enabled","ssid":"panel \"1\"","channel":6,"clients":1}})");
  EXPECT_THAT(invoke("wifi.clients", "{}"), testing::HasSubstr("02:00:00:00:00:01"));
  EXPECT_EQ(host_.events().back().name, "wifi.changed");
}

TEST_F(Commands, ABoardWithoutWifiHasNoneOfItsCommands) {
  use(R"({"absent": ["wifi.state"]})");
  for (const Listed& command : listed()) EXPECT_NE(command.name.find("wifi."), 0U) << command.name;
  EXPECT_THAT(invoke("wifi.scan", "{}"), testing::HasSubstr("wifi.scan"));
}

TEST_F(Commands, AWrongNumberIsNamed) {
  use("{}");
  for (const char* number : {"", "12a45", "1 2", "123456789012345678901234567890123"})
    EXPECT_THAT(invoke("sms.send", std::string(R"({"text": "x", "number": ")") + number + "\"}"),
                HasSubstr("/number: 1 to 32 digits"))
        << number;
  EXPECT_EQ(read("sms.last"), "null");
}

TEST_F(Commands, ATextTooLongIsRefused) {
  use("{}");
  const std::string args = R"({"number": "10086", "text": ")" + std::string(4097, 'x') + "\"}";
  EXPECT_THAT(invoke("sms.send", args), HasSubstr("/text is too long"));
}

TEST_F(Commands, WhatWasSaidAndTheClockAreKept) {
  use("{}");
  EXPECT_EQ(read("tts.last"), "null");
  EXPECT_EQ(invoke("tts.say", R"({"device": 0, "string": "hello", "password": "hush"})"), "");
  EXPECT_EQ(read("tts.last"), R"({"device":0,"string":"hello"})");
  EXPECT_THAT(invoke("tts.say", R"({"string": ")" + std::string(4097, 'x') + "\"}"), HasSubstr("/string is too long"));
  EXPECT_EQ(read("time.last"), "null");
  EXPECT_EQ(invoke("time.sync", "{}"), "");
  EXPECT_EQ(read("time.last"), R"({"ntp_server":""})");
  EXPECT_EQ(invoke("time.sync", R"({"ntp_server": "ntp.example"})"), "");
  EXPECT_EQ(read("time.last"), R"({"ntp_server":"ntp.example"})");
}

TEST_F(Commands, AbsentMeansUnsupported) {
  use(R"({"absent": ["sms.send", "tts.say", "time.last", "wifi.state"]})");
  for (const Listed& command : listed()) EXPECT_TRUE((command.flags & DTU_COMMAND_INTERNAL) != 0) << command.name;
  for (const char* name : {"sms.send", "tts.say", "time.sync"})
    EXPECT_THAT(invoke(name, R"({"number": "10086", "text": "x", "string": "x"})"),
                testing::StartsWith(failed(DTU_E_UNSUPPORTED, std::string(name) + ": this board does not have it")));
}

TEST_F(Commands, AnUnknownOneIsNotFound) {
  use("{}");
  EXPECT_EQ(invoke("tts.sing", "{}"), failed(DTU_E_NOT_FOUND, "tts.sing is not a command of the simulated board"));
}

}  // namespace
}  // namespace hal_sim::test
