// Router and channels: batches on the main lane and on a lane of their own, completions, back-pressure, replacement.
#include "rig.hpp"

namespace dtud::test {
namespace {

struct ChannelTest : ::testing::TestWithParam<uint64_t> {
  Gate gate;  // outlives the lanes that pass it
  const plugins::LoadedComponent component = channel_component(GetParam());
  const plugins::LoadedComponent hal_c = hal_component();
  Script script, hal_script;
  Rig rig;
  plugins::InstancePtr hal;
  routing::Channel* channel = nullptr;
  routing::Port* port = nullptr;

  void SetUp() override {
    rig.on([&] {
      hal = rig.make("hal test", hal_c, hal_script);
      hal->start();
      port = &rig.add_port("1");
      rig.router.open_port(*port, *hal);
    });
  }
  void start(routing::OutboxLimits limits = {}) {
    rig.on([&] {
      channel = &rig.add_channel(1, component, script, limits);
      rig.router.add_link(port, "raw", {channel}, {});
    });
    ASSERT_TRUE(rig.eventually([&] { return channel->carries(); }));
  }
  void TearDown() override {
    if (channel->instance) rig.stop(*channel);
    rig.stop(hal);
  }
  dtu_status emit(std::string_view payload) {
    dtu_msg m{};
    m.source = hal_script.key;
    m.payload = dtu::str(payload);
    uint32_t taken = 0;
    return hal_script.host().emit(&m, 1, &taken);
  }
  void emit_on_lane(const std::string& payload, dtu_status expected = DTU_OK) {
    rig.on([&] { EXPECT_EQ(emit(payload), expected); });
  }
};
INSTANTIATE_TEST_SUITE_P(Lanes, ChannelTest, ::testing::Values(0, DTU_CAP_BLOCKING),
                         [](const auto& lane) { return lane.param == 0 ? "Main" : "Own"; });

TEST_P(ChannelTest, CarriesInOrder) {
  start();
  for (int i = 0; i < 500; ++i) emit_on_lane(std::to_string(i));
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 500; }));
  const auto got = script.got();
  for (int i = 0; i < 500; ++i) EXPECT_EQ(got[static_cast<size_t>(i)], std::to_string(i));
  rig.on([&] { EXPECT_EQ(channel->outbox.bytes(), 0U); });
}

// B12: completing a message inside send() freed what the call still had in hand, and the tap after it.
TEST_P(ChannelTest, AMessageIsValidUntilSendReturns) {
  const std::string large(100'000, 'x');
  bool same = false;
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    for (*taken = 0; *taken < n; ++*taken) host.complete(m[*taken].token, DTU_OK);
    same = dtu::view(m[0].payload) == large;
    return DTU_OK;
  };
  std::string tapped;
  rig.on([&] {
    rig.router.taps().add("channel 1", [&](const routing::TapEvent& e) {
      if (!e.in) tapped = e.payload;
    });
  });
  start();
  emit_on_lane(large);
  ASSERT_TRUE(rig.eventually([&] { return !tapped.empty(); }));
  EXPECT_TRUE(same);
  EXPECT_EQ(tapped, large);
}

// B13: writable() that overtook the answer DTU_AGAIN of a send() on a lane of its own was lost.
TEST_P(ChannelTest, WritableDuringSendIsNotLost) {
  std::atomic<int> calls{0};
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    if (++calls == 1) {
      host.writable();
      rig.lane.wake();
      return DTU_AGAIN;
    }
    for (*taken = 0; *taken < n; ++*taken) host.complete(m[*taken].token, DTU_OK);
    return DTU_OK;
  };
  start();
  emit_on_lane("x");
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 1; }));
  EXPECT_EQ(calls, 2);
}

TEST_P(ChannelTest, UpDuringAFailingSendIsNotLost) {
  std::atomic<int> calls{0};
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) -> dtu_status {
    if (++calls == 1) {
      host.report(DTU_STATE_DOWN);
      host.report(DTU_STATE_UP);
      return DTU_E_IO;
    }
    for (*taken = 0; *taken < n; ++*taken) host.complete(m[*taken].token, DTU_OK);
    return DTU_OK;
  };
  start();
  emit_on_lane("x");
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 1; }));
}

