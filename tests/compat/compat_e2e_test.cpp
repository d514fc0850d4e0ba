// Today's dtud with nothing but plugins of a release: numbers go from the board's ports through a raw link and a link
// with the release's dialect, through both channels and back, each once and in order; commands and points answer.
#include <gtest/gtest.h>

#include "harness/dtud.hpp"
#include "harness/wait.hpp"
#include "versions.hpp"

namespace e2e {
namespace {

struct CompatE2e : testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(Of, CompatE2e, testing::ValuesIn(compat::versions()),
                         [](const auto& version) { return compat::test_name(version.param); });

int64_t point(const Dtud& dtud, const std::string& name) {
  const HttpAnswer answer = dtud.get("/v1/points/" + name);
  return answer.status == 200 ? number(parse_json(answer.body), "value") : -1;
}

TEST_P(CompatE2e, EverythingOfTheReleaseWorks) {
  Dtud dtud;
  dtud.plugins(kPlugins + "/" + GetParam());
  dtud.hal(R"({"type": "compat"})");
  dtud.device(R"({"uconf": {"c": {"mode": "raw"}, "cpp": {"mode": "compat"}}, "conf": {
    "1": {"protocol": "compat-c", "serialID": "c"}, "2": {"protocol": "compat-cpp", "serialID": "cpp"}}})");
  dtud.start();
  const int64_t messages = point(dtud, "compat.messages");
  ASSERT_GT(messages, 0);
  for (const std::string port : {"c", "cpp"}) {
    EXPECT_TRUE(eventually([&] { return point(dtud, "compat." + port + ".returned") == messages; }))
        << port << ": " << point(dtud, "compat." + port + ".returned") << " of " << messages;
    EXPECT_EQ(point(dtud, "compat." + port + ".wrong"), 0) << "lost, doubled or out of order";
  }
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", messages));
  EXPECT_TRUE(dtud.channel_number("2", "outbox.delivered", messages));
  EXPECT_EQ(dtud.metric(R"(dtu_compat_relayed_total{component="channel 2"})"), messages);

  const Ran add = dtud.dtuctl({"call", "compat.add", R"({"a": 40, "b": 2})", "--json"});
  EXPECT_EQ(add.status, 0) << add.output;
  EXPECT_NE(add.output.find("42"), std::string::npos) << add.output;
  const Ran ask = dtud.dtuctl({"call", "compat.ask", R"({"a": 1, "b": 2})", "--json"});
  EXPECT_EQ(ask.status, 0) << ask.output;
  EXPECT_NE(ask.output.find("\"sum\":3"), std::string::npos) << ask.output;
  EXPECT_EQ(dtud.stop(), 0);
}

// Two instances offer the same name. The second one is found by its own, also from the process of an isolated one.
TEST(Shared, EachProviderOfANameIsListedAndCanBeNamed) {
  for (const std::string isolate : {"false", "true"}) {
    Dtud dtud;
    dtud.plugins(kPlugins + "/today");
    dtud.hal(R"({"type": "compat"})");
    dtud.board(R"("commands": [{"type": "compat"}, {"type": "compat", "isolate": )" + isolate + "}]");
    dtud.device("{}");
    dtud.start();
    const auto who = [&](const std::vector<std::string>& more) {
      std::vector<std::string> words{"call", "compat.who", "--json"};
      words.insert(words.end(), more.begin(), more.end());
      return dtud.dtuctl(words).output;
    };
    const std::string both = R"(["command compat","command compat 2"])";
    ASSERT_TRUE(eventually([&] { return who({}).find(both) != std::string::npos; })) << who({});
    EXPECT_NE(who({"--to", "command compat 2"}).find(both), std::string::npos) << who({"--to", "command compat 2"});
    EXPECT_NE(who({"--to", "hal compat"}).find("not_found"), std::string::npos);
    const Ran shown = dtud.dtuctl({"commands", "compat.who"});
    EXPECT_NE(shown.output.find("provider   command compat 2"), std::string::npos) << shown.output;
    EXPECT_EQ(dtud.stop(), 0);
  }
}

}  // namespace
}  // namespace e2e
