// What becomes of a message when the server fails, refuses, says too much or hangs.
#include <chrono>

#include "fixture.hpp"

namespace channel_http::test {
namespace {

TEST_F(ChannelTest, EveryStatusHasItsFateAndCode) {
  struct Row {
    int status;
    dtu_status fate;
    uint32_t code;
  };
  const Row rows[] = {
      {400, DTU_E_INVALID, 4001}, {401, DTU_E_IO, 4001},      {403, DTU_E_REFUSED, 4001}, {404, DTU_E_REFUSED, 5000},
      {422, DTU_E_INVALID, 4001}, {413, DTU_E_INVALID, 4001}, {408, DTU_E_IO, 4001},      {425, DTU_E_IO, 4001},
      {407, DTU_E_IO, 4001},      {409, DTU_E_REFUSED, 4001}, {429, DTU_E_IO, 4001},      {500, DTU_E_REFUSED, 4002},
      {502, DTU_E_REFUSED, 4001}, {503, DTU_E_IO, 4001},      {504, DTU_E_IO, 4001},      {599, DTU_E_REFUSED, 4001},
      {300, DTU_E_REFUSED, 4009}, {301, DTU_E_REFUSED, 4009}, {302, DTU_E_REFUSED, 4009}, {303, DTU_E_REFUSED, 4009},
      {304, DTU_E_REFUSED, 4009}, {307, DTU_E_REFUSED, 4009}, {308, DTU_E_REFUSED, 4009}};
  Notes notes;
  Server server(notes.script([&](const Asked& a, size_t) { return answer(std::stoi(a.target.substr(1)), "page"); }));
  for (const Row& row : rows) {
    host.clear();
    Instance i = up(conf(server.url("/" + std::to_string(row.status) + "?key=secret")));
    send_all(i, {{"x"}});
    ASSERT_TRUE(completed(1)) << trouble();
    EXPECT_EQ(host.completions()[0].status, row.fate) << row.status;
    EXPECT_EQ(host.state(i), DTU_STATE_DEGRADED) << "messages go on being tried";
    const auto& report = host.reports().back();
    EXPECT_EQ(report.protocol_code, row.code) << row.status;
    EXPECT_EQ(report.flags & 0xFFFFU, DTU_ERR_RETRYABLE);
    EXPECT_THAT(report.text, HasSubstr("HTTP " + std::to_string(row.status)));
    EXPECT_THAT(trouble(), testing::Not(HasSubstr("secret")));
    EXPECT_EQ(host.emitted().size(), 0U) << "an error page is no answer";
    EXPECT_EQ(health(i, "dtu_state"), row.status);
    EXPECT_EQ(health(i, row.fate == DTU_E_INVALID ? "rejected" : "failures"), 1);
    EXPECT_TRUE(i.stop_and_wait());
  }
}

TEST_F(ChannelTest, FailedIsSentAgainUntilItWorks) {
  Notes notes;
  Server server(notes.script([](const Asked&, size_t count) { return answer(count < 4 ? 500 : 200, "done"); }));
  Instance i = up(conf(server.url()));
  send_all(i, {{"x"}});
  for (size_t n = 1; n <= 3; ++n) {
    ASSERT_TRUE(completed(n));
    EXPECT_EQ(host.completions()[n - 1].status, DTU_E_REFUSED);
    EXPECT_EQ(i.send({{"y"}}).status, DTU_AGAIN) << "not at once";
    ASSERT_TRUE(again(i, {"x"}, host.completions()[0].token)) << trouble();
  }
  ASSERT_TRUE(completed(4));
  EXPECT_EQ(host.completions()[3].status, DTU_OK);
  EXPECT_EQ(host.state(i), DTU_STATE_UP);
  EXPECT_EQ(host.emitted_bytes(), "done");
  EXPECT_EQ(health(i, "failures_in_a_row"), 0);
  size_t degraded = 0;
  for (const auto& r : host.reports()) degraded += r.state == DTU_STATE_DEGRADED ? 1 : 0;
  EXPECT_EQ(degraded, 1U) << "the same trouble is told once";
}

// The host makes the pauses while it looks for a message that the server never takes.
TEST_F(ChannelTest, TheWaitAfterARefusalStaysShort) {
  Server server(Server::replies([](const Asked&) { return answer(500); }));
  Instance i = up(R"({"url": ")" + server.url() + R"(", "reconnect": {"min_ms": 10, "max_ms": 3600000}})");
  send_all(i, {{"x"}});
  for (size_t n = 1; n <= 14; ++n) {
    ASSERT_TRUE(completed(n));
    ASSERT_TRUE(again(i, {"x"}, host.completions()[0].token))
        << "it waits 40 ms at most, not 10 ms times 2 to the " << n;
  }
}

TEST_F(ChannelTest, RetryAfterIsRespected) {
  Server server(Server::replies([](const Asked&) { return answer(503, "", "Retry-After: 1\r\n"); }));
  Instance i = up(conf(server.url()));
  const auto begin = std::chrono::steady_clock::now();
  send_all(i, {{"x"}});
  ASSERT_TRUE(completed(1));
  ASSERT_TRUE(again(i, {"x"}, host.completions()[0].token));
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1s);
}

TEST_F(ChannelTest, NoServerNoAnswer) {
  uint16_t port = 0;
  {
    Server gone([](Peer&, int) {});
    port = gone.port();
  }
  Instance i = up(conf("http://127.0.0.1:" + std::to_string(port)));
  send_all(i, {{"x"}});
  ASSERT_TRUE(completed(1));
  EXPECT_EQ(host.completions()[0].status, DTU_E_IO);
  EXPECT_EQ(host.reports().back().protocol_code, 4001U);
  EXPECT_THAT(host.reports().back().text, HasSubstr("refused"));
  EXPECT_EQ(health(i, "dtu_state"), 0);
}

TEST_F(ChannelTest, AnyFinal2xxIsDelivered) {
  Server server(Server::replies([](const Asked& a) { return answer(std::stoi(a.body), ""); }));
  Instance i = up(conf(server.url()));
  send_all(i, {{"200"}, {"201"}, {"202"}, {"204"}, {"206"}, {"299"}});
  ASSERT_TRUE(completed(6)) << trouble();
  for (const auto& c : host.completions()) EXPECT_EQ(c.status, DTU_OK);
}

// Wherever it leads: what takes a POST there is not what was asked to (D18).
TEST_F(ChannelTest, ARedirectOfAMessageIsNoDelivery) {
  for (const int status : {301, 302, 303, 307, 308}) {
    std::atomic<int> elsewhere{0};
    Server server(Server::replies([&](const Asked& a) {
      if (a.target == "/elsewhere") ++elsewhere;
      return a.target == "/elsewhere" ? answer(200, "") : answer(status, "", "Location: /elsewhere\r\n");
    }));
    for (const char* method : {"post", "put", "delete"}) {
      host.clear();
      Instance i = up(conf(server.url(), R"("method": ")" + std::string(method) + "\""));
      send_all(i, {{"x"}});
      ASSERT_TRUE(completed(1));
      EXPECT_EQ(host.completions()[0].status, DTU_E_REFUSED) << status << " " << method;
      EXPECT_EQ(host.reports().back().protocol_code, 4009U);
      EXPECT_EQ(health(i, "redirects"), 0);
      EXPECT_TRUE(i.stop_and_wait());
    }
    EXPECT_EQ(elsewhere, 0) << status;
  }
}

