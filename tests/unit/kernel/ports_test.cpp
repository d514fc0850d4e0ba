// Router, HALs and dialects: opening and closing around restarts, on the main lane and on a lane of their own.
#include "rig.hpp"

namespace dtud::test {
namespace {

struct PortTest : ::testing::TestWithParam<uint64_t> {
  Gate gate;  // outlives the lanes that pass it
  const plugins::LoadedComponent hal_c = hal_component(GetParam());
  const plugins::LoadedComponent channel_c = channel_component();
  const plugins::LoadedComponent dialect_c = dialect_component();
  Script hal_script, channel_script, dialect_script;
  Rig rig;
  plugins::InstancePtr hal, speaker;
  routing::Port* port = nullptr;
  routing::Channel* channel = nullptr;

  void start() {
    rig.on([&] {
      port = &rig.add_port("1");
      hal = rig.make("hal test", hal_c, hal_script);
      rig.on_started = [&](plugins::Instance& i) {
        if (&i == hal.get()) rig.router.open_port(*port, i);
        if (&i == speaker.get()) rig.router.open_session(*rig.router.links().front(), i, "{}");
      };
      hal->start();
      channel = &rig.add_channel(1, channel_c, channel_script);
    });
  }
  void raw() {
    rig.on([&] { rig.router.add_link(port, "raw", {channel}, {}); });
  }
  bool up() {
    return rig.eventually([&] { return port != nullptr && port->state == DTU_STATE_UP; });
  }
  void TearDown() override {
    if (channel != nullptr && channel->instance) rig.stop(*channel);
    if (speaker) rig.stop(speaker);
    if (hal) rig.stop(hal);
  }
  dtu_status down(std::string_view payload) {
    dtu_msg m{};
    m.payload = dtu::str(payload);
    uint32_t taken = 0;
    return channel_script.host().emit(&m, 1, &taken);
  }
};
INSTANTIATE_TEST_SUITE_P(Lanes, PortTest, ::testing::Values(0, DTU_CAP_BLOCKING),
                         [](const auto& lane) { return lane.param == 0 ? "Main" : "Own"; });

TEST_P(PortTest, WritesInOrder) {
  start();
  raw();
  ASSERT_TRUE(up());
  rig.on([&] {
    for (int i = 0; i < 300; ++i) EXPECT_EQ(down(std::to_string(i)), DTU_OK);
  });
  ASSERT_TRUE(rig.eventually([&] { return port->traffic.tx_messages == 300; }));
  for (int i = 0; i < 300; ++i) EXPECT_EQ(hal_script.got()[static_cast<size_t>(i)], std::to_string(i));
}

// A dialect says itself when its messages are too late; for a raw port nobody else does.
TEST_P(PortTest, ARawMessageIsInTimeForAsLongAsItsPortSays) {
  hal_script.write = [](dtu::Host, const dtu_msg*, uint32_t, uint32_t*) { return DTU_AGAIN; };
  start();
  raw();
  ASSERT_TRUE(up());
  rig.on([&] {
    EXPECT_EQ(down("whenever"), DTU_OK);
    port->config.downlink_max_age_s = 2;
    const int64_t before = monotonic_ns();
    EXPECT_EQ(down("soon"), DTU_OK);
    ASSERT_EQ(port->queue.size(), 2U);
    EXPECT_EQ(port->queue[0].latest_ns, 0);
    EXPECT_GE(port->queue[1].latest_ns, before + 2'000'000'000);
    EXPECT_LE(port->queue[1].latest_ns, monotonic_ns() + 2'000'000'000);
  });
}

TEST_P(PortTest, AHalThatStartsAgainHasItsPortsOpenedWithANewKey) {
  start();
  raw();
  ASSERT_TRUE(up());
  const uint64_t old_key = hal_script.key;
  hal_script.host().report(DTU_STATE_FAILED);
  ASSERT_TRUE(rig.eventually([&] { return hal_script.opened == 2 && port->state == DTU_STATE_UP; }));
  EXPECT_NE(hal_script.key, old_key);
  EXPECT_EQ(hal_script.closed, 1) << "before it was stopped";
  rig.on([&] {
    dtu_msg m{};
    m.source = old_key;
    uint32_t taken = 0;
    EXPECT_EQ(rig.router.emit(*hal, &m, 1, &taken), DTU_E_NOT_FOUND);
  });
}

TEST_P(PortTest, WritableDuringWriteIsNotLost) {
  std::atomic<int> calls{0};
  hal_script.write = [&](dtu::Host host, const dtu_msg*, uint32_t n, uint32_t* taken) {
    if (++calls == 1) {
      host.writable(hal_script.key);
      return DTU_AGAIN;
    }
    *taken = n;
    return DTU_OK;
  };
  start();
  raw();
  ASSERT_TRUE(up());
  rig.on([&] { EXPECT_EQ(down("x"), DTU_OK); });
  ASSERT_TRUE(rig.eventually([&] { return port->traffic.tx_messages == 1; }));
}

TEST_P(PortTest, ALostWritableIsNoticedAndCounted) {
  std::atomic<int> calls{0};
  hal_script.write = [&](dtu::Host, const dtu_msg*, uint32_t n, uint32_t* taken) {
    if (calls++ == 0) return DTU_AGAIN;
    *taken = n;
    return DTU_OK;
  };
  start();
  raw();
  ASSERT_TRUE(up());
  rig.on([&] {
    rig.router.lost_room().set_limits({1'000'000, 1'000'000});
    EXPECT_EQ(down("x"), DTU_OK);
  });
  ASSERT_TRUE(rig.eventually([&] { return port->traffic.tx_messages == 1; }));
  rig.on([&] {
    const auto faults = hal->faults().read();
    ASSERT_EQ(faults.size(), 1U);
    EXPECT_EQ(faults[0].first, plugins::Fault::no_writable);
    EXPECT_EQ(faults[0].second.function, "write");
  });
}

TEST_P(PortTest, AThrowingWriteIsTriedAgainByTheNextRun) {
  hal_script.write = [&](dtu::Host, const dtu_msg* m, uint32_t n, uint32_t* taken) -> dtu_status {
    if (hal_script.created == 1) throw 42;
    for (*taken = 0; *taken < n; ++*taken) hal_script.note(m[*taken]);
    return DTU_OK;
  };
  start();
  raw();
  ASSERT_TRUE(up());
  rig.on([&] { EXPECT_EQ(down("x"), DTU_OK); });
  ASSERT_TRUE(rig.eventually([&] { return port->traffic.tx_messages == 1; }));
  EXPECT_EQ(hal_script.got(), std::vector<std::string>{"x"});
}

// B17: a channel that waited for a crowded port waited on when that port went away.
TEST_P(PortTest, AClosedPortDoesNotHoldUpItsChannels) {
  hal_script.write = [](dtu::Host, const dtu_msg*, uint32_t, uint32_t*) { return DTU_AGAIN; };
  start();
  raw();
  ASSERT_TRUE(up());
  rig.on([&] {
    while (down("x") == DTU_OK) ASSERT_LE(port->queue.size(), routing::Port::kMostMessages);
    rig.router.close_port(*port);
  });
  ASSERT_TRUE(rig.eventually([&] { return channel_script.writables == 1; }));
}

// B18: messages for a port were bounded in bytes only, and not at all while a write was under way.
TEST_P(PortTest, TheQueueOfAPortIsBoundedForADialectToo) {
  hal_script.write = [&](dtu::Host, const dtu_msg*, uint32_t, uint32_t*) {
    if (GetParam() != 0) gate.pass();
    return DTU_AGAIN;
  };
  start();
  rig.on([&] {
    routing::Link& link = rig.router.add_link(port, "scripted", {channel}, {});
    speaker = rig.make("command test", dialect_c, dialect_script);
    speaker->start();
    dtu_msg m{};
    m.payload = dtu::str("x");
    EXPECT_EQ(rig.router.to_port(*speaker, link.id, m), DTU_OK);
  });
  ASSERT_TRUE(up());
  ASSERT_TRUE(GetParam() == 0 || gate.reached());
  rig.on([&] {
    dtu_msg m{};
    m.payload = dtu::str("x");
    for (int i = 0; i < 5000; ++i) rig.router.to_port(*speaker, port->link->id, m);
    EXPECT_LE(port->queue.size(), 2 * routing::Port::kMostMessages);
    EXPECT_EQ(port->queue.size() + port->dropped(), 5001U);
  });
  gate.open();
}

TEST_P(PortTest, ADialectThatStartsAgainHasItsSessionsOpenedAgain) {
  start();
  rig.on([&] {
    rig.router.add_link(port, "scripted", {channel}, {});
    speaker = rig.make("command test", dialect_c, dialect_script);
    speaker->start();
  });
  ASSERT_TRUE(up());
  dialect_script.from_port = [&](const dtu_msg&) {
    if (dialect_script.created == 1) throw std::runtime_error("no");
  };
  const auto emit = [&] {
    dtu_msg m{};
    m.source = hal_script.key;
    m.payload = dtu::str("x");
    uint32_t taken = 0;
    return rig.router.emit(*hal, &m, 1, &taken);
  };
  rig.on([&] { EXPECT_EQ(emit(), DTU_OK); });
  // B19: the sessions of a dialect that failed were never closed, so they leaked.
  ASSERT_TRUE(rig.eventually([&] { return dialect_script.destroyed == 1; }));
  EXPECT_EQ(dialect_script.sessions, 0);
  rig.on([&] { EXPECT_EQ(emit(), DTU_AGAIN); });
  ASSERT_TRUE(rig.eventually([&] { return dialect_script.opened == 2 && hal_script.writables != 0; }));
  rig.on([&] { EXPECT_EQ(emit(), DTU_OK); });
  EXPECT_EQ(dialect_script.got().size(), 2U);
}

struct OwnLanePortTest : PortTest {};
INSTANTIATE_TEST_SUITE_P(Lanes, OwnLanePortTest, ::testing::Values(DTU_CAP_BLOCKING));

// B20: a port closed while it was being opened stayed open in its HAL.
TEST_P(OwnLanePortTest, APortClosedDuringItsOpeningIsClosedAfterwards) {
  hal_script.open = [&](dtu::Host) { gate.pass(); };
  start();
  ASSERT_TRUE(gate.reached());
  rig.on([&] { rig.router.close_port(*port); });
  gate.open();
  ASSERT_TRUE(rig.eventually([&] { return hal_script.closed == 1; }));
}

TEST_P(OwnLanePortTest, APortIsRemovedDuringAWrite) {
  std::string written;
  hal_script.write = [&](dtu::Host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    gate.pass();
    written = dtu::view(m[0].payload);
    *taken = n;
    return DTU_OK;
  };
  start();
  raw();
  ASSERT_TRUE(up());
  const std::string large(100'000, 'z');
  rig.on([&] { EXPECT_EQ(down(large), DTU_OK); });
  ASSERT_TRUE(gate.reached());
  rig.on([&] {
    rig.router.remove_link(*port->link);
    rig.router.remove_port("1");
    port = nullptr;
  });
  gate.open();
  ASSERT_TRUE(rig.eventually([&] { return hal_script.closed == 1; }));
  EXPECT_EQ(written, large);
}

TEST_P(OwnLanePortTest, AHalAbandonedDuringAWriteMayComeBack) {
  std::string written;
  hal_script.write = [&](dtu::Host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    gate.pass();
    written = dtu::view(m[0].payload);
    *taken = n;
    return DTU_OK;
  };
  start();
  raw();
  ASSERT_TRUE(up());
  const std::string large(100'000, 'z');
  rig.on([&] { EXPECT_EQ(down(large), DTU_OK); });
  ASSERT_TRUE(gate.reached());
  rig.stop(hal, 1);
  rig.on([&] {
    EXPECT_FALSE(port->writing);
    rig.router.remove_link(*port->link);
    rig.router.remove_port("1");
    port = nullptr;
  });
  gate.open();
  ASSERT_TRUE(rig.eventually([&] { return hal_script.stopped == 1; }));
  EXPECT_EQ(written, large);
}

}  // namespace
}  // namespace dtud::test
