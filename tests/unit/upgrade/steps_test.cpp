// The steps of an upgrade with a clock, a board and an errand that do what the test says.
#include <gmock/gmock.h>
#include <sys/stat.h>

#include <cstdlib>
#include <ctime>
#include <deque>
#include <fstream>
#include <memory>

#include "config/json_text.hpp"
#include "temp_dir.hpp"
#include "upgrade/upgrade.hpp"

namespace dtud::upgrade {
namespace {

using testing::HasSubstr;

constexpr int64_t kSecond = 1'000'000'000;

struct World : Surroundings {
  int64_t now = kSecond, clock = 1'795'132'800, alarm = 0;
  std::string boot = "boot-1";
  std::deque<std::string> jobs;  // of errands begun and not ended by the test
  bool told_to_end = false;
  std::string no_errand;
  FactsByKind board{{"firmware", {"1", "A", true, false}}};
  bool silent = false;
  std::function<void(const FactsByKind&)> open_facts;
  commands::Done installing;
  std::string installed_file;
  std::map<std::string, double> points;
  uint64_t room = 1U << 30U;
  std::string restarted;
  int restarts = 0, marks = 0;
  bool healthy = false, mark_fails = false, can_cancel = true;

  int64_t now_ns() override { return now; }
  int64_t unix_s() override { return clock; }
  std::string boot_id() override { return boot; }
  uint32_t random() override { return 0; }
  void wake_at(int64_t ns) override { alarm = ns; }
  void changed(bool) override {}
  void say(Level, const std::string&) override {}
  std::string begin_errand(const std::string& job) override {
    if (!no_errand.empty()) return no_errand;
    jobs.push_back(job);
    told_to_end = false;
    return {};
  }
  void end_errand() override { told_to_end = true; }
  void drop_errand() override { jobs.clear(); }
  void facts(std::function<void(const FactsByKind&)> done) override {
    if (silent)
      open_facts = std::move(done);
    else
      done(board);
  }
  void install(const std::string&, const std::string& file, const std::string&, uint32_t,
               commands::Done done) override {
    installed_file = file;
    installing = std::move(done);
  }
  void install_progress(std::function<void(int32_t)> done) override { done(40); }
  bool cancel_install() override { return can_cancel; }
  void mark_good(const std::string&, commands::Done done) override {
    ++marks;
    done(mark_fails ? commands::Answer{DTU_E_IO, "", "no mark"} : commands::Answer{});
  }
  void read_point(const std::string& name, std::function<void(std::optional<double>)> done) override {
    done(points.count(name) != 0 ? std::optional<double>(points[name]) : std::nullopt);
  }
  std::optional<uint64_t> free_bytes(const std::string&) override { return room; }
  void restart(const std::string& how) override {
    restarted = how;
    ++restarts;
  }
  std::string restart_rule() override { return "dtud"; }
  Health health() override { return healthy ? Health::proven : Health::unproven; }
};

struct Steps : testing::Test {
  TempDir dir;
  World world;
  config::UpgradeConfig rules;
  std::unique_ptr<Upgrade> upgrade;

