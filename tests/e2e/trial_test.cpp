// D23: what a local change does to a trial, who sees a trial, what a sender is told that cuts itself off.
#include <gtest/gtest.h>

#include <filesystem>

#include "harness/frame.hpp"
#include "harness/trials.hpp"

namespace e2e {
namespace {

TEST_F(Trials, StatusAndChannelsShowIt) {
  ASSERT_NO_FATAL_FAILURE(start());
  const int64_t good = number(state(), "revision");
  ASSERT_NO_FATAL_FAILURE(begin());
  EXPECT_EQ(number(state(), "trial.good"), good);
  EXPECT_EQ(to_json(at(state(), "trial.changed")), R"(["conf.1"])");
  EXPECT_GT(number(state(), "trial.until_ns"), number(state(), "trial.since_ns"));
  for (const char* view : {"status", "channels"}) {
    const Ran ran = dtud.dtuctl({view});
    EXPECT_NE(ran.output.find("on trial  revision " + std::to_string(good + 1) + " by channel 1 (conf.1) since 20"),
              std::string::npos)
        << ran.output;
    EXPECT_NE(ran.output.find("; else revision " + std::to_string(good) + " comes back"), std::string::npos)
        << ran.output;
  }
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Trials, ALocalChangeOfAnotherPartDoesNotEndIt) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(begin());
  const int64_t until = number(state(), "trial.until_ns");
  EXPECT_EQ(dtud.dtuctl({"config", "set", "version=\"local\"", "uconf.1.baudrate=9600"}).status, 0);
  const Json answer = ask(pty, R"({"msg_id": 1, "cmd_code": 55, "password": "pw", "data": {"fota": 0}})");
  EXPECT_EQ(number(answer, "status"), 1) << to_json(answer);
  EXPECT_EQ(text(answer, "note"), "");
  ASSERT_TRUE(eventually([&] { return text(state(), "applied") == "true"; }));
  EXPECT_EQ(text(state(), "trial.source"), "channel 1");
  EXPECT_EQ(to_json(at(state(), "trial.changed")), R"(["conf.1"])");
  EXPECT_NE(dtud.dtuctl({"status"}).output.find("else revision 1 comes back, with the local changes since"),
            std::string::npos);
  EXPECT_LT(number(state(), "trial.until_ns"), until + 1'000'000'000) << "and it does not begin anew";
  ASSERT_NO_FATAL_FAILURE(give_up());
  told = boss.accept();
  EXPECT_GE(told.fd(), 0);
  EXPECT_EQ(number(config(), "conf.1.port"), boss.port());
  EXPECT_EQ(text(config(), "version"), "local") << "the local changes stay";
  EXPECT_EQ(number(config(), "uconf.1.baudrate"), 9600);
  EXPECT_EQ(number(config(), "fota"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Trials, ALocalChangeOfTheSamePartEndsItAndSaysSo) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(begin());
  const Ran set = dtud.dtuctl({"config", "set", "conf.1.heartbeat=1234"});
  EXPECT_EQ(set.status, 0) << set.output;
  EXPECT_NE(set.output.find("note: this ends the trial of revision 2 by channel 1, which changed conf.1"),
            std::string::npos)
      << set.output;
  EXPECT_EQ(text(state(), "trial"), "");
  EXPECT_FALSE(std::filesystem::exists(dtud.path("state/trial.json")));
  EXPECT_EQ(number(config(), "conf.1.heartbeat"), 1234);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Trials, ARollBackTakesTheDocumentBeforeIt) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(begin());
  EXPECT_EQ(dtud.dtuctl({"config", "set", "version=\"local\""}).status, 0);
  const Ran rolled = dtud.dtuctl({"config", "rollback"});
  EXPECT_EQ(rolled.status, 0) << rolled.output;
  EXPECT_NE(rolled.output.find("back to revision 1, stored as revision 4"), std::string::npos) << rolled.output;
  EXPECT_EQ(text(state(), "trial"), "");
  told = boss.accept();
  EXPECT_GE(told.fd(), 0);
  EXPECT_EQ(text(config(), "version"), "local");
  EXPECT_EQ(dtud.stop(), 0);
}

// A change must not give itself a day until it is undone.
TEST_F(Trials, TheSmallerConfirmSCounts) {
  ASSERT_NO_FATAL_FAILURE(start(R"(, "confirm_s": 3)"));
  const std::string later = R"({"dtu_config": {"password": "***", "uconf": {"1": {}}, "confirm_s": 86400, "conf": )" +
                            conf(free_port()) + "}}";
  ASSERT_EQ(number(order("63", later), "status"), 1);
  EXPECT_EQ(told.read_to_end(), "");
  ASSERT_TRUE(eventually([&] { return number(state(), "trial.until_ns") > 0; }));
  EXPECT_EQ(number(config(), "confirm_s"), 86400);
  EXPECT_LE(number(state(), "trial.seconds_left"), 3);
  dtud.kill();
  dtud.start();
  ASSERT_TRUE(eventually([&] { return text(state(), "rolled_back") != ""; })) << "a restart keeps it";
  EXPECT_NE(text(state(), "rolled_back").find("did not come back within 3 s"), std::string::npos);
  EXPECT_EQ(number(config(), "confirm_s"), 3);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Trials, AnOlderTrialFileIsRead) {
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  write_file(dtud.path("state/trial.json"), R"({"good":1,"tried":2,"source":"channel 1","starts":0,"since_ns":5})");
  dtud.start();
  EXPECT_EQ(number(state(), "trial.good"), 1);
  ASSERT_TRUE(eventually([&] { return number(state(), "trial.seconds_left") > 60; })) << "that of the document";
  EXPECT_EQ(dtud.stop(), 0);
}

// The unproven change was kept as if it had proved itself.
TEST_F(Trials, ADamagedTrialFileFallsBackToWhatProvedItself) {
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  write_file(dtud.path("state/trial.json"), std::string(90, '\0'));
  dtud.start();
  EXPECT_EQ(read_file(dtud.path("state/trial.json.rejected")), std::string(90, '\0'));
  const Ran status = dtud.dtuctl({"status"});
  EXPECT_NE(status.output.find("damaged   " + dtud.path("state/trial.json") + " is not what dtud wrote"),
            std::string::npos)
      << status.output;
  is_back(dtud.path("state/trial.json") + " is not what dtud wrote");
}

TEST_F(Trials, ATrialFileThatIsGoneFallsBackToWhatProvedItself) {
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  ASSERT_TRUE(std::filesystem::remove(dtud.path("state/trial.json")));
  dtud.start();
  is_back(dtud.path("state/trial.json") + " is gone");
}

TEST_F(Trials, AHistoryThatIsGoneLeavesAWayBack) {
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  std::filesystem::remove_all(dtud.path("state/history"));
  way_back();
}

TEST_F(Trials, AHistoryThatIsDamagedLeavesAWayBack) {
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  for (const char* name : {"00000001.json", "00000002.json"}) write_file(dtud.path("state/history/") + name, "");
  way_back();
}

// It is an edit like another: nobody has to prove what was written at the board.
TEST_F(Trials, WhatWasUndoneMayBeWrittenIntoTheDeviceFile) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(begin());
  ASSERT_EQ(dtud.dtuctl({"config", "rollback"}).status, 0);
  ASSERT_TRUE(eventually([&] { return read_file(dtud.path("state/history/ran")) == "3\n"; }));
  EXPECT_EQ(dtud.stop(), 0);
  write_file(dtud.path("dtu_config.json"),
             text(parse_json(read_file(dtud.path("state/history/00000002.json"))), "document"));
  for (int starts = 0; starts < 2; ++starts) {
    dtud.start();
    ASSERT_TRUE(eventually([&] { return read_file(dtud.path("state/history/ran")) == "4\n"; }));
    // The file is there a moment before the main lane hears of it.
    EXPECT_TRUE(eventually([&] { return number(state(), "revision") == 4; })) << to_json(state());
    EXPECT_EQ(text(state(), "rolled_back"), "");
    EXPECT_EQ(text(state(), "trial"), "");
    EXPECT_NE(number(config(), "conf.1.port"), boss.port());
    EXPECT_EQ(dtud.stop(), 0);
  }
}

// What a local change took from its trial never proved itself.
TEST_F(Trials, ARollBackPassesOverWhatNeverProvedItself) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(begin());
  ASSERT_EQ(dtud.dtuctl({"config", "set", "conf.1.heartbeat=1234"}).status, 0);
  EXPECT_NE(dtud.dtuctl({"config", "history"}).output.find("not proven"), std::string::npos);
  const Ran back = dtud.dtuctl({"config", "rollback"});
  EXPECT_EQ(back.status, 0) << back.output;
  EXPECT_NE(back.output.find("back to revision 1, stored as revision 4"), std::string::npos) << back.output;
  EXPECT_EQ(number(config(), "conf.1.port"), boss.port());
  const Ran none = dtud.dtuctl({"config", "rollback"});
  EXPECT_EQ(none.status, 1);
  EXPECT_NE(none.output.find("there is no older revision that proved itself"), std::string::npos) << none.output;
  const Ran named = dtud.dtuctl({"config", "rollback", "2"});
  EXPECT_EQ(named.status, 0) << named.output;
  EXPECT_NE(named.output.find("note: revision 2 came over a channel and never proved itself"), std::string::npos)
      << named.output;
  EXPECT_EQ(dtud.stop(), 0);
}

