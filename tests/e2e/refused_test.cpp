// A message the peer never takes (D19): it is rejected, counted with its size and the reason, and the next one goes. A
// peer that fails for another reason costs no message.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "harness/dtud.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

constexpr size_t kLong = 60'000;
constexpr std::chrono::seconds kPatience{120};  // several connections, each after a longer wait
const std::string kQuick = R"(, "reconnect": {"min_ms": 10, "max_ms": 50})";

// A TCP server for lines. It resets the connection on which a line is too long for it, without reading it: the rest is
// never acknowledged. mends_after(): lines of all lengths are taken once it was reset for a line that begins so.
class PickyServer {
 public:
  explicit PickyServer(size_t longest = 2000) : longest_(longest) {
    const int small = 4096;  // inherited by the connections
    ::setsockopt(server_.fd(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    thread_ = std::thread([this] { run(); });
  }
  ~PickyServer() {
    ending_ = true;
    thread_.join();
  }
  [[nodiscard]] uint16_t port() const { return server_.port(); }
  // Resets every connection at once, whatever is sent over it.
  void be_broken(bool broken) { broken_ = broken; }
  void mends_after(char first) { mends_after_ = first; }
  [[nodiscard]] bool mended() const { return longest_ >= kLong; }
  [[nodiscard]] size_t resets() const { return resets_; }
  [[nodiscard]] std::vector<std::string> lines() {
    const std::lock_guard lock(mutex_);
    return lines_;
  }

 private:
  void run() {
    while (!ending_) {
      if (!wait_readable(server_.fd(), 20)) continue;
      TcpPeer peer(Descriptor(::accept4(server_.fd(), nullptr, nullptr, SOCK_CLOEXEC)));
      if (peer.fd() >= 0) serve(peer);
    }
  }
  void serve(TcpPeer& peer) {
    std::string line;
    while (!ending_ && !broken_) {
      char byte = 0;
      const ssize_t n = ::recv(peer.fd(), &byte, 1, 0);
      if (n == 0 || (n < 0 && errno != EAGAIN)) return;
      if (n < 0) {
        wait_readable(peer.fd(), 20);
      } else if (byte == '\n') {
        const std::lock_guard lock(mutex_);
        lines_.push_back(line);
        line.clear();
      } else if (line.push_back(byte); line.size() > longest_) {
        break;
      }
    }
    ++resets_;
    if (!line.empty() && line.front() == mends_after_) longest_ = kLong;
    if (broken_) wait_readable(peer.fd(), 5);  // as one that reads something and dies
    peer.reset();
  }
  std::atomic<size_t> longest_;
  std::atomic<char> mends_after_{'\0'};
  TcpServer server_;
  std::atomic<bool> ending_{false}, broken_{false};
  std::atomic<size_t> resets_{0};
  std::mutex mutex_;
  std::vector<std::string> lines_;
  std::thread thread_;
};

std::string document(uint16_t port, const std::string& more = "") {
  return R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "\n", "max": 65536}}}, "conf": {"1": {"protocol":
            "tcp", "serialID": "1", "url": "127.0.0.1", "port": )" +
         std::to_string(port) + more + "}}}";
}

using Lines = std::vector<std::string>;
std::string long_line() { return std::string(kLong, 'x') + "\n"; }
// Five, each longer than what a server that reads nothing acknowledges.
Lines long_lines() {
  Lines lines;
  for (char c = 'a'; c < 'f'; ++c) lines.emplace_back(kLong, c);
  return lines;
}
bool got(PickyServer& server, const Lines& lines) {
  return eventually([&] { return server.lines() == lines; }, kPatience);
}
int64_t rejected(const Dtud& dtud, const std::string& reason) {
  return number(dtud.channel("1"), "outbox.rejections." + reason + ".messages");
}

