// What *taken means after each answer of emit (host.h), on the main lane and from a thread of the plugin's own.
#include "rig.hpp"

namespace dtud::test {
namespace {

struct EmitTest : ::testing::TestWithParam<bool> {
  const plugins::LoadedComponent channel = channel_component(0);
  Script script;
  Rig rig;
  const std::string huge = std::string(DTU_PAYLOAD_MAX + 1, 'x');
  const std::string far = std::string(DTU_ROUTE_MAX + 1, 'r');

  struct Answer {
    dtu_status status = DTU_OK;
    uint32_t taken = 99;
  };
  void SetUp() override {
    rig.on([&] { rig.add_channel(1, channel, script); });
    ASSERT_TRUE(rig.eventually([&] { return script.started == 1; }));
  }
  void TearDown() override { rig.stop(*rig.router.channel(1)); }
  Answer emit(std::vector<dtu_msg> msgs) {
    Answer answer;
    const auto call = [&] {
      answer.status = script.host().emit(msgs.data(), static_cast<uint32_t>(msgs.size()), &answer.taken);
    };
    if (GetParam())
      rig.on(call);
    else
      call();
    rig.on([] {});  // what a thread handed over is delivered in the next turn
    rig.on([] {});
    return answer;
  }
  static dtu_msg message(std::string_view payload, std::string_view route = {}) {
    dtu_msg m{};
    m.payload = dtu::str(payload);
    m.route = dtu::str(route);
    return m;
  }
  uint64_t received() {
    uint64_t messages = 0;
    rig.on([&] { messages = rig.router.channel(1)->traffic.rx_messages; });
    return messages;
  }
};
INSTANTIATE_TEST_SUITE_P(From, EmitTest, ::testing::Bool(),
                         [](const auto& main) { return main.param ? "MainLane" : "AThread"; });

TEST_P(EmitTest, AllAreTaken) {
  const Answer answer = emit({message("a"), message("b")});
  EXPECT_EQ(answer.status, DTU_OK);
  EXPECT_EQ(answer.taken, 2U);
  EXPECT_EQ(received(), 2U);
}

TEST_P(EmitTest, TakenIsThePlaceOfTheMessageThatIsTooLong) {
  const Answer payload = emit({message("a"), message("b"), message(huge), message("c")});
  EXPECT_EQ(payload.status, DTU_E_INVALID);
  EXPECT_EQ(payload.taken, 2U);
  EXPECT_EQ(received(), 2U) << "nothing behind it is taken";
  const Answer route = emit({message("d"), message("e", far)});
  EXPECT_EQ(route.status, DTU_E_INVALID);
  EXPECT_EQ(route.taken, 1U);
  const Answer first = emit({message(huge), message("f")});
  EXPECT_EQ(first.status, DTU_E_INVALID);
  EXPECT_EQ(first.taken, 0U);
  EXPECT_EQ(received(), 3U);
}

TEST_P(EmitTest, AnEmptyBatchIsTaken) {
  const Answer answer = emit({});
  EXPECT_EQ(answer.status, DTU_OK);
  EXPECT_EQ(answer.taken, 0U);
}

TEST_P(EmitTest, NothingIsTakenOnceStopHasBegun) {
  Answer answer;
  script.stop = [&](dtu::Host host) {
    const dtu_msg m = message("late");
    const auto call = [&] { answer.status = host.emit(&m, 1, &answer.taken); };
    if (GetParam())
      call();
    else
      std::thread(call).join();
    return DTU_OK;
  };
  rig.on([&] { rig.router.channel(1)->instance->stop(5000, [] {}); });
  ASSERT_TRUE(rig.eventually([&] { return script.destroyed == 1; }));
  EXPECT_EQ(answer.status, DTU_E_CLOSED);
  EXPECT_EQ(answer.taken, 0U);
  EXPECT_EQ(received(), 0U);
}

}  // namespace
}  // namespace dtud::test