// With the local changes of other parts that came meanwhile.
TEST_F(Trials, WhatIsConfirmedIsProven) {
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_NO_FATAL_FAILURE(begin());
  ASSERT_EQ(dtud.dtuctl({"config", "set", "version=\"local\""}).status, 0);
  ASSERT_EQ(dtud.dtuctl({"config", "confirm"}).status, 0);
  EXPECT_EQ(dtud.dtuctl({"config", "history"}).output.find("not proven"), std::string::npos);
  ASSERT_EQ(dtud.dtuctl({"config", "set", "version=\"later\""}).status, 0);
  const Ran once = dtud.dtuctl({"config", "rollback"});
  EXPECT_NE(once.output.find("back to revision 3"), std::string::npos) << once.output;
  const Ran twice = dtud.dtuctl({"config", "rollback"});
  EXPECT_NE(twice.output.find("back to revision 2"), std::string::npos) << twice.output;
  dtud.kill();
  dtud.start();
  EXPECT_EQ(text(state(), "rolled_back"), "");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Trials, ASenderThatCutsItselfOffIsTold) {
  ASSERT_NO_FATAL_FAILURE(start());
  const Json later = order("63", R"({"auto_connect": 0})");
  EXPECT_EQ(number(later, "status"), 1);
  EXPECT_NE(text(later, "note").find("channel 1 does not connect by itself any more from the next start on"),
            std::string::npos)
      << to_json(later);
  const Json through = order("63", R"({"work_mode": "through"})");
  EXPECT_EQ(number(through, "status"), 1);
  EXPECT_NE(text(through, "note").find("in mode through nothing that comes over channel 1 is a command"),
            std::string::npos)
      << to_json(through);
  EXPECT_TRUE(eventually([&] { return text(config(), "work_mode") == "through"; }));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Trials, ASenderWhoseChannelIsGoneIsTold) {
  ASSERT_NO_FATAL_FAILURE(start());
  const Json gone = order("59", R"({"conf": {}})");
  EXPECT_EQ(number(gone, "status"), 1);
  EXPECT_EQ(text(gone, "data"), "conf");
  EXPECT_NE(text(gone, "note").find("channel 1 is not in conf any more: no more commands come over it"),
            std::string::npos)
      << to_json(gone);
  EXPECT_EQ(told.read_to_end(), "") << "it is applied";
  const Json port = ask(pty, R"({"msg_id": 1, "cmd_code": 58, "password": "pw", "data": {"uconf": {}}})");
  EXPECT_EQ(number(port, "status"), 1);
  EXPECT_NE(text(port, "note").find("port 1 is not in uconf any more"), std::string::npos) << to_json(port);
  EXPECT_EQ(dtud.stop(), 0);
}

