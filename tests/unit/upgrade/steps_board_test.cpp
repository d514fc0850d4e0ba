// The steps of an upgrade, from the installation to the mark that it is good; and what ends one.
#include "steps.hpp"

namespace dtud::upgrade {
namespace {

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
  EXPECT_THAT(member("error"), HasSubstr("started 3 times"));
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
  EXPECT_THAT(member("error"), HasSubstr("restart it manually"));
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
  EXPECT_THAT(member("error"), HasSubstr("the result is unknown"));
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
  world.cancelling({});
  answer_install({});  // it was too late
  EXPECT_EQ(step(), "restarting");
  cancel();
  EXPECT_THAT(answer.error, HasSubstr("cannot be cancelled"));
}

TEST_F(Steps, ABoardThatCannotStopSaysSoAndGoesOn) {
  ASSERT_NO_FATAL_FAILURE(to_installing());
  upgrade->cancel("console", [](const commands::Answer&) {});
  EXPECT_EQ(member("note"), "is being cancelled");
  world.cancelling({DTU_E_UNSUPPORTED, "", "it is half written"});
  EXPECT_EQ(member("note"), "cannot be cancelled: it is half written");
  answer_install({DTU_E_IO, "", "worn out"});
  EXPECT_EQ(step(), "failed") << "not by whoever wanted it cancelled";
}

// An order without SHA-256 is one with a signature: what was hashed when it was verified is what counts.
TEST_F(Steps, TheInstallerIsGivenWhatWasVerified) {
  rules.keys = {std::string(43, 'A') + "="};
  start();
  const config::Json args = config::parse_trusted(R"({"url": "https://h/f", "version": "2", "signature": "AAAA"})");
  upgrade->order(*config::as_object(args), "console", {}, [](const commands::Answer&) {});
  put_file(10);
  ends(R"({"say": "done"})");
  ends(R"({"say": "done", "checked": ["signature"], "size": 10, "sha256": ")" + std::string(64, 'b') + "\"}");
  ASSERT_EQ(step(), "installing");
  EXPECT_EQ(world.installed.sha256, std::string(64, 'b'));
  EXPECT_EQ(world.installed.size, 10U);
}

TEST_F(Steps, HowFarTheInstallationIsIsShownUntilItEnds) {
  start();
  upgrade->progressed(10);
  EXPECT_EQ(member("percent"), "") << "nothing is installed";
  ASSERT_NO_FATAL_FAILURE(to_installing());
  EXPECT_EQ(member("percent"), "-1");
  EXPECT_EQ(world.alarm, 0) << "the board tells by itself";
  upgrade->progressed(40);
  EXPECT_EQ(member("percent"), "40");
  answer_install({DTU_E_IO, "", "worn out"});
  upgrade->progressed(50);
  EXPECT_EQ(member("percent"), "-1");
}

TEST_F(Steps, ADiskThatTakesNoRecordTakesNoOrder) {
  start();
  std::ofstream(dir.path("upgrade")) << "a file where the folder should be";
  const auto answer = order();
  EXPECT_EQ(answer.status, DTU_E_IO);
  EXPECT_THAT(answer.error, HasSubstr("cannot be stored"));
  EXPECT_EQ(step(), "idle");
  EXPECT_TRUE(world.jobs.empty());
}

}  // namespace
}  // namespace dtud::upgrade
