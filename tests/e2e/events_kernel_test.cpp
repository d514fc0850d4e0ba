// Events of dtud itself that tell of something rare: once, with what is documented of them, after the answer, and what
// one that subscribes anew gets of them.
#include <gmock/gmock.h>

#include <algorithm>

#include "harness/dtud.hpp"
#include "harness/tcp.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

// Whether the one that hears them runs in a process of its own.
struct KernelEvents : testing::TestWithParam<bool> {
  TcpServer server;
  TcpPeer peer;
  Dtud dtud;

  void start(const std::string& hears, const std::string& more = "") {
    dtud.plugins(kPlugins + "\", \"" E2E_EVENTS).hal(R"({"type": "sim"})");
    dtud.board(R"("commands": [{"type": "hears-events", "hears": [)" + hears + "]" +
               (GetParam() ? R"(, "isolate": true)" : "") + R"(}, {"type": "dtu"}])");
    dtud.device(R"({"password": "pw")" + more + R"(, "conf": )" + conf(server.port()) + "}");
    dtud.start();
    peer = server.accept();
    ASSERT_GE(peer.fd(), 0);
    ASSERT_TRUE(hears_again());
    // From then on the password is a hash, so that comparing it takes its time and no call is refused within itself.
    ASSERT_TRUE(eventually([&] { return number(dtud.status(), "config.revision") > 0; }));
  }
  static std::string conf(uint16_t port) {
    return R"({"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" + std::to_string(port) + "}}";
  }
  Json call(const std::string& command, const std::string& args = "{}") {
    return parse_json(dtud.post("/v1/call", R"({"command": ")" + command + R"(", "args": )" + args + "}").body);
  }
  [[nodiscard]] bool hears_again() {
    return eventually([&] { return text(call("fixture.heard"), "status") == "ok"; });
  }
  std::vector<std::string> heard(const std::string& begin = "") {
    const Json list = at(call("fixture.heard"), "result");
    std::vector<std::string> all;
    for (size_t i = 0; i < size(list); ++i) {
      const std::string line = text(list, "[" + std::to_string(i) + "]");
      if (line.compare(0, begin.size(), begin) == 0) all.push_back(line);
    }
    return all;
  }
  [[nodiscard]] bool comes(const std::string& begin) {
    return eventually([&] { return !heard(begin).empty(); });
  }
  // The subscriber begins anew.
  void restart() {
    const auto restarts = [&] {
      return number(with(at(dtud.status(), "instances"), "name", "command hears-events"), "restarts");
    };
    const int64_t before = restarts();
    ASSERT_EQ(text(call("fixture.fail"), "status"), "ok");
    ASSERT_TRUE(eventually([&] { return restarts() > before; }));
    ASSERT_TRUE(hears_again());
  }
};
INSTANTIATE_TEST_SUITE_P(Subscriber, KernelEvents, testing::Bool(),
                         [](const auto& isolated) { return isolated.param ? "Isolated" : "InProcess"; });

TEST_P(KernelEvents, ConfigRolledBackIsToldOnceAfterTheAnswerAndKept) {
  ASSERT_NO_FATAL_FAILURE(start(R"("config.")", R"(, "confirm_s": 1)"));
  ASSERT_TRUE(eventually([&] { return number(dtud.status(), "config.revision") > 0; }));
  ASSERT_TRUE(
      peer.write(R"({"msg_id": 1, "cmd_code": 59, "password": "pw", "data": {"conf": )" + conf(free_port()) + "}}"));
  EXPECT_THAT(peer.read_until("}"), HasSubstr("\"status\""));
  peer = server.accept();  // it is back
  ASSERT_GE(peer.fd(), 0);
  const std::string name = "config.rolled_back kernel ";
  ASSERT_TRUE(comes(name));
  // What the way back came to is told after it: so there was only this one.
  ASSERT_TRUE(eventually([&] {
    const auto all = heard();
    return !all.empty() && all.back().compare(0, 15, "config.applied ") == 0 && heard("config.applied ").size() >= 2;
  })) << testing::PrintToString(heard());
  const auto told = heard(name);
  ASSERT_EQ(told.size(), 1U) << testing::PrintToString(heard());
  const Json data = parse_json(told[0].substr(name.size()));
  EXPECT_EQ(number(data, "revision"), number(dtud.status(), "config.revision"));
  EXPECT_THAT(text(data, "why"), HasSubstr("channel 1 did not come back within 1 s"));
  EXPECT_EQ(to_json(data), R"({"revision":)" + text(data, "revision") + R"(,"why":")" + text(data, "why") + "\"}");
  const auto all = heard("config.");
  EXPECT_THAT(all[all.size() - 3], HasSubstr("config.applied kernel")) << "of the change itself";
  EXPECT_EQ(all[all.size() - 2], told[0]);

  ASSERT_NO_FATAL_FAILURE(restart());
  ASSERT_TRUE(comes(name));
  EXPECT_THAT(heard(), ElementsAre(told[0] + " last"));
}

TEST_P(KernelEvents, AccessLockedIsToldOnceAfterTheAnswerAndNotKept) {
  ASSERT_NO_FATAL_FAILURE(start(R"("access.", "system.started")"));
  const auto guess = [&] {
    return call("fixture.call", R"({"command": "config.get", "args": {}, "remote": "sms +1", "password": "no"})");
  };
  const std::string locked = R"(access.locked command hears-events {"seconds":1})";  // who speaks for it
  for (size_t i = 1; i <= 5; ++i) {
    ASSERT_EQ(text(guess(), "status"), "ok");
    ASSERT_TRUE(eventually([&] { return heard("answered").size() == i; }));
  }
  ASSERT_TRUE(comes("access.locked"));
  (void)guess();  // refused without being looked at: locked no longer for that
  EXPECT_EQ(text(call("fixture.call", R"({"command": "config.get", "args": {}})"), "status"), "ok");
  ASSERT_TRUE(eventually([&] { return heard("answered").size() >= 6; }));
  ASSERT_TRUE(comes("system.started"));
  auto all = heard();
  all.erase(std::remove_if(all.begin(), all.end(), [](const auto& line) { return line[0] == 's'; }), all.end());
  ASSERT_GE(all.size(), 7U);
  EXPECT_EQ(std::vector<std::string>(all.begin(), all.begin() + 5), std::vector<std::string>(5, "answered"));
  EXPECT_EQ(all[5], locked) << testing::PrintToString(all);
  EXPECT_EQ(heard("access.").size(), 1U);

  ASSERT_NO_FATAL_FAILURE(restart());
  ASSERT_TRUE(comes("system.started"));
  EXPECT_EQ(heard("access.").size(), 0U) << "it is no state";
}

}  // namespace
}  // namespace e2e
