// The machine of the data path on a clock of its own.
#include "data/path.hpp"

#include <gmock/gmock.h>

#include <vector>

namespace {

using namespace hal_ec600::data;
using testing::ElementsAre;
using testing::HasSubstr;
using Actions = std::vector<Action>;

class PathTest : public testing::Test {
 protected:
  void use(Limits limits) {
    path_.emplace(limits, [] { return 0.5; });
  }
  void SetUp() override {
    use({});
    seen_.modem = seen_.registered = seen_.link = true;
  }
  // All actions until none is to be begun, each ending well, unless it is `fails`.
  Actions run(Action fails = Action::none) {
    Actions out;
    for (Action a = path_->next(now_, seen_); a != Action::none; a = path_->next(now_, seen_)) {
      out.push_back(a);
      path_->done(now_, a != fails, a != fails ? "" : "it failed");
      if (out.size() > 20) break;
    }
    return out;
  }
  void wait(int64_t ms) { now_ += ms; }
  Actions fail_once(Action fails) {
    Actions out = run(fails);
    wait(3'600'000);
    return out;
  }

  std::optional<Path> path_;
  Seen seen_;
  int64_t now_ = 1'000;
};

const Actions kInterface{Action::down, Action::activate, Action::up};
const Actions kContext{Action::down, Action::deactivate, Action::activate, Action::up};
const Actions kRegistration{Action::down, Action::deactivate, Action::register_again, Action::activate, Action::up};
const Actions kRadio{Action::down, Action::toggle_radio, Action::activate, Action::up};

TEST_F(PathTest, IsBroughtUpAndBelievedByTrafficOnly) {
  EXPECT_EQ(run(), kInterface);
  EXPECT_EQ(path_->state(), State::unproved);
  wait(600'000);
  EXPECT_EQ(run(), Actions{});
  EXPECT_EQ(path_->state(), State::unproved) << "nothing was said, so silence is no failure";
  seen_.rx = 100;
  EXPECT_EQ(run(), Actions{});
  EXPECT_EQ(path_->state(), State::unproved) << "that may be ARP";
  seen_.rx = 1'000;
  EXPECT_EQ(run(), Actions{});
  EXPECT_EQ(path_->state(), State::proved);
  EXPECT_EQ(path_->proofs(), 1U);
}

TEST_F(PathTest, WaitsForTheModemAndTheNetwork) {
  seen_.modem = false;
  EXPECT_EQ(run(), Actions{});
  EXPECT_EQ(path_->state(), State::no_modem);
  seen_.modem = true;
  seen_.registered = false;
  for (int i = 0; i < 1000; ++i) {
    wait(60'000);
    EXPECT_EQ(run(), Actions{});
  }
  EXPECT_EQ(path_->state(), State::searching) << "nothing is reset while it searches";
  seen_.registered = true;
  EXPECT_EQ(run(), kInterface);
}

TEST_F(PathTest, EachLevelFailsBeforeTheNext) {
  const Actions up_failed_interface = kInterface, up_failed_context = kContext;
  for (int cycle = 0; cycle < 2; ++cycle) {
    for (unsigned i = 0; i < Path::kTries[0]; ++i) EXPECT_EQ(fail_once(Action::up), kInterface);
    for (unsigned i = 0; i < Path::kTries[1]; ++i) EXPECT_EQ(fail_once(Action::up), kContext);
    for (unsigned i = 0; i < Path::kTries[2]; ++i) EXPECT_EQ(fail_once(Action::up), kRegistration);
    for (unsigned i = 0; i < Path::kTries[3]; ++i) EXPECT_EQ(fail_once(Action::up), kRadio);
  }
  EXPECT_EQ(path_->begun(Level::radio), 2U);
  EXPECT_EQ(path_->failures(), 16U);
  EXPECT_EQ(path_->why(), "it failed");
  EXPECT_EQ(run(), kInterface);
  seen_.rx += 10'000;
  run();
  EXPECT_EQ(path_->state(), State::proved);
  EXPECT_EQ(path_->why(), "");
}

TEST_F(PathTest, AnActionThatFailsEndsThePlan) {
  EXPECT_EQ(run(Action::activate), (Actions{Action::down, Action::activate}));
  EXPECT_EQ(path_->state(), State::waiting);
  wait(3'600'000);
  EXPECT_EQ(run(Action::down), kInterface) << "what is not up cannot be put down, and that does not matter";
}

TEST_F(PathTest, PausesGrow) {
  std::vector<int64_t> pauses;
  for (int i = 0; i < 12; ++i) {
    (void)run(Action::up);
    const int64_t begin = now_;
    while (path_->next(now_, seen_) == Action::none) wait(1'000);
    pauses.push_back(now_ - begin);
    path_->done(now_, true, "");
  }
  EXPECT_GE(pauses.front(), 4'000);
  EXPECT_LE(pauses.front(), 11'000);
  EXPECT_GE(pauses.back(), 250'000);
  EXPECT_LE(pauses.back(), 601'000);
}

TEST_F(PathTest, WithoutBudgetTheRadioIsLeftAlone) {
  seen_.may_toggle = false;
  for (int i = 0; i < 7; ++i) (void)fail_once(Action::up);
  EXPECT_EQ(path_->level(), Level::radio);
  EXPECT_EQ(run(), Actions{});
  wait(600'000);
  EXPECT_EQ(run(), kInterface);
  EXPECT_EQ(path_->begun(Level::radio), 0U);
}

TEST_F(PathTest, WhatIsSaidWithoutAnAnswerIsAFailure) {
  (void)run();
  seen_.rx = 5'000;
  (void)run();
  for (int i = 0; i < 12; ++i) {
    wait(9'000);
    seen_.tx += 200;
    EXPECT_EQ(run(), Actions{});
  }
  EXPECT_EQ(path_->state(), State::proved);
  wait(20'000);
  EXPECT_EQ(run(), Actions{});
  EXPECT_EQ(path_->state(), State::waiting);
  EXPECT_THAT(path_->why(), HasSubstr("2400 bytes went out in 120 s and nothing came back"));
}

TEST_F(PathTest, AnIdlePathIsLeftAlone) {
  (void)run();
  for (int i = 0; i < 1'000; ++i) {
    wait(60'000);
    seen_.tx += 70;
    EXPECT_EQ(run(), Actions{}) << "router solicitations";
  }
  EXPECT_EQ(path_->failures(), 0U);
}

TEST_F(PathTest, SilenceIsNoFailureIfTheBoardFileSaysSo) {
  Limits limits;
  limits.proof_ms = 0;
  use(limits);
  (void)run();
  for (int i = 0; i < 100; ++i) {
    wait(60'000);
    seen_.tx += 10'000;
    EXPECT_EQ(run(), Actions{});
  }
}

TEST_F(PathTest, TheProbeProvesAndItsFailureIsBelievedTheThirdTime) {
  Limits limits;
  limits.has_probe = true;
  use(limits);
  EXPECT_EQ(path_->next(now_, seen_), Action::down);
  path_->done(now_, true, "");
  path_->done(path_->next(now_, seen_) == Action::activate ? now_ : 0, true, "");
  path_->done(path_->next(now_, seen_) == Action::up ? now_ : 0, true, "");
  seen_.rx = 9'000;  // the modem's own DHCP
  EXPECT_EQ(path_->next(now_, seen_), Action::probe);
  path_->done(now_, true, "");
  EXPECT_EQ(path_->state(), State::proved);
  wait(299'000);
  EXPECT_EQ(path_->next(now_, seen_), Action::none);
  seen_.rx += 1'000;
  EXPECT_EQ(path_->next(now_, seen_), Action::none) << "what came in puts the probe off";
  wait(299'000);
  EXPECT_EQ(path_->next(now_, seen_), Action::none);
  for (int i = 0; i < 3; ++i) {
    wait(10'000);
    EXPECT_EQ(path_->state(), State::proved);
    EXPECT_EQ(path_->next(now_, seen_), Action::probe);
    path_->done(now_, false, "no answer");
  }
  EXPECT_EQ(path_->state(), State::waiting);
  EXPECT_EQ(path_->why(), "the probe failed: no answer");
}

TEST_F(PathTest, PppBringsUpTheContextByItself) {
  Limits limits;
  limits.has_context = false;
  use(limits);
  const Actions plain{Action::down, Action::up};
  for (int i = 0; i < 3; ++i) EXPECT_EQ(fail_once(Action::up), plain);
  EXPECT_EQ(fail_once(Action::up), (Actions{Action::down, Action::register_again, Action::up}));
  path_->dropped(now_, "x");
  EXPECT_EQ(path_->level(), Level::registration);
}

TEST_F(PathTest, ADroppedContextIsActivatedAgain) {
  (void)run();
  seen_.rx = 1'000;
  (void)run();
  path_->dropped(now_, "the network ended the context");
  EXPECT_EQ(run(), Actions{});
  EXPECT_EQ(path_->state(), State::waiting);
  wait(600'000);
  EXPECT_EQ(run(), kContext);
}

TEST_F(PathTest, AnInterfaceThatIsGoneOrMadeAnew) {
  (void)run();
  seen_.rx = 100'000;
  (void)run();
  seen_.rx = 0;
  EXPECT_EQ(run(), Actions{});
  EXPECT_EQ(path_->state(), State::proved) << "counters began anew";
  seen_.link = false;
  EXPECT_EQ(run(), Actions{});
  EXPECT_EQ(path_->why(), "the interface is gone");
}

TEST_F(PathTest, AModemThatRestartsBeginsAnew) {
  (void)run();
  seen_.rx = 1'000;
  (void)run();
  seen_.modem = false;
  (void)run();
  EXPECT_EQ(path_->state(), State::no_modem);
  seen_.modem = true;
  EXPECT_EQ(run(), kInterface);
  EXPECT_EQ(path_->failures(), 0U);
}

TEST_F(PathTest, ALostRegistrationIsWaitedForAndTheTrafficProvesItAnew) {
  (void)run();
  seen_.rx = 1'000;
  (void)run();
  seen_.registered = false;
  (void)run();
  EXPECT_EQ(path_->state(), State::searching);
  seen_.registered = true;
  EXPECT_EQ(run(), Actions{});
  EXPECT_EQ(path_->state(), State::unproved);
}

TEST_F(PathTest, WhoDetachesIsObeyed) {
  (void)run();
  seen_.wanted = false;
  EXPECT_EQ(run(), Actions{Action::down});
  for (int i = 0; i < 100; ++i) {
    wait(60'000);
    EXPECT_EQ(run(), Actions{});
  }
  EXPECT_EQ(path_->state(), State::detached);
  seen_.wanted = true;
  EXPECT_EQ(run(), kInterface);
}

TEST_F(PathTest, AnotherAccessPointBeginsAnew) {
  (void)run();
  path_->changed(now_);
  EXPECT_EQ(run(), kInterface);
  EXPECT_EQ(path_->failures(), 0U);
}

}  // namespace
