// Plugins that end dtud itself: the next start names them, three deaths within a minute hold one back, and all the rest
// works.
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>

#include <filesystem>
#include <ostream>
#include <sstream>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"

namespace e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

constexpr int kSegv = 128 + SIGSEGV, kAbrt = 128 + SIGABRT;

struct Killers : testing::Test {
  TempDir folder;
  Pty pty;
  TcpSink sink;
  Dtud dtud;
  uint32_t said = 0;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  void SetUp() override { GTEST_SKIP() << "a sanitizer ends a process in its own way"; }
#endif

  // Channel 1 is of `type` and dies as `how` says; 50 is a healthy one on the same line.
  void documents(const std::string& how, const std::string& type = "kills", const std::string& more = "") {
    dtud.plugins(kPlugins + "\", \"" E2E_KILLS)
        .environment({"DTU_FIXTURE_PEACE=" + folder.path("peace"), "DTU_FIXTURE_HANGS=" + folder.path("hangs")});
    dtud.ports({{"1", pty.device()}}).device(document(how, type, more));
    dtud.write_documents();
  }
  [[nodiscard]] std::string document(const std::string& how, const std::string& type, const std::string& more) const {
    return R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}}, "conf": {"1": {"serialID": "1", "protocol": ")" +
           type + "\", " + how + R"(, "outbox": {"overflow": "drop-oldest"})" + more +
           R"(}, "50": {"serialID": "1", "protocol": "tcp", "url": "127.0.0.1", "port": )" +
           std::to_string(sink.port()) + R"(, "outbox": {"overflow": "block"}}}})";
  }
  // Starts it, gives it a message if it lives long enough, and tells how it ended.
  int die() {
    try {
      dtud.start();
      if (pty.write(marked_lines('a', said + 1, 1))) ++said;
    } catch (const std::runtime_error&) {  // it ended before it answered
    }
    return dtud.process().wait();
  }
  void dies_thrice(int status) {
    for (int i = 0; i < 3; ++i) ASSERT_EQ(die(), status) << dtud.log();
  }
  void hang() {
    std::filesystem::remove(folder.path("hangs"));
    dtud.start();
    ASSERT_TRUE(pty.write(marked_lines('a', 1, 1)));
    ASSERT_TRUE(eventually([&] { return std::filesystem::exists(folder.path("hangs")); }));
  }
  void carries() {
    ASSERT_TRUE(dtud.channel_is("50", "up"));
    ASSERT_TRUE(pty.write(marked_lines('b', 1, 100)));
    ASSERT_TRUE(sink.has('b', 100)) << sink.tally().missing('b', 100);
  }
  void peace() const { write_file(folder.path("peace"), ""); }
  [[nodiscard]] Json instance(const std::string& name) const {
    return with(at(dtud.status(), "instances"), "name", name);
  }
  [[nodiscard]] std::string error() const { return text(instance("channel 1"), "error"); }
  [[nodiscard]] bool held() const { return text(instance("channel 1"), "quarantined") == "true"; }
};

struct Way {
  const char *in, *by, *function, *type;
  int status;
  const char* how;
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.in << ' ' << way.by << ' ' << way.type; }
std::string name_of(const testing::TestParamInfo<Way>& way) {
  return std::string(way.param.in) + "_" + way.param.by + (way.param.type == std::string("kills") ? "" : "_apart");
}

struct EachWay : Killers, testing::WithParamInterface<Way> {};

