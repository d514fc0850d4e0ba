// The control API and dtuctl against a dtud at work; starting and stopping it.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <thread>

#include "harness/dtud.hpp"
#include "harness/prometheus.hpp"
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
  EXPECT_EQ(fault_of_metrics(dtud.get("/metrics").body), "");
  EXPECT_EQ(dtud.stop(), 0);
}

// Issue 9, G: as docs/metrics.md has it for node_exporter.
TEST_F(Control, MetricsCanBeWrittenForNodeExporter) {
  dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})");
  dtud.device(R"({"uconf": {"1": {"mode": "raw"}}, "conf": {
    "1": {"protocol": "tcp", "serialID": "1", "mode": "server"},
    "2": {"protocol": "mqtt", "serialID": "1", "url": "127.0.0.1", "port": 1, "publish": {"0": "up"},
          "offline_storage": "on"}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write("hello"));
  ASSERT_TRUE(
      eventually([&] { return dtud.metric("dtu_spool_bytes_written_total{channel=\"2\",type=\"mqtt\"}") > 0; }));
  const std::string file = dtud.path("dtukit.prom");
  const Ran ran = dtud.dtuctl({"metrics", "--output", file});
  EXPECT_EQ(ran.status, 0) << ran.output;
  const std::string text = read_file(file);
  EXPECT_EQ(fault_of_metrics(text), "") << text;
  for (const char* sample : {"dtu_tcp_connects_total{component=\"channel 1\"} ",
                             "dtu_port_overruns_total{component=\"hal linux\",port=\"1\"} ",
                             "dtu_port_parity_errors_total{component=\"hal linux\",port=\"1\"} ",
                             "dtu_flash_life_seconds ", "dtu_metric_conflicts 0\n"})
    EXPECT_NE(text.find(sample), std::string::npos) << sample << text;
  EXPECT_EQ(text.find("instance="), std::string::npos) << text;
  EXPECT_NE(dtud.dtuctl({"metrics", "--output", dtud.path("no/such/folder.prom")}).status, 0);
  EXPECT_EQ(dtud.stop(), 0);
}

// Issue 9, G: the error of the last try was gone while the next was under way, so that it was rarely seen.
TEST_F(Control, TheLastErrorIsShownWhileItConnects) {
  TcpServer server;
  dtud.ports({{"1", pty.device()}})
      .device(R"({"conf": {"1": {"protocol": "mqtt", "serialID": "1",
    "url": "127.0.0.1", "port": )" +
              std::to_string(server.port()) + R"(, "publish": {"0": "up"}}}})");
  dtud.start();
  server.accept().close();  // the first try; the next gets no answer at all
  ASSERT_TRUE(eventually([&] { return !text(dtud.channel("1"), "error").empty(); }));
  const std::string error = text(dtud.channel("1"), "error");
  ASSERT_TRUE(dtud.channel_is("1", "connecting"));
  EXPECT_EQ(text(dtud.channel("1"), "error"), error);
  const Ran ran = dtud.dtuctl({"status"});
  EXPECT_NE(ran.output.find("channel 1: " + error), std::string::npos) << ran.output;
  EXPECT_EQ(dtud.stop(), 0);
}

// Issue 9, G: what people are shown.
TEST_F(Control, CommandsAreShownWithTheirArguments) {
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_NE(dtud.dtuctl({"commands"}).output.find("ARGUMENTS"), std::string::npos);
  const Ran one = dtud.dtuctl({"commands", "channels.connect"});
  EXPECT_EQ(one.status, 0);
  EXPECT_NE(one.output.find("channel   integer 1..98"), std::string::npos) << one.output;
  EXPECT_NE(dtud.dtuctl({"commands", "0x07"}).output.find("adcn"), std::string::npos);
  EXPECT_EQ(dtud.dtuctl({"help"}).status, 0);
  EXPECT_EQ(dtud.dtuctl({"help", "config", "set"}).output, dtud.dtuctl({"config", "set", "--help"}).output);
  EXPECT_EQ(run({kDtud, "help"}).status, 0);
  EXPECT_EQ(run({kDtud, "help"}).output, run({kDtud, "--help"}).output);
}

TEST_F(Control, APortIsNamedOnceInItsError) {
  dtud.ports({{"1", "/dev/no-such-line"}}).device(R"({"uconf": {"1": {}}})");
  dtud.start();
  ASSERT_TRUE(eventually([&] { return !text(dtud.port("1"), "error").empty(); }));
  EXPECT_EQ(text(dtud.port("1"), "error").find("port 1: "), std::string::npos);
  EXPECT_EQ(dtud.log().find("port 1: not usable: port 1"), std::string::npos);
  EXPECT_EQ(dtud.dtuctl({"ports"}).output.find("port 1: port 1"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Control, TapShowsWhatPasses) {
  ASSERT_NO_FATAL_FAILURE(start());
  HttpStream tap(dtud.socket(), "/v1/tap?target=port:1");
  ASSERT_TRUE(pty.write("hello"));
  EXPECT_TRUE(tap.read_until("aGVsbG8=")) << tap.received();
  EXPECT_NE(tap.received().find(R"("peer":0)"), std::string::npos) << "the line has no peers: " << tap.received();
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

TEST_F(Control, ASecondDtudWithTheSameDocumentsIsRefused) {
  ASSERT_NO_FATAL_FAILURE(start());
  const Ran second = run({kDtud, "--board", dtud.path("board.json")});
  EXPECT_EQ(second.status, 3) << second.output;
  EXPECT_NE(second.output.find("another dtud (process "), std::string::npos) << second.output;
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
