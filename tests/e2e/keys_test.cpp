// Keys of the device document that plugins own (dtu.keys/1), in the real dtud.
#include <gmock/gmock.h>

#include <filesystem>
#include <map>

#include "harness/dtud.hpp"
#include "harness/http.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

// Whether the owners run in processes of their own.
struct Keys : testing::TestWithParam<bool> {
  TcpServer server;
  TcpPeer peer;
  Dtud dtud;

  Keys() { dtud.plugins(kPlugins + "\", \"" E2E_FIXTURES "/keys"); }
  // Of the owners: "1", "2", "3".
  void commands(const std::vector<std::string>& owners) {
    std::string list;
    for (const std::string& owner : owners)
      list += (list.empty() ? "" : ", ") + std::string(R"({"type": "owner-)") + owner + "\"" +
              (isolated() ? R"(, "isolate": true})" : "}");
    dtud.board("\"commands\": [" + list + (list.empty() ? "" : ", ") + R"({"type": "dtu"}])");
  }
  static bool isolated() { return GetParam(); }
  [[nodiscard]] std::string document(const std::string& more) const {
    return R"({"password": "pw", "conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" +
           std::to_string(server.port()) + "}}" + more + "}";
  }
  void start() {
    dtud.start();
    peer = server.accept();
    ASSERT_GE(peer.fd(), 0);
    ASSERT_TRUE(dtud.channel_is("1", "up"));
  }
  [[nodiscard]] Json call(const std::string& command) const {
    return parse_json(dtud.post("/v1/call", R"({"command": ")" + command + R"(", "args": {}})").body);
  }
  // What owner 1 says it was given: "me 6 3" are the user, the length of the token, and the level.
  [[nodiscard]] std::string given(const std::string& owner = "1") const {
    const Json said = at(call("fixture.key." + owner), "result");
    if (owner == "3") return text(said, "antenna");
    return text(said, "user") + " " + text(said, "length") + " " + text(said, "level");
  }
  [[nodiscard]] bool is_given(const std::string& what, const std::string& owner = "1") const {
    return eventually([&] { return given(owner) == what; });
  }
  [[nodiscard]] Json state() const { return at(dtud.status(), "config"); }
  Json order(const std::string& parameters) {
    const std::string request =
        R"({"msg_id": 1, "cmd_code": 63, "password": "pw", "data": {"dtu_config": )" + parameters + "}}";
    return peer.write(request) ? parse_json(peer.read_until("}")) : Json();
  }
};
INSTANTIATE_TEST_SUITE_P(Owners, Keys, testing::Bool(),
                         [](const auto& isolated) { return isolated.param ? "Isolated" : "InProcess"; });