// A server that closes instead of an answer. The message may be the reason only if the connection had been quiet
// before.
TEST_F(ChannelTest, AServerThatClosesForAMessageRefusesIt) {
  Server server([](Peer& peer, int) { (void)peer.read(); });
  Instance i = up(conf(server.url()));
  send_all(i, {{"x"}});
  ASSERT_TRUE(completed(1));
  EXPECT_EQ(host.completions()[0].status, DTU_E_IO);
  ASSERT_TRUE(again(i, {"x"}, host.completions()[0].token)) << trouble();
  ASSERT_TRUE(completed(2));
  EXPECT_EQ(host.completions()[1].status, DTU_E_REFUSED);
}

// The host compares: between two closes for a message the server takes another one.
TEST_F(ChannelTest, ItIsRefusedAgainAfterAnotherOneWasTaken) {
  Server server([](Peer& peer, int) {
    for (auto asked = peer.read(); asked && asked->body != "bad"; asked = peer.read()) peer.write(answer(200));
  });
  Instance i = up(conf(server.url()));
  send_all(i, {{"bad"}});
  ASSERT_TRUE(completed(1));
  ASSERT_TRUE(again(i, {"good"}, 100));
  ASSERT_TRUE(completed(2)) << trouble();
  EXPECT_EQ(host.completions()[1].status, DTU_OK);
  ASSERT_TRUE(again(i, {"bad"}, host.completions()[0].token));
  ASSERT_TRUE(completed(3)) << trouble();
  EXPECT_EQ(host.completions()[2].status, DTU_E_REFUSED);
}

// It ends each connection after an answer and does not say so. That is never about the next message.
TEST_F(ChannelTest, AKeptConnectionThatEndsRefusesNothing) {
  Server server([](Peer& peer, int connection) {
    if (!peer.read() || connection == 1) return;
    peer.write(answer(200));
    (void)peer.read();
  });
  Instance i = up(conf(server.url()));
  send_all(i, {{"x"}});
  ASSERT_TRUE(completed(1));
  EXPECT_EQ(host.completions()[0].status, DTU_E_IO);
  ASSERT_TRUE(again(i, {"x"}, host.completions()[0].token)) << trouble();
  send_all(i, {{"y"}, {"z"}});
  ASSERT_TRUE(completed(4)) << trouble();
  for (size_t n = 1; n < 4; ++n) EXPECT_EQ(host.completions()[n].status, DTU_OK);
  EXPECT_EQ(health(i, "requests"), 6) << "two of them once more";
}

