// What command 11 shows (0 connected, 1 connecting, 2 closed by the server, -1 trouble), and the DTU status codes of
// what is reported.
#include <atomic>

#include "fixture.hpp"

namespace mqtt_test {
namespace {

class States : public MqttTest {
 protected:
  // Waits a minute before it tries again, so that each state can be looked at.
  static std::string patient(int port, const std::string& more = "") {
    return R"({"url": "127.0.0.1", "port": )" + std::to_string(port) +
           R"(, "clientID": "dtu-under-test", "publish": {"0": "up"}, "reconnect": {"min_ms": 60000, "max_ms": 60000})" +
           (more.empty() ? "" : ", " + more) + "}";
  }
  static bool shows(Instance& i, const std::string& state) {
    return i.health().find(R"("dtu_state":)" + state + ",") != std::string::npos;
  }
  bool reported_with(const Instance& i, int32_t state, uint32_t code) {
    for (const auto& r : host.reports())
      if (r.by == i.handle() && r.state == state && r.flags == DTU_ERR_RETRYABLE && r.protocol_code == code)
        return true;
    return false;
  }
};

const std::string kAccepted = packet(kConnack << 4, std::string(2, '\0'));

TEST_F(States, ConnectingUntilTheBrokerAnswered) {
  const FakeBroker broker([](Wire& wire, int) { wire.read(Ms(20000)) && wire.read(Ms(20000)); });
  Instance i = make(patient(broker.port()));
  EXPECT_EQ(i.health(), R"({"dtu_state":-1})");
  i.start();
  ASSERT_TRUE(wait_state(i, DTU_STATE_CONNECTING));
  EXPECT_TRUE(shows(i, "1")) << i.health();
  ASSERT_TRUE(i.stop_and_wait());
  EXPECT_TRUE(shows(i, "-1")) << i.health();
}

TEST_F(States, ConnectedAndThenClosedByTheServer) {
  std::atomic<bool> close{false};
  const FakeBroker broker([&](Wire& wire, int) {
    if (!wire.read()) return;
    wire.send(kAccepted);
    while (!close && !wire.read(Ms(20))) {
    }
  });
  Instance i = up(patient(broker.port()));
  EXPECT_TRUE(shows(i, "0")) << i.health();
  close = true;
  ASSERT_TRUE(wait_state(i, DTU_STATE_DOWN)) << trouble();
  EXPECT_TRUE(shows(i, "2")) << i.health();
  EXPECT_TRUE(reported_with(i, DTU_STATE_DOWN, 4005)) << trouble();
  EXPECT_EQ(i.send({{"x"}}).taken, 0U);
  EXPECT_EQ(i.raw_error().flags, DTU_ERR_RETRYABLE);
  EXPECT_EQ(i.raw_error().protocol_code, 5007U);
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(States, NobodyThereIsTrouble) {
  Instance i = make(patient(free_port()));
  i.start();
  ASSERT_TRUE(wait_state(i, DTU_STATE_DOWN));
  EXPECT_TRUE(shows(i, "-1")) << i.health();
  EXPECT_TRUE(reported_with(i, DTU_STATE_DOWN, 4005)) << trouble();
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(States, ARefusalIsTrouble) {
  const FakeBroker broker([](Wire& wire, int) {
    if (wire.read()) wire.send(packet(kConnack << 4, std::string{'\0', '\5'}));
    wire.read(Ms(1000));
  });
  Instance i = make(patient(broker.port()));
  i.start();
  ASSERT_TRUE(wait_state(i, DTU_STATE_DOWN));
  EXPECT_TRUE(shows(i, "-1")) << i.health();
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(States, ARefusedSubscriptionIsConnectedButDegraded) {
  const FakeBroker broker([](Wire& wire, int) {
    while (auto p = wire.read(Ms(20000))) {
      if (p->type() == kConnect) wire.send(kAccepted);
      if (p->type() == kSubscribe) wire.send(packet(kSuback << 4, p->body.substr(0, 2) + '\x80'));
    }
  });
  Instance i = make(patient(broker.port(), R"("subscribe": {"0": "forbidden"})"));
  i.start();
  ASSERT_TRUE(wait_state(i, DTU_STATE_DEGRADED)) << trouble();
  EXPECT_TRUE(shows(i, "0")) << i.health();
  EXPECT_TRUE(reported_with(i, DTU_STATE_DEGRADED, 4005)) << trouble();
  ASSERT_TRUE(i.stop_and_wait());
}

}  // namespace
}  // namespace mqtt_test
