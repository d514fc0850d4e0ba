// At least once, in order, no gap: numbered lines while the remote end comes and goes.
#include <gtest/gtest.h>

#include <thread>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/mqtt.hpp"
#include "harness/proxy.hpp"
#include "harness/pty.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

const std::string kLines = R"("uconf": {"1": {"mode": "raw", "packet": {"delimiter": "0x0a"}}})";
const std::string kQuick = R"("reconnect": {"min_ms": 10, "max_ms": 50}, "outbox": {"overflow": "block"})";

// Writes numbered lines for as long as the test wants, from a thread of its own.
class Writer {
 public:
  explicit Writer(Pty& pty) : pty_(pty), thread_([this] { run(); }) {}
  ~Writer() {
    abandoned_ = true;
    thread_.join();
  }
  // Asks it to end with a whole line; it may have to wait for room before it has done so.
  void end() { ending_ = true; }
  [[nodiscard]] bool done() const { return done_; }
  [[nodiscard]] uint32_t last() const { return last_; }  // once done

 private:
  void run() {
    while (!ending_ && !abandoned_) {
      const std::string lines = numbered_lines(last_ + 1, 20);
      for (size_t sent = 0; sent < lines.size() && !abandoned_;) {
        const ssize_t n = write_some(pty_.fd(), std::string_view(lines).substr(sent));
        if (n < 0) return;
        sent += static_cast<size_t>(n);
        pollfd p{pty_.fd(), POLLOUT, 0};
        if (n == 0) ::poll(&p, 1, 20);
      }
      last_ += 20;
    }
    done_ = true;
  }
  Pty& pty_;
  std::atomic<bool> ending_{false}, abandoned_{false}, done_{false};
  std::atomic<uint32_t> last_{0};
  std::thread thread_;
};

std::string one_channel(const std::string& channel) {
  return "{" + kLines + R"(, "conf": {"1": {"serialID": "1", )" + kQuick + ", " + channel + "}}}";
}

void expect_in_order(const std::vector<uint32_t>& numbers) {
  for (size_t i = 1; i < numbers.size(); ++i) ASSERT_EQ(numbers[i], numbers[i - 1] + 1);
}

// The server ends twenty connections in the middle. It reads each to its end, so that what TCP acknowledged has
// arrived.
TEST(Delivery, TcpClientLosesNothingWhenTheServerEndsTwentyConnections) {
  Pty pty;
  TcpServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(one_channel(R"("protocol": "tcp", "url": "127.0.0.1", "port": )" + std::to_string(server.port())));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  std::vector<uint32_t> all;
  bool broken = false;
  Writer writer(pty);
  for (int life = 0; life < 20; ++life) {
    TcpPeer peer = server.accept();
    ASSERT_GE(peer.fd(), 0);
    const size_t wanted = 2000 + 700 * static_cast<size_t>(life);  // mostly in the middle of a line
    std::string got = peer.read(wanted);
    ASSERT_EQ(got.size(), wanted);
    peer.end_sending();
    got += peer.read_to_end();
    const auto numbers = numbers_in(got, broken);
    expect_in_order(numbers);
    all.insert(all.end(), numbers.begin(), numbers.end());
  }
  writer.end();
  TcpPeer peer = server.accept();
  std::string got;
  EXPECT_TRUE(eventually([&] {
    got += peer.read_for(std::chrono::milliseconds(1));
    return writer.done() && number(dtud.channel("1"), "outbox.messages") == 0;
  }));
  EXPECT_EQ(dtud.stop(), 0);
  const auto numbers = numbers_in(got + peer.read_to_end(), broken);
  expect_in_order(numbers);
  all.insert(all.end(), numbers.begin(), numbers.end());
  EXPECT_FALSE(broken);
  EXPECT_EQ(gaps(all, writer.last()), "");
}

// A broker that says when it took a message: what it did not say is sent again, and nothing is left out.
TEST(Delivery, MqttSendsAgainWhatTheBrokerDidNotAcknowledge) {
  Pty pty;
  TcpServer server;
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(one_channel(R"("protocol": "mqtt", "qos": 1, "publish": {"0": "up"}, "url": "127.0.0.1", "port": )" +
                          std::to_string(server.port())));
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  std::string taken;
  Writer writer(pty);
  const auto take_one = [&taken](MqttPeer& peer, bool acknowledge) {
    const MqttPacket p = peer.packet();
    ASSERT_EQ(p.type(), 3);
    const MqttMessage m = read_publish(p);
    taken += m.payload;
    if (acknowledge) peer.write(mqtt_packet(0x40, {static_cast<char>(m.id >> 8U), static_cast<char>(m.id & 0xFFU)}));
  };
  const auto accept = [&server] {
    MqttPeer peer(server.accept());
    EXPECT_EQ(peer.packet().type(), 1);
    peer.write(mqtt_packet(0x20, std::string(2, '\0')));
    return peer;
  };
  for (int life = 0; life < 8; ++life) {
    MqttPeer peer = accept();
    const int acknowledged = 50 + 10 * life;
    for (int i = 0; i < acknowledged; ++i) ASSERT_NO_FATAL_FAILURE(take_one(peer, true)) << "life " << life;
    ASSERT_NO_FATAL_FAILURE(take_one(peer, false));  // taken, but the connection breaks before it is said
    peer.reset();
  }
  writer.end();
  MqttPeer peer = accept();
  EXPECT_TRUE(eventually([&] {
    while (peer.ready(10)) take_one(peer, true);
    return HasFatalFailure() || (writer.done() && number(dtud.channel("1"), "outbox.messages") == 0);
  }));
  bool broken = false;
  EXPECT_EQ(gaps(numbers_in(taken, broken), writer.last()), "");
  EXPECT_FALSE(broken);
  EXPECT_EQ(dtud.stop(), 0);
}

// The subscriber listens at QoS 0: mosquitto writes to it before it acknowledges, so a kill takes nothing acknowledged.
TEST(Delivery, MqttLosesNothingWhenMosquittoIsKilled) {
  Pty pty;
  Broker broker;
  Proxy proxy(broker.port());
  Dtud dtud;
  dtud.ports({{"1", pty.device()}});
  dtud.device(one_channel(R"("protocol": "mqtt", "qos": 1, "publish": {"0": "up"}, "url": "127.0.0.1", "port": )" +
                          std::to_string(proxy.port())));
  auto listener = std::make_unique<MqttClient>(broker.port());
  listener->subscribe("up");
  dtud.start();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  std::string all;
  Writer writer(pty);
  for (int life = 0; life < 5; ++life) {
    for (int i = 0; i < 500; ++i) {
      const auto m = listener->next();
      ASSERT_TRUE(m) << "life " << life << " message " << i;
      all += m->payload;
    }
    proxy.shut();
    broker.kill();
    while (const auto m = listener->next()) all += m->payload;
    broker.start();
    listener = std::make_unique<MqttClient>(broker.port());
    listener->subscribe("up");
    proxy.open();
  }
  writer.end();
  EXPECT_TRUE(eventually([&] {
    while (listener->ready(10)) {
      const auto m = listener->next();
      if (!m) return true;
      all += m->payload;
    }
    return writer.done() && number(dtud.channel("1"), "outbox.messages") == 0 && !listener->ready(0);
  }));
  bool broken = false;
  EXPECT_EQ(gaps(numbers_in(all, broken), writer.last()), "");
  EXPECT_FALSE(broken);
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
