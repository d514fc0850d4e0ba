// One message is one datagram, both ways; heartbeat; silence; names.
#include <gtest/gtest.h>

#include <future>
#include <stdexcept>

#include "server.hpp"

namespace channel_udp::test {
namespace {

net::World& scripted() {
  static net::World world;
  return world;
}

class ScriptedUdp : public UdpChannel {
 public:
  ScriptedUdp(dtu::Host host, std::string_view config) : UdpChannel(host, config, scripted()) {}
};
DTU_COMPONENT(scripted_udp, ScriptedUdp, DTU_KIND_CHANNEL, "udp", "UDP", "{}", 0, dtu::channel_iface<ScriptedUdp>);

Instance create_named(TestHost& host, net::Resolver::Lookup lookup) {
  scripted().lookup = std::move(lookup);
  scripted().random = [] { return 0.0; };
  return host.create(scripted_udp, R"({"url": "cloud.example", "port": 7, "reconnect": {"min_ms": 10}})");
}

net::Address loopback(uint16_t port) { return *net::numeric_address("127.0.0.1", port); }

TEST(UdpClient, IsWhatItSaysItIs) {
  EXPECT_EQ(component().kind, DTU_KIND_CHANNEL);
  EXPECT_STREQ(component().type, "udp");
  EXPECT_EQ(component().caps & (DTU_CAP_TOPICS | DTU_CAP_REQUESTS), 0U);
}

TEST(UdpClient, AMessageIsADatagramBothWays) {
  TestHost host;
  Connected c(host);
  const std::string bytes("\0\xff{}", 4);
  const auto sent = c.inst.send({{"one"}, {""}, {bytes}});
  EXPECT_EQ(sent.status, DTU_OK);
  EXPECT_EQ(sent.taken, 3U);
  EXPECT_EQ(completed(host, DTU_UNCONFIRMED), 3U) << "UDP confirms nothing";
  EXPECT_TRUE(host.run_until([&] { return c.server.received().size() == 3; }));
  EXPECT_EQ(c.server.received(), (std::vector<std::string>{"one", "", bytes}));
  ASSERT_TRUE(c.server.answer("down"));
  ASSERT_TRUE(c.server.answer(""));
  ASSERT_TRUE(c.server.answer(bytes));
  ASSERT_TRUE(host.run_until([&] { return host.emitted().size() == 3; }));
  EXPECT_EQ(host.emitted()[0].payload, "down");
  EXPECT_EQ(host.emitted()[1].payload, "");
  EXPECT_EQ(host.emitted()[2].payload, bytes);
  EXPECT_EQ(host.emitted()[2].source, 0U);
}

TEST(UdpClient, TheLargestDatagramGoesAndALongerOneIsRejected) {
  TestHost host;
  Connected c(host);
  const std::string most(65507, 'm');
  const auto sent = c.inst.send({{"a"}, {std::string(65508, 'x')}, {most}, {std::string(100000, 'y')}});
  EXPECT_EQ(sent.taken, 4U);
  EXPECT_EQ(sent.status, DTU_OK);
  ASSERT_EQ(host.completions().size(), 4U);
  const dtu_status wanted[] = {DTU_UNCONFIRMED, DTU_E_INVALID, DTU_UNCONFIRMED, DTU_E_INVALID};
  for (size_t i = 0; i < 4; ++i) EXPECT_EQ(host.completions()[i].status, wanted[i]) << i;
  ASSERT_TRUE(host.run_until([&] { return c.server.received().size() == 2; }));
  EXPECT_EQ(c.server.received()[1], most);
  EXPECT_EQ(host.metric("udp_rejected_messages"), 2);
  EXPECT_TRUE(host.logged("a message of 65508 bytes is longer than a datagram may be (65507)"));
  ASSERT_TRUE(c.server.answer(most));
  ASSERT_TRUE(host.run_until([&] { return !host.emitted().empty(); }));
  EXPECT_EQ(host.emitted()[0].payload, most);
}

TEST(UdpClient, SpeaksIpv6) {
  Server server("::1");
  TestHost host;
  Instance inst = host.create(component(), R"({"url": "[::1]", "port": )" + std::to_string(server.port()) + "}");
  inst.start();
  ASSERT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
  inst.send({{"six"}});
  ASSERT_TRUE(host.run_until([&] { return server.received().size() == 1; }));
  EXPECT_EQ(server.received()[0], "six");
  EXPECT_EQ(server.last_sender().rfind("[::1]:", 0), 0U);
}

TEST(UdpClient, HearsOnlyItsServer) {
  TestHost host;
  Connected c(host);
  Server stranger;
  ASSERT_TRUE(stranger.send("forged", c.address()));
  ASSERT_TRUE(c.server.send("real", c.address()));
  ASSERT_TRUE(host.run_until([&] { return !host.emitted().empty(); }));
  EXPECT_EQ(host.emitted_bytes(), "real");
}

TEST(UdpClient, SendsThePingOnlyWhenNothingElseWasSentAndDoesNotCountItAsAMessage) {
  TestHost host;
  Connected c(host, R"("ping": "beat", "heartbeat": 10)");
  host.use_fake_clock();
  host.advance(9s);
  c.inst.send({{"data"}});
  const size_t told = host.completions().size();
  host.advance(9s);
  ASSERT_TRUE(host.run_until([&] { return c.server.received().size() == 1; }));
  host.advance(2s);
  ASSERT_TRUE(host.run_until([&] { return c.server.received().size() == 2; }));
  EXPECT_EQ(c.server.received().back(), "beat");
  host.advance(10s);
  ASSERT_TRUE(host.run_until([&] { return c.server.received().size() == 3; }));
  EXPECT_EQ(host.completions().size(), told);
  EXPECT_TRUE(host.writables().empty());
}

TEST(UdpClient, SilenceForKeepAliveConnectsANewSocket) {
  TestHost host;
  Connected c(host, R"("keepAlive": 60, "reconnect": {"min_ms": 1000})");
  const std::string before = health(c.inst, "local");
  host.use_fake_clock();
  host.advance(50s);
  ASSERT_TRUE(c.server.send("alive", c.address()));
  ASSERT_TRUE(host.run_until([&] { return !host.emitted().empty(); }));
  host.advance(50s);
  c.inst.send({{"uplink does not count"}});
  EXPECT_EQ(host.state(c.inst), DTU_STATE_UP);
  host.advance(10100ms);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_DOWN);
  EXPECT_EQ(last_report(host), "no datagram from 127.0.0.1:" + std::to_string(c.server.port()) + " for 60 s");
  EXPECT_EQ(host.metric("udp_disconnects"), 1);
  host.advance(800ms);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_DOWN) << "1 s later";
  host.advance(200ms);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_UP);
  EXPECT_EQ(host.metric("udp_connects"), 2);
  c.inst.send({{"again"}});
  ASSERT_TRUE(host.run_until([&] { return c.server.received().size() == 2; }));
  EXPECT_NE(health(c.inst, "local"), before);
}

