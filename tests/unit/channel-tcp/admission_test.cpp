// The server: who is let in, who makes place for whom, who only listens, who gets an answer.
#include <algorithm>

#include "served.hpp"

namespace channel_tcp::test {
namespace {

size_t warnings(TestHost& host) {
  return static_cast<size_t>(
      std::count_if(host.logs().begin(), host.logs().end(), [](const auto& l) { return l.level == DTU_LOG_WARNING; }));
}

TEST_F(TcpServer, ServesOnlyWhoIsAllowed) {
  listen(R"("allowed": ["127.0.0.2", "10.0.0.0/8"], "max_clients": 1)");
  for (int i = 1; i <= 3; ++i) {
    Remote stranger = Remote::connect(port);
    EXPECT_TRUE(ends(stranger));
    EXPECT_EQ(host.metric("tcp_not_allowed_clients"), i);
  }
  EXPECT_TRUE(host.logged("a client from 127.0.0.1:"));
  EXPECT_TRUE(host.logged("allowed does not name its address"));
  EXPECT_EQ(warnings(host), 1U) << "strangers do not fill the log";
  EXPECT_EQ(host.metric("tcp_refused_clients"), 0);
  join_from("127.0.0.2").write_all("in");
  EXPECT_TRUE(host.run_until([&] { return host.emitted_bytes(1) == "in"; }));
}

TEST_F(TcpServer, SaysAgainAfterAMinuteHowManyStrangersThereWere) {
  listen(R"("allowed": ["127.0.0.2"])");
  host.use_fake_clock();
  for (int i = 1; i <= 4; ++i) {
    if (i == 4) host.advance(61s);
    Remote stranger = Remote::connect(port);
    EXPECT_TRUE(ends(stranger));
  }
  EXPECT_EQ(warnings(host), 2U);
  EXPECT_TRUE(host.logged("(and 2 more since the last such line)"));
}

TEST_F(TcpServer, KicksTheOldOneOfTheSameAddressFirst) {
  listen(R"("when_full": "kick-old", "max_clients": 2)");
  Remote& other = join_from("127.0.0.2");
  Remote& same = join_from("127.0.0.3");
  same.write_all("not silent");
  ASSERT_TRUE(host.run_until([&] { return host.emitted_bytes(2) == "not silent"; }));
  Remote& fresh = join_from("127.0.0.3");
  EXPECT_TRUE(ends(same));
  EXPECT_EQ(host.metric("tcp_kicked_clients"), 1);
  EXPECT_EQ(host.metric("tcp_refused_clients"), 0);
  EXPECT_TRUE(host.logged("client 2 (127.0.0.3:"));
  EXPECT_TRUE(host.logged("needs its place: max_clients (2) are connected"));
  inst->send({{"for both"}});
  EXPECT_TRUE(received(other, "for both"));
  EXPECT_TRUE(received(fresh, "for both"));
}

TEST_F(TcpServer, KicksTheOneThatIsSilentLongestWithoutOneOfTheSameAddress) {
  listen(R"("when_full": "kick-old", "max_clients": 2)");
  host.use_fake_clock();
  Remote& talks = join_from("127.0.0.2");
  host.advance(1s);
  Remote& silent = join_from("127.0.0.3");
  host.advance(1s);
  talks.write_all("here");
  ASSERT_TRUE(host.run_until([&] { return host.emitted_bytes(1) == "here"; }));
  join_from("127.0.0.4");
  EXPECT_TRUE(ends(silent));
  talks.read();
  EXPECT_FALSE(talks.ended());
}

// The half-open connection of a device that lost its network keeps the only place.
TEST_F(TcpServer, AKickedClientsUnacknowledgedMessageGoesToTheNewOne) {
  listen(R"("when_full": "kick-old", "max_clients": 1, "when_empty": "hold")");
  Remote& stuck = join(4096);
  ASSERT_EQ(inst->send({{pattern(300000)}}).taken, 1U);
  Remote& fresh = join();
  EXPECT_TRUE(ends(stuck));
  EXPECT_EQ(completed(host, DTU_E_CLOSED), 1U) << "given back: the client did not refuse it";
  ASSERT_TRUE(host.run_until([&] { return host.state(*inst) == DTU_STATE_UP; }));
  ASSERT_EQ(inst->send({{"again"}}).taken, 1U);
  EXPECT_TRUE(received(fresh, "again"));
}

TEST_F(TcpServer, AListenerHearsAllAndSaysNothing) {
  listen(R"("read_only": ["127.0.0.2"], "answers": "asker")");
  Remote& listener = join_from("127.0.0.2");
  Remote& asks = join();
  listener.write_all("ignored");
  ASSERT_TRUE(host.run_until([&] { return host.metric("tcp_read_only_bytes") == 7; }));
  asks.write_all("question");
  ASSERT_TRUE(host.run_until([&] { return host.emitted_bytes(2) == "question"; }));
  EXPECT_EQ(host.emitted_bytes(1), "");
  inst->send({{"answer"}});
  EXPECT_TRUE(received(asks, "answer"));
  EXPECT_TRUE(received(listener, "answer"));
  EXPECT_EQ(health(*inst, "read_only_bytes"), "7");
}

TEST_F(TcpServer, AnswersGoToTheLastThatAskedUntilItLeaves) {
  listen(R"("answers": "asker")");
  Remote& a = join();
  Remote& b = join();
  inst->send({{"all "}});
  EXPECT_TRUE(received(a, "all "));
  EXPECT_TRUE(received(b, "all "));
  a.write_all("?");
  ASSERT_TRUE(host.run_until([&] { return host.emitted_bytes(1) == "?"; }));
  inst->send({{"to a "}, to(2, "by name ")});
  EXPECT_TRUE(received(a, "all to a "));
  b.write_all("?");
  ASSERT_TRUE(host.run_until([&] { return host.emitted_bytes(2) == "?"; }));
  inst->send({{"to b "}});
  EXPECT_TRUE(received(b, "all by name to b "));
  b.close();
  ASSERT_TRUE(host.run_until([&] { return health(*inst, "disconnects") == "1"; }));
  inst->send({{"all"}});
  EXPECT_TRUE(received(a, "all to a all"));
  EXPECT_TRUE(host.run_until([&] { return inst->open_tokens() == 0; }));
  EXPECT_EQ(completed(host, DTU_OK), 5U);
}

// What it had asked goes to the port when there is room; the answer is nobody's then, so all get it.
TEST_F(TcpServer, AClientThatIsGoneIsNotTheAsker) {
  listen(R"("answers": "asker")");
  Remote& a = join();
  Remote& b = join();
  host.block_emit(true);
  a.write_all("late");
  ASSERT_TRUE(has_read(host, *inst));
  a.reset();
  ASSERT_TRUE(host.run_until([&] { return health(*inst, "disconnects") == "1"; }));
  host.block_emit(false);
  ASSERT_TRUE(host.run_until([&] { return host.emitted_bytes(1) == "late"; }));
  inst->send({{"answer"}});
  EXPECT_TRUE(received(b, "answer"));
}

}  // namespace
}  // namespace channel_tcp::test
