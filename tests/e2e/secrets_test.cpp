// Issue 9, row 15: a secret of the documents is in no text that dtud shows, whoever quotes it.
#include <gmock/gmock.h>

#include <thread>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/stream.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

using testing::HasSubstr;
using testing::Not;

struct Secrets : testing::Test {
  TcpServer server;
  TcpPeer peer;
  Dtud dtud;
  // Channel 1 is connected to `peer`, and the password is "sesame".
  void meet() {
    dtud.device(R"({"password": "sesame", "conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" +
                std::to_string(server.port()) + "}}}");
    dtud.start();
    peer = server.accept();
    ASSERT_GE(peer.fd(), 0);
    ASSERT_TRUE(dtud.channel_is("1", "up"));
  }
  // Everything people look at.
  void nowhere(const std::vector<std::string>& secrets) const {
    std::map<std::string, std::string> shown{{"the log", dtud.log()}};
    for (const char* path : {"/v1/status", "/v1/channels", "/v1/ports", "/v1/plugins", "/v1/log", "/v1/audit",
                             "/v1/config", "/v1/config/history", "/v1/config/history/1", "/metrics"})
      shown[path] = dtud.get(path).body;
    for (const char* view : {"status", "channels", "log", "audit", "plugins"}) shown[view] = dtud.dtuctl({view}).output;
    shown["config diff"] = dtud.dtuctl({"config", "diff", "1"}).output;
    for (const auto& [where, text] : shown)
      for (const std::string& secret : secrets) EXPECT_THAT(text, Not(HasSubstr(secret))) << where;
  }
};

TEST_F(Secrets, InAUrlThatIsRefusedAreNotShown) {
  dtud.device(R"({"acquire_url": "http://u:sesame-5@h/", "conf": {
    "1": {"protocol": "mqtt", "url": "mqtt://plant:sesame-1@broker.example", "publish": {"0": "a"}},
    "2": {"protocol": "http", "url": "https://plant:sesame-2@example.org/up"},
    "3": {"protocol": "tcp", "url": "plant:sesame-3@example.org", "port": 1},
    "4": {"protocol": "udp", "url": "tcp://plant:sesame-4@example.org", "port": 1}}})");
  EXPECT_THAT(dtud.check().output, Not(HasSubstr("sesame")));
  dtud.start();
  for (const char* id : {"1", "2", "3", "4"}) EXPECT_TRUE(dtud.channel_is(id, "failed")) << id;
  nowhere({"sesame"});
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Secrets, ThatAPluginQuotesAreNotShown) {
  dtud.plugins(kPlugins + "\", \"" E2E_FAULTS);
  dtud.device(
      R"({"conf": {"1": {"protocol": "quotes", "url": "x://plant:sesame-1@broker.example", "password": "sesame-2",
                                 "psk": "sesame-\"3"}}})");
  const Ran ran = dtud.check();
  EXPECT_THAT(ran.output, HasSubstr("warning: /conf/1/url: cannot use "));
  EXPECT_THAT(ran.output, Not(HasSubstr("sesame")));
  dtud.start();
  ASSERT_TRUE(dtud.channel_is("1", "degraded"));
  EXPECT_THAT(text(dtud.channel("1"), "error"), HasSubstr("cannot use "));
  EXPECT_EQ(number(dtud.channel("1"), "health.number"), 1) << dtud.get("/v1/channels").body;
  nowhere({"sesame"});

  // A document that is refused or taken: its secrets are new.
  const HttpAnswer put = dtud.put("/v1/config", R"({"conf": {"1": {"protocol": "quotes",
      "url": "x://plant:sesame-4@broker.example", "password": "sesame-5", "psk": "sesame-6"}}})");
  EXPECT_THAT(put.body, Not(HasSubstr("sesame")));
  ASSERT_TRUE(eventually([&] { return dtud.dtuctl({"config", "history"}).output.find("2") != std::string::npos; }));
  ASSERT_TRUE(dtud.channel_is("1", "degraded"));
  nowhere({"sesame"});
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Secrets, InAUrlSurviveGetEditSet) {
  dtud.plugins(kPlugins + "\", \"" E2E_FAULTS);
  dtud.device(R"({"conf": {"1": {"protocol": "quotes", "url": "x://plant:sesame@broker.example"}}})");
  dtud.start();
  const std::string shown = dtud.get("/v1/config").body;
  EXPECT_THAT(shown, Not(HasSubstr("sesame")));
  EXPECT_EQ(dtud.put("/v1/config", shown).status, 200);
  EXPECT_THAT(read_file(dtud.path("dtu_config.json")), HasSubstr("x://plant:sesame@broker.example"));
  EXPECT_EQ(dtud.stop(), 0);
}

// Text in the place of what would hold the secret.
TEST_F(Secrets, InTheWrongPlaceAreNotQuoted) {
  for (const char* device :
       {R"({"apn": "internet,user,sesame"})", R"({"apn": 7355608})", R"({"conf": {"1": "sesame"}})",
        R"({"conf": "sesame"})", R"({"conf": {"1": {"protocol": "http", "url": "http://h", "headers": "sesame"}}})",
        R"({"conf": {"1": {"protocol": "http", "url": "http://h", "headers": {"A": ["sesame"]}}}})",
        R"({"conf": {"1": {"protocol": "mqtt", "url": "b", "will": "sesame"}}})",
        R"({"conf": {"1": {"protocol": "mqtt", "url": "b", "tls": "sesame"}}})",
        R"({"conf": {"1": {"protocol": "mqtt", "url": "b", "password": {"is": "sesame"}}}})"}) {
    SCOPED_TRACE(device);
    Dtud other;
    const Ran ran = other.device(device).check();
    EXPECT_EQ(ran.status, 1) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr(" is not allowed: give "));
    EXPECT_THAT(ran.output, Not(HasSubstr("sesame")));
    EXPECT_THAT(ran.output, Not(HasSubstr("7355608")));
  }
  dtud.device(R"({"conf": {"1": {"protocol": "http", "url": "http://h", "headers": "sesame"}}})");
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("1", "failed"));
  EXPECT_THAT(text(dtud.channel("1"), "error"), HasSubstr("a text is not allowed: give an object"));
  nowhere({"sesame"});
  const HttpAnswer put =
      dtud.put("/v1/config", R"({"apn": "internet,user,sesame", "conf": {"2": {"protocol": "tcp"}}})");
  EXPECT_EQ(put.status, 409);
  EXPECT_THAT(put.body, HasSubstr("a text is not allowed: give a list of 3 entries"));
  EXPECT_THAT(put.body, Not(HasSubstr("sesame")));
  EXPECT_EQ(dtud.stop(), 0);
}

