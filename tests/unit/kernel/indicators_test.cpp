// LED, ready line and reset button on a board of points.
#include "kernel/indicators.hpp"

#include <poll.h>

#include "board.hpp"

namespace dtud::test {
namespace {

using std::chrono::steady_clock;

struct IndicatorsTest : BoardTest {
  std::unique_ptr<Indicators> indicators;
  std::atomic<bool> up{false};
  std::atomic<int> resets{0};

  void SetUp() override {
    rig.on([&] {
      indicators = std::make_unique<Indicators>(
          rig.lane, rig.log, rig.directory, rig.calls, [this] { return up.load(); }, [this] { ++resets; });
    });
  }
  void TearDown() override {
    rig.on([&] { indicators.reset(); });
    BoardTest::TearDown();
  }
  void start(const std::map<std::string, std::string>& values) {
    start_board(values);
    rig.on([&] { indicators->points_changed(); });
  }
  void use(config::PinsConfig pins) {
    rig.on([&] { indicators->configure(pins); });
  }
  void connect(bool now) {
    up = now;
    rig.on([&] { indicators->look(); });
  }
  // In ms, how long the LED took for so many changes: at least n - 1 of its intervals, more on a loaded machine.
  int64_t time_of_changes(int n) {
    const auto began = steady_clock::now();
    const int from = board.changes("gpio.1");
    EXPECT_TRUE(soon([&] { return board.changes("gpio.1") >= from + n; }));
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - began).count();
  }
  // Without keeping the lane busy.
  template <typename What>
  static bool soon(What what) {
    for (const auto end = steady_clock::now() + kDeadline; steady_clock::now() < end; ::poll(nullptr, 0, 2))
      if (what()) return true;
    return false;
  }
  bool pin(const std::string& name, const std::string& level) {
    return soon([&] { return board.get(name) == level; });
  }
  bool waiting() {
    return soon([&] { return board.waiting() == 1; });
  }
  bool logged(const std::string& text) {
    return soon([&] { return rig.logged(text); });
  }
  int times_logged(const std::string& text) {
    int n = 0;
    for (const LogLine& line : rig.log.newest(1000))
      if (line.text.find(text) != std::string::npos) ++n;
    return n;
  }
  bool asleep() {
    bool none = false;
    rig.on([&] { none = rig.lane.timers().next_ns() == 0; });
    return none;
  }
};
INSTANTIATE_TEST_SUITE_P(Lanes, IndicatorsTest, ::testing::Values(0, DTU_CAP_BLOCKING),
                         [](const auto& lane) { return lane.param == 0 ? "Main" : "Own"; });

struct LedTest : IndicatorsTest {};
INSTANTIATE_TEST_SUITE_P(Lanes, LedTest, ::testing::Values(0), [](const auto&) { return "Main"; });

constexpr config::PinsConfig kLed{1, -1, -1}, kReady{-1, 2, -1}, kReset{-1, -1, 3};

TEST_P(LedTest, RegisteringBlinksQuickly) {
  start({{"gpio.1", "0"}, {"network.data_state", "2"}});
  use(kLed);
  EXPECT_GE(time_of_changes(4), 300);
  EXPECT_TRUE(soon([&] { return time_of_changes(5) < 2000; })) << "attached takes 2000 ms for it";
  EXPECT_GE(board.reads, 1);
}

TEST_P(LedTest, AttachedBlinksSlowly) {
  start({{"gpio.1", "0"}, {"network.data_state", "5"}});
  use(kLed);
  EXPECT_TRUE(soon([&] { return time_of_changes(3) >= 1000; })) << "registering takes 300 ms for it";
  EXPECT_TRUE(soon([&] { return time_of_changes(3) < 2000; })) << "connected takes 2000 ms for it";
}

TEST_P(LedTest, ABoardThatCannotSayIsAttached) {
  start({{"gpio.1", "0"}});
  use(kLed);
  EXPECT_GE(time_of_changes(3), 1000);
  EXPECT_EQ(board.reads, 0);
}

TEST_P(LedTest, ConnectedFlashesAndTheNetworkIsNotAsked) {
  start({{"gpio.1", "0"}, {"network.data_state", "1"}});
  connect(true);
  use(kLed);
  EXPECT_GE(time_of_changes(3), 2000);
  EXPECT_EQ(board.reads, 0);
}

TEST_P(LedTest, ItBlinksWhileTheBoardIsThinking) {
  board.silent = true;
  start({{"gpio.1", "0"}, {"network.data_state", "1"}});
  use(kLed);
  EXPECT_TRUE(soon([&] { return board.changes("gpio.1") > 4; }));
}

TEST_P(LedTest, ALostConnectionIsShownAtOnce) {
  start({{"gpio.1", "0"}, {"network.data_state", "0"}});
  connect(true);
  use(kLed);
  ASSERT_TRUE(pin("gpio.1", "1"));
  connect(false);
  ASSERT_TRUE(soon([&] { return board.reads >= 1; }));
  const int before = board.changes("gpio.1");
  EXPECT_TRUE(soon([&] { return board.changes("gpio.1") > before + 4; }));
}

TEST_P(LedTest, TheStateOfTheNetworkIsAskedForAgain) {
  start({{"gpio.1", "0"}, {"network.data_state", "0"}});
  use(kLed);
  EXPECT_TRUE(soon([&] { return board.reads >= 2; }));
}

TEST_P(IndicatorsTest, ReadyIsHighWhileAChannelCarries) {
  start({{"gpio.2", "1"}});
  use(kReady);
  EXPECT_TRUE(pin("gpio.2", "0"));
  connect(true);
  EXPECT_TRUE(pin("gpio.2", "1"));
  connect(false);
  EXPECT_TRUE(pin("gpio.2", "0"));
  connect(true);
  EXPECT_TRUE(pin("gpio.2", "1"));
  use({});
  EXPECT_TRUE(pin("gpio.2", "0")) << "what is not used any more goes low";
}

TEST_P(IndicatorsTest, TheNewestLevelWinsWhileAWriteIsUnderWay) {
  start({{"gpio.2", "1"}});
  use(kReady);
  rig.on([&] {
    for (int i = 0; i < 7; ++i) {
      up = i % 2 == 0;
      indicators->look();
    }
  });
  EXPECT_TRUE(pin("gpio.2", "1"));
}

TEST_P(IndicatorsTest, NothingRunsWithoutPins) {
  start({{"gpio.1", "0"}, {"gpio.2", "0"}, {"gpio.3", "1"}, {"network.data_state", "0"}});
  use({});
  connect(true);
  connect(false);
  EXPECT_TRUE(asleep());
  EXPECT_EQ(board.reads, 0);
  EXPECT_EQ(board.waiting(), 0U);
}

TEST_P(IndicatorsTest, AMissingPinIsNamedOnceAndCostsNothing) {
  start({{"gpio.7", "0"}});
  use({1, 2, 3});
  for (const char* text : {"pins/0 (network LED), gpio.1: no HAL offers gpio.1", "pins/1 (ready line), gpio.2: no HAL",
                           "pins/2 (reset button), gpio.3: no HAL"}) {
    EXPECT_TRUE(logged(text)) << text;
    connect(true);
    connect(false);
    EXPECT_EQ(times_logged(text), 1) << text;
  }
  EXPECT_TRUE(rig.eventually([&] { return rig.lane.timers().next_ns() == 0; }));
}

TEST_P(IndicatorsTest, PinsOfAHalThatStartsLaterAreTakenUp) {
  use({1, 2, 3});
  start({{"gpio.1", "0"}, {"gpio.2", "1"}, {"gpio.3", "1"}});
  EXPECT_TRUE(pin("gpio.2", "0"));
  EXPECT_TRUE(pin("gpio.1", "1"));
  EXPECT_TRUE(waiting());
}

TEST_P(IndicatorsTest, AHalThatStartsAnewIsDrivenAgain) {
  start({{"gpio.2", "0"}, {"gpio.3", "1"}});
  connect(true);
  use({-1, 2, 3});
  ASSERT_TRUE(pin("gpio.2", "1"));
  ASSERT_TRUE(waiting());
  rig.stop(hal);
  start({{"gpio.2", "0"}, {"gpio.3", "1"}});
  EXPECT_TRUE(pin("gpio.2", "1"));
  EXPECT_TRUE(waiting());
}

TEST_P(IndicatorsTest, AWriteThatFailsIsNamedOnceAndTriedAgain) {
  start({{"gpio.2", "0"}});
  board.fail_writes = true;
  connect(true);
  use(kReady);
  EXPECT_TRUE(logged("pins/1 (ready line), gpio.2: the pin is broken"));
  board.fail_writes = false;
  EXPECT_TRUE(pin("gpio.2", "1"));
  EXPECT_EQ(times_logged("the pin is broken"), 1);
}

TEST_P(IndicatorsTest, APressResetsOnce) {
  start({{"gpio.3", "1"}});
  use(kReset);
  ASSERT_TRUE(waiting());
  for (int press = 1; press <= 2; ++press) {
    board.set("gpio.3", "0");
    ASSERT_TRUE(soon([&] { return resets == press; }));
    ASSERT_TRUE(waiting()) << "for its release";
    board.set("gpio.3", "1");
    ASSERT_TRUE(waiting());
    rig.on([&] {});
    EXPECT_EQ(resets, press);
  }
}

TEST_P(IndicatorsTest, APressIsTakenAfter25Milliseconds) {
  start({{"gpio.3", "1"}});
  use(kReset);
  ASSERT_TRUE(waiting());
  const auto pressed = steady_clock::now();
  board.set("gpio.3", "0");
  ASSERT_TRUE(soon([&] { return resets == 1; }));
  EXPECT_GE(steady_clock::now() - pressed, std::chrono::milliseconds(25));
}

// Bounces shorter than the debounce, made on the lane so that they are short on any machine.
TEST_P(IndicatorsTest, ABounceIsNoPress) {
  start({{"gpio.3", "1"}});
  use(kReset);
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(waiting());
    rig.on([&] {
      board.set("gpio.3", "0");
      board.set("gpio.3", "1");
    });
  }
  ASSERT_TRUE(waiting());
  // Longer than 25 ms: to show that nothing comes of it.
  const auto end = steady_clock::now() + std::chrono::milliseconds(100);
  ASSERT_TRUE(soon([&] { return steady_clock::now() >= end; }));
  EXPECT_EQ(resets, 0);
}

