// Messages that a dialect follows: it is told of each once, what became of it, whatever happens on the way.
#include <gmock/gmock.h>
#include <signal.h>
#include <termios.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "harness/dtud.hpp"
#include "harness/faulty_link.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"
#include "harness/tcp.hpp"
#include "harness/udp.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Whether the dialect runs in a process of its own.
struct Follow : testing::TestWithParam<bool> {
  Pty pty;
  Dtud dtud;

  // "conf": {"1": {"serialID": "1", ...}}
  void start(const std::string& channel, const std::string& more = "", const std::string& device = "") {
    dtud.plugins(kPlugins + "\", \"" E2E_DIALECTS).ports({{"1", device.empty() ? pty.device() : device}});
    const std::string isolate = GetParam() ? R"(, "isolate": true)" : "";
    dtud.board(R"("commands": [{"type": "follows")" + isolate + R"(}, {"type": "dtu"}])");
    dtud.device(R"({"uconf": {"1": {"mode": "follows"}}, "conf": {"1": {"serialID": "1", )" + channel + "}}" + more +
                "}");
    dtud.start();
    ASSERT_TRUE(eventually([&] { return size(at(fates(), "states")) > 0; })) << "no session";
  }
  static std::string mqtt(uint16_t port, const std::string& more = "") {
    return R"("protocol": "mqtt", "qos": 1, "publish": {"0": "up"}, "url": "127.0.0.1",
      "reconnect": {"min_ms": 10, "max_ms": 40}, "port": )" +
           std::to_string(port) + more;
  }
  [[nodiscard]] Json call(const std::string& command, const std::string& args) const {
    return at(parse_json(dtud.post("/v1/call", R"({"command": ")" + command + R"(", "args": )" + args + "}").body),
              "result");
  }
  [[nodiscard]] Json fates() const { return call("fixture.fates", "{}"); }
  // What it follows then has the numbers from `first` on, in lines of the source "a".
  void follow(const std::string& to, uint32_t first, uint32_t count, const std::string& more = "") const {
    const Json answer = call("fixture.follow", R"({"to": ")" + to + R"(", "first": )" + std::to_string(first) +
                                                   R"(, "count": )" + std::to_string(count) + more + "}");
    EXPECT_EQ(number(answer, "taken"), count);
  }
  [[nodiscard]] static int64_t of(const Json& fates, const std::string& what) { return number(at(fates, "of"), what); }
  // Waits until so many were told of. Nothing is ever told of twice, or from inside a call.
  [[nodiscard]] Json told(int64_t count) const {
    Json now;
    EXPECT_TRUE(eventually([&] { return number(now = fates(), "told") >= count; })) << to_json(now);
    EXPECT_EQ(number(now, "told"), count) << to_json(now);
    EXPECT_EQ(number(now, "twice"), 0) << to_json(now);
    EXPECT_EQ(number(now, "inside"), 0) << to_json(now);
    return now;
  }
  [[nodiscard]] std::vector<std::string> list(const std::string& member) const {
    const Json all = at(fates(), member);
    std::vector<std::string> out;
    for (size_t i = 0; i < size(all); ++i) out.push_back(text(all, "[" + std::to_string(i) + "]"));
    return out;
  }
};

INSTANTIATE_TEST_SUITE_P(Dialect, Follow, testing::Bool(),
                         [](const auto& isolated) { return isolated.param ? "Isolated" : "InProcess"; });

TEST_P(Follow, ABrokerThatGoesAndComesBackConfirmsEachOnce) {
  MqttSink server;
  FaultyLink link(server.port());
  ASSERT_NO_FATAL_FAILURE(start(mqtt(link.port())));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  follow("channel", 1, 50);
  EXPECT_EQ(of(told(50), "channel 0 "), 50);
  link.swallow_answers();
  follow("channel", 51, 50);
  ASSERT_TRUE(server.has('a', 100));
  link.refuse();
  link.reset();
  follow("channel", 101, 50);
  EXPECT_EQ(number(fates(), "told"), 50) << "what is not confirmed is not delivered";
  link.pass();
  EXPECT_EQ(of(told(150), "channel 0 "), 150);
  EXPECT_TRUE(server.has('a', 150));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 150));
}

