// The client's backup servers: whose turn it is, changing, and going back.
#include "server_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "remote.hpp"

namespace channel_tcp::test {
namespace {

using Next = ServerList::Next;

TEST(ServerListTest, GoesRoundInOrder) {
  ServerList list({{"a", 1}, {"b", 2}, {"fd00::1", 3}}, 2);
  EXPECT_EQ(list.failed(), Next::same);
  EXPECT_EQ(list.failed(), Next::other);
  EXPECT_EQ(list.current().text(), "b:2");
  EXPECT_EQ(list.number(), 1U);
  EXPECT_EQ(list.failed(), Next::same);
  EXPECT_EQ(list.failed(), Next::other);
  EXPECT_EQ(list.current().text(), "[fd00::1]:3");
  EXPECT_EQ(list.failed(), Next::same);
  EXPECT_EQ(list.failed(), Next::first);
  EXPECT_EQ(list.number(), 0U);
}

TEST(ServerListTest, FailuresBeforeItWorkedDoNotCount) {
  ServerList list({{"a", 1}, {"b", 2}}, 2);
  EXPECT_EQ(list.failed(), Next::same);
  list.worked();
  EXPECT_EQ(list.failed(), Next::same);
  EXPECT_EQ(list.failed(), Next::other);
}

TEST(ServerListTest, GivesTheFirstOneTryOnTheWayBack) {
  ServerList list({{"a", 1}, {"b", 2}}, 3);
  for (int i = 0; i < 3; ++i) static_cast<void>(list.failed());
  ASSERT_EQ(list.number(), 1U);
  list.back_to_first();
  EXPECT_EQ(list.number(), 0U);
  EXPECT_EQ(list.failed(), Next::other);
  EXPECT_EQ(list.number(), 1U);
}

TEST(ServerListTest, OneServerIsAlwaysTheSame) {
  ServerList list({{"a", 1}}, 1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(list.failed(), Next::same);
  EXPECT_TRUE(list.alone());
}

std::string with_backup(const Listener& backup, const std::string& extra) {
  return R"("backup": ["127.0.0.1:)" + std::to_string(backup.port()) +
         R"("], "reconnect": {"min_ms": 10, "max_ms": 20}, )" + extra;
}
std::string shown(const Listener& server) { return "127.0.0.1:" + std::to_string(server.port()); }

// A client that is UP at its backup server, because the first one refuses it.
struct OnBackup {
  explicit OnBackup(TestHost& host, const std::string& extra)
      : inst(host.create(component(), client_config(first.port(), with_backup(backup, extra)))) {
    EXPECT_TRUE(inst) << inst.error();
    EXPECT_EQ(inst.start(), DTU_PENDING);
    EXPECT_TRUE(host.run_until([&] { return host.state(inst) == DTU_STATE_UP; }));
    EXPECT_TRUE(host.run_until([&] { return remote || (remote = backup.accept()); }));
  }
  Listener first{0, Listener::kNotYet}, backup{4096};
  Instance inst;
  std::unique_ptr<Remote> remote;
};

TEST(TcpBackup, TakesTheNextServerAfterSoManyFailedRounds) {
  TestHost host;
  OnBackup c(host, R"("backup_after": 2)");
  EXPECT_EQ(health(c.inst, "server"), shown(c.backup));
  EXPECT_EQ(health(c.inst, "backup"), "1");
  EXPECT_EQ(host.metric("tcp_server_changes"), 1);
  EXPECT_TRUE(host.logged("connected to the backup server " + shown(c.backup)));
  c.remote->write_all("down");
  c.inst.send({{"up"}});
  EXPECT_TRUE(host.run_until([&] {
    c.remote->read();
    return c.remote->received == "up" && host.emitted_bytes() == "down" && c.inst.open_tokens() == 0;
  }));
}

TEST(TcpBackup, ComesRoundToTheFirstWhenTheBackupFails) {
  TestHost host;
  OnBackup c(host, R"("backup_after": 1)");
  c.first.listen();
  c.backup.close();
  c.remote->reset();
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_DOWN; }));
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_UP; }));
  EXPECT_EQ(health(c.inst, "server"), shown(c.first));
  EXPECT_EQ(health(c.inst, "backup"), "0");
  EXPECT_NE(c.first.accept(), nullptr);
}

TEST(TcpBackup, StaysWhereItIsWithoutReturn) {
  TestHost host;
  OnBackup c(host, R"("backup_after": 1, "keepAlive": 0)");
  c.first.listen();
  host.use_fake_clock();
  host.advance(24h);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_UP);
  EXPECT_EQ(c.first.accept(), nullptr);
}

TEST(TcpBackup, GoesBackAfterTheTimeAndNeverHasTwoConnections) {
  TestHost host;
  OnBackup c(host, R"("backup_after": 1, "return_s": 100, "keepAlive": 0)");
  c.first.listen();
  host.use_fake_clock();
  host.advance(99s);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_UP);
  c.remote->write_all("last words");
  host.advance(1500ms);
  const auto said = [&](const auto& r) { return r.text.find("left the backup server " + shown(c.backup)) == 0; };
  EXPECT_EQ(std::count_if(host.reports().begin(), host.reports().end(), said), 1);
  std::unique_ptr<Remote> back;
  host.advance(10ms);
  ASSERT_TRUE(host.run_until([&] { return (back = c.first.accept()) != nullptr; }));
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_UP; }));
  c.remote->read();
  EXPECT_TRUE(c.remote->ended());
  EXPECT_EQ(host.emitted_bytes(), "last words") << "what had come is not lost with the connection";
  EXPECT_EQ(health(c.inst, "backup"), "0");
  EXPECT_EQ(host.metric("tcp_server_changes"), 2);
  host.advance(24h);
  EXPECT_EQ(host.state(c.inst), DTU_STATE_UP) << "the first is not left";
}

TEST(TcpBackup, WaitsForTheLastAcknowledgementsBeforeItGoesBack) {
  TestHost host;
  OnBackup c(host, R"("backup_after": 1, "return_s": 1, "keepAlive": 0)");
  c.first.listen();
  ASSERT_EQ(c.inst.send({{pattern(300000)}}).taken, 1U);
  ASSERT_TRUE(host.run_until([&] { return c.inst.send({{"later"}}).status == DTU_AGAIN; }));
  EXPECT_EQ(c.first.accept(), nullptr) << "one connection at a time";
  ASSERT_TRUE(host.run_until([&] {
    if (c.remote) c.remote->read();
    return c.inst.open_tokens() == 0;
  }));
  EXPECT_GE(completed(host, DTU_OK), 1U);
  EXPECT_EQ(completed(host, DTU_E_CLOSED), 0U);
  std::unique_ptr<Remote> back;
  ASSERT_TRUE(host.run_until([&] { return (back = c.first.accept()) != nullptr; }));
  ASSERT_TRUE(host.run_until([&] { return c.inst.send({{"later"}}).status == DTU_OK; }));
  EXPECT_TRUE(host.run_until([&] {
    back->read();
    return back->received == "later";
  }));
}

TEST(TcpBackup, ComesBackToTheBackupWhenTheFirstStillFails) {
  TestHost host;
  OnBackup c(host, R"("backup_after": 3, "return_s": 1, "keepAlive": 0)");
  ASSERT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_DOWN; }));
  std::unique_ptr<Remote> again;
  ASSERT_TRUE(host.run_until([&] { return (again = c.backup.accept()) != nullptr; }));
  EXPECT_TRUE(host.run_until([&] { return host.state(c.inst) == DTU_STATE_UP; }));
}

}  // namespace
}  // namespace channel_tcp::test
