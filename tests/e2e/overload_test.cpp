// More than a channel or a port can take: memory stays bounded, other links do not notice, and every message is
// delivered, dropped and counted, or still queued. A few seconds; ten minutes a policy with DTU_LONG_TESTS=1.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/faulty_link.hpp"
#include "harness/flood.hpp"
#include "harness/pty.hpp"
#include "harness/recorder.hpp"
#include "harness/sanitized.hpp"

namespace e2e {
namespace {

constexpr int64_t kMostGrowth_kib = kSanitized ? 1 << 30 : 24 << 10;  // a sanitizer keeps what was freed
constexpr size_t kLength = 1000;                                      // of a message
constexpr uint32_t kRoom = 500;                                       // messages, of an outbox
constexpr uint64_t kSlow = 400'000;                                   // bytes a second

// 2 s; DTU_LONG_TESTS=1: ten minutes; a larger number: so many seconds.
std::chrono::seconds flood_time() {
  const char* const asked = std::getenv("DTU_LONG_TESTS");
  const int number = asked != nullptr ? std::atoi(asked) : 0;
  return std::chrono::seconds(number == 1 ? 600 : number > 1 ? number : 2);
}

// A port and a TCP server channel that have nothing to do with the overload: messages go there and back.
class Talk {
 public:
  Talk(Dtud& dtud, Pty& pty, const std::string& channel) : pty_(pty), peer_(dtud.listen_port(channel)) {
    ready_ = eventually([&] { return size(at(dtud.channel(channel), "health.peers")) == 1; });
  }
  [[nodiscard]] bool ready() const { return ready_; }
  // One message each way. False: it got lost.
  bool trip() {
    const std::string ping = "ping " + std::to_string(++trips_) + "\n";
    const auto start = std::chrono::steady_clock::now();
    if (!peer_.write(ping) || pty_.read_until("\n") != ping) return false;
    if (!pty_.write(ping) || peer_.read_until("\n") != ping) return false;
    times_.push_back(std::chrono::steady_clock::now() - start);
    return true;
  }
  // Of the trips since the last time it was asked, in microseconds.
  int64_t p99_us() {
    std::sort(times_.begin(), times_.end());
    const auto at = times_.empty() ? std::chrono::nanoseconds(0) : times_[times_.size() * 99 / 100];
    times_.clear();
    return std::chrono::duration_cast<std::chrono::microseconds>(at).count();
  }

 private:
  Pty& pty_;
  TcpPeer peer_;
  bool ready_ = false;
  uint64_t trips_ = 0;
  std::vector<std::chrono::nanoseconds> times_;
};

struct Overload : testing::TestWithParam<const char*> {
  Pty tcp_pty, mqtt_pty, talk_pty;
  TcpSink tcp;
  MqttSink mqtt;
  FaultyLink tcp_link{tcp.port(), 4096}, mqtt_link{mqtt.port(), 4096};
  Dtud dtud;
  int64_t resident = 0;  // KiB, before
  int64_t most_grown = 0;