TEST_P(EachWay, IsNamedAndHeldAfterThreeDeathsAndTheOthersGoOn) {
  const Way way = GetParam();
  documents(std::string(R"("in": ")") + way.in + R"(", "by": ")" + way.by + '"', way.type);
  ASSERT_NO_FATAL_FAILURE(dies_thrice(way.status));
  dtud.start();
  EXPECT_TRUE(held());
  EXPECT_EQ(text(instance("channel 1"), "state"), "failed");
  EXPECT_THAT(error(),
              AllOf(HasSubstr("in quarantine: dtud died in calls of it, 3 times"), HasSubstr(way.how),
                    HasSubstr(std::string("in ") + way.function), HasSubstr("dtuctl plugins retry 'channel 1'")));
  EXPECT_EQ(number(instance("channel 1"), "faults.fatal.count"), 1);
  EXPECT_EQ(text(instance("channel 1"), "faults.fatal.function"), way.function);
  EXPECT_THAT(text(instance("channel 1"), "faults.fatal.last"), HasSubstr("kills.so"));
  EXPECT_THAT(dtud.dtuctl({"plugins"}).output, HasSubstr("kills.so: channel 1 in quarantine: see dtuctl status"));
  ASSERT_NO_FATAL_FAILURE(carries());

  peace();
  const Ran retry = dtud.dtuctl({"plugins", "retry", "channel 1"});
  EXPECT_EQ(retry.status, 0) << retry.output;
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("1", "up")) << "a retry forgets the deaths";
  EXPECT_EQ(number(instance("channel 1"), "faults.fatal.count"), -1);
}

INSTANTIATE_TEST_SUITE_P(All, EachWay,
                         testing::Values(Way{"send", "segfault", "send", "kills", kSegv, "signal 11 (SIGSEGV)"},
                                         Way{"create", "abort", "create", "kills", kAbrt, "signal 6 (SIGABRT)"},
                                         Way{"timer", "segfault", "a timer", "kills", kSegv, "signal 11 (SIGSEGV)"},
                                         Way{"send", "exit", "send", "kills", 3, "exit()"},
                                         Way{"send", "stack", "send", "kills", kSegv, "signal 11 (SIGSEGV)"},
                                         Way{"send", "segfault", "send", "kills-apart", kSegv, "signal 11 (SIGSEGV)"}),
                         name_of);

// The list of deaths is written by the disk lane once dtud carries data: a disk that is slow stalls no port.
TEST_F(Killers, ARetryIsKeptWithoutTheMainThread) {
  documents(R"("in": "create", "by": "abort")");
  ASSERT_NO_FATAL_FAILURE(dies_thrice(kAbrt));
  dtud.environment({"DTU_FIXTURE_PEACE=" + folder.path("peace"), "DTU_FIXTURE_HANGS=" + folder.path("hangs"),
                    "LD_PRELOAD=" E2E_SLOW_DISK, "SLOW_DISK_LOG=" + folder.path("steps")});
  dtud.start();
  peace();
  write_file(folder.path("steps"), "");
  EXPECT_EQ(dtud.dtuctl({"plugins", "retry", "channel 1"}).status, 0);
  const std::string pid = std::to_string(dtud.process().pid());
  std::string steps;
  ASSERT_TRUE(eventually([&] {
    steps = read_file(folder.path("steps"));
    return steps.find("deaths.json") != std::string::npos;
  }));
  std::istringstream lines(steps);
  for (std::string line; std::getline(lines, line);) {
    const bool of_deaths = line.find("deaths.json") != std::string::npos;
    EXPECT_FALSE(of_deaths && line.rfind(pid + " " + pid + " ", 0) == 0) << line;
  }
}

TEST_F(Killers, OneDeathIsNamedInTheLogTheFaultsTheAuditAndAnEventAndHoldsNothing) {
  documents(R"("in": "send", "by": "segfault")");
  ASSERT_EQ(die(), kSegv);
  peace();
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_FALSE(held());
  EXPECT_THAT(dtud.log(), HasSubstr("channel 1: send of plugin org.dtukit.fixture.kills has ended dtud, which died of "
                                    "signal 11 (SIGSEGV); the file is " E2E_KILLS "/kills.so"));
  EXPECT_EQ(number(instance("channel 1"), "faults.fatal.count"), 1);
  EXPECT_THAT(dtud.dtuctl({"plugins"}).output, HasSubstr("org.dtukit.fixture.kills: 1 fault at run time"));
  EXPECT_THAT(dtud.dtuctl({"audit"}).output, HasSubstr("dtud.died"));
  Process events;
  events.start({kDtuctl, "--socket", dtud.socket(), "events", "plugin.fault"}, folder.path("events"));
  EXPECT_TRUE(eventually([&] { return read_file(folder.path("events")).find("fatal") != std::string::npos; }))
      << read_file(folder.path("events"));
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  EXPECT_EQ(number(instance("channel 1"), "faults.fatal.count"), -1) << "it is told once";
}

