// A plugin is replaced by another build of it while messages pass: none is lost, none overtakes another, and what comes
// twice is what was in flight at a hand-over.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <iostream>

#include "harness/build.hpp"
#include "harness/dtud.hpp"
#include "harness/flood.hpp"
#include "harness/frame.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

constexpr int kTimes = 50;
constexpr size_t kLength = 64;  // of a message

std::string version(int n) { return "0.2." + std::to_string(n % 10); }

std::string channel(uint16_t port, const std::string& more) {
  return R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "\n"}}}, "conf": {"1": {"protocol": "tcp", )"
         R"("serialID": "1", "port": )" +
         std::to_string(port) + R"(, "reconnect": {"min_ms": 10, "max_ms": 50}, "outbox": {"overflow": "block"}, )" +
         more + "}}}";
}

struct PluginUpgrade : testing::Test {
  Pty pty;
  Dtud dtud;
  Ran upgrade(const std::string& file, std::vector<std::string> more = {}) {
    more.insert(more.begin(), {"plugins", "upgrade", file});
    return dtud.dtuctl(more);
  }
  [[nodiscard]] std::string runs(const std::string& instance) const {  // the version of its plugin
    const std::string id = text(with(at(dtud.status(), "instances"), "name", instance), "plugin");
    const Json plugins = parse_json(dtud.get("/v1/plugins").body);
    for (size_t i = 0; i < size(plugins); ++i) {
      const std::string at = "[" + std::to_string(i) + "]";
      if (text(plugins, at + ".id") == id && text(plugins, at + ".loaded") == "true")
        return text(plugins, at + ".version");
    }
    return "";
  }
  [[nodiscard]] int64_t dead_images() const { return number(dtud.status(), "dead_images"); }
};

// Each with a build of its own: 0.2.0, 0.2.1, ...; later ones alternate, which takes --force to go down.
TEST_F(PluginUpgrade, ATcpClientFiftyTimesUnderLoad) {
  TcpSink sink;
  dtud.ports({{"1", pty.device()}}).device(channel(sink.port(), R"("url": "127.0.0.1")"));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  std::vector<std::string> builds;
  for (int i = 0; i < 10; ++i) builds.push_back(build_of(dtud, "channel-tcp", version(i)));
  uint32_t last = 0;
  {
    Flood flood(pty, 'a', kLength);
    for (int i = 0; i < kTimes; ++i) {
      const uint64_t before = sink.came();
      const Ran ran = upgrade(builds[static_cast<size_t>(i) % builds.size()], {"--force"});
      ASSERT_EQ(ran.status, 0) << "the " << i << "th: " << ran.output;
      ASSERT_TRUE(eventually([&] { return sink.came() > before; })) << "nothing passes after the " << i << "th";
    }
    EXPECT_EQ(runs("channel 1"), version(kTimes - 1));
    flood.end();
    ASSERT_TRUE(eventually([&] { return flood.done(); }));
    last = flood.sent();
  }
  ASSERT_TRUE(sink.has('a', last));
  const Tally tally = sink.tally();
  EXPECT_EQ(tally.wrong('a', last), "");
  EXPECT_EQ(sink.connections(), static_cast<uint64_t>(kTimes + 1));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
  EXPECT_EQ(number(dtud.port("1"), "dropped"), 0);
  std::cerr << last << " messages, " << tally.of('a').again << " of them twice, the farthest step back "
            << tally.of('a').farthest_back << "; " << dead_images() << " dead images\n";
  EXPECT_EQ(dtud.stop(), 0);
}

