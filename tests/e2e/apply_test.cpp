// Devices that come and go, and configurations that change, while data flows.
#include <gtest/gtest.h>

#include <filesystem>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

TEST(Hotplug, ADeviceThatGoesAwayAndComesBackIsUsedAgain) {
  Dtud dtud;
  const std::string link = dtud.path("ttyUSB0");
  dtud.ports({{"1", link}}).device(R"({"uconf": {"1": {"mode": "raw"}}, "conf": {"1": {"protocol": "tcp",
    "serialID": "1", "mode": "server"}}})");
  dtud.start();
  TcpPeer client(dtud.listen_port("1"));
  ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 1; }));
  for (int plugged = 0; plugged < 5; ++plugged) {
    auto pty = std::make_unique<Pty>();
    std::filesystem::create_symlink(pty->device(), link);
    ASSERT_TRUE(dtud.port_is("1", "up")) << plugged;
    const std::string hello = numbered_line(static_cast<uint32_t>(plugged));
    ASSERT_TRUE(pty->write(hello));
    EXPECT_EQ(client.read_until("\n"), hello);
    ASSERT_TRUE(client.write(hello));
    EXPECT_EQ(pty->read_until("\n"), hello);
    std::filesystem::remove(link);
    pty.reset();
    ASSERT_TRUE(eventually([&] { return text(dtud.port("1"), "state") != "up"; }));
    EXPECT_NE(text(dtud.port("1"), "error"), "");
  }
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(Apply, AChangeOfOneChannelLeavesTheOtherAlone) {
  Pty one, two;
  Dtud dtud;
  const auto device = [](int heartbeat, const std::string& port) {
    return R"({"work_mode": "raw", "uconf": {"1": {}, "2": {}}, "conf": {"1": {"protocol": "tcp", "serialID": "1",
      "mode": "server", "ping": "x", "heartbeat": )" +
           std::to_string(heartbeat) + R"(}, "2": {"protocol": "tcp", "serialID": "2", "url": "127.0.0.1", "port": )" +
           port + R"(, "outbox": {"overflow": "block"}}}})";
  };
  TcpServer server;
  const std::string port = std::to_string(server.port());
  dtud.ports({{"1", one.device()}, {"2", two.device()}}).device(device(0, port));
  dtud.start();
  TcpPeer peer = server.accept();
  ASSERT_TRUE(dtud.port_is("2", "up"));
  uint32_t last = 0;
  for (int change = 1; change <= 20; ++change) {
    ASSERT_TRUE(two.write(numbered_lines(last + 1, 300)));
    const HttpAnswer put = dtud.put("/v1/config", device(1000 + change, port));
    ASSERT_EQ(put.status, 200) << put.body;
    EXPECT_EQ(text(parse_json(put.body), "changed"), R"(["channel 1"])");
    ASSERT_TRUE(two.write(numbered_lines(last + 301, 300)));
    last += 600;
    ASSERT_EQ(peer.read(600 * kLineLength), numbered_lines(last - 599, 600)) << "change " << change;
  }
  EXPECT_EQ(number(dtud.channel("2"), "health.connects"), 1);
  EXPECT_EQ(number(dtud.channel("2"), "outbox.resent"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(Apply, PortsAndChannelsComeAndGo) {
  Pty one, two;
  Dtud dtud;
  dtud.ports({{"1", one.device()}, {"2", two.device()}}).device(R"({"work_mode": "raw", "uconf": {"1": {}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  for (int i = 0; i < 3; ++i) {
    ASSERT_EQ(dtud.put("/v1/config", R"({"work_mode": "raw", "uconf": {"1": {}, "2": {}}, "conf": {"2":
      {"protocol": "tcp", "serialID": "2", "mode": "server"}}})")
                  .status,
              200);
    ASSERT_TRUE(dtud.port_is("2", "up"));
    TcpPeer client(dtud.listen_port("2"));
    ASSERT_TRUE(client.write("hello\n"));
    EXPECT_EQ(two.read_until("\n"), "hello\n");
    ASSERT_EQ(dtud.put("/v1/config", R"({"work_mode": "raw", "uconf": {"1": {}}})").status, 200);
    EXPECT_EQ(client.read_to_end(), "");
    EXPECT_EQ(size(parse_json(dtud.get("/v1/ports").body)), 1U);
    EXPECT_EQ(size(parse_json(dtud.get("/v1/channels").body)), 0U);
  }
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(Apply, SecretsAreShownAsStarsAndKept) {
  Dtud dtud;
  dtud.hal(R"({"type": "sim"})").device(R"({"password": "door-key", "conf": {"1": {"protocol": "mqtt",
    "url": "127.0.0.1", "port": 1, "password": "broker-key"}}})");
  dtud.start();
  const std::string shown = dtud.get("/v1/config").body;
  EXPECT_EQ(shown.find("-key"), std::string::npos);
  EXPECT_EQ(text(parse_json(shown), "password"), "***");
  const HttpAnswer put = dtud.put("/v1/config", shown);
  EXPECT_EQ(put.status, 200) << put.body;
  EXPECT_EQ(text(parse_json(put.body), "changed"), "[]");
  const std::string file = read_file(dtud.path("dtu_config.json"));
  EXPECT_EQ(file.find("door-key"), std::string::npos) << "passwords are kept as hashes";
  EXPECT_NE(file.find("$7$"), std::string::npos);
  EXPECT_NE(file.find("broker-key"), std::string::npos);
  EXPECT_EQ(dtud.log().find("-key"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
