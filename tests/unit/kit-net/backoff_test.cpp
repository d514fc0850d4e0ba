#include <dtu/kit/net/backoff.hpp>

#include <gtest/gtest.h>

namespace net {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

TEST(Backoff, DoublesUpToTheMost) {
  Backoff least(500, 60000, [] { return 0.0; });
  Backoff most(500, 60000, [] { return 0.999999; });
  const uint32_t floors[] = {500, 1000, 2000, 4000, 8000, 16000, 30000, 30000};
  const uint32_t ceilings[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
  for (size_t i = 0; i < 8; ++i) {
    EXPECT_EQ(least.next(0), floors[i]) << i;
    EXPECT_EQ(most.next(0), ceilings[i]) << i;
  }
}

TEST(Backoff, StaysWithinItsLimitsWhateverTheDice) {
  for (const double dice : {0.0, 0.5, 0.999999999999, 1.0}) {
    Backoff b(3000000, 3600000, [dice] { return dice; });
    for (int i = 0; i < 40; ++i) {
      const uint32_t ms = b.next(0);
      EXPECT_GE(ms, 3000000U);
      EXPECT_LE(ms, 3600000U);
    }
  }
  Backoff fixed(10, 10, [] { return 0.5; });
  EXPECT_EQ(fixed.next(0), 10U);
  EXPECT_EQ(fixed.next(0), 10U);
}

TEST(Backoff, StartsAgainOnlyAfterThirtyStableSeconds) {
  Backoff b(500, 60000, [] { return 0.0; });
  for (int i = 0; i < 4; ++i) static_cast<void>(b.next(0));
  b.worked(100 * kSecond);
  EXPECT_EQ(b.next(130 * kSecond - 1), 8000U);
  b.worked(200 * kSecond);
  EXPECT_EQ(b.next(230 * kSecond), 500U);
  EXPECT_EQ(b.next(900 * kSecond), 1000U) << "without a connection no time counts as stable";
}

// A link that is cut every few seconds, and carries messages in between.
TEST(Backoff, WaitsNoLongerThanAConnectionThatCarriedSomethingLasted) {
  Backoff b(500, 60000, [] { return 0.999999; });
  for (int i = 0; i < 8; ++i) static_cast<void>(b.next(0));
  for (int i = 1; i < 5; ++i) {
    b.worked(100 * i * kSecond);
    b.carried();
    EXPECT_EQ(b.next((100 * i + 5) * kSecond), 5000U);
  }
  b.worked(1000 * kSecond);
  EXPECT_GT(b.next(1005 * kSecond), 5000U) << "it carried nothing";
}

// A server that falls over for what it is sent: its TCP has acknowledged it.
TEST(Backoff, GrowsWhenWhatCarriedSomethingFailedAtOnce) {
  Backoff b(500, 60000, [] { return 0.0; });
  for (const uint32_t wait : {500U, 1000U, 2000U, 4000U}) {
    b.worked(kSecond);
    b.carried();
    EXPECT_EQ(b.next(kSecond + 10'000'000), wait);
  }
}

TEST(Backoff, StartsAgainAfterOneThatTheOtherSideConfirmed) {
  Backoff b(500, 60000, [] { return 0.0; });
  for (int i = 0; i < 5; ++i) (void)b.next(0);
  b.worked(kSecond);
  b.confirmed();
  EXPECT_EQ(b.next(kSecond), 500U) << "however short it was";
  EXPECT_EQ(b.next(kSecond), 1000U) << "and grows again";
}

TEST(Backoff, RandomFractionIsOne) {
  bool differs = false;
  const double first = random_fraction();
  for (int i = 0; i < 100; ++i) {
    const double d = random_fraction();
    EXPECT_GE(d, 0.0);
    EXPECT_LT(d, 1.0);
    differs = differs || d != first;
  }
  EXPECT_TRUE(differs);
}

}  // namespace
}  // namespace net