  void start() {
    const std::string lines = R"({"mode": "raw", "packet": {"delimiter": "0x0a"}})";
    const std::string box = R"(, "reconnect": {"min_ms": 10, "max_ms": 50}, "outbox": {"messages": )" +
                            std::to_string(kRoom) + R"(, "overflow": ")" + GetParam() + R"("}, "url": "127.0.0.1", )";
    tcp_link.refuse();
    mqtt_link.refuse();
    dtud.ports({{"1", tcp_pty.device()}, {"2", mqtt_pty.device()}, {"3", talk_pty.device()}});
    dtud.device(R"({"uconf": {"1": )" + lines + R"(, "2": )" + lines +
                R"(, "3": {"mode": "raw"}}, "conf": {"1": {"protocol": "tcp", "keepAlive": 0, "serialID": "1")" + box +
                R"("port": )" + std::to_string(tcp_link.port()) +
                R"(}, "2": {"protocol": "mqtt", "serialID": "2", "qos": 1, "publish": {"0": "up"})" + box +
                R"("port": )" + std::to_string(mqtt_link.port()) +
                R"(}, "3": {"protocol": "tcp", "mode": "server", "serialID": "3"}}})");
    dtud.start();
    for (const char* port : {"1", "2", "3"}) ASSERT_TRUE(dtud.port_is(port, "up"));
    resident = dtud.proc_number("VmRSS");
  }
  void look_at_memory() { most_grown = std::max(most_grown, dtud.proc_number("VmRSS") - resident); }
  [[nodiscard]] int64_t rx_messages(const char* port) const {
    return number(dtud.port(port), "rx_bytes") / static_cast<int64_t>(kLength);
  }
};

// What one look at a channel says about the messages of its outbox.
struct Count {
  int64_t delivered, dropped, rejected, queued, in_flight;
  explicit Count(const Json& channel)
      : delivered(number(channel, "outbox.delivered")),
        dropped(number(channel, "outbox.dropped")),
        rejected(number(channel, "outbox.rejected")),
        queued(number(channel, "outbox.messages")),
        in_flight(number(channel, "outbox.in_flight")) {}
  [[nodiscard]] int64_t sum() const { return delivered + dropped + rejected + queued; }
};

void expect_what_the_policy_keeps(const std::string& policy, const Tally& tally, char source, uint32_t sent,
                                  const Count& at_the_end) {
  const Tally::Source& s = tally.of(source);
  EXPECT_EQ(static_cast<int64_t>(tally.distinct(source)), int64_t{sent} - at_the_end.dropped);
  EXPECT_EQ(s.out_of_order, 0U);
  EXPECT_EQ(tally.broken(), 0U);
  if (policy == "block") {
    EXPECT_EQ(at_the_end.dropped, 0);
    EXPECT_EQ(tally.wrong(source, sent), "");
    return;
  }
  EXPECT_GT(at_the_end.dropped, 0) << "no overload";
  // Nothing left before the link was there: drop-newest kept the first ones, drop-oldest none of them.
  const auto kept = std::count(s.seen.begin() + 1, s.seen.begin() + 1 + kRoom, true);
  if (policy == "drop-newest") {
    EXPECT_EQ(kept, static_cast<int64_t>(kRoom));
    return;
  }
  EXPECT_EQ(kept, 0);
  // And what waited at the end was the newest there was.
  const int64_t waiting = at_the_end.queued - at_the_end.in_flight;
  ASSERT_EQ(s.newest, sent);
  const auto newest = std::count(s.seen.begin() + sent + 1 - waiting, s.seen.begin() + sent + 1, true);
  EXPECT_EQ(newest, waiting);
}

TEST_P(Overload, PortsAtFullSpeedIntoSlowChannels) {
  ASSERT_NO_FATAL_FAILURE(start());
  Talk talk(dtud, talk_pty, "3");
  ASSERT_TRUE(talk.ready());
  for (int i = 0; i < 500; ++i) ASSERT_TRUE(talk.trip());
  const int64_t idle_p99 = talk.p99_us();

  Flood to_tcp(tcp_pty, 'a', kLength), to_mqtt(mqtt_pty, 'b', kLength);
  const bool blocks = std::string(GetParam()) == "block";
  for (const char* port : {"1", "2"})
    ASSERT_TRUE(eventually(
        [&] { return blocks ? text(dtud.port(port), "blocked") == "true" : rx_messages(port) > 4 * kRoom; }));
  for (FaultyLink* link : {&tcp_link, &mqtt_link}) {
    link->pass();
    link->slow(FaultyLink::Way::up, kSlow);
  }
  const Deadline end(flood_time());
  for (int i = 0; !end.over(); ++i) {
    ASSERT_TRUE(talk.trip());
    if (i % 100 == 0) look_at_memory();
  }
  const int64_t busy_p99 = talk.p99_us();
  to_tcp.end();
  to_mqtt.end();
  ASSERT_TRUE(eventually([&] { return to_tcp.done() && to_mqtt.done(); }));
  const auto read_all = [&](const char* port, uint32_t sent) { return rx_messages(port) == int64_t{sent}; };
  ASSERT_TRUE(eventually([&] { return read_all("1", to_tcp.sent()) && read_all("2", to_mqtt.sent()); }));
  look_at_memory();
  const Count tcp_count(dtud.channel("1")), mqtt_count(dtud.channel("2"));
  EXPECT_EQ(tcp_count.sum(), int64_t{to_tcp.sent()});
  EXPECT_EQ(mqtt_count.sum(), int64_t{to_mqtt.sent()});
  for (FaultyLink* link : {&tcp_link, &mqtt_link}) link->slow(FaultyLink::Way::up, 0);
  ASSERT_TRUE(dtud.channel_number("1", "outbox.messages", 0));
  ASSERT_TRUE(dtud.channel_number("2", "outbox.messages", 0));
  ASSERT_TRUE(
      eventually([&] { return static_cast<int64_t>(tcp.came()) == int64_t{to_tcp.sent()} - tcp_count.dropped; }));

  expect_what_the_policy_keeps(GetParam(), tcp.tally(), 'a', to_tcp.sent(), tcp_count);
  expect_what_the_policy_keeps(GetParam(), mqtt.tally(), 'b', to_mqtt.sent(), mqtt_count);
  EXPECT_EQ(tcp.tally().of('a').again, 0U);
  EXPECT_LE(static_cast<int64_t>(mqtt.tally().of('b').again), number(dtud.channel("2"), "outbox.resent"));
  EXPECT_LT(most_grown, kMostGrowth_kib) << "KiB";
  std::cout << "messages sent: tcp " << to_tcp.sent() << " (" << tcp_count.dropped << " dropped), mqtt "
            << to_mqtt.sent() << " (" << mqtt_count.dropped << " dropped); memory grew by " << most_grown
            << " KiB at most; the other link's "
            << "p99 is " << idle_p99 << " us idle, " << busy_p99 << " us meanwhile\n";
  EXPECT_EQ(dtud.stop(), 0);
}
INSTANTIATE_TEST_SUITE_P(Policies, Overload, testing::Values("block", "drop-oldest", "drop-newest"),
                         [](const auto& info) {
                           return std::string(info.param) == "block"         ? "Block"
                                  : std::string(info.param) == "drop-oldest" ? "Oldest"
                                                                             : "Newest";
                         });

// --- the other way ---------------------------------------------------------------------------------------------------

struct DownlinkFlood : testing::Test {
  static constexpr uint32_t kMany = 30'000;
  Pty slow, talk_pty;
  Dtud dtud;
  int64_t resident = 0;

