// port.line: a port runs otherwise than configured until somebody resets it, or whoever asked is gone.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <future>
#include <memory>

#include "harness/dtud.hpp"
#include "harness/line.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// Whether the board runs in a process of its own.
struct PortLine : testing::TestWithParam<bool> {
  Dtud dtud;

  void SetUp() override {
    const std::string isolate = GetParam() ? R"(, "isolate": true)" : "";
    dtud.plugins(kPlugins + "\", \"" E2E_CALLERS);
    dtud.hal(R"({"type": "sim", "ports": {"1": {"link": ")" + dtud.path("line") + R"("}})" + isolate + "}");
    dtud.board(R"("commands": [{"type": "poses", "isolate": true}])");
    dtud.device(R"({"uconf": {"1": {"mode": "raw", "baudrate": 9600}},
                    "conf": {"1": {"serialID": "1", "protocol": "tcp", "mode": "server"}}})");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
  [[nodiscard]] Json call(const std::string& command, const std::string& args) const {
    return parse_json(dtud.post("/v1/call", R"({"command": ")" + command + R"(", "args": )" + args + "}").body);
  }
  [[nodiscard]] std::string ask(const std::string& members) const {
    const Json answer = call("port.line", R"({"port": "1")" + members + "}");
    return text(answer, "status") == "ok" ? to_json(at(answer, "result")) : to_json(answer);
  }
  // What the driver of the simulated board has.
  [[nodiscard]] std::string driver() const {
    return to_json(at(parse_json(dtud.get("/v1/points/port.1.line").body), "value"));
  }
  [[nodiscard]] Line far_end() const {
    return Line(Descriptor(::open(dtud.path("line").c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)));
  }
};

// Members in the order in which the harness shows them.
constexpr const char* kConfigured =
    R"({"baud":9600,"cts":true,"databits":8,"dcd":true,"dsr":true,"dtr":true,"flowctl":0,"parity":0,"port":"1",)"
    R"("ri":false,"rts":true,"stopbits":1})";
constexpr const char* kDriver =
    R"({"baud":9600,"break":false,"databits":8,"dtr":true,"flow":0,"parity":0,"rts":true,"stopbits":1})";

TEST_P(PortLine, RunsOtherwiseUntilReset) {
  EXPECT_EQ(ask(""), kConfigured);
  EXPECT_EQ(driver(), kDriver);
  ASSERT_EQ(dtud.put("/v1/points/port.1.modem", "8").status, 200);
  EXPECT_EQ(ask(R"(, "baud": 19200, "parity": "even", "stopbits": 2, "flowctl": "xonxoff", "dtr": false)"),
            R"({"baud":19200,"cts":false,"databits":8,"dcd":false,"dsr":false,"dtr":false,"flowctl":2,"parity":1,)"
            R"("port":"1","ri":true,"rts":true,"stopbits":2})");
  EXPECT_EQ(driver(), R"({"baud":19200,"break":false,"databits":8,"dtr":false,"flow":2,"parity":1,"rts":true,)"
                      R"("stopbits":2})");
  // What is asked for later comes on top.
  EXPECT_THAT(ask(R"(, "databits": 7, "break": true)"), HasSubstr(R"("baud":19200,"cts":false,"databits":7)"));
  EXPECT_THAT(driver(), HasSubstr(R"("break":true,"databits":7,"dtr":false)"));
  EXPECT_THAT(ask(R"(, "break": false)"), HasSubstr(R"("databits":7)"));
  EXPECT_THAT(driver(), HasSubstr(R"("break":false)"));
  ASSERT_EQ(dtud.put("/v1/points/port.1.modem", "7").status, 200);
  EXPECT_EQ(ask(R"(, "reset": true)"), kConfigured);
  EXPECT_EQ(driver(), kDriver);

  // A setting that the board refuses leaves everything as it was, and the port usable.
  EXPECT_THAT(ask(R"(, "baud": 4800, "stopbits": 1.5)"), HasSubstr("1.5 stop bits go with 5 data bits only"));
  EXPECT_EQ(ask(""), kConfigured);
  EXPECT_EQ(text(dtud.port("1"), "error"), "");
  EXPECT_THAT(ask(R"(, "baud": 49)"), HasSubstr("baud"));
  EXPECT_THAT(to_json(call("port.line", R"({"port": "9"})")), HasSubstr(R"(uconf has no port \"9\")"));
  EXPECT_EQ(ask(R"(, "flowctl": 1, "rts": false)").find(R"("port")"), std::string::npos) << "RTS is taken";
  EXPECT_EQ(ask(""), kConfigured) << "half a change is none";

  // A port that closes forgets.
  EXPECT_THAT(ask(R"(, "baud": 4800)"), HasSubstr(R"("baud":4800)"));
  ASSERT_EQ(http(dtud.socket(), "PATCH", "/v1/config", R"({"uconf": {"1": {"baudrate": 2400}}})").status, 200);
  EXPECT_TRUE(eventually([&] { return ask("").find(R"("baud":2400)") != std::string::npos; })) << ask("");
  EXPECT_EQ(dtud.stop(), 0);
}

