// Builds that must not take the place of the one that runs: refused, or taken back, with the reason, and with nothing
// lost. And an upgrade that meets a change of the configuration, a stop, a kill.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <ostream>

#include <array>
#include <filesystem>
#include <future>
#include <thread>

#include "harness/build.hpp"
#include "harness/dtud.hpp"
#include "harness/flood.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

using testing::HasSubstr;

constexpr size_t kLength = 64;

std::string fixture(const std::string& name) { return std::string(E2E_FIXTURES) + "/tcp_" + name + ".so"; }

std::string device(uint16_t port) {
  return R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "\n"}}}, "conf": {"1": {"protocol": "tcp", )"
         R"("serialID": "1", "url": "127.0.0.1", "port": )" +
         std::to_string(port) + R"(, "reconnect": {"min_ms": 10, "max_ms": 50}, "outbox": {"overflow": "block"}}}})";
}

struct PluginRollback : testing::Test {
  Pty pty;
  TcpSink sink;
  Dtud dtud;
  void start() {
    dtud.ports({{"1", pty.device()}}).device(device(sink.port()));
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(dtud.channel_is("1", "up"));
  }
  Ran upgrade(const std::string& file, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"plugins", "upgrade", file});
    return dtud.dtuctl(more);
  }
  [[nodiscard]] std::string tcp_version() const {
    return text(with(parse_json(dtud.get("/v1/plugins").body), "loaded", "true"), "version");
  }
};

struct Wrong {
  const char* name;
  const char* why;
};

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }
struct TakenBack : PluginRollback, testing::WithParamInterface<Wrong> {};
INSTANTIATE_TEST_SUITE_P(Builds, TakenBack,
                         testing::Values(Wrong{"create", "this build cannot be created"},
                                         Wrong{"start", "this build cannot start"},
                                         Wrong{"hang", "was not up again within 1000 ms"},
                                         Wrong{"never_up", "was not up again within 1000 ms"},
                                         Wrong{"gives_up", "this build gives up"},
                                         Wrong{"send", "this build sends nothing"},
                                         Wrong{"again", "and it brought none to an end within 1000 ms"}),
                         [](const auto& info) { return std::string(info.param.name); });

