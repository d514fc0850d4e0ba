#include "commands/access.hpp"

#include <gtest/gtest.h>

namespace dtud::commands {
namespace {

constexpr int64_t kSecond = 1'000'000'000;
constexpr std::string_view kNone{};

TEST(Access, MissingWrongRight) {
  Access access;
  access.set_password("012345");
  EXPECT_EQ(access.check("channel 1", kNone, 1)->status, DTU_E_DENIED);
  EXPECT_EQ(access.check("channel 1", "", 1)->status, DTU_E_WRONG_PASSWORD);
  EXPECT_EQ(access.check("channel 1", "01234", 1)->status, DTU_E_WRONG_PASSWORD);
  EXPECT_EQ(access.check("channel 1", "0123456", 1)->status, DTU_E_WRONG_PASSWORD);
  EXPECT_EQ(access.check("channel 1", "012345", 1)->status, DTU_OK);
}

TEST(Access, TheInitialPasswordCountsUntilOneIsSet) {
  Access access;
  EXPECT_EQ(access.kind(), Access::Kind::none);
  EXPECT_EQ(access.check("port 1", "", 1)->status, DTU_E_WRONG_PASSWORD) << "an empty password opens nothing";
  access.set_initial("640000");
  EXPECT_EQ(access.kind(), Access::Kind::initial);
  EXPECT_EQ(access.check("port 1", "640000", 1)->status, DTU_OK);
  access.set_password("secret");
  EXPECT_EQ(access.kind(), Access::Kind::set);
  EXPECT_EQ(access.check("port 1", "640000", 1)->status, DTU_E_WRONG_PASSWORD);
}

TEST(Access, FiveWrongOnesLockTheSourceForGrowingTimes) {
  Access access;
  access.set_password("right");
  int64_t now = kSecond;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(access.check("channel 1", "no", now)->status, DTU_E_WRONG_PASSWORD);
  // D10: 1 s, 2 s, 4 s, ... up to 15 min; the right one does not help while locked.
  for (int64_t lock_s = 1; lock_s <= 900; lock_s = std::min<int64_t>(lock_s * 2, lock_s == 900 ? 901 : 900)) {
    EXPECT_EQ(access.check("channel 1", "right", now + lock_s * kSecond - 1)->status, DTU_E_LOCKED) << lock_s;
    now += lock_s * kSecond;
    EXPECT_EQ(access.check("channel 1", "no", now)->status, DTU_E_WRONG_PASSWORD) << lock_s;
    if (lock_s == 900) break;
  }
  EXPECT_EQ(access.check("channel 2", "right", now)->status, DTU_OK) << "another source is not locked";
  EXPECT_EQ(access.check("channel 1", "right", now + 901 * kSecond)->status, DTU_OK);
  EXPECT_EQ(access.check("channel 1", "no", now + 902 * kSecond)->status, DTU_E_WRONG_PASSWORD) << "counted anew";
}

TEST(Access, AMissingPasswordIsNoGuess) {
  Access access;
  access.set_password("right");
  for (int i = 0; i < 20; ++i) EXPECT_EQ(access.check("channel 1", kNone, 1)->status, DTU_E_DENIED);
  EXPECT_EQ(access.check("channel 1", "right", 1)->status, DTU_OK);
}

TEST(Access, AFloodOfOtherSourcesFreesNoneThatIsLocked) {
  Access access;
  access.set_password("right");
  for (int i = 0; i < 5; ++i) EXPECT_EQ(access.check("channel 1", "no", kSecond)->status, DTU_E_WRONG_PASSWORD);
  for (int i = 0; i < 1000; ++i)
    EXPECT_EQ(access.check("remote " + std::to_string(i), "no", kSecond + i + 1)->status, DTU_E_WRONG_PASSWORD);
  EXPECT_EQ(access.check("channel 1", "right", kSecond + 2000)->status, DTU_E_LOCKED);
}

TEST(Access, ManySourcesDoNotGrowWithoutBound) {
  Access access;
  access.set_password("right");
  for (int i = 0; i < 5; ++i) (void)access.check("the guesser", "no", 1'000'000);
  for (int i = 0; i < 100000; ++i) (void)access.check("source " + std::to_string(i), "no", i);
  EXPECT_EQ(access.check("the guesser", "right", 1'000'001)->status, DTU_E_LOCKED)
      << "the most recent source is not the one forgotten";
}

}  // namespace
}  // namespace dtud::commands
