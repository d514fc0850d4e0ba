// Links that break in the ways links break, with memory only: what fits the outbox is not lost, order is kept, and what
// comes twice is what was on its way.
#include <gtest/gtest.h>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/faulty_link.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"

namespace e2e {
namespace {

constexpr uint32_t kInFlight = 16;  // MQTT messages not yet acknowledged, at most

// A line, dtud with one channel, and the messages of one source.
struct Stand {
  Pty pty;
  Dtud dtud;
  char source = 'a';
  uint32_t sent = 0;

  void start(const std::string& channel) {
    dtud.ports({{"1", pty.device()}});
    dtud.device(R"({"uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}}, "conf": {"1": {"serialID": "1",
      "url": "127.0.0.1", "reconnect": {"min_ms": 10, "max_ms": 100}, )" +
                channel + "}}}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up"));
  }
  void start_tcp(const FaultyLink& link, const std::string& more = "") {
    start(R"("protocol": "tcp", "port": )" + std::to_string(link.port()) + more);
  }
  void start_mqtt(const FaultyLink& link, const std::string& more = "") {
    start(R"("protocol": "mqtt", "qos": 1, "publish": {"0": "up"}, "clientID": "x)" + std::string(1, source) +
          R"(", "max_inflight": )" + std::to_string(kInFlight) + R"(, "port": )" + std::to_string(link.port()) + more);
  }
  // So many messages go into the line, and dtud has read them.
  void say(uint32_t count) {
    ASSERT_TRUE(pty.write(marked_lines(source, sent + 1, count)));
    sent += count;
    ASSERT_TRUE(
        eventually([&] { return number(dtud.port("1"), "rx_bytes") == int64_t{sent} * int64_t{kMarkedLength}; }));
  }
  // Everything said has come and is off the books.
  void expect_all(Recorder& far_end) {
    EXPECT_TRUE(far_end.has(source, sent)) << "of " << sent << ": " << far_end.tally().missing(source, sent);
    EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
    EXPECT_EQ(far_end.tally().wrong(source, sent), "");
    EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
  }
};

class FaultsTcp : public testing::Test, public Stand {};
class FaultsMqtt : public testing::Test, public Stand {};

// Stands beside each other, because a client needs a second for each try.
struct FaultsMqttSweep : testing::Test {
  struct Tried : Stand {
    std::unique_ptr<FaultyLink> link;
  };
  std::vector<std::unique_ptr<Tried>> stands;

  void start(uint16_t server, const std::string& more = "") {
    for (char source = 'a'; source <= 'h'; ++source) {
      auto stand = std::make_unique<Tried>();
      stand->source = source;
      stand->link = std::make_unique<FaultyLink>(server);
      ASSERT_NO_FATAL_FAILURE(stand->start_mqtt(*stand->link, more));
      stands.push_back(std::move(stand));
    }
    for (const auto& stand : stands) ASSERT_TRUE(stand->dtud.channel_is("1", "up"));
  }
  // Connections that end with RST after so many bytes, for each number in `after`, with two messages waiting. Then
  // these get through: a message for which the peer ends connection after connection would be rejected (D19).
  void reset_after(FaultyLink::Way way, const std::vector<uint64_t>& after) {
    for (size_t first = 0; first < after.size(); first += stands.size()) {
      const size_t n = std::min(stands.size(), after.size() - first);
      std::vector<uint64_t> before(n);
      for (size_t i = 0; i < n; ++i) {
        Tried& s = *stands[i];
        s.link->reset_after(way, after[first + i]);
        s.link->reset();  // what was under way with another number
        before[i] = s.link->resets();
        ASSERT_NO_FATAL_FAILURE(s.say(2));
      }
      for (size_t i = 0; i < n; ++i)
        ASSERT_TRUE(eventually([&] { return stands[i]->link->resets() > before[i]; })) << after[first + i] << " bytes";
      for (size_t i = 0; i < n; ++i) {
        stands[i]->link->pass();
        stands[i]->link->reset();
      }
      for (size_t i = 0; i < n; ++i) ASSERT_TRUE(stands[i]->dtud.channel_number("1", "outbox.messages", 0));
    }
    for (const auto& stand : stands) {
      stand->link->pass();
      stand->link->reset();
    }
  }
  void expect_all(Recorder& far_end) {
    for (const auto& stand : stands) stand->expect_all(far_end);
  }
  static std::vector<uint64_t> every(uint64_t from, uint64_t to, uint64_t step = 1) {
    std::vector<uint64_t> numbers;
    for (; from <= to; from += step) numbers.push_back(from);
    return numbers;
  }
};