TEST(UdpClient, WithoutKeepAliveSilenceIsAllRight) {
  TestHost host;
  Connected c(host);
  host.use_fake_clock();
  host.advance(24h);
  EXPECT_EQ(host.reports().size(), 1U);
}

TEST(UdpClient, LooksTheNameUpEachRoundAndTakesTurns) {
  Server first, second;
  TestHost host;
  int asked = 0;
  Instance inst = create_named(host, [&](const std::string& name, uint16_t port) -> net::Resolved {
    EXPECT_EQ(name, "cloud.example");
    EXPECT_EQ(port, 7);
    if (++asked == 1) return {{}, "no name server answers"};
    if (asked == 2) throw std::runtime_error("out of sockets");
    return {{loopback(first.port()), loopback(second.port())}, ""};
  });
  inst.start();
  ASSERT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
  ASSERT_EQ(host.reports().size(), 3U);
  EXPECT_EQ(host.reports()[0].text, "no name server answers");
  EXPECT_EQ(host.reports()[1].text, "the name cloud.example cannot be looked up: out of sockets");
  inst.send({{"x"}});
  EXPECT_TRUE(host.run_until([&] { return first.received().size() + second.received().size() == 1; }));
}

TEST(UdpClient, AnAddressWithoutARouteIsPassedOver) {
  Server server;
  TestHost host;
  net::Address broken = loopback(1);
  broken.storage.ss_family = AF_UNIX;  // no UDP socket connects to it
  Instance inst = create_named(host, [&](const std::string&, uint16_t) -> net::Resolved {
    return {{broken, loopback(server.port())}, ""};
  });
  inst.start();
  ASSERT_TRUE(host.run_until([&] { return !host.reports().empty(); }));
  EXPECT_EQ(host.reports()[0].state, DTU_STATE_UP) << last_report(host);
}

// The second of two addresses is tried because the first one refused: it is the first one that is named for that.
TEST(UdpClient, TheAddressThatRefusedIsNamed) {
  Server refuses("127.0.0.1", false), other("127.0.0.2");
  TestHost host;
  Instance inst = create_named(host, [&](const std::string&, uint16_t) -> net::Resolved {
    return {{loopback(refuses.port()), *net::numeric_address("127.0.0.2", other.port())}, ""};
  });
  inst.start();
  ASSERT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
  inst.send({{"x"}});
  ASSERT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_DEGRADED; }));
  EXPECT_EQ(last_report(host), "127.0.0.1:" + std::to_string(refuses.port()) +
                                   " refused the last datagrams; one message to 127.0.0.2:" +
                                   std::to_string(other.port()) + " tests whether the server accepts datagrams again");
}

TEST(UdpClient, StopDoesNotWaitForAHangingLookUp) {
  TestHost host;
  std::promise<void> release, begun;
  Instance inst = create_named(host, [&](const std::string&, uint16_t) -> net::Resolved {
    begun.set_value();
    release.get_future().wait();
    return {{loopback(1)}, ""};
  });
  inst.start();
  host.run_for(10ms);
  ASSERT_EQ(begun.get_future().wait_for(5s), std::future_status::ready);
  EXPECT_EQ(inst.stop(50), DTU_PENDING);
  EXPECT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_STOPPED; }));
  release.set_value();
  inst.destroy();  // joins
}

TEST(UdpClient, ALookUpThatEndsDuringStopEndsTheStop) {
  TestHost host;
  std::promise<void> release, begun;
  Instance inst = create_named(host, [&](const std::string&, uint16_t) -> net::Resolved {
    begun.set_value();
    release.get_future().wait();
    return {{loopback(1)}, ""};
  });
  inst.start();
  host.run_for(10ms);
  ASSERT_EQ(begun.get_future().wait_for(5s), std::future_status::ready);
  EXPECT_EQ(inst.stop(3600000), DTU_PENDING);
  release.set_value();
  EXPECT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_STOPPED; }));
}

}  // namespace
}  // namespace channel_udp::test
