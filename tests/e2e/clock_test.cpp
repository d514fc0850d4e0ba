// The time of day jumps ten years forth and back: no timer, no order and no delivery minds, and messages say whether it
// could be believed.
#include <gtest/gtest.h>

#include <optional>
#include <thread>

#include "harness/dtud.hpp"
#include "harness/faulty_link.hpp"
#include "harness/frame.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"
#include "harness/wall_clock.hpp"

namespace e2e {
namespace {

// Forth, back beyond where it was, and home; each is a jump from the one before.
const int64_t kJumps[] = {kTenYears, 0, -kTenYears, kTenYears, -kTenYears, 0};

std::string raw_port(const std::string& packet) { return R"({"mode": "raw", "packet": )" + packet + "}"; }

struct Clock : testing::Test {
  WallClock clock;
  Pty pty;
  Dtud dtud;
  uint32_t sent = 0;
  void start(const std::string& device) {
    dtud.ports({{"1", pty.device()}}).environment(clock.environment()).device(device);
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
  void say(uint32_t count) {
    ASSERT_TRUE(pty.write(marked_lines('a', sent + 1, count)));
    sent += count;
  }
  // Unix time as dtud sees it.
  [[nodiscard]] int64_t time_in_log() const {
    return number(parse_json(dtud.get("/v1/log?lines=1").body), "lines[0].time_ns") / 1'000'000'000;
  }
};

TEST_F(Clock, TheShimMovesTheTimeOfDay) {
  clock.set(kTenYears);
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": {}}})"));
  EXPECT_NEAR(static_cast<double>(time_in_log()), static_cast<double>(::time(nullptr) + kTenYears), 3600);
  EXPECT_EQ(dtud.stop(), 0);
}

// A heartbeat each second of silence, and messages that end with an idle gap: both come after every jump.
TEST_F(Clock, HeartbeatsAndIdleGapsComeAsBefore) {
  TcpServer server;
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": )" + raw_port(R"({"idle_chars": 20})") +
                                R"(}, "conf": {"1": {"protocol": "tcp", "serialID": "1", "url": "127.0.0.1",
      "ping": "beat\n", "heartbeat": 1, "port": )" +
                                std::to_string(server.port()) + "}}}"));
  TcpPeer peer = server.accept();
  for (const int64_t jump : kJumps) {
    ASSERT_TRUE(pty.write("half a line"));
    clock.set(jump);
    ASSERT_EQ(peer.read_until("line"), "half a line") << jump;
    ASSERT_EQ(peer.read_until("\n"), "beat\n") << jump;
  }
  EXPECT_EQ(dtud.stop(), 0);
}

// Traffic with the connection broken after every jump: back-off, order and delivery.
TEST_F(Clock, TcpDeliveryAndReconnectingGoOn) {
  TcpSink sink;
  FaultyLink link(sink.port());
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": )" + raw_port(R"({"delimiter": "0x0a"})") +
                                R"(}, "conf": {"1": {"protocol": "tcp", "serialID": "1", "url": "127.0.0.1",
      "reconnect": {"min_ms": 100, "max_ms": 200}, "port": )" +
                                std::to_string(link.port()) + "}}}"));
  for (const int64_t jump : kJumps) {
    ASSERT_NO_FATAL_FAILURE(say(100));
    link.refuse();
    link.reset();
    ASSERT_TRUE(dtud.channel_is("1", "down"));
    ASSERT_NO_FATAL_FAILURE(say(100));
    clock.set(jump);
    link.pass();
    ASSERT_TRUE(sink.has('a', sent)) << jump << ": " << sink.tally().missing('a', sent);
  }
  EXPECT_EQ(sink.tally().wrong('a', sent), "");
  EXPECT_EQ(dtud.stop(), 0);
}

