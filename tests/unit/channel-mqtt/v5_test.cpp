// MQTT 5: the same against a real broker, and what only this version has.
#include <atomic>

#include "fixture.hpp"

namespace mqtt_test {
namespace {

class V5 : public MqttTest {};
const std::string kV5 = R"("version": "5", "qos": 1)";

TEST_F(V5, BothWaysAndResume) {
  Mosquitto broker;
  broker.start();
  const std::string config =
      conf(broker.port(), kV5 + R"(, "subscribe": {"0": "down", "1": "more"}, "cleanSession": false)");
  Client subscriber(broker.port(), "sub");
  subscriber.subscribe("up", 1);
  {
    Instance i = up(config);
    std::vector<Message> messages;
    for (int n = 0; n < 200; ++n) messages.push_back({std::to_string(n), ""});
    ASSERT_EQ(send_all(i, messages), 200U);
    for (int n = 0; n < 200; ++n) EXPECT_EQ(subscriber.receive()->payload, std::to_string(n));
    ASSERT_TRUE(wait([&] { return completed(DTU_OK) == 200; }));
    ASSERT_TRUE(i.stop_and_wait());
  }
  subscriber.publish("down", "meanwhile", 1);
  Instance i = up(config);
  ASSERT_TRUE(wait([&] { return host.emitted().size() == 1; }));
  EXPECT_EQ(host.emitted()[0].payload, "meanwhile");
}

TEST_F(V5, TooLargeAMessageIsRefusedHere) {
  Mosquitto broker("allow_anonymous true\nmax_packet_size 1000\n");
  broker.start();
  Instance i = up(conf(broker.port(), kV5));
  // 1 + 2 (length) + 2 + 2 ("up") + 2 (id) + 1 (properties) = 10 bytes around the payload
  ASSERT_EQ(i.send({{std::string(990, 'x'), ""}, {std::string(991, 'x'), ""}, {"after", ""}}).taken, 3U);
  ASSERT_TRUE(wait([&] { return host.completions().size() == 3; })) << trouble();
  EXPECT_EQ(completed(DTU_E_INVALID), 1U);
  EXPECT_EQ(completed(DTU_OK), 2U);
  EXPECT_EQ(host.metric("mqtt_rejected"), 1);
  EXPECT_TRUE(host.logged("larger than the broker takes"));
}

TEST_F(V5, WrongPasswordIsSaid) {
  Mosquitto broker("allow_anonymous false\npassword_file {dir}/passwords\n");
  broker.add_user("dtu", "secret");
  broker.start();
  Instance i = make(conf(broker.port(), kV5 + R"(, "username": "dtu", "password": "wrong")"));
  i.start();
  ASSERT_TRUE(wait_state(i, DTU_STATE_DOWN));
  EXPECT_NE(host.reports().back().text.find("not authorised (0x87)"), std::string::npos) << trouble();
}

// CONNACK of version 5 with these properties, then SUBACK and PUBACK codes as asked for.
std::string connack5(const std::string& properties) {
  return packet(kConnack << 4, std::string(2, '\0') + static_cast<char>(properties.size()) + properties);
}

TEST_F(V5, ReceiveMaximumIsKept) {
  std::atomic<int> seen{0};
  const FakeBroker broker([&](Wire& wire, int) {
    if (!wire.read()) return;
    wire.send(connack5(std::string("\x21\0\3", 3)));
    while (auto p = wire.read(Ms(20000)))
      if (p->type() == kPublish) ++seen;
  });
  Instance i = up(conf(broker.port(), kV5));
  const auto sent = i.send(std::vector<Message>(10, Message{"x", ""}));
  EXPECT_EQ(sent.taken, 3U);
  EXPECT_EQ(sent.status, DTU_AGAIN);
  ASSERT_TRUE(wait([&] { return seen == 3; }));
  ASSERT_TRUE(i.stop_and_wait());
}

// Answers each PUBLISH with the next code; 0 for the rest.
FakeBroker answering(const std::vector<char>& codes) {
  return FakeBroker([codes](Wire& wire, int n) {
    size_t next = n == 0 ? 0 : codes.size();
    while (auto p = wire.read(Ms(20000))) {
      if (p->type() == kConnect) wire.send(connack5(""));
      if (p->type() != kPublish) continue;
      const std::string code(1, next < codes.size() ? codes[next++] : '\0');
      wire.send(packet(kPuback << 4, number16(parse_publish(*p).id) + code));
    }
  });
}

TEST_F(V5, RefusedMessageIsGivenUpWithItsReason) {
  const FakeBroker broker = answering({'\x99', '\x10'});  // payload format; no matching subscribers is a success
  Instance i = up(conf(broker.port(), kV5));
  const auto sent = i.send({{"bad", ""}, {"good", ""}});
  ASSERT_TRUE(wait([&] { return host.completions().size() == 2; })) << trouble();
  EXPECT_EQ(host.completions()[0].token, sent.tokens[0]);
  EXPECT_EQ(host.completions()[0].status, DTU_E_INVALID);
  EXPECT_EQ(host.completions()[1].status, DTU_OK);
  EXPECT_EQ(host.metric("mqtt_rejected"), 1);
  EXPECT_TRUE(host.logged("the broker refused a message of 3 bytes: the payload format is not valid (0x99)"));
  ASSERT_TRUE(i.stop_and_wait());
}

// An access list that an admin mends, a backend that is down: the host finds out whether the broker takes others.
TEST_F(V5, WhatMayBeAboutSomethingElseIsNotGivenUp) {
  const FakeBroker broker = answering({'\x87', '\x80', '\x83', '\0'});
  Instance i = up(conf(broker.port(), kV5));
  const auto sent = i.send({{"one", ""}, {"two", ""}, {"three", ""}, {"four", ""}});
  ASSERT_TRUE(wait([&] { return host.completions().size() == 4; })) << trouble();
  for (size_t n = 0; n < 3; ++n) {
    EXPECT_EQ(host.completions()[n].token, sent.tokens[n]);
    EXPECT_EQ(host.completions()[n].status, DTU_E_REFUSED);
  }
  EXPECT_EQ(host.completions()[3].status, DTU_OK);
  EXPECT_EQ(host.state(i), DTU_STATE_UP);
  EXPECT_EQ(host.metric("mqtt_refused"), 3);
  EXPECT_EQ(host.metric("mqtt_rejected").value_or(0), 0);
  EXPECT_TRUE(host.logged("the broker refused a message of 3 bytes: not authorised (0x87)"));
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(V5, APacketIdentifierInUseIsNoFaultOfTheMessage) {
  const FakeBroker broker = answering({'\x91'});
  Instance i = up(conf(broker.port(), kV5));
  const auto sent = i.send({{"x", ""}});
  ASSERT_TRUE(wait([&] { return host.completions().size() == 1; })) << trouble();
  EXPECT_EQ(host.completions()[0].status, DTU_E_CLOSED);  // the host keeps it
  ASSERT_TRUE(wait_state(i, DTU_STATE_UP)) << trouble();
  EXPECT_TRUE(host.logged("the packet identifier is in use (0x91)"));
  host.clear();
  Message again{"x", ""};
  again.token = sent.tokens[0];
  ASSERT_EQ(i.send({again}).taken, 1U);
  ASSERT_TRUE(wait([&] { return completed(DTU_OK) == 1; }));
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(V5, QuotaExceededIsTriedAgainLater) {
  const FakeBroker broker = answering({'\x97'});
  Instance i = up(conf(broker.port(), kV5));
  const auto sent = i.send({{"too many", ""}});
  ASSERT_TRUE(wait([&] { return host.completions().size() == 1; })) << trouble();
  EXPECT_EQ(host.completions()[0].status, DTU_E_CLOSED);  // the host keeps it
  ASSERT_TRUE(wait([&] {
    return std::any_of(host.reports().begin(), host.reports().end(), [](const dtu::test::Report& r) {
      return r.state == DTU_STATE_DOWN && r.flags == DTU_ERR_RETRYABLE && r.protocol_code == 5007;
    });
  })) << trouble();
  ASSERT_TRUE(wait_state(i, DTU_STATE_UP)) << trouble();
  EXPECT_TRUE(host.logged("quota exceeded (0x97)"));
  host.clear();
  Message again{"too many", ""};
  again.token = sent.tokens[0];
  ASSERT_EQ(i.send({again}).taken, 1U);
  ASSERT_TRUE(wait([&] { return completed(DTU_OK) == 1; }));
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(V5, RefusedSubscriptionNamesItsReason) {
  const FakeBroker broker([](Wire& wire, int) {
    while (auto p = wire.read(Ms(20000))) {
      if (p->type() == kConnect) wire.send(connack5(""));
      if (p->type() == kSubscribe) wire.send(packet(kSuback << 4, p->body.substr(0, 2) + std::string("\0\x87", 2)));
    }
  });
  Instance i = make(conf(broker.port(), kV5 + R"(, "subscribe": {"0": "secret"})"));
  i.start();
  ASSERT_TRUE(wait_state(i, DTU_STATE_DEGRADED)) << trouble();
  EXPECT_EQ(host.reports().back().text, "not subscribed to secret: not authorised (0x87)");
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(V5, ServerSaysWhyItDisconnects) {
  const FakeBroker broker([](Wire& wire, int n) {
    if (!wire.read()) return;
    wire.send(connack5(""));
    if (n == 0) wire.send(packet(kDisconnect << 4, "\x8B"));
    wire.read(Ms(20000));
  });
  Instance i = make(conf(broker.port(), kV5));
  i.start();
  ASSERT_TRUE(wait([&] { return host.logged("the server is shutting down (0x8B)"); })) << trouble();
  EXPECT_NE(i.health().find(R"("dtu_state":)"), std::string::npos);
  ASSERT_TRUE(i.stop_and_wait());
}

}  // namespace
}  // namespace mqtt_test