struct FollowOverflow : Follow {
  void overflow(const std::string& policy, int64_t dropped, const std::string& first) {
    MqttSink server;
    FaultyLink link(server.port());
    link.refuse();
    ASSERT_NO_FATAL_FAILURE(start(mqtt(link.port(), R"(, "outbox": {"messages": 10, "overflow": ")" + policy + "\"}")));
    follow("channel", 1, 25);
    (void)told(dropped);
    if (dropped != 0) {
      EXPECT_EQ(list("list").front(), "channel " + first + " -16 " + policy);
    }
    EXPECT_TRUE(dtud.channel_number("1", "outbox.dropped", dropped));
    link.pass();
    const Json all = told(25);
    EXPECT_EQ(of(all, "channel 0 "), 25 - dropped);
    EXPECT_EQ(std::max<int64_t>(of(all, "channel -16 " + policy), 0), dropped);
  }
};
INSTANTIATE_TEST_SUITE_P(Dialect, FollowOverflow, testing::Bool(),
                         [](const auto& isolated) { return isolated.param ? "Isolated" : "InProcess"; });

TEST_P(FollowOverflow, TheOldestAreToldThatTheyWereDropped) { overflow("drop-oldest", 15, "1"); }
TEST_P(FollowOverflow, TheNewestAreToldThatTheyWereDropped) { overflow("drop-newest", 15, "11"); }
TEST_P(FollowOverflow, BlockDropsNone) { overflow("block", 0, ""); }

TEST_P(Follow, AServerWithoutAClientDropsThem) {
  ASSERT_NO_FATAL_FAILURE(start(R"("protocol": "tcp", "mode": "server")"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  follow("channel", 1, 3);
  EXPECT_EQ(of(told(3), "channel -16 no client"), 3);
  const TcpPeer client(dtud.listen_port("1"));
  ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 1; }));
  follow("channel", 4, 3);
  const Json now = told(6);
  EXPECT_EQ(of(now, "channel 0 ") + std::max<int64_t>(of(now, "channel 2 "), 0), 3) << to_json(now);
}

TEST_P(Follow, WhatIsTooLongIsRejected) {
  MqttSink server;
  ASSERT_NO_FATAL_FAILURE(start(mqtt(server.port(), R"(, "max_message": 100)")));
  follow("channel", 1, 1, R"(, "size": 101)");
  follow("channel", 2, 1, R"(, "size": 100)");
  const Json now = told(2);
  EXPECT_EQ(of(now, "channel -2 max_message"), 1) << to_json(now);
  EXPECT_EQ(of(now, "channel 0 "), 1) << to_json(now);
}

// More than is loaded at once goes to the disk, with the device it is of.
TEST_P(Follow, WhatWasOnDiskMeanwhileIsToldOnceToo) {
  constexpr uint32_t kCount = 3000;
  MqttSink server;
  FaultyLink link(server.port());
  link.refuse();
  ASSERT_NO_FATAL_FAILURE(start(mqtt(link.port(), R"(, "offline_storage": "on", "outbox": {"messages": 200})")));
  for (uint32_t first = 1; first <= kCount; first += 500) follow("channel", first, 500, R"(, "device": "meter 1")");
  const auto on_disk = [&] { return number(parse_json(dtud.get("/v1/spool").body), "channels[0].disk.messages"); };
  ASSERT_TRUE(eventually([&] { return on_disk() > kCount - 200; })) << dtud.get("/v1/spool").body;
  EXPECT_EQ(number(fates(), "told"), 0);
  EXPECT_EQ(text(parse_json(dtud.get("/v1/spool/1").body), "messages[0].device"), "meter 1");
  link.pass();
  EXPECT_EQ(of(told(kCount), "channel 0 "), kCount);
  EXPECT_TRUE(server.has('a', kCount));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
}

