#include "upgrade/allowance.hpp"

#include <gmock/gmock.h>

#include <cstdlib>
#include <ctime>

#include "temp_dir.hpp"

namespace dtud::upgrade {
namespace {

using testing::HasSubstr;

struct AllowanceTest : testing::Test {
  TempDir dir;
  std::string zone;
  void SetUp() override {
    if (const char* before = std::getenv("TZ")) zone = before;
    in("UTC");
  }
  void TearDown() override { in(zone); }
  static void in(const std::string& name) {
    name.empty() ? ::unsetenv("TZ") : ::setenv("TZ", name.c_str(), 1);
    ::tzset();
  }
  [[nodiscard]] Allowance make(const std::string& window, uint64_t bytes = 0) const {
    return {window, bytes, dir.path("budget.json")};
  }
  // 2026-11-20 at so many hours and minutes, UTC.
  static int64_t at(int hour, int minute, int second = 0) { return 1'795'132'800 + hour * 3600 + minute * 60 + second; }
};

TEST_F(AllowanceTest, WithoutRulesAlways) {
  EXPECT_TRUE(make("").look(0).now);
  EXPECT_TRUE(make("12:00-12:00").look(at(3, 0)).now) << "a window of a whole day";
}

TEST_F(AllowanceTest, AWindowInTheDayAndOneOverMidnight) {
  Allowance day = make("08:30-17:00"), night = make("22:00-05:00");
  for (int minute = 0; minute < 1440; ++minute) {
    const int64_t now = at(0, minute);
    EXPECT_EQ(day.look(now).now, minute >= 510 && minute < 1020) << minute;
    EXPECT_EQ(night.look(now).now, minute >= 1320 || minute < 300) << minute;
  }
  EXPECT_THAT(night.look(at(12, 0)).why, HasSubstr("until 22:00"));
  EXPECT_FALSE(night.look(at(12, 0)).open);
}

TEST_F(AllowanceTest, LocalTimeCounts) {
  in("UTC-8");  // eight hours east
  EXPECT_TRUE(make("22:00-05:00").look(at(14, 0)).now);
  EXPECT_FALSE(make("22:00-05:00").look(at(22, 0)).now);
}

TEST_F(AllowanceTest, LooksAgainWhenTheWindowTurns) {
  Allowance night = make("22:00-05:00");
  EXPECT_EQ(night.look(at(21, 59, 57)).look_s, 3);
  EXPECT_EQ(night.look(at(4, 59, 50)).look_s, 10);
  EXPECT_EQ(night.look(at(12, 0)).look_s, 60) << "the clock may be set meanwhile";
}

TEST_F(AllowanceTest, AClockThatWasNeverSetOpensNoWindow) {
  EXPECT_THAT(make("00:00-23:59").look(3600).why, HasSubstr("clock"));
  EXPECT_FALSE(make("00:00-23:59").look(3600).now);
}

TEST_F(AllowanceTest, BytesOfADayThroughRestarts) {
  {
    Allowance a = make("", 1000);
    EXPECT_EQ(a.look(at(1, 0)).bytes, 1000U);
    a.count(400, at(1, 0), false);
    EXPECT_EQ(a.look(at(2, 0)).bytes, 600U);
    a.count(0, at(2, 0), true);
  }
  Allowance b = make("", 1000);
  EXPECT_EQ(b.look(at(3, 0)).bytes, 600U);
  b.count(600, at(3, 0), true);
  EXPECT_FALSE(b.look(at(3, 0)).now);
  EXPECT_TRUE(b.look(at(3, 0)).open) << "what is here may still be installed";
  EXPECT_THAT(b.look(at(3, 0)).why, HasSubstr("1000 bytes were downloaded today"));
  EXPECT_TRUE(b.look(at(24, 0)).now) << "the next day";
  EXPECT_EQ(b.look(at(24, 0)).bytes, 1000U);
}

TEST_F(AllowanceTest, ManyBytesAreWrittenDownOnTheWay) {
  Allowance a = make("", 100U << 20U);
  a.count(2U << 20U, at(1, 0), false);
  EXPECT_EQ(make("", 100U << 20U).look(at(1, 0)).bytes, 98U << 20U);
}

TEST_F(AllowanceTest, AnotherDayThanTheClockSaysIsANewOneEvenBackwards) {
  Allowance a = make("", 1000);
  a.count(1000, at(1, 0), true);
  EXPECT_TRUE(a.look(at(1, 0) - 10LL * 365 * 86400).now);
  EXPECT_TRUE(a.look(at(1, 0)).now) << "which is why a clock that jumps can only ever give more";
}

}  // namespace
}  // namespace dtud::upgrade