// Nobody can look for such a text in others: it is masked by its place alone.
TEST_F(Secrets, OfThreeCharactersAreNotShown) {
  const std::string channels = R"("conf": {
    "1": {"protocol": "mqtt", "url": "mqtt://127.0.0.1:)" +
                               std::to_string(free_port()) + R"(", "password": "Zq7", "username": "u"},
    "2": {"protocol": "http", "url": "http://127.0.0.1:)" +
                               std::to_string(free_port()) + R"(/up?k=Zq8", "headers": {"X": "Zq9"}},
    "3": {"protocol": "mqtt", "password": "Zq6"}}})";
  dtud.device(R"({"password": "Zq5", "apn": ["", "", "Zq4"], )" + channels);
  EXPECT_THAT(dtud.check().output, Not(HasSubstr("Zq")));
  dtud.start();
  EXPECT_TRUE(dtud.channel_is("3", "failed"));
  EXPECT_TRUE(eventually([&] { return !text(dtud.channel("1"), "error").empty(); }));
  for (const char* body :
       {R"({"password": "Zq1", "conf": {"1": {"protocol": "mqtt", "url": "a b", "password": "Zq2"}}})",
        R"({"password": "Zq1", "plate": 7})"}) {
    const HttpAnswer put = dtud.put("/v1/config", body);
    EXPECT_EQ(put.status, 409) << put.body;
    EXPECT_THAT(put.body, Not(HasSubstr("Zq")));
  }
  EXPECT_EQ(dtud.put("/v1/config", R"({"password": "Zq1", )" + channels).status, 200);
  EXPECT_THAT(dtud.dtuctl({"call", "password.change", R"({"new_password": ["Zq0"]})"}).output, Not(HasSubstr("Zq0")));
  nowhere({"Zq"});
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Secrets, InAQueryAreMaskedAndSurviveGetEditSet) {
  const std::string url = "http://127.0.0.1:" + std::to_string(free_port()) + "/up?";
  const auto document = [&](const std::string& query, const std::string& more = "") {
    return R"({"acquire_url": "http://h/p?key=open-sesame-2", "conf": {"1": {"protocol": "http", "url": ")" + url +
           query + R"(", "request": {"a": {"url": "http://h?open-sesame-3"}})" + more + "}}}";
  };
  dtud.device(document("id=7&token=open-sesame-1"));
  EXPECT_THAT(dtud.check().output, Not(HasSubstr("sesame")));
  dtud.start();
  nowhere({"sesame"});
  const std::string shown = dtud.get("/v1/config").body;
  EXPECT_THAT(shown, HasSubstr("/up?id=***&token=***"));
  EXPECT_THAT(shown, HasSubstr("h/p?key=***"));
  const auto stored = [&] { return read_file(dtud.path("dtu_config.json")); };
  EXPECT_EQ(dtud.put("/v1/config", shown).status, 200);
  EXPECT_THAT(stored(), HasSubstr("/up?id=7&token=open-sesame-1"));
  EXPECT_THAT(stored(), HasSubstr("http://h?open-sesame-3"));

  // The rest of the address may change. A *** for which nothing is stored is refused.
  EXPECT_EQ(dtud.put("/v1/config", document("token=***&v=2", R"(, "timeout": 3)")).status, 200);
  EXPECT_THAT(stored(), HasSubstr("/up?token=open-sesame-1&v=2"));
  const HttpAnswer put = dtud.put("/v1/config", document("token=***&other=***"));
  EXPECT_EQ(put.status, 409);
  EXPECT_THAT(put.body, HasSubstr("stands for a stored secret, and none is stored here"));
  nowhere({"sesame"});
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Secrets, OfCommandsAreNotInATap) {
  ASSERT_NO_FATAL_FAILURE(meet());
  Process tap;
  tap.start({kDtuctl, "--socket", dtud.socket(), "tap", "channel:1"}, dtud.path("tap"));
  const std::string command =
      R"({"msg_id": 1, "cmd_code": 51, "password": "sesame", "data": {"new_password": "sesame-2"}})";
  ASSERT_TRUE(eventually([&] {  // until the tap is there
    if (!peer.write(command)) return true;
    (void)peer.read_until("}");
    return read_file(dtud.path("tap")).find("new_password") != std::string::npos;
  }));
  EXPECT_THAT(read_file(dtud.path("tap")), Not(HasSubstr("sesame")));
  tap.signal(SIGTERM);
  (void)tap.wait();
  nowhere({"sesame"});
  EXPECT_EQ(dtud.stop(), 0);
}

