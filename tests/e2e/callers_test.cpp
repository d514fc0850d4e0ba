// For whom a plugin asks: dtud makes the caller, so that nobody gets the rights of somebody else. On the main lane, on
// a lane of the plugin's own, and in processes of their own.
#include <gmock/gmock.h>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

constexpr char kDenied[] = "-10 ", kInvalid[] = "-2 ", kUnsupported[] = "-3 ";

struct Callers : testing::TestWithParam<bool> {
  Pty pty, other_pty;
  TcpServer server, other_server;
  Dtud dtud;
  TcpPeer peer;

  void SetUp() override {
    const std::string isolate = GetParam() ? R"(, "isolate": true})" : "}";
    dtud.plugins(kPlugins + "\", \"" E2E_CALLERS).ports({{"1", pty.device()}, {"2", other_pty.device()}});
    dtud.board(R"("commands": [{"type": "poses")" + isolate + R"(, {"type": "poses-lane")" + isolate +
               R"(, {"type": "dtu"}])");
    dtud.device(R"({"password": "door-key", "uconf": {"1": {"mode": "poses"}, "2": {"mode": "command"}}, "conf": {)" +
                channel("1", server) + ", " + channel("2", other_server) + "}}");
    dtud.start();
    for (const char* command : {"poses.ask", "lane.ask"}) ASSERT_TRUE(offered(command)) << dtud.log();
    peer = server.accept();
    ASSERT_GE(peer.fd(), 0);
    ASSERT_TRUE(dtud.channel_is("1", "up"));
    ASSERT_TRUE(dtud.port_is("1", "up"));
    ASSERT_TRUE(eventually([&] { return size(at(call("poses.links"), "result")) == 1; }));
  }
  static std::string channel(const std::string& id, const TcpServer& to) {
    return "\"" + id + R"(": {"serialID": ")" + id + R"(", "protocol": "tcp", "url": "127.0.0.1", "port": )" +
           std::to_string(to.port()) + "}";
  }
  [[nodiscard]] Json commands() const { return parse_json(dtud.get("/v1/commands").body); }
  [[nodiscard]] bool offered(const std::string& name) const {
    return eventually([&] { return text(with(commands(), "name", name), "name") == name; });
  }
  Json call(const std::string& command, const std::string& args = "{}") {
    return parse_json(dtud.post("/v1/call", R"({"command": ")" + command + R"(", "args": )" + args + "}").body);
  }
  // "status json" of what the plugin asks; its caller is the console.
  std::string ask(const std::string& request, const std::string& prefix = "poses") {
    const Json answer = call(prefix + ".ask", "{" + request + "}");
    return text(answer, "status") == "ok" ? text(answer, "result") : to_json(answer);
  }
  std::string from_channel(const std::string& request) {
    if (!peer.write("{" + request + "}")) return "not written";
    return peer.read_until("\n");
  }
  std::string from_port(const std::string& request) {
    if (!pty.write("{" + request + "}")) return "not written";
    return pty.read_until("\n");
  }
  int64_t faults(const std::string& instance) {
    return number(with(at(dtud.status(), "instances"), "name", instance), "faults.caller.count");
  }
  bool audited(const std::string& source, const std::string& command, const std::string& result) {
    const Json audit = parse_json(dtud.get("/v1/audit").body);
    for (size_t i = 0; i < size(audit); ++i) {
      const std::string at = "[" + std::to_string(i) + "].";
      if (text(audit, at + "source") == source && text(audit, at + "command") == command &&
          text(audit, at + "result") == result)
        return true;
    }
    return false;
  }
};

