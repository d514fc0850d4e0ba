// A dtud whose plugins are linked in: it needs no plugin folder, and what it has counts for more than a file.
#include <gmock/gmock.h>

#include <filesystem>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

constexpr char kTcpServer[] =
    R"({"uconf": {"1": {"mode": "raw"}}, "conf": {"1": {"protocol": "tcp", "serialID": "1", "mode": "server"}}})";

// The entry of `GET /v1/plugins` with this file; empty when there is none.
Json plugin(const Dtud& dtud, const std::string& file) {
  return with(parse_json(dtud.get("/v1/plugins").body), "file", file);
}

std::string empty_folder(const Dtud& dtud) {
  std::filesystem::create_directory(dtud.path("none"));
  return dtud.path("none");
}

void expect_flow(const Dtud& dtud, Pty& pty) {
  ASSERT_TRUE(dtud.port_is("1", "up"));
  TcpPeer client(dtud.listen_port("1"));
  ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 1; }));
  const std::string up = pattern(256U << 10U, 1), down = pattern(256U << 10U, 2);
  const auto came = carry({{&pty, &client, up}, {&client, &pty, down}});
  EXPECT_EQ(difference(up, came[0]), "");
  EXPECT_EQ(difference(down, came[1]), "");
}

TEST(Static, CarriesBothWaysWithoutAPluginFolder) {
  Pty pty;
  Dtud dtud;
  dtud.plugins(empty_folder(dtud)).ports({{"1", pty.device()}}).device(kTcpServer);
  dtud.start();
  expect_flow(dtud, pty);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(Static, SaysWhatIsBuiltIn) {
  Pty pty;
  Dtud dtud;
  dtud.plugins(empty_folder(dtud)).ports({{"1", pty.device()}}).device(kTcpServer);
  dtud.start();
  const Json tcp = plugin(dtud, "built-in channel-tcp");
  EXPECT_EQ(text(tcp, "built_in"), "true");
  EXPECT_EQ(text(tcp, "loaded"), "true");
  EXPECT_EQ(text(tcp, "id"), "org.dtukit.channel-tcp");
  EXPECT_EQ(text(tcp, "components[0].type"), "tcp");
  EXPECT_EQ(size(parse_json(dtud.get("/v1/plugins").body)), 4U);
  const Ran table = dtud.dtuctl({"plugins"});
  EXPECT_THAT(table.output, HasSubstr("built in"));
  EXPECT_THAT(dtud.dtuctl({"inspect", "tcp"}).output, HasSubstr("org.dtukit.channel-tcp"));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(Static, AFileOfABuiltInTypeIsLeftOutAndNamedAndTheOthersAreLoaded) {
  Pty pty;
  Dtud dtud;
  const std::string folder = dtud.path("plugins");
  std::filesystem::create_directory(folder);
  for (const char* name : {"channel-tcp.so", "hal-sim.so"})
    std::filesystem::copy(kPlugins + "/" + name, folder + "/" + name);
  dtud.plugins(folder).ports({{"1", pty.device()}}).hal(R"({"type": "sim"})").device(kTcpServer);
  dtud.start();
  const std::string file = folder + "/channel-tcp.so";
  const std::string why = file + ": left out, channel:tcp is built into this dtud: remove the file";
  EXPECT_EQ(text(plugin(dtud, file), "error"), why);
  EXPECT_EQ(text(plugin(dtud, file), "loaded"), "false");
  EXPECT_THAT(dtud.log(), HasSubstr(why));
  EXPECT_EQ(text(plugin(dtud, folder + "/hal-sim.so"), "loaded"), "true");
  EXPECT_EQ(text(plugin(dtud, folder + "/hal-sim.so"), "built_in"), "");
  expect_flow(dtud, pty);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(Static, CheckKnowsTheBuiltInTypesAndNoOthers) {
  Dtud dtud;
  dtud.plugins(empty_folder(dtud)).device(R"({"conf": {"1": {"protocol": "udp", "url": "127.0.0.1", "port": 1}}})");
  EXPECT_THAT(dtud.check().output, Not(HasSubstr("error")));
  dtud.device(R"({"conf": {"1": {"protocol": "mqtt", "url": "127.0.0.1"}}})");
  const Ran refused = dtud.check();
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.output, HasSubstr("mqtt"));
  EXPECT_THAT(refused.output, HasSubstr("tcp, udp"));
}

}  // namespace
}  // namespace e2e