  void SetUp() override {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
  // dtud starts (anew).
  void start() {
    if (upgrade != nullptr) upgrade->stop();
    world.alarm = 0;
    world.restarted.clear();
    upgrade = std::make_unique<Upgrade>(world, rules, dir.path("upgrade"));
    upgrade->start();
  }
  commands::Answer order(const std::string& more = "", const std::string& source = "console",
                         const Upgrade::Switches& switches = {}) {
    const config::Json args =
        config::parse_trusted(R"({"url": "https://h/f", "version": "2", "sha256": ")" + std::string(64, 'a') + "\"" +
                              (more.empty() ? "" : ", " + more) + "}");
    const auto answer = std::make_shared<commands::Answer>(commands::Answer{DTU_PENDING, "", "not answered"});
    upgrade->order(*config::as_object(args), source, switches, [answer](const commands::Answer& a) { *answer = a; });
    return *answer;
  }
  [[nodiscard]] std::string member(const std::string& name) const {
    const config::Json state = config::parse_trusted(upgrade->state());
    const config::Json value = config::as_object(state)->get(name);
    return value.isEmpty() ? "" : value.isString() ? value.extract<std::string>() : config::to_json(value);
  }
  [[nodiscard]] std::string step() const { return member("step"); }
  [[nodiscard]] std::string job(const std::string& name) const {
    if (world.jobs.empty()) return "no job";
    const config::Json job = config::parse_trusted(world.jobs.back());
    const config::Json value = config::as_object(job)->get(name);
    return value.isEmpty() ? "" : value.isString() ? value.extract<std::string>() : config::to_json(value);
  }
  // The errand ends with this last word.
  void ends(const std::string& word) {
    world.jobs.clear();
    if (!word.empty()) upgrade->errand_said(word);
    upgrade->errand_ended("exit status 0");
  }
  void fails(const std::string& text, const std::string& more = R"("again": true)") {
    ends(R"({"say": "failed", "text": ")" + text + "\", " + more + "}");
  }
  void said(const std::string& line) { upgrade->errand_said(line); }
  void put_file(size_t bytes) { std::ofstream(dir.path("upgrade/image")) << std::string(bytes, 'x'); }
  // Time passes to the alarm.
  void wait_for_alarm() {
    ASSERT_NE(world.alarm, 0);
    const int64_t by = std::max<int64_t>(world.alarm - world.now, 0);
    world.now += by;
    world.clock += (by + kSecond - 1) / kSecond;
    world.alarm = 0;
    upgrade->wake();
  }
  void to_installing() {
    start();
    ASSERT_EQ(order().status, DTU_OK);
    put_file(10);
    ends(R"({"say": "done"})");
    ends(R"({"say": "done", "checked": ["sha256"]})");
    ASSERT_EQ(step(), "installing");
  }
  void answer_install(const commands::Answer& answer) { std::exchange(world.installing, nullptr)(answer); }
  void to_confirming() {
    to_installing();
    answer_install({});
    ASSERT_EQ(step(), "restarting");
    world.board["firmware"] = {"2", "B", false, false};
    start();
    ASSERT_EQ(step(), "confirming");
  }
};

TEST_F(Steps, FromTheOrderToTheEnd) {
  ASSERT_NO_FATAL_FAILURE(to_confirming());
  EXPECT_EQ(world.installed_file, dir.path("upgrade/image"));
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
  EXPECT_THAT(member("checked_by"), HasSubstr("proves no origin"));
}

// --- orders ----------------------------------------------------------------------------------------------------------

TEST_F(Steps, WhoMayOrder) {
  start();
  const Upgrade::Switches no_fota{false, true}, no_ota{true, false};
  EXPECT_THAT(order("", "channel 3", no_fota).error, HasSubstr("fota is 0"));
  EXPECT_THAT(order("", "port 1", no_fota).error, HasSubstr("fota is 0"));
  EXPECT_THAT(order(R"("force": true)", "channel 3", no_ota).error, HasSubstr("ota is 0"));
  EXPECT_EQ(order("", "console", {false, false}).status, DTU_OK);
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
  EXPECT_THAT(order(R"("conditions": {"min_battery_percent": 1})").error, HasSubstr("battery.percent is not known"));
  world.points = {{"battery.mv", 3500}, {"radio.csq", 99}};
  EXPECT_THAT(order(R"("conditions": {"min_battery_mv": 3501})").error, HasSubstr("battery.mv is 3500 mV"));
  EXPECT_THAT(order(R"("conditions": {"min_csq": 0})").error, HasSubstr("radio.csq is not known"));
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
  EXPECT_THAT(member("note"), HasSubstr("waits until 00:00: 1000 bytes came today"));
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

TEST_F(Steps, AServerThatNeverFitsIsGivenUp) {
  start();
  ASSERT_EQ(order().status, DTU_OK);
  int tries = 0;
  for (; step() == "downloading" && tries < 20; ++tries) {
    fails("another part", R"("again": true, "from_start": true)");
    if (step() == "downloading") wait_for_alarm();
  }
  EXPECT_EQ(step(), "failed");
  EXPECT_LT(tries, 10);
}

TEST_F(Steps, AnErrandThatHangsIsEnded) {
  start();
  ASSERT_EQ(order().status, DTU_OK);
  for (int i = 0; i < 50 && !world.told_to_end; ++i) wait_for_alarm();
  EXPECT_TRUE(world.told_to_end);
  ends("");
  EXPECT_THAT(member("note"), HasSubstr("ended without a word"));
}

TEST_F(Steps, WithoutDtuFetchItSaysWhatIsMissing) {
  world.no_errand = "/x/dtu-fetch cannot be run: it is missing";
  start();
  ASSERT_EQ(order().status, DTU_OK);
  EXPECT_EQ(step(), "failed");
  EXPECT_EQ(member("error"), world.no_errand);
}

TEST_F(Steps, AWrongFileIsFetchedOnceMoreOnlyWhenItCameInParts) {
  start();
  ASSERT_EQ(order().status, DTU_OK);
  said(R"({"say": "begin", "from": 0, "total": 10})");
  ends(R"({"say": "done"})");
  fails("its SHA-256 is wrong", R"("again": false, "from_start": true)");
  EXPECT_EQ(step(), "failed");
  ASSERT_EQ(order().status, DTU_OK);
  said(R"({"say": "begin", "from": 5, "total": 10})");
  ends(R"({"say": "done"})");
  fails("its SHA-256 is wrong", R"("again": false, "from_start": true)");
  EXPECT_EQ(step(), "downloading");
  wait_for_alarm();
  EXPECT_EQ(job("trusted"), "0");
  EXPECT_EQ(job("validator"), "");
  said(R"({"say": "begin", "from": 5, "total": 10})");
  ends(R"({"say": "done"})");
  fails("its SHA-256 is wrong", R"("again": false, "from_start": true)");
  EXPECT_EQ(step(), "failed");
  EXPECT_THAT(member("error"), HasSubstr("not what was ordered"));
}

TEST_F(Steps, WithKeysTheSignatureIsFetchedTooAndNeeded) {
  rules.keys = {"k"};
  start();
  ASSERT_EQ(order().status, DTU_OK);
  EXPECT_EQ(job("url"), "https://h/f");
  ends(R"({"say": "done"})");
  EXPECT_EQ(job("url"), "https://h/f.sig");
  EXPECT_EQ(job("most"), "4096");
  start();  // it is fetched again: what it was is not known for sure
  EXPECT_EQ(job("url"), "https://h/f");
  ends(R"({"say": "done"})");
  ends(R"({"say": "done"})");
  EXPECT_EQ(job("do"), "verify");
  EXPECT_EQ(job("signature_file"), dir.path("upgrade/image.sig"));
  EXPECT_EQ(job("keys"), R"(["k"])");
}

// --- the board -------------------------------------------------------------------------------------------------------

TEST_F(Steps, AfterAKillInTheMiddleOfTheInstallationItIsVerifiedAndInstalledAgainThreeTimesAtMost) {
  ASSERT_NO_FATAL_FAILURE(to_installing());
  for (int i = 0; i < 2; ++i) {
    start();
    EXPECT_EQ(job("do"), "verify");
    ends(R"({"say": "done", "checked": ["sha256"]})");
    EXPECT_EQ(step(), "installing");
  }
  start();
  ends(R"({"say": "done", "checked": ["sha256"]})");
  EXPECT_EQ(step(), "failed");
  EXPECT_THAT(member("error"), HasSubstr("begun 3 times"));
}

TEST_F(Steps, APowerCutJustAfterTheInstallationIsNoFailure) {
  ASSERT_NO_FATAL_FAILURE(to_installing());
  world.board["firmware"] = {"2", "B", false, false};  // it was done, and the board started with it
  start();
  EXPECT_EQ(step(), "confirming");
}

TEST_F(Steps, TheBoardIsRestartedAgainWhenItWasNot) {
  ASSERT_NO_FATAL_FAILURE(to_installing());
  answer_install({DTU_OK, R"({"restart": "board"})", ""});
  EXPECT_EQ(world.restarted, "board");
  for (int i = 0; i < 2; ++i) {  // dtud was killed, or may not restart the board
    start();
    EXPECT_EQ(world.restarted, "board");
    EXPECT_EQ(step(), "restarting");
  }
  start();
  EXPECT_EQ(step(), "failed");
  EXPECT_THAT(member("error"), HasSubstr("do it by hand"));
  EXPECT_EQ(world.restarts, 3);
}

TEST_F(Steps, WhatRunsAfterTheRestartDecides) {
  struct Case {
    Facts now;
    std::string order, step;
  };
  const std::vector<Case> cases{
      {{"2", "B", true, false}, "2", "took"},        {{"2", "B", false, false}, "2", "confirming"},
      {{"1", "A", true, false}, "2", "rolled_back"}, {{"1", "A", true, true}, "2", "rolled_back"},
      {{"2", "B", true, true}, "2", "rolled_back"},  {{"2", "A", true, false}, "2", "rolled_back"},
      {{"1.9", "B", false, false}, "2", "failed"},   {{"v2.0", "", true, false}, "2", "took"},
      {{"1", "", true, false}, "2", "rolled_back"},  {{"", "B", true, false}, "2", "took"}};
  for (const Case& c : cases) {
    SCOPED_TRACE(c.now.version + " " + c.now.slot);
    world.board["firmware"] = {"1", "A", true, false};
    ASSERT_NO_FATAL_FAILURE(to_installing());
    answer_install({});
    world.board["firmware"] = c.now;
    start();
    EXPECT_EQ(step(), c.step);
    if (step() == "confirming") {
      world.healthy = true;
      upgrade->look();
      world.healthy = false;
    }
  }
}

TEST_F(Steps, ABoardThatSaysNothingIsWaitedForAndThenNotBelieved) {
  rules.confirm_s = 30;
  ASSERT_NO_FATAL_FAILURE(to_installing());
  answer_install({});
  world.board.clear();
  start();
  EXPECT_EQ(step(), "restarting");
  EXPECT_THAT(member("note"), HasSubstr("waits for the board"));
  for (int i = 0; i < 100 && step() == "restarting"; ++i) wait_for_alarm();
  EXPECT_EQ(step(), "failed");
  EXPECT_THAT(member("error"), HasSubstr("whether it took is not known"));
}

TEST_F(Steps, AHalThatStartsLateIsAskedAtOnce) {
  ASSERT_NO_FATAL_FAILURE(to_installing());
  answer_install({});
  world.board.clear();
  start();
  world.board["firmware"] = {"2", "B", true, false};
  upgrade->board_changed();
  EXPECT_EQ(step(), "took");
}

TEST_F(Steps, OfTwoAnswersOfTheBoardTheLastCounts) {
  ASSERT_NO_FATAL_FAILURE(to_installing());
  world.silent = true;
  start();
  const auto first = world.open_facts;
  upgrade->board_changed();  // asks again
  world.open_facts(world.board);
  EXPECT_EQ(job("do"), "verify");
  first(world.board);
  EXPECT_EQ(step(), "verifying") << "an answer that is late changes nothing";
}

TEST_F(Steps, NotProvenInTimeItIsNotMarkedGood) {
  rules.confirm_s = 30;
  ASSERT_NO_FATAL_FAILURE(to_confirming());
  for (int i = 0; i < 100 && step() == "confirming"; ++i) wait_for_alarm();
  EXPECT_EQ(step(), "unconfirmed");
  EXPECT_EQ(world.marks, 0);
  world.healthy = true;
  upgrade->look();
  EXPECT_EQ(world.marks, 0) << "too late";
  commands::Answer answer;
  upgrade->confirm("console", [&](const commands::Answer& a) { answer = a; });
  EXPECT_EQ(answer.status, DTU_OK) << answer.error;
  EXPECT_EQ(step(), "took");
}

TEST_F(Steps, AMarkThatFailsIsTriedAgain) {
  rules.confirm_s = 30;
  ASSERT_NO_FATAL_FAILURE(to_confirming());
  world.healthy = world.mark_fails = true;
  upgrade->look();
  EXPECT_EQ(step(), "confirming");
  EXPECT_THAT(member("note"), HasSubstr("no mark"));
  world.mark_fails = false;
  wait_for_alarm();
  EXPECT_EQ(step(), "took");
}

TEST_F(Steps, GoneBackWhileItHadToProveItself) {
  ASSERT_NO_FATAL_FAILURE(to_confirming());
  world.board["firmware"] = {"1", "A", true, true};
  start();
  EXPECT_EQ(step(), "rolled_back");
}

// --- cancelled -------------------------------------------------------------------------------------------------------

TEST_F(Steps, CancelledAsLongAsItIsNotInstalled) {
  commands::Answer answer;
  const auto cancel = [&] { upgrade->cancel("console", [&](const commands::Answer& a) { answer = a; }); };
  start();
  cancel();
  EXPECT_EQ(answer.status, DTU_E_NOT_FOUND);
  ASSERT_EQ(order().status, DTU_OK);
  cancel();
  EXPECT_EQ(step(), "cancelled");
  ASSERT_NO_FATAL_FAILURE(to_installing());
  world.can_cancel = false;
  cancel();
  EXPECT_THAT(answer.error, HasSubstr("cannot stop an installation"));
  world.can_cancel = true;
  cancel();
  EXPECT_EQ(step(), "installing") << "until the board says what became of it";
  answer_install({DTU_E_CLOSED, "", "cancelled"});
  EXPECT_EQ(step(), "cancelled");
  ASSERT_NO_FATAL_FAILURE(to_installing());
  cancel();
  answer_install({});  // it was too late
  EXPECT_EQ(step(), "restarting");
  cancel();
  EXPECT_THAT(answer.error, HasSubstr("too late"));
}

TEST_F(Steps, ADiskThatTakesNoRecordTakesNoOrder) {
  start();
  std::ofstream(dir.path("upgrade")) << "a file where the folder should be";
  const auto answer = order();
  EXPECT_EQ(answer.status, DTU_E_IO);
  EXPECT_THAT(answer.error, HasSubstr("cannot be kept"));
  EXPECT_EQ(step(), "idle");
  EXPECT_TRUE(world.jobs.empty());
}

}  // namespace
}  // namespace dtud::upgrade