// The tokens end with dtud, the messages do not.
TEST_P(Follow, ADtudThatIsKilledDeliversWhatNobodyFollowsAnyMore) {
  MqttSink server;
  FaultyLink link(server.port());
  link.refuse();
  ASSERT_NO_FATAL_FAILURE(start(mqtt(link.port(), R"(, "offline_storage": "on")")));
  follow("channel", 1, 100);
  dtud.kill();
  link.pass();
  dtud.start();
  EXPECT_TRUE(server.has('a', 100));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_TRUE(eventually([&] { return size(at(fates(), "states")) > 0; }));
  EXPECT_EQ(number(fates(), "told"), 0);
}

TEST_P(Follow, ADialectThatDiesWithMessagesUnderWayLosesTheirFatesOnly) {
  if (!GetParam()) GTEST_SKIP() << "of a process of its own";
  MqttSink server;
  FaultyLink link(server.port());
  ASSERT_NO_FATAL_FAILURE(start(mqtt(link.port())));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  link.swallow_answers();
  follow("channel", 1, 50);
  ASSERT_TRUE(server.has('a', 50));
  const auto pid = [&] {
    return static_cast<pid_t>(number(with(at(dtud.status(), "instances"), "name", "command follows"), "isolated.pid"));
  };
  const pid_t before = pid();
  ASSERT_GT(before, 0);
  ASSERT_EQ(::kill(before, SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return pid() > 0 && pid() != before && size(at(fates(), "states")) > 0; }));
  link.reset();
  link.pass();
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 50));
  EXPECT_EQ(number(fates(), "told"), 0) << "they were of the session that died";
  follow("channel", 51, 5);
  EXPECT_EQ(of(told(5), "channel 0 "), 5);
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 55));
}

// --- the port --------------------------------------------------------------------------------------------------------

constexpr size_t kLarge = 100'000;  // more than a pty holds

TEST_P(Follow, APortTellsWhenAMessageIsOutAndDropsWhatIsLate) {
  ASSERT_NO_FATAL_FAILURE(start(R"("protocol": "tcp", "mode": "server")"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  const std::string large = R"(, "size": )" + std::to_string(kLarge);
  follow("port", 1, 3, large);
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(60);
  follow("port", 4, 1, R"(, "age_ms": 50)");
  follow("port", 5, 1);
  ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() > until; }));
  EXPECT_EQ(number(fates(), "told"), 0) << "nothing is out before it was read";
  EXPECT_EQ(pty.read(kLarge), marked_lines('a', 1, 1, kLarge));
  EXPECT_EQ(pty.read(2 * kLarge), marked_lines('a', 2, 2, kLarge));
  EXPECT_EQ(pty.read(kMarkedLength), marked('a', 5));
  (void)told(5);
  EXPECT_THAT(list("list"), ElementsAre("port 1 0 ", "port 2 0 ", "port 3 0 ", "port 4 -13 ", "port 5 0 "));
  EXPECT_EQ(dtud.metric(R"(dtu_port_dropped_total{port="1",reason="expired"})"), 1);
  EXPECT_EQ(number(dtud.port("1"), "drops.expired"), 1);
}

// The board runs in a process of its own: it is asked by frames.
TEST_P(Follow, AnIsolatedBoardTellsToo) {
  dtud.plugins(kPlugins + "\", \"" E2E_DIALECTS);
  dtud.hal(R"({"type": "linux", "isolate": true, "ports": {"1": {"device": ")" + pty.device() + "\"}}}");
  dtud.board(R"("commands": [{"type": "follows", "isolate": )" + std::string(GetParam() ? "true" : "false") + "}]");
  dtud.device(R"({"uconf": {"1": {"mode": "follows"}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(eventually([&] { return size(at(fates(), "states")) > 0; }));
  follow("port", 1, 3);
  follow("port", 4, 1, R"(, "age_ms": 60000)");
  follow("port", 5, 1, R"(, "size": )" + std::to_string(kLarge));
  EXPECT_EQ(pty.read(4 * kMarkedLength), marked_lines('a', 1, 4));
  EXPECT_EQ(of(told(4), "port 0 "), 4);
  EXPECT_EQ(pty.read(kLarge), marked_lines('a', 5, 1, kLarge));
  EXPECT_EQ(of(told(5), "port 0 "), 5);
}

