// Plugins that break the contract, in the real dtud: each is counted under its kind with the function, costs its own
// instance at most, and the others go on.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"

namespace e2e {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct PluginFaults : testing::Test {
  TempDir folder;
  Pty pty;
  TcpSink sink;
  Dtud dtud;
  uint32_t said = 0;
  bool isolate = false;

  // A channel of each type from 1 on, and a healthy one, 50, beside them; all on one line.
  void start(const std::vector<std::string>& types, const std::vector<std::string>& environment = {}) {
    dtud.plugins(kPlugins + "\", \"" E2E_FAULTS).environment(environment);
    dtud.ports({{"1", pty.device()}}).device(document(types));
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(dtud.channel_is("50", "up"));
  }
  [[nodiscard]] std::string document(const std::vector<std::string>& types) const {
    std::string conf = R"("50": {"serialID": "1", "protocol": "tcp", "url": "127.0.0.1", "port": )" +
                       std::to_string(sink.port()) + R"(, "outbox": {"overflow": "block"}})";
    for (size_t i = 0; i < types.size(); ++i)
      conf += ", \"" + std::to_string(i + 1) + R"(": {"serialID": "1", "protocol": ")" + types[i] +
              R"(", "outbox": {"overflow": "drop-oldest"})" + (isolate ? R"(, "isolate": true})" : "}");
    return R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}}, "conf": {)" + conf + "}}";
  }
  void say(uint32_t count) {
    ASSERT_TRUE(pty.write(marked_lines('a', said + 1, count)));
    said += count;
    ASSERT_TRUE(sink.has('a', said)) << sink.tally().missing('a', said);
  }
  [[nodiscard]] Json instance(const std::string& name) const {
    return with(at(dtud.status(), "instances"), "name", name);
  }
  [[nodiscard]] bool quarantined(const std::string& name) const {
    return eventually([&] { return text(instance(name), "quarantined") == "true"; });
  }
};

struct Case {
  const char *type, *kind, *function;
};

struct EachFault : PluginFaults {
  void is_counted(const std::vector<Case>& cases);
};

void EachFault::is_counted(const std::vector<Case>& cases) {
  std::vector<std::string> types;
  for (const Case& c : cases) types.emplace_back(c.type);
  ASSERT_NO_FATAL_FAILURE(start(types));
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    const std::string name = "channel " + std::to_string(i + 1), fault = std::string("faults.") + c.kind;
    bool counted = false;
    for (int tries = 0; tries < 1000 && !counted; ++tries) {
      ASSERT_NO_FATAL_FAILURE(say(1));
      counted = number(instance(name), fault + ".count") > 0;
    }
    const Json now = instance(name);
    EXPECT_TRUE(counted) << c.type;
    EXPECT_THAT(text(now, fault + ".function"), StartsWith(c.function)) << c.type;
    EXPECT_NE(text(now, fault + ".last"), "") << c.type;
    EXPECT_GT(number(now, fault + ".at_ns"), 0) << c.type;
    EXPECT_GT(dtud.metric("dtu_plugin_faults_total{component=\"" + name + "\",plugin=\"org.dtukit.fixture." + c.type +
                          "\",kind=\"" + c.kind + "\"}"),
              0)
        << dtud.get("/metrics").body;
    EXPECT_THAT(dtud.log(), HasSubstr("of plugin org.dtukit.fixture." + std::string(c.type)));
  }
  ASSERT_NO_FATAL_FAILURE(say(2000));
  EXPECT_EQ(sink.tally().wrong('a', said), "");
  EXPECT_EQ(sink.tally().of('a').again, 0U);
  const Json healthy = dtud.channel("50");
  EXPECT_EQ(number(healthy, "outbox.dropped") + number(healthy, "outbox.resent"), 0);
  EXPECT_EQ(to_json(at(instance("channel 50"), "faults")), "{}");
  EXPECT_EQ(number(instance("channel 50"), "restarts"), 0);
  EXPECT_TRUE(dtud.answers());
}

