// The heartbeat message and its placeholders (D25).
#include <dtu/kit/net/ping.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <string>
#include <vector>

#include "probe.hpp"

namespace net {
namespace {

using namespace std::chrono_literals;
using dtu::TextTemplate;
using dtu::test::Answer;
using dtu::test::Request;

struct PingTest : testing::Test {
  PingTest() : probe(host) {}
  void make(Ping& ping) {
    ping.make(this, [this](const dtu_msg& m) {
      EXPECT_NE(m.owner, nullptr);
      made.emplace_back(dtu::view(m.payload));
    });
  }
  // Small steps: an answer comes from the loop.
  void pass(std::chrono::milliseconds time) {
    for (; time > 0ms; time -= 100ms) host.advance(100ms);
  }
  bool has_made(const std::vector<std::string>& wanted) {
    return host.run_until([&] { return made == wanted; });
  }

  dtu::test::TestHost host;
  test::Probe probe;
  std::vector<std::string> made;
};

TEST_F(PingTest, ATextAndBytesAreThereAtOnce) {
  Ping text(probe.host(), "beat {}{\"a\":{}}{");
  make(text);
  Ping bytes(probe.host(), "0x55AA00ff");
  make(bytes);
  EXPECT_EQ(made, (std::vector<std::string>{"beat {}{\"a\":{}}{", std::string("\x55\xaa\0\xff", 4)}));
  EXPECT_TRUE(Ping(probe.host(), "").empty());
  EXPECT_TRUE(host.requests().empty());
}

TEST_F(PingTest, ValuesAreThoseOfTheMoment) {
  host.set_point("device.imei", R"("861234567890123")");
  host.set_point("radio.csq", "17");
  host.set_point("device.version", R"("v 1.2")");
  Ping ping(probe.host(), "{imei} {csq} {ver}");
  make(ping);
  EXPECT_TRUE(has_made({"861234567890123 17 1.2"}));
  host.set_point("radio.csq", "9");
  host.on_command("config.get", [](const Request&) { return Answer{DTU_OK, R"({"version":100})"}; });
  make(ping);
  EXPECT_TRUE(has_made({"861234567890123 17 1.2", "861234567890123 9 100"}));
}

TEST_F(PingTest, WhatTheBoardDoesNotHaveIsEmptyAtOnceAndLoggedOnce) {
  Ping ping(probe.host(), "<{iccid}|{ver}>");
  make(ping);
  EXPECT_TRUE(has_made({"<|0>"}));
  make(ping);
  EXPECT_TRUE(has_made({"<|0>", "<|0>"}));
  ASSERT_EQ(host.logs().size(), 1U);
  EXPECT_EQ(host.logs()[0].text, "{iccid} is left empty: this board has no point sim.iccid");
}

TEST_F(PingTest, AValueThatIsNotThereYetIsWaitedForFiveSecondsOnce) {
  host.use_fake_clock();
  host.set_point("device.imei", "null");
  Ping ping(probe.host(), "<{imei}>");
  make(ping);
  pass(4900ms);
  EXPECT_TRUE(made.empty());
  pass(600ms);
  EXPECT_EQ(made, std::vector<std::string>{"<>"});
  EXPECT_TRUE(host.logged("{imei} is left empty: device.imei had no value within 5 s"));
  make(ping);
  pass(200ms);
  EXPECT_EQ(made.size(), 2U) << "it was waited for already";
  host.set_point("device.imei", R"("861234567890123")");
  make(ping);
  pass(200ms);
  EXPECT_EQ(made.back(), "<861234567890123>");
}

TEST_F(PingTest, ABoardThatDoesNotAnswerHoldsUpOneHeartbeatFiveSeconds) {
  host.use_fake_clock();
  host.on_point("radio.csq", [](const Request&) { return std::nullopt; });
  Ping ping(probe.host(), "<{csq}>");
  make(ping);
  pass(5100ms);
  EXPECT_EQ(made.size(), 1U);
  make(ping);
  pass(200ms);
  EXPECT_EQ(made.size(), 2U) << "the answer is still owed";
  EXPECT_EQ(host.requests().size(), 1U);
}

TEST_F(PingTest, AForgottenOneIsNotMade) {
  host.set_point("radio.csq", "17");
  Ping ping(probe.host(), "{csq}");
  make(ping);
  ping.forget(this);
  host.run_for(20ms);
  EXPECT_TRUE(made.empty());
}

TEST(TextTemplateTest, SaysWhatIsWrong) {
  const auto problem = [](const char* text, TextTemplate::Form form) { return TextTemplate(text, form).problem(); };
  constexpr auto kText = TextTemplate::Form::text, kBytes = TextTemplate::Form::bytes;
  for (const char* good :
       {"", "a{imei}{iccid}{csq}{ver}{id}", "{", "{}", "{\"imei\": 1}", "{{imei}}", "{1}", "{id: 5}", "{state;{imei}"})
    EXPECT_EQ(problem(good, kBytes), "") << good;
  EXPECT_EQ(problem("{imie}", kText),
            "has the unknown placeholder {imie}: known are {imei}, {iccid}, {csq}, {ver}, {id}");
  for (const char* open : {"{imei", "a/{imei/up", "{imei ", "{imei{id}", "{imie"})
    EXPECT_NE(problem(open, kText).find("without its closing brace"), std::string::npos) << open;
  EXPECT_EQ(TextTemplate("a/{imei/up", kText).fill({}), "a/{imei/up");
  for (const char* bad : {"0x", "0x1", "0xg0", "0X55a", "0x55 aa"}) {
    EXPECT_NE(problem(bad, kBytes), "") << bad;
    EXPECT_EQ(problem(bad, kText), "") << bad;
  }
  EXPECT_EQ(TextTemplate("0x5", kBytes).fill({}), "0x5");
  EXPECT_EQ(TextTemplate("{imie}", kBytes).fill({}), "{imie}");
}

}  // namespace
}  // namespace net
