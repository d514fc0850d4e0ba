// dtu-plugin-check with the far end a plugin needs: tests/unit/check has the plugins that are up without one.
#include <gmock/gmock.h>

#include "harness/broker.hpp"

namespace e2e {
namespace {

TEST(PluginCheck, MqttKeepsTheContractWithABroker) {
  const Broker broker;
  const TempDir folder;
  write_file(folder.path("config.json"), R"({"url": "127.0.0.1", "port": )" + std::to_string(broker.port()) +
                                             R"(, "qos": 1, "publish": {"1": "line"}, "subscribe": {"1": "line"}})");
  // It takes half a minute when nothing else runs.
  const Ran checked =
      run({E2E_PLUGIN_CHECK, E2E_PLUGINS "/channel-mqtt.so", "--config", folder.path("config.json"), "--json"}, {},
          std::chrono::seconds(300));
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_THAT(checked.output, testing::HasSubstr(R"("notes": 0)")) << "data.not-up: it never met its broker";
}

}  // namespace
}  // namespace e2e
