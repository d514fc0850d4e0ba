// Names: looked up beside the lane, all addresses tried, and a look-up that hangs.
#include <gtest/gtest.h>

#include <atomic>
#include <future>
#include <stdexcept>

#include "remote.hpp"

namespace channel_tcp::test {
namespace {

World& scripted() {
  static World world;
  return world;
}

class ScriptedTcp : public TcpChannel {
 public:
  ScriptedTcp(dtu::Host host, std::string_view config) : TcpChannel(host, config, scripted()) {}
};
DTU_COMPONENT(scripted_tcp, ScriptedTcp, DTU_KIND_CHANNEL, "tcp", "TCP", "{}", 0, dtu::channel_iface<ScriptedTcp>);

Instance create(TestHost& host, uint16_t port, net::Resolver::Lookup lookup) {
  scripted().lookup = std::move(lookup);
  scripted().random = [] { return 0.0; };
  return host.create(scripted_tcp, R"({"url": "cloud.example", "port": )" + std::to_string(port) + "}");
}

net::Address loopback(uint16_t port) { return *net::numeric_address("127.0.0.1", port); }

TEST(Resolver, ConnectsByName) {
  TestHost host;
  const Listener listener;
  Instance inst = host.create(component(), R"({"url": "localhost", "port": )" + std::to_string(listener.port()) + "}");
  inst.start();
  EXPECT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
}

TEST(Resolver, TriesAllAddressesInTurn) {
  TestHost host;
  const Listener closed(0, Listener::kNotYet);
  const Listener open;
  Instance inst = create(host, 1, [&](const std::string& name, uint16_t port) {
    EXPECT_EQ(name, "cloud.example");
    EXPECT_EQ(port, 1);
    return net::Resolved{{loopback(closed.port()), loopback(closed.port()), loopback(open.port())}, ""};
  });
  inst.start();
  ASSERT_TRUE(host.run_until([&] { return !host.reports().empty(); }));
  EXPECT_EQ(host.reports()[0].state, DTU_STATE_UP) << host.reports()[0].text;
}

TEST(Resolver, SaysHowManyAddressesWereTried) {
  TestHost host;
  const Listener closed(0, Listener::kNotYet);
  Instance inst = create(host, 1, [&](const std::string&, uint16_t) {
    return net::Resolved{{loopback(closed.port()), loopback(closed.port())}, ""};
  });
  inst.start();
  ASSERT_TRUE(host.run_until([&] { return !host.reports().empty(); }));
  EXPECT_TRUE(reported(host, inst, DTU_STATE_DOWN, "connection refused by 127.0.0.1:"));
  EXPECT_TRUE(reported(host, inst, DTU_STATE_DOWN, "(the last of 2 addresses tried)"));
}

TEST(Resolver, AsksAgainEachRound) {
  TestHost host;
  const Listener open;
  std::atomic<int> asked{0};
  Instance inst = create(host, 1, [&](const std::string&, uint16_t) -> net::Resolved {
    if (++asked == 1) return {{}, "no name server answers"};
    if (asked == 2) throw std::runtime_error("out of sockets");
    return {{loopback(open.port())}, ""};
  });
  inst.start();
  ASSERT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }, 20s));
  ASSERT_EQ(host.reports().size(), 3U);
  EXPECT_EQ(host.reports()[0].text, "no name server answers");
  EXPECT_EQ(host.reports()[1].text, "the name cloud.example cannot be looked up: out of sockets");
}

TEST(Resolver, StopDoesNotWaitForAHangingLookUp) {
  TestHost host;
  std::promise<void> release;
  std::promise<void> begun;
  Instance inst = create(host, 1, [&](const std::string&, uint16_t) {
    begun.set_value();
    release.get_future().wait();
    return net::Resolved{{loopback(1)}, ""};
  });
  inst.start();
  host.run_for(10ms);
  ASSERT_EQ(begun.get_future().wait_for(5s), std::future_status::ready);
  EXPECT_EQ(inst.stop(50), DTU_PENDING);
  EXPECT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_STOPPED; }));
  release.set_value();
  inst.destroy();  // joins
  EXPECT_EQ(host.reports().size(), 1U);
}

TEST(Resolver, ALookUpThatEndsDuringStopEndsTheStop) {
  TestHost host;
  std::promise<void> release;
  std::promise<void> begun;
  Instance inst = create(host, 1, [&](const std::string&, uint16_t) {
    begun.set_value();
    release.get_future().wait();
    return net::Resolved{{loopback(1)}, ""};
  });
  inst.start();
  host.run_for(10ms);
  ASSERT_EQ(begun.get_future().wait_for(5s), std::future_status::ready);
  EXPECT_EQ(inst.stop(3600000), DTU_PENDING);
  release.set_value();
  EXPECT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_STOPPED; }));
}

}  // namespace
}  // namespace channel_tcp::test
