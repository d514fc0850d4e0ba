// The steps of an upgrade, from the order to a file that is verified.
#include <algorithm>

#include "steps.hpp"

namespace dtud::upgrade {
namespace {

TEST_F(Steps, FromTheOrderToTheEnd) {
  ASSERT_NO_FATAL_FAILURE(to_confirming());
  EXPECT_EQ(world.installed.file, dir.path("upgrade/image"));
  EXPECT_EQ(world.installed.kind, "firmware");
  EXPECT_EQ(world.installed.version, "2");
  EXPECT_EQ(world.installed.size, 10U);
  EXPECT_EQ(world.installed.sha256, std::string(64, 'a'));
  EXPECT_EQ(world.marks, 0);
  world.healthy = true;
  upgrade->look();
  EXPECT_EQ(step(), "took");
  EXPECT_EQ(world.marks, 1);
  EXPECT_EQ(member("checked_by"), "SHA-256");
  start();
  EXPECT_EQ(step(), "took") << "and it stays known";
  EXPECT_EQ(world.marks, 1);
}

TEST_F(Steps, TheAskerIsToldOnlyWhenItIsOver) {
  start();
  ASSERT_EQ(order().status, DTU_OK);
  EXPECT_FALSE(upgrade->told(1));
  fails("no", R"("again": false)");
  EXPECT_EQ(step(), "failed");
  EXPECT_FALSE(upgrade->told(2));
  EXPECT_TRUE(upgrade->told(1));
  start();
  EXPECT_EQ(member("told"), "true");
}

TEST_F(Steps, EveryStepIsAnotherSeen) {
  start();
  std::set<uint64_t> seen{upgrade->seen()};
  ASSERT_EQ(order().status, DTU_OK);
  seen.insert(upgrade->seen());
  ends(R"({"say": "done"})");
  seen.insert(upgrade->seen());
  ends(R"({"say": "done", "checked": ["md5"]})");
  seen.insert(upgrade->seen());
  EXPECT_EQ(seen.size(), 4U);
  EXPECT_THAT(member("checked_by"), HasSubstr("does not prove the origin"));
}

// --- orders ----------------------------------------------------------------------------------------------------------

TEST_F(Steps, WhoMayOrder) {
  start();
  const Upgrade::Switches no_fota{false, true}, no_ota{true, false};
  EXPECT_THAT(order("", "channel 3", no_fota).error, HasSubstr("fota is 0"));
  EXPECT_THAT(order("", "sms 1", no_fota).error, HasSubstr("fota is 0"));
  EXPECT_THAT(order(R"("force": true)", "channel 3", no_ota).error, HasSubstr("ota is 0"));
  EXPECT_EQ(order("", "console").status, DTU_OK);  // the kernel gives it no switches
  upgrade->cancel("console", [](const commands::Answer&) {});
  EXPECT_EQ(order(R"("force": true)", "channel 3", no_fota).status, DTU_OK);
}

TEST_F(Steps, AnOrderThatIsBeingCheckedKeepsAnotherOut) {
  start();
  world.silent = true;
  EXPECT_EQ(order().status, DTU_PENDING);
  const auto second = order(R"("size": 5)");
  EXPECT_EQ(second.status, DTU_AGAIN);
  EXPECT_THAT(second.error, HasSubstr("another order, firmware 2"));
  world.silent = false;
  world.open_facts(world.board);
  EXPECT_EQ(step(), "downloading");
}

TEST_F(Steps, RoomIsNeededForTheFileAndWhatTheOrderDemands) {
  start();
  world.room = 1000;
  EXPECT_THAT(order(R"("size": 1001)").error, HasSubstr("1000 bytes are free"));
  EXPECT_THAT(order(R"("size": 500, "conditions": {"free_bytes": 501})").error, HasSubstr("1001 are needed"));
  EXPECT_EQ(order(R"("size": 500, "conditions": {"free_bytes": 500})").status, DTU_OK);
}

TEST_F(Steps, WhatIsNotKnownDoesNotMeetADemand) {
  start();
  EXPECT_THAT(order(R"("conditions": {"min_battery_percent": 1})").error, HasSubstr("battery.percent is unknown"));
  world.points = {{"battery.mv", 3500}, {"radio.csq", 99}};
  EXPECT_THAT(order(R"("conditions": {"min_battery_mv": 3501})").error, HasSubstr("battery.mv is 3500 mV"));
  EXPECT_THAT(order(R"("conditions": {"min_csq": 0})").error, HasSubstr("radio.csq is unknown"));
  world.points["radio.csq"] = 12;
  EXPECT_EQ(order(R"("conditions": {"min_csq": 12, "min_battery_mv": 3500})").status, DTU_OK);
}

TEST_F(Steps, ABatteryThatRanDownMeanwhileIsWaitedFor) {
  world.points = {{"battery.mv", 3500}};
  start();
  ASSERT_EQ(order(R"("conditions": {"min_battery_mv": 3500})").status, DTU_OK);
  ends(R"({"say": "done"})");
  world.points["battery.mv"] = 3400;
  ends(R"({"say": "done", "checked": ["sha256"]})");
  EXPECT_EQ(step(), "verified");
  EXPECT_THAT(member("note"), HasSubstr("waits: battery.mv is 3400"));
  wait_for_alarm();
  EXPECT_EQ(step(), "verified");
  world.points["battery.mv"] = 3600;
  wait_for_alarm();
  EXPECT_EQ(step(), "installing");
}

// --- the download ----------------------------------------------------------------------------------------------------

TEST_F(Steps, PausesGrowUntilBytesCome) {
  start();
  ASSERT_EQ(order().status, DTU_OK);
  int64_t last = 0;
  for (int i = 0; i < 12; ++i) {
    fails("no link");
    EXPECT_THAT(member("note"), HasSubstr("no link; tries again in"));
    const int64_t pause = world.alarm - world.now;
    EXPECT_GE(pause, last);
    EXPECT_LE(pause, 600 * kSecond);
    last = pause;
    wait_for_alarm();
    ASSERT_EQ(world.jobs.size(), 1U) << i;
  }
  EXPECT_GT(last, 400 * kSecond);
  said(R"({"say": "bytes", "have": 5, "synced": 0, "came": 5})");
  fails("no link");
  EXPECT_LT(world.alarm - world.now, 11 * kSecond);
}

TEST_F(Steps, TheServersWishForAPauseIsHeard) {
  start();
  ASSERT_EQ(order().status, DTU_OK);
  fails("busy", R"("again": true, "retry_after_s": 3000)");
  EXPECT_EQ(world.alarm - world.now, 3000 * kSecond);
  upgrade->wake();  // somebody else woke it
  EXPECT_TRUE(world.jobs.empty());
}

TEST_F(Steps, TheDeadlineCountsOnlyTheTimeDtudRuns) {
  rules.deadline_h = 1;
  start();
  ASSERT_EQ(order().status, DTU_OK);
  fails("no link");
  world.now += 3000 * kSecond;
  start();
  EXPECT_EQ(step(), "downloading");
  world.now += 10'000'000 * kSecond;  // off, in between: the clock of a machine that starts anew begins anew
  world.now = kSecond;
  start();
  fails("no link");
  world.now += 500 * kSecond;
  upgrade->wake();
  EXPECT_EQ(step(), "downloading");
  fails("no link");
  world.now += 200 * kSecond;
  upgrade->wake();
  EXPECT_EQ(step(), "failed");
  EXPECT_THAT(member("error"), HasSubstr("not downloaded within 1 h: no link"));
}

TEST_F(Steps, AClockThatJumpsTenYearsDisturbsNothing) {
  start();
  ASSERT_EQ(order().status, DTU_OK);
  fails("no link");
  for (const int64_t years : {10, -10, -10, 10}) {
    world.clock += years * 365 * 86400;
    upgrade->wake();
    EXPECT_EQ(step(), "downloading");
    EXPECT_TRUE(world.jobs.empty()) << "the pause is not over";
  }
  wait_for_alarm();
  EXPECT_EQ(world.jobs.size(), 1U);
}

TEST_F(Steps, OutsideTheWindowItWaitsAndInTheMiddleItStops) {
  rules.window = "22:00-05:00";
  start();
  world.clock += 12 * 3600;  // noon
  ASSERT_EQ(order().status, DTU_OK);
  EXPECT_TRUE(world.jobs.empty());
  EXPECT_THAT(member("note"), HasSubstr("waits until 22:00"));
  for (int i = 0; i < 700 && world.jobs.empty(); ++i) wait_for_alarm();
  ASSERT_EQ(world.jobs.size(), 1U);
  EXPECT_EQ(world.clock % 86400, 22 * 3600);
  for (int i = 0; i < 500 && !world.told_to_end; ++i) {
    said(R"({"say": "bytes", "have": 5, "synced": 0, "came": 5})");
    wait_for_alarm();
  }
  EXPECT_TRUE(world.told_to_end);
  EXPECT_EQ(world.clock % 86400, 5 * 3600);
  ends(R"({"say": "stopped"})");
  EXPECT_TRUE(world.jobs.empty());
  EXPECT_THAT(member("note"), HasSubstr("waits until 22:00"));
}

TEST_F(Steps, InstalledInTheWindowToo) {
  rules.window = "22:00-05:00";
  start();
  world.clock += 4 * 3600;
  ASSERT_EQ(order().status, DTU_OK);
  world.clock += 2 * 3600;
  ends(R"({"say": "done"})");
  ends(R"({"say": "done", "checked": ["sha256"]})");
  EXPECT_EQ(step(), "verified");
  EXPECT_THAT(member("note"), HasSubstr("waits until 22:00"));
  world.clock += 16 * 3600;
  wait_for_alarm();
  EXPECT_EQ(step(), "installing");
}

TEST_F(Steps, TheBudgetGoesWithTheErrandAndIsWaitedFor) {
  rules.bytes_per_day = 1000;
  start();
  ASSERT_EQ(order().status, DTU_OK);
  EXPECT_EQ(job("budget"), "1000");
  said(R"({"say": "bytes", "have": 1000, "synced": 1000, "came": 1000})");
  ends(R"({"say": "stopped"})");
  EXPECT_THAT(member("note"), HasSubstr("waits until 00:00: 1000 bytes were downloaded today"));
  start();
  EXPECT_TRUE(world.jobs.empty());
  world.clock += 86400;
  wait_for_alarm();
  EXPECT_EQ(job("budget"), "1000");
}

TEST_F(Steps, GoesOnWithWhatIsThereAndAfterAPowerCutWithWhatWasSynced) {
  start();
  ASSERT_EQ(order().status, DTU_OK);
  said(R"({"say": "begin", "from": 0, "total": 5000, "validator": "\"e\""})");
  put_file(3000);
  said(R"({"say": "bytes", "have": 3000, "synced": 2000, "came": 3000})");
  start();
  EXPECT_EQ(job("trusted"), std::to_string(rules.max_bytes)) << "the same boot: the file is what it says";
  EXPECT_EQ(job("validator"), "\"e\"");
  world.boot = "boot-2";
  start();
  EXPECT_EQ(job("trusted"), "2000");
}

TEST_F(Steps, AServerThatNeverFitsIsTriedAtGrowingPausesUntilTheDeadline) {
  start();
  ASSERT_EQ(order().status, DTU_OK);
  int tries = 0;
  int64_t longest = 0;
  for (; step() == "downloading" && tries < 100; ++tries) {
    fails("another part", R"("again": true, "from_start": true)");
    EXPECT_EQ(step(), "downloading");
    longest = std::max(longest, world.alarm - world.now);
    wait_for_alarm();
  }
  EXPECT_EQ(step(), "failed");
  EXPECT_THAT(member("error"), HasSubstr("not downloaded within 72 h: another part"));
  EXPECT_LT(tries, 40) << "each costs a whole file";
  EXPECT_GE(longest, 6 * 3600 * kSecond);
}

TEST_F(Steps, AnErrandThatHangsIsEnded) {
  start();
  ASSERT_EQ(order().status, DTU_OK);
  for (int i = 0; i < 50 && !world.told_to_end; ++i) wait_for_alarm();
  EXPECT_TRUE(world.told_to_end);
  ends("");
  EXPECT_THAT(member("note"), HasSubstr("ended without a result"));
}

TEST_F(Steps, WithoutDtuFetchItSaysWhatIsMissing) {
  world.no_errand = "/x/dtu-fetch cannot be run: it is missing";
  start();
  ASSERT_EQ(order().status, DTU_OK);
  EXPECT_EQ(step(), "failed");
  EXPECT_EQ(member("error"), world.no_errand);
}

TEST_F(Steps, AWrongFileIsFetchedAgainFromItsStart) {
  start();
  ASSERT_EQ(order().status, DTU_OK);
  for (const int from : {0, 5}) {
    said(R"({"say": "begin", "from": )" + std::to_string(from) + R"(, "total": 10, "validator": "v"})");
    ends(R"({"say": "done"})");
    fails("its SHA-256 is wrong", R"("again": false, "from_start": true)");
    EXPECT_EQ(step(), "downloading");
    EXPECT_THAT(member("note"), HasSubstr("the file does not match the order: its SHA-256 is wrong; tries again in"));
    wait_for_alarm();
    EXPECT_EQ(job("trusted"), "0");
    EXPECT_EQ(job("validator"), "");
  }
  said(R"({"say": "begin", "from": 0, "total": 10})");
  ends(R"({"say": "done"})");
  fails("the signature of the order is wrong", R"("again": false)");
  EXPECT_EQ(step(), "failed") << "the file is the right one: another one will not come";
}

TEST_F(Steps, WithKeysTheSignatureIsFetchedTooAndNeeded) {
  rules.keys = {"k"};
  start();
  ASSERT_EQ(order().status, DTU_OK);
  EXPECT_EQ(job("url"), "https://h/f");
  ends(R"({"say": "done"})");
  EXPECT_EQ(job("url"), "https://h/f.sig");
  EXPECT_EQ(job("most"), "65536");
  start();  // it is fetched again: what it was is not known for sure
  EXPECT_EQ(job("url"), "https://h/f");
  ends(R"({"say": "done"})");
  ends(R"({"say": "done"})");
  EXPECT_EQ(job("do"), "verify");
  EXPECT_EQ(job("signature_file"), dir.path("upgrade/image.sig"));
  EXPECT_EQ(job("keys"), R"(["k"])");
}

}  // namespace
}  // namespace dtud::upgrade
