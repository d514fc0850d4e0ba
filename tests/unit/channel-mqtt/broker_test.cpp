// Against a real mosquitto: every QoS both ways, topics by id, sessions, retain, passwords, sizes, order, stop.
#include "fixture.hpp"

namespace mqtt_test {
namespace {

class Broker : public MqttTest {
 protected:
  Mosquitto broker;
  void SetUp() override { broker.start(); }
};

class BrokerQos : public Broker, public ::testing::WithParamInterface<int> {};
INSTANTIATE_TEST_SUITE_P(Qos, BrokerQos, ::testing::Values(0, 1, 2));

TEST_P(BrokerQos, UplinkArrivesInOrderAndIsCompleted) {
  Client subscriber(broker.port(), "sub");
  subscriber.subscribe("up", GetParam());
  Instance i = up(conf(broker.port(), R"("qos": )" + std::to_string(GetParam())));
  std::vector<Message> messages;
  for (int n = 0; n < 500; ++n) messages.push_back({"line " + std::to_string(n), ""});
  ASSERT_EQ(send_all(i, messages), 500U) << trouble();
  for (int n = 0; n < 500; ++n) {
    const auto got = subscriber.receive();
    ASSERT_TRUE(got) << n;
    ASSERT_EQ(got->payload, "line " + std::to_string(n));
    ASSERT_EQ(got->qos, GetParam());
  }
  ASSERT_TRUE(wait([&] { return host.completions().size() == 500; }));
  EXPECT_EQ(completed(DTU_OK), 500U);
  EXPECT_EQ(host.metric("mqtt_publishes"), 500);
  EXPECT_EQ(host.metric("mqtt_acks"), GetParam() == 0 ? 0 : 500);
}

TEST_P(BrokerQos, DownlinkArrivesWithItsIdAndTopic) {
  Instance i = up(conf(broker.port(), R"("subscribe": {"0": "down/+", "cmd": {"topic": "cmd/#", "qos": 2}}, "qos": )" +
                                          std::to_string(GetParam())));
  Client publisher(broker.port(), "pub");
  publisher.publish("down/x", "to the port", GetParam());
  publisher.publish("cmd/a/b", std::string("\0\xFF", 2), GetParam());
  ASSERT_TRUE(wait([&] { return host.emitted().size() == 2; })) << trouble();
  EXPECT_EQ(host.emitted()[0].payload, "to the port");
  EXPECT_EQ(host.emitted()[0].route, "0");
  EXPECT_EQ(host.emitted()[0].props.at("topic"), "down/x");
  EXPECT_EQ(host.emitted()[1].payload, std::string("\0\xFF", 2));
  EXPECT_EQ(host.emitted()[1].route, "cmd");
  EXPECT_EQ(host.metric("mqtt_received"), 2);
}

TEST_P(BrokerQos, LargePayloadsGoBothWays) {
  Instance i = up(conf(broker.port(), R"("subscribe": {"0": "down"}, "qos": )" + std::to_string(GetParam())));
  Client other(broker.port(), "other");
  other.subscribe("up", GetParam());
  for (const size_t size : {size_t{65536}, size_t{DTU_PAYLOAD_MAX}}) {
    std::string payload(size, 'x');
    payload.back() = '!';
    ASSERT_EQ(i.send({{payload, "0"}}).taken, 1U);
    ASSERT_TRUE(wait([&] { return host.completions().size() == 1; }));
    const auto got = other.receive();
    ASSERT_TRUE(got);
    EXPECT_TRUE(got->payload == payload);
    other.publish("down", payload, GetParam());
    ASSERT_TRUE(wait([&] { return host.emitted().size() == 1; }));
    EXPECT_TRUE(host.emitted()[0].payload == payload);
    host.clear();
  }
}

TEST_F(Broker, RoutesPickTheTopicAndItsSettings) {
  Client subscriber(broker.port(), "sub");
  subscriber.subscribe("#", 2);
  Instance i = up(conf(
      broker.port(), R"("publish": {"10": "ten", "2": "two", "alarm": {"topic": "alarm", "qos": 1, "retain": true}})"));
  ASSERT_EQ(i.send({{"first", ""}, {"a", "10"}, {"b", "alarm"}, {"c", "7"}}).taken, 4U);
  ASSERT_TRUE(wait([&] { return host.completions().size() == 4; }));
  EXPECT_EQ(completed(DTU_E_INVALID), 1U);
  EXPECT_TRUE(host.logged("no topic id \"7\""));
  EXPECT_EQ(host.metric("mqtt_rejected"), 1);
  EXPECT_EQ(subscriber.receive()->topic, "two");  // the lowest number is the first
  EXPECT_EQ(subscriber.receive()->topic, "ten");
  const auto alarm = subscriber.receive();
  EXPECT_EQ(alarm->topic, "alarm");
  EXPECT_EQ(alarm->qos, 1);
  Client late(broker.port(), "late");
  late.subscribe("alarm", 0);
  const auto retained = late.receive();
  ASSERT_TRUE(retained);
  EXPECT_TRUE(retained->retain);
  EXPECT_EQ(retained->payload, "b");
}

TEST_F(Broker, SessionIsResumedWithWhatCameMeanwhile) {
  const std::string config = conf(broker.port(), R"("subscribe": {"0": "down"}, "qos": 1, "cleanSession": false)");
  {
    Instance i = up(config);
    EXPECT_NE(i.health().find(R"("session_present":false)"), std::string::npos) << i.health();
    ASSERT_TRUE(i.stop_and_wait());
  }
  Client publisher(broker.port(), "pub");
  for (int n = 0; n < 20; ++n) publisher.publish("down", std::to_string(n), 1);
  Instance i = up(config);
  ASSERT_TRUE(wait([&] { return host.emitted().size() == 20; })) << trouble();
  for (int n = 0; n < 20; ++n) EXPECT_EQ(host.emitted()[static_cast<size_t>(n)].payload, std::to_string(n));
  EXPECT_NE(i.health().find(R"("session_present":true)"), std::string::npos) << i.health();
}

TEST_F(Broker, CleanSessionLeavesNothingBehind) {
  const std::string config = conf(broker.port(), R"("subscribe": {"0": "down"}, "qos": 1)");
  {
    Instance i = up(config);
    ASSERT_TRUE(i.stop_and_wait());
  }
  Client publisher(broker.port(), "pub");
  publisher.publish("down", "lost", 1);
  Instance i = up(config);
  publisher.publish("down", "seen", 1);
  ASSERT_TRUE(wait([&] { return !host.emitted().empty(); }));
  EXPECT_EQ(host.emitted()[0].payload, "seen");
}

TEST_F(Broker, QosTwoInAKeptSessionBecomesOne) {
  Client subscriber(broker.port(), "sub");
  subscriber.subscribe("up", 2);
  Instance i = up(conf(broker.port(), R"("subscribe": {"0": "down"}, "qos": 2, "cleanSession": false)"));
  EXPECT_TRUE(host.logged("QoS 2 needs cleanSession"));
  ASSERT_EQ(i.send({{"x", ""}}).taken, 1U);
  EXPECT_EQ(subscriber.receive()->qos, 1);
}

TEST_F(Broker, TwoInstancesAtOnceKeepApart) {
  Client subscriber(broker.port(), "sub");
  subscriber.subscribe("#", 1);
  Instance a = up(conf(broker.port(), R"("clientID": "a", "publish": {"0": "a"}, "qos": 1)"));
  Instance b = up(conf(broker.port(), R"("clientID": "b", "publish": {"0": "b"}, "qos": 1)"));
  for (int n = 0; n < 50; ++n) {
    ASSERT_EQ(send_all(a, {{std::to_string(n), ""}}), 1U);
    ASSERT_EQ(send_all(b, {{std::to_string(n), ""}}), 1U);
  }
  std::map<std::string, int> next;
  for (int n = 0; n < 100; ++n) {
    const auto got = subscriber.receive();
    ASSERT_TRUE(got);
    EXPECT_EQ(got->payload, std::to_string(next[got->topic]++));
  }
  ASSERT_TRUE(a.stop_and_wait());
  a.destroy();
  ASSERT_EQ(send_all(b, {{"still here", ""}}), 1U);
  EXPECT_EQ(subscriber.receive()->payload, "still here");
}

TEST_F(Broker, StopUnderLoadGivesEveryTokenBackOnce) {
  Instance i = up(conf(broker.port(), R"("qos": 1, "max_inflight": 1024)"));
  std::vector<Message> messages(1000, Message{std::string(500, 'x'), ""});
  const auto sent = i.send(messages);
  ASSERT_GT(sent.taken, 0U);
  ASSERT_TRUE(i.stop_and_wait());
  EXPECT_EQ(host.completions().size(), sent.taken);  // the host itself complains of one that comes twice
  EXPECT_EQ(i.open_tokens(), 0U);
  EXPECT_EQ(host.state(i), DTU_STATE_STOPPED);
}

TEST_F(Broker, StopWhileFrozenEndsAndGivesBackInOrder) {
  Instance i = up(conf(broker.port(), R"("qos": 1)"));
  broker.freeze();
  const auto sent = i.send(std::vector<Message>(10, Message{"x", ""}));
  ASSERT_EQ(sent.taken, 10U);
  ASSERT_TRUE(i.stop_and_wait());
  ASSERT_EQ(host.completions().size(), 10U);
  for (size_t n = 0; n < 10; ++n) {
    EXPECT_EQ(host.completions()[n].status, DTU_E_CLOSED);
    EXPECT_EQ(host.completions()[n].token, sent.tokens[n]);
  }
}

TEST_F(Broker, BlockedPortKeepsDownlinkAndGoesOn) {
  Instance i = up(conf(broker.port(), R"("subscribe": {"0": "down"}, "qos": 1)"));
  host.block_emit(true);
  Client publisher(broker.port(), "pub");
  for (int n = 0; n < 50; ++n) publisher.publish("down", std::to_string(n), 1);
  ASSERT_TRUE(wait([&] { return i.health().find(R"("waiting_downlink":50)") != std::string::npos; })) << i.health();
  host.block_emit(false);
  ASSERT_TRUE(wait([&] { return host.emitted().size() == 50; }));
  for (int n = 0; n < 50; ++n) EXPECT_EQ(host.emitted()[static_cast<size_t>(n)].payload, std::to_string(n));
}

TEST_F(Broker, FullInboxDropsQosZeroAndCounts) {
  Instance i = up(conf(broker.port(), R"("subscribe": {"0": "down"})"));
  host.block_emit(true);
  Client publisher(broker.port(), "pub");
  for (int n = 0; n < 300; ++n) publisher.publish("down", std::to_string(n));
  ASSERT_TRUE(wait([&] { return host.metric("mqtt_received") == 300; }));
  EXPECT_EQ(host.metric("mqtt_downlink_dropped"), 300 - 256);
  EXPECT_EQ(host.state(i), DTU_STATE_UP);
  host.block_emit(false);
  ASSERT_TRUE(wait([&] { return host.emitted().size() == 256; }));
}

TEST_F(Broker, FullInboxLosesNothingOfQosOneInAKeptSession) {
  Instance i = up(conf(broker.port(), R"("subscribe": {"0": "down"}, "qos": 1, "cleanSession": false)"));
  host.block_emit(true);
  Client publisher(broker.port(), "pub");
  for (int n = 0; n < 600; ++n) publisher.publish("down", std::to_string(n), 1);
  ASSERT_TRUE(wait_state(i, DTU_STATE_DOWN)) << trouble();
  EXPECT_NE(host.reports().back().text.find("messages come faster than the port takes them"), std::string::npos);
  host.block_emit(false);
  std::vector<int> seen(600, 0);
  size_t looked_at = 0;
  ASSERT_TRUE(wait([&] {
    for (; looked_at < host.emitted().size(); ++looked_at) ++seen[std::stoul(host.emitted()[looked_at].payload)];
    return std::count(seen.begin(), seen.end(), 0) == 0;
  })) << trouble();
  EXPECT_EQ(host.metric("mqtt_downlink_dropped"), 0);
  EXPECT_GE(host.metric("mqtt_downlink_overflows").value_or(0), 1);
  EXPECT_TRUE(host.logged("the broker keeps what comes meanwhile"));
}

TEST_F(Broker, RetainedMessagesAreDroppedOrMarked) {
  Client publisher(broker.port(), "pub");
  for (const char* topic : {"down/a", "old/a"}) publisher.publish(topic, "kept", 1, true);
  Instance i =
      up(conf(broker.port(), R"("subscribe": {"0": "#", "1": {"topic": "old/#", "retained": "deliver"}}, "qos": 1)"));
  publisher.publish("old/a", "live", 1);
  ASSERT_TRUE(wait([&] { return !host.emitted().empty() && host.emitted().back().payload == "live"; })) << trouble();
  EXPECT_EQ(host.emitted()[0].payload, "kept");
  EXPECT_EQ(host.emitted()[0].route, "1");
  EXPECT_EQ(host.emitted()[0].flags, DTU_MSG_RETAINED);
  EXPECT_EQ(host.emitted().back().route, "0");
  EXPECT_EQ(host.emitted().back().flags, 0U);
  EXPECT_GE(host.metric("mqtt_retained_dropped").value_or(0), 1);
  EXPECT_TRUE(host.logged("a retained message on down/a was dropped"));
}

TEST_F(Broker, AnswersAreNeverRetained) {
  Instance i = up(conf(broker.port(), R"("retain": true)"));
  Message answer{"answer", ""};
  answer.flags = DTU_MSG_COMMAND;
  ASSERT_EQ(send_all(i, {{"data", ""}, answer}), 2U);
  ASSERT_TRUE(wait([&] { return completed(DTU_OK) == 2; }));
  Client late(broker.port(), "late");
  late.subscribe("up", 0);
  const auto kept = late.receive();
  ASSERT_TRUE(kept);
  EXPECT_EQ(kept->payload, "data");
}

TEST_F(Broker, HealthSaysHowItIs) {
  Instance i = up(conf(broker.port()));
  const std::string health = i.health();
  EXPECT_NE(health.find(R"("dtu_state":0)"), std::string::npos) << health;
  EXPECT_NE(health.find(R"("client_id":"dtu-under-test")"), std::string::npos) << health;
  EXPECT_NE(health.find("mqtt://127.0.0.1:" + std::to_string(broker.port())), std::string::npos) << health;
}

TEST_F(Broker, WillIsPublishedWhenTheConnectionBreaksAndNotOnStop) {
  Client watcher(broker.port(), "watcher");
  watcher.subscribe("gone", 0);
  const std::string config = conf(broker.port(), R"("will": {"topic": "gone", "payload": "bye"})");
  Instance i = up(config);
  ASSERT_TRUE(i.stop_and_wait());
  EXPECT_FALSE(watcher.receive(Ms(200)));
  Instance j = up(config);
  const Client thief(broker.port(), "dtu-under-test");  // takes the id over: the broker closes the old connection
  const auto will = watcher.receive();
  ASSERT_TRUE(will);
  EXPECT_EQ(will->payload, "bye");
}

TEST_F(MqttTest, PasswordIsCheckedAndTheRefusalIsSaidInWords) {
  Mosquitto broker("allow_anonymous false\npassword_file {dir}/passwords\n");
  broker.add_user("dtu", "secret");
  broker.start();
  Instance right = up(conf(broker.port(), R"("username": "dtu", "password": "secret")"));
  for (const char* wrong : {R"("username": "dtu", "password": "wrong1")", R"("clientID": "nobody")"}) {
    Instance i = make(conf(broker.port(), wrong));
    i.start();
    ASSERT_TRUE(wait_state(i, DTU_STATE_DOWN)) << trouble();
    EXPECT_NE(host.reports().back().text.find("the broker does not authorise this client"), std::string::npos)
        << trouble();
    EXPECT_EQ(trouble().find("wrong1"), std::string::npos);  // no secrets in messages
    ASSERT_TRUE(i.stop_and_wait());
  }
}

TEST_F(MqttTest, NobodyThereIsSaidInWords) {
  Instance i = make(conf(free_port()));
  i.start();
  ASSERT_TRUE(wait_state(i, DTU_STATE_DOWN));
  EXPECT_NE(host.reports().back().text.find("Connection refused"), std::string::npos) << trouble();
  EXPECT_NE(i.health().find(R"("dtu_state":-1)"), std::string::npos);
}

}  // namespace
}  // namespace mqtt_test