TEST(Refused, AMessageThePeerNeverTakesIsRejectedAndTheRestGoesOn) {
  Pty pty;
  PickyServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(document(server.port()));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  ASSERT_TRUE(pty.write("before\n" + long_line() + "after\n"));
  EXPECT_TRUE(got(server, {"before", "after"})) << dtud.get("/v1/channels").body;
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 2));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.rejections.closed.messages", 1));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.rejections.closed.bytes"), static_cast<int64_t>(kLong + 1));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
  EXPECT_GE(server.resets(), 3U) << "once is no reason";
  EXPECT_EQ(dtud.metric(R"(dtu_outbox_rejected_total{channel="1",type="tcp",reason="closed"})"), 1);
  EXPECT_EQ(dtud.metric(R"(dtu_outbox_rejected_bytes_total{channel="1",type="tcp",reason="closed"})"),
            static_cast<int64_t>(kLong + 1));
  EXPECT_NE(dtud.dtuctl({"channels"}).output.find("60001 bytes"), std::string::npos);
  EXPECT_NE(dtud.log().find("a message of 60001 bytes is rejected: the peer closed the connection"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

// A broker of QoS 1, until `done`. It closes the connection on which it is sent a message that it `refuses`.
void serve_mqtt(TcpServer& server, const std::function<bool()>& done,
                const std::function<bool(const std::string&)>& refuses) {
  const auto end = std::chrono::steady_clock::now() + kPatience;
  while (!done() && std::chrono::steady_clock::now() < end) {
    MqttPeer peer(server.accept());
    for (MqttPacket packet = peer.packet(); packet.head != 0; packet = peer.packet()) {
      if (packet.type() == 1) {
        ASSERT_TRUE(peer.write(mqtt_packet(0x20, std::string(2, '\0'))));
      }
      if (packet.type() != 3) continue;
      const MqttMessage message = read_publish(packet);
      if (refuses(message.payload)) break;
      const std::string id{static_cast<char>(message.id >> 8U), static_cast<char>(message.id & 0xFFU)};
      ASSERT_TRUE(peer.write(mqtt_packet(0x40, id)));
      if (done()) break;
    }
  }
}

class RefusedTest : public testing::TestWithParam<const char*> {};

TEST_P(RefusedTest, SeveralOfThem) {
  Pty pty;
  PickyServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(document(server.port(), kQuick + GetParam()));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write(long_line() + "one\ntwo\n" + long_line() + long_line() + "three\n"));
  EXPECT_TRUE(got(server, {"one", "two", "three"})) << dtud.get("/v1/channels").body;
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.rejections.closed.messages", 3));
  EXPECT_EQ(dtud.stop(), 0);
}

// The process ends in the middle of it. What it knew of the message is gone, and found again.
TEST_P(RefusedTest, AcrossAKill) {
  Pty pty;
  PickyServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}})
      .device(document(server.port(), kQuick + GetParam() + R"(, "offline_storage": "on")"));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write(long_line() + "after\n"));
  ASSERT_TRUE(dtud.channel_number("1", "outbox.accepted", 2));
  for (int life = 0; life < 2; ++life) {
    const size_t before = server.resets();
    ASSERT_TRUE(eventually([&] { return server.resets() > before; }));
    dtud.kill();
    dtud.start();
  }
  EXPECT_TRUE(got(server, {"after"})) << dtud.get("/v1/channels").body;
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.rejections.closed.messages", 1));
  EXPECT_EQ(dtud.stop(), 0);
  dtud.start();
  EXPECT_EQ(number(dtud.channel("1"), "outbox.messages"), 0) << "it does not come back";
  EXPECT_EQ(dtud.stop(), 0);
}

// A server that resets every connection, as a proxy does whose backend is gone, or a broker that falls over at start.
TEST_P(RefusedTest, AServerThatResetsEveryConnectionCostsNothing) {
  Pty pty;
  PickyServer server(kLong);
  server.be_broken(true);
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(document(server.port(), kQuick + GetParam()));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  const Lines lines = long_lines();
  for (const std::string& line : lines) ASSERT_TRUE(pty.write(line + "\n"));
  ASSERT_TRUE(dtud.channel_number("1", "outbox.accepted", 5));
  ASSERT_TRUE(eventually([&] { return server.resets() >= 60; }, kPatience));
  server.be_broken(false);
  EXPECT_TRUE(got(server, lines)) << server.lines().size() << " of 5 came";
  EXPECT_EQ(number(dtud.channel("1"), "outbox.rejected"), 0) << dtud.log();
  EXPECT_EQ(dtud.stop(), 0);
}

