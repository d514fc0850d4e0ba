// Calls to a point that are answered when its value changes.
#include "board.hpp"

namespace dtud::test {
namespace {

struct AwaitTest : BoardTest {
  std::vector<std::string> answers;  // on the lane
  uint64_t id = 0;

  // What still waits would be answered when the board stops, after `answers` is gone.
  void TearDown() override {
    rig.on([&] { rig.calls.drop(id); });
    BoardTest::TearDown();
  }
  commands::Answer await(const std::string& name, const std::string& json, plugins::Instance* asker = nullptr) {
    commands::Answer refusal;
    rig.on([&] {
      refusal = rig.calls.await_point(
          name, json, asker,
          [this](const commands::Answer& a) { answers.push_back(a.status == DTU_OK ? a.json : a.error); }, id);
    });
    return refusal;
  }
  bool answered(const std::string& with) {
    return rig.eventually([&] { return !answers.empty(); }) && answers == std::vector<std::string>{with};
  }
  bool waiting(size_t n) {
    return rig.eventually([&] { return board.waiting() == n; });
  }
};
INSTANTIATE_TEST_SUITE_P(Lanes, AwaitTest, ::testing::Values(0, DTU_CAP_BLOCKING),
                         [](const auto& lane) { return lane.param == 0 ? "Main" : "Own"; });

TEST_P(AwaitTest, IsAnsweredWhenTheValueChanges) {
  start_board({{"gpio.3", "1"}});
  ASSERT_EQ(await("gpio.3", "1").status, DTU_OK);
  ASSERT_TRUE(waiting(1));
  rig.on([&] { EXPECT_TRUE(answers.empty()); });
  board.set("gpio.3", "0");
  EXPECT_TRUE(answered("0"));
  rig.on([&] { EXPECT_EQ(rig.calls.under_way(), 0U); });
}

TEST_P(AwaitTest, IsAnsweredAtOnceWhenItIsAnotherAlready) {
  start_board({{"gpio.3", "0"}});
  ASSERT_EQ(await("gpio.3", "1").status, DTU_OK);
  EXPECT_TRUE(answered("0"));
}

TEST_P(AwaitTest, HasNoDeadline) {
  start_board({{"gpio.3", "1"}});
  int64_t before = 0;
  rig.on([&] { before = rig.lane.timers().next_ns(); });
  ASSERT_EQ(await("gpio.3", "1").status, DTU_OK);
  ASSERT_TRUE(waiting(1));
  rig.on([&] { EXPECT_EQ(rig.lane.timers().next_ns(), before) << "a timer was armed for it"; });
}

TEST_P(AwaitTest, DroppedTheProviderIsToldAndNobodyIsCalled) {
  start_board({{"gpio.3", "1"}});
  ASSERT_EQ(await("gpio.3", "1").status, DTU_OK);
  ASSERT_TRUE(waiting(1));
  rig.on([&] { rig.calls.drop(id); });
  ASSERT_TRUE(waiting(0));
  EXPECT_EQ(board.cancelled, 1);
  board.set("gpio.3", "0");
  ASSERT_EQ(await("gpio.3", "1").status, DTU_OK);  // answered after anything that came for the first
  EXPECT_TRUE(answered("0"));
}

TEST_P(AwaitTest, DroppedBetweenTheAnswerAndItsDelivery) {
  start_board({{"gpio.3", "1"}});
  ASSERT_EQ(await("gpio.3", "1").status, DTU_OK);
  ASSERT_TRUE(waiting(1));
  rig.on([&] {
    board.set("gpio.3", "0");
    rig.calls.drop(id);
  });
  ASSERT_TRUE(rig.eventually([&] { return rig.calls.under_way() == 0; }));
  ASSERT_EQ(await("gpio.3", "1").status, DTU_OK);
  EXPECT_TRUE(answered("0"));
}

TEST_P(AwaitTest, EndsWithItsProvider) {
  start_board({{"gpio.3", "1"}});
  ASSERT_EQ(await("gpio.3", "1").status, DTU_OK);
  ASSERT_TRUE(waiting(1));
  rig.stop(hal);
  EXPECT_TRUE(answered("hal board stopped before it answered"));
}

TEST_P(AwaitTest, AnAskerThatIsGoneWaitsNoMore) {
  start_board({{"gpio.3", "1"}});
  const plugins::LoadedComponent asking = board_component();
  BoardState state;
  plugins::InstancePtr asker;
  rig.on([&] {
    asker = plugins::Instance::make(rig.context, {"command test", &asking, "test", state.config()});
    asker->start();
  });
  ASSERT_EQ(await("gpio.3", "1", asker.get()).status, DTU_OK);
  ASSERT_TRUE(waiting(1));
  rig.stop(asker);
  EXPECT_TRUE(waiting(0)) << "its provider was told";
  rig.on([&] { EXPECT_TRUE(answers.empty()); });
}

TEST_P(AwaitTest, WhatCannotBeAwaitedSaysSo) {
  start_board({{"gpio.3", "1"}});
  EXPECT_EQ(await("gpio.4", "1").status, DTU_E_NOT_FOUND);
  board.can_await = false;
  ASSERT_EQ(await("gpio.3", "1").status, DTU_OK);
  EXPECT_TRUE(answered("gpio.3 has no interrupt"));
}

}  // namespace
}  // namespace dtud::test