// The same with MQTT, whose client library waits by the time of day: over a slow link, so that it has to wait; and a
// black hole, where a try to connect has to be given up.
TEST_F(Clock, MqttDeliveryAndReconnectingGoOn) {
  MqttSink sink;
  FaultyLink link(sink.port(), 4096);
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": )" + raw_port(R"({"delimiter": "0x0a"})") +
                                R"(}, "conf": {"1": {"protocol": "mqtt", "qos": 1, "publish": {"0": "up"},
      "keepAlive": 2, "serialID": "1", "url": "127.0.0.1", "reconnect": {"min_ms": 10, "max_ms": 100},
      "outbox": {"overflow": "block"}, "port": )" +
                                std::to_string(link.port()) + "}}}"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  for (const int64_t jump : kJumps) {
    link.slow(FaultyLink::Way::up, 20'000);
    ASSERT_NO_FATAL_FAILURE(say(500));
    clock.set(jump);
    ASSERT_TRUE(sink.has('a', sent)) << jump << ": " << sink.tally().missing('a', sent);
  }
  link.slow(FaultyLink::Way::up, 0);
  link.swallow();
  ASSERT_NO_FATAL_FAILURE(say(100));
  ASSERT_TRUE(dtud.channel_is("1", "down") || dtud.channel_is("1", "connecting"));
  clock.set(-kTenYears);
  link.reset();
  link.pass();
  ASSERT_TRUE(sink.has('a', sent)) << sink.tally().missing('a', sent);
  EXPECT_EQ(sink.tally().wrong('a', sent), "");
  clock.set(-2 * kTenYears);
  EXPECT_EQ(dtud.stop(), 0);
}

// Years pass on the calendar and not a second on the wait: the next try comes in an hour.
TEST_F(Clock, ABackOffIsNotCutShortByAJump) {
  TcpSink sink;
  FaultyLink link(sink.port());
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": )" + raw_port(R"({"delimiter": "0x0a"})") +
                                R"(}, "conf": {"1": {"protocol": "tcp", "url": "127.0.0.1",
      "reconnect": {"min_ms": 3600000, "max_ms": 3600000}, "port": )" +
                                std::to_string(link.port()) +
                                R"(}, "2": {"protocol": "tcp", "serialID": "1", "url": "127.0.0.1", "port": )" +
                                std::to_string(sink.port()) + "}}}"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  link.reset();
  ASSERT_TRUE(dtud.channel_is("1", "down"));
  for (const int64_t jump : kJumps) {
    clock.set(jump);
    ASSERT_NO_FATAL_FAILURE(say(10));
    ASSERT_TRUE(sink.has('a', sent));
  }
  EXPECT_EQ(link.accepted(), 1U);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Clock, ALockOutIsNeitherCutShortNorProlonged) {
  dtud.hal(R"({"type": "sim"})");
  ASSERT_NO_FATAL_FAILURE(start(R"({"password": "pw", "uconf": {"1": {}}})"));
  for (int i = 0; i < 8; ++i) (void)ask(pty, R"({"cmd_code": 6, "password": "guess"})");
  clock.set(kTenYears);
  const Json locked = ask(pty, R"({"cmd_code": 6, "password": "pw"})");
  EXPECT_NE(text(locked, "error").find("wait"), std::string::npos) << to_json(locked);
  clock.set(-kTenYears);
  EXPECT_TRUE(eventually([&] { return number(ask(pty, R"({"cmd_code": 6, "password": "pw"})"), "status") == 1; }));
  EXPECT_EQ(dtud.stop(), 0);
}

struct ClockTrial : Clock {
  TcpServer boss;
  static std::string conf(uint16_t port) {
    return R"({"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" + std::to_string(port) + "}}";
  }
  void start_trial(int confirm_s) {
    ASSERT_NO_FATAL_FAILURE(start(R"({"password": "pw", "uconf": {"1": {}}, "confirm_s": )" +
                                  std::to_string(confirm_s) + R"(, "conf": )" + conf(boss.port()) + "}"));
    TcpPeer told = boss.accept();
    ASSERT_GE(told.fd(), 0);
    ASSERT_TRUE(eventually([&] { return number(dtud.status(), "config.revision") > 0; }));
    ASSERT_TRUE(told.write(R"({"cmd_code": 59, "password": "pw", "data": {"conf": )" + conf(free_port()) + "}}"));
    ASSERT_TRUE(eventually([&] { return text(dtud.status(), "config.trial") != ""; }));
    told.read_to_end();
  }
};

