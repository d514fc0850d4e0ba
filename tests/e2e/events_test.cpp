// Events in the real dtud: a plugin that tells, one that hears, dtuctl events, and what dtud itself tells.
#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

using testing::HasSubstr;

// False: it is not there, or not after that.
bool comes_after(const std::vector<std::string>& all, const std::string& first, const std::string& then) {
  const auto begins = [](const std::string& with) {
    return [with](const std::string& line) { return line.compare(0, with.size(), with) == 0; };
  };
  const auto at = std::find_if(all.begin(), all.end(), begins(first));
  return at != all.end() && std::find_if(at, all.end(), begins(then)) != all.end();
}

// Whether the plugins run in processes of their own.
struct Events : testing::TestWithParam<bool> {
  Pty pty;
  TcpServer server;
  Dtud dtud;
  Process follower;
  std::string document;  // "": one port in work mode "hears", and one channel

  void start(const std::string& hears) {
    dtud.plugins(kPlugins + "\", \"" E2E_EVENTS).ports({{"1", pty.device()}});
    const std::string isolate = GetParam() ? R"(, "isolate": true)" : "";
    dtud.board(R"("commands": [{"type": "hears-events", "hears": [)" + hears + "]" + isolate +
               R"(}, {"type": "tells-events")" + isolate + R"(}, {"type": "dtu"}])");
    dtud.device(document.empty() ? R"({"uconf": {"1": {"mode": "hears"}}, "conf": {"1": )" + channel() + "}}"
                                 : document);
    dtud.start();
    ASSERT_TRUE(offered("fixture.tell"));  // a process takes a moment
    ASSERT_TRUE(offered("fixture.heard"));
    if (document.empty()) {
      ASSERT_TRUE(dtud.port_is("1", "up"));
    }
    ASSERT_TRUE(dtud.channel_is("1", "up"));
  }
  [[nodiscard]] std::string channel() const {
    return R"({"serialID": "1", "protocol": "tcp", "url": "127.0.0.1", "port": )" + std::to_string(server.port()) + "}";
  }
  Json call(const std::string& command, const std::string& args = "{}") {
    return parse_json(dtud.post("/v1/call", R"({"command": ")" + command + R"(", "args": )" + args + "}").body);
  }
  Json tell(const std::string& event, int times = 1) {
    return call("fixture.tell",
                R"({"event": ")" + event + R"(", "text": "7", "times": )" + std::to_string(times) + "}");
  }
  std::vector<std::string> heard() {
    const Json list = at(call("fixture.heard"), "result");
    std::vector<std::string> all;
    for (size_t i = 0; i < size(list); ++i) all.push_back(text(list, "[" + std::to_string(i) + "]"));
    return all;
  }
  // Those that begin so.
  std::vector<std::string> heard(const std::string& begin) {
    std::vector<std::string> some;
    for (const std::string& line : heard())
      if (line.compare(0, begin.size(), begin) == 0) some.push_back(line);
    return some;
  }
  size_t heard_of(const std::string& begin) { return heard(begin).size(); }
  // dtuctl events, which runs on; its output is in a file.
  void follow(const std::vector<std::string>& words) {
    std::vector<std::string> argv{kDtuctl, "--socket", dtud.socket(), "--json", "events"};
    argv.insert(argv.end(), words.begin(), words.end());
    follower.start(argv, dtud.path("events"));
  }
  [[nodiscard]] std::string followed() const { return read_file(dtud.path("events")); }
  [[nodiscard]] bool offered(const std::string& command) const {
    return eventually(
        [&] { return text(with(parse_json(dtud.get("/v1/commands").body), "name", command), "name") != ""; });
  }
  [[nodiscard]] bool follows(const std::string& what) const {
    return eventually([&] { return followed().find(what) != std::string::npos; });
  }
};

INSTANTIATE_TEST_SUITE_P(Plugins, Events, testing::Bool(),
                         [](const auto& isolated) { return isolated.param ? "Isolated" : "InProcess"; });

