// Function code 62: an order, its steps told to who ordered, and told on by a session that was opened later.
#include "board.hpp"

namespace command_dtu::test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// A kernel with one upgrade: the test says how far it is.
struct Kernel {
  Rig& rig;
  std::string state;  // of upgrade.state
  std::vector<uint64_t> waiting;
  std::vector<std::string> told, orders;

  explicit Kernel(Rig& r, std::string first = R"({"step":"idle","seen":1})") : rig(r), state(std::move(first)) {
    using dtu::test::Answer;
    using dtu::test::Request;
    rig.host.on_command("config.get", [](const Request&) { return Answer{DTU_OK, "{}"}; });
    rig.host.on_command("upgrade.state", [this](const Request&) { return Answer{DTU_OK, state}; });
    rig.host.on_command("upgrade.start", [this](const Request& r2) {
      orders.push_back((r2.caller == DTU_CALLER_ASKER ? "asker " : "") + r2.args);
      state = R"({"step":"checked","id":4,"seen":2,"over":false})";
      return Answer{DTU_OK, state};
    });
    rig.host.on_command("upgrade.await", [this](const Request& r2) -> std::optional<Answer> {
      if (r2.args != "{\"seen\":" + std::string(member(state, "seen")->text) + "}") return Answer{DTU_OK, state};
      waiting.push_back(r2.id);
      return std::nullopt;
    });
    rig.host.on_command("upgrade.told", [this](const Request& r2) {
      told.push_back(r2.args);
      return Answer{DTU_OK, "\"\""};
    });
  }
  void becomes(const std::string& next) {
    state = next;
    const auto ids = std::exchange(waiting, {});
    for (const uint64_t id : ids) rig.host.answer(id, {DTU_OK, state});
    rig.settle();
  }
};

const std::string kOrder =
    R"({"msg_id":"m","cmd_code":62,"password":"012345","topic_id":"1","data":{"ota":{"url":"https://h/f","version":"2"}}})";

TEST(UpgradeOrder, GoesToTheKernelWithWhatItsReportsNeed) {
  Rig rig;
  Kernel kernel(rig);
  rig.channel(1, kOrder);
  EXPECT_THAT(kernel.orders, ElementsAre(R"(asker {"tag":{"msg_id":"m","code":62,"topic_id":"1"},)"
                                         R"("url":"https://h/f","version":"2"})"));
  ASSERT_EQ(rig.to_channel(1).size(), 1U);
  EXPECT_THAT(rig.to_channel(1)[0], HasSubstr(R"("data":{"step":"checked","id":4,"seen":2,"over":false},"status":1)"));
}

TEST(UpgradeOrder, NobodyPutsInATagOfTheirOwn) {
  Rig rig;
  Kernel kernel(rig);
  rig.port(local(
      R"({"cmd_code":"0x62","password":"012345","data":{"asked":{"x":1},"ota":{"url":"https://h/f","tag":{"evil":1}}}})"));
  EXPECT_THAT(kernel.orders,
              ElementsAre(R"(asker {"tag":{"msg_id":null,"code":"0x62","topic_id":""},"url":"https://h/f"})"));
}

TEST(UpgradeOrder, EachStepIsToldAndTheEndIsKnownThen) {
  Rig rig;
  Kernel kernel(rig);
  rig.channel(2, kOrder, "", 9);
  rig.clear();
  kernel.becomes(R"({"step":"downloading","id":4,"seen":3,"over":false})");
  ASSERT_EQ(rig.to_channel(2).size(), 1U);
  EXPECT_EQ(rig.to_channel(2)[0],
            R"({"msg_id":"m","code":62,"cmd_code":62,"data":{"step":"downloading","id":4,"seen":3,"over":false},)"
            R"("status":1,"success":1})");
  EXPECT_EQ(rig.host.link_writes().back().route, "1");
  EXPECT_THAT(kernel.told, IsEmpty());
  kernel.becomes(R"({"step":"failed","id":4,"seen":4,"over":true})");
  EXPECT_EQ(rig.to_channel(2).size(), 2U);
  EXPECT_THAT(kernel.told, ElementsAre(R"({"id":4})"));
  EXPECT_THAT(kernel.waiting, IsEmpty()) << "it is over: nobody waits for more";
}

TEST(UpgradeOrder, AStepThatTakesLongIsWaitedForAgain) {
  Rig rig;
  Kernel kernel(rig);
  rig.channel(1, kOrder);
  rig.clear();
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(kernel.waiting.size(), 1U);
    const uint64_t id = kernel.waiting[0];
    kernel.waiting.clear();
    rig.host.answer(id, {DTU_E_TIMEOUT, "", "not answered in time"});
    rig.settle();
  }
  EXPECT_THAT(rig.to_channel(1), IsEmpty());
  kernel.becomes(R"({"step":"took","id":4,"seen":3,"over":true})");
  EXPECT_EQ(rig.to_channel(1).size(), 1U);
}

TEST(UpgradeOrder, AnotherOrdersStepsAreNotTold) {
  Rig rig;
  Kernel kernel(rig);
  rig.channel(1, kOrder);
  rig.clear();
  kernel.becomes(R"({"step":"downloading","id":5,"seen":9,"over":false})");
  EXPECT_THAT(rig.to_channel(1), IsEmpty());
  EXPECT_THAT(kernel.waiting, IsEmpty());
}

TEST(UpgradeOrder, ASessionThatIsOpenedLaterGoesOnTelling) {
  const std::string tail = R"("seen":7,"source":"channel 2","tag":{"msg_id":12,"code":62,"topic_id":"1"},"told":)";
  Rig rig;
  Kernel kernel(rig, R"({"step":"took","id":4,"over":true,)" + tail + "false}");
  rig.close();
  rig.open({}, false);
  ASSERT_EQ(rig.to_channel(2).size(), 1U);
  EXPECT_THAT(rig.to_channel(2)[0], HasSubstr(R"({"msg_id":12,"code":62,"cmd_code":62,"data":{"step":"took")"));
  EXPECT_THAT(kernel.told, ElementsAre(R"({"id":4})"));
  rig.close();
  kernel.state = R"({"step":"took","id":4,"over":true,)" + tail + "true}";
  rig.clear();
  rig.open({}, false);
  EXPECT_THAT(rig.to_channel(2), IsEmpty()) << "told already";
}

TEST(UpgradeOrder, OfAnotherLinkIsNotItsBusiness) {
  for (const char* source : {"channel 7", "console", "port 2", "channel 11"}) {
    Rig rig;
    Kernel kernel(rig, std::string(R"({"step":"took","id":4,"over":true,"seen":7,"tag":{},"told":false,"source":")") +
                           source + "\"}");
    rig.close();
    rig.clear();
    rig.open({}, false);
    EXPECT_THAT(rig.host.link_writes(), IsEmpty()) << source;
    EXPECT_THAT(kernel.told, IsEmpty());
  }
}

TEST(UpgradeOrder, ARefusalIsTheAnswerAndNothingIsFollowed) {
  Rig rig;
  Kernel kernel(rig);
  rig.host.on_command("upgrade.start", [](const dtu::test::Request&) {
    return dtu::test::Answer{DTU_E_UNSUPPORTED, "", "upgrades are switched off"};
  });
  rig.channel(1, kOrder);
  ASSERT_EQ(rig.to_channel(1).size(), 1U);
  EXPECT_THAT(rig.to_channel(1)[0], HasSubstr(R"("error":"upgrades are switched off","error_code":5006)"));
  EXPECT_THAT(kernel.waiting, IsEmpty());
}

}  // namespace
}  // namespace command_dtu::test