  void start(const std::string& channel) {
    dtud.ports({{"1", slow.device()}, {"2", talk_pty.device()}});
    dtud.device(R"({"work_mode": "raw", "uconf": {"1": {}, "2": {}}, "conf": {"1": {"serialID": "1", "url": "127.0.0.1",
      "reconnect": {"min_ms": 10, "max_ms": 50}, )" +
                channel + R"(}, "2": {"protocol": "tcp", "mode": "server", "serialID": "2"}}})");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up") && dtud.port_is("2", "up"));
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    resident = dtud.proc_number("VmRSS");
  }
  // The port's queue is full, nobody reads the port, and the rest goes on.
  void expect_bounded(Talk& talk) {
    ASSERT_TRUE(talk.ready());
    for (int i = 0; i < 200; ++i) ASSERT_TRUE(talk.trip());
    const Json port = dtud.port("1");
    EXPECT_LE(number(port, "queued_messages"), 1024);
    EXPECT_LE(number(port, "queued_bytes"), (256 << 10) + (64 << 10));
    EXPECT_LT(dtud.proc_number("VmRSS") - resident, kMostGrowth_kib) << "KiB";
  }
  // Reads the port until `enough`, and what it says.
  template <typename Enough>
  Tally read_port(Enough enough) {
    Tally tally;
    std::string got;
    EXPECT_TRUE(eventually([&] {
      got += slow.read_for(std::chrono::milliseconds(1));
      tally.lines(got);
      return enough(tally);
    }));
    return tally;
  }
};

TEST_F(DownlinkFlood, TcpIsHeldBackAndLosesNothing) {
  TcpSink server;
  ASSERT_NO_FATAL_FAILURE(start(R"("protocol": "tcp", "port": )" + std::to_string(server.port())));
  Talk talk(dtud, talk_pty, "2");
  server.send(marked_lines('a', 1, kMany, kLength));
  ASSERT_TRUE(eventually([&] { return number(dtud.port("1"), "queued_bytes") >= 128 << 10; }));
  ASSERT_NO_FATAL_FAILURE(expect_bounded(talk));
  EXPECT_GT(server.left_to_send(), 0U) << "dtud takes what it cannot pass on";
  const Tally tally = read_port([&](const Tally& t) { return t.of('a').newest == kMany; });
  EXPECT_EQ(tally.wrong('a', kMany), "");
  EXPECT_EQ(tally.of('a').again, 0U);
  EXPECT_EQ(number(dtud.port("1"), "dropped"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

// Nobody can be asked to wait at QoS 0: what does not fit is counted, to the message.
TEST_F(DownlinkFlood, MqttAtQos0DropsAndCounts) {
  MqttSink server;
  ASSERT_NO_FATAL_FAILURE(
      start(R"("protocol": "mqtt", "subscribe": {"0": "down"}, "port": )" + std::to_string(server.port())));
  Talk talk(dtud, talk_pty, "2");
  std::string flood;
  for (uint32_t i = 1; i <= kMany; ++i) flood += MqttSink::publish("down", marked('a', i, kLength));
  server.send(std::move(flood));
  const std::string dropped = R"(dtu_mqtt_downlink_dropped_total{component="channel 1"})";
  const std::string received = R"(dtu_mqtt_received_total{component="channel 1"})";
  ASSERT_TRUE(eventually([&] { return dtud.metric(received) == kMany; })) << dtud.get("/metrics").body;
  ASSERT_NO_FATAL_FAILURE(expect_bounded(talk));
  const int64_t lost = dtud.metric(dropped);
  EXPECT_GT(lost, 0);
  EXPECT_EQ(number(dtud.port("1"), "dropped"), 0);
  const Tally tally = read_port([&](const Tally& t) { return int64_t(t.came()) + lost == kMany; });
  EXPECT_EQ(dtud.metric(dropped), lost);
  EXPECT_EQ(tally.of('a').out_of_order + tally.of('a').again + tally.broken(), 0U);
  EXPECT_EQ(dtud.stop(), 0);
}

// At QoS 1 the broker keeps what the port cannot take.
TEST_F(DownlinkFlood, MqttAtQos1LosesNothing) {
  constexpr uint32_t kQos1 = 5'000;
  Broker broker;
  ASSERT_NO_FATAL_FAILURE(start(R"("protocol": "mqtt", "clientID": "slow", "cleanSession": false, "qos": 1,
    "subscribe": {"0": "down"}, "port": )" +
                                std::to_string(broker.port())));
  Talk talk(dtud, talk_pty, "2");
  MqttClient publisher(broker.port());
  for (uint32_t i = 1; i <= kQos1; ++i) publisher.publish("down", marked('a', i, kLength), 1);
  ASSERT_NO_FATAL_FAILURE(expect_bounded(talk));
  const Tally tally = read_port([&](const Tally& t) { return t.distinct('a') == kQos1; });
  EXPECT_EQ(tally.wrong('a', kQos1), "");
  EXPECT_EQ(number(dtud.port("1"), "dropped"), 0);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