TEST_P(Events, OnePluginTellsAnotherHearsAndDtuctlShows) {
  ASSERT_NO_FATAL_FAILURE(start(R"("fixture.")"));
  EXPECT_EQ(text(tell("fixture.mood"), "result.told"), "1");
  follow({"fixture."});
  ASSERT_TRUE(follows(R"("last":true)")) << followed();
  EXPECT_EQ(text(tell("fixture.news"), "result.told"), "1");
  ASSERT_TRUE(follows(R"("name":"fixture.news")"));
  EXPECT_TRUE(eventually([&] { return heard_of("fixture.") == 2; }));
  EXPECT_THAT(heard("fixture."), testing::ElementsAre(R"(fixture.mood command tells-events {"n":7})",
                                                      R"(fixture.news command tells-events {"n":7})"));
  std::istringstream lines(followed());
  std::string first, second;
  std::getline(lines, first);
  std::getline(lines, second);
  const Json state = parse_json(first), news = parse_json(second);
  EXPECT_EQ(text(state, "name"), "fixture.mood");
  EXPECT_EQ(text(state, "state"), "true");
  EXPECT_EQ(text(news, "source"), "command tells-events");
  EXPECT_EQ(number(news, "data.n"), 7);
  EXPECT_EQ(text(news, "last"), "") << "it is new";
  EXPECT_GT(number(news, "seq"), number(state, "seq"));
  EXPECT_GT(number(news, "time_ns"), 0);
}

TEST_P(Events, TheyAreListed) {
  ASSERT_NO_FATAL_FAILURE(start(""));
  const Json all = parse_json(dtud.get("/v1/events").body);
  const Json number_event = with(all, "name", "fixture.number");
  EXPECT_EQ(text(number_event, "source"), "command tells-events");
  EXPECT_EQ(text(number_event, "schema.properties.n.type"), "integer");
  EXPECT_EQ(text(with(all, "name", "fixture.mood"), "state"), "true");
  for (const char* name : {"system.started", "plugin.state", "channel.state", "port.state", "config.applied",
                           "config.rolled_back", "plugin.rolled_back", "plugin.fault", "access.locked"})
    EXPECT_EQ(text(with(all, "name", name), "source"), "kernel") << name;
  const HttpAnswer wrong = dtud.get("/v1/events?prefix=sms*");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_THAT(wrong.body, HasSubstr("prefix=sms*"));
}

// E2 and E9, and how a person finds out.
TEST_P(Events, WhatIsNotDeclaredIsDeniedAndAFloodIsCounted) {
  ASSERT_NO_FATAL_FAILURE(start(R"("fixture.news", "plugin.fault")"));
  EXPECT_EQ(text(tell("fixture.other"), "result.denied"), "1");
  const Json flood = tell("fixture.news", 1000);
  const int64_t told = number(flood, "result.told"), again = number(flood, "result.again");
  EXPECT_GE(told, 200);
  EXPECT_EQ(told + again, 1000);
  ASSERT_TRUE(eventually([&] { return heard_of("fixture.news") == static_cast<size_t>(told); }));
  ASSERT_TRUE(eventually([&] { return heard_of("plugin.fault command tells-events") > 0; }));
  const Json instance = with(at(dtud.status(), "instances"), "name", "command tells-events");
  EXPECT_GE(number(instance, "faults.malformed.count"), 1);
  EXPECT_GE(number(instance, "faults.flood.count"), 1);
  EXPECT_THAT(text(instance, "faults.malformed.last"), HasSubstr("fixture.other"));
  EXPECT_TRUE(eventually([&] { return dtud.log().find("tells more than 200 events at once") != std::string::npos; }));
}