// A server that lets everybody connect and resets the connection when something is sent.
TEST_P(RefusedTest, AServerThatTakesNothingForAWhileCostsNothing) {
  Pty pty;
  PickyServer server(100);
  server.mends_after('c');
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(document(server.port(), kQuick + GetParam()));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  const Lines lines = long_lines();
  for (const std::string& line : lines) ASSERT_TRUE(pty.write(line + "\n"));
  EXPECT_TRUE(eventually([&] { return server.mended(); }, kPatience)) << dtud.get("/v1/channels").body;
  EXPECT_TRUE(got(server, lines)) << server.lines().size() << " of 5 came";
  EXPECT_EQ(number(dtud.channel("1"), "outbox.rejected"), 0) << dtud.log();
  EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
  EXPECT_NE(dtud.log().find("The peer may take no message at all, so none is rejected"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

// The same of an MQTT broker: it takes the connection and closes it at each PUBLISH.
TEST(Refused, ABrokerThatClosesAtEachPublishForAWhileCostsNothing) {
  constexpr size_t kMessages = 200;
  Pty pty;
  TcpServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}})
      .device(R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "\n"}}}, "conf": {"1": {"protocol": "mqtt",
              "serialID": "1", "url": "127.0.0.1", "qos": 1, "publish": {"0": "up"}, "port": )" +
              std::to_string(server.port()) + kQuick + "}}}");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  Lines sent, came;
  for (size_t i = 0; i < kMessages; ++i) sent.push_back("m" + std::to_string(i) + "\n");
  for (const std::string& line : sent) ASSERT_TRUE(pty.write(line));
  bool closes = true;  // until it closed for the third message: the first two were set aside
  serve_mqtt(
      server, [&] { return came.size() == kMessages; },
      [&](const std::string& payload) {
        if (!closes) return came.push_back(payload), false;
        closes = payload != sent[2];
        return true;
      });
  EXPECT_EQ(came, sent);
  EXPECT_EQ(number(dtud.channel("1"), "outbox.rejected"), 0) << dtud.log();
  EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

// Several in a row, and no key that makes it quick: what stands behind them goes soon.
TEST(Refused, ARunOfThemStopsAChannelForSeconds) {
  Pty pty;
  TcpServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}})
      .device(R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "\n"}}}, "conf": {"1": {"protocol": "mqtt",
              "serialID": "1", "url": "127.0.0.1", "qos": 1, "publish": {"0": "up"}, "port": )" +
              std::to_string(server.port()) + "}}}");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write("bad1\nbad2\nbad3\n1\n2\n"));
  Lines came;
  size_t closes = 0;
  const auto done = [&] { return came.size() == 2 && rejected(dtud, "closed") == 3; };
  serve_mqtt(server, done, [&](const std::string& payload) {
    if (payload.front() != 'b') return came.push_back(payload), false;
    ++closes;
    return true;
  });
  EXPECT_EQ(came, (Lines{"1\n", "2\n"}));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.rejections.closed.messages", 3));
  EXPECT_LE(closes, 14U) << "ten for the search, and what was in flight first";
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.overtaken"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

// Nothing else waits: the message is kept, and is rejected when the next one shows that the server takes messages.
TEST(Refused, AMessageAloneIsKeptUntilAnotherOneIsTaken) {
  Pty pty;
  PickyServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(document(server.port(), kQuick));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write(long_line()));
  ASSERT_TRUE(eventually([&] { return dtud.log().find("so none is rejected") != std::string::npos; }, kPatience));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.messages"), 1);
  ASSERT_TRUE(pty.write("after\n"));
  EXPECT_TRUE(got(server, {"after"})) << dtud.get("/v1/channels").body;
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_TRUE(dtud.channel_number("1", "outbox.rejections.closed.messages", 1));
  EXPECT_EQ(dtud.stop(), 0);
}

INSTANTIATE_TEST_SUITE_P(Channel, RefusedTest, testing::Values("", R"(, "isolate": true)"),
                         [](const auto& info) { return info.index == 0 ? "here" : "isolated"; });

TEST(Refused, WhatIsLongerThanMaxMessageIsNeverSent) {
  Pty pty;
  PickyServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(document(server.port(), R"(, "max_message": 2000)"));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write("before\n" + long_line() + "after\n"));
  EXPECT_TRUE(got(server, {"before", "after"}));
  EXPECT_EQ(rejected(dtud, "max_message"), 1);
  EXPECT_EQ(server.resets(), 0U);
  EXPECT_NE(dtud.log().find("a message of 60001 bytes is rejected: conf.1.max_message is 2000"), std::string::npos);
  EXPECT_EQ(dtud.stop(), 0);
}

// The operator sets the bound after the message was stored.
TEST(Refused, MaxMessageHoldsForWhatIsStored) {
  Pty pty;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}}).device(document(free_port(), R"(, "offline_storage": "always")"));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(pty.write(long_line() + "after\n"));
  ASSERT_TRUE(dtud.channel_number("1", "outbox.accepted", 2));
  PickyServer server;
  const std::string bounded = document(server.port(), R"(, "offline_storage": "always", "max_message": 2000)");
  ASSERT_EQ(dtud.put("/v1/config", bounded).status, 200);
  EXPECT_TRUE(got(server, {"after"}));
  EXPECT_EQ(rejected(dtud, "max_message"), 1);
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
