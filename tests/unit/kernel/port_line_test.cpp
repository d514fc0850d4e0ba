// Changes of a line that wait behind what the port does not take: asked, looked past, and taken back.
#include "rig.hpp"

namespace dtud::test {
namespace {

struct LineScript : Script {
  std::vector<uint32_t> bauds;  // set, in their order
  std::atomic<bool> stuck{true};
};

// A HAL whose port can run otherwise than it was opened. On the main lane.
class LineHal : public Scripted {
 public:
  LineHal(dtu::Host host, std::string_view config)
      : Scripted(host, config),
        script_(static_cast<LineScript&>(*reinterpret_cast<Script*>(std::stoull(std::string(config))))) {}
  dtu_status set_line(void* /*port*/, const dtu_port_settings& settings) override {
    script_.bauds.push_back(settings.baud);
    return DTU_OK;
  }

 private:
  LineScript& script_;
};

plugins::LoadedComponent line_component() {
  plugins::LoadedComponent c = component(DTU_KIND_HAL, 0, {dtu::ports_iface<LineHal>});
  c.create = dtu::Glue<LineHal>::create;
  c.ops = dtu::Glue<LineHal>::ops;
  return c;
}

struct PortLineTest : ::testing::Test {
  const plugins::LoadedComponent hal_c = line_component();
  const plugins::LoadedComponent channel_c = channel_component();
  LineScript hal_script;
  Script channel_script;
  Rig rig;
  plugins::InstancePtr hal;
  routing::Port* port = nullptr;
  routing::Channel* channel = nullptr;

  // A message is in front of every change.
  void SetUp() override {
    hal_script.write = [this](dtu::Host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
      if (hal_script.stuck) return DTU_AGAIN;
      for (*taken = 0; *taken < n; ++*taken) hal_script.note(m[*taken]);
      return DTU_OK;
    };
    rig.on([&] {
      port = &rig.add_port("1");
      hal = rig.make("hal test", hal_c, hal_script);
      rig.on_started = [&](plugins::Instance& i) {
        if (&i == hal.get()) rig.router.open_port(*port, i);
      };
      hal->start();
      channel = &rig.add_channel(1, channel_c, channel_script);
      rig.router.add_link(port, "raw", {channel}, {});
    });
    ASSERT_TRUE(rig.eventually([&] { return port->state == DTU_STATE_UP; }));
    rig.on([&] { down("first"); });
  }
  void TearDown() override {
    rig.stop(*channel);
    rig.stop(hal);
  }
  void down(std::string_view payload) const {
    dtu_msg m{};
    m.payload = dtu::str(payload);
    uint32_t taken = 0;
    EXPECT_EQ(channel_script.host().emit(&m, 1, &taken), DTU_OK);
  }
  struct Asked {
    uint64_t number = 0;
    int answers = 0;
    uint32_t baud = 0, databits = 0;
  };
  // On the main lane.
  void ask(Asked& asked, const routing::LineWish& wish, bool reset = false, routing::LineAsker by = {}) {
    asked.number = rig.router.ask_line(*port, by, wish, reset,
                                       [&asked](dtu_status status, const std::string& why, const auto& state) {
                                         EXPECT_EQ(status, DTU_OK) << why;
                                         ++asked.answers;
                                         asked.baud = state.settings.baud;
                                         asked.databits = state.settings.databits;
                                       });
  }
  static routing::LineWish baud(uint32_t value) {
    routing::LineWish wish;
    wish.baud = value;
    return wish;
  }
  static routing::LineWish databits(uint32_t value) {
    routing::LineWish wish;
    wish.databits = value;
    return wish;
  }
  void flow() {
    rig.on([&] {
      hal_script.stuck = false;
      hal_script.host().writable(hal_script.key);
    });
  }
};

TEST_F(PortLineTest, ALookIsAnsweredWhileAChangeWaits) {
  Asked change, look;
  uint32_t configured = 0;
  rig.on([&] {
    configured = port->configured().baud;
    ask(change, baud(300));
    ask(look, {});
  });
  ASSERT_TRUE(rig.eventually([&] { return look.answers == 1; }));
  EXPECT_EQ(look.baud, configured);
  EXPECT_EQ(change.answers, 0);
  flow();
  ASSERT_TRUE(rig.eventually([&] { return change.answers == 1; }));
  EXPECT_EQ(change.baud, 300U);
}

TEST_F(PortLineTest, AChangeThatNobodyWaitsForIsNotMade) {
  Asked gone, look;
  rig.on([&] {
    ask(gone, baud(300));
    rig.router.withdraw(*port, gone.number);
    down("second");
  });
  flow();
  ASSERT_TRUE(rig.eventually([&] { return hal_script.got().size() == 2; }));
  rig.on([&] { ask(look, {}); });
  ASSERT_TRUE(rig.eventually([&] { return look.answers == 1; }));
  EXPECT_EQ(look.baud, port->configured().baud);
  EXPECT_EQ(gone.answers, 0);
  EXPECT_TRUE(hal_script.bauds.empty());
  EXPECT_TRUE(port->control.layers.empty());
}

// Of the same asker and of another one.
TEST_F(PortLineTest, WhatWasAskedLaterIsPutOnWhatWasBefore) {
  Asked gone, mine, others, ended;
  rig.on([&] {
    ask(gone, baud(300));
    down("second");
    ask(mine, databits(7));
    ask(others, baud(1200), false, {nullptr, 5});
    rig.router.withdraw(*port, gone.number);
  });
  flow();
  ASSERT_TRUE(rig.eventually([&] { return others.answers == 1; }));
  EXPECT_EQ(mine.baud, port->configured().baud);
  EXPECT_EQ(mine.databits, 7U);
  EXPECT_EQ(others.baud, 1200U);
  EXPECT_EQ(others.databits, 7U);
  EXPECT_EQ(gone.answers, 0);
  EXPECT_EQ(hal_script.bauds, (std::vector<uint32_t>{port->configured().baud, 1200U}));
  rig.on([&] { ask(ended, {}, true, {nullptr, 5}); });
  ASSERT_TRUE(rig.eventually([&] { return ended.answers == 1; }));
  EXPECT_EQ(ended.baud, port->configured().baud) << "300 is nobody's wish any more";
  rig.on([&] { rig.router.withdraw(*port, mine.number); });
  EXPECT_EQ(port->control.layers.size(), 1U) << "one that was answered stays";
}

TEST_F(PortLineTest, AResetThatNobodyWaitsForEndsNothing) {
  Asked first, gone, look;
  flow();
  rig.on([&] { ask(first, baud(300)); });
  ASSERT_TRUE(rig.eventually([&] { return first.answers == 1; }));
  hal_script.stuck = true;
  rig.on([&] {
    down("second");
    ask(gone, {}, true);
    rig.router.withdraw(*port, gone.number);
  });
  flow();
  ASSERT_TRUE(rig.eventually([&] { return hal_script.got().size() == 2; }));
  rig.on([&] { ask(look, {}); });
  ASSERT_TRUE(rig.eventually([&] { return look.answers == 1; }));
  EXPECT_EQ(look.baud, 300U);
  EXPECT_EQ(hal_script.bauds, std::vector<uint32_t>{300U});
}

}  // namespace
}  // namespace dtud::test
