#include "lanes/timers.hpp"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace dtud {
namespace {

// Appends its letter to a shared text when it is called.
struct Letter {
  std::string* text;
  char letter;
  static void write(void* self) {
    auto* me = static_cast<Letter*>(self);
    *me->text += me->letter;
  }
};

struct TimersTest : ::testing::Test {
  Timers timers;
  std::string ran;
  Letter a{&ran, 'a'}, b{&ran, 'b'};
};

TEST_F(TimersTest, RunsInTheOrderOfDeadlines) {
  const uint64_t first = timers.create(Letter::write, &a);
  const uint64_t second = timers.create(Letter::write, &b);
  timers.arm(first, 200);
  timers.arm(second, 100);
  EXPECT_EQ(timers.next_ns(), 100);
  EXPECT_FALSE(timers.run_due(99));
  EXPECT_TRUE(timers.run_due(300));
  EXPECT_EQ(ran, "ba");
  EXPECT_EQ(timers.next_ns(), 0);
}

TEST_F(TimersTest, PushedFurtherAwayItRunsOnceAtTheNewTime) {
  const uint64_t id = timers.create(Letter::write, &a);
  for (int64_t t = 100; t <= 1000; t += 100) timers.arm(id, t);
  EXPECT_FALSE(timers.run_due(999));
  EXPECT_EQ(timers.next_ns(), 1000);
  timers.run_due(1000);
  timers.run_due(5000);
  EXPECT_EQ(ran, "a");
}

TEST_F(TimersTest, BroughtForwardItRunsAtTheNewTimeOnly) {
  const uint64_t id = timers.create(Letter::write, &a);
  timers.arm(id, 1000);
  timers.arm(id, 10);
  timers.run_due(10);
  timers.run_due(1000);
  EXPECT_EQ(ran, "a");
}

TEST_F(TimersTest, DisarmedAndArmedAgainBeforeTheOldDeadline) {
  const uint64_t id = timers.create(Letter::write, &a);
  timers.arm(id, 100);
  timers.disarm(id);
  EXPECT_EQ(timers.next_ns(), 0);
  timers.arm(id, 300);
  timers.run_due(200);
  EXPECT_EQ(ran, "");
  timers.run_due(300);
  EXPECT_EQ(ran, "a");
}

TEST_F(TimersTest, APeriodThatIsLateRunsOnce) {
  const uint64_t id = timers.create(Letter::write, &a);
  timers.arm(id, 100, 10);
  timers.run_due(175);
  EXPECT_EQ(ran, "a");
  EXPECT_EQ(timers.next_ns(), 185);
}

TEST_F(TimersTest, ADestroyedIdIsNotTakenForItsSuccessor) {
  const uint64_t old_id = timers.create(Letter::write, &a);
  timers.arm(old_id, 100);
  EXPECT_TRUE(timers.destroy(old_id));
  const uint64_t new_id = timers.create(Letter::write, &b);
  EXPECT_NE(old_id, new_id);
  EXPECT_FALSE(timers.arm(old_id, 50));
  EXPECT_FALSE(timers.destroy(old_id));
  timers.run_due(1000);
  EXPECT_EQ(ran, "");
}

TEST_F(TimersTest, MayDestroyItselfWhileItRuns) {
  struct Self {
    Timers* timers;
    uint64_t id;
    int runs;
  } self{&timers, 0, 0};
  self.id = timers.create(
      [](void* p) {
        auto* me = static_cast<Self*>(p);
        ++me->runs;
        me->timers->destroy(me->id);
      },
      &self);
  timers.arm(self.id, 10, 10);
  timers.run_due(100);
  timers.run_due(200);
  EXPECT_EQ(self.runs, 1);
}

}  // namespace
}  // namespace dtud