TEST_P(ChannelTest, PartOfABatchIsOfferedAgainInOrder) {
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    *taken = std::min<uint32_t>(n, 3);
    for (uint32_t i = 0; i < *taken; ++i) {
      script.note(m[i]);
      host.complete(m[i].token, DTU_OK);
    }
    if (*taken < n) host.writable();
    return *taken < n ? DTU_AGAIN : DTU_OK;
  };
  start();
  rig.on([&] {
    for (int i = 0; i < 100; ++i) EXPECT_EQ(emit(std::to_string(i)), DTU_OK);
  });
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 100; }));
  for (int i = 0; i < 100; ++i) EXPECT_EQ(script.got()[static_cast<size_t>(i)], std::to_string(i));
}

TEST_P(ChannelTest, TokensCompletedTwiceOrNeverGivenAreOnlyLogged) {
  script.send = [](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    for (*taken = 0; *taken < n; ++*taken) {
      host.complete(m[*taken].token, DTU_OK);
      host.complete(m[*taken].token, DTU_E_IO);
    }
    host.complete(0xDEADBEEF00000001U, DTU_OK);
    return DTU_OK;
  };
  start();
  emit_on_lane("x");
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 1 && rig.logged("is not open"); }));
  rig.on([&] {
    EXPECT_EQ(channel->outbox.messages(), 0U);
    EXPECT_EQ(channel->outbox.counters().resent, 0U);
  });
}

TEST_P(ChannelTest, WhatIsNeverCompletedIsSentAgainAfterARestart) {
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    for (*taken = 0; *taken < n; ++*taken)
      if (script.created > 1) host.complete(m[*taken].token, DTU_OK);
    return DTU_OK;
  };
  start();
  emit_on_lane("x");
  ASSERT_TRUE(rig.eventually([&] { return channel->traffic.tx_messages == 1; }));
  script.host().report(DTU_STATE_FAILED);
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 1; }));
  rig.on([&] { EXPECT_EQ(channel->outbox.counters().resent, 1U); });
}

// A message in flight for too long while the channel is up: its instance is started anew, which gives it back.
TEST_P(ChannelTest, AChannelThatNeverCompletesIsStartedAnew) {
  rig.on([&] { rig.router.completions().set_limits({1'000'000, 1, 1'000'000}); });
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    for (*taken = 0; *taken < n; ++*taken)
      if (script.created > 1) host.complete(m[*taken].token, DTU_OK);
    return DTU_OK;
  };
  start();
  emit_on_lane("x");
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 1; }));
  rig.on([&] {
    EXPECT_EQ(script.created, 2);
    EXPECT_EQ(channel->instance->quarantine(), "");
    const auto faults = channel->instance->faults().read();
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_EQ(faults[0].first, plugins::Fault::no_completion);
    EXPECT_EQ(faults[0].second.function, "send");
  });
}

// Full once, and it never says that it has room again.
TEST_P(ChannelTest, ALostWritableIsNoticedAndCounted) {
  rig.on([&] { rig.router.lost_room().set_limits({1'000'000, 1'000'000}); });
  std::atomic<int> calls{0};
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    if (calls++ == 0) return DTU_AGAIN;
    for (*taken = 0; *taken < n; ++*taken) host.complete(m[*taken].token, DTU_OK);
    return DTU_OK;
  };
  start();
  emit_on_lane("x");
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 1; }));
  rig.on([&] {
    EXPECT_EQ(script.created, 1);
    const auto faults = channel->instance->faults().read();
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_EQ(faults[0].first, plugins::Fault::no_writable);
    EXPECT_EQ(faults[0].second.function, "send");
    EXPECT_EQ(faults[0].second.count, 1U);
  });
}

