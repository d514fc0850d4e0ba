// The watchdog: kicked while the lane runs, disarmed by a clean stop only. No test opens a real one.
#include "watchdog/watchdog.hpp"

#include <fstream>

#include "far_end.hpp"
#include "part.hpp"

namespace hal_linux::test {
namespace {

struct Seen {
  std::string path;
  uint32_t asked_s = 0, answer_s = 0;  // answer 0: what was asked for
  int opens = 0, kicks = 0, disarms = 0, leaves = 0;
  std::string open_fails, kick_fails;
};

class FakeDevice final : public WatchdogDevice {
 public:
  explicit FakeDevice(Seen& seen) : seen_(seen) {}
  uint32_t open(const std::string& path, uint32_t timeout_s) override {
    ++seen_.opens;
    seen_.path = path;
    seen_.asked_s = timeout_s;
    if (!seen_.open_fails.empty()) throw dtu::Failure(DTU_E_IO, seen_.open_fails);
    return seen_.answer_s == 0 ? timeout_s : seen_.answer_s;
  }
  void kick() override {
    if (!seen_.kick_fails.empty()) throw dtu::Failure(DTU_E_IO, seen_.kick_fails);
    ++seen_.kicks;
  }
  void disarm() override { ++seen_.disarms; }
  void leave() override { ++seen_.leaves; }

 private:
  Seen& seen_;
};

class WatchdogTest : public PartTest {
 protected:
  void SetUp() override {
    PartTest::SetUp();
    test_host_.use_fake_clock();
  }
  void use(const WatchdogConfig& config = {}) {
    watchdog_ = std::make_unique<Watchdog>(host(), config, std::make_unique<FakeDevice>(seen_));
    watchdog_->start();
  }
  void TearDown() override { watchdog_.reset(); }
  Seen seen_;
  std::unique_ptr<Watchdog> watchdog_;
};

TEST_F(WatchdogTest, IsOffUnlessConfigured) {
  watchdog_ = std::make_unique<Watchdog>(host(), std::nullopt, std::make_unique<FakeDevice>(seen_));
  watchdog_->start();
  test_host_.advance(std::chrono::minutes(5));
  watchdog_->stop();
  EXPECT_EQ(seen_.opens + seen_.kicks + seen_.disarms + seen_.leaves, 0);
  EXPECT_EQ(watchdog_->health(), R"({"state": "off"})");
}

TEST_F(WatchdogTest, IsKickedFourTimesInItsTimeAndDisarmedByACleanStop) {
  use();
  EXPECT_EQ(seen_.path, "/dev/watchdog");
  EXPECT_EQ(seen_.asked_s, 60U);
  test_host_.advance(std::chrono::seconds(60));
  EXPECT_EQ(seen_.kicks, 4);
  EXPECT_EQ(watchdog_->health(), R"({"state": "armed", "timeout_s": 60, "kicks": 4})");
  watchdog_->stop();
  EXPECT_EQ(seen_.disarms, 1);
  EXPECT_EQ(seen_.leaves, 0);
  test_host_.advance(std::chrono::seconds(60));
  EXPECT_EQ(seen_.kicks, 4);
}

TEST_F(WatchdogTest, StaysArmedWhereTheInstanceEndsWithoutAStop) {
  use();
  watchdog_.reset();
  EXPECT_EQ(seen_.disarms, 0);
  EXPECT_EQ(seen_.leaves, 1);
}

TEST_F(WatchdogTest, KeepsTheTimeThatTheDriverTook) {
  seen_.answer_s = 8;
  use();
  EXPECT_TRUE(test_host_.logged("/dev/watchdog takes 8 s instead of 60"));
  test_host_.advance(std::chrono::seconds(8));
  EXPECT_EQ(seen_.kicks, 4);
}

TEST_F(WatchdogTest, ADeviceThatCannotBeHadIsTriedAgain) {
  seen_.open_fails = "another program has it";
  use();
  EXPECT_TRUE(test_host_.logged("watchdog: another program has it"));
  EXPECT_EQ(watchdog_->health(), R"({"state": "failed", "trouble": "another program has it"})");
  seen_.open_fails.clear();
  test_host_.advance(std::chrono::seconds(30));
  EXPECT_EQ(seen_.opens, 2);
  seen_.kick_fails = "gone";
  test_host_.advance(std::chrono::seconds(15));
  EXPECT_EQ(seen_.leaves, 1);
  seen_.kick_fails.clear();
  test_host_.advance(std::chrono::seconds(30 + 60));
  EXPECT_EQ(seen_.opens, 3);
  EXPECT_EQ(seen_.kicks, 4);
}

std::string why_not(const std::string& path) {
  KernelWatchdog device;
  dtu_error error{};
  dtu::guarded(&error, [&] { return (void)device.open(path, 60), DTU_OK; });
  return error.message;
}

TEST(KernelWatchdogTest, WhatIsNoWatchdogIsNotArmed) {
  const dtu::test::TempDir dir;
  std::ofstream(dir / "file") << "";
  EXPECT_THAT(why_not(dir / "file"), HasSubstr("is no device"));
  EXPECT_THAT(why_not(dir / "none"), HasSubstr("there is no such device"));
  EXPECT_THAT(why_not("/dev/null"), HasSubstr("/dev/null is no watchdog"));
}

}  // namespace
}  // namespace hal_linux::test
