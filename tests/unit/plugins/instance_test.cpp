// The life of an instance, on the main lane and on one of its own, when things go wrong in every order.
#include "rig.hpp"

namespace dtud::test {
namespace {

struct InstanceTest : ::testing::TestWithParam<uint64_t> {
  Gate gate;  // outlives the lanes that pass it
  const plugins::LoadedComponent channel = channel_component(GetParam());
  Script script;
  Rig rig;
  plugins::InstancePtr instance;

  void start() {
    rig.on([&] {
      instance = rig.make("channel 1", channel, script);
      instance->start();
    });
  }
  bool is(int32_t state) {
    return rig.eventually([&] { return instance->state() == state; });
  }
  bool restarted(uint32_t times = 1) {
    return rig.eventually([&] { return instance->restarts() >= times; });
  }
};
INSTANTIATE_TEST_SUITE_P(Lanes, InstanceTest, ::testing::Values(0, DTU_CAP_BLOCKING),
                         [](const auto& lane) { return lane.param == 0 ? "Main" : "Own"; });

TEST_P(InstanceTest, StartsAndStops) {
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.stop(instance);
  EXPECT_EQ(script.created, 1);
  EXPECT_EQ(script.stopped, 1);
  EXPECT_EQ(script.destroyed, 1);
  EXPECT_EQ(rig.runs_ended, 1);
}

// B1: on a lane of its own a start() that throws was taken down twice: the exception and the status each did it.
TEST_P(InstanceTest, AThrowingStartIsTakenDownOnceAndTriedAgain) {
  script.start = [](dtu::Host) -> dtu_status { throw std::runtime_error("no start"); };
  start();
  ASSERT_TRUE(restarted(2));
  EXPECT_TRUE(rig.logged("no start"));
  rig.stop(instance);
  EXPECT_EQ(script.destroyed, script.created);
  EXPECT_EQ(rig.runs_ended, script.created);
}

TEST_P(InstanceTest, AThrowingCreateIsTriedAgain) {
  script.create = [](dtu::Host) { throw std::runtime_error("no create"); };
  start();
  ASSERT_TRUE(restarted());
  EXPECT_TRUE(rig.logged("no create"));
  rig.stop(instance);
  EXPECT_EQ(script.created, 0);
}

TEST_P(InstanceTest, AFailureThatIsNotRetryableStaysFailed) {
  script.start = [](dtu::Host) -> dtu_status { throw dtu::Failure(DTU_E_INVALID, "wrong"); };
  start();
  ASSERT_TRUE(rig.eventually([&] { return rig.logged("is not restarted automatically"); }));
  rig.on([&] { EXPECT_EQ(instance->state(), DTU_STATE_FAILED); });
  rig.stop(instance);
  EXPECT_EQ(script.created, 1);
}

// B2: several failures told in one turn ended the same run several times and gave its handle away twice.
TEST_P(InstanceTest, ManyFailuresAtOnceEndOneRun) {
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.on([&] {
    for (int i = 0; i < 5; ++i) {
      instance->fault(plugins::Fault::exception, "test", "threw: fault");
      instance->reported(0, DTU_STATE_FAILED, nullptr);
    }
  });
  ASSERT_TRUE(restarted());
  EXPECT_EQ(rig.runs_ended, 1);
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.stop(instance);
  EXPECT_EQ(script.destroyed, 2);
  EXPECT_EQ(script.stopped, 2);
}

TEST_P(InstanceTest, FailedFromInsideStartIsNotLost) {
  script.start = [&](dtu::Host host) {
    host.report(script.started == 1 ? DTU_STATE_FAILED : DTU_STATE_UP);
    return DTU_OK;
  };
  start();
  ASSERT_TRUE(restarted());
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.stop(instance);
  EXPECT_EQ(script.destroyed, 2);
}

// B3: what throws in stop() after a failure was stopped again and again on a lane of its own.
TEST_P(InstanceTest, AThrowingStopEndsTheRunOnce) {
  script.stop = [&](dtu::Host) -> dtu_status {
    if (script.stopped == 1) throw std::runtime_error("no stop");
    return DTU_OK;
  };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  script.host().report(DTU_STATE_FAILED);
  ASSERT_TRUE(restarted());
  ASSERT_TRUE(is(DTU_STATE_UP));
  EXPECT_EQ(rig.runs_ended, 1);
  rig.stop(instance);
  EXPECT_EQ(script.stopped, 2);
  EXPECT_EQ(script.destroyed, 1) << "the one that could not stop is not touched any more";
}

// B4: a second stop() replaced the first one's `done` and called the plugin's stop() again.
TEST_P(InstanceTest, WhoeverAsksToStopIsTold) {
  script.stop = [](dtu::Host) { return DTU_PENDING; };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  std::atomic<int> told{0};
  rig.on([&] {
    instance->stop(5000, [&] { ++told; });
    instance->stop(5000, [&] { ++told; });
  });
  EXPECT_EQ(told, 0);
  ASSERT_TRUE(rig.eventually([&] { return script.stopped == 1; }));
  script.host().report(DTU_STATE_STOPPED);
  ASSERT_TRUE(rig.eventually([&] { return told == 2; }));
  EXPECT_EQ(script.stopped, 1);
  EXPECT_EQ(script.destroyed, 1);
  rig.on([&] { instance.reset(); });
}

// A key of the device document that it owns has changed.
TEST_P(InstanceTest, IsMadeAnewWithAnotherConfiguration) {
  Script next;
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.on([&] { instance->renew(next.config(), 2000); });
  ASSERT_TRUE(rig.eventually([&] { return next.started == 1 && instance->state() == DTU_STATE_UP; }));
  EXPECT_EQ(script.stopped, 1);
  EXPECT_EQ(script.destroyed, 1);
  rig.on([&] { EXPECT_EQ(instance->restarts(), 0U) << "that was no failure"; });
  rig.stop(instance);
  EXPECT_EQ(next.destroyed, 1);
  EXPECT_EQ(script.created, 1);
}

TEST_P(InstanceTest, OneThatFailedForGoodIsTriedWithAnotherConfiguration) {
  Script next;
  script.create = [](dtu::Host) { throw dtu::Failure(DTU_E_INVALID, "wrong"); };
  start();
  ASSERT_TRUE(rig.eventually([&] { return rig.logged("is not restarted automatically"); }));
  rig.on([&] { instance->renew(next.config(), 2000); });
  ASSERT_TRUE(rig.eventually([&] { return next.started == 1 && instance->state() == DTU_STATE_UP; }));
  rig.stop(instance);
}

TEST_P(InstanceTest, TheNewestConfigurationCounts) {
  Script skipped, last;
  script.stop = [](dtu::Host) { return DTU_PENDING; };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.on([&] { instance->renew(skipped.config(), 5000); });
  ASSERT_TRUE(rig.eventually([&] { return script.stopped == 1; }));
  rig.on([&] { instance->renew(last.config(), 5000); });
  script.host().report(DTU_STATE_STOPPED);
  ASSERT_TRUE(rig.eventually([&] { return last.started == 1; }));
  EXPECT_EQ(skipped.created, 0);
  EXPECT_EQ(script.stopped, 1);
  rig.stop(instance);
}

TEST_P(InstanceTest, OneThatIsStoppedMeanwhileStaysStopped) {
  Script next;
  script.stop = [](dtu::Host) { return DTU_PENDING; };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  std::atomic<bool> told{false};
  rig.on([&] {
    instance->renew(next.config(), 5000);
    instance->stop(5000, [&] { told = true; });
  });
  ASSERT_TRUE(rig.eventually([&] { return script.stopped == 1; }));
  script.host().report(DTU_STATE_STOPPED);
  ASSERT_TRUE(rig.eventually([&] { return told.load(); }));
  EXPECT_EQ(next.created, 0);
  rig.on([&] {
    EXPECT_EQ(instance->state(), DTU_STATE_STOPPED);
    instance.reset();
  });
}

TEST_P(InstanceTest, StoppedReportedInsideStopEndsItOnce) {
  script.stop = [](dtu::Host host) {
    host.report(DTU_STATE_STOPPED);
    host.report(DTU_STATE_STOPPED);
    return DTU_OK;
  };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.stop(instance);
  EXPECT_EQ(script.destroyed, 1);
  EXPECT_EQ(rig.runs_ended, 1);
}

TEST_P(InstanceTest, OneThatNeverSaysItStoppedIsAbandoned) {
  script.stop = [](dtu::Host) { return DTU_PENDING; };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.stop(instance, 1);
  EXPECT_TRUE(rig.logged("did not stop in time"));
  EXPECT_EQ(script.destroyed, 0);
  uint32_t taken = 0;
  dtu_msg m{};
  EXPECT_EQ(script.host().emit(&m, 1, &taken), DTU_E_CLOSED);
}

// B5: exceptions flew out of timers, descriptors and posted functions and ended dtud.
TEST_P(InstanceTest, AThrowingPostedFunctionCostsTheInstanceOnly) {
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  const dtu::Host host = script.host();
  const auto& post = host.need<dtu_post_service>(DTU_POST_SERVICE);
  ASSERT_EQ(dtu_post(
                &post, host.instance(), [](void*) { throw 42; }, nullptr),
            DTU_OK);
  ASSERT_TRUE(restarted());
  rig.stop(instance);
}

TEST_P(InstanceTest, AThrowingTimerCostsTheInstanceOnly) {
  script.start = [](dtu::Host host) {
    const auto& timer = host.need<dtu_timer_service>(DTU_TIMER_SERVICE);
    uint64_t id = 0;
    dtu_create_timer(
        &timer, host.instance(), [](void*) { throw 42; }, nullptr, &id);
    timer.arm(host.instance(), id, 0, 0);
    host.report(DTU_STATE_UP);
    return DTU_OK;
  };
  start();
  ASSERT_TRUE(restarted());
  EXPECT_TRUE(rig.logged("did not release")) << "the timer was taken back";
  rig.stop(instance);
}

// B6: a timer that re-arms itself with no delay kept its lane from everything else.
TEST_P(InstanceTest, ATimerWithoutDelayDoesNotHoldItsLane) {
  struct Again {
    explicit Again(dtu::Host h) : host(h) {}
    dtu::Host host;
    uint64_t id = 0;
    std::atomic<int> ran{0};
  };
  std::unique_ptr<Again> again;
  script.start = [&](dtu::Host host) {
    again = std::make_unique<Again>(host);
    const auto run = [](void* ctx) {
      auto& a = *static_cast<Again*>(ctx);
      ++a.ran;
      a.host.need<dtu_timer_service>(DTU_TIMER_SERVICE).arm(a.host.instance(), a.id, 0, 0);
    };
    const auto& timer = host.need<dtu_timer_service>(DTU_TIMER_SERVICE);
    dtu_create_timer(&timer, host.instance(), run, again.get(), &again->id);
    timer.arm(host.instance(), again->id, 0, 0);
    host.report(DTU_STATE_UP);
    return DTU_OK;
  };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  ASSERT_TRUE(rig.eventually([&] { return again->ran > 10; }));
  rig.stop(instance);
}

// B7: threads that go on calling the host while, and after, their instance is freed.
TEST_P(InstanceTest, LateThreadsFindItGone) {
  for (int round = 0; round < 20; ++round) {
    start();
    ASSERT_TRUE(is(DTU_STATE_UP));
    const dtu::Host host = script.host();
    std::atomic<bool> over{false};
    std::thread late([&] {
      const auto& post = host.need<dtu_post_service>(DTU_POST_SERVICE);
      const auto& timer = host.need<dtu_timer_service>(DTU_TIMER_SERVICE);
      while (!over) {
        uint64_t id = 0;
        dtu_post(
            &post, host.instance(), [](void*) {}, nullptr);
        EXPECT_EQ(dtu_create_timer(
                      &timer, host.instance(), [](void*) {}, nullptr, &id),
                  DTU_E_CLOSED)
            << "not its lane";
        host.complete(99, DTU_OK);
        host.writable();
        host.reply(1, "");
      }
      EXPECT_EQ(dtu_post(
                    &post, host.instance(), [](void*) {}, nullptr),
                DTU_E_CLOSED);
    });
    rig.stop(instance);
    over = true;
    late.join();
  }
  EXPECT_EQ(script.destroyed, 20);
}

TEST_P(InstanceTest, HandlesAreTakenAgainOnlyAfterMany) {
  const plugins::Handle* first = nullptr;
  int taken_again = 0;
  for (int i = 0; i < 300; ++i) {
    start();
    ASSERT_TRUE(rig.eventually([&] { return script.started == i + 1 && instance->state() == DTU_STATE_UP; }));
    const plugins::Handle* handle = plugins::Handle::find(script.host().instance());
    if (first == nullptr) first = handle;
    if (handle == first) taken_again = i;
    rig.stop(instance);
  }
  EXPECT_GT(taken_again, 256);
}

struct OwnLaneTest : InstanceTest {};
INSTANTIATE_TEST_SUITE_P(Lanes, OwnLaneTest, ::testing::Values(DTU_CAP_BLOCKING));

// B8: one that was stopped while create() was under way was joined by the main lane, and its object leaked.
TEST_P(OwnLaneTest, StopDuringCreateWaitsWithoutHoldingTheMainLane) {
  script.create = [&](dtu::Host) { gate.pass(); };
  start();
  ASSERT_TRUE(gate.reached());
  std::atomic<bool> done{false};
  rig.on([&] {
    instance->stop(15000, [&] {
      instance.reset();
      done = true;
    });
  });
  rig.on([] {});
  EXPECT_FALSE(done);
  gate.open();
  ASSERT_TRUE(rig.eventually([&] { return done.load(); }));
  EXPECT_EQ(script.created, 1);
  EXPECT_EQ(script.started, 0);
  EXPECT_EQ(script.destroyed, 1);
}

// One that is asked to stop while it starts gets the time it was given all the same: it was not waited for at all, and
// destroyed in the middle of it.
TEST_P(OwnLaneTest, StopDuringStartLeavesItItsTime) {
  script.start = [&](dtu::Host host) {
    host.report(DTU_STATE_UP);
    gate.pass();
    return DTU_OK;
  };
  script.stop = [](dtu::Host) { return DTU_PENDING; };
  start();
  ASSERT_TRUE(gate.reached());
  ASSERT_TRUE(is(DTU_STATE_UP));
  std::atomic<bool> done{false};
  rig.on([&] { instance->stop(15000, [&] { done = true; }); });
  gate.open();
  ASSERT_TRUE(rig.eventually([&] { return script.stopped == 1; }));
  rig.on([&] { EXPECT_FALSE(done); });
  EXPECT_EQ(script.destroyed, 0);
  script.host().report(DTU_STATE_STOPPED);
  ASSERT_TRUE(rig.eventually([&] { return done.load(); }));
  EXPECT_EQ(script.destroyed, 1);
  rig.on([&] { instance.reset(); });
}

// B9: the lane of an abandoned instance came back to freed memory.
TEST_P(OwnLaneTest, AnAbandonedOneMayComeBackAtAnyTime) {
  script.create = [&](dtu::Host) { gate.pass(); };
  start();
  ASSERT_TRUE(gate.reached());
  rig.stop(instance, 1);
  EXPECT_EQ(instance, nullptr);
  rig.on([&] { EXPECT_EQ(rig.instances.abandoned(), 1U); });
  gate.open();
  ASSERT_TRUE(rig.eventually([&] { return script.created == 1; }));
}

// B10: a function posted behind destroy() was run all the same.
TEST_P(OwnLaneTest, NothingPostedIsRunAfterDestroy) {
  std::atomic<int> ran_late{0};
  script.stop = [&](dtu::Host host) {
    gate.pass();
    return host.raw() != nullptr ? DTU_OK : DTU_E_INTERNAL;
  };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  const dtu::Host host = script.host();
  struct Late {
    Script& script;
    std::atomic<int>& ran;
  } late{script, ran_late};
  std::atomic<bool> done{false};
  rig.on([&] { instance->stop(15000, [&] { done = true; }); });
  ASSERT_TRUE(gate.reached());
  gate.open();
  const auto& post = host.need<dtu_post_service>(DTU_POST_SERVICE);
  const auto count = [](void* ctx) {
    const auto& l = *static_cast<Late*>(ctx);
    if (l.script.destroyed != 0) ++l.ran;
  };
  while (dtu_post(&post, host.instance(), count, &late) != DTU_E_CLOSED) {
  }
  ASSERT_TRUE(rig.eventually([&] { return done.load(); }));
  EXPECT_EQ(ran_late, 0);
  rig.on([&] { instance.reset(); });
}

TEST_P(OwnLaneTest, HealthIsAskedOnceAtATime) {
  script.writable = [&](dtu::Host, uint64_t) { gate.pass(); };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.on([&] {
    instance->tell_writable(0);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(instance->health(), "{}");
  });
  gate.open();
  rig.stop(instance);
}

}  // namespace
}  // namespace dtud::test