TEST_F(ClockTrial, AnHourStaysAnHour) {
  ASSERT_NO_FATAL_FAILURE(start_trial(3600));
  for (const int64_t jump : kJumps) {
    clock.set(jump);
    const Json trial = at(dtud.status(), "config.trial");
    EXPECT_GT(number(trial, "seconds_left"), 3000) << jump;
  }
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(ClockTrial, ASecondStaysASecond) {
  ASSERT_NO_FATAL_FAILURE(start_trial(1));
  clock.set(-kTenYears);
  EXPECT_GE(boss.accept().fd(), 0) << "the good document comes back";
  EXPECT_TRUE(eventually([&] { return text(dtud.status(), "config.rolled_back") != ""; }));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Clock, ADeadlineOfACommandIsKept) {
  TcpServer silent;
  dtud.hal(R"({"type": "sim"})");
  ASSERT_NO_FATAL_FAILURE(
      start(R"({"uconf": {"1": {}}, "acquire_url": "http://127.0.0.1:)" + std::to_string(silent.port()) + "/\"}"));
  for (const int64_t jump : {kTenYears, -kTenYears}) {
    HttpAnswer answer;
    std::thread asker(
        [&] { answer = dtud.post("/v1/call", R"({"command": "parameters.acquire", "deadline_ms": 500})"); });
    std::optional<TcpPeer> peer = silent.accept();
    clock.set(jump);
    asker.join();
    EXPECT_NE(answer.body.find("timeout"), std::string::npos) << answer.body;
    peer.reset();
    // Until it has noticed, the next command would only join the request that just lost its connection.
    const auto asks = [&] {
      const Json instances = at(dtud.status(), "instances");
      return text(with(instances, "name", "command acquire"), "health.asking") != "false";
    };
    ASSERT_TRUE(eventually([&] { return !asks(); }));
  }
  EXPECT_EQ(dtud.stop(), 0);
}

// A module without a battery for its clock starts in 1970 and learns the time later.
TEST_F(Clock, MessagesSayWhetherTheClockWasSet) {
  clock.set_to_1970();
  TcpSink sink;
  ASSERT_NO_FATAL_FAILURE(start(R"({"uconf": {"1": )" + raw_port(R"({"delimiter": "0x0a"})") +
                                R"(}, "conf": {"1": {"protocol": "tcp", "serialID": "1", "url": "127.0.0.1",
      "port": )" + std::to_string(sink.port()) +
                                "}}}"));
  HttpStream tap(dtud.socket(), "/v1/tap?target=channel:1");
  ASSERT_NO_FATAL_FAILURE(say(3));
  ASSERT_TRUE(sink.has('a', sent));
  ASSERT_TRUE(tap.read_until(R"("clock_set":false)")) << tap.received();
  EXPECT_EQ(dtud.metric("dtu_clock_set"), 0);
  const std::string log = dtud.log();
  const size_t said = log.find("clock: not set");
  ASSERT_NE(said, std::string::npos) << log;
  EXPECT_EQ(log.find("clock: not set", said + 1), std::string::npos) << "once is enough";
  clock.set(kTenYears);
  EXPECT_EQ(dtud.metric("dtu_clock_set"), 1);
  HttpStream later(dtud.socket(), "/v1/tap?target=channel:1");
  ASSERT_NO_FATAL_FAILURE(say(1));
  ASSERT_TRUE(later.read_until("data_b64")) << later.received();
  EXPECT_EQ(later.received().find("clock_set"), std::string::npos) << later.received();
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
