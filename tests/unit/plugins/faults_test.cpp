// What a plugin does against the contract: counted, contained, and at last left alone.
#include <unistd.h>

#include <array>

#include "rig.hpp"

namespace dtud::test {
namespace {

using plugins::Fault;

TEST(Faults, CountsByKindAndKeepsTheLast) {
  Log log(Level::info, false);
  plugins::FaultBook book(log);
  plugins::Faults& faults = book.of("channel 1", "org.x");
  faults.note(Fault::taken, "send", "reports that it took 3 of 2");
  faults.note(Fault::taken, "write", std::string(1000, 'x'), 5);
  faults.note(Fault::late, "emit", "comes after destroy()");
  const auto read = faults.read();
  ASSERT_EQ(read.size(), 2U);
  EXPECT_EQ(read[0].first, Fault::taken);
  EXPECT_EQ(read[0].second.count, 6U);
  EXPECT_EQ(read[0].second.function, "write");
  EXPECT_LT(read[0].second.text.size(), 300U);
  EXPECT_STREQ(name_of(read[1].first), "late");
  EXPECT_STREQ(name_of(Fault::malformed), "malformed");
  EXPECT_EQ(faults.total(), 7U);
}

TEST(Faults, AFloodOfThemIsOneLineOfTheLog) {
  Log log(Level::info, false);
  int noted = 0;
  const plugins::Faults::OnNote on_note{[&] { ++noted; }};
  plugins::Faults faults(log, "channel 1", "org.x", on_note);
  for (int i = 0; i < 1000; ++i) faults.note(Fault::completion, "complete", "is for token 7, which is not open");
  faults.note(Fault::emit, "emit", "names source 9, which is no port of it");
  const auto lines = log.newest(10);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].text, "complete of plugin org.x is for token 7, which is not open");
  EXPECT_EQ(lines[0].who, "channel 1");
  EXPECT_EQ(faults.read().at(0).second.count, 1000U);
  EXPECT_EQ(noted, 1001);
}

TEST(Faults, SomebodyElseMaySayThem) {
  Log log(Level::info, false);
  int noted = 0;
  const plugins::Faults::OnNote on_note{[&] { ++noted; }, false};
  plugins::Faults faults(log, "channel 1", "org.x", on_note);
  faults.note(Fault::emit, "emit", "names source 9, which is no port of it");
  EXPECT_EQ(noted, 1);
  EXPECT_TRUE(log.newest(10).empty());
}

TEST(Faults, ARecordOutlivesItsInstanceAndTheNewestPluginIsTheOneThatRuns) {
  Log log(Level::info, false);
  plugins::FaultBook book(log);
  plugins::Faults& old = book.of("channel 1", "org.x");
  plugins::Faults& next = book.of("channel 1", "org.y");
  EXPECT_EQ(&book.of("channel 1", "org.x"), &old);
  EXPECT_EQ(book.newest("channel 1"), &old);
  EXPECT_EQ(&book.of("channel 1", "org.y"), &next);
  EXPECT_EQ(book.newest("channel 1"), &next);
  EXPECT_EQ(book.newest("channel 2"), nullptr);
  EXPECT_EQ(book.all().size(), 2U);
}

TEST(Strikes, ThreeWithinAMinuteAreTooMany) {
  constexpr int64_t s = 1'000'000'000;
  plugins::Strikes strikes;
  EXPECT_FALSE(strikes.add(100 * s));
  EXPECT_FALSE(strikes.add(150 * s));
  EXPECT_FALSE(strikes.add(161 * s)) << "the first is over a minute ago";
  EXPECT_TRUE(strikes.add(170 * s));
  strikes.clear();
  EXPECT_FALSE(strikes.add(171 * s));
}

struct FaultsTest : ::testing::TestWithParam<uint64_t> {
  const plugins::LoadedComponent component = channel_component(GetParam());
  Script script;
  Rig rig;
  plugins::InstancePtr instance;

  void start() {
    rig.on([&] {
      instance = rig.make("channel 1", component, script);
      instance->start();
    });
  }
  void TearDown() override {
    if (instance) rig.stop(instance);
  }
  bool is(int32_t state) {
    return rig.eventually([&] { return instance->state() == state; });
  }
  // The last of a kind, once there is one.
  plugins::Faults::Occurrence first(Fault kind) {
    plugins::Faults::Occurrence found;
    EXPECT_TRUE(rig.eventually([&] {
      for (const auto& [k, o] : instance->faults().read())
        if (k == kind) found = o;
      return found.count != 0;
    })) << name_of(kind);
    return found;
  }
};
INSTANTIATE_TEST_SUITE_P(Lanes, FaultsTest, ::testing::Values(0, DTU_CAP_BLOCKING),
                         [](const auto& lane) { return lane.param == 0 ? "Main" : "Own"; });