// One that stays full is only slow, however often it is tried again.
TEST_P(ChannelTest, AChannelThatStaysFullIsNoFault) {
  rig.on([&] { rig.router.lost_room().set_limits({1'000'000, 1'000'000}); });
  std::atomic<int> calls{0};
  std::atomic<bool> room{false};
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    ++calls;
    if (!room) return DTU_AGAIN;
    for (*taken = 0; *taken < n; ++*taken) host.complete(m[*taken].token, DTU_OK);
    return DTU_OK;
  };
  start();
  emit_on_lane("x");
  ASSERT_TRUE(rig.eventually([&] { return calls > 3; }));
  rig.on([&] {
    EXPECT_TRUE(channel->instance->faults().read().empty());
    rig.router.lost_room().set_limits({1'000'000'000'000, 1'000'000});
  });
  ASSERT_TRUE(rig.eventually([&] { return static_cast<bool>(channel->full); }));
  room = true;
  script.host().writable();
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 1; }));
  rig.on([&] { EXPECT_TRUE(channel->instance->faults().read().empty()); });
}

// One that is down may keep what it took: the time does not run.
TEST_P(ChannelTest, AChannelThatIsDownMayKeepItsMessages) {
  std::atomic<int> sent{0};
  script.send = [&](dtu::Host host, const dtu_msg*, uint32_t n, uint32_t* taken) {
    *taken = n;
    ++sent;
    host.report(DTU_STATE_DOWN);
    return DTU_OK;
  };
  rig.on([&] { rig.router.completions().set_limits({1'000'000, 1, 1'000'000}); });
  start();
  emit_on_lane("x");
  ASSERT_TRUE(rig.eventually([&] { return sent == 1; }));
  uint64_t timer = 0;
  std::atomic<int> looks{0};
  rig.on([&] {
    const auto look = [](void* n) { ++*static_cast<std::atomic<int>*>(n); };
    timer = rig.lane.timers().create(look, &looks);
    rig.lane.timers().arm(timer, monotonic_ns() + 1'000'000, 1'000'000);
  });
  ASSERT_TRUE(rig.eventually([&] { return looks > 20; }));  // as many as Completions had, or so
  rig.on([&] {
    rig.lane.timers().destroy(timer);
    EXPECT_EQ(channel->instance->restarts(), 0U);
    EXPECT_TRUE(channel->instance->faults().read().empty());
  });
}

TEST_P(ChannelTest, WhatItSaysItTookIsNotBelieved) {
  std::atomic<int> calls{0};
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    if (++calls == 1) return DTU_OK;  // took nothing, for no reason
    for (uint32_t i = 0; i < n; ++i) host.complete(m[i].token, DTU_OK);
    *taken = n + 7;
    return DTU_OK;
  };
  start();
  emit_on_lane("x");
  // On a lane of its own it may be delivered before send() has returned and what it says is looked at.
  ASSERT_TRUE(
      rig.eventually([&] { return channel->outbox.counters().delivered == 1 && channel->traffic.tx_messages == 1; }));
  rig.on([&] {
    const auto faults = channel->instance->faults().read();
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_EQ(faults[0].first, plugins::Fault::taken);
    EXPECT_EQ(faults[0].second.count, 2U);
    EXPECT_EQ(faults[0].second.text, "reports that it took 8 of 1 message");
  });
}

TEST_P(ChannelTest, AThrowingSendLosesNothing) {
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) -> dtu_status {
    if (script.created == 1) throw 42;
    for (*taken = 0; *taken < n; ++*taken) host.complete(m[*taken].token, DTU_OK);
    return DTU_OK;
  };
  start();
  emit_on_lane("x");
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 1; }));
  EXPECT_EQ(script.created, 2);
}

TEST_P(ChannelTest, ABlockedPortGoesOnWhenThereIsRoom) {
  std::atomic<bool> up{false};
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    if (!up) return DTU_AGAIN;
    for (*taken = 0; *taken < n; ++*taken) host.complete(m[*taken].token, DTU_OK);
    return DTU_OK;
  };
  start({8, 1U << 20U, routing::Policy::block});
  for (int i = 0; i < 8; ++i) emit_on_lane("x");
  emit_on_lane("x", DTU_AGAIN);
  up = true;
  script.host().writable();
  ASSERT_TRUE(rig.eventually([&] { return hal_script.writables == 1; }));
  emit_on_lane("x");
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 9; }));
}

