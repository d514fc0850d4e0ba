// `isolate`: instances in processes of their own. They work as the others do, and their ends are outages of theirs
// only: nothing that was not completed is lost, order is kept, and dtud and the other channels do not notice.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <map>
#include <memory>
#include <random>
#include <vector>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

constexpr const char* kRaw = R"("uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}})";

std::string tcp_to(uint16_t port, const std::string& more = "") {
  return R"({"protocol": "tcp", "serialID": "1", "url": "127.0.0.1", "reconnect": {"min_ms": 10, "max_ms": 100}, "port": )" +
         std::to_string(port) + more + "}";
}

struct Isolate : testing::Test {
  Pty pty;
  Dtud dtud;

  [[nodiscard]] Json instance(const std::string& name) const {
    return with(at(dtud.status(), "instances"), "name", name);
  }
  [[nodiscard]] pid_t pid_of(const std::string& name) const {
    return static_cast<pid_t>(number(instance(name), "isolated.pid"));
  }
  // The process of an instance that runs, another one than `before`.
  [[nodiscard]] pid_t runs(const std::string& name, pid_t before = 0) const {
    pid_t pid = 0;
    eventually([&] {
      pid = pid_of(name);
      return pid > 0 && pid != before && text(instance(name), "state") == "up";
    });
    return pid;
  }
  [[nodiscard]] bool died(const std::string& name, const std::string& how) const {
    return eventually([&] { return text(instance(name), "isolated.last_death").find(how) != std::string::npos; });
  }
  void start(const std::string& device) {
    dtud.ports({{"1", pty.device()}}).device(device);
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
  static bool gone(pid_t pid) {
    return eventually([&] { return ::kill(pid, 0) != 0; });
  }
};

TEST_F(Isolate, ATcpChannelCarriesBothWays) {
  TcpSink sink;
  ASSERT_NO_FATAL_FAILURE(
      start(std::string("{") + kRaw + R"(, "conf": {"1": )" + tcp_to(sink.port(), R"(, "isolate": true)") + "}}"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  const pid_t pid = runs("channel 1");
  ASSERT_GT(pid, 0);
  EXPECT_NE(pid, dtud.process().pid());
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 5000)));
  ASSERT_TRUE(sink.has('a', 5000)) << sink.tally().missing('a', 5000);
  EXPECT_EQ(sink.tally().wrong('a', 5000), "");
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  sink.send(marked_lines('b', 1, 5000));
  EXPECT_EQ(pty.read(5000 * kMarkedLength), marked_lines('b', 1, 5000));
  EXPECT_GT(number(instance("channel 1"), "isolated.rss_kib"), 0);
  EXPECT_EQ(dtud.metric("dtu_tcp_connects_total{component=\"channel 1\"}"), 1);
  EXPECT_EQ(dtud.stop(), 0);
  EXPECT_TRUE(gone(pid));
}