TEST_P(Callers, NobodyIsPosedAs) {
  const std::string own = text(call("poses.links"), "result[0]"), other = own == "1" ? "2" : "1";
  const std::vector<std::string> posing{
      R"("caller": 4)",
      R"("caller": 5)",
      R"("caller": 1, "link": )" + other,
      R"("caller": 1, "link": 4711)",
      R"("caller": 2, "channel": 2, "link": )" + other,
      R"("caller": 2, "channel": 2, "link": )" + own,
      R"("caller": 2, "channel": 0, "link": )" + own,
      R"("caller": 3, "remote": "console")",
      R"("caller": 3, "remote": "Channel 1")",
      R"("caller": 3, "remote": "port 1")",
      R"("caller": 3, "remote": "command dtu")",
      R"("caller": 6, "call": "last")",
      R"("caller": 6, "call": "999999")",
  };
  EXPECT_THAT(ask(R"("caller": 0, "command": "poses.who")"), StartsWith("0 "));  // so that there is a last one
  int64_t counted = 0;
  for (const std::string& who : posing) {
    EXPECT_THAT(ask(who + R"(, "command": "poses.secret", "password": "door-key")"), StartsWith(kDenied)) << who;
    EXPECT_EQ(faults("command poses"), ++counted) << who;
  }
  for (const char* who : {R"("caller": 7)", R"("caller": 3)", R"("caller": 3, "remote": " blank")",
                          R"("caller": 3, "remote": "line\nbreak")", R"("caller": 3, "remote": "turned \u202e round")"})
    EXPECT_THAT(ask(std::string(who) + R"(, "command": "poses.secret", "password": "door-key")"), StartsWith(kInvalid))
        << who;
  EXPECT_THAT(ask(R"("caller": 3, "command": "poses.secret", "remote": ")" + std::string(65, 'x') + "\""),
              StartsWith(kInvalid));
  EXPECT_EQ(faults("command poses"), counted);

  EXPECT_THAT(ask(R"("caller": 0, "command": "lane.who")", "lane"), StartsWith("0 "));
  counted = 0;
  for (const char* who : {R"("caller": 4)", R"("caller": 2, "channel": 1, "link": 1)", R"("caller": 6, "call": "last")",
                          R"("caller": 6, "call": "999999")"}) {
    EXPECT_THAT(ask(std::string(who) + R"(, "command": "lane.secret", "password": "door-key")", "lane"),
                StartsWith(kDenied))
        << who;
    EXPECT_EQ(faults("command poses-lane"), ++counted) << who;
  }
  EXPECT_EQ(dtud.get("/v1/audit").body.find(".secret"), std::string::npos) << "none of them was carried out";
  EXPECT_TRUE(dtud.answers());
}

TEST_P(Callers, AChannelAndAPortHaveTheirOwnRights) {
  EXPECT_THAT(from_channel(R"("command": "poses.who")"), StartsWith("0 \"2 1 "));
  EXPECT_THAT(from_channel(R"("command": "poses.who")"), HasSubstr(" channel 1 "));
  EXPECT_THAT(from_channel(R"("command": "poses.secret")"), StartsWith(kDenied));
  EXPECT_THAT(from_channel(R"("command": "poses.secret", "password": "bad-guess")"), StartsWith("-11 "));
  EXPECT_THAT(from_channel(R"("command": "poses.secret", "password": "door-key")"), StartsWith("0 \"2 1 "));
  for (const char* closed : {"poses.local", "poses.internal"})
    EXPECT_THAT(from_channel(R"("password": "door-key", "command": ")" + std::string(closed) + "\""),
                StartsWith(kUnsupported))
        << closed;
  EXPECT_TRUE(audited("channel 1", "poses.secret", "ok"));
  EXPECT_TRUE(audited("channel 1", "poses.secret", "wrong_password"));

  EXPECT_THAT(from_port(R"("command": "poses.who")"), HasSubstr(" port 1 "));
  EXPECT_THAT(from_port(R"("command": "poses.secret")"), StartsWith(kDenied));
  EXPECT_THAT(from_port(R"("command": "poses.secret", "password": "door-key")"), StartsWith("0 \"1 "));
  EXPECT_TRUE(audited("port 1", "poses.secret", "ok"));
  EXPECT_EQ(faults("command poses"), -1);
}

TEST_P(Callers, WhatIsAskedWhileACallIsAnsweredHasTheRightsOfItsCaller) {
  for (const std::string prefix : {"poses", "lane"}) {
    const std::string asker = R"("caller": 6, "call": "this", "command": ")" + prefix;
    EXPECT_THAT(ask(asker + ".local\"", prefix), StartsWith("0 \"4 0 0 console ")) << prefix;
    EXPECT_THAT(ask(asker + ".internal\"", prefix), StartsWith(kUnsupported)) << prefix;

    const auto through_channel = [&](const std::string& command, const std::string& inner, bool outer_password) {
      return from_channel(R"("command": ")" + prefix + command + R"(", "args": {)" + inner + "}" +
                          (outer_password ? R"(, "password": "door-key")" : ""));
    };
    // The password was not asked for, so nobody knows whether it was right.
    EXPECT_THAT(through_channel(".ask", asker + ".secret\"", true), StartsWith("0 \"-10 ")) << prefix;
    EXPECT_THAT(through_channel(".ask", asker + R"(.secret", "password": "door-key")", false), HasSubstr("channel 1 "))
        << prefix;
    EXPECT_THAT(through_channel(".ask", asker + R"(.local", "password": "door-key")", false), StartsWith("0 \"-3 "))
        << prefix;
    // It was, for the call that is answered. Asked in the moment before it is.
    EXPECT_THAT(through_channel(".early", asker + ".secret\"", true), StartsWith("0 null")) << prefix;
    ASSERT_TRUE(eventually([&] { return text(call(prefix + ".outcome"), "result") != "none"; })) << prefix;
    EXPECT_THAT(text(call(prefix + ".outcome"), "result"), StartsWith("0 \"2 1 ")) << prefix;
  }
  EXPECT_EQ(faults("command poses"), -1);
  EXPECT_EQ(faults("command poses-lane"), -1);
}

