// The control API and dtuctl against a dtud at work; starting and stopping it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <regex>
#include <sstream>
#include <thread>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

struct Control : testing::Test {
  Pty pty;
  Dtud dtud;
  TcpPeer client;
  void start() {
    if (dtud.log().empty()) dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})");
    dtud.device(R"({"uconf": {"1": {"mode": "raw"}}, "conf": {"1": {"protocol": "tcp", "serialID": "1",
      "mode": "server", "outbox": {"overflow": "block"}}}})");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
    client = TcpPeer(dtud.listen_port("1"));
    ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 1; }));
  }
};

TEST_F(Control, EveryPathAnswersAndMetricsArePrometheusText) {
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_EQ(number(dtud.status(), "pid"), dtud.process().pid());
  for (const char* path : {"/v1/plugins", "/v1/components/tcp", "/v1/commands", "/v1/points", "/v1/points/radio.csq",
                           "/v1/ports", "/v1/channels", "/v1/config", "/v1/config/board", "/v1/log?lines=5"}) {
    const HttpAnswer answer = dtud.get(path);
    EXPECT_EQ(answer.status, 200) << path;
    EXPECT_FALSE(parse_json(answer.body).isEmpty()) << path << answer.body;
  }
  EXPECT_EQ(dtud.get("/v1/components/pigeon").status, 404);
  EXPECT_EQ(dtud.get("/v1/nothing").status, 404);
  EXPECT_EQ(dtud.put("/v1/points/gpio.1", "1").status, 200);
  EXPECT_EQ(number(parse_json(dtud.get("/v1/points/gpio.1").body), "value"), 1);
  const std::regex sample(R"re([a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="([^"\\]|\\.)*",?)*\})? [-+0-9.eE]+)re");
  const std::regex comment(R"(# (HELP|TYPE) [a-zA-Z_:][a-zA-Z0-9_:]* .+)");
  std::istringstream metrics(dtud.get("/metrics").body);
  int samples = 0;
  for (std::string line; std::getline(metrics, line); samples += line[0] != '#' ? 1 : 0)
    EXPECT_TRUE(std::regex_match(line, line[0] == '#' ? comment : sample)) << line;
  EXPECT_GT(samples, 20);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Control, TapShowsWhatPasses) {
  ASSERT_NO_FATAL_FAILURE(start());
  HttpStream tap(dtud.socket(), "/v1/tap?target=port:1");
  ASSERT_TRUE(pty.write("hello"));
  EXPECT_TRUE(tap.read_until("aGVsbG8=")) << tap.received();
  EXPECT_EQ(client.read(5), "hello");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Control, DtuctlSaysByItsExitStatusHowItWent) {
  ASSERT_NO_FATAL_FAILURE(start());
  for (const std::vector<std::string>& good :
       std::vector<std::vector<std::string>>{{"status"},
                                             {"plugins"},
                                             {"inspect", "tcp"},
                                             {"commands"},
                                             {"points"},
                                             {"read", "radio.csq"},
                                             {"ports"},
                                             {"channels"},
                                             {"config", "show"},
                                             {"config", "check", dtud.path("dtu_config.json")},
                                             {"log"}}) {
    const Ran ran = dtud.dtuctl(good);
    EXPECT_EQ(ran.status, 0) << good[0] << ": " << ran.output;
  }
  EXPECT_NE(dtud.dtuctl({"inspect", "pigeon"}).status, 0);
  EXPECT_NE(dtud.dtuctl({"read", "no.such"}).status, 0);
  EXPECT_NE(dtud.dtuctl({"nonsense"}).status, 0);
  EXPECT_EQ(dtud.stop(), 0);
  EXPECT_NE(dtud.dtuctl({"status"}).status, 0);
}

TEST_F(Control, AHundredClientsAtOnceDisturbNoTraffic) {
  ASSERT_NO_FATAL_FAILURE(start());
  std::atomic<int> answered{0};
  std::vector<std::thread> askers;
  for (int i = 0; i < 100; ++i)
    askers.emplace_back([&] {
      // 503 with Retry-After is how a busy server asks for patience.
      eventually([&] { return http(dtud.socket(), "GET", "/v1/status").status == 200; });
      ++answered;
    });
  const std::string up = pattern(2U << 20U, 7), down = pattern(2U << 20U, 8);
  const auto came = carry({{&pty, &client, up}, {&client, &pty, down}});
  for (std::thread& asker : askers) asker.join();
  EXPECT_EQ(difference(up, came[0]), "");
  EXPECT_EQ(difference(down, came[1]), "");
  EXPECT_EQ(answered, 100);
  EXPECT_EQ(dtud.stop(), 0);
}