// Killed at any moment under load, again and again; the pauses between restarts grow, so many channels are killed a few
// times each, beside one that runs in dtud itself.
TEST_F(Isolate, KillsUnderLoadLoseNothingThatWasNotCompleted) {
  const bool long_tests = std::getenv("DTU_LONG_TESTS") != nullptr;
  const size_t channels = long_tests ? 13 : 4;
  const int kills = long_tests ? 4 : 3;
  TcpSink sink, other;
  std::vector<std::unique_ptr<Pty>> lines;
  std::map<std::string, std::string> devices;
  std::string ports, conf;
  for (size_t i = 0; i <= channels; ++i) {
    lines.push_back(std::make_unique<Pty>());
    const std::string id = std::to_string(i + 1);
    const bool isolated = i < channels;
    devices[id] = lines.back()->device();
    ports += (i == 0 ? "\"" : ", \"") + id + R"(": {"mode": "raw", "packet": {"delimiter": "0x0a"}})";
    conf += (i == 0 ? "\"" : ", \"") + id + R"(": {"protocol": "tcp", "url": "127.0.0.1", "serialID": ")" + id +
            R"(", "outbox": {"overflow": "block"}, "reconnect": {"min_ms": 10, "max_ms": 100}, "isolate": )" +
            (isolated ? "true" : "false") + R"(, "port": )" + std::to_string(isolated ? sink.port() : other.port()) +
            "}";
  }
  dtud.ports(devices).device(R"({"uconf": {)" + ports + R"(}, "conf": {)" + conf + "}}");
  dtud.start();
  const pid_t self = dtud.process().pid();
  std::minstd_rand random(7);
  std::vector<uint32_t> sent(channels + 1);
  std::vector<pid_t> pids(channels);
  const auto source = [](size_t i) { return static_cast<char>('a' + i); };
  const auto say = [&](size_t i, uint32_t count) {
    ASSERT_TRUE(lines[i]->write(marked_lines(source(i), sent[i] + 1, count)));
    sent[i] += count;
  };
  size_t fds = 0;
  for (int kill = 0; kill < kills; ++kill) {
    for (size_t i = 0; i < channels; ++i) {
      const std::string name = "channel " + std::to_string(i + 1);
      pids[i] = runs(name, pids[i]);
      ASSERT_GT(pids[i], 0) << name;
    }
    if (kill == 0) fds = dtud.open_fds();
    for (size_t i = 0; i < channels; ++i) {
      ASSERT_NO_FATAL_FAILURE(say(i, 200 + static_cast<uint32_t>(random() % 2000)));
      ::kill(pids[i], SIGKILL);
      ASSERT_NO_FATAL_FAILURE(say(i, 200));
      ASSERT_NO_FATAL_FAILURE(say(channels, 100));
    }
  }
  for (size_t i = 0; i < channels; ++i) {
    const std::string id = std::to_string(i + 1);
    ASSERT_TRUE(sink.has(source(i), sent[i])) << sink.tally().missing(source(i), sent[i]);
    EXPECT_EQ(sink.tally().wrong(source(i), sent[i]), "");
    EXPECT_EQ(number(dtud.channel(id), "outbox.dropped"), 0);
    EXPECT_TRUE(died("channel " + id, "signal 9"));
    EXPECT_EQ(number(instance("channel " + id), "isolated.deaths"), kills);
    ASSERT_GT(runs("channel " + id, pids[i]), 0);
  }
  ASSERT_TRUE(other.has(source(channels), sent[channels]));
  EXPECT_EQ(other.tally().of(source(channels)).again, 0U) << "the other channel noticed";
  EXPECT_EQ(other.connections(), 1U);
  EXPECT_EQ(dtud.process().pid(), self);
  EXPECT_TRUE(dtud.process().running());
  // The disk lane, which begins with the first job, has three.
  EXPECT_TRUE(eventually([&] { return dtud.open_fds() <= fds + 3; }))
      << dtud.open_fds() << " descriptors, were " << fds;
}

TEST_F(Isolate, AnMqttChannelIsIsolatedToo) {
  MqttSink sink;
  ASSERT_NO_FATAL_FAILURE(start(std::string("{") + kRaw + R"(, "conf": {"1": {"protocol": "mqtt", "serialID": "1",
    "url": "127.0.0.1", "qos": 1, "clientID": "iso", "publish": {"0": "up"}, "subscribe": {"0": "down"},
    "isolate": {"memory_mb": 128}, "reconnect": {"min_ms": 10, "max_ms": 100}, "port": )" +
                                std::to_string(sink.port()) + "}}}"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 500)));
  ASSERT_TRUE(sink.has('a', 500));
  ::kill(runs("channel 1"), SIGKILL);
  ASSERT_TRUE(pty.write(marked_lines('a', 501, 500)));
  ASSERT_TRUE(sink.has('a', 1000)) << sink.tally().missing('a', 1000);
  EXPECT_EQ(sink.tally().wrong('a', 1000), "");
}