// In every form that a command may have (D20), also in one that is refused. dtud knows none of these secrets.
TEST_F(Secrets, OfCommandsInAnyFormAreNotInATap) {
  ASSERT_NO_FATAL_FAILURE(meet());
  Process tap;
  tap.start({kDtuctl, "--socket", dtud.socket(), "tap", "channel:1"}, dtud.path("tap"));
  const auto shown = [&] { return read_file(dtud.path("tap")); };
  ASSERT_TRUE(eventually([&] {  // until the tap is there
    if (!peer.write(R"({"cmd_code": 0, "msg_id": "first"})")) return true;
    (void)peer.read_until("}");
    return shown().find("first") != std::string::npos;
  }));
  const std::string commands[] = {
      R"({ Password:"qz1","cmd_code":7,})",
      R"({"cmd_code": 7, "password": 790790})",
      "{\"cmd_code\": 7, \"password\": // of the plant\n \"qz2\"}",
      R"({"cmd_code": 7, "pass\u0077ord": "qz3"})",
      R"({"cmd_code": 60, "password": "qz4", "data": {"apn": ["internet", "user", "qz5"]}})",
      R"({"cmd_code": 63, "password": "qz6", "data": "{\"password\": \"q\\\"z7\", \"apn\": [\"a\", \"b\", \"qz8\"]}"})",
      R"({"cmd_code": 59, "password": ["qz9"], "data": {"conf": {"1": {"protocol": "http",
          "url": "http://h.example/?k=qzA", "headers": {"Authorization": "Bearer qzB"}, "password": ["qzC"]}}}})",
      R"({"cmd_code": 62, "password": "qzD", "data": {"ota": ["uid", "EC600N", "qzE"]}})",
      R"({"cmd_code": 51, "password": "sesame", "data": {"new_password": ["qzF"]}})"};
  for (const std::string& command : commands) {
    ASSERT_TRUE(peer.write(command));
    EXPECT_THAT(peer.read_until("}"), HasSubstr("error")) << command;
  }
  // In pieces: the name of the secret in the one, the secret in the other.
  ASSERT_TRUE(peer.write(R"({"msg_id": "in-pieces", "cmd_code": 7, "password":)"));
  ASSERT_TRUE(eventually([&] { return shown().find("in-pieces") != std::string::npos; }));
  ASSERT_TRUE(peer.write(R"( "qzG"})"));
  EXPECT_THAT(peer.read_until("}"), HasSubstr("error"));
  ASSERT_TRUE(peer.write(R"({"cmd_code": 0, "msg_id": "the-last"})"));
  ASSERT_TRUE(eventually([&] { return shown().find("the-last") != std::string::npos; }));
  EXPECT_THAT(shown(), HasSubstr("EC600N"));
  for (const char* secret : {"qz", "z7", "790790"}) EXPECT_THAT(shown(), Not(HasSubstr(secret)));
  tap.signal(SIGTERM);
  (void)tap.wait();
  nowhere({"qz", "790790"});
  EXPECT_EQ(dtud.stop(), 0);
}

