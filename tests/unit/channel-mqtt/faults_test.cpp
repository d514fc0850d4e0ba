// A broker that misbehaves.
#include <atomic>

#include "fixture.hpp"

namespace mqtt_test {
namespace {

const std::string kAccepted = packet(kConnack << 4, std::string(2, '\0'));

// Answers CONNECT and SUBSCRIBE as a broker should; then `then`.
FakeBroker polite(std::function<void(Wire&, int)> then) {
  return FakeBroker([then = std::move(then)](Wire& wire, int n) {
    if (!wire.read()) return;
    wire.send(kAccepted);
    then(wire, n);
  });
}

class Faults : public MqttTest {
 protected:
  // The first DOWN of a channel at this broker, in words.
  std::string first_down(const FakeBroker& broker, const std::string& more = "") {
    Instance i = make(conf(broker.port(), more));
    EXPECT_TRUE(i) << i.error();
    i.start();
    EXPECT_TRUE(wait_state(i, DTU_STATE_DOWN)) << trouble();
    std::string text = host.reports().empty() ? "" : host.reports().back().text;
    EXPECT_TRUE(i.stop_and_wait());
    return text;
  }
};

TEST_F(Faults, RefusalsAreNamed) {
  const std::map<char, std::string> words{{1, "version of MQTT"},    {2, "refused the client id"},
                                          {3, "not available"},      {4, "refused the user name or password"},
                                          {5, "does not authorise"}, {77, "unknown code 77"}};
  for (const auto& [code, text] : words) {
    const FakeBroker broker([code = code](Wire& wire, int) {
      if (wire.read()) wire.send(packet(kConnack << 4, std::string{'\0', code}));
      wire.read(Ms(1000));
    });
    EXPECT_NE(first_down(broker).find(text), std::string::npos) << int(code) << trouble();
  }
}

TEST_F(Faults, ClosesAtOnce) {
  const FakeBroker broker([](Wire&, int) {});
  EXPECT_NE(first_down(broker).find("broke before the broker answered"), std::string::npos) << trouble();
}

TEST_F(Faults, ResetsAtOnce) {
  const FakeBroker broker([](Wire& wire, int) {
    wire.read(Ms(2000));
    wire.reset();
  });
  EXPECT_NE(first_down(broker).find("broke before the broker answered"), std::string::npos) << trouble();
}

TEST_F(Faults, SendsGarbage) {
  for (const std::string& garbage :
       {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string(1000, '\xFF'), std::string("\x20\x02", 2),
        std::string("\x30\xFF\xFF\xFF\x7F", 5), std::string(64, '\0')}) {
    const FakeBroker broker([&](Wire& wire, int) {
      wire.read(Ms(2000));
      wire.send(garbage);
    });
    EXPECT_FALSE(first_down(broker).empty());
  }
}

TEST_F(Faults, GarbageAfterConnackBreaksTheConnectionOnly) {
  const FakeBroker broker = polite([](Wire& wire, int n) {
    if (n < 3) return wire.send(std::string(200, static_cast<char>(0xF0 + n)));
    wire.read(Ms(20000));
  });
  Instance i = make(conf(broker.port()));
  i.start();
  ASSERT_TRUE(wait([&] { return host.metric("mqtt_reconnects").value_or(0) >= 3; })) << trouble();
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Faults, ClosesInTheMiddleOfAPacket) {
  const FakeBroker broker = polite([](Wire& wire, int n) {
    if (n == 0) return wire.send(packet(kPublish << 4, text16("t") + std::string(500, 'x')).substr(0, 100));
    wire.read(Ms(20000));
  });
  Instance i = make(conf(broker.port()));
  i.start();
  ASSERT_TRUE(wait([&] { return host.metric("mqtt_reconnects").value_or(0) >= 1; })) << trouble();
  EXPECT_TRUE(host.emitted().empty());
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Faults, SilenceEndsTheAttempt) {
  const FakeBroker broker([](Wire& wire, int) {
    while (wire.read(Ms(20000))) {
    }
  });
  Instance i = make(conf(broker.port()));
  i.start();
  ASSERT_TRUE(wait([&] { return host.state(i) == DTU_STATE_DOWN; }, Ms(15000))) << trouble();
  EXPECT_NE(host.reports().back().text.find("no answer within 10 s"), std::string::npos) << trouble();
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Faults, RefusedSubscriptionIsDegradedWithItsTopic) {
  const FakeBroker broker([](Wire& wire, int) {
    while (auto p = wire.read(Ms(20000))) {
      if (p->type() == kConnect) wire.send(kAccepted);
      const bool bad = p->body.find("forbidden") != std::string::npos;
      if (p->type() == kSubscribe) wire.send(packet(kSuback << 4, p->body.substr(0, 2) + (bad ? '\x80' : '\0')));
    }
  });
  Instance i = make(conf(broker.port(), R"("subscribe": {"0": "fine", "1": "forbidden/#", "2": "fine/too"})"));
  i.start();
  ASSERT_TRUE(wait_state(i, DTU_STATE_DEGRADED)) << trouble();
  EXPECT_EQ(host.reports().back().text, "not subscribed to forbidden/#: the broker refused it");
  EXPECT_EQ(i.send({{"still publishes", ""}}).taken, 1U);
  ASSERT_TRUE(wait([&] { return completed(DTU_OK) == 1; }));
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Faults, UpOnlyAfterTheLastSuback) {
  std::atomic<bool> answer{false};
  const FakeBroker broker([&](Wire& wire, int) {
    if (!wire.read()) return;
    wire.send(kAccepted);
    std::vector<std::string> ids;
    while (auto p = wire.read(Ms(20000))) {
      if (p->type() != kSubscribe) continue;
      ids.push_back(p->body.substr(0, 2));
      if (ids.size() < 2) continue;
      wire.send(packet(kSuback << 4, ids[0] + '\0'));
      while (!answer) std::this_thread::yield();
      wire.send(packet(kSuback << 4, ids[1] + '\0'));
    }
  });
  Instance i = make(conf(broker.port(), R"("subscribe": {"0": "a", "1": "b"})"));
  i.start();
  host.run_for(Ms(300));
  EXPECT_EQ(host.state(i), DTU_STATE_CONNECTING) << trouble();
  answer = true;
  EXPECT_TRUE(wait_state(i, DTU_STATE_UP)) << trouble();
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Faults, WindowIsKeptAndRoomIsTold) {
  std::atomic<int> seen{0};
  std::atomic<int> acknowledge{0};
  const FakeBroker broker = polite([&](Wire& wire, int) {
    std::vector<std::string> ids;
    size_t answered = 0;
    while (true) {
      while (answered < ids.size() && static_cast<int>(answered) < acknowledge)
        wire.send(packet(kPuback << 4, ids[answered++]));
      const auto p = wire.read(Ms(20));
      if (p && p->type() == kDisconnect) return;
      if (!p || p->type() != kPublish) continue;
      ids.push_back(number16(parse_publish(*p).id));
      ++seen;
    }
  });
  Instance i = up(conf(broker.port(), R"("qos": 1, "max_inflight": 8)"));
  const auto sent = i.send(std::vector<Message>(20, Message{"x", ""}));
  EXPECT_EQ(sent.taken, 8U);
  EXPECT_EQ(sent.status, DTU_AGAIN);
  ASSERT_TRUE(wait([&] { return seen == 8; }));
  acknowledge = 3;
  ASSERT_TRUE(wait([&] { return completed(DTU_OK) == 3; }));
  EXPECT_TRUE(host.writables().empty());  // half a window at a time
  acknowledge = 100;
  ASSERT_TRUE(wait([&] { return completed(DTU_OK) == 8 && host.writables().size() == 1; }));
  EXPECT_EQ(i.send(std::vector<Message>(8, Message{"y", ""})).taken, 8U);
  ASSERT_TRUE(wait([&] { return completed(DTU_OK) == 16; }));
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Faults, BytesInFlightAreBounded) {
  const FakeBroker broker = polite([](Wire& wire, int) {
    while (wire.read(Ms(20000))) {
    }
  });
  Instance i = up(conf(broker.port(), R"("qos": 1)"));
  const auto sent = i.send(std::vector<Message>(10, Message{std::string(300000, 'x'), ""}));
  EXPECT_EQ(sent.taken, 3U);  // 1 MiB
  EXPECT_EQ(sent.status, DTU_AGAIN);
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Faults, WaitsGrowAndAreJittered) {
  const FakeBroker broker([](Wire& wire, int) { wire.reset(); });
  Instance i = make(conf(broker.port(), R"("reconnect": {"min_ms": 500, "max_ms": 2000})"));
  i.start();
  std::vector<int64_t> times;
  size_t looked_at = 0;
  ASSERT_TRUE(wait(
      [&] {
        for (; looked_at < host.reports().size(); ++looked_at)
          if (host.reports()[looked_at].state == DTU_STATE_CONNECTING)
            times.push_back(host.table()->monotonic_ns() / 1000000);
        return times.size() == 5;
      },
      Ms(20000)))
      << trouble();
  EXPECT_GE(times[1] - times[0], 250);
  EXPECT_GE(times[2] - times[1], 500);
  EXPECT_GE(times[3] - times[2], 1000);
  EXPECT_GE(times[4] - times[3], 1000);
  ASSERT_TRUE(i.stop_and_wait());
}

TEST_F(Faults, UnknownHostIsNamed) {
  Instance i = make(R"({"url": "no-such-host.invalid", "clientID": "x", "publish": {"0": "up"}})");
  i.start();
  ASSERT_TRUE(wait([&] { return host.state(i) == DTU_STATE_DOWN; }, Ms(30000)));
  EXPECT_NE(host.reports().back().text.find("the name no-such-host.invalid"), std::string::npos);
  ASSERT_TRUE(i.stop_and_wait(Ms(30000)));
}

TEST_F(Faults, StopWhileConnectingEnds) {
  const FakeBroker broker([](Wire& wire, int) { wire.read(Ms(3000)); });
  Instance i = make(conf(broker.port()));
  i.start();
  ASSERT_TRUE(wait_state(i, DTU_STATE_CONNECTING));
  EXPECT_TRUE(i.stop_and_wait());
  EXPECT_EQ(host.state(i), DTU_STATE_STOPPED);
}

}  // namespace
}  // namespace mqtt_test
