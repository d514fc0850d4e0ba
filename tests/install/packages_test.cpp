// dtud out of its Debian package, with the plugins that were installed beside it and no others.
#include <gtest/gtest.h>

#include <filesystem>

#include "folders.hpp"
#include "harness/dtud.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

TEST(Packages, TheInstalledDtudRunsWithTheInstalledPlugins) {
  if (!std::filesystem::exists(kPackaged)) GTEST_SKIP() << "no packages were made";
  Dtud dtud;
  dtud.programs(kPackaged + "/bin").hal(R"({"type": "sim", "ports": {"1": {}}})");
  dtud.board(R"("upgrade": {"allow_http": true})");
  dtud.device(
      R"({"uconf": {"1": {"mode": "raw"}}, "conf": {"1": {"protocol": "tcp", "mode": "server", "serialID": "1"}}})");
  dtud.start();
  EXPECT_GT(dtud.listen_port("1"), 0);
  const Json plugins = parse_json(dtud.dtuctl({"--json", "plugins"}).output);
  EXPECT_EQ(size(plugins), 2U) << to_json(plugins);
  for (const char* name : {"/channel-tcp.so", "/hal-sim.so"})
    EXPECT_FALSE(with(plugins, "file", kPackaged + "/lib/dtukit/plugins" + name).isEmpty()) << to_json(plugins);
  const Ran ordered =
      dtud.dtuctl({"call", "upgrade.start",
                   R"({"url": "http://127.0.0.1:9/x", "version": "2", "md5": "00000000000000000000000000000000"})"});
  ASSERT_EQ(ordered.status, 0) << ordered.output;
  std::string state;
  EXPECT_TRUE(eventually([&] {
    state = dtud.dtuctl({"call", "upgrade.state"}).output;
    return state.find("refused") != std::string::npos;  // by the port, as dtu-fetch found
  })) << state;
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(Packages, AMissingPluginIsNamed) {
  if (!std::filesystem::exists(kPackaged)) GTEST_SKIP() << "no packages were made";
  Dtud dtud;
  dtud.programs(kPackaged + "/bin").hal(R"({"type": "linux"})");
  const Ran ran = dtud.check();
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.output.find("linux"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace e2e
