// A channel made of the kit, as a cloud's plugin would make it: subscriptions of run time, what a message shows,
// logins.
#include <gtest/gtest.h>

#include <atomic>
#include <dtu/kit/mqtt/channel.hpp>
#include <mutex>
#include <optional>
#include <vector>

#include "channel-mqtt/mosquitto.hpp"
#include "channel-mqtt/wire.hpp"
#include "host/test_host.hpp"

namespace mqtt {
namespace {

using namespace mqtt_test;
using dtu::test::Instance;

class Cloud final : public Channel {
 public:
  Cloud(dtu::Host host, std::string_view config) : Channel(host), port_(std::stoi(std::string(config))) {
    latest = this;
  }
  using Channel::publish;
  using Channel::subscribe;
  using Channel::unsubscribe;

  static inline Cloud* latest = nullptr;
  struct Came {
    std::string topic, payload;
    bool retained, dup;
  };
  std::vector<Came> came;
  std::vector<Outcome> told;
  Session::Told tell = [this](const Outcome& outcome) { told.push_back(outcome); };
  int connects = 0, losses = 0;
  static inline std::string no_login;

 private:
  Plan plan(const dtu::PlaceholderValues& /*values*/) override {
    Plan plan;
    plan.options.host = "127.0.0.1";
    plan.options.port = static_cast<uint16_t>(port_);
    plan.options.client_id = "cloud";
    plan.options.birth = {"birth", "here", 1, false};
    plan.options.reconnect_min_ms = plan.options.reconnect_max_ms = 20;
    plan.options.connect_timeout_ms = 1000;
    plan.options.login_hint = "check the secret";
    return plan;
  }
  void prepare(Options& /*options*/) override {
    if (!no_login.empty()) throw dtu::Failure::retryable(DTU_E_IO, no_login);
  }
  void connected() override { ++connects; }
  void disconnected() override { ++losses; }
  bool deliver(const Message& message) override {
    if (message.payload == "nonsense") throw dtu::Failure(DTU_E_INVALID, "this is nonsense");
    came.push_back({std::string(message.topic), std::string(message.payload), message.retained, message.dup});
    return to_port(message);
  }
  int port_;
};

DTU_COMPONENT(cloud_component, Cloud, DTU_KIND_CHANNEL, "cloud", "Cloud", "{}", 0, dtu::channel_iface<Cloud>);

const std::string kAccepted = packet(kConnack << 4, std::string(2, '\0'));

struct SessionTest : testing::Test {
  void TearDown() override { Cloud::no_login.clear(); }
  void start(int port) {
    instance.emplace(host.create(cloud_component, std::to_string(port)));
    ASSERT_TRUE(*instance) << instance->error();
    ASSERT_EQ(instance->start(), DTU_PENDING);
  }
  void up(int port) {
    ASSERT_NO_FATAL_FAILURE(start(port));
    ASSERT_TRUE(wait([&] { return host.state(*instance) == DTU_STATE_UP; }));
  }
  bool wait(const std::function<bool()>& done) { return host.run_until(done, Ms(20000)); }
  static Cloud& cloud() { return *Cloud::latest; }
  bool told(size_t n) {
    return wait([&] { return cloud().told.size() == n; });
  }
  std::string last_report() { return host.reports().empty() ? "" : host.reports().back().text; }