TEST_F(ChannelTest, ConnectionsAreNotWatchedForEver) {
  Server server([](Peer& peer, int connection) {
    if (peer.read() && connection != 1) peer.write(answer(200, "", "Connection: close\r\n"));
  });
  Instance i = up(conf(server.url()));
  send_all(i, {{"x"}});
  ASSERT_TRUE(completed(1));
  ASSERT_TRUE(again(i, {"x"}, host.completions()[0].token)) << trouble();
  for (int n = 0; n < 7; ++n) send_all(i, {{"x"}});
  ASSERT_TRUE(completed(9)) << trouble();
  const auto begin = std::chrono::steady_clock::now();
  send_all(i, {{"x"}});
  ASSERT_TRUE(completed(10));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 2s);
  for (size_t n = 1; n < 10; ++n) EXPECT_EQ(host.completions()[n].status, DTU_OK);
}

TEST_F(ChannelTest, AServerThatClosesEveryConnectionRefusesNothing) {
  Server server([](Peer&, int) {});
  Instance i = up(conf(server.url()));
  send_all(i, {{"x"}});
  for (size_t n = 1; n <= 4; ++n) {
    ASSERT_TRUE(completed(n));
    EXPECT_EQ(host.completions()[n - 1].status, DTU_E_IO);
    ASSERT_TRUE(again(i, {"x"}, host.completions()[0].token)) << trouble();
  }
}

TEST_F(ChannelTest, RedirectLoopIsCode4009) {
  Server server(Server::replies([](const Asked&) { return answer(302, "", "Location: /\r\n"); }));
  Instance i = up(conf(server.url(), R"("method": "get")"));
  send_all(i, {{"x"}});
  ASSERT_TRUE(completed(1));
  EXPECT_EQ(host.completions()[0].status, DTU_E_REFUSED);
  EXPECT_EQ(host.reports().back().protocol_code, 4009U);
  EXPECT_EQ(health(i, "dtu_state"), 302);
  EXPECT_EQ(health(i, "redirects"), 5);
}

// Sending it again would not make the answer any shorter.
TEST_F(ChannelTest, DeliveredThoughItsAnswerIsLost) {
  Server server(Server::replies([](const Asked& a) {
    if (a.body == "much") return answer(200, std::string(101, 'x'));
    return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n" + std::string();
  }));
  Instance i = up(conf(server.url(), R"("answer_max": 100)"));
  send_all(i, {{"much"}, {"broken"}});
  ASSERT_TRUE(completed(2));
  for (const auto& c : host.completions()) EXPECT_EQ(c.status, DTU_OK);
  EXPECT_EQ(host.emitted().size(), 0U);
  EXPECT_EQ(health(i, "lost_answers"), 2);
  EXPECT_TRUE(host.logged("longer than 100 bytes"));
  EXPECT_EQ(host.state(i), DTU_STATE_UP);
}

TEST_F(ChannelTest, TimeoutIsTheWholeRequest) {
  Server server([](Peer& peer, int) {
    (void)peer.read();
    while (peer.pause_ms(50) && peer.write("H")) {
    }
  });
  Instance i = up(conf(server.url(), R"("timeout": 1)"));
  const auto begin = std::chrono::steady_clock::now();
  send_all(i, {{"x"}});
  ASSERT_TRUE(completed(1));
  EXPECT_EQ(host.completions()[0].status, DTU_E_IO);
  EXPECT_GE(std::chrono::steady_clock::now() - begin, 1s);
}

TEST_F(ChannelTest, StopGivesTheMessageBackWhileTheServerHangs) {
  Server server([](Peer& peer, int) { peer.wait_closed(); });
  Instance i = up(conf(server.url(), R"("timeout": 300)"));
  send_all(i, {{"x"}});
  ASSERT_TRUE(wait([&] { return server.connections() == 1; }));
  EXPECT_EQ(i.iface<dtu_channel>(DTU_CHANNEL_IFACE)->flush(i.self(), 100, nullptr), DTU_PENDING);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(i.stop_and_wait(30s));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 10s);
  ASSERT_EQ(host.completions().size(), 1U);
  EXPECT_EQ(host.completions()[0].status, DTU_E_CLOSED);
}

TEST_F(ChannelTest, StopBetweenTwoTries) {
  Server server(Server::replies([](const Asked&) { return answer(503, "", "Retry-After: 3000\r\n"); }));
  Instance i = up(conf(server.url()));
  send_all(i, {{"x"}});
  ASSERT_TRUE(completed(1));
  EXPECT_EQ(i.send({{"x"}}).status, DTU_AGAIN);
  EXPECT_TRUE(i.stop_and_wait());
}

}  // namespace
}  // namespace channel_http::test