// E4: config.applied after the answer; channel.state after the dialect's callback. E6: the states that were told
// before.
TEST_P(Events, DtudTellsOfItselfInTheRightOrder) {
  ASSERT_NO_FATAL_FAILURE(start(R"("config.", "channel.", "port.", "system.started", "plugin.state")"));
  ASSERT_TRUE(eventually([&] { return heard_of("system.started kernel") == 1; }));
  ASSERT_TRUE(eventually([&] { return heard_of(R"(port.state port 1 {"state":"up")") == 1; }));
  ASSERT_TRUE(eventually([&] { return heard_of(R"(channel.state channel 1 {"state":"up")") == 1; }));
  EXPECT_TRUE(comes_after(heard(), "callback channel 1 up", R"(channel.state channel 1 {"state":"up")"));
  EXPECT_GE(heard_of(R"(plugin.state hal linux {"plugin")") + heard_of(R"(plugin.state hal linux {"state":"up")"), 1U);
  // One in a process of its own may have come too late for the first, which is no state.
  const size_t applied = heard_of("config.applied kernel");

  const auto before = heard().size();
  EXPECT_EQ(text(call("fixture.call", R"({"command": "config.change", "args": {"set": {"uconf": {}, "conf": {}}}})"),
                 "status"),
            "ok");
  ASSERT_TRUE(eventually([&] { return heard_of("config.applied kernel") > applied; }));
  auto after = heard();
  after.erase(after.begin(), after.begin() + static_cast<std::ptrdiff_t>(before));
  EXPECT_TRUE(comes_after(after, "answered", "config.applied kernel")) << testing::PrintToString(after);
  EXPECT_TRUE(eventually([&] { return heard_of("channel.state channel 1 {} gone") == 1; }));
  EXPECT_TRUE(eventually([&] { return heard_of("port.state port 1 {} gone") == 1; }));
}

// E3: the first comes before the answer, the second after it, whoever runs where.
TEST_P(Events, EventsAndAnswersOfOneInstanceKeepTheirOrder) {
  ASSERT_NO_FATAL_FAILURE(start(R"("fixture.")"));
  constexpr size_t kRounds = 50;
  for (size_t i = 0; i < kRounds; ++i)
    EXPECT_EQ(
        text(call("fixture.call", R"({"command": "fixture.tell", "args": {"event": "fixture.news", "after": 1}})"),
             "status"),
        "ok");
  ASSERT_TRUE(eventually([&] { return heard_of("fixture.news") == 2 * kRounds && heard_of("answered") == kRounds; }));
  std::vector<std::string> order;
  for (const std::string& line : heard())
    if (line.compare(0, 8, "callback") != 0) order.push_back(line.substr(0, 8));
  ASSERT_EQ(order.size(), 3 * kRounds);
  for (size_t i = 0; i < order.size(); i += 3) {
    EXPECT_EQ(order[i], "fixture.") << i;
    EXPECT_EQ(order[i + 1], "answered") << i;
    EXPECT_EQ(order[i + 2], "fixture.") << i;
  }
}

// E12: more than may be on its way to another process waits, and comes.
TEST_P(Events, ABurstIsHeardWhole) {
  ASSERT_NO_FATAL_FAILURE(start(R"("fixture.news")"));
  const int64_t told = number(tell("fixture.news", 1000), "result.told");
  ASSERT_GE(told, 200);
  ASSERT_TRUE(eventually([&] { return number(call("fixture.count"), "result.events") == told; }));
  EXPECT_EQ(number(call("fixture.count"), "result.missed"), 0);
}

// E13: what the document names goes to the channels as data; a line in work mode "hears" has its own dialect.
TEST_P(Events, NamedEventsGoToTheChannelsAsData) {
  document = R"({"events": ["fixture."], "conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" +
             std::to_string(server.port()) + "}}}";
  ASSERT_NO_FATAL_FAILURE(start(""));
  TcpPeer peer = server.accept();
  ASSERT_GE(peer.fd(), 0);
  EXPECT_EQ(text(tell("fixture.news"), "result.told"), "1");
  const Json message = parse_json(peer.read_until("}}"));
  EXPECT_EQ(text(message, "event"), "fixture.news");
  EXPECT_EQ(text(message, "source"), "command tells-events");
  EXPECT_EQ(number(message, "data.n"), 7);
  EXPECT_GT(number(message, "msg_id"), 0);
}

TEST_P(Events, SystemStartedIsToldOnceAndKept) {
  ASSERT_NO_FATAL_FAILURE(start(R"("system.started")"));
  ASSERT_TRUE(eventually([&] { return heard_of("system.started kernel") == 1; }));
  EXPECT_THAT(heard("system.")[0], HasSubstr(R"("not_running":[])"));
  follow({"system.started", "-n", "1"});
  EXPECT_EQ(follower.wait(), 0);
  EXPECT_THAT(followed(), HasSubstr(R"("last":true)"));
  EXPECT_EQ(heard_of("system.started kernel"), 1U);
}

}  // namespace
}  // namespace e2e