TEST_P(FaultsTest, OneThatThrowsAtEveryStartIsLeftAloneAfterThree) {
  std::atomic<bool> broken{true};
  script.start = [&](dtu::Host host) -> dtu_status {
    if (broken) throw std::runtime_error("no start");
    host.report(DTU_STATE_UP);
    return DTU_OK;
  };
  start();
  ASSERT_TRUE(rig.eventually([&] { return !instance->quarantine().empty(); }));
  rig.on([&] {
    EXPECT_EQ(instance->state(), DTU_STATE_FAILED);
    EXPECT_NE(instance->error().find("no start"), std::string::npos);
  });
  EXPECT_EQ(script.created, 3);
  EXPECT_EQ(first(Fault::exception).count, 3U);
  EXPECT_EQ(first(Fault::exception).function, "start");
  broken = false;
  rig.on([&] { EXPECT_EQ(instance->retry(), ""); });
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.on([&] {
    EXPECT_EQ(instance->quarantine(), "");
    EXPECT_NE(instance->retry(), "") << "it runs";
  });
}

// A server that is not there is no fault of the plugin.
TEST_P(FaultsTest, FailingWithoutAFaultIsNoWayIntoQuarantine) {
  script.start = [&](dtu::Host host) -> dtu_status {
    if (script.started < 4) throw dtu::Failure::retryable(DTU_E_IO, "nobody answers");
    host.report(DTU_STATE_UP);
    return DTU_OK;
  };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.on([&] {
    EXPECT_EQ(instance->quarantine(), "");
    EXPECT_TRUE(instance->faults().read().empty());
  });
}

TEST_P(FaultsTest, AnExceptionInsideAFunctionWithoutAStatusIsNamed) {
  script.writable = [](dtu::Host, uint64_t) { throw std::runtime_error("no room"); };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.on([&] { instance->tell_writable(0); });
  ASSERT_TRUE(rig.eventually([&] { return instance->restarts() == 1; }));
  EXPECT_EQ(first(Fault::exception).function, "writable");
  EXPECT_EQ(first(Fault::exception).text, "threw: no room");
}

// Seen at its end, whether the stall watch looked or not. One that may block may do so.
TEST_P(FaultsTest, ACallThatBlocksTheMainLaneIsCounted) {
  const bool may_block = GetParam() != 0;
  script.writable = [&](dtu::Host host, uint64_t source) {
    if (source == 1) std::this_thread::sleep_for(std::chrono::milliseconds(600));
    host.report(DTU_STATE_DEGRADED);
  };
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  for (const uint64_t source : {0, 1}) {
    rig.on([&] { instance->tell_writable(source); });
    ASSERT_TRUE(rig.eventually([&] { return script.writables == static_cast<int>(source) + 1; }));
  }
  ASSERT_TRUE(is(DTU_STATE_DEGRADED));
  rig.on([&] {
    const auto faults = instance->faults().read();
    ASSERT_EQ(faults.size(), may_block ? 0U : 1U);
    if (may_block) return;
    EXPECT_EQ(faults[0].first, Fault::slow);
    EXPECT_EQ(faults[0].second.count, 1U);
    EXPECT_EQ(faults[0].second.function, "writable");
  });
}

// It is ready and the plugin does nothing about it: the lane never sleeps.
TEST_P(FaultsTest, ADescriptorThatIsLeftReadyIsCounted) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  ASSERT_EQ(::write(ends[1], "x", 1), 1);
  script.start = [&](dtu::Host host) {
    uint64_t id = 0;
    host.report(DTU_STATE_UP);
    return dtu_add_watch(
        &host.need<dtu_fd_service>(DTU_FD_SERVICE), host.instance(), ends[0], DTU_FD_READ, [](void*, uint32_t) {},
        nullptr, &id);
  };
  start();
  EXPECT_EQ(first(Fault::busy).function, "a descriptor");
  rig.stop(instance);
  ::close(ends[0]);
  ::close(ends[1]);
}

TEST_P(FaultsTest, LogLinesAreRationedAndCounted) {
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  const dtu::Host host = script.host();
  for (int i = 0; i < 5000; ++i) host.info("flood");
  EXPECT_GT(first(Fault::flood).count, 4000U);
  int lines = 0;
  for (const LogLine& line : rig.log.newest(1000)) lines += line.text == "flood" ? 1 : 0;
  EXPECT_LT(lines, 900);
  EXPECT_GE(lines, 200);
}