TEST_F(FaultsTcp, ABlackHoleThenAResetLosesNothing) {
  TcpSink sink;
  FaultyLink link(sink.port());
  ASSERT_NO_FATAL_FAILURE(start_tcp(link));
  for (int round = 0; round < 2; ++round) {
    ASSERT_NO_FATAL_FAILURE(say(100));
    ASSERT_TRUE(sink.has('a', sent));
    link.swallow();
    ASSERT_NO_FATAL_FAILURE(say(500));
    EXPECT_EQ(number(dtud.channel("1"), "outbox.messages"), 500) << "nobody acknowledged these";
    link.reset();
    link.pass();
    ASSERT_NO_FATAL_FAILURE(say(100));
    ASSERT_TRUE(sink.has('a', sent)) << sink.tally().missing('a', sent);
  }
  expect_all(sink);
  EXPECT_EQ(sink.tally().of('a').again, 0U) << "what vanished never arrived";
}

TEST_F(FaultsMqtt, ABlackHoleThenAResetLosesNothing) {
  Broker broker;
  MqttListener listener(broker.port(), "up");
  FaultyLink link(broker.port());
  ASSERT_NO_FATAL_FAILURE(start_mqtt(link));
  for (int round = 0; round < 2; ++round) {
    ASSERT_NO_FATAL_FAILURE(say(100));
    ASSERT_TRUE(listener.has('a', sent));
    ASSERT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
    link.swallow();
    ASSERT_NO_FATAL_FAILURE(say(500));
    EXPECT_EQ(number(dtud.channel("1"), "outbox.messages"), 500) << "nobody acknowledged these";
    link.reset();
    link.pass();
    ASSERT_NO_FATAL_FAILURE(say(100));
    ASSERT_TRUE(listener.has('a', sent)) << listener.tally().missing('a', sent);
  }
  expect_all(listener);
}

// The server's machine is gone, and says nothing; TCP's own probes, or its unanswered bytes, tell after keepAlive.
TEST_F(FaultsTcp, AHalfOpenConnectionIsFoundAndLosesNothing) {
  TcpSink sink;
  FaultyLink link(sink.port());
  ASSERT_NO_FATAL_FAILURE(start_tcp(link, R"(, "keepAlive": 2)"));
  ASSERT_NO_FATAL_FAILURE(say(100));
  ASSERT_TRUE(sink.has('a', sent));
  link.half_open();
  ASSERT_NO_FATAL_FAILURE(say(500));
  expect_all(sink);
  EXPECT_GE(link.accepted(), 2U);
  EXPECT_EQ(sink.tally().of('a').again, 0U);
}

TEST_F(FaultsMqtt, AHalfOpenConnectionIsFoundAndLosesNothing) {
  MqttSink sink;
  FaultyLink link(sink.port());
  ASSERT_NO_FATAL_FAILURE(start_mqtt(link, R"(, "keepAlive": 2)"));
  ASSERT_NO_FATAL_FAILURE(say(100));
  ASSERT_TRUE(sink.has('a', sent));
  link.half_open();
  ASSERT_NO_FATAL_FAILURE(say(500));
  expect_all(sink);
  EXPECT_GE(link.accepted(), 2U);
  EXPECT_LE(sink.tally().of('a').again, kInFlight);
}

// Slower than the line, with an outbox that fills: the port waits, and so does its sender. Broken in the middle.
TEST_F(FaultsTcp, ASlowReaderHoldsTheSenderBackAndLosesNothing) {
  TcpSink sink;
  FaultyLink link(sink.port(), 4096);
  link.slow(FaultyLink::Way::up, 100'000);
  ASSERT_NO_FATAL_FAILURE(start_tcp(link, R"(, "outbox": {"messages": 200, "overflow": "block"})"));
  const size_t length = 100;
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 1000, length)));
  link.reset();
  ASSERT_TRUE(pty.write(marked_lines('a', 1001, 1000, length)));
  link.pass();
  ASSERT_TRUE(pty.write(marked_lines('a', 2001, 8000, length)));
  sent = 10000;
  expect_all(sink);
}

