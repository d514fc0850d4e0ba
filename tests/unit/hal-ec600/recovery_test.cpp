// Which step follows which, and how often (field-troubles A6, 5.4.1).
#include "recovery_ladder.hpp"

#include <gtest/gtest.h>

#include "fixture.hpp"
#include "wear_budget.hpp"

namespace hal_ec600::test {
namespace {

using Rung = RecoveryLadder::Rung;

TEST(RecoveryLadder, A6EachStepTwiceThenTheNextWithGrowingPauses) {
  RecoveryLadder ladder;
  const RecoveryLadder::Allowed all{true, true, true};
  uint64_t last = 0;
  for (const Rung rung : {Rung::flush, Rung::flush, Rung::echo, Rung::echo, Rung::radio, Rung::radio, Rung::restart,
                          Rung::restart, Rung::reset_line, Rung::reset_line}) {
    EXPECT_EQ(ladder.next(all), rung);
    EXPECT_GE(ladder.pause_ms(), last);
    last = ladder.pause_ms();
  }
  EXPECT_EQ(last, 600'000U);
  for (int i = 0; i < 6; ++i) EXPECT_EQ(ladder.next(all), Rung::flush) << "for an hour it only looks";
  EXPECT_EQ(ladder.next(all), Rung::flush);
  EXPECT_EQ(ladder.next(all), Rung::flush);
  EXPECT_EQ(ladder.next(all), Rung::echo) << "then anew";
  ladder.recovered();
  EXPECT_EQ(ladder.pause_ms(), 1'000U);
  EXPECT_EQ(ladder.next({}, Rung::radio), Rung::flush) << "what is not allowed is not done";
}

TEST_F(HalTest, A6TheBudgetOfADayIsOneAndOutlivesARestart) {
  use();
  int64_t now = 1'800'000'000;
  const auto clock = [&now] { return now; };
  const dtu::Host host(host_.table(), hal_->handle());
  {
    WearBudget budget(host, clock);
    for (uint32_t i = 0; i < WearBudget::kPerDay - 1; ++i) EXPECT_TRUE(budget.spend());
    budget.note();
    EXPECT_FALSE(budget.spend());
  }
  WearBudget again(host, clock);
  EXPECT_EQ(again.used(), WearBudget::kPerDay);
  EXPECT_FALSE(again.spend());
  now = 1'000;  // a board that starts without a clock does not begin anew
  EXPECT_FALSE(again.spend());
  now = 1'800'000'000 + 86'400;
  EXPECT_TRUE(again.spend());
}

TEST_F(HalTest, A6AHungModemIsBroughtBackByTheNextStep) {
  use_ready();
  modem().silent = true;
  (void)read("adc.0");
  pass(std::chrono::seconds(14));
  EXPECT_GE(modem().flushes, 1);
  EXPECT_THAT(hal_->health(), testing::HasSubstr("\"state\":\"recovering\""));
  EXPECT_THAT(read("modem.state"), testing::HasSubstr("\"recovery\":{\"step\":\"flush\""));
  pass(std::chrono::seconds(60));
  EXPECT_GE(modem().count("ATE0"), 2U);
  EXPECT_GE(modem().count("AT+CFUN=0"), 1U);
  EXPECT_EQ(read("device.imei"), "stale \"861234567890123\"");
  modem().silent = false;
  pass(std::chrono::seconds(60));
  EXPECT_THAT(hal_->health(), testing::HasSubstr("\"state\":\"ready\""));
  EXPECT_EQ(read("device.imei"), "\"861234567890123\"");
}

TEST_F(HalTest, A6APortThatNeverAnsweredIsNotSwitchedByGuess) {
  use(R"({"at_device": "/dev/ttyUSB2"})", [](ScriptedModem& m) { m.silent = true; });
  pass(std::chrono::seconds(300));
  EXPECT_GE(modem().count("ATE0"), 1U);
  EXPECT_EQ(modem().count_part("CFUN"), 0U);
}

struct ResetLine : HalTest {
  std::vector<std::string> levels;
  ResetLine() {
    host_.on_point("gpio.5", [this](const dtu::test::Request& r) {
      levels.push_back(r.args);
      return dtu::test::Answer{};
    });
  }
  void hang(const std::string& config) {
    use(config, [](ScriptedModem& m) { m.silent = true; });
    pass(std::chrono::seconds(60));
    ASSERT_GE(levels.size(), 2U);
    levels.resize(2);
  }
};

TEST_F(ResetLine, A6IsPulsed) {
  hang(R"({"at_device": "/dev/ttyUSB2", "reset_point": "gpio.5"})");
  EXPECT_THAT(levels, testing::ElementsAre("1", "0"));
}

TEST_F(ResetLine, A6MayBeActiveLow) {
  hang(R"({"at_device": "/dev/ttyUSB2", "reset_point": "gpio.5", "reset_level": 0})");
  EXPECT_THAT(levels, testing::ElementsAre("0", "1"));
}

struct ResetPointTest : HalTest {
  size_t warnings() {
    size_t n = 0;
    for (const auto& line : host_.logs()) n += line.text.find("reset_point: ") != std::string::npos ? 1 : 0;
    return n;
  }
};

TEST_F(ResetPointTest, A6OneThatIsNotThereIsSaidBeforeItIsNeeded) {
  host_.set_point("gpio.55", "0");  // another one
  use_ready(R"({"at_device": "/dev/ttyUSB2", "reset_point": "gpio.5"})");
  pass(std::chrono::seconds(200));
  EXPECT_THAT(hal_->health(), testing::HasSubstr(R"("reset_point_trouble":"this board has no point gpio.5")"));
  EXPECT_EQ(warnings(), 1U);
  host_.set_point("gpio.5", "0");
  pass(std::chrono::seconds(60));
  EXPECT_THAT(hal_->health(), testing::Not(testing::HasSubstr("reset_point_trouble")));
}

TEST_F(ResetPointTest, A6OneThatCannotBeWrittenIsSaid) {
  host_.set_point("adc.5", "0", "V");
  use_ready(R"({"at_device": "/dev/ttyUSB2", "reset_point": "adc.5"})");
  pass(std::chrono::seconds(10));
  EXPECT_THAT(hal_->health(), testing::HasSubstr("the point adc.5 cannot be written"));
  EXPECT_EQ(warnings(), 1U);
}

TEST_F(ResetPointTest, A6OneThatIsThereIsNoNews) {
  host_.set_point("gpio.5", "0");
  use_ready(R"({"at_device": "/dev/ttyUSB2", "reset_point": "gpio.5"})");
  pass(std::chrono::seconds(20));
  EXPECT_THAT(hal_->health(), testing::Not(testing::HasSubstr("reset_point_trouble")));
  EXPECT_EQ(warnings(), 0U);
}

TEST_F(HalTest, A6ASimThatWasThereAndIsLostIsLookedFor) {
  use_ready();
  modem().say("\r\n+CPIN: NOT READY\r\n");
  modem().answers["+CPIN?"] = {"+CME ERROR: 13"};
  pass(std::chrono::seconds(31));
  EXPECT_EQ(modem().count("AT+CFUN=0"), 1U);
  EXPECT_EQ(modem().count("AT+CFUN=1"), 1U);
  pass(std::chrono::seconds(600));
  EXPECT_LE(modem().count("AT+CFUN=0"), 2U) << "twice at most";
}

TEST_F(HalTest, A7NothingResetsWhileTheNetworkIsSearched) {
  use_ready();
  modem().answers["+CEREG?"] = {"+CEREG: 2,2"};
  modem().say("\r\n+CEREG: 2\r\n\r\n+CPIN: NOT READY\r\n");
  modem().answers["+CPIN?"] = {"+CME ERROR: 13"};
  pass(std::chrono::seconds(600));
  EXPECT_EQ(modem().count_part("CFUN"), 0U);
}

}  // namespace
}  // namespace hal_ec600::test