TEST_P(Callers, SomebodyAPluginSpeaksForHasToGiveThePassword) {
  for (const std::string prefix : {"poses", "lane"}) {
    const std::string sms = R"("caller": 3, "remote": "sms +1 )" + prefix + R"(", "command": ")" + prefix + ".secret\"";
    EXPECT_THAT(ask(sms, prefix), StartsWith(kDenied));
    EXPECT_THAT(ask(sms + R"(, "password": "door-key")", prefix), StartsWith("0 \"3 0 0 sms +1 " + prefix));
    for (int i = 0; i < 5; ++i) EXPECT_THAT(ask(sms + R"(, "password": "no")", prefix), StartsWith("-11 "));
    EXPECT_THAT(ask(sms + R"(, "password": "door-key")", prefix), StartsWith("-12 "));
    EXPECT_TRUE(audited("sms +1 " + prefix, prefix + ".secret", "locked"));
    EXPECT_THAT(ask(R"("caller": 0, "command": ")" + prefix + ".secret\"", prefix),
                StartsWith("0 \"0 0 0 command poses"))
        << "for itself it needs none";
  }
}

// Bounded, and told to who answers.
TEST_P(Callers, DeadlinesDependOnTheLevel) {
  const auto told_ms = [&](const std::string& command, const std::string& asked_ms, const std::string& prefix) {
    const std::string answer =
        ask(R"("caller": 0, "deadline_ms": )" + asked_ms + R"(, "command": ")" + command + "\"", prefix);
    return std::atoll(answer.substr(answer.rfind(' ') + 1).c_str());
  };
  const auto about = [](int64_t ms) { return testing::AllOf(testing::Le(ms), testing::Gt(ms - 30'000)); };
  for (const std::string prefix : {"poses", "lane"}) {
    EXPECT_THAT(told_ms(prefix + ".who", "100000000", prefix), about(600'000));
    EXPECT_THAT(told_ms(prefix + ".who", "50000", prefix), about(50'000));
    EXPECT_THAT(told_ms(prefix + ".internal", "100000000", prefix), about(86'400'000));
    EXPECT_THAT(told_ms(prefix + ".who", "0", prefix), about(10'000));
  }
  EXPECT_THAT(ask(R"("caller": 0, "deadline_ms": 50, "command": "poses.slow")"), StartsWith("-13 "));
}

TEST_P(Callers, EveryLaneListsPointsAndCommands) {
  const auto all = static_cast<int64_t>(size(commands()));
  for (const char* list : {"poses.list", "lane.list"}) {
    const Json listed = call(list);
    EXPECT_EQ(number(listed, "result.commands"), all) << list << to_json(listed);
    EXPECT_EQ(number(listed, "result.points"), static_cast<int64_t>(size(parse_json(dtud.get("/v1/points").body))));
  }
}

TEST_P(Callers, ACommandHasOneLevel) {
  const Json all = commands();
  EXPECT_EQ(text(with(all, "name", "poses.who"), "level"), "open");
  EXPECT_EQ(text(with(all, "name", "poses.secret"), "level"), "password");
  EXPECT_EQ(text(with(all, "name", "poses.local"), "level"), "local");
  EXPECT_EQ(text(with(all, "name", "poses.internal"), "level"), "internal");
  EXPECT_EQ(text(with(all, "name", "poses.levels"), "name"), "") << "with two it is not offered";
  EXPECT_THAT(dtud.log(), HasSubstr("command poses.levels has more than one access level"));
  EXPECT_THAT(dtud.dtuctl({"commands", "poses.internal"}).output, HasSubstr("level      internal\n"));
  EXPECT_EQ(text(call("poses.internal"), "status"), "unsupported");
}

INSTANTIATE_TEST_SUITE_P(Plugins, Callers, testing::Bool(),
                         [](const auto& isolated) { return isolated.param ? "Isolated" : "InDtud"; });

}  // namespace
}  // namespace e2e