// A server's clients are let go and come back by themselves; until then everything waits (when_empty hold).
TEST_F(PluginUpgrade, ATcpServerUnderLoad) {
  const uint16_t port = free_port();
  dtud.ports({{"1", pty.device()}}).device(channel(port, R"("mode": "server", "when_empty": "hold")"));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_EQ(dtud.listen_port("1"), port);
  Tally tally;
  std::atomic<bool> ending{false};
  std::atomic<uint64_t> came{0};
  std::thread client([&] {
    while (!ending) {
      TcpPeer peer(port);
      std::string in;
      while (!ending && peer.fd() >= 0 && wait_readable(peer.fd(), 20)) {
        const bool open = read_some(peer.fd(), in);
        tally.lines(in);
        came = tally.came();
        if (!open) break;
      }
      tally.half(in);
    }
  });
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  uint32_t last = 0;
  {
    Flood flood(pty, 'a', kLength);
    for (int i = 0; i < 10; ++i) {
      const uint64_t before = came;
      const Ran ran = upgrade(build_of(dtud, "channel-tcp", version(i)));
      EXPECT_EQ(ran.status, 0) << ran.output;
      EXPECT_TRUE(eventually([&] { return came > before; })) << "nothing passes after the " << i << "th";
    }
    flood.end();
    EXPECT_TRUE(eventually([&] { return flood.done(); }));
    last = flood.sent();
  }
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_TRUE(eventually([&] { return number(dtud.channel("1"), "outbox.in_flight") == 0; }));
  ending = true;
  client.join();
  EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
  EXPECT_EQ(tally.missing('a', last), "");
  EXPECT_EQ(tally.of('a').out_of_order, 0U);
  std::cerr << last << " messages, " << tally.of('a').again << " of them twice\n";
  EXPECT_EQ(dtud.stop(), 0);
}