TEST_F(Killers, AnotherDocumentLiftsTheQuarantineTheSameOneDoesNot) {
  documents(R"("in": "send", "by": "segfault")");
  ASSERT_NO_FATAL_FAILURE(dies_thrice(kSegv));
  dtud.start();
  ASSERT_TRUE(held());
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  EXPECT_TRUE(held()) << "a restart of dtud alone changes nothing";
  (void)dtud.dtuctl({"connect", "1"});
  EXPECT_TRUE(held());
  ASSERT_EQ(dtud.put("/v1/config", document(R"("in": "nowhere", "by": "segfault")", "kills", "")).status, 200);
  EXPECT_TRUE(dtud.channel_is("1", "up"));
}

TEST_F(Killers, AnotherBuildLiftsTheQuarantine) {
  const std::string plugins = folder.path("plugins"), file = plugins + "/kills.so";
  const auto put = [&] {
    std::filesystem::remove(file);
    std::filesystem::copy_file(E2E_KILLS "/kills.so", file);
  };
  std::filesystem::create_directory(plugins);
  put();
  documents(R"("in": "send", "by": "segfault")");
  dtud.plugins(kPlugins + "\", \"" + plugins).write_documents();
  ASSERT_NO_FATAL_FAILURE(dies_thrice(kSegv));
  dtud.start();
  ASSERT_TRUE(held());
  EXPECT_EQ(dtud.stop(), 0);
  put();
  peace();
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_FALSE(held());
}

// Of a kill from outside nobody knows whose fault it was.
TEST_F(Killers, KillsFromOutsideInTheMiddleOfACallHoldNothing) {
  documents(R"("in": "send", "by": "hang")");
  for (int i = 0; i < 4; ++i) {
    ASSERT_NO_FATAL_FAILURE(hang());
    dtud.kill();
  }
  peace();
  dtud.start();
  EXPECT_THAT(dtud.log(), AllOf(HasSubstr("was ended by signal 9"), HasSubstr("channel 1 in send"),
                                HasSubstr("this counts against no plugin")));
  EXPECT_FALSE(held());
  EXPECT_TRUE(dtud.channel_is("1", "up"));
}

// As systemd's watchdog ends a process.
TEST_F(Killers, AHangThatTheWatchdogEndsCounts) {
  documents(R"("in": "send", "by": "hang")");
  for (int i = 0; i < 3; ++i) {
    ASSERT_NO_FATAL_FAILURE(hang());
    dtud.process().signal(SIGABRT);
    ASSERT_EQ(dtud.process().wait(), kAbrt);
  }
  dtud.start();
  EXPECT_TRUE(held());
  EXPECT_THAT(error(), HasSubstr("signal 6 (SIGABRT), which another process sent in send"));
  ASSERT_NO_FATAL_FAILURE(carries());
}

TEST_F(Killers, AnIsolatedOneEndsItsOwnProcessOnly) {
  documents(R"("in": "send", "by": "segfault")", "kills", R"(, "isolate": true)");
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 1)));
  ASSERT_TRUE(eventually([&] { return number(instance("channel 1"), "faults.died.count") >= 3; }));
  dtud.kill();
  peace();
  dtud.start();
  EXPECT_FALSE(held());
  EXPECT_THAT(dtud.log(), Not(HasSubstr("channel 1 in send")));
}