// B14: whoever waited for a link that was then replaced waited for ever.
TEST_P(ChannelTest, ALinkThatGoesWakesWhoWaitsForIt) {
  script.send = [](dtu::Host, const dtu_msg*, uint32_t, uint32_t*) { return DTU_AGAIN; };
  start({1, 1U << 20U, routing::Policy::block});
  emit_on_lane("x");
  emit_on_lane("x", DTU_AGAIN);
  rig.on([&] { rig.router.remove_link(*port->link); });
  ASSERT_TRUE(rig.eventually([&] { return hal_script.writables == 1; }));
}

struct OwnLaneChannelTest : ChannelTest {};
INSTANTIATE_TEST_SUITE_P(Lanes, OwnLaneChannelTest, ::testing::Values(DTU_CAP_BLOCKING));

// B15: after its instance had been abandoned in send(), a channel never sent again, whatever replaced it.
TEST_P(OwnLaneChannelTest, AnAbandonedSendDoesNotSilenceTheChannel) {
  std::string late;
  script.send = [&](dtu::Host host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    gate.pass();
    late = dtu::view(m[0].payload);  // still there
    for (*taken = 0; *taken < n; ++*taken) host.complete(m[*taken].token, DTU_OK);
    return DTU_OK;
  };
  start();
  const std::string large(100'000, 'y');
  emit_on_lane(large);
  ASSERT_TRUE(gate.reached());
  rig.stop(channel->instance, 1);
  Script fresh;
  rig.on([&] { rig.start(*channel, component, fresh); });
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 1; }));
  EXPECT_EQ(fresh.got(), std::vector<std::string>{large});
  gate.open();
  ASSERT_TRUE(rig.eventually([&] { return script.stopped == 1; })) << "its queued stop() still comes";
  EXPECT_EQ(late, large);
  rig.on([&] { EXPECT_EQ(channel->outbox.counters().delivered, 1U); });
  rig.stop(*channel);
}

TEST_P(OwnLaneChannelTest, AChannelIsRemovedDuringAnAbandonedSend) {
  script.send = [&](dtu::Host, const dtu_msg*, uint32_t n, uint32_t* taken) {
    gate.pass();
    *taken = n;
    return DTU_OK;
  };
  start();
  emit_on_lane("x");
  ASSERT_TRUE(gate.reached());
  rig.stop(channel->instance, 1);
  routing::Channel gone(2, {});
  rig.on([&] {
    rig.router.remove_link(*port->link);
    rig.router.remove_channel(1);
    channel = &gone;
  });
  gate.open();
  ASSERT_TRUE(rig.eventually([&] { return script.stopped == 1; }));
}

TEST_P(OwnLaneChannelTest, StopDuringSendReturnsWhatWasNotCompleted) {
  script.send = [&](dtu::Host, const dtu_msg*, uint32_t n, uint32_t* taken) {
    gate.pass();
    *taken = n;
    return DTU_OK;
  };
  start();
  emit_on_lane("x");
  ASSERT_TRUE(gate.reached());
  std::atomic<bool> done{false};
  rig.on([&] { channel->instance->stop(15000, [&] { done = true; }); });
  gate.open();
  ASSERT_TRUE(rig.eventually([&] { return done.load(); }));
  rig.on([&] {
    EXPECT_EQ(channel->outbox.messages(), 1U);
    EXPECT_EQ(channel->outbox.in_flight(), 0U);
    EXPECT_FALSE(channel->sending);
    channel->instance.reset();
  });
}

// B16: untake() after return_all() counted below zero and took back what was sent later.
TEST(OutboxBug, UntakeAfterReturnAllTakesNothingBack) {
  routing::Outbox outbox({});
  dtu_msg m{};
  m.payload = dtu::str("x");
  m.flags = DTU_MSG_COMMAND;
  for (int i = 0; i < 3; ++i) outbox.push(KeptMessage::keep(m));
  std::vector<dtu_msg> views(routing::Outbox::kBatch);
  ASSERT_EQ(outbox.take(views.data()), 3U);
  outbox.return_all();
  ASSERT_EQ(outbox.take(views.data()), 3U);
  outbox.untake(0);
  outbox.untake(2);
  EXPECT_EQ(outbox.in_flight(), 3U);
}

}  // namespace
}  // namespace dtud::test