TEST_P(IndicatorsTest, ALineThatWasNeverHighResetsNothing) {
  start({{"gpio.3", "0"}});
  use(kReset);
  ASSERT_TRUE(waiting());
  const auto end = steady_clock::now() + std::chrono::milliseconds(100);
  ASSERT_TRUE(soon([&] { return steady_clock::now() >= end; }));
  EXPECT_EQ(resets, 0);
  board.set("gpio.3", "1");
  ASSERT_TRUE(waiting());
  board.set("gpio.3", "0");
  EXPECT_TRUE(soon([&] { return resets == 1; }));
}

TEST_P(IndicatorsTest, AHalWithoutAwaitIsNamedOnce) {
  board.can_await = false;
  start({{"gpio.3", "1"}});
  use(kReset);
  ASSERT_TRUE(logged("pins/2 (reset button), gpio.3: gpio.3 has no interrupt"));
  rig.on([&] { indicators->points_changed(); });
  rig.on([&] {});
  EXPECT_EQ(times_logged("has no interrupt"), 1);
}

TEST_P(IndicatorsTest, AnotherResetPinCancelsTheAwait) {
  start({{"gpio.3", "1"}, {"gpio.4", "1"}});
  use(kReset);
  ASSERT_TRUE(waiting());
  use({-1, -1, 4});
  ASSERT_TRUE(soon([&] { return board.cancelled == 1; }));
  ASSERT_TRUE(waiting());
  board.set("gpio.3", "0");
  board.set("gpio.4", "0");
  EXPECT_TRUE(soon([&] { return resets == 1; }));
}

}  // namespace
}  // namespace dtud::test