// DTR, RTS and the end of a BREAK do not wait behind what the far end does not read; "discard" ends that.
TEST_P(PortLine, SignalsDoNotWaitForAStuckLine) {
  constexpr size_t kMuch = 400 * 1024;
  TcpPeer peer(dtud.listen_port("1"));
  ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 1; }));
  const Line line = far_end();  // which reads nothing
  ASSERT_TRUE(peer.write(std::string(kMuch, 's')));
  ASSERT_TRUE(eventually([&] { return number(dtud.port("1"), "queued_messages") > 0; })) << to_json(dtud.port("1"));
  EXPECT_THAT(ask(R"(, "dtr": false)"), HasSubstr(R"("dtr":false)"));
  EXPECT_THAT(driver(), HasSubstr(R"("dtr":false)"));
  EXPECT_THAT(ask(R"(, "discard": "to")"), HasSubstr(R"("dtr":false)"));
  EXPECT_TRUE(eventually([&] { return dtud.metric(R"(dtu_port_dropped_total{port="1",reason="discarded"})") > 0; }));
  EXPECT_EQ(dtud.stop(), 0);
}

// Whoever was told "timeout" finds that nothing happened, then and later.
TEST_P(PortLine, WhatWasNotMadeInTimeIsNotMadeLater) {
  constexpr size_t kMuch = 400 * 1024;
  TcpPeer peer(dtud.listen_port("1"));
  ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 1; }));
  Line line = far_end();  // which reads nothing yet
  ASSERT_TRUE(peer.write(std::string(kMuch, 's')));
  ASSERT_TRUE(eventually([&] { return number(dtud.port("1"), "queued_messages") > 0; })) << to_json(dtud.port("1"));
  auto late = std::async(std::launch::async, [&] {
    return dtud.post("/v1/call", R"({"command": "port.line", "deadline_ms": 500, "args": {"port": "1", "baud": 300}})")
        .body;
  });
  while (late.wait_for(std::chrono::milliseconds(20)) == std::future_status::timeout)
    ASSERT_EQ(ask(""), kConfigured) << "it asks for nothing, so it waits for nobody";
  EXPECT_THAT(late.get(), HasSubstr(R"("status":"timeout")"));
  EXPECT_EQ(line.read(kMuch).size(), kMuch);
  ASSERT_TRUE(eventually([&] { return number(dtud.port("1"), "queued_messages") == 0; }));
  EXPECT_THAT(ask(R"(, "databits": 7)"), HasSubstr(R"("baud":9600,"cts":true,"databits":7)")) << "it waits its turn";
  EXPECT_THAT(driver(), HasSubstr(R"("baud":9600)"));
  EXPECT_EQ(dtud.stop(), 0);
}

// A plugin that asked for itself and dies leaves nothing behind.
TEST_P(PortLine, IsAsConfiguredWhenWhoAskedIsGone) {
  ASSERT_TRUE(eventually(
      [&] { return text(with(parse_json(dtud.get("/v1/commands").body), "name", "poses.ask"), "name") != ""; }));
  const Json asked = call("poses.ask", R"({"caller": 0, "command": "port.line",
    "args": {"port": "1", "baud": 300, "rts": false, "break": true}})");
  EXPECT_THAT(to_json(asked), HasSubstr("300"));
  EXPECT_THAT(driver(), AllOf(HasSubstr(R"("break":true)"), HasSubstr(R"("rts":false)")));
  EXPECT_THAT(ask(R"(, "databits": 7, "reset": true)"), HasSubstr(R"("baud":300,"cts":true,"databits":7)"))
      << "a reset ends what the same caller asked for";
  const auto pid =
      static_cast<pid_t>(number(with(at(dtud.status(), "instances"), "name", "command poses"), "isolated.pid"));
  ASSERT_GT(pid, 0);
  ASSERT_EQ(::kill(pid, SIGKILL), 0);
  EXPECT_TRUE(eventually([&] {
    return driver() ==
           R"({"baud":9600,"break":false,"databits":7,"dtr":true,"flow":0,"parity":0,"rts":true,"stopbits":1})";
  })) << driver();
  EXPECT_EQ(dtud.stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(Board, PortLine, testing::Bool(),
                         [](const auto& p) { return std::string(p.param ? "Isolated" : "InDtud"); });

// A change waits behind what nobody reads, and the device goes away: whoever waits hears of it, and nothing is left of
// the change when the device is back.
TEST(PortLineOfADevice, WhoeverWaitsIsAnsweredWhenItGoes) {
  constexpr size_t kMuch = 400 * 1024;
  Dtud dtud;
  auto first = std::make_unique<Pty>();
  const Pty second;
  const std::string device = dtud.path("tty");
  std::filesystem::create_symlink(first->device(), device);
  dtud.ports({{"1", device}});
  dtud.device(R"({"uconf": {"1": {"mode": "raw", "baudrate": 9600}},
                  "conf": {"1": {"serialID": "1", "protocol": "tcp", "mode": "server"}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  TcpPeer peer(dtud.listen_port("1"));
  ASSERT_TRUE(peer.write(std::string(kMuch, 's')));
  ASSERT_TRUE(eventually([&] { return number(dtud.port("1"), "queued_messages") > 0; }));
  const auto ask = [&](const std::string& more) {
    return dtud.post("/v1/call", R"({"command": "port.line", "args": {"port": "1")" + more + "}}").body;
  };
  auto answer = std::async(std::launch::async, [&] { return ask(R"(, "baud": 19200)"); });
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(100)), std::future_status::timeout) << "it waits for the line";
  std::filesystem::remove(device);
  first.reset();
  EXPECT_THAT(answer.get(), HasSubstr("port 1 is not usable"));
  EXPECT_THAT(ask(R"(, "dtr": false)"), HasSubstr("port 1 is not usable"));
  std::filesystem::create_symlink(second.device(), device);
  ASSERT_TRUE(dtud.port_is("1", "up"));
  EXPECT_THAT(ask(""), HasSubstr(R"("baud":9600)"));
  EXPECT_THAT(ask(R"(, "dtr": false)"), HasSubstr("this line has no modem signals")) << "a pty";
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