  dtu::test::TestHost host;
  std::optional<Instance> instance;
};

TEST_F(SessionTest, ASubscriptionOfRunTimeDeliversOutlivesTheConnectionAndEnds) {
  Mosquitto broker;
  broker.start();
  ASSERT_NO_FATAL_FAILURE(up(broker.port()));
  cloud().subscribe({"late", "late/+", 1, false}, cloud().tell);
  ASSERT_TRUE(told(1));
  EXPECT_EQ(cloud().told[0].status, DTU_OK);
  EXPECT_EQ(cloud().told[0].qos, 1);
  {
    mqtt_test::Client other(broker.port(), "other");
    other.publish("late/a", "1", 1);
    ASSERT_TRUE(wait([&] { return cloud().came.size() == 1; }));
    EXPECT_EQ(host.emitted().back().route, "late") << "it goes to the port with its id";
  }
  broker.kill_now();
  ASSERT_TRUE(wait([&] { return host.state(*instance) == DTU_STATE_DOWN; }));
  cloud().subscribe({"more", "more", 0, false}, cloud().tell);
  ASSERT_TRUE(told(2));
  EXPECT_EQ(cloud().told[1].status, DTU_E_CLOSED) << "there is no connection: it is made with the next one";
  broker.start();
  ASSERT_TRUE(wait([&] { return host.state(*instance) == DTU_STATE_UP; }));
  EXPECT_EQ(cloud().connects, 2);
  EXPECT_EQ(cloud().losses, 1);
  mqtt_test::Client other(broker.port(), "other");
  other.publish("late/b", "2", 1);
  other.publish("more", "3", 1);
  ASSERT_TRUE(wait([&] { return cloud().came.size() == 3; }));
  cloud().unsubscribe("late/+", cloud().tell);
  ASSERT_TRUE(told(3));
  EXPECT_EQ(cloud().told[2].status, DTU_OK);
  other.publish("late/c", "4", 1);
  other.publish("more", "5", 1);
  ASSERT_TRUE(wait([&] { return cloud().came.size() == 4; }));
  EXPECT_EQ(cloud().came.back().payload, "5");
  ASSERT_TRUE(instance->stop_and_wait());
}

TEST_F(SessionTest, TheBirthMessageComesAfterEachConnectionAndItsSubscriptions) {
  std::mutex mutex;
  std::vector<std::string> order;
  const FakeBroker broker([&](Wire& wire, int) {
    if (!wire.read()) return;
    wire.send(kAccepted);
    while (const auto p = wire.read(Ms(20000))) {
      const std::lock_guard lock(mutex);
      order.push_back(p->type() == kSubscribe ? "subscribe"
                      : p->type() == kPublish ? parse_publish(*p).topic
                                              : "other");
      if (p->type() == kSubscribe) wire.send(packet(kSuback << 4, p->body.substr(0, 2) + '\0'));
      if (order.back() == "birth") return;  // and close
    }
  });
  ASSERT_NO_FATAL_FAILURE(up(broker.port()));
  cloud().subscribe({"", "x", 0, false});
  ASSERT_TRUE(wait([&] {
    const std::lock_guard lock(mutex);
    return order.size() >= 5;
  }));
  ASSERT_TRUE(instance->stop_and_wait());
  const std::lock_guard lock(mutex);
  EXPECT_EQ(order.back(), "birth");
  EXPECT_EQ(order[order.size() - 2], "subscribe");
  EXPECT_EQ(order[order.size() - 3], "birth");
}

TEST_F(SessionTest, WhatIsSubscribedToWhileItConnectsIsMade) {
  Mosquitto broker;
  broker.start();
  ASSERT_NO_FATAL_FAILURE(start(broker.port()));
  cloud().subscribe({"", "early", 1, false}, cloud().tell);
  cloud().subscribe({"", "given up", 1, false}, cloud().tell);
  cloud().unsubscribe("given up");
  ASSERT_TRUE(told(2));
  EXPECT_EQ(cloud().told[0].status, DTU_E_CLOSED);
  ASSERT_TRUE(wait([&] { return host.state(*instance) == DTU_STATE_UP; }));
  mqtt_test::Client other(broker.port(), "other");
  ASSERT_TRUE(wait([&] {
    other.publish("given up", "x", 1);
    other.publish("early", "1", 1);
    return !cloud().came.empty();
  }));
  EXPECT_EQ(cloud().came[0].topic, "early");
  ASSERT_TRUE(instance->stop_and_wait());
}

TEST_F(SessionTest, ARefusedSubscriptionIsToldInWordsAndNotMadeAgain) {
  std::atomic<int> subscribes{0};
  const FakeBroker broker([&](Wire& wire, int n) {
    if (!wire.read()) return;
    wire.send(kAccepted);
    while (const auto p = wire.read(Ms(20000))) {
      if (p->type() == kPublish && n == 0 && subscribes > 0) return;
      if (p->type() != kSubscribe) continue;
      ++subscribes;
      wire.send(packet(kSuback << 4, p->body.substr(0, 2) + "\x80"));
    }
  });
  ASSERT_NO_FATAL_FAILURE(up(broker.port()));
  cloud().subscribe({"", "x", 1, false}, cloud().tell);
  ASSERT_TRUE(told(1));
  EXPECT_EQ(cloud().told[0].status, DTU_E_REFUSED);
  EXPECT_EQ(cloud().told[0].text, "the broker refused it");
  cloud().publish({"", "any", 0, false}, "close");
  ASSERT_TRUE(wait([&] { return cloud().connects == 2; }));
  EXPECT_EQ(subscribes, 1);
  ASSERT_TRUE(instance->stop_and_wait());
}

TEST_F(SessionTest, ABrokerThatDoesNotAnswerASubscribeLosesTheConnection) {
  const FakeBroker broker([&](Wire& wire, int) {
    if (!wire.read()) return;
    wire.send(kAccepted);
    while (wire.read(Ms(20000))) {
    }
  });
  ASSERT_NO_FATAL_FAILURE(up(broker.port()));
  cloud().subscribe({"", "x", 1, false}, cloud().tell);
  ASSERT_TRUE(told(1));
  EXPECT_EQ(cloud().told[0].status, DTU_E_CLOSED);
  ASSERT_TRUE(wait([&] { return last_report().find("did not answer a SUBSCRIBE within 1 s") != std::string::npos; }))
      << last_report();
  ASSERT_TRUE(instance->stop_and_wait());
}

TEST_F(SessionTest, AMessageShowsWhetherItIsACopyOrWasKept) {
  const FakeBroker broker([](Wire& wire, int) {
    if (!wire.read()) return;
    wire.send(kAccepted);
    while (const auto p = wire.read(Ms(20000))) {
      if (p->type() != kSubscribe) continue;
      wire.send(packet(kSuback << 4, p->body.substr(0, 2) + '\1'));
      wire.send(packet(0x3A, text16("t") + number16(7) + "copy"));
      wire.send(packet(0x31, text16("t") + "kept"));
      wire.send(packet(0x30, text16("t") + "nonsense"));
      wire.send(packet(0x30, text16("t") + "new"));
    }
  });
  ASSERT_NO_FATAL_FAILURE(up(broker.port()));
  cloud().subscribe({"", "t", 1, true});
  ASSERT_TRUE(wait([&] { return cloud().came.size() == 3; })) << "one that the handler cannot read is dropped";
  EXPECT_TRUE(cloud().came[0].dup && !cloud().came[0].retained);
  EXPECT_TRUE(!cloud().came[1].dup && cloud().came[1].retained);
  EXPECT_TRUE(!cloud().came[2].dup && !cloud().came[2].retained);
  EXPECT_TRUE(host.logged("a message on t was dropped: this is nonsense"));
  ASSERT_TRUE(instance->stop_and_wait());
}

TEST_F(SessionTest, WithoutALoginNothingIsSentAndTheReasonIsReported) {
  Mosquitto broker;
  broker.start();
  Cloud::no_login = "the clock has not been set";
  ASSERT_NO_FATAL_FAILURE(start(broker.port()));
  ASSERT_TRUE(wait([&] { return host.state(*instance) == DTU_STATE_DOWN; }));
  EXPECT_NE(last_report().find("the clock has not been set"), std::string::npos);
  Cloud::no_login.clear();
  ASSERT_TRUE(wait([&] { return host.state(*instance) == DTU_STATE_UP; })) << "the next attempt asks again";
  ASSERT_TRUE(instance->stop_and_wait());
}

TEST_F(SessionTest, WithoutALoginItStops) {
  Cloud::no_login = "the clock has not been set";
  ASSERT_NO_FATAL_FAILURE(start(1));
  ASSERT_TRUE(wait([&] { return host.state(*instance) == DTU_STATE_DOWN; }));
  ASSERT_TRUE(instance->stop_and_wait());
}

TEST_F(SessionTest, ARefusedLoginSaysWhatToLookAt) {
  const FakeBroker broker([](Wire& wire, int) {
    if (wire.read()) wire.send(packet(kConnack << 4, std::string("\0\4", 2)));
  });
  ASSERT_NO_FATAL_FAILURE(start(broker.port()));
  ASSERT_TRUE(wait([&] { return host.state(*instance) == DTU_STATE_DOWN; }));
  EXPECT_NE(last_report().find("refused the user name or password: check the secret"), std::string::npos)
      << last_report();
  ASSERT_TRUE(instance->stop_and_wait());
}

}  // namespace
}  // namespace mqtt
