// Every point of the simulated board.
#include <Poco/JSON/Parser.h>

#include "fixture.hpp"
#include "schema.json.hpp"

namespace hal_sim::test {
namespace {

class Points : public SimTest {};

int luhn(const std::string& digits) {  // 0 when the last digit is right
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    const int d = digits[digits.size() - 1 - i] - '0';
    sum += i % 2 == 0 ? d : d * 2 / 10 + d * 2 % 10;
  }
  return sum % 10;
}

// What the schema promises is what a board without configuration has.
TEST_F(Points, DefaultsAreThoseOfTheSchema) {
  use("{}");
  const auto schema = Poco::JSON::Parser().parse(std::string(schema_json)).extract<Poco::JSON::Object::Ptr>();
  const auto described = schema->getObject("properties")->getObject("points")->getObject("properties");
  std::vector<std::string> names{"sms.last",    "tts.last",         "time.last",  // not configured
                                 "network.apn", "network.apn_user", "network.configured", "wifi.state"};
  for (const auto& [name, unused] : *described) {
    names.push_back(name);
    const auto wanted = described->getObject(name)->get("default");
    const auto got = Poco::JSON::Parser().parse("[" + read(name) + "]").extract<Poco::JSON::Array::Ptr>()->get(0);
    EXPECT_EQ(got.toString(), wanted.toString()) << name;
  }
  std::vector<std::string> listed;
  for (const auto& [name, unused] : listed_points()) listed.push_back(name);
  EXPECT_THAT(listed, testing::UnorderedElementsAreArray(names));
}

TEST_F(Points, DefaultIdentityIsWellFormed) {
  use("{}");
  const std::string imei = read("device.imei"), iccid = read("sim.iccid");
  EXPECT_EQ(imei.size(), 15U + 2);
  EXPECT_EQ(luhn(imei.substr(1, 15)), 0);
  EXPECT_EQ(imei.substr(1, 2), "00");  // a test IMEI
  EXPECT_EQ(luhn(iccid.substr(1, iccid.size() - 2)), 0);
}

TEST_F(Points, EveryValueCanBeConfigured) {
  const std::map<std::string, std::string> values{{"device.imei", R"("490154203237518")"},
                                                  {"device.version", R"("7")"},
                                                  {"sim.number", R"("+861234567890")"},
                                                  {"sim.iccid", R"("89860000000000000001")"},
                                                  {"radio.csq", "31"},
                                                  {"battery.mv", "12000"},
                                                  {"sensor.temperature", "-4.25"},
                                                  {"sensor.humidity", "99.5"},
                                                  {"network.voice_state", "5"},
                                                  {"network.data_state", "3"},
                                                  {"network.cells", "[[1,2,3],[4,5,6]]"},
                                                  {"location.cell", "[8.5,47.25,120]"},
                                                  {"adc.0", "0.5"},
                                                  {"adc.1", "2.5"},
                                                  {"adc.7", "4.125"},
                                                  {"gpio.1", "1"},
                                                  {"gpio.128", "1"}};
  std::string config;
  for (const auto& [name, json] : values)
    config.append(config.empty() ? "\"" : ", \"").append(name).append("\": ").append(json);
  use(R"({"points": {)" + config + "}}");
  for (const auto& [name, json] : values) EXPECT_EQ(read(name), json) << name;
}

TEST_F(Points, AnAbsentOneIsNotListedAndSaysSo) {
  use(R"({"absent": ["battery.mv", "gpio.4"]})");
  EXPECT_EQ(listed_points().count("battery.mv"), 0U);
  const std::string text = ": this board does not have it (\"absent\" of the simulated board)";
  EXPECT_EQ(read("battery.mv"), failed(DTU_E_UNSUPPORTED, "battery.mv" + text));
  EXPECT_EQ(write("gpio.4", "1"), failed(DTU_E_UNSUPPORTED, "gpio.4" + text));
  EXPECT_EQ(read("radio.csq"), "17");
}

TEST_F(Points, AnUnknownOneIsNotFound) {
  use("{}");
  EXPECT_EQ(read("radio.cqs"), failed(DTU_E_NOT_FOUND, "radio.cqs is not a point of the simulated board"));
  EXPECT_EQ(read(""), failed(DTU_E_NOT_FOUND, " is not a point of the simulated board"));
}

TEST_F(Points, AbsentMustNameSomething) {
  const Instance sim = host_.create(*DTU_ENTRY.components[0], R"({"absent": ["batery.mv"]})");
  EXPECT_FALSE(sim);
  EXPECT_EQ(sim.status(), DTU_E_INVALID);
  EXPECT_THAT(sim.error(), HasSubstr("absent names batery.mv"));
}

TEST_F(Points, WhatATestMayWrite) {
  use("{}");
  std::vector<std::string> writable;
  for (const auto& [name, may] : listed_points())
    if (may) writable.push_back(name);
  EXPECT_THAT(writable, testing::ElementsAre("battery.mv", "gpio.1", "gpio.2", "gpio.3", "gpio.4", "network.data_state",
                                             "network.voice_state", "radio.csq"));
  EXPECT_EQ(write("radio.csq", "5"), "5");
  EXPECT_EQ(read("radio.csq"), "5");
  EXPECT_EQ(write("network.data_state", "3"), "3");
  EXPECT_EQ(read("network.data_state"), "3");
  EXPECT_EQ(write("radio.csq", "100"), failed(DTU_E_INVALID, "radio.csq takes 0 to 99, not 100"));
}

TEST_F(Points, GpioIsWritten) {
  use("{}");
  EXPECT_EQ(write("gpio.4", "1"), "1");
  EXPECT_EQ(read("gpio.4"), "1");
  EXPECT_EQ(read("gpio.3"), "0");
  EXPECT_EQ(write("gpio.4", "0"), "0");
  EXPECT_EQ(read("gpio.4"), "0");
}

TEST_F(Points, WhatGpioTakesIsSaid) {
  use("{}");
  for (const char* wrong : {"2", "-1", "true", "\"1\"", "1.0", "", "[1]"})
    EXPECT_EQ(write("gpio.4", wrong), failed(DTU_E_INVALID, std::string("gpio.4 takes 0 or 1, not ") + wrong));
  EXPECT_EQ(read("gpio.4"), "0");
}

TEST_F(Points, OthersCannotBeWritten) {
  use("{}");
  EXPECT_EQ(write("device.imei", "1"), failed(DTU_E_UNSUPPORTED, "device.imei can only be read"));
}

TEST_F(Points, AnAwaitIsAnsweredWhenTheValueIsAnother) {
  use(R"({"points": {"gpio.3": 1}})");
  EXPECT_EQ(await("gpio.3", "0"), "1");  // it is another already
  EXPECT_EQ(await("gpio.3", "1"), "no answer yet");
  write("gpio.2", "1");
  write("gpio.3", "1");
  EXPECT_EQ(answer_of(2), "no answer yet");
  write("gpio.3", "0");
  EXPECT_EQ(answer_of(2), "0");
  write("gpio.3", "1");
  EXPECT_EQ(host_.replies().back().call, call_) << "an await is answered once";
}

TEST_F(Points, ACancelledAwaitIsNotAnswered) {
  use("{}");
  EXPECT_EQ(await("gpio.1", "0"), "no answer yet");
  points().cancel(sim_->self(), call_);
  write("gpio.1", "1");
  EXPECT_EQ(answer_of(1), "no answer yet");
}

TEST_F(Points, OnlyWhatCanChangeIsAwaited) {
  use(R"({"absent": ["gpio.1"]})");
  EXPECT_EQ(await("device.imei", "1"), failed(DTU_E_UNSUPPORTED, "device.imei does not report changes"));
  EXPECT_THAT(await("gpio.1", "0"), HasSubstr("does not have it"));
  EXPECT_THAT(await("gpio.9", "0"), HasSubstr("not a point"));
}

TEST_F(Points, AwaitsEndWithTheBoardAndAreNotWithoutLimit) {
  use("{}");
  for (int i = 0; i < 1024; ++i) ASSERT_EQ(await("gpio.1", "0"), "no answer yet");
  EXPECT_THAT(await("gpio.1", "0"), HasSubstr("1024 already wait"));
  ASSERT_TRUE(sim_->stop_and_wait());
  ASSERT_EQ(host_.replies().size(), 1024U);
  EXPECT_EQ(host_.replies()[0].status, DTU_E_CLOSED);
}

TEST_F(Points, TheNetworkKeepsItsSettingsAndShowsNoPassword) {
  use("{}");
  EXPECT_EQ(read("network.configured"), "0");
  EXPECT_EQ(invoke("network.configure", R"({"apn": "my \"apn\"", "user": "me", "password": "hush-1"})"), "");
  EXPECT_EQ(read("network.apn"), R"("my \"apn\"")");
  EXPECT_EQ(read("network.apn_user"), R"("me")");
  EXPECT_EQ(read("network.configured"), "1");
  for (const auto& [name, unused] : listed_points()) EXPECT_THAT(read(name), testing::Not(HasSubstr("hush"))) << name;
  EXPECT_THAT(sim_->health(), testing::Not(HasSubstr("hush")));
  for (const auto& line : host_.logs()) EXPECT_THAT(line.text, testing::Not(HasSubstr("hush")));
}

TEST_F(Points, DelayedReadsAreAnsweredInOrderWhenDue) {
  host_.use_fake_clock();
  use(R"({"read_delay_ms": 200})");
  EXPECT_EQ(read("radio.csq"), "no answer yet");
  host_.advance(std::chrono::milliseconds(150));
  EXPECT_EQ(read("battery.mv"), "no answer yet");
  EXPECT_TRUE(host_.replies().empty());
  host_.advance(std::chrono::milliseconds(50));
  ASSERT_EQ(host_.replies().size(), 1U);
  EXPECT_EQ(host_.replies()[0].call, 1U);
  EXPECT_EQ(host_.replies()[0].json, "17");
  host_.advance(std::chrono::milliseconds(149));
  EXPECT_EQ(host_.replies().size(), 1U);
  host_.advance(std::chrono::milliseconds(2));
  ASSERT_EQ(host_.replies().size(), 2U);
  EXPECT_EQ(host_.replies()[1].json, "3590");
}

TEST_F(Points, TooManyDelayedReadsAreRefused) {
  use(R"({"read_delay_ms": 60000})");
  for (int i = 0; i < 1024; ++i) ASSERT_EQ(read("radio.csq"), "no answer yet");
  EXPECT_THAT(read("radio.csq"), HasSubstr("has 1024 reads to answer already"));
}

TEST_F(Points, DelayedReadsAreAnsweredAtStop) {
  use(R"({"read_delay_ms": 60000})");
  read("radio.csq");
  ASSERT_TRUE(sim_->stop_and_wait());
  ASSERT_EQ(host_.replies().size(), 1U);
  EXPECT_EQ(host_.replies()[0].status, DTU_E_CLOSED);
}

TEST_F(Points, AnAbsentPointIsRefusedAtOnceAlsoWithADelay) {
  use(R"({"read_delay_ms": 200, "absent": ["adc.0"]})");
  EXPECT_THAT(read("adc.0"), HasSubstr("does not have it"));
}

TEST_F(Points, DriftIsTheSameEveryTime) {
  use(R"({"drift": true})");
  std::vector<std::string> csq, temperature;
  for (int i = 0; i < 9; ++i) {
    csq.push_back(read("radio.csq"));
    temperature.push_back(read("sensor.temperature"));
  }
  EXPECT_THAT(csq, testing::ElementsAre("17", "18", "19", "18", "17", "16", "15", "16", "17"));
  EXPECT_THAT(temperature, testing::ElementsAre("26.5", "27", "27.5", "27", "26.5", "26", "25.5", "26", "26.5"));
  EXPECT_EQ(read("battery.mv"), read("battery.mv"));
}

TEST_F(Points, DriftStaysInRange) {
  use(R"({"drift": true, "points": {"radio.csq": 31}})");
  for (int i = 0; i < 8; ++i) EXPECT_LE(std::stoi(read("radio.csq")), 31);
}

TEST_F(Points, AnUnknownSignalDoesNotDrift) {
  use(R"({"drift": true, "points": {"radio.csq": 99}})");
  for (int i = 0; i < 8; ++i) EXPECT_EQ(read("radio.csq"), "99");
}

}  // namespace
}  // namespace hal_sim::test
