// The client: connecting, losing, coming back.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include "remote.hpp"

namespace channel_tcp::test {
namespace {

TEST(TcpClient, IsWhatItSaysItIs) {
  EXPECT_EQ(component().kind, DTU_KIND_CHANNEL);
  EXPECT_STREQ(component().type, "tcp");
  EXPECT_EQ(component().caps & DTU_CAP_TOPICS, 0U);
}

TEST(TcpClient, RefusesABadConfiguration) {
  TestHost host;
  const Instance inst = host.create(component(), R"({"url": "", "port": 1})");
  EXPECT_FALSE(inst);
  EXPECT_EQ(inst.status(), DTU_E_INVALID);
  EXPECT_NE(inst.error().find("url"), std::string::npos);
}

TEST(TcpClient, CarriesBytesBothWays) {
  TestHost host;
  Connected c(host);
  c.remote->write_all("down");
  const auto sent = c.inst.send({{"up "}, {""}, {"again"}});
  EXPECT_EQ(sent.status, DTU_OK);
  EXPECT_EQ(sent.taken, 3U);
  EXPECT_TRUE(host.run_until([&] {
    c.remote->read();
    return c.remote->received == "up again" && host.emitted_bytes() == "down" && c.inst.open_tokens() == 0;
  }));
  EXPECT_EQ(completed(host, DTU_OK), 3U);
  EXPECT_EQ(health(c.inst, "dtu_state"), "4");
  EXPECT_EQ(host.metric("tcp_connects"), 1);
}

TEST(TcpClient, HealthShowsTheConnection) {
  TestHost host;
  Connected c(host);
  c.remote->write_all("12345");
  c.inst.send({{"123"}});
  ASSERT_TRUE(host.run_until([&] { return c.inst.open_tokens() == 0 && host.emitted_bytes().size() == 5; }));
  const std::string json = c.inst.health();
  for (const char* piece : {R"("mode":"client")", R"("sent_bytes":3)", R"("received_bytes":5)", R"("rtt_us":)",
                            R"("local":"127.0.0.1:)", R"("unacknowledged_bytes":0)", R"("connects":1)"})
    EXPECT_NE(json.find(piece), std::string::npos) << piece << " in " << json;
  EXPECT_NE(json.find("\"address\":\"127.0.0.1:" + std::to_string(c.listener.port())), std::string::npos);
}

TEST(TcpClient, WorksWithoutTheMetricsService) {
  TestHost host;
  host.withhold("dtu.metrics/1");
  Connected c(host);
  c.inst.send({{"x"}});
  EXPECT_TRUE(host.run_until([&] { return c.inst.open_tokens() == 0; }));
}

TEST(TcpClient, SaysWhoRefusedAndComesBackByItself) {
  TestHost host;
  host.use_fake_clock();
  Listener listener(0, Listener::kNotYet);
  const uint16_t port = listener.port();
  Instance inst = host.create(component(), client_config(port));
  EXPECT_EQ(inst.start(), DTU_PENDING);
  EXPECT_TRUE(host.reports().empty()) << "start() itself reports nothing";
  host.advance(1ms);
  ASSERT_TRUE(host.run_until([&] { return !host.reports().empty(); }));
  EXPECT_TRUE(reported(host, inst, DTU_STATE_DOWN, "connection refused by 127.0.0.1:" + std::to_string(port)));
  EXPECT_EQ(host.reports().back().flags, DTU_ERR_RETRYABLE);
  EXPECT_EQ(host.reports().back().protocol_code, 4003U);
  EXPECT_EQ(inst.send({{"x"}}).status, DTU_E_IO);
  EXPECT_EQ(inst.raw_error().flags, DTU_ERR_RETRYABLE);
  EXPECT_EQ(inst.raw_error().protocol_code, 5007U);

  host.advance(5s);  // a few more tries
  host.run_until([] { return false; }, 20ms);
  EXPECT_EQ(host.reports().size(), 1U) << "the same reason is told once";
  listener.listen();
  host.advance(60s);
  EXPECT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
}

TEST(TcpClient, WaitsLongerAfterEachFailure) {
  TestHost host;
  host.use_fake_clock();
  Listener listener;
  Instance inst = host.create(component(), client_config(listener.port(), R"("reconnect": {"min_ms": 1000})"));
  inst.start();
  const auto accepts_within = [&](std::chrono::milliseconds time) {
    host.advance(time);
    std::unique_ptr<Remote> r;
    const bool came = host.run_until([&] { return (r = listener.accept()) != nullptr; }, 30ms);
    if (!came) return false;
    EXPECT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
    r->reset();
    EXPECT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_DOWN; }));
    return true;
  };
  ASSERT_TRUE(accepts_within(1ms));
  EXPECT_FALSE(accepts_within(900ms));
  ASSERT_TRUE(accepts_within(1100ms)) << "1 to 2 s after the first";
  EXPECT_FALSE(accepts_within(1900ms));
  ASSERT_TRUE(accepts_within(2100ms)) << "2 to 4 s after the second";
  EXPECT_FALSE(accepts_within(3900ms));
  ASSERT_TRUE(accepts_within(4100ms)) << "4 to 8 s after the third";
}