std::vector<Case> each_fault() {
  return {{"throws-send", "exception", "send"},
          {"throws-timer", "exception", "a timer"},
          {"throws-writable", "exception", "send"},
          {"throws-stop", "exception", "stop"},
          {"completes-twice", "completion", "complete in send"},
          {"completes-pending", "completion", "complete"},
          {"takes-too-many", "taken", "send"},
          {"takes-none", "taken", "send"},
          {"floods-log", "flood", "log"},
          {"flaps", "flood", "report"},
          {"leaks-buffers", "buffers", "destroy"},
          {"hoards-buffers", "buffers", ""},
          {"leaves-timer", "left_behind", "destroy"},
          {"wrong-thread", "thread", "timer create"},
          {"emits-too-much", "emit", "emit"},
          {"lengths-without-text", "malformed", ""},
          {"bad-handles", "malformed", ""},
          {"bad-health", "malformed", "health"}};
}

TEST_F(EachFault, IsCountedUnderItsKindWithItsFunctionAndTheOthersGoOn) { is_counted(each_fault()); }

// What happens in a process of its own is told by it, or seen in what it says.
TEST_F(EachFault, OfAnIsolatedPluginIsCountedToo) {
  std::vector<Case> cases = each_fault();
  for (Case& c : cases)
    if (c.function == std::string("complete in send")) c.function = "complete";
  isolate = true;
  is_counted(cases);
}

TEST_F(PluginFaults, ThreeTimesInAMinuteIsAQuarantineUntilSomebodyAsks) {
  ASSERT_NO_FATAL_FAILURE(start({"throws-send"}));
  ASSERT_NO_FATAL_FAILURE(say(10));
  ASSERT_TRUE(quarantined("channel 1"));
  Json now = instance("channel 1");
  EXPECT_EQ(text(now, "state"), "failed");
  EXPECT_EQ(number(now, "restarts"), 2);
  EXPECT_EQ(number(now, "faults.exception.count"), 3);
  EXPECT_THAT(text(now, "error"), HasSubstr("in quarantine: 3 runs"));
  const std::string labels = R"({component="channel 1",plugin="org.dtukit.fixture.throws-send"})";
  EXPECT_EQ(dtud.metric("dtu_instance_quarantined" + labels), 1);
  EXPECT_THAT(dtud.dtuctl({"status"}).output, testing::AllOf(HasSubstr("failed, in quarantine"),
                                                             HasSubstr("fault \"exception\", 3 times, last: send")));
  EXPECT_THAT(dtud.dtuctl({"inspect", "throws-send"}).output, HasSubstr("in quarantine; faults: exception 3"));
  EXPECT_THAT(dtud.dtuctl({"plugins"}).output, HasSubstr("org.dtukit.fixture.throws-send: 3 faults at run time"));

  // The same configuration again changes nothing; asking does.
  EXPECT_EQ(dtud.put("/v1/config", document({"throws-send"})).status, 200);
  EXPECT_EQ(text(instance("channel 1"), "quarantined"), "true");
  const Ran retry = dtud.dtuctl({"plugins", "retry", "channel", "1"});
  EXPECT_EQ(retry.status, 0) << retry.output;
  ASSERT_TRUE(eventually([&] { return number(instance("channel 1"), "restarts") >= 3; }));
  ASSERT_TRUE(quarantined("channel 1"));
  EXPECT_EQ(number(instance("channel 1"), "faults.exception.count"), 6);
  EXPECT_EQ(number(dtud.channel("1"), "outbox.messages"), 10) << "what waits for it is kept";
  EXPECT_NE(dtud.dtuctl({"plugins", "retry", "channel", "50"}).status, 0) << "it is not down";
  EXPECT_NE(dtud.dtuctl({"plugins", "retry", "channel", "7"}).status, 0);

  // Another configuration, and it is made anew.
  ASSERT_EQ(dtud.put("/v1/config", document({"takes-too-many"})).status, 200);
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_EQ(dtud.metric("dtu_plugin_faults_total{component=\"channel 1\",plugin=\"org.dtukit.fixture.throws-send\","
                        "kind=\"exception\"}"),
            6)
      << "what was counted stays counted";
  ASSERT_NO_FATAL_FAILURE(say(100));
}