// Nobody reads the line: what waits for it is forgotten, in dtud, in the HAL and in the driver.
TEST_P(Follow, WhatIsDiscardedIsToldAndTheLineGoesOn) {
  ASSERT_NO_FATAL_FAILURE(start(R"("protocol": "tcp", "mode": "server")"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  constexpr int kCount = 100;
  follow("port", 1, kCount, R"(, "size": 1000)");
  const Json discarded = call("fixture.discard", R"({"which": 3})");
  EXPECT_EQ(number(discarded, "status"), 0) << to_json(discarded);
  const Json now = told(kCount);
  EXPECT_GE(of(now, "port -16 discard"), kCount / 2) << to_json(now) << ": more than a pty holds";
  EXPECT_EQ(of(now, "port -16 discard") + std::max<int64_t>(of(now, "port 0 "), 0), kCount) << to_json(now);
  EXPECT_EQ(dtud.metric(R"(dtu_port_dropped_total{port="1",reason="discarded"})"), of(now, "port -16 discard"));
  follow("port", 500, 1);
  EXPECT_THAT(pty.read_until(marked('a', 500)), testing::EndsWith(marked('a', 500)));
  EXPECT_EQ(of(told(kCount + 1), "port -16 discard"), of(now, "port -16 discard"));
  EXPECT_EQ(number(call("fixture.discard", R"({"which": 4})"), "status"), -2);
  EXPECT_EQ(number(call("fixture.discard", R"({"which": 0})"), "status"), -2);
}

speed_t speed_of(const Pty& pty) {
  termios now{};
  EXPECT_EQ(tcgetattr(pty.fd(), &now), 0);
  return cfgetospeed(&now);
}

TEST_P(Follow, ALineRunsOtherwiseUntilTheSessionEnds) {
  ASSERT_NO_FATAL_FAILURE(start(R"("protocol": "tcp", "mode": "server")"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  EXPECT_EQ(speed_of(pty), static_cast<speed_t>(B115200));
  // What was given before goes out as it was: nobody has read it yet.
  follow("port", 1, 1, R"(, "size": )" + std::to_string(kLarge));
  EXPECT_EQ(number(call("fixture.line", R"({"baud": 9600, "parity": 2, "stopbits": 2})"), "status"), 0);
  follow("port", 2, 1);
  EXPECT_EQ(speed_of(pty), static_cast<speed_t>(B115200));
  EXPECT_EQ(pty.read(kLarge), marked_lines('a', 1, 1, kLarge));
  EXPECT_EQ(pty.read(kMarkedLength), marked('a', 2));
  EXPECT_EQ(speed_of(pty), static_cast<speed_t>(B9600));
  (void)told(2);
  EXPECT_EQ(number(call("fixture.line", R"({"baud": 19200})"), "status"), 0);
  EXPECT_TRUE(eventually([&] { return speed_of(pty) == B19200; }));
  EXPECT_EQ(number(call("fixture.line", "{}"), "status"), 0);
  EXPECT_TRUE(eventually([&] { return speed_of(pty) == B115200; }));
  EXPECT_EQ(number(call("fixture.line", R"({"baud": 4800})"), "status"), 0);
  EXPECT_TRUE(eventually([&] { return speed_of(pty) == B4800; }));
  ASSERT_EQ(http(dtud.socket(), "PATCH", "/v1/config", R"({"uconf": {"1": {"mode": "command"}}})").status, 200);
  EXPECT_TRUE(eventually([&] { return speed_of(pty) == B115200; })) << "the session is over";
}

// Nobody hears of the messages, and the line is changed behind them all the same; so it is when the session ends.
TEST_P(Follow, ALineWaitsForWhatNobodyFollowsToo) {
  ASSERT_NO_FATAL_FAILURE(start(R"("protocol": "tcp", "mode": "server")"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  EXPECT_EQ(text(fates(), "port"), "1");
  follow("port", 1, 1, R"(, "untold": true, "size": )" + std::to_string(kLarge));
  EXPECT_EQ(number(call("fixture.line", R"({"baud": 9600})"), "status"), 0);
  EXPECT_EQ(number(fates(), "told"), 0) << "dtud goes on meanwhile";
  EXPECT_EQ(speed_of(pty), static_cast<speed_t>(B115200));
  EXPECT_EQ(pty.read(kLarge), marked_lines('a', 1, 1, kLarge));
  EXPECT_TRUE(eventually([&] { return speed_of(pty) == B9600; }));
  follow("port", 2, 1, R"(, "untold": true, "size": )" + std::to_string(kLarge));
  follow("port", 3, 1, R"(, "untold": true)");
  ASSERT_EQ(http(dtud.socket(), "PATCH", "/v1/config", R"({"uconf": {"1": {"mode": "command"}}})").status, 200);
  EXPECT_EQ(pty.read(kLarge), marked_lines('a', 2, 1, kLarge));
  EXPECT_EQ(pty.read(kMarkedLength), marked('a', 3));
  EXPECT_TRUE(eventually([&] { return speed_of(pty) == B115200; })) << "nothing more is sent";
}

TEST_P(Follow, ALineThatCannotRunSoSaysSo) {
  ASSERT_NO_FATAL_FAILURE(start(R"("protocol": "tcp", "mode": "server")"));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  if (!GetParam()) {
    for (const char* wrong : {R"({"baud": 49})", R"({"databits": 9})", R"({"parity": 5})", R"({"stopbits": 4})"}) {
      const Json answer = call("fixture.line", wrong);
      EXPECT_EQ(number(answer, "status"), -2) << wrong;
      EXPECT_THAT(text(answer, "error"), HasSubstr("is not allowed")) << wrong;
    }
  }
  EXPECT_EQ(number(call("fixture.line", R"({"stopbits": 3})"), "status"), 0);
  EXPECT_TRUE(eventually([&] {
    for (const std::string& state : list("states"))
      if (state.find("1.5 stop bits go with 5 data bits only") != std::string::npos) return true;
    return false;
  })) << testing::PrintToString(list("states"));
  follow("port", 1, 1);
  EXPECT_EQ(pty.read(kMarkedLength), marked('a', 1)) << "it goes on as it was";
  EXPECT_EQ(number(call("fixture.line", R"({"baud": 9600})"), "status"), 0);
  EXPECT_TRUE(eventually([&] { return speed_of(pty) == B9600; }));
}

TEST_P(Follow, APortThatGoesAwayEndsWhatWasUnderWay) {
  auto first = std::make_unique<Pty>();
  const std::string device = dtud.path("tty");
  std::filesystem::create_symlink(first->device(), device);
  ASSERT_NO_FATAL_FAILURE(start(R"("protocol": "tcp", "mode": "server")", "", device));
  ASSERT_TRUE(dtud.port_is("1", "up"));
  follow("port", 1, 1, R"(, "size": )" + std::to_string(kLarge));
  follow("port", 2, 1, R"(, "age_ms": 20)");
  follow("port", 3, 1);
  std::filesystem::remove(device);
  first.reset();
  EXPECT_EQ(of(told(2), "port -7 "), 1);
  EXPECT_EQ(of(fates(), "port -13 "), 1) << "also while the port is down";
  std::filesystem::create_symlink(pty.device(), device);
  EXPECT_EQ(pty.read(kMarkedLength), marked('a', 3));
  EXPECT_EQ(of(told(3), "port 0 "), 1);
  // E4: the callback comes before the event.
  const std::vector<std::string> states = list("states");
  const auto after = [&](auto from, const char* what) { return std::find(from, states.end(), what); };
  const auto up = after(states.begin(), "told up"), down = after(up, "told down"), again = after(down, "told up");
  ASSERT_NE(again, states.end()) << testing::PrintToString(states);
  EXPECT_LT(up - states.begin(), after(states.begin(), "event up") - states.begin());
  EXPECT_LT(down - states.begin(), after(states.begin(), "event down") - states.begin());
}

// A document that changes the link ends the session and what it follows; one that changes the outbox does not.
TEST_P(Follow, AChangeOfTheOutboxKeepsThem) {
  MqttSink server;
  FaultyLink link(server.port());
  ASSERT_NO_FATAL_FAILURE(start(mqtt(link.port())));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  link.swallow_answers();
  follow("channel", 1, 10);
  ASSERT_TRUE(server.has('a', 10));
  ASSERT_EQ(http(dtud.socket(), "PATCH", "/v1/config", R"({"conf": {"1": {"outbox": {"messages": 500}}}})").status,
            200);
  ASSERT_TRUE(dtud.channel_number("1", "outbox.max_messages", 500));
  link.reset();
  link.pass();
  EXPECT_EQ(of(told(10), "channel 0 "), 10);
}

TEST_P(Follow, ATapShowsTheDevice) {
  MqttSink server;
  ASSERT_NO_FATAL_FAILURE(start(mqtt(server.port())));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  Process tap;
  tap.start({kDtuctl, "--socket", dtud.socket(), "tap", "channel:1"}, dtud.path("tap"));
  uint32_t next = 1;
  EXPECT_TRUE(eventually([&] {
    follow("channel", next++, 1, R"(, "device": "Zähler 7")");
    return read_file(dtud.path("tap")).find("device Zähler 7") != std::string::npos;
  })) << read_file(dtud.path("tap"));
}

// --- downlink_max_age_s: of the DTU protocol, and of raw ports
// ---------------------------------------------------------

struct DownlinkAge : testing::Test {
  Pty pty;
  Dtud dtud;
  std::string device = dtud.path("tty");

  // The port is not there yet, and a message for it is.
  void start(const std::string& port) {
    dtud.ports({{"1", device}});
    dtud.device(R"({"uconf": {"1": {)" + port + R"(}}, "conf": {"1": {"serialID": "1", "protocol": "tcp",
      "mode": "server"}}})");
    dtud.start();
    TcpPeer server(dtud.listen_port("1"));
    ASSERT_TRUE(server.write("late"));
    ASSERT_TRUE(eventually([&] { return number(dtud.port("1"), "queued_messages") == 1; }));
  }
  [[nodiscard]] bool expired() const { return number(dtud.port("1"), "drops.expired") == 1; }
  void plug_in() const { std::filesystem::create_symlink(pty.device(), device); }
};

TEST_F(DownlinkAge, ARawMessageThatWaitedForLongerIsDropped) {
  ASSERT_NO_FATAL_FAILURE(start(R"("mode": "raw", "downlink_max_age_s": 1)"));
  EXPECT_TRUE(eventually([&] { return expired(); }));
  plug_in();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  TcpPeer server(dtud.listen_port("1"));
  ASSERT_TRUE(server.write("new"));
  EXPECT_EQ(pty.read_until("new"), "new");
}

TEST_F(DownlinkAge, AMessageThatWaitedForLongerIsDropped) {
  ASSERT_NO_FATAL_FAILURE(start(R"("downlink_max_age_s": 1)"));
  EXPECT_TRUE(eventually([&] { return expired(); }));
  EXPECT_EQ(number(dtud.port("1"), "queued_messages"), 0);
  plug_in();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  TcpPeer server(dtud.listen_port("1"));
  ASSERT_TRUE(server.write("new"));
  EXPECT_THAT(pty.read_until("new"), testing::StartsWith("1,3,"));
}

TEST_F(DownlinkAge, ByDefaultADownlinkMessageWaits) {
  ASSERT_NO_FATAL_FAILURE(start(""));
  const auto until = std::chrono::steady_clock::now() + std::chrono::milliseconds(1100);
  ASSERT_TRUE(eventually([&] { return std::chrono::steady_clock::now() > until; }));
  plug_in();
  EXPECT_THAT(pty.read_until("late"), HasSubstr("late"));
  EXPECT_FALSE(expired());
}

}  // namespace
}  // namespace e2e