TEST(TcpClient, GivesAnAddressTenSeconds) {
  TestHost host;
  // A listener whose queue is full drops the SYNs: nobody answers.
  Listener full(0, 0);
  const Remote first = Remote::connect(full.port());
  const Remote second = Remote::connect(full.port());
  Instance inst = host.create(component(), client_config(full.port()));
  host.use_fake_clock();
  inst.start();
  host.advance(9s);
  EXPECT_EQ(host.state(inst), 0);
  EXPECT_EQ(health(inst, "dtu_state"), "2") << "SYN_SENT";
  host.advance(1100ms);
  EXPECT_TRUE(reported(host, inst, DTU_STATE_DOWN, "no answer from 127.0.0.1:"));
  EXPECT_EQ(health(inst, "dtu_state"), "0");
}

TEST(TcpClient, ReportsACloseByTheServer) {
  TestHost host;
  Connected c(host);
  c.remote->write_all("last words");
  c.remote->close();
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_DOWN; }));
  EXPECT_TRUE(reported(host, c.inst, DTU_STATE_DOWN, "closed by the server 127.0.0.1:"));
  EXPECT_EQ(host.emitted_bytes(), "last words");
  EXPECT_EQ(host.metric("tcp_disconnects"), 1);
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_UP; })) << "and comes back";
}

TEST(TcpClient, ReportsAReset) {
  TestHost host;
  Connected c(host);
  c.remote->reset();
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_DOWN; }));
  EXPECT_TRUE(reported(host, c.inst, DTU_STATE_DOWN, "connection reset by the server"));
}

TEST(TcpClient, SendsTheHeartbeatOnlyWhenNothingElseWasSent) {
  TestHost host;
  Connected c(host, R"("ping": "beat", "heartbeat": 10, "keepAlive": 0)");
  host.use_fake_clock();
  const auto got = [&] {
    host.run_until([] { return false; }, 5ms);
    c.remote->read();
    return std::exchange(c.remote->received, "");
  };
  host.advance(9s);
  EXPECT_EQ(got(), "");
  host.advance(2s);
  EXPECT_EQ(got(), "beat");
  host.advance(5s);
  c.inst.send({{"data"}});
  host.advance(9s);
  EXPECT_EQ(got(), "data") << "uplink puts the heartbeat off";
  host.advance(2s);
  EXPECT_EQ(got(), "beat");
  host.advance(100s);
  EXPECT_EQ(got().size(), 40U);
  EXPECT_EQ(completed(host, DTU_OK), 1U) << "the data alone: a heartbeat is no message";
  EXPECT_EQ(host.completions().size(), 1U);
}

TEST(TcpClient, DownlinkDoesNotPutTheHeartbeatOff) {
  TestHost host;
  Connected c(host, R"("ping": "beat", "heartbeat": 10, "keepAlive": 0)");
  host.use_fake_clock();
  host.advance(9s);
  c.remote->write_all("down");
  ASSERT_TRUE(host.run_until([&] { return host.emitted_bytes() == "down"; }));
  host.advance(1100ms);
  EXPECT_TRUE(host.run_until([&] {
    c.remote->read();
    return c.remote->received == "beat";
  }));
}