// The HAL and the dialect: the port is read and written over there, and commands answered.
TEST_F(Isolate, HalsAndCommandComponentsAreIsolatedToo) {
  dtud.hal(R"({"type": "linux", "isolate": true, "ports": {"1": {"device": ")" + pty.device() + "\"}}}");
  dtud.hal(R"({"type": "sim", "isolate": true})");
  dtud.board(R"("commands": [{"type": "dtu", "isolate": true}])");
  dtud.device(R"({"uconf": {"1": {}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(eventually([&] { return text(dtud.status(), "password") != "none"; }));
  for (const char* name : {"hal linux", "hal sim", "command dtu"}) ASSERT_GT(runs(name), 0) << name;
  const std::string question = R"({"msg_id": 7, "cmd_code": 3, "password": "640000"})";
  EXPECT_EQ(text(ask(pty, question), "data"), "CSQ17");
  // What the HAL was in the middle of is taken up by the next process; the dialect's session is opened anew.
  for (const char* name : {"hal linux", "command dtu", "hal sim"}) {
    const pid_t pid = runs(name);
    ::kill(pid, SIGKILL);
    ASSERT_GT(runs(name, pid), 0) << name;
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(eventually([&] { return dtud.get("/v1/points").body.find("radio.csq") != std::string::npos; }));
    EXPECT_EQ(text(ask(pty, question), "data"), "CSQ17") << "after the end of " << name;
  }
}

// One kind of end after the other, of one plugin (fixtures/dies.cpp), each told as what it was.
struct IsolateDeaths : Isolate {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  void SetUp() override { GTEST_SKIP() << "a sanitizer ends a process in its own way, and bounds no memory"; }
#endif
  void start_dying(const std::string& way, const std::string& isolate = "true") {
    std::filesystem::create_directories(dtud.path("plugins"));
    for (const auto& file : std::filesystem::directory_iterator(kPlugins))
      if (file.path().extension() == ".so")
        std::filesystem::copy(file.path(), dtud.path("plugins") + "/" + file.path().filename().string());
    std::filesystem::copy(std::string(E2E_FIXTURES) + "/dies.so", dtud.path("plugins") + "/dies.so");
    dtud.plugins(dtud.path("plugins"));
    // It dies of a message that says so, once: what was sent is sent again to one that has learnt.
    dtud.environment({"DTU_FIXTURE_ONCE=" + dtud.path("died")});
    ASSERT_NO_FATAL_FAILURE(start(std::string("{") + kRaw +
                                  R"(, "conf": {"1": {"protocol": "dies", "serialID": "1", "way": ")" + way +
                                  R"(", "isolate": )" + isolate + "}}}"));
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    ASSERT_TRUE(pty.write("hello\n"));
  }
  void expect_death(const std::string& how) {
    EXPECT_TRUE(died("channel 1", how)) << text(instance("channel 1"), "isolated.last_death");
    expect_delivered();
    EXPECT_EQ(number(instance("channel 1"), "isolated.deaths"), 1);
  }
  void expect_delivered() {
    EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 1)) << "what was not completed is sent again";
    EXPECT_TRUE(dtud.channel_is("1", "up"));
    EXPECT_EQ(number(instance("channel 1"), "restarts"), 1);
    EXPECT_TRUE(dtud.process().running());
  }
};