TEST_P(FaultsTest, StatesThatFlapAreNotAllLoggedAndEndTheRun) {
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  rig.on([&] {
    for (int i = 0; i < 3000; ++i) instance->reported(0, i % 2 == 0 ? DTU_STATE_DEGRADED : DTU_STATE_UP, nullptr);
  });
  EXPECT_EQ(instance->faults().total(), 0U) << "a link that comes and goes is not the fault of the plugin";
  int lines = 0;
  for (const LogLine& line : rig.log.newest(1000))
    lines += line.text.find("its state changed more than 100 times") != std::string::npos ? 1 : 0;
  EXPECT_EQ(lines, 1);
  rig.on([&] {
    EXPECT_EQ(instance->restarts(), 0U);
    for (int i = 0; i < 20'000; ++i) instance->reported(0, i % 2 == 0 ? DTU_STATE_DEGRADED : DTU_STATE_UP, nullptr);
  });
  EXPECT_EQ(first(Fault::flood).count, 1U);
  ASSERT_TRUE(rig.eventually([&] { return instance->restarts() == 1; }));
}

TEST_P(FaultsTest, BuffersThatAreKeptAreMissedAtTheEnd) {
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  const dtu::Host host = script.host();
  uint8_t* bytes = nullptr;
  dtu_buf* kept = host.raw()->buf_alloc(host.instance(), 10, &bytes);
  ASSERT_NE(kept, nullptr);
  host.report(DTU_STATE_FAILED);
  ASSERT_TRUE(rig.eventually([&] { return instance->restarts() == 1; }));
  EXPECT_EQ(first(Fault::buffers).function, "destroy");
  EXPECT_NE(first(Fault::buffers).text.find("1 buffer reference:"), std::string::npos);
  unref(kept);
}

TEST_P(FaultsTest, BuffersWithoutEndEndTheRun) {
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  const dtu::Host host = script.host();
  uint8_t* bytes = nullptr;
  dtu_buf* kept = host.raw()->buf_alloc(host.instance(), 10, &bytes);
  ASSERT_NE(kept, nullptr);
  int held = 1;
  for (; held < 200'000; ++held) host.raw()->buf_ref(host.instance(), kept);
  ASSERT_TRUE(rig.eventually([&] { return instance->restarts() == 1; }));
  EXPECT_EQ(first(Fault::buffers).count, 2U) << "once for holding them, once for leaving them behind";
  for (; held > 0; --held) unref(kept);
}

TEST_P(FaultsTest, CallsOnAnotherThreadAndWithoutTextAreRefused) {
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  const dtu::Host host = script.host();
  uint64_t id = 0;
  const auto& timer = host.need<dtu_timer_service>(DTU_TIMER_SERVICE);
  EXPECT_EQ(dtu_create_timer(
                &timer, host.instance(), [](void*) {}, nullptr, &id),
            DTU_E_CLOSED);
  EXPECT_EQ(first(Fault::thread).function, "timer create");
  dtu_msg nowhere{};
  nowhere.payload = {nullptr, 5};
  uint32_t taken = 0;
  EXPECT_EQ(host.emit(&nowhere, 1, &taken), DTU_E_INVALID);
  EXPECT_EQ(first(Fault::emit).count, 1U);
  host.raw()->log(host.instance(), DTU_LOG_ERROR, {nullptr, 5});
  (void)dtu_reply_to(host.raw(), host.instance(), 1, DTU_OK, {nullptr, 5}, nullptr);
  EXPECT_EQ(first(Fault::malformed).count, 2U);
}

TEST_P(FaultsTest, ALateCallIsCounted) {
  start();
  ASSERT_TRUE(is(DTU_STATE_UP));
  const dtu::Host host = script.host();
  plugins::Faults* faults = nullptr;
  rig.on([&] { faults = &instance->faults(); });
  rig.stop(instance);
  host.complete(1, DTU_OK);
  ASSERT_EQ(faults->read().size(), 1U);
  EXPECT_EQ(faults->read()[0].first, Fault::late);
  EXPECT_EQ(faults->read()[0].second.function, "complete");
}

// An answer that comes after the deadline is late, not wrong; one to a call that nobody made is.
TEST(FaultsOfReplies, OnlyAnswersThatCannotBeAreCounted) {
  const plugins::LoadedComponent component = command_component();
  Script script;
  std::atomic<uint64_t> asked{0};
  script.invoke = [&](dtu::Host, uint64_t call) {
    asked = call;
    return DTU_OK;
  };
  Rig rig;
  plugins::InstancePtr provider;
  std::atomic<dtu_status> status{DTU_PENDING};
  rig.on([&] {
    provider = rig.make("command test", component, script);
    provider->start();
    commands::Command c;
    c.name = "test.run";
    c.provider = provider.get();
    EXPECT_EQ(rig.directory.add(std::move(c)), "");
    commands::Request request;
    request.command = "test.run";
    request.caller = commands::console_caller();
    request.deadline_ms = 1;
    EXPECT_EQ(rig.calls.invoke(request, nullptr, [&](const commands::Answer& a) { status = a.status; }).status, DTU_OK);
  });
  ASSERT_TRUE(rig.eventually([&] { return status == DTU_E_TIMEOUT; }));
  rig.on([&] {
    EXPECT_EQ(script.host().reply(asked, "1"), DTU_E_CLOSED);
    EXPECT_TRUE(provider->faults().read().empty());
    EXPECT_EQ(script.host().reply(asked + 1, "1"), DTU_E_CLOSED);
    ASSERT_EQ(provider->faults().read().size(), 1U);
    EXPECT_EQ(provider->faults().read()[0].first, Fault::reply);
  });
  rig.stop(provider);
}

}  // namespace
}  // namespace dtud::test
