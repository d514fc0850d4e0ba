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

constexpr uint32_t kInFlight = 20;  // MQTT messages not yet acknowledged, at most: the channel's default

struct Faults : testing::Test {
  Pty pty;
  Dtud dtud;
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
    start(R"("protocol": "mqtt", "qos": 1, "publish": {"0": "up"}, "port": )" + std::to_string(link.port()) + more);
  }
  // So many messages go into the line, and dtud has read them.
  void say(uint32_t count) {
    ASSERT_TRUE(pty.write(marked_lines('a', sent + 1, count)));
    sent += count;
    ASSERT_TRUE(
        eventually([&] { return number(dtud.port("1"), "rx_bytes") == int64_t{sent} * int64_t{kMarkedLength}; }));
  }
  // Everything said has come and is off the books.
  void expect_all(Recorder& far_end) {
    EXPECT_TRUE(far_end.has('a', sent)) << "of " << sent << ": " << far_end.tally().missing('a', sent);
    EXPECT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
    EXPECT_EQ(far_end.tally().wrong('a', sent), "");
    EXPECT_EQ(number(dtud.channel("1"), "outbox.dropped"), 0);
  }
};

class FaultsTcp : public Faults {};
class FaultsMqtt : public Faults {};

TEST_F(FaultsTcp, ABlackHoleThenAResetLosesNothing) {
  TcpSink sink;
  FaultyLink link(sink.port());
  ASSERT_NO_FATAL_FAILURE(start_tcp(link));
  for (int round = 0; round < 3; ++round) {
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
  for (int round = 0; round < 3; ++round) {
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

}  // namespace
}  // namespace e2e