TEST_F(Killers, AHalInQuarantineLeavesItsPortsFailedInWords) {
  documents(R"("in": "nowhere")");
  Dtud other;
  other.plugins(kPlugins + "\", \"" E2E_KILLS).environment({"DTU_FIXTURE_PEACE=" + folder.path("peace")});
  other.hal(R"({"type": "kills", "in": "create", "by": "segfault"})");
  other.device(
      R"({"uconf": {"1": {"mode": "raw"}}, "conf": {"50": {"serialID": "1", "protocol": "tcp", "url": "127.0.0.1",
    "port": )" +
      std::to_string(sink.port()) + "}}}");
  for (int i = 0; i < 3; ++i) {
    EXPECT_THROW(other.start(), std::runtime_error);
    ASSERT_EQ(other.process().wait(), kSegv);
  }
  other.start();
  EXPECT_TRUE(other.channel_is("50", "up"));
  EXPECT_TRUE(other.port_is("1", "failed"));
  EXPECT_THAT(text(other.port("1"), "error"),
              AllOf(HasSubstr("hal kills is in quarantine"), HasSubstr("dtuctl plugins retry 'hal kills'")));
  peace();
  EXPECT_EQ(other.dtuctl({"plugins", "retry", "hal kills"}).status, 0);
  EXPECT_TRUE(other.port_is("1", "up"));
}

// A check runs while dtud runs; of one that killed it once, in a process of its own.
TEST_F(Killers, ACheckThatEndedDtudIsAskedApartFromThenOn) {
  documents(R"("in": "nowhere")");
  dtud.start();
  const std::string deadly = document(R"("in": "check", "by": "segfault")", "kills", "");
  (void)dtud.put("/v1/config", deadly);
  ASSERT_EQ(dtud.process().wait(), kSegv);
  dtud.start();
  EXPECT_THAT(dtud.log(), HasSubstr("channel:kills: check of plugin org.dtukit.fixture.kills has ended dtud"));
  EXPECT_TRUE(dtud.channel_is("1", "up")) << "the document was not taken";
  EXPECT_EQ(dtud.put("/v1/config", deadly).status, 200);
  EXPECT_TRUE(dtud.answers());
}

TEST_F(Killers, AnythingInThePlaceOfThePageAndTheCountIsNoDeath) {
  documents(R"("in": "nowhere")");
  const std::string page = dtud.path("calls"), deaths = dtud.path("deaths.json");
  const auto starts = [&] {
    dtud.start();
    EXPECT_TRUE(dtud.channel_is("1", "up"));
    EXPECT_FALSE(held());
    EXPECT_EQ(dtud.stop(), 0);
  };
  starts();
  const std::string whole = read_file(page);
  ASSERT_GT(whole.size(), 4096U);
  for (const std::string& bytes : {std::string(), whole.substr(0, 1000), std::string(whole.size(), '\xff'),
                                   whole + "more", std::string(1U << 20U, 'x')}) {
    write_file(page, bytes);
    write_file(deaths, bytes);
    starts();
  }
  write_file(deaths,
             R"({"version": 1, "boot": 7, "instances": [1, {}, {"name": "channel 1", "at_ns": "x", "held": true}]})");
  starts();
  std::filesystem::remove(page);
  std::filesystem::create_directory(page);
  write_file(page + "/x", "");
  std::filesystem::remove(deaths);
  std::filesystem::create_directory(deaths);
  starts();
  EXPECT_THAT(dtud.log(), HasSubstr("cannot make " + page));
  std::filesystem::remove_all(page);
  ASSERT_EQ(::mkfifo(page.c_str(), 0600), 0);
  starts();
  write_file(folder.path("victim"), "keep");
  std::filesystem::remove(page);
  std::filesystem::create_symlink(folder.path("victim"), page);
  starts();
  EXPECT_EQ(read_file(folder.path("victim")), "keep");
}

}  // namespace
}  // namespace e2e