TEST_P(TakenBack, AndNothingIsLost) {
  ASSERT_NO_FATAL_FAILURE(start());
  uint32_t last = 0;
  {
    Flood flood(pty, 'a', kLength);
    ASSERT_TRUE(eventually([&] { return sink.came() > 100; }));
    const Ran ran = upgrade(fixture(GetParam().name), {"--timeout", "1"});
    EXPECT_EQ(ran.status, 1) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr("channel 1"));
    EXPECT_THAT(ran.output, HasSubstr(GetParam().why));
    EXPECT_THAT(ran.output, HasSubstr("org.dtukit.channel-tcp 0.1.0 runs again"));
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    const uint64_t before = sink.came();
    EXPECT_TRUE(eventually([&] { return sink.came() > before + 100; }));
    flood.end();
    ASSERT_TRUE(eventually([&] { return flood.done(); }));
    last = flood.sent();
  }
  ASSERT_TRUE(sink.has('a', last));
  EXPECT_EQ(sink.tally().wrong('a', last), "");
  EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
  EXPECT_EQ(number(dtud.status(), "dead_images"), 1);
  EXPECT_EQ(text(parse_json(dtud.get("/v1/plugins/upgrade").body), "result"), "rolled back");
  // It is not tried again by mistake, nor by a start.
  EXPECT_THAT(upgrade(fixture(GetParam().name)).output, HasSubstr("this build failed before"));
  (void)dtud.stop();  // one of them is still inside its plugin
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(number(dtud.status(), "dead_images"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(PluginRollback, RefusedBeforeAnythingMoves) {
  ASSERT_NO_FATAL_FAILURE(start());
  const Wrong wrong[] = {{"schema", "/conf/1"},
                         {"id", "no plugin com.example.other-tcp is in use"},
                         {"lacks", "lacks components that are in use: channel:tcp (channel 1)"},
                         {"older", "is older than the running 0.1.0"}};
  for (const Wrong& w : wrong) {
    const Ran ran = upgrade(fixture(w.name));
    EXPECT_EQ(ran.status, 1) << w.name;
    EXPECT_THAT(ran.output, HasSubstr(w.why)) << w.name;
  }
  EXPECT_THAT(upgrade(std::string(E2E_FIXTURES) + "/text_file.so").output, HasSubstr("text_file.so"));
  EXPECT_THAT(upgrade("/nowhere.so").output, HasSubstr("/nowhere.so"));
  EXPECT_EQ(dtud.dtuctl({"plugins", "upgrade"}).status, 2);
  EXPECT_THAT(dtud.dtuctl({"plugins", "upgrade", "--rollback", "org.dtukit.channel-tcp"}).output,
              HasSubstr("no earlier build"));
  EXPECT_EQ(dtud.post("/v1/plugins/upgrade", "{}").status, 400);
  EXPECT_EQ(dtud.post("/v1/plugins/upgrade", R"({"file": "relative.so"})").status, 400);
  EXPECT_EQ(dtud.post("/v1/plugins/upgrade", R"({"file": "/x.so", "deadline_ms": 0})").status, 400);
  EXPECT_EQ(sink.connections(), 1U) << "the connection was not touched";
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(dtud.stop(), 0);
}

// Told once, with what is documented; one that subscribes anew gets it again, marked.
TEST_F(PluginRollback, IsToldAsAnEvent) {
  dtud.plugins(kPlugins + "\", \"" E2E_EVENTS);
  dtud.board(R"("commands": [{"type": "hears-events", "hears": ["plugin.rolled_back"]}, {"type": "dtu"}])");
  ASSERT_NO_FATAL_FAILURE(start());
  const auto heard = [&] {
    return to_json(at(parse_json(dtud.post("/v1/call", R"({"command": "fixture.heard"})").body), "result"));
  };
  ASSERT_TRUE(eventually([&] { return heard() == "[]"; }));
  EXPECT_EQ(upgrade(fixture("start"), {"--timeout", "1"}).status, 1);
  ASSERT_TRUE(eventually([&] { return heard() != "[]"; }));
  const Json lines = parse_json(heard());
  ASSERT_EQ(size(lines), 1U);
  const std::string told = text(lines, "[0]"), name = "plugin.rolled_back kernel ";
  ASSERT_EQ(told.compare(0, name.size(), name), 0) << told;
  const Json data = parse_json(told.substr(name.size()));
  EXPECT_EQ(text(data, "plugin"), "org.dtukit.channel-tcp");
  EXPECT_EQ(text(data, "from"), "0.9.0");
  EXPECT_EQ(text(data, "to"), "0.1.0");
  EXPECT_THAT(text(data, "why"), HasSubstr("this build cannot start"));
  // Another attempt is refused before anything moves: nothing to tell.
  EXPECT_EQ(upgrade(fixture("start"), {"--timeout", "1"}).status, 1);
  EXPECT_EQ(dtud.post("/v1/call", R"({"command": "fixture.fail"})").status, 200);
  ASSERT_TRUE(eventually([&] { return heard().find(" last") != std::string::npos; }));
  EXPECT_EQ(text(parse_json(heard()), "[0]"), told + " last");
  EXPECT_EQ(size(parse_json(heard())), 1U);
  EXPECT_EQ(dtud.stop(), 0);
}

// A build that is never up takes its time: meanwhile a change is refused, another upgrade too, and a stop goes through.
struct Busy : PluginRollback {
  std::future<Ran> answer;
  void begin(const std::string& seconds) {
    ASSERT_NO_FATAL_FAILURE(start());
    answer = std::async(std::launch::async, [this, seconds] {
      return upgrade(fixture("never_up"), {"--timeout", seconds});
    });
    ASSERT_TRUE(eventually([&] { return text(dtud.status(), "instances[1].plugin") != "" && running(); }));
  }
  [[nodiscard]] bool running() const {
    return text(parse_json(dtud.get("/v1/plugins/upgrade").body), "running") == "true";
  }
};

TEST_F(Busy, AChangeOfTheConfigurationIsRefused) {
  ASSERT_NO_FATAL_FAILURE(begin("3"));
  const HttpAnswer set = dtud.put("/v1/config", device(sink.port()));
  EXPECT_EQ(set.status, 409);
  EXPECT_THAT(set.body, HasSubstr("a plugin is being upgraded"));
  EXPECT_THAT(upgrade(fixture("create")).output, HasSubstr("is being upgraded: try again"));
  EXPECT_EQ(answer.get().status, 1);
  EXPECT_EQ(dtud.put("/v1/config", device(sink.port())).status, 200);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Busy, AStopGoesThrough) {
  ASSERT_NO_FATAL_FAILURE(begin("60"));
  EXPECT_EQ(dtud.stop(), 0);
  EXPECT_NE(answer.get().status, 0);
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("1", "up")) << "with what it had before";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Busy, AKillLeavesTheOld) {
  ASSERT_NO_FATAL_FAILURE(begin("60"));
  dtud.kill();
  EXPECT_NE(answer.get().status, 0);
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(dtud.stop(), 0);
}

// Nothing in dtud can end a call that hangs on the main lane: the watchdog ends dtud, and the next start knows.
struct Hangs : PluginRollback {
  std::string told;
  void start() {
    told = dtud.path("hangs");
    dtud.environment({"DTU_FIXTURE_HANGS=" + told});
    PluginRollback::start();
  }
  void interrupted() {
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(told); }));
    dtud.process().signal(SIGABRT);
    ASSERT_EQ(dtud.process().wait(), 128 + SIGABRT);
  }
  void goes_back() {
    dtud.start();
    ASSERT_TRUE(eventually([&] { return tcp_version() == "0.1.0"; }));
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    EXPECT_THAT(dtud.log(), HasSubstr("org.dtukit.channel-tcp 0.9.0 failed: dtud died of signal 6 (SIGABRT), which "
                                      "another process sent in send of channel 1; 0.1.0 is used again"));
    EXPECT_EQ(text(with(at(dtud.status(), "instances"), "name", "channel 1"), "quarantined"), "false");
    ASSERT_TRUE(pty.write("after\n"));
    EXPECT_TRUE(eventually([&] { return sink.came() > 0; }));
    EXPECT_THAT(upgrade(fixture("send_hangs")).output, HasSubstr("this build failed before (dtud died of signal 6"));
    EXPECT_EQ(dtud.stop(), 0);
  }
};