TEST_F(FaultsMqtt, ASlowReaderHoldsTheSenderBackAndLosesNothing) {
  MqttSink sink;
  FaultyLink link(sink.port(), 4096);
  link.slow(FaultyLink::Way::up, 100'000);
  ASSERT_NO_FATAL_FAILURE(start_mqtt(link, R"(, "outbox": {"messages": 200, "overflow": "block"})"));
  const size_t length = 100;
  ASSERT_TRUE(pty.write(marked_lines('a', 1, 1000, length)));
  link.reset();
  ASSERT_TRUE(pty.write(marked_lines('a', 1001, 1000, length)));
  link.pass();
  ASSERT_TRUE(pty.write(marked_lines('a', 2001, 8000, length)));
  sent = 10000;
  expect_all(sink);
  EXPECT_LE(sink.tally().of('a').again, kInFlight);
}

// Every message was taken, and no word of it comes back: all that was on its way is sent again, and nothing else.
TEST_F(FaultsMqtt, LostAcknowledgementsRepeatOnlyWhatWasInFlight) {
  MqttSink sink;
  FaultyLink link(sink.port());
  ASSERT_NO_FATAL_FAILURE(start_mqtt(link));
  ASSERT_NO_FATAL_FAILURE(say(100));
  ASSERT_TRUE(sink.has('a', sent));
  ASSERT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  link.swallow_answers();
  ASSERT_NO_FATAL_FAILURE(say(500));
  ASSERT_TRUE(sink.has('a', 100 + kInFlight));
  link.reset();
  link.pass();
  expect_all(sink);
  EXPECT_EQ(sink.tally().of('a').again, kInFlight);
  EXPECT_EQ(sink.tally().of('a').farthest_back, kInFlight);
}

TEST_F(FaultsTcp, AServerThatRefusesForAWhileLosesNothing) {
  TcpSink sink;
  FaultyLink link(sink.port());
  ASSERT_NO_FATAL_FAILURE(start_tcp(link));
  ASSERT_NO_FATAL_FAILURE(say(100));
  link.refuse();
  link.reset();
  ASSERT_TRUE(dtud.channel_is("1", "down"));
  ASSERT_NO_FATAL_FAILURE(say(500));
  link.pass();
  expect_all(sink);
  EXPECT_EQ(sink.tally().of('a').again, 0U);
}

TEST_F(FaultsMqttSweep, AResetAtEachByteOfConnectAndOfTheFirstMessagesLosesNothing) {
  MqttSink sink;
  ASSERT_NO_FATAL_FAILURE(start(sink.port()));
  const uint64_t connect = stands[0]->link->passed(FaultyLink::Way::up);
  ASSERT_GE(connect, 15U);
  const uint64_t publish = 2 + 2 + 2 + 2 + kMarkedLength;  // head, length, topic "up", identifier, payload
  ASSERT_NO_FATAL_FAILURE(reset_after(FaultyLink::Way::up, every(0, connect + publish + 2)));
  expect_all(sink);
}

TEST_F(FaultsMqttSweep, AResetAtEachByteOfConnackSubackAndPubackLosesNothing) {
  MqttSink sink;
  ASSERT_NO_FATAL_FAILURE(start(sink.port(), R"(, "subscribe": {"0": "down"})"));
  // CONNACK has 4 bytes, SUBACK 5, each PUBACK 4.
  ASSERT_NO_FATAL_FAILURE(reset_after(FaultyLink::Way::down, every(0, 4 + 5 + 4)));
  expect_all(sink);
}

TEST_F(FaultsMqttSweep, AResetInsideTheTlsHandshakeLosesNothing) {
  const TempDir files;
  const Ran made = run({"openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                        "-nodes", "-days", "30", "-subj", "/CN=alone", "-addext", "subjectAltName=IP:127.0.0.1",
                        "-keyout", files.path("key.pem"), "-out", files.path("cert.pem")});
  ASSERT_EQ(made.status, 0) << made.output;
  const uint16_t tls_port = free_port();
  Broker broker("listener " + std::to_string(tls_port) + " 127.0.0.1\ncertfile " + files.path("cert.pem") +
                "\nkeyfile " + files.path("key.pem") + "\n");
  MqttListener listener(broker.port(), "up");
  ASSERT_NO_FATAL_FAILURE(start(tls_port, R"(, "tls": {"ca": ")" + files.path("cert.pem") + "\"}"));
  // A record has a head of 5 bytes, a message in it one of 4; then the insides of ClientHello, and of the answer to it.
  std::vector<uint64_t> inside = every(0, 10);
  for (const uint64_t n : every(50, 250, 50)) inside.push_back(n);
  ASSERT_NO_FATAL_FAILURE(reset_after(FaultyLink::Way::up, inside));
  ASSERT_NO_FATAL_FAILURE(reset_after(FaultyLink::Way::down, every(1, 800, 100)));
  expect_all(listener);
}

}  // namespace
}  // namespace e2e