TEST_F(IsolateDeaths, ASegmentationFault) {
  ASSERT_NO_FATAL_FAILURE(start_dying("segfault"));
  expect_death("signal 11 (Segmentation fault) in send()");
}
TEST_F(IsolateDeaths, AnAbort) {
  ASSERT_NO_FATAL_FAILURE(start_dying("abort"));
  expect_death("signal 6 (Aborted) in send()");
}
TEST_F(IsolateDeaths, AnExit) {
  ASSERT_NO_FATAL_FAILURE(start_dying("exit"));
  expect_death("exit status 3 in send()");
}
TEST_F(IsolateDeaths, AnExceptionInAThread) {
  ASSERT_NO_FATAL_FAILURE(start_dying("thread"));
  expect_death("an uncaught exception: from a thread");
}
TEST_F(IsolateDeaths, AnException) {
  ASSERT_NO_FATAL_FAILURE(start_dying("exception"));
  expect_delivered();
  EXPECT_NE(dtud.log().find("from send"), std::string::npos);
  EXPECT_EQ(number(instance("channel 1"), "isolated.deaths"), 0) << "it could end in order";
}
TEST_F(IsolateDeaths, MoreMemoryThanItMayUse) {
  ASSERT_NO_FATAL_FAILURE(start_dying("memory", R"({"memory_mb": 24})"));
  expect_delivered();
  EXPECT_NE(dtud.log().find("bad_alloc"), std::string::npos) << "it got what it asked for";
}
TEST_F(IsolateDeaths, ACallThatDoesNotComeBack) {
  ASSERT_NO_FATAL_FAILURE(start_dying("hang", R"({"stall_s": 1})"));
  expect_death("did not return from send()");
}
TEST_F(IsolateDeaths, WhatItWritesOverItsSocketIsNotBelieved) {
  ASSERT_NO_FATAL_FAILURE(start_dying("garbage"));
  expect_death("sent an invalid frame");
}

// A plugin that does not end when it should is no reason not to stop.
TEST_F(IsolateDeaths, OneThatHangsDoesNotHoldUpTheStop) {
  ASSERT_NO_FATAL_FAILURE(start_dying("hang"));
  const pid_t pid = pid_of("channel 1");
  EXPECT_EQ(dtud.stop(), 0);
  EXPECT_TRUE(gone(pid));
}

// Issue 9, row 25: nothing was in a call, so nobody noticed for as long as its socket held what it was told.
TEST_F(Isolate, AStoppedProcessIsFoundAndStartedAgain) {
  TcpSink sink;
  ASSERT_NO_FATAL_FAILURE(
      start(std::string("{") + kRaw + R"(, "conf": {"1": )" + tcp_to(sink.port(), R"(, "isolate": true)") + "}}"));
  const pid_t pid = runs("channel 1");
  ASSERT_GT(pid, 0);
  ASSERT_EQ(::kill(pid, SIGSTOP), 0);
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 100)));
  const auto last_death = [&] { return text(instance("channel 1"), "isolated.last_death"); };
  EXPECT_TRUE(eventually([&] { return !last_death().empty(); }, std::chrono::minutes(2)));
  // The second, when it was stopped while it was asked for its health.
  const std::string said = last_death();
  EXPECT_TRUE(said.find("did not answer for 20 s") != std::string::npos ||
              said.find("did not return from health()") != std::string::npos)
      << said;
  EXPECT_NE(runs("channel 1", pid), 0);
  EXPECT_TRUE(gone(pid));
  ASSERT_TRUE(sink.has('a', 100)) << sink.tally().missing('a', 100);
  EXPECT_EQ(number(instance("channel 1"), "isolated.deaths"), 1);
  EXPECT_EQ(number(instance("channel 1"), "restarts"), 1);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Isolate, TheProcessEndsWithDtud) {
  TcpSink sink;
  ASSERT_NO_FATAL_FAILURE(
      start(std::string("{") + kRaw + R"(, "conf": {"1": )" + tcp_to(sink.port(), R"(, "isolate": true)") + "}}"));
  const pid_t pid = runs("channel 1");
  ASSERT_GT(pid, 0);
  dtud.kill();
  EXPECT_TRUE(gone(pid));
}

// What it cannot have is said where it stands.
TEST_F(Isolate, AWrongSettingIsFound) {
  dtud.ports({{"1", pty.device()}}).device(R"({"conf": {"1": {"protocol": "tcp", "url": "x", "port": 1,
    "isolate": {"memory_mb": -1}}}})");
  const Ran ran = dtud.check();
  EXPECT_EQ(ran.status, 1);
  EXPECT_NE(ran.output.find("isolate"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace e2e
