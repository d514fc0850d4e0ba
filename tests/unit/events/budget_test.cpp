// E9: 200 events at once, 20 a second and 64 KiB a second in the long run.
#include "events/budget.hpp"

#include <gtest/gtest.h>

namespace dtud::events {
namespace {

constexpr int64_t kSecond = 1'000'000'000;

int taken(Budget& budget, int tries, size_t bytes, int64_t now) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += budget.take(bytes, now) ? 1 : 0;
  return count;
}

TEST(EventBudget, TwoHundredAtOnceThenTwentyASecond) {
  Budget budget;
  EXPECT_EQ(taken(budget, 1000, 10, kSecond), 200);
  EXPECT_EQ(taken(budget, 1000, 10, 2 * kSecond), 20);
  EXPECT_EQ(taken(budget, 1000, 10, 2 * kSecond + kSecond / 2), 10);
  EXPECT_EQ(taken(budget, 1000, 10, 100 * kSecond), 200) << "a pause gives back all, and no more";
}

TEST(EventBudget, BytesCountToo) {
  Budget budget;
  EXPECT_EQ(taken(budget, 10, 16U << 10U, kSecond), 4);
  EXPECT_EQ(taken(budget, 10, 16U << 10U, 2 * kSecond), 4);
  EXPECT_EQ(taken(budget, 10, 16U << 10U, 2 * kSecond + kSecond / 4), 1);
}

TEST(EventBudget, AClockThatStandsStillGivesNothing) {
  Budget budget;
  EXPECT_EQ(taken(budget, 300, 1, 5 * kSecond), 200);
  EXPECT_EQ(taken(budget, 300, 1, 4 * kSecond), 0);
}

TEST(EventBudget, EveryRefusalIsNotedOnceATime) {
  Budget budget;
  taken(budget, 201, 1, kSecond);
  EXPECT_EQ(budget.refusals_to_note(kSecond), 1U) << "the first at once";
  taken(budget, 500, 1, kSecond);
  EXPECT_EQ(budget.refusals_to_note(kSecond), 0U) << "then not for a second";
  EXPECT_EQ(budget.refusals_to_note(2 * kSecond), 500U) << "and none is lost";
  budget.renew();
  EXPECT_EQ(taken(budget, 300, 1, 2 * kSecond), 200);
}

}  // namespace
}  // namespace dtud::events