// A list as a password is nobody's password: made a hash of, it would lock everybody out.
TEST_F(Secrets, APasswordThatIsNoTextIsRefused) {
  ASSERT_NO_FATAL_FAILURE(meet());
  const auto ask = [&](const std::string& rest, const char* end) {
    EXPECT_TRUE(peer.write(R"({"msg_id": 1, "password": "sesame", )" + rest + "}"));
    return peer.read_until(end);
  };
  constexpr char kWorks[] = R"("success":1})";
  EXPECT_THAT(ask(R"("cmd_code": 4)", kWorks), HasSubstr(kWorks));
  const auto stored = [&] { return read_file(dtud.path("dtu_config.json")); };
  ASSERT_TRUE(eventually([&] { return stored().find("$7$") != std::string::npos; }));
  const std::string before = stored();
  const std::string rule = " is not allowed: give a text of at most 128 characters";
  for (const std::string& value :
       {std::string(R"(["qzX"])"), std::string(R"({"a": 1})"), std::string(R"({  "a"  :  "qzX" , "b": ["}"] })"),
        '"' + std::string(129, 'x') + '"'}) {
    SCOPED_TRACE(value);
    for (const std::string& said :
         {dtud.put("/v1/config", R"({"password": )" + value + R"(, "plate": 0})").body,
          dtud.dtuctl({"config", "set", "password=" + value}).output,
          ask(R"("cmd_code": 63, "data": {"dtu_config": {"password": )" + value + "}}", R"("error_code":)")}) {
      EXPECT_THAT(said, HasSubstr("/password"));
      EXPECT_THAT(said, HasSubstr(rule));
      EXPECT_THAT(said, Not(HasSubstr("qzX")));
    }
    EXPECT_EQ(stored(), before);
  }
  EXPECT_THAT(ask(R"("cmd_code": 4)", kWorks), HasSubstr(kWorks));
  // The place is one in what was sent, not in what that became with a hash and a stored secret in it.
  for (const char* body : {R"({"password": "***", "plate": 7})", R"({"password": "new", "plate": 7})"})
    for (const HttpAnswer& answer : {dtud.put("/v1/config", body), dtud.post("/v1/config/check", body)})
      EXPECT_EQ(number(parse_json(answer.body), "findings[0].column"),
                static_cast<int64_t>(std::string(body).find('7') + 1))
          << answer.body;
  // A number is a password, also where a text is asked for.
  EXPECT_EQ(dtud.dtuctl({"call", "password.set", R"({"new_password": 123456})"}).status, 0);
  EXPECT_THAT(stored(), HasSubstr("$7$"));
  EXPECT_EQ(dtud.dtuctl({"call", "password.set", R"({"new_password": "  "})"}).status, 1);
  EXPECT_THAT(stored(), HasSubstr("$7$"));
  // Blanks are no password, in a check as when they are stored.
  EXPECT_EQ(dtud.dtuctl({"config", "set", "password=   "}).status, 1);
  EXPECT_THAT(stored(), HasSubstr("$7$"));
  EXPECT_EQ(dtud.dtuctl({"config", "set", "password=null"}).status, 0);
  EXPECT_THAT(stored(), Not(HasSubstr("password")));
  EXPECT_EQ(dtud.stop(), 0);
}

// The quotes are missing, so nobody can tell what is the secret.
TEST_F(Secrets, InTextThatIsNoJsonAreNotQuoted) {
  dtud.device("{}");
  dtud.start();
  for (const char* device : {R"({"password": qzX})", R"({"apn": ["a", "b", qzX]})", R"({"password": "a" "qzX"})",
                             R"({"password": a, qzX})"}) {
    SCOPED_TRACE(device);
    Dtud other;
    const Ran ran = other.device(device).check();
    EXPECT_EQ(ran.status, 1) << ran.output;
    EXPECT_THAT(ran.output, Not(HasSubstr("qzX")));
    EXPECT_THAT(dtud.put("/v1/config", device).body, Not(HasSubstr("qzX")));
    EXPECT_THAT(dtud.dtuctl({"call", "config.change", device}).output, Not(HasSubstr("qzX")));
  }
  nowhere({"qzX"});
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Secrets, InAnOrderOfAnUpgradeAreNotShown) {
  dtud.hal(R"({"type": "sim"})");
  dtud.start();
  const Ran ran = dtud.dtuctl({"call", "upgrade.start", R"({"url": "ftp://plant:sesame@h/image"})"});
  EXPECT_THAT(ran.output, Not(HasSubstr("sesame")));
  nowhere({"sesame"});
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Secrets, InWrongArgumentsAreNotQuoted) {
  dtud.device(R"({"password": "pw"})");
  dtud.start();
  const std::string longer = "sesame" + std::string(300, 'x');
  const Ran ran = dtud.dtuctl({"call", "password.change", R"({"new_password": ")" + longer + "\"}"});
  EXPECT_THAT(ran.output, Not(HasSubstr("sesame")));
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
