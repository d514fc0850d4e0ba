// RFC 2217: a client sets the port of a TCP server channel, and nothing of it is left when it has gone.
#include <fcntl.h>
#include <gmock/gmock.h>

#include "harness/dtud.hpp"
#include "harness/line.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

using namespace std::string_literals;
using testing::AllOf;
using testing::HasSubstr;

const std::string kAgree = "\xff\xfd\x00\xff\xfb\x00\xff\xfb\x2c"s;  // DO BINARY, WILL BINARY, WILL COM-PORT
const std::string kOffers = "\xff\xfb\x00\xff\xfb\x03\xff\xfd\x00\xff\xfd\x03\xff\xfd\x2c"s;

std::string doubled(const std::string& bytes) {
  std::string out;
  for (const char c : bytes) out.append(c == '\xff' ? 2 : 1, c);
  return out;
}
std::string sub(char sub_option, const std::string& value) {
  return "\xff\xfa\x2c"s + doubled(sub_option + value) + "\xff\xf0";
}

struct Rfc2217 : testing::Test {
  Dtud dtud;

  void start(const std::string& more = "") {
    dtud.hal(R"({"type": "sim", "ports": {"1": {"link": ")" + dtud.path("line") + R"("}}})");
    dtud.device(R"({"uconf": {"1": {"mode": "raw", "baudrate": 9600}}, "conf": {"1": {"serialID": "1",
        "protocol": "tcp", "mode": "server", "rfc2217": true, "outbox": {"overflow": "block"})" +
                more + "}}}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
  TcpPeer join() const {
    TcpPeer peer(dtud.listen_port("1"));
    EXPECT_TRUE(peer.write(kAgree));
    EXPECT_EQ(peer.read(kOffers.size()), kOffers);
    EXPECT_EQ(peer.read(7).substr(0, 4), "\xff\xfa\x2c\x6b"s) << "the signals";
    return peer;
  }
  // What the client is answered.
  static std::string ask(TcpPeer& peer, const std::string& bytes, size_t answer) {
    EXPECT_TRUE(peer.write(bytes));
    return peer.read(answer);
  }
  // What the driver of the simulated board has.
  [[nodiscard]] std::string driver() const {
    return to_json(at(parse_json(dtud.get("/v1/points/port.1.line").body), "value"));
  }
};

TEST_F(Rfc2217, AClientSetsThePortAndLeavesNothingBehind) {
  start();
  const std::string configured = driver();
  EXPECT_THAT(configured, HasSubstr(R"("baud":9600)"));
  {
    TcpPeer peer = join();
    // 115200, 7 data bits, even, 2 stop bits; DTR off, BREAK on.
    const std::string wishes = sub(1, "\0\1\xc2\0"s) + sub(2, "\7") + sub(3, "\3") + sub(4, "\2") + sub(5, "\x09");
    const std::string answers =
        sub(101, "\0\1\xc2\0"s) + sub(102, "\7") + sub(103, "\3") + sub(104, "\2") + sub(105, "\x09");
    EXPECT_EQ(ask(peer, wishes, answers.size()), answers);
    EXPECT_EQ(ask(peer, sub(5, "\5"), 7), sub(105, "\5"));
    EXPECT_THAT(driver(), AllOf(HasSubstr(R"("baud":115200,"break":true,"databits":7,"dtr":false)"),
                                HasSubstr(R"("parity":1)"), HasSubstr(R"("stopbits":2)")));
    // 65535 and 255 have bytes that are doubled.
    EXPECT_EQ(ask(peer, sub(1, "\0\0\xff\xff"s), 12), sub(101, "\0\0\xff\xff"s));
    EXPECT_EQ(ask(peer, sub(1, "\0\0\0\xff"s), 11), sub(101, "\0\0\0\xff"s));
    EXPECT_THAT(driver(), HasSubstr(R"("baud":255)"));
    EXPECT_EQ(ask(peer, sub(1, "\xff\xff\xff\xff"), 11), sub(101, "\0\0\0\xff"s)) << "the board has no such rate";
  }
  EXPECT_TRUE(eventually([&] { return driver() == configured; })) << driver();
  TcpPeer next = join();
  EXPECT_EQ(ask(next, sub(1, "\0\0\0\0"s), 10), sub(101, "\0\0\x25\x80"s));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Rfc2217, AllByteValuesPassBothWays) {
  start();
  std::string all;
  for (int i = 0; i < 65536; ++i) all += static_cast<char>(i ^ i >> 8);
  Line line(Descriptor(::open(dtud.path("line").c_str(), O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC)));
  TcpPeer peer = join();
  const std::string wire = doubled(all);
  EXPECT_TRUE(peer.write(wire));
  EXPECT_EQ(difference(all, line.read(all.size())), "");
  EXPECT_TRUE(line.write(all));
  EXPECT_EQ(difference(wire, peer.read(wire.size())), "");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Rfc2217, AListenerSetsNothing) {
  start(R"(, "read_only": ["127.0.0.0/8"])");
  TcpPeer peer = join();
  EXPECT_EQ(ask(peer, "nothing" + sub(1, "\0\1\xc2\0"s), 10), sub(101, "\0\0\x25\x80"s));
  EXPECT_THAT(driver(), HasSubstr(R"("baud":9600)"));
  EXPECT_EQ(dtud.metric("dtu_tcp_read_only_bytes_total{component=\"channel 1\"}"), 7);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
