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
  Dtud dtud;
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

TEST_F(Secrets, OfCommandsAreNotInATap) {
  TcpServer server;
  dtud.device(R"({"password": "sesame", "conf": {"1": {"protocol": "tcp", "url": "127.0.0.1", "port": )" +
              std::to_string(server.port()) + "}}}");
  dtud.start();
  TcpPeer peer = server.accept();
  ASSERT_GE(peer.fd(), 0);
  ASSERT_TRUE(dtud.channel_is("1", "up"));
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