// What an isolated plugin does wrong costs and shows the same as without a process of its own.
TEST_F(PluginFaults, AnIsolatedOneThatTakesNothingIsTriedAgainAfterAPause) {
  isolate = true;
  ASSERT_NO_FATAL_FAILURE(start({"takes-none"}));
  ASSERT_NO_FATAL_FAILURE(say(1));
  ASSERT_TRUE(eventually([&] { return number(instance("channel 1"), "faults.taken.count") >= 2; }));
  EXPECT_LT(number(instance("channel 1"), "faults.taken.count"), 100) << "once a second, not without a pause";
}

TEST_F(PluginFaults, AnIsolatedOneThatThrowsInCreateIsLeftAloneAfterThree) {
  isolate = true;
  ASSERT_NO_FATAL_FAILURE(start({"throws-create"}));
  ASSERT_TRUE(quarantined("channel 1"));
  EXPECT_EQ(number(instance("channel 1"), "faults.exception.count"), 3);
  EXPECT_EQ(text(instance("channel 1"), "faults.exception.function"), "create");
}

TEST_F(PluginFaults, TheEndOfItsProcessIsCountedAndItsTypeListsIt) {
  isolate = true;
  ASSERT_NO_FATAL_FAILURE(start({"late-emit"}));
  double pid = 0;
  ASSERT_TRUE(eventually([&] { return (pid = number(instance("channel 1"), "isolated.pid")) > 0; }));
  EXPECT_THAT(dtud.get("/v1/components/late-emit").body, HasSubstr("\"name\":\"channel 1\""));
  ASSERT_EQ(::kill(static_cast<pid_t>(pid), SIGKILL), 0);
  ASSERT_TRUE(eventually([&] { return number(instance("channel 1"), "faults.died.count") == 1; }));
  EXPECT_THAT(text(instance("channel 1"), "faults.died.last"), HasSubstr("signal 9"));
  EXPECT_EQ(text(instance("channel 1"), "quarantined"), "false");
}

TEST_F(PluginFaults, AServerThatIsAwayIsNoFault) {
  ASSERT_NO_FATAL_FAILURE(start({}));
  const std::string gone = R"({"conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" +
                           std::to_string(free_port()) + R"(, "reconnect": {"min_ms": 10, "max_ms": 20}}}})";
  ASSERT_EQ(dtud.put("/v1/config", gone).status, 200);
  ASSERT_TRUE(eventually([&] { return !text(dtud.channel("1"), "error").empty(); }));
  EXPECT_EQ(to_json(at(instance("channel 1"), "faults")), "{}");
  EXPECT_EQ(text(instance("channel 1"), "quarantined"), "false");
}

TEST_F(PluginFaults, RepliesThatAreNoneReachNobody) {
  ASSERT_NO_FATAL_FAILURE(start({}));
  const auto call = [&](const std::string& name) {
    return parse_json(dtud.post("/v1/call", "{\"command\": \"" + name + "\"}").body);
  };
  const auto count = [&](const std::string& kind) {
    return number(instance("command bad-replies"), "faults." + kind + ".count");
  };
  ASSERT_TRUE(eventually([&] { return number(call("test.twice"), "result") == 1; }));
  EXPECT_TRUE(eventually([&] { return count("reply") > 0; }));
  EXPECT_EQ(text(instance("command bad-replies"), "faults.reply.function"), "reply in invoke");
  const int64_t replies = count("reply");
  EXPECT_EQ(number(call("test.unasked"), "result"), 1);
  EXPECT_TRUE(eventually([&] { return count("reply") == replies + 1; }));
  EXPECT_THAT(text(call("test.nonsense"), "error"), HasSubstr("not JSON"));
  EXPECT_EQ(count("malformed"), 1);
  EXPECT_GT(number(instance("command lists-without-end"), "faults.flood.count"), 8000);
  EXPECT_EQ(number(instance("command lists-without-end"), "faults.malformed.count"), 1);
  EXPECT_EQ(dtud.dtuctl({"read", "endless.7"}).status, 0);
}

