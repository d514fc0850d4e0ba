// Frames that come in bursts, as UARTs and USB adapters deliver them, with every key of the port at its default but the
// speed: the idle limit is 20 ms or 20 characters, whichever is more (D5).
#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "harness/dtud.hpp"
#include "harness/frame.hpp"
#include "harness/pty.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::microseconds;

// What a line does while a frame comes.
struct Burst {
  const char* name;
  int baud;
  size_t bytes;        // at once
  microseconds pause;  // between the bursts
  microseconds limit;  // of silence, by default
};
void PrintTo(const Burst& burst, std::ostream* out) { *out << burst.name; }
constexpr microseconds characters(int baud, int count) { return microseconds(count * 10'000'000LL / baud); }
constexpr microseconds kLeast{20'000};
// The FIFO of a UART interrupts at 8 bytes; a USB adapter waits for up to 16 ms.
constexpr Burst kBursts[] = {{"Fifo1200", 1200, 8, characters(1200, 8), characters(1200, 20)},
                             {"Fifo9600", 9600, 8, characters(9600, 8), characters(9600, 20)},
                             {"Fifo115200", 115200, 8, characters(115200, 8), kLeast},
                             {"Pause115200", 115200, 13, microseconds(10'000), kLeast},
                             {"Usb9600", 9600, 15, microseconds(16'000), characters(9600, 20)}};

struct SlowLine : testing::TestWithParam<Burst> {
  Pty pty;
  Dtud dtud;

  void start(const std::string& more) {
    const std::string speed =
        GetParam().baud == 115200 ? "" : R"("baudrate": ")" + std::to_string(GetParam().baud) + "\"";
    dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})");
    dtud.device(R"({"uconf": {"1": {)" + speed + R"(}}, "conf": {"1": {"protocol": "tcp", "serialID": "1",
      "mode": "server"}})" +
                more + "}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
  [[nodiscard]] std::string drops() const { return text(dtud.port("1"), "dialect_drops"); }

  // The longest time from the begin of one burst to the end of the next.
  [[nodiscard]] microseconds write_in_bursts(const std::string& bytes) {
    const Burst& burst = GetParam();
    Clock::time_point begun = Clock::now();
    microseconds longest{0};
    for (size_t at = 0; at < bytes.size(); at += burst.bytes) {
      if (at != 0) std::this_thread::sleep_until(begun + burst.pause);
      const Clock::time_point now = Clock::now();
      EXPECT_TRUE(pty.write(bytes.substr(at, burst.bytes)));
      if (at != 0) longest = std::max(longest, std::chrono::duration_cast<microseconds>(Clock::now() - begun));
      begun = now;
    }
    return longest;
  }
  // Sends until `arrived`. A try in which this program itself paused for too long proves nothing, and dtud counts it.
  template <typename Arrived>
  void arrives(const std::string& bytes, Arrived arrived) {
    for (const Deadline deadline; !deadline.over();) {
      const std::string before = drops();
      const microseconds longest = write_in_bursts(bytes);
      bool came = false;
      ASSERT_TRUE(eventually([&] { return (came = arrived()) || drops() != before; }));
      if (came) return;
      ASSERT_GT(longest * 2, GetParam().limit) << "dropped within its time: " << drops();
    }
    FAIL() << "never arrived whole: " << drops();
  }
  void check() {
    TcpPeer server(dtud.listen_port("1"));
    ASSERT_TRUE(eventually([&] { return size(at(dtud.channel("1"), "health.peers")) == 1; }));
    arrives(command(R"({"cmd_code":0})"), [&] { return pty.ready(0); });
    EXPECT_EQ(text(parse_json(read_frame(pty)), "data"), "004999010640000");
    const std::string data = text(dtud.port("1"), "dialect") == "through" ? "" : "1,";
    arrives(data + frame("twenty bytes of data"), [&] { return server.ready(0); });
    EXPECT_EQ(text(parse_json(server.read_until("}")), "data"), "twenty bytes of data");
    EXPECT_EQ(dtud.stop(), 0);
  }
};

TEST_P(SlowLine, BringsWholeFramesInCommandMode) {
  ASSERT_NO_FATAL_FAILURE(start(""));
  check();
}

TEST_P(SlowLine, BringsWholeFramesInThroughMode) {
  ASSERT_NO_FATAL_FAILURE(start(R"(, "work_mode": "through")"));
  check();
}

std::string name_of(const testing::TestParamInfo<Burst>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Bursts, SlowLine, testing::ValuesIn(kBursts), name_of);

// The queue to a server that is not there is full, so the port is not read: what waits in it is no silence.
TEST(WaitingLine, LosesNoFrameWhileItsChannelIsFull) {
  Pty pty;
  Dtud dtud;
  const uint16_t server_port = free_port();
  dtud.ports({{"1", pty.device()}});
  dtud.device(R"({"uconf": {"1": {}}, "conf": {"1": {"protocol": "tcp", "serialID": "1", "uplink": "raw",
    "outbox": {"messages": 4}, "url": "127.0.0.1", "port": )" +
              std::to_string(server_port) + "}}}");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  // Read in two halves at least: the first fills the queue, and ends within the last frame.
  const std::string last = pattern(8000, 1);
  std::string payloads, frames;
  for (const std::string& payload :
       {std::string("one"), std::string("two"), std::string("three"), std::string("four"), last}) {
    payloads += payload;
    frames += "1," + frame(payload);
  }
  ASSERT_EQ(write_some(pty.fd(), frames), static_cast<ssize_t>(frames.size()));
  ASSERT_TRUE(eventually([&] { return text(dtud.port("1"), "blocked") == "true"; }));
  TcpServer server(server_port);
  TcpPeer peer = server.accept();
  EXPECT_EQ(difference(payloads, peer.read(payloads.size())), "");
  EXPECT_EQ(text(dtud.port("1"), "dialect_drops"), "{}");
  EXPECT_EQ(dtud.stop(), 0);
}

// The same on a raw line: the rest of a packet waits in the port.
TEST(WaitingLine, CutsNoPacketWhileItsChannelIsFull) {
  Pty pty;
  Dtud dtud;
  const uint16_t server_port = free_port();
  dtud.ports({{"1", pty.device()}});
  dtud.device(R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "\n", "idle_chars": 20, "max": 20000}}},
    "conf": {"1": {"protocol": "tcp", "serialID": "1", "outbox": {"messages": 1}, "url": "127.0.0.1", "port": )" +
              std::to_string(server_port) + "}}}");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  const std::string packets = "first\n" + std::string(8000, 'x') + "\n";
  ASSERT_EQ(write_some(pty.fd(), packets), static_cast<ssize_t>(packets.size()));
  ASSERT_TRUE(eventually([&] { return text(dtud.port("1"), "blocked") == "true"; }));
  TcpServer server(server_port);
  TcpPeer peer = server.accept();
  EXPECT_EQ(difference(packets, peer.read(packets.size())), "");
  EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  EXPECT_EQ(number(dtud.channel("1"), "outbox.delivered"), 2);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
