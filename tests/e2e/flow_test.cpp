// Floods: memory stays bounded, the rest goes on, and every message is delivered or counted.
#include <gtest/gtest.h>

#include <numeric>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

std::string outbox(const Json& channel, const char* member) { return text(channel, std::string("outbox.") + member); }

TEST(Flow, FloodIntoASlowPortStaysInTheSenderAndOtherLinksGoOn) {
  Pty slow, other;
  Dtud dtud;
  dtud.ports({{"1", slow.device()}, {"2", other.device()}}).device(R"({"work_mode": "raw", "uconf": {"1": {}, "2": {}},
    "conf": {"1": {"protocol": "tcp", "serialID": "1", "mode": "server"},
             "2": {"protocol": "tcp", "serialID": "2", "mode": "server"}}})");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up") && dtud.port_is("2", "up"));
  TcpPeer flooder(dtud.listen_port("1")), talker(dtud.listen_port("2"));
  const auto round_trips = [&](int from, int to) {
    for (int i = from; i < to; ++i) {
      const std::string ping = "ping " + std::to_string(i) + "\n";
      ASSERT_TRUE(talker.write(ping));
      ASSERT_EQ(other.read_until("\n"), ping);
      ASSERT_TRUE(other.write(ping));
      ASSERT_EQ(talker.read_until("\n"), ping);
    }
  };
  round_trips(0, 20);
  const int64_t before = dtud.proc_number("VmRSS");
  // As fast as the machine can, until nothing more is taken: what waits is in the sender and in the kernel.
  const std::string chunk = pattern(1U << 20U, 1);
  std::string sent;
  for (bool stuck = false; !stuck && sent.size() < (64U << 20U);) {
    const ssize_t n = write_some(flooder.fd(), std::string_view(chunk).substr(sent.size() % chunk.size()));
    ASSERT_GE(n, 0);
    sent.append(chunk, sent.size() % chunk.size(), static_cast<size_t>(n));
    pollfd p{flooder.fd(), POLLOUT, 0};
    stuck = n == 0 && ::poll(&p, 1, 300) == 0;
  }
  ASSERT_LT(sent.size(), 64U << 20U) << "dtud takes what it cannot pass on";
  round_trips(20, 120);
  const int64_t grown = dtud.proc_number("VmRSS") - before;
  EXPECT_LT(grown, 20 * 1024) << "KiB";
  // The port is read after all, in small bites, with the other link talking in between.
  std::string came;
  for (int trip = 120; came.size() < sent.size();) {
    const std::string bite = slow.read(std::min<size_t>(256U << 10U, sent.size() - came.size()));
    ASSERT_FALSE(bite.empty());
    came += bite;
    round_trips(trip, trip + 1);
    ++trip;
  }
  EXPECT_EQ(difference(sent, came), "");
  EXPECT_EQ(number(dtud.port("1"), "dropped"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

// A channel whose server is not there; then the server comes, and gets what the policy kept.
struct Overflow : testing::TestWithParam<const char*> {
  Pty pty;
  Dtud dtud;
  uint16_t server_port = 0;
  void start(const std::string& bounds) {
    server_port = free_port();
    dtud.ports({{"1", pty.device()}});
    dtud.device(R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}}, "conf": {"1": {"protocol": "tcp",
      "serialID": "1", "url": "127.0.0.1", "reconnect": {"min_ms": 10, "max_ms": 50}, "port": )" +
                std::to_string(server_port) + R"(, "outbox": {)" + bounds + R"(, "overflow": ")" + GetParam() +
                "\"}}}}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
  std::vector<uint32_t> deliver() {
    TcpServer server(server_port);
    TcpPeer peer = server.accept();
    EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
    EXPECT_EQ(dtud.stop(), 0);
    bool broken = false;
    auto numbers = numbers_in(peer.read_to_end(), broken);
    EXPECT_FALSE(broken);
    return numbers;
  }
};

class Drops : public Overflow {};
TEST_P(Drops, CountsAreExactToTheMessage) {
  constexpr uint32_t sent = 20000, room = 500;
  ASSERT_NO_FATAL_FAILURE(start(R"("messages": 500)"));
  ASSERT_TRUE(pty.write(numbered_lines(1, sent)));
  ASSERT_TRUE(eventually([&] { return number(dtud.port("1"), "rx_bytes") == int64_t{sent} * int64_t{kLineLength}; }));
  const Json channel = dtud.channel("1");
  EXPECT_EQ(outbox(channel, "messages"), std::to_string(room));
  EXPECT_EQ(outbox(channel, "dropped"), std::to_string(sent - room));
  std::vector<uint32_t> kept(room);
  std::iota(kept.begin(), kept.end(), std::string(GetParam()) == "drop-newest" ? 1 : sent - room + 1);
  EXPECT_EQ(deliver(), kept);
}
INSTANTIATE_TEST_SUITE_P(Policies, Drops, testing::Values("drop-oldest", "drop-newest"), [](const auto& info) {
  return std::string(info.param) == "drop-oldest" ? "Oldest" : "Newest";
});

class Blocks : public Overflow {};
TEST_P(Blocks, TheSenderWaitsAndNothingIsLost) {
  constexpr uint32_t sent = 30000;
  ASSERT_NO_FATAL_FAILURE(start(R"("messages": 500)"));
  const std::string lines = numbered_lines(1, sent);
  size_t written = 0;
  for (bool stuck = false; !stuck;) {
    const ssize_t n = write_some(pty.fd(), std::string_view(lines).substr(written));
    ASSERT_GE(n, 0);
    written += static_cast<size_t>(n);
    ASSERT_LT(written, lines.size()) << "a blocked port takes everything";
    pollfd p{pty.fd(), POLLOUT, 0};
    stuck = n == 0 && ::poll(&p, 1, 300) == 0;
  }
  EXPECT_EQ(text(dtud.port("1"), "blocked"), "true");
  TcpServer server(server_port);
  TcpPeer peer = server.accept();
  const auto came = carry({{&pty, nullptr, lines.substr(written)}, {nullptr, &peer, lines}});
  EXPECT_EQ(difference(lines, came[1]), "");
  EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

// One read of the line holds far more messages than a small outbox has room for.
TEST_P(Blocks, ASmallOutboxLosesNothingEither) {
  constexpr uint32_t sent = 5000;
  ASSERT_NO_FATAL_FAILURE(start(R"("messages": 4)"));
  const std::string lines = numbered_lines(1, sent);
  TcpServer server(server_port);
  TcpPeer peer = server.accept();
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(difference(lines, carry({{&pty, &peer, lines}})[0]), "");
  EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}
INSTANTIATE_TEST_SUITE_P(Policies, Blocks, testing::Values("block"), [](const auto&) { return std::string("Block"); });

}  // namespace
}  // namespace e2e