TEST_F(PluginFaults, CallsAfterTheEndAreCounted) {
  ASSERT_NO_FATAL_FAILURE(start({"late-emit"}, {"DTU_FIXTURE_LATE=100"}));
  ASSERT_EQ(dtud.put("/v1/config", document({})).status, 200);
  EXPECT_TRUE(eventually([&] {
    return dtud.metric(
               "dtu_plugin_faults_total{component=\"channel 1\",plugin=\"org.dtukit.fixture.late-emit\","
               "kind=\"late\"}") > 0;
  })) << dtud.get("/metrics").body;
}

TEST_F(PluginFaults, OneThatNeverStopsIsAbandonedAndSaid) {
  ASSERT_NO_FATAL_FAILURE(start({"never-stops"}));
  ASSERT_EQ(dtud.put("/v1/config", document({})).status, 200);
  EXPECT_TRUE(eventually([&] {
    return dtud.metric(
               "dtu_plugin_faults_total{component=\"channel 1\",plugin=\"org.dtukit.fixture.never-stops\","
               "kind=\"stop\"}") == 1;
  }));
  ASSERT_NO_FATAL_FAILURE(say(10));
}

// systemd's side of sd_notify(3).
class ServiceManager {
 public:
  explicit ServiceManager(const std::string& path)
      : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    if (::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
      throw std::runtime_error("cannot bind " + path);
  }
  // Signs of life since the last question.
  [[nodiscard]] int signs() const {
    std::array<char, 256> text{};
    int count = 0;
    for (ssize_t n = 0; (n = ::recv(fd_.get(), text.data(), text.size(), 0)) >= 0;)
      if (std::string(text.data(), static_cast<size_t>(n)).find("WATCHDOG=1") != std::string::npos) ++count;
    return count;
  }

 private:
  Descriptor fd_;
};

// While a plugin holds the main lane nothing feeds the watchdog. One that does so for long is started anew.
TEST_F(PluginFaults, APluginThatHoldsTheMainLaneIsNamedAndStopsTheSignsOfLife) {
  const ServiceManager systemd(folder.path("notify"));
  ASSERT_EQ(::mkfifo(folder.path("gate").c_str(), 0600), 0);
  const Descriptor gate(::open(folder.path("gate").c_str(), O_RDWR | O_CLOEXEC));
  ASSERT_NO_FATAL_FAILURE(start({"blocks-send"}, {"DTU_FIXTURE_GATE=" + folder.path("gate"),
                                                  "NOTIFY_SOCKET=" + folder.path("notify"), "WATCHDOG_USEC=50000"}));
  ASSERT_TRUE(eventually([&] { return systemd.signs() > 0; }));
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 1)));
  const auto logged = [&](const std::string& words) {
    return eventually([&] { return dtud.log().find(words) != std::string::npos; });
  };
  const std::string who = "channel 1: send of plugin org.dtukit.fixture.blocks-send has blocked lane main for over ";
  ASSERT_TRUE(logged(who + "1"));  // 100 ms and something
  (void)systemd.signs();
  const auto held_5_s = testing::Matches(testing::ContainsRegex(who + "5[0-9][0-9][0-9] ms"));
  ASSERT_TRUE(eventually([&] { return held_5_s(dtud.log()); }));
  EXPECT_EQ(systemd.signs(), 0);
  ASSERT_EQ(::write(gate.get(), "x", 1), 1);
  ASSERT_TRUE(eventually([&] { return systemd.signs() > 0; }));
  ASSERT_TRUE(sink.has('a', 1)) << "the others go on";
  ASSERT_TRUE(eventually([&] { return number(instance("channel 1"), "restarts") == 1; }));
  EXPECT_EQ(number(instance("channel 1"), "faults.stall.count"), 1);
  EXPECT_EQ(number(instance("channel 1"), "faults.slow.count"), 1);
  EXPECT_EQ(text(instance("channel 1"), "faults.stall.function"), "send");
  EXPECT_TRUE(dtud.channel_is("1", "up"));
}

}  // namespace
}  // namespace e2e