// --- lost files of state ---------------------------------------------------------------------------------------------

// The unproven change was kept as an edit of the device file.
TEST_F(Trials, WithoutItsRevisionAndWithoutATrialFileItIsUndone) {
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  write_file(dtud.path("state/trial.json"), std::string(90, '\0'));
  write_file(dtud.path("state/history/00000002.json"), "");
  dtud.start();
  is_back(dtud.path("state/trial.json") + " is not what dtud wrote");
}

// dtud was killed before it noted that the change runs.
TEST_F(Trials, WithoutATrialFileAChangeThatJustBeganIsUndone) {
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  std::filesystem::remove(dtud.path("state/trial.json"));
  write_file(dtud.path("state/history/ran"), "1\n");
  dtud.start();
  is_back(dtud.path("state/trial.json") + " is gone");
}

TEST_F(Trials, WithoutAnyRevisionTheChangeStaysAndThatIsSaid) {
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  std::filesystem::remove(dtud.path("state/trial.json"));
  std::filesystem::remove_all(dtud.path("state/history"));
  dtud.start();
  EXPECT_NE(number(config(), "conf.1.port"), boss.port());
  EXPECT_NE(dtud.log().find("revision 2 by channel 1 was not proven; there is no revision to go back to"),
            std::string::npos)
      << dtud.log();
  EXPECT_EQ(dtud.stop(), 0);
}

