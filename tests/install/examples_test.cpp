// The examples, built with the installed SDK alone, in the installed dtud: each does what its README says.
#include <gtest/gtest.h>

#include <filesystem>

#include "folders.hpp"
#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/udp.hpp"

namespace e2e {
namespace {

struct Examples : testing::Test {
  Pty pty;
  Dtud dtud;
  void SetUp() override {
    dtud.plugins(kExamples + R"(", ")" + kInstalled + "/lib/dtukit/plugins");
    dtud.ports({{"1", pty.device()}}).hal(R"({"type": "load", "period_ms": 50})");
  }
  void start(const std::string& channels) {
    dtud.device(R"({"work_mode": "raw", "uconf": {"1": {}, "load": {}}, "conf": {)" + channels + "}}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up")) << dtud.log();
    ASSERT_TRUE(dtud.port_is("load", "up"));
  }
};

TEST_F(Examples, TheChannelInCGivesBackWhatItGets) {
  start(R"("1": {"protocol": "loopback", "serialID": "1", "outbox": {"overflow": "block"}})");
  const std::string much(1U << 18U, 'x');
  ASSERT_TRUE(pty.write("is anybody there?"));
  EXPECT_EQ(pty.read(17), "is anybody there?");
  for (size_t sent = 0; sent < much.size(); sent += 4096) {
    ASSERT_TRUE(pty.write(std::string_view(much).substr(sent, 4096)));
    ASSERT_EQ(pty.read(4096).size(), 4096U);
  }
  const auto all = static_cast<int64_t>(17 + much.size());
  EXPECT_TRUE(dtud.channel_number("1", "health.bytes", all));
  EXPECT_EQ(dtud.metric(R"(dtu_loopback_bytes_total{component="channel 1"})"), all);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Examples, TheChannelInCHoldsWhatTheLineDoesNotTake) {
  start(R"("1": {"protocol": "loopback", "serialID": "1", "outbox": {"overflow": "block"}})");
  const std::string much = "begin" + std::string(1U << 20U, 'y') + "end";
  std::string back;
  size_t sent = 0;
  const Deadline deadline;
  while (back.size() < much.size() && !deadline.over()) {  // the line is filled first, then emptied
    if (sent < much.size()) {
      const ssize_t n = ::write(pty.fd(), much.data() + sent, std::min<size_t>(much.size() - sent, 65536));
      if (n > 0) {
        sent += static_cast<size_t>(n);
        continue;
      }
    }
    back += pty.read_for(std::chrono::milliseconds(1));
  }
  EXPECT_EQ(back.size(), much.size());
  EXPECT_TRUE(back == much) << "every byte, in order";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Examples, TheChannelInCReadsAKeyOfItsConfiguration) {
  start(R"("1": {"protocol": "loopback", "serialID": "1", "longest": 10})");
  ASSERT_TRUE(pty.write("too long to be given back"));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.rejected", 1));
  ASSERT_TRUE(pty.write("short"));
  EXPECT_EQ(pty.read(5), "short");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Examples, TheHalOffersPointsAndAPort) {
  start(R"("1": {"protocol": "loopback", "serialID": "1"})");
  const Ran read = dtud.dtuctl({"read", "load.1min"});
  EXPECT_EQ(read.status, 0) << read.output;
  EXPECT_GE(std::stod(read.output), 0.0);
  EXPECT_GT(number(parse_json(dtud.get("/v1/points/memory.available").body), "value"), 1000);
  EXPECT_TRUE(eventually([&] { return number(dtud.port("load"), "rx_messages") > 2; })) << "a line each period";
  EXPECT_EQ(text(dtud.port("load"), "device"), "/proc/loadavg");
  EXPECT_NE(dtud.dtuctl({"read", "load.2min"}).status, 0);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Examples, TheCommandAnswers) {
  start(R"("1": {"protocol": "loopback", "serialID": "1"})");
  const auto call = [&](const char* name, const std::string& hex) {
    return dtud.dtuctl({"--json", "call", name, R"({"hex": ")" + hex + "\"}"});
  };
  EXPECT_NE(call("checksum.modbus", "010300000002").output.find("C40B"), std::string::npos);
  EXPECT_NE(call("checksum.lrc", "010300000002").output.find("\"FA\""), std::string::npos);
  EXPECT_NE(call("checksum.xor", "010300000002").output.find("\"00\""), std::string::npos);
  const Ran odd = call("checksum.modbus", "010");
  EXPECT_NE(odd.status, 0);
  EXPECT_NE(odd.output.find("has 3 digits"), std::string::npos) << odd.output;
  EXPECT_NE(call("checksum.modbus", "xy").status, 0) << "the schema refuses it";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Examples, TheChannelInRustSendsToSyslog) {
  if (!std::filesystem::exists(kExamples + "/channel-syslog.so")) GTEST_SKIP() << "there was no rustc";
  UdpServer server;
  start(R"("1": {"protocol": "syslog", "serialID": "1", "server": "127.0.0.1:)" + std::to_string(server.port()) +
        R"("}, "2": {"protocol": "syslog", "server": "127.0.0.1"})");
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write("boiler: 80 degrees"));
  EXPECT_EQ(server.receive(), "<134>1 - - dtukit - - - boiler: 80 degrees");
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 1));
  EXPECT_TRUE(dtud.channel_is("2", "failed"));
  EXPECT_NE(text(dtud.channel("2"), "error").find("is no address with a port"), std::string::npos);
  server.close();
  EXPECT_TRUE(eventually([&] { return pty.write("lost") && text(dtud.channel("1"), "state") == "degraded"; }));
  server.open();
  EXPECT_TRUE(eventually([&] { return pty.write("found") && server.receive(100) != "(nothing)"; }));
  EXPECT_TRUE(eventually([&] { return pty.write("more") && text(dtud.channel("1"), "state") == "up"; }));
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
