// Nothing happens before the record of it is on the disk, and what happens meanwhile is in order.
#include "steps.hpp"

namespace dtud::upgrade {
namespace {

struct SlowDisk : Steps {
  commands::Answer answered;
  // An order that is being stored.
  void order_slowly() {
    world.slow = true;
    answered = {DTU_PENDING, "", ""};
    const config::Json args =
        config::parse_trusted(R"({"url": "https://h/f", "version": "2", "sha256": ")" + std::string(64, 'a') + "\"}");
    upgrade->order(*config::as_object(args), "console", {}, [this](const commands::Answer& a) { answered = a; });
    ASSERT_EQ(world.disk.size(), 1U);
  }
  // All that may come from outside while the disk is waited for.
  void disturb() {
    upgrade->wake();
    upgrade->look();
    upgrade->board_changed();
  }
  // The file is there, and that it is being verified is being stored.
  void to_verifying() {
    ASSERT_NO_FATAL_FAILURE(order_slowly());
    world.written();
    ASSERT_NO_FATAL_FAILURE(world.written());  // "downloading", which nothing waits for
    ends(R"({"say": "done"})");
    ASSERT_NO_FATAL_FAILURE(world.written());  // the bytes of the day
    ASSERT_EQ(step(), "verifying");
    ASSERT_EQ(world.disk.size(), 1U);
  }
};

TEST_F(SlowDisk, IsWaitedForBeforeEachStep) {
  start();
  ASSERT_NO_FATAL_FAILURE(order_slowly());
  disturb();
  EXPECT_EQ(answered.status, DTU_PENDING);
  EXPECT_EQ(step(), "idle");
  EXPECT_EQ(order().status, DTU_AGAIN);
  world.written();
  EXPECT_EQ(answered.status, DTU_OK);
  EXPECT_EQ(job("do"), "fetch");
  world.written();
  ends(R"({"say": "done"})");
  disturb();
  EXPECT_TRUE(world.jobs.empty());
  world.written();
  EXPECT_EQ(step(), "verifying");
  disturb();
  EXPECT_TRUE(world.jobs.empty());
  ASSERT_EQ(world.disk.size(), 1U);
  world.written();
  EXPECT_EQ(job("do"), "verify");
  ends(R"({"say": "done", "checked": ["sha256"]})");
  world.written();
  world.written();  // it is verified
  EXPECT_EQ(step(), "installing");
  disturb();
  EXPECT_EQ(world.installing, nullptr);
  EXPECT_TRUE(upgrade->installs());
  ASSERT_EQ(world.disk.size(), 1U);
  world.written();
  ASSERT_NE(world.installing, nullptr);
  world.installing({DTU_OK, "{}", ""});
  EXPECT_EQ(step(), "restarting");
  EXPECT_EQ(world.restarts, 0);
  world.written();
  EXPECT_EQ(world.restarts, 1);
}

TEST_F(SlowDisk, ACancellationOvertakesAStep) {
  start();
  ASSERT_NO_FATAL_FAILURE(to_verifying());
  commands::Answer cancelled{DTU_PENDING, "", ""}, again = cancelled;
  upgrade->cancel("console", [&](const commands::Answer& a) { cancelled = a; });
  upgrade->cancel("console", [&](const commands::Answer& a) { again = a; });
  EXPECT_EQ(cancelled.status, DTU_PENDING);
  EXPECT_EQ(again.status, DTU_AGAIN);
  world.written();
  EXPECT_TRUE(world.jobs.empty()) << "it is not verified any more";
  EXPECT_EQ(cancelled.status, DTU_PENDING);
  world.written();
  EXPECT_EQ(cancelled.status, DTU_OK);
  EXPECT_EQ(step(), "cancelled");
  EXPECT_TRUE(world.disk.empty());
}

TEST_F(SlowDisk, AStopLeavesWhatIsBeingStoredToTheNextStart) {
  start();
  ASSERT_NO_FATAL_FAILURE(order_slowly());
  upgrade->stop();
  world.written();
  EXPECT_EQ(answered.status, DTU_PENDING);
  EXPECT_TRUE(world.jobs.empty());
  world.slow = false;
  start();
  EXPECT_EQ(step(), "downloading");
  EXPECT_EQ(job("url"), "https://h/f");
}

}  // namespace
}  // namespace dtud::upgrade