TEST_P(Keys, TheOwnerIsGivenItsKeyAndMadeAnewWhenThatChanges) {
  commands({"1", "3"});
  dtud.device(document(R"(, "cloud": {"user": "me", "token": "sesame"})"));
  EXPECT_THAT(dtud.check().output, Not(HasSubstr("cloud")));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(is_given("me 6 3")) << "with its secret and its default";
  ASSERT_TRUE(is_given("-1", "3"));
  const auto instance = [&](const std::string& name) { return with(at(dtud.status(), "instances"), "name", name); };
  const std::string run_of_3 = text(call("fixture.key.3"), "result.run");
  const int64_t pid_of_3 = number(instance("command owner-3"), "isolated.pid");

  ASSERT_EQ(dtud.dtuctl({"config", "set", "cloud.user=you", "cloud.token=sesame-2"}).status, 0);
  EXPECT_TRUE(is_given("you 8 3")) << "the owner is made anew";
  EXPECT_THAT(dtud.log(), HasSubstr("applied: command owner-1\n")) << "and nobody else";
  EXPECT_EQ(text(call("fixture.key.3"), "result.run"), run_of_3);
  EXPECT_EQ(number(instance("command owner-3"), "isolated.pid"), pid_of_3);
  EXPECT_EQ(number(instance("command owner-1"), "restarts"), 0) << "that was no failure";

  ASSERT_EQ(dtud.put("/v1/config", document("")).status, 200);
  EXPECT_TRUE(is_given(" 0 -1")) << "without the key";
  ASSERT_TRUE(peer.write("still there"));
  EXPECT_TRUE(dtud.channel_is("1", "up"));
  EXPECT_EQ(dtud.metric("dtu_tcp_connects_total{component=\"channel 1\"}"), 1) << "channels stay up";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_P(Keys, AreCheckedWhereverADocumentComesFrom) {
  commands({"1"});
  dtud.device(document(
      R"(, "cloud": {"user": "a name of more than thirty-two letters", "level": 10, "tokn": "sesame"}, "clod": 1)"));
  const Ran ran = dtud.check();
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_THAT(ran.output,
              AllOf(HasSubstr("error: /cloud/user: "), HasSubstr("give a text of 1 to 32 characters"),
                    HasSubstr("error: /cloud/level: 10 is not allowed: give a whole number from 0 to 9"),
                    HasSubstr("error: /cloud/tokn: unknown key: did you mean \"token\"?"),
                    HasSubstr("error: /clod: unknown key: did you mean \"cloud\"?"), Not(HasSubstr("sesame"))));
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_TRUE(is_given(" 0 -1")) << "a wrong value costs its key only";
  const Ran set = dtud.dtuctl({"config", "set", "cloud.level=11"});
  EXPECT_NE(set.status, 0);
  EXPECT_THAT(set.output, HasSubstr("11 is not allowed: give a whole number from 0 to 9"));
  const Json refused = order(R"({"password": "***", "cloud": {"level": 12}})");
  EXPECT_EQ(number(refused, "status"), 0) << to_json(refused);
  write_file(dtud.path("dtu_config.json"), document(R"(, "cloud": {"level": 13})"));
  EXPECT_THAT(dtud.dtuctl({"config", "reload"}).output, HasSubstr("13 is not allowed"));
  EXPECT_EQ(dtud.stop(), 0);
}

// check() of the owner: the same configuration as create() gets.
TEST_P(Keys, TheOwnerChecksThem) {
  commands({"1"});
  dtud.device(document(R"(, "cloud": {"user": "nobody", "token": "sesame"})"));
  const Ran ran = dtud.check();
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("error: /cloud/user: command owner-1: nobody has no account, not even with ***"));
  EXPECT_THAT(ran.output, Not(HasSubstr("sesame")));
  dtud.device(document(R"(, "cloud": {"user": "me", "token": "sesame"})"));
  dtud.write_documents();
  ASSERT_NO_FATAL_FAILURE(start());
  const Ran set = dtud.dtuctl({"config", "set", "cloud.user=nobody"});
  EXPECT_NE(set.status, 0);
  EXPECT_THAT(set.output, AllOf(HasSubstr("nobody has no account"), Not(HasSubstr("sesame"))));
  ASSERT_TRUE(is_given("me 6 3"));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_P(Keys, SecretsOfThemAreNotShown) {
  commands({"1"});
  dtud.device(document(R"(, "work_mode": "shows-1", "cloud": {"user": "me", "token": "sesame-1"})"));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(is_given("me 8 3"));
  ASSERT_TRUE(eventually([&] { return text(call("fixture.seen.1"), "result.cloud.user") == "me"; }));
  EXPECT_EQ(text(call("fixture.seen.1"), "result.cloud.token"), "***") << "dialects see it masked";
  HttpStream tap(dtud.socket(), "/v1/tap?target=channel:1");
  ASSERT_TRUE(tap.read_until("\r\n\r\n"));
  ASSERT_EQ(dtud.dtuctl({"config", "set", "cloud.token=sesame-22"}).status, 0);
  ASSERT_TRUE(is_given("me 9 3"));
  ASSERT_TRUE(peer.write(R"({"token": "sesame-333", "x": "sesame-22"})"));
  ASSERT_TRUE(tap.read_until("data_b64"));
  ASSERT_TRUE(eventually([&] { return dtud.log().find("the token is \"***\"") != std::string::npos; })) << dtud.log();
  std::map<std::string, std::string> shown{{"the log", dtud.log()}};
  for (const char* path : {"/v1/status", "/v1/config", "/v1/config/history", "/v1/config/history/1", "/v1/log",
                           "/v1/audit", "/v1/plugins"})
    shown[path] = dtud.get(path).body;
  shown["config show"] = dtud.dtuctl({"config", "show"}).output;
  shown["config diff"] = dtud.dtuctl({"config", "diff", "1"}).output;
  for (const auto& [where, what] : shown) EXPECT_THAT(what, Not(HasSubstr("sesame"))) << where;
  EXPECT_THAT(shown["/v1/config"], HasSubstr(R"("token":"***")"));
  EXPECT_THAT(tap.received(), Not(HasSubstr("c2VzYW1l"))) << "base64 of the first letters";
  // get, edit, set
  EXPECT_EQ(dtud.put("/v1/config", dtud.get("/v1/config").body).status, 200);
  EXPECT_THAT(read_file(dtud.path("dtu_config.json")), HasSubstr("sesame-22"));
  EXPECT_EQ(dtud.stop(), 0);
}

// D23: the channel it came over stays up, and that proves nothing.
TEST_P(Keys, AKeyThatMayCutOffIsOnTrialToTheEnd) {
  commands({"1", "3"});
  dtud.device(document(R"(, "confirm_s": 6, "antenna": 1, "cloud": {"user": "me"})"));
  ASSERT_NO_FATAL_FAILURE(start());
  ASSERT_TRUE(is_given("1", "3"));
  ASSERT_TRUE(eventually([&] { return number(state(), "revision") == 1; }));
  EXPECT_EQ(number(order(document(R"(, "confirm_s": 6, "antenna": 1, "cloud": {"user": "you"})")), "status"), 1);
  ASSERT_TRUE(is_given("you 0 3"));
  EXPECT_TRUE(eventually([&] { return text(state(), "trial") == ""; })) << "any other key: the channel is up";
  EXPECT_EQ(number(order(document(R"(, "confirm_s": 6, "antenna": 2, "cloud": {"user": "you"})")), "status"), 1);
  ASSERT_TRUE(is_given("2", "3"));
  const auto half_over = [&] {  // the trial looks five times a second
    const int64_t left = number(state(), "trial.seconds_left");
    return left > 0 && left < 4;
  };
  ASSERT_TRUE(eventually(half_over)) << "it is not over when the channel is seen to be up";
  EXPECT_EQ(to_json(at(state(), "trial.changed")), R"(["antenna"])");
  EXPECT_TRUE(eventually([&] { return text(state(), "trial") == ""; }));
  EXPECT_EQ(text(state(), "rolled_back"), "") << "the channel is up at the end";
  // A channel that is not: undone.
  EXPECT_EQ(number(order(document(R"(, "confirm_s": 6, "antenna": null, "cloud": {"user": "you"})")), "status"), 1);
  ASSERT_TRUE(is_given("-1", "3")) << "removed";
  ASSERT_TRUE(eventually([&] { return number(state(), "trial.seconds_left") > 0; }));
  server.close();
  peer.close();
  ASSERT_TRUE(eventually([&] { return text(state(), "rolled_back") != ""; }));
  EXPECT_TRUE(is_given("2", "3"));
  EXPECT_EQ(dtud.stop(), 0);
}

struct KeysOfProducts : Keys {};
INSTANTIATE_TEST_SUITE_P(Owners, KeysOfProducts, testing::Values(false), [](const auto&) { return "InProcess"; });

TEST_P(KeysOfProducts, TwoOwnersAreAFaultOfTheProduct) {
  commands({"1", "2"});
  dtud.device(document(R"(, "cloud": {"user": "me"})"));
  const Ran ran = dtud.check();
  EXPECT_EQ(ran.status, 1) << ran.output;
  const std::string files =
      "command:owner-1 (" E2E_FIXTURES "/keys/owner_1.so) and command:owner-2 (" E2E_FIXTURES "/keys/owner_2.so)";
  const std::string error = "/commands: key \"cloud\" of the device document belongs to " + files;
  EXPECT_THAT(ran.output, HasSubstr("error: " + error));
  EXPECT_THAT(ran.output, AllOf(HasSubstr("warning: /cloud: belongs to command owner-1 ("),
                                HasSubstr("owner_2.so): neither gets it")));
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_THAT(dtud.log(), HasSubstr(error));
  EXPECT_TRUE(is_given(" 0 -1", "1"));
  EXPECT_TRUE(is_given(" 0 -1", "2")) << "which one would be an accident";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_P(KeysOfProducts, TheBoardChoosesBetweenTwoOwners) {
  commands({"2"});
  dtud.device(document(R"(, "cloud": {"user": "me"})"));
  EXPECT_EQ(dtud.check().status, 0) << dtud.check().output;
  ASSERT_NO_FATAL_FAILURE(start());
  EXPECT_TRUE(is_given("me 0 3", "2"));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_P(KeysOfProducts, WithoutItsOwnerAKeyIsAWarning) {
  commands({});
  dtud.device(document(R"(, "antenna": 2)"));
  const Ran ran = dtud.check();
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output,
              HasSubstr("warning: /antenna: belongs to command owner-3 (" E2E_FIXTURES "/keys/owner_3.so), which is "
                        "not in \"commands\" of board.json: it has no effect; add {\"type\": \"owner-3\"} "
                        "there"));
  ASSERT_NO_FATAL_FAILURE(start());
  const Ran set = dtud.dtuctl({"config", "set", "antenna=9"});
  EXPECT_EQ(set.status, 0) << set.output;
  EXPECT_NE(dtud.dtuctl({"config", "set", "antena=9"}).status, 0) << "nobody's key is what it was: an error";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_P(KeysOfProducts, DocumentsOfTheVendorStayValidWithoutTheDtuPlugin) {
  dtud.board(R"("commands": [])");
  dtud.device(document(R"(, "plate": 1, "convert": 0)"));
  const Ran ran = dtud.check();
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("warning: /plate: belongs to command dtu ("));
  std::filesystem::create_directory(dtud.path("few"));
  std::filesystem::copy_file(kPlugins + "/channel-tcp.so", dtud.path("few/channel-tcp.so"));
  dtud.plugins(dtud.path("few")).write_documents();
  EXPECT_THAT(dtud.check().output, HasSubstr("warning: /plate: no plugin that is installed has this key"));
}

// A file that is opened leaves a marker, also when only a child of dtud opens it.
TEST_P(KeysOfProducts, OnlyTheFileThatNamesTheKeyIsOpened) {
  commands({"1"});
  const std::string marker = dtud.path("marker");
  const std::vector<std::string> environment{"DTU_FIXTURE_MARKER=" + marker};
  dtud.device(document(R"(, "cloud": {"user": "me"}, "antenna": 1, "cluod": 1)"));
  dtud.write_documents();
  const std::vector<std::string> check{kDtud, "--check", "--board", dtud.path("board.json")};
  const Ran ran = run(check, environment);
  EXPECT_THAT(ran.output, AllOf(HasSubstr("did you mean \"cloud\""), HasSubstr("warning: /antenna")));
  EXPECT_FALSE(std::filesystem::exists(marker)) << ran.output;
  // The fixture does what it is for.
  write_file(dtud.path("dtu_config.json"), R"({"conf": {"1": {"protocol": "ctor-marker"}}})");
  (void)run(check, environment);
  EXPECT_TRUE(std::filesystem::exists(marker));
}

}  // namespace
}  // namespace e2e