TEST_F(Hangs, WhileItIsTriedAndTheNextStartUsesTheOld) {
  ASSERT_NO_FATAL_FAILURE(start());
  auto answer = std::async(std::launch::async, [this] { return upgrade(fixture("send_hangs")); });
  for (int i = 0; i < 1000 && !std::filesystem::exists(told); ++i) {
    ASSERT_TRUE(pty.write("line\n"));
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  ASSERT_NO_FATAL_FAILURE(interrupted());
  EXPECT_NE(answer.get().status, 0);
  ASSERT_NO_FATAL_FAILURE(goes_back());
}

TEST_F(Hangs, AfterItWasTakenAndOneDeathIsEnough) {
  ASSERT_NO_FATAL_FAILURE(start());
  const Ran ran = upgrade(fixture("send_hangs"));
  ASSERT_EQ(ran.status, 0) << ran.output << "nothing waits, so there is nothing to prove yet";
  ASSERT_TRUE(pty.write("line\n"));
  ASSERT_NO_FATAL_FAILURE(interrupted());
  ASSERT_NO_FATAL_FAILURE(goes_back());
}

// The power is cut at each step towards the disk: a start finds the old build or the new one, never none.
bool cut_at(int cut, std::string& wrong) {
  TcpSink sink;
  Dtud dtud;
  dtud.hal(R"({"type": "sim"})")
      .device(R"({"conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" + std::to_string(sink.port()) +
              "}}}");
  dtud.environment({"LD_PRELOAD=" E2E_CRASH_AT, "ASAN_OPTIONS=verify_asan_link_order=0",
                    "CRASH_ARMED=" + dtud.path("armed"), "CRASH_AT=" + std::to_string(cut)});
  dtud.start();
  if (!dtud.channel_is("1", "up")) wrong = "not up";
  if (!eventually([&] { return number(dtud.status(), "config.revision") > 0; })) wrong = "nothing recorded";
  const std::string build = build_of(dtud, "channel-tcp", "0.2.0");
  write_file(dtud.path("armed"), "");
  const Ran ran = dtud.dtuctl({"plugins", "upgrade", build});
  const bool reached = read_file(dtud.path("armed")).size() >= static_cast<size_t>(cut);
  if (!reached && ran.status != 0) wrong = ran.output;
  if (reached)
    (void)dtud.process().wait();
  else
    dtud.kill();
  dtud.environment({});
  dtud.start();
  if (!dtud.channel_is("1", "up")) wrong = "not up after the cut";
  const std::string plugins = dtud.get("/v1/plugins").body;
  const bool old = plugins.find("\"0.1.0\"") != std::string::npos, now = plugins.find("\"0.2.0\"") != std::string::npos;
  if (!old && !now) wrong = "neither: " + plugins;
  if (!reached && !now) wrong = "the upgrade did not survive";
  if (!wrong.empty()) wrong += "\n" + dtud.log();
  return reached;
}

TEST(PluginUpgradePowerCut, AtEveryStep) {
  constexpr int kAtOnce = 4;
  bool reached = true;
  for (int cut = 1; reached; cut += kAtOnce) {
    ASSERT_LT(cut, 60) << "the steps do not end";
    std::array<std::string, kAtOnce> wrong;
    std::array<std::future<bool>, kAtOnce> lives;
    for (size_t i = 0; i < kAtOnce; ++i)
      lives.at(i) = std::async(std::launch::async, [&, i] { return cut_at(cut + static_cast<int>(i), wrong.at(i)); });
    for (size_t i = 0; i < kAtOnce; ++i) {
      reached = lives.at(i).get();
      EXPECT_EQ(wrong.at(i), "") << "cut at step " << cut + static_cast<int>(i);
    }
  }
}

}  // namespace
}  // namespace e2e
