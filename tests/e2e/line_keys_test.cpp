// Keys of a port about its line: echo, gap_ms, packet.length, dtr and rts; all others at their defaults.
#include <fcntl.h>
#include <gmock/gmock.h>

#include <chrono>

#include "harness/dtud.hpp"
#include "harness/line.hpp"
#include "harness/tcp.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

using Clock = std::chrono::steady_clock;
using testing::AllOf;
using testing::HasSubstr;

// Whether the board runs in a process of its own.
struct LineKeys : testing::TestWithParam<bool> {
  Dtud dtud;
  TcpPeer peer;

  // `port`: more keys of uconf.1.
  void start(const std::string& port) {
    const std::string isolate = GetParam() ? R"(, "isolate": true)" : "";
    dtud.hal(R"({"type": "sim", "ports": {"1": {"link": ")" + dtud.path("bus") + R"("}})" + isolate + "}");
    dtud.device(R"({"uconf": {"1": {"mode": "raw")" + port +
                R"(}}, "conf": {"1": {"serialID": "1", "protocol": "tcp", "mode": "server"}}})");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    peer = TcpPeer(dtud.listen_port("1"));
    ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 1; }));
  }
  [[nodiscard]] Line bus() const {
    return Line(Descriptor(::open(dtud.path("bus").c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)));
  }
  [[nodiscard]] bool metric_is(const std::string& name, int64_t value) const {
    return eventually([&] { return dtud.metric(name + R"({port="1"})") == value; });
  }
  [[nodiscard]] std::string driver() const {
    return to_json(at(parse_json(dtud.get("/v1/points/port.1.line").body), "value"));
  }
};

TEST_P(LineKeys, AnEchoIsTakenOff) {
  ASSERT_NO_FATAL_FAILURE(start(R"(, "echo": true)"));
  Line line = bus();
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(peer.write("question"));
    EXPECT_EQ(line.read(8), "question");
    ASSERT_TRUE(line.write("ques"));
    ASSERT_TRUE(line.write("tionanswer"));
    EXPECT_EQ(peer.read(6), "answer");
  }
  EXPECT_TRUE(metric_is("dtu_port_echo_mismatches_total", 0));
  // A collision: nothing is taken off what came.
  ASSERT_TRUE(peer.write("question"));
  EXPECT_EQ(line.read(8), "question");
  ASSERT_TRUE(line.write("quesXion"));
  EXPECT_EQ(peer.read(8), "quesXion");
  EXPECT_TRUE(metric_is("dtu_port_echo_mismatches_total", 1));
  // None: the next message waits only until that is clear, and an answer that comes then is none.
  ASSERT_TRUE(peer.write("question"));
  EXPECT_EQ(line.read(8), "question");
  EXPECT_TRUE(metric_is("dtu_port_echo_missing_total", 1));
  ASSERT_TRUE(line.write("question"));
  EXPECT_EQ(peer.read(8), "question");
  ASSERT_TRUE(peer.write("next"));
  EXPECT_EQ(line.read(4), "next");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_P(LineKeys, APauseIsKeptBetweenMessages) {
  constexpr std::chrono::milliseconds kGap{150};
  ASSERT_NO_FATAL_FAILURE(start(R"(, "gap_ms": 150)"));
  Line line = bus();
  const Clock::time_point begin = Clock::now();
  constexpr int kMessages = 3;
  for (int i = 0; i < kMessages; ++i) {
    ASSERT_TRUE(peer.write(std::to_string(i)));
    EXPECT_EQ(line.read(1), std::to_string(i));
  }
  EXPECT_GE(Clock::now() - begin, (kMessages - 1) * kGap);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_P(LineKeys, WhatWaitsThroughALongPauseIsDroppedInTime) {
  ASSERT_NO_FATAL_FAILURE(start(R"(, "gap_ms": 60000, "downlink_max_age_s": 1)"));
  Line line = bus();
  ASSERT_TRUE(peer.write("begun"));
  EXPECT_EQ(line.read(5), "begun");
  for (int waiting = 1; waiting <= 3; ++waiting) {  // one by one, or they are one message
    ASSERT_TRUE(peer.write("late"));
    ASSERT_TRUE(eventually([&] {
      const Json port = dtud.port("1");
      return number(port, "queued_messages") + number(port, "drops.expired") == waiting;
    }));
  }
  EXPECT_TRUE(eventually([&] { return dtud.metric(R"(dtu_port_dropped_total{port="1",reason="expired"})") == 3; }));
  EXPECT_EQ(number(dtud.port("1"), "queued_messages"), 0);
  EXPECT_EQ(number(dtud.port("1"), "tx_messages"), 1);
  EXPECT_EQ(dtud.stop(), 0);
}

// By default 20 ms, or 20 characters, of silence end a frame that is too short.
TEST_P(LineKeys, AFixedLengthFindsItsFrameAgain) {
  ASSERT_NO_FATAL_FAILURE(start(R"(, "packet": {"length": 4})"));
  Line line = bus();
  ASSERT_TRUE(line.write("aaaabbb"));  // a byte is lost
  EXPECT_EQ(peer.read(7), "aaaabbb");
  ASSERT_TRUE(line.write("ccccdddd"));
  EXPECT_EQ(peer.read(8), "ccccdddd");
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 4)) << "aaaa, bbb, cccc, dddd";
  EXPECT_TRUE(metric_is("dtu_port_partial_frames_total", 1));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_P(LineKeys, SignalsAreSwitchedAtOpenAndAtClose) {
  ASSERT_NO_FATAL_FAILURE(
      start(R"(, "dtr": "off", "rts_close": "off", "databits": 5, "parity": "mark", "stopbits": 1.5)"));
  EXPECT_TRUE(eventually([&] { return driver().find(R"("dtr":false)") != std::string::npos; })) << driver();
  EXPECT_THAT(driver(), HasSubstr(R"("rts":true)"));
  EXPECT_THAT(driver(), HasSubstr(R"("parity":3)"));
  EXPECT_THAT(driver(), HasSubstr(R"("stopbits":3)")) << "DTU_STOP_1_5";
  // Asked for, and reset: as configured, not as Linux has it.
  const auto ask = [&](const std::string& more) {
    return dtud.post("/v1/call", R"({"command": "port.line", "args": {"port": "1")" + more + "}}").body;
  };
  EXPECT_THAT(ask(R"(, "dtr": true)"), HasSubstr(R"("dtr":true)"));
  EXPECT_THAT(ask(R"(, "reset": true)"), AllOf(HasSubstr(R"("dtr":false)"), HasSubstr(R"("stopbits":1.5)")));
  ASSERT_EQ(http(dtud.socket(), "PATCH", "/v1/config", R"({"conf": {"1": null}, "uconf": {"1": null}})").status, 200);
  EXPECT_TRUE(eventually([&] { return driver() == R"({"dtr":false,"rts":false})"; })) << driver();
  EXPECT_EQ(dtud.stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(Board, LineKeys, testing::Bool(),
                         [](const auto& p) { return std::string(p.param ? "Isolated" : "InDtud"); });

}  // namespace
}  // namespace e2e