// The line stays with the module: what is written to it meanwhile is read afterwards, what is to be written to it
// waits.
TEST_F(PluginUpgrade, TheHalUnderLoadBothWays) {
  TcpServer server;
  dtud.ports({{"1", pty.device()}}).device(channel(server.port(), R"("url": "127.0.0.1")"));
  dtud.start();
  TcpPeer peer = server.accept();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  std::vector<std::string> builds;
  for (int i = 0; i < 10; ++i) builds.push_back(build_of(dtud, "hal-linux", version(i)));
  std::string up, down;
  for (uint32_t i = 1; i <= 40'000; ++i) up += numbered_line(i);
  for (uint32_t i = 1; i <= 40'000; ++i) down += numbered_line(i);
  std::thread changes([&] {
    for (const std::string& build : builds) {
      const Ran ran = upgrade(build);
      EXPECT_EQ(ran.status, 0) << ran.output;
    }
  });
  const auto came = carry({{&pty, &peer, up}, {&peer, &pty, down}});
  changes.join();
  EXPECT_EQ(difference(up, came[0]), "");
  EXPECT_EQ(difference(down, came[1]), "");
  EXPECT_EQ(runs("hal linux"), version(9));
  EXPECT_EQ(number(dtud.port("1"), "dropped"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

// Frames on the line, questions and answers: each is answered, also those that come while the dialect changes hands.
// One question after the other is answered while plugins are replaced.
struct Questions : PluginUpgrade {
  void go_on_while(const std::vector<std::string>& names);
};

void Questions::go_on_while(const std::vector<std::string>& names) {
  dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})").device(R"({"uconf": {"1": {}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(eventually([&] { return text(dtud.status(), "password") != "none"; }));
  std::atomic<bool> over{false};
  std::thread changes([&] {
    for (int i = 0; i < 10; ++i) {
      for (const std::string& name : names) {
        const Ran ran = upgrade(build_of(dtud, name, version(i)));
        EXPECT_EQ(ran.status, 0) << ran.output;
      }
    }
    over = true;
  });
  int asked = 0;
  for (; !over; ++asked) {
    const Json answer = ask(pty, R"({"msg_id": 7, "cmd_code": "0x03", "password": "640000"})");
    if (text(answer, "data") != "CSQ17") {
      ADD_FAILURE() << "question " << asked << ": " << to_json(answer);
      break;
    }
  }
  changes.join();
  EXPECT_GT(asked, 20);
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Questions, WhileWhoSpeaksIsReplaced) { go_on_while({"command-dtu"}); }
TEST_F(Questions, WhileWhoAnswersIsReplaced) { go_on_while({"hal-sim"}); }

// Half a frame is in when the dialect changes hands; the other half completes it.
TEST_F(PluginUpgrade, HalfAFrame) {
  dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})").device(R"({"uconf": {"1": {"frame_idle_ms": 30000}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(eventually([&] { return text(dtud.status(), "password") != "none"; }));
  const std::string whole = command(R"({"msg_id": 7, "cmd_code": "0x03", "password": "640000"})");
  ASSERT_TRUE(pty.write(whole.substr(0, whole.size() / 2)));
  ASSERT_TRUE(eventually([&] { return number(dtud.port("1"), "rx_bytes") == static_cast<int64_t>(whole.size() / 2); }));
  const Ran ran = upgrade(build_of(dtud, "command-dtu", "0.2.0"));
  ASSERT_EQ(ran.status, 0) << ran.output;
  ASSERT_TRUE(pty.write(whole.substr(whole.size() / 2)));
  EXPECT_EQ(text(parse_json(read_frame(pty)), "data"), "CSQ17");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(PluginUpgrade, TheChoiceSurvivesARestartAndCanBeTakenBack) {
  TcpSink sink;
  dtud.ports({{"1", pty.device()}}).device(channel(sink.port(), R"("url": "127.0.0.1")"));
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(runs("channel 1"), "0.1.0");
  const std::string newer = build_of(dtud, "channel-tcp", "0.2.0");
  const Ran ran = upgrade(newer, {"--json"});
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(text(parse_json(ran.output), "result"), "upgraded");
  EXPECT_EQ(text(parse_json(ran.output), "moved[0].instance"), "channel 1");
  EXPECT_EQ(dead_images(), 1);
  EXPECT_EQ(dtud.metric("dtu_plugin_dead_images"), 1);
  EXPECT_NE(upgrade(newer).output.find("runs already"), std::string::npos);
  std::filesystem::remove(newer);  // what runs is a copy
  ASSERT_EQ(dtud.stop(), 0);

  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(runs("channel 1"), "0.2.0");
  EXPECT_EQ(dead_images(), 0);
  const Ran back = dtud.dtuctl({"plugins", "upgrade", "--rollback", "org.dtukit.channel-tcp"});
  ASSERT_EQ(back.status, 0) << back.output;
  EXPECT_EQ(runs("channel 1"), "0.1.0");
  ASSERT_EQ(dtud.stop(), 0);
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(runs("channel 1"), "0.1.0");
  ASSERT_EQ(dtud.dtuctl({"plugins", "upgrade", "--rollback", "org.dtukit.channel-tcp"}).status, 0);
  EXPECT_EQ(runs("channel 1"), "0.2.0") << "and forth again";
  ASSERT_EQ(dtud.stop(), 0);

  // A build that is gone keeps nobody from starting: the plugin of the package is used.
  for (const auto& entry : std::filesystem::directory_iterator(dtud.path("state/plugins")))
    if (entry.path().extension() == ".so") std::filesystem::remove(entry.path());
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(runs("channel 1"), "0.1.0");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(PluginUpgrade, ManyInstancesAndOneThatDoesNotRun) {
  TcpSink sink;
  std::string channels;
  for (int i = 1; i <= 5; ++i)
    channels += (i == 1 ? "\"" : ", \"") + std::to_string(i) +
                R"(": {"protocol": "tcp", "url": "127.0.0.1", "port": )" +
                std::to_string(i == 5 ? free_port() : sink.port()) + "}";
  dtud.hal(R"({"type": "sim"})").device("{\"conf\": {" + channels + "}}");
  dtud.start();
  for (int i = 1; i <= 4; ++i) ASSERT_TRUE(dtud.channel_is(std::to_string(i), "up"));
  ASSERT_TRUE(dtud.channel_is("5", "down")) << "nobody listens there";
  const Ran ran = upgrade(build_of(dtud, "channel-tcp", "0.2.0"), {"--json"});
  ASSERT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(size(at(parse_json(ran.output), "moved")), 5U);
  for (int i = 1; i <= 4; ++i) EXPECT_TRUE(dtud.channel_is(std::to_string(i), "up"));
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