TEST(TcpClient, HasNoHeartbeatWithoutAText) {
  TestHost host;
  Connected c(host, R"("ping": "", "heartbeat": 1, "keepAlive": 0)");
  host.use_fake_clock();
  host.advance(100s);
  c.remote->read();
  EXPECT_EQ(c.remote->received, "");
  EXPECT_FALSE(c.remote->ended());
}

TEST(TcpClient, TakesASilentServerForDead) {
  TestHost host;
  Connected c(host, R"("keepAlive": 20)");
  host.use_fake_clock();
  host.advance(15s);
  c.remote->write_all("still here");
  ASSERT_TRUE(host.run_until([&] { return !host.emitted().empty(); }));
  host.advance(19s);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_UP);
  host.advance(1100ms);
  EXPECT_TRUE(reported(host, c.inst, DTU_STATE_DOWN, "no byte from the server"));
  EXPECT_TRUE(reported(host, c.inst, DTU_STATE_DOWN, "for 20 s"));
  EXPECT_TRUE(host.run_until([&] {
    c.remote->read();
    return c.remote->ended();
  }));
}

TEST(TcpClient, ComesBackFromSilenceAfterTheWait) {
  TestHost host;
  Connected c(host, R"("keepAlive": 20, "ping": "beat", "heartbeat": 5, "reconnect": {"min_ms": 1000})");
  host.use_fake_clock();
  host.advance(20100ms);
  ASSERT_EQ(host.state(c.inst), DTU_STATE_DOWN) << "our own heartbeat proves nothing";
  host.advance(800ms);
  EXPECT_EQ(c.listener.accept(), nullptr) << "1 to 2 s, by chance";
  host.advance(1200ms);
  EXPECT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_UP; }));
}

TEST(TcpClient, IsNeverSilentWithKeepAliveOff) {
  TestHost host;
  Connected c(host, R"("keepAlive": 0)");
  host.use_fake_clock();
  host.advance(24h);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_UP);
}

TEST(TcpClient, DoesNotBlameTheServerForOurOwnBackPressure) {
  TestHost host;
  Connected c(host, R"("keepAlive": 5)");
  host.block_emit(true);
  c.remote->write_all("waits");
  ASSERT_TRUE(has_read(host, c.inst));
  host.use_fake_clock();
  host.advance(60s);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_UP);
  host.block_emit(false);
  EXPECT_TRUE(host.run_until([&] { return host.emitted_bytes() == "waits"; }));
}

// Half-open: the other end neither acknowledges nor answers. A peer that reads nothing looks the same to TCP.
TEST(TcpClient, NoticesThatNothingIsAcknowledged) {
  TestHost host;
  Connected c(host, R"("keepAlive": 1)", 4096);
  ASSERT_EQ(c.inst.send({{pattern(1 << 20)}}).status, DTU_OK);
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_DOWN; }, 20s));
  EXPECT_EQ(c.inst.open_tokens(), 0U);
  EXPECT_EQ(completed(host, DTU_E_CLOSED), 1U);
}

TEST(TcpClient, TwoInstancesDoNotMeet) {
  TestHost host;
  Connected a(host);
  Connected b(host);
  a.remote->write_all("to a");
  b.remote->write_all("to b");
  a.inst.send({{"from a"}});
  b.inst.send({{"from b"}});
  ASSERT_TRUE(host.run_until([&] {
    a.remote->read();
    b.remote->read();
    return a.remote->received.size() == 6 && b.remote->received.size() == 6 && host.emitted().size() == 2;
  }));
  EXPECT_EQ(a.remote->received, "from a");
  EXPECT_EQ(b.remote->received, "from b");
  for (const auto& e : host.emitted()) EXPECT_EQ(e.payload, e.by == a.inst.handle() ? "to a" : "to b");
  a.remote->close();
  ASSERT_TRUE(host.run_until([&] { return host.state(a.inst) == DTU_STATE_DOWN; }));
  EXPECT_EQ(host.state(b.inst), DTU_STATE_UP);
}

}  // namespace
}  // namespace channel_tcp::test
