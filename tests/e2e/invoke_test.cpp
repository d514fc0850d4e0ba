// dtu.invoke/1 in the real dtud, from the main lane, from a lane of its own and from a process of its own: what is
// awaited, cancelled, ended by a restart, and what waits for answers.
#include <gmock/gmock.h>
#include <ostream>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

using testing::HasSubstr;

struct Way {
  const char* name;
  const char* type;
  const char* more;
};
void PrintTo(const Way& way, std::ostream* out) { *out << way.name; }

struct Invoke : testing::TestWithParam<Way> {
  Dtud dtud;
  void SetUp() override {
    dtud.plugins(kPlugins + "\", \"" E2E_FIXTURES "/calls");
    dtud.board(std::string(R"("commands": [{"type": ")") + GetParam().type + "\"" + GetParam().more +
               R"(}, {"type": "asked")" + GetParam().more + "}]");
    dtud.start();
    ASSERT_TRUE(eventually([&] {
      const std::string offers = dtud.get("/v1/commands").body;
      return offers.find("asks.await") != std::string::npos && offers.find("asked.slow") != std::string::npos;
    }));
  }
  std::string call(const std::string& command, const std::string& args = "{}") {
    return dtud.post("/v1/call", R"({"command": ")" + command + R"(", "args": )" + args + "}").body;
  }
  [[nodiscard]] bool counts(const std::string& command, const std::string& part) {
    return eventually([&] { return call(command).find(part) != std::string::npos; });
  }
  void await_door() {
    EXPECT_THAT(call("asks.await", R"({"name": "asked.door", "value": 0})"), HasSubstr("true"));
    ASSERT_TRUE(counts("asked.counts", R"("waiting": 1)"));
  }
};

TEST_P(Invoke, APointIsAwaitedUntilItChanges) {
  await_door();
  EXPECT_THAT(call("asks.counts"), HasSubstr(R"("answers": 0, "held": 1)"));
  call("asked.open");
  EXPECT_TRUE(counts("asks.counts", R"("answers": 1, "held": 0)"));
  EXPECT_THAT(call("asks.counts"), HasSubstr(R"("last": "0 1")"));
  // Another value than that one: at once.
  call("asks.await", R"({"name": "asked.door", "value": 0})");
  EXPECT_TRUE(counts("asks.counts", R"("answers": 2, "held": 0)"));
}

TEST_P(Invoke, AValueHasItsAgeForEverybodyWhoReadsIt) {
  EXPECT_THAT(call("asks.read", R"({"name": "asked.old"})"), HasSubstr("true"));
  EXPECT_TRUE(counts("asks.counts", R"("last": "0 7 of 90000 ms ago, stale")"));
  EXPECT_THAT(dtud.get("/v1/points/asked.old").body, HasSubstr(R"("value":7,"age_ms":90000,"stale":true)"));
  EXPECT_THAT(dtud.get("/v1/points/asked.door").body, HasSubstr(R"("age_ms":0,"stale":false)"));
  EXPECT_THAT(dtud.get("/v1/points/asked.young").body, HasSubstr(R"("value":8,"age_ms":5000,"stale":false)"));
}

TEST_P(Invoke, ACancelledRequestIsNotAnsweredAndItsProviderStops) {
  await_door();
  call("asks.cancel");
  EXPECT_TRUE(counts("asked.counts", R"("waiting": 0, "cancelled": 1)"));
  EXPECT_THAT(call("asks.counts"), HasSubstr(R"("answers": 0, "held": 0)"));
  call("asks.run", R"({"name": "asked.slow"})");
  ASSERT_TRUE(counts("asked.counts", R"("waiting": 1)"));
  call("asks.cancel");
  EXPECT_TRUE(counts("asked.counts", R"("waiting": 0, "cancelled": 2)"));
  EXPECT_THAT(call("asks.counts"), HasSubstr(R"("answers": 0, "held": 0)"));
}

TEST_P(Invoke, AProviderThatRestartsAnswersThatItCanBeTriedAgain) {
  await_door();
  call("asked.fail");
  EXPECT_TRUE(counts("asks.counts", R"("answers": 1, "held": 0)"));
  EXPECT_THAT(call("asks.counts"), HasSubstr(R"("last": "-7  retryable")"));
}

TEST_P(Invoke, APointWithoutChangesSaysSo) {
  call("asks.await", R"({"name": "asked.silent", "value": 0})");
  EXPECT_TRUE(eventually([&] { return call("asks.counts").find(R"("last": "-3 )") != std::string::npos; }));
}

TEST_P(Invoke, WorkWaitsForTheAnswersAndRunsOnce) {
  call("asks.later");
  EXPECT_TRUE(counts("asks.counts", R"("later": 1)"));
  EXPECT_THAT(call("asks.counts"), HasSubstr(R"("held": 0)"));
  EXPECT_THAT(call("asks.work"), HasSubstr("worked"));
}

TEST_P(Invoke, AllIsFreedBeforeTheInstanceIsDestroyed) {
  await_door();
  EXPECT_EQ(dtud.stop(), 0);
  EXPECT_THAT(dtud.log(), HasSubstr("all callbacks are freed"));
}

// The answers of a command go the way of all messages: as long as the port has some to write, none is known to be out.
TEST(InvokeLater, WaitsUntilThePortHasWrittenWhatItWasGiven) {
  Pty pty;
  TcpServer server;
  Dtud dtud;
  dtud.plugins(kPlugins + "\", \"" E2E_FIXTURES "/calls").ports({{"1", pty.device()}});
  dtud.board(R"("commands": [{"type": "asks"}])");
  dtud.device(R"({"uconf": {"1": {"mode": "raw"}}, "conf": {"1": {"serialID": "1", "protocol": "tcp",
    "url": "127.0.0.1", "port": )" +
              std::to_string(server.port()) + "}}}");
  dtud.start();
  TcpPeer peer = server.accept();
  ASSERT_TRUE(dtud.port_is("1", "up"));
  ASSERT_TRUE(dtud.channel_is("1", "up"));
  const auto call = [&](const std::string& command) {
    return dtud.post("/v1/call", R"({"command": ")" + command + "\"}").body;
  };
  const std::string sent(200'000, 'x');  // more than a pty holds
  ASSERT_TRUE(peer.write(sent));
  ASSERT_TRUE(eventually([&] { return text(dtud.port("1"), "queued_bytes") != "0"; }));
  EXPECT_THAT(call("asks.later"), HasSubstr("true"));
  for (int n = 0; n < 20; ++n) EXPECT_THAT(call("asks.counts"), HasSubstr(R"("later": 0)"));
  EXPECT_EQ(pty.read(sent.size()).size(), sent.size());
  EXPECT_TRUE(eventually([&] { return call("asks.counts").find(R"("later": 1)") != std::string::npos; }));
}

INSTANTIATE_TEST_SUITE_P(Ways, Invoke,
                         testing::Values(Way{"OnTheMainLane", "asks", ""}, Way{"OnItsOwnLane", "asks-on-its-lane", ""},
                                         Way{"Isolated", "asks", R"(, "isolate": true)"},
                                         Way{"IsolatedOnItsOwnLane", "asks-on-its-lane", R"(, "isolate": true)"}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace e2e