// Issue 9, row 23: an incomplete body was taken as the whole document, and removed all channels.
TEST_F(Control, ABodyThatDidNotArriveWholeChangesNothing) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string before = dtud.get("/v1/config").body;
  const std::string put = "PUT /v1/config HTTP/1.1\r\nHost: dtud\r\n";
  const std::string chunked = put + "Transfer-Encoding: chunked\r\n\r\n";
  for (const std::string& bytes :
       {chunked + "2\r\n{}\r\n", chunked + "2\r\n{}", chunked + "2\r\n{}\r\nzz\r\n", chunked + "2\r\n{}\r\n0\r\n",
        chunked + "q\r\n{}\r\n0\r\n\r\n", put + "Content-Length: 30\r\n\r\n{}"})
    EXPECT_EQ(http_bytes(dtud.socket(), bytes).status, 400) << bytes;
  EXPECT_EQ(dtud.get("/v1/config").body, before);
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(dtud.metric("dtu_control_refused_total{reason=\"bad request\"}"), 6);
  EXPECT_EQ(http_bytes(dtud.socket(), chunked + "2\r\n{}\r\n0\r\n\r\n").status, 200);
  EXPECT_EQ(size(parse_json(dtud.get("/v1/channels").body)), 0U);
}

// Issue 9, row 23: eight clients that sent nothing, or half of a request, locked out everybody else for ten seconds.
TEST_F(Control, SlowClientsDoNotLockOutTheOthers) {
  ASSERT_NO_FATAL_FAILURE(start());
  std::vector<Descriptor> slow;
  for (int i = 0; i < 20; ++i)
    for (const char* bytes : {"", "GET /v1/sta", "PUT /v1/config HTTP/1.1\r\nContent-Length: 9\r\n\r\n{"}) {
      slow.push_back(http_begin(dtud.socket(), bytes));
      ASSERT_TRUE(slow.back());
      ASSERT_EQ(dtud.get("/v1/status").status, 200) << slow.size();
    }
  const Ran ran = dtud.dtuctl({"channels"});
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Control, StoppingFlushesWhatWasTaken) {
  ASSERT_NO_FATAL_FAILURE(start());
  const std::string lines = numbered_lines(1, 2000);
  ASSERT_TRUE(pty.write(lines));
  ASSERT_TRUE(eventually([&] { return number(dtud.port("1"), "rx_bytes") == static_cast<int64_t>(lines.size()); }));
  EXPECT_EQ(dtud.stop(), 0);
  EXPECT_EQ(difference(lines, client.read_to_end()), "");
}

TEST_F(Control, ASecondDtudOnTheSameSocketIsRefused) {
  ASSERT_NO_FATAL_FAILURE(start());
  const Ran second = run({kDtud, "--board", dtud.path("board.json")});
  EXPECT_EQ(second.status, 3) << second.output;
  EXPECT_NE(second.output.find(dtud.socket()), std::string::npos) << second.output;
  EXPECT_TRUE(dtud.answers());
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Control, FiftyStartsAndStopsLeaveNothingBehind) {
  const auto files = [this] {
    std::vector<std::string> names;
    for (const auto& entry :
         std::filesystem::recursive_directory_iterator(std::filesystem::path(dtud.socket()).parent_path()))
      names.push_back(entry.path().string());
    std::sort(names.begin(), names.end());
    return names;
  };
  std::vector<std::string> first;
  size_t fds = 0;
  for (int i = 0; i < 50; ++i) {
    ASSERT_NO_FATAL_FAILURE(start());
    if (i == 0) fds = dtud.open_fds();
    EXPECT_TRUE(eventually([&] { return dtud.open_fds() == fds; })) << dtud.open_fds() << " and first " << fds;
    client.close();
    ASSERT_EQ(dtud.stop(), 0) << i;
    if (i == 0) first = files();
    ASSERT_EQ(files(), first) << i;
  }
}

TEST_F(Control, AnIdleDtudSleeps) {
  ASSERT_NO_FATAL_FAILURE(start());
  // Until what starting left behind is over: one second without a wake-up, or nearly.
  int64_t woken = 0;
  EXPECT_TRUE(eventually([&] {
    const int64_t before = dtud.proc_number("voluntary_ctxt_switches");
    ::poll(nullptr, 0, 2000);  // the time that is measured
    return (woken = dtud.proc_number("voluntary_ctxt_switches") - before) < 50;
  }));
  std::cout << "wake-ups of the main thread in 2 s: " << woken << "\n";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Control, AKilledDtudStartsAgain) {
  ASSERT_NO_FATAL_FAILURE(start());
  dtud.kill();
  EXPECT_FALSE(dtud.answers());
  dtud.start();
  EXPECT_TRUE(dtud.port_is("1", "up"));
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