// Somebody was at the board: the document is what they made of it.
TEST_F(Trials, AnEditStaysAnEditWithoutATrialFile) {
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  std::filesystem::remove(dtud.path("state/trial.json"));
  write_file(dtud.path("state/history/00000002.json"), "");
  write_file(dtud.path("dtu_config.json"), R"({"version": "mine", "conf": )" + conf(boss.port()) + "}");
  dtud.start();
  EXPECT_EQ(text(config(), "version"), "mine");
  EXPECT_EQ(text(state(), "rolled_back"), "");
  EXPECT_NE(dtud.log().find("revision 2 by channel 1 was on trial, and " + dtud.path("state/trial.json") +
                            " cannot be used: the device file was edited, and the edit stays"),
            std::string::npos)
      << dtud.log();
  EXPECT_FALSE(std::filesystem::exists(dtud.path("state/unproven.json")));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Trials, WithoutAnyTraceTheDocumentIsAnEditAndThatIsSaid) {
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  for (const char* name : {"trial.json", "unproven.json", "history/00000002.json"})
    ASSERT_TRUE(std::filesystem::remove(dtud.path("state/") + name)) << name;
  dtud.start();
  const std::string note = "revision 2, which ran last, cannot be read: the device file counts as edited by hand";
  EXPECT_NE(dtud.log().find(note), std::string::npos) << dtud.log();
  EXPECT_NE(dtud.dtuctl({"config", "history"}).output.find(note), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

// dtud writes "tried": 0 if the history is gone and the disk is full. That has the document to go back to.
TEST_F(Trials, AChangeThatCouldNotBeStoredIsStillOnTrial) {
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  std::filesystem::remove_all(dtud.path("state/history"));
  std::string trial = read_file(dtud.path("state/trial.json"));
  const auto at = trial.find("\"tried\":2");
  ASSERT_NE(at, std::string::npos) << trial;
  write_file(dtud.path("state/trial.json"), trial.replace(at, 9, "\"tried\":0"));
  way_back(1);
}

// The history could not be written at the start: the change had nothing to go back to, and was not on trial at all.
TEST_F(Trials, AChangeIsOnTrialEvenIfNothingWasStoredBefore) {
  dtud.hal(R"({"type": "sim"})").device(R"({"password": "pw", "conf": )" + conf(boss.port()) + "}");
  dtud.write_documents();
  std::filesystem::create_directories(dtud.path("state"));
  write_file(dtud.path("state/history"), "in the way");
  dtud.start();
  told = boss.accept();
  ASSERT_GE(told.fd(), 0);
  ASSERT_TRUE(eventually([&] { return dtud.log().find("there is nothing to go back to") != std::string::npos; }));
  EXPECT_EQ(number(order("59", R"({"conf": )" + conf(free_port()) + "}"), "status"), 0);
  std::filesystem::remove(dtud.path("state/history"));
  ASSERT_NO_FATAL_FAILURE(begin());
  EXPECT_EQ(number(state(), "trial.good"), 1);
  EXPECT_EQ(dtud.stop(), 0);
}

// --- edits -----------------------------------------------------------------------------------------------------------

// An empty document ended a trial, and nobody was told.
TEST_F(Trials, AnEditToNothingEndsItAndSaysSo) {
  const std::string ends = "this ends the trial of revision 2 by channel 1, which changed conf.1";
  ASSERT_NO_FATAL_FAILURE(begin_and_end());
  write_file(dtud.path("dtu_config.json"), "{}");
  dtud.start();
  EXPECT_EQ(text(state(), "trial"), "");
  EXPECT_EQ(number(state(), "revision"), 3);
  EXPECT_NE(dtud.log().find(ends), std::string::npos) << dtud.log();
  EXPECT_NE(dtud.dtuctl({"config", "history"}).output.find(ends), std::string::npos);
  EXPECT_EQ(dtud.dtuctl({"config", "rollback", "1"}).status, 0);
  told = boss.accept();
  ASSERT_GE(told.fd(), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Trials, AnEditToNothingWhileItRunsEndsItAndSaysSo) {
  ASSERT_NO_FATAL_FAILURE(start(R"(, "confirm_s": 2)"));
  ASSERT_NO_FATAL_FAILURE(begin());
  write_file(dtud.path("dtu_config.json"), "{}");
  const std::string ends = "this ends the trial of revision 2 by channel 1, which changed conf.1";
  ASSERT_TRUE(eventually([&] { return text(state(), "trial") == ""; }));
  EXPECT_NE(dtud.log().find(ends), std::string::npos) << dtud.log();
  EXPECT_NE(dtud.dtuctl({"config", "history"}).output.find(ends), std::string::npos)
      << dtud.dtuctl({"config", "history"}).output;
  EXPECT_EQ(text(config(), "conf"), "");
  EXPECT_EQ(dtud.stop(), 0);
}

// It was shown for ever.
TEST_F(Trials, WhatWasUndoneIsShownUntilALaterDocumentIsGood) {
  ASSERT_NO_FATAL_FAILURE(start(R"(, "confirm_s": 1)"));
  const auto undone = [&] { return dtud.dtuctl({"status"}).output.find("undone  ") != std::string::npos; };
  const auto undo = [&] {
    (void)order("59", R"({"conf": )" + conf(free_port()) + "}");
    EXPECT_EQ(told.read_to_end(), "");
    told = boss.accept();
    ASSERT_GE(told.fd(), 0);
    ASSERT_TRUE(eventually(undone));
  };
  ASSERT_NO_FATAL_FAILURE(undo());
  EXPECT_EQ(dtud.dtuctl({"config", "set", "version=\"local\""}).status, 0);
  EXPECT_FALSE(undone()) << "somebody at the board took another one";
  ASSERT_NO_FATAL_FAILURE(undo());
  const Json passes = order("54", R"({"version": "7"})");
  EXPECT_EQ(number(passes, "status"), 1) << to_json(passes);
  EXPECT_TRUE(eventually([&] { return !undone(); })) << "it passed";
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
