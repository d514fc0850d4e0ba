// The apn of the device document on its way to the HALs.
#include "kernel/network_settings.hpp"

#include "board.hpp"

namespace dtud::test {
namespace {

using Apns = std::vector<std::string>;

struct NetworkTest : BoardTest {
  NetworkSettings settings{rig.log, rig.directory, rig.calls};
  void configure(const std::string& name, const std::string& password = "pw") {
    rig.on([&] { settings.configure({name, "user", password}); });
  }
  bool told(const Apns& all) {
    return rig.eventually([&] { return board.apns() == all; });
  }
};
INSTANTIATE_TEST_SUITE_P(Lanes, NetworkTest, ::testing::Values(0, DTU_CAP_BLOCKING),
                         [](const auto& lane) { return lane.param == 0 ? "Main" : "Own"; });

TEST_P(NetworkTest, AHalThatStartsFirstWaitsForTheDocument) {
  start_board({});
  rig.on([&] { settings.offered_by(*hal); });
  configure("one");
  EXPECT_TRUE(told({"one user pw"}));
}

TEST_P(NetworkTest, EveryStartAndEveryChangeAreTold) {
  configure("one");
  start_board({});
  rig.on([&] { settings.offered_by(*hal); });
  EXPECT_TRUE(told({"one user pw"}));
  configure("one");
  configure("two");
  configure("two", "other");
  EXPECT_TRUE(told({"one user pw", "two user pw", "two user other"}));
  rig.on([&] {
    settings.stopping(*hal);
    settings.offered_by(*hal);
  });
  EXPECT_TRUE(told({"one user pw", "two user pw", "two user other", "two user other"}));
  ASSERT_TRUE(told({"one user pw", "two user pw", "two user other", "two user other"}));
  rig.on([&] { settings.stopping(*hal); });
  configure("three");
  rig.on([&] { EXPECT_EQ(board.apns().size(), 4U) << "told after it stopped"; });
}

TEST_P(NetworkTest, AHalWithoutNetworkIsNotAsked) {
  const plugins::LoadedComponent ports = hal_component();
  Script script;
  plugins::InstancePtr other;
  rig.on([&] {
    other = rig.make("hal ports", ports, script);
    other->start();
    settings.offered_by(*other);
  });
  configure("one");
  rig.stop(other);
  EXPECT_TRUE(board.apns().empty());
}

TEST_P(NetworkTest, AFailureIsLoggedWithTheHalAndWithoutThePassword) {
  board.fail_network = true;
  start_board({});
  rig.on([&] { settings.offered_by(*hal); });
  configure("one", "hush-1");
  ASSERT_TRUE(rig.eventually([&] { return rig.logged("could not set the access point (apn): no modem answers"); }));
  for (const LogLine& line : rig.log.newest(1000)) EXPECT_EQ(line.text.find("hush-1"), std::string::npos) << line.text;
}

}  // namespace
}  // namespace dtud::test
