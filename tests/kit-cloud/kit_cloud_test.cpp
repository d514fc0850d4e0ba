// A cloud made of the installed kit, in the installed dtud, against a mosquitto that verifies logins as the cloud does.
#include <gtest/gtest.h>

#include <thread>

#include "harness/broker.hpp"
#include "harness/dtud.hpp"
#include "harness/mqtt.hpp"
#include "harness/pty.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

const std::string kPrefix = KIT_PREFIX, kAcme = KIT_ACME, kSecret = "a secret of the device";

struct KitCloud : testing::Test {
  Broker broker{"plugin " KIT_VERIFIER "\nplugin_opt_acme_secret " + kSecret + "\n"};
  MqttClient cloud{broker.port()}, desk{broker.port()};  // the one listens, the other talks
  Pty pty;
  Dtud dtud;

  std::string conf(const std::string& secret = kSecret) const {
    return R"("url": "127.0.0.1", "port": )" + std::to_string(broker.port()) +
           R"(, "product": "p1", "device": "pump-{id}", )" + R"("secret": ")" + secret +
           R"(", "reconnect": {"min_ms": 50, "max_ms": 200})";
  }
  void start(const std::string& secret = kSecret) {
    dtud.plugins(kAcme + R"(", ")" + kPrefix + "/lib/dtukit/plugins");
    dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})");
    dtud.device(R"({"work_mode": "raw", "uconf": {"1": {}}, "conf": {"1": {"protocol": "acme", "serialID": "1", )" +
                conf(secret) + "}}}");
    dtud.start();
    ASSERT_TRUE(dtud.port_is("1", "up")) << dtud.log();
  }
  void listen() {
    for (const char* last : {"up", "state", "told", "ask"}) cloud.subscribe(std::string("acme/p1/pump-1/") + last, 1);
  }
  void up() {
    listen();
    ASSERT_NO_FATAL_FAILURE(start());
    ASSERT_TRUE(dtud.channel_is("1", "up")) << dtud.log();
    EXPECT_EQ(next("state"), R"({"online":true,"signal":"17"})");
  }
  // The next message of the device, which has to be on this topic.
  std::string next(const std::string& last) {
    const auto message = cloud.next();
    if (!message) return "(nothing)";
    return message->topic == "acme/p1/pump-1/" + last ? message->payload : message->topic + ": " + message->payload;
  }
  void tell(const std::string& last, const std::string& payload) { desk.publish("acme/p1/pump-1/" + last, payload, 1); }
};

TEST_F(KitCloud, CarriesDataBothWays) {
  ASSERT_NO_FATAL_FAILURE(up());
  ASSERT_TRUE(pty.write("80 degrees"));
  EXPECT_EQ(next("up"), "80 degrees");
  tell("down", "valve 3 open");
  EXPECT_EQ(pty.read(12), "valve 3 open");
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 1));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(KitCloud, SubscribesWhenTheCloudSaysSo) {
  ASSERT_NO_FATAL_FAILURE(up());
  desk.publish("fleet/all", "too early", 1);
  tell("order", R"({"subscribe":"fleet/+"})");
  EXPECT_EQ(next("told"), R"({"filter":"fleet/+","ok":true,"why":""})");
  desk.publish("fleet/all", "stop", 1);
  EXPECT_EQ(pty.read(4), "stop");
  tell("order", R"({"subscribe":"fleet/#/x"})");
  EXPECT_EQ(next("told"), R"({"filter":"fleet/#/x","ok":false,"why":"the filter has a # that is not its last level"})");
  tell("order", "no JSON");
  tell("order", R"({"unsubscribe":"fleet/+"})");
  EXPECT_EQ(next("told"), R"({"filter":"fleet/+","ok":true,"why":""})");
  desk.publish("fleet/all", "not heard", 1);
  tell("down", "heard");
  EXPECT_EQ(pty.read(5), "heard");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(KitCloud, ComesBackWithItsBirthMessageAndItsSubscriptions) {
  ASSERT_NO_FATAL_FAILURE(up());
  tell("order", R"({"subscribe":"fleet/+"})");
  EXPECT_EQ(next("told"), R"({"filter":"fleet/+","ok":true,"why":""})");
  broker.kill();
  ASSERT_TRUE(eventually([&] { return text(dtud.channel("1"), "state") != "up"; }));
  ASSERT_TRUE(pty.write("while it is away"));
  broker.start();
  cloud = MqttClient(broker.port());
  desk = MqttClient(broker.port());
  listen();
  // The device may have been faster than this client: then the birth message comes as the retained one.
  EXPECT_EQ(next("state"), R"({"online":true,"signal":"17"})");
  ASSERT_TRUE(dtud.channel_is("1", "up")) << dtud.log();
  desk.publish("fleet/all", "again", 1);
  EXPECT_EQ(pty.read(5), "again");
  EXPECT_TRUE(dtud.channel_number("1", "outbox.delivered", 1)) << "what was written meanwhile is not lost";
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(KitCloud, ARequestGetsItsAnswer) {
  ASSERT_NO_FATAL_FAILURE(up());
  HttpAnswer got;
  std::thread asks([&] {
    got = dtud.post("/v1/call", R"({"command": "acme.ask", "args": {"method": "time", "params": {"zone": "UTC"}}})");
  });
  const Json asked = parse_json(next("ask"));
  EXPECT_EQ(text(asked, "method"), "time");
  desk.publish("acme/p1/pump-1/answer", R"({"id":"0","result":"of another"})", 1);
  desk.publish("acme/p1/pump-1/answer", R"({"id":")" + text(asked, "id") + R"(","result":{"time":5}})", 1);
  asks.join();
  EXPECT_EQ(got.status, 200) << got.body;
  EXPECT_NE(got.body.find(R"("time":5)"), std::string::npos) << got.body;
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(KitCloud, AWrongSecretIsRefusedInWords) {
  ASSERT_NO_FATAL_FAILURE(start("another secret"));
  EXPECT_TRUE(eventually([&] {
    return text(dtud.channel("1"), "error").find("look at product, device and secret") != std::string::npos;
  })) << dtud.get("/v1/channels").body;
  EXPECT_EQ(dtud.log().find("another secret"), std::string::npos);
  const Ran ask = dtud.dtuctl({"call", "acme.ask", R"({"method": "time"})"});
  EXPECT_NE(ask.status, 0);
  EXPECT_NE(ask.output.find("not connected to mqtt://127.0.0.1"), std::string::npos) << ask.output;
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(KitCloud, TheDocumentIsCheckedBeforeItIsUsed) {
  dtud.plugins(kAcme + R"(", ")" + kPrefix + "/lib/dtukit/plugins");
  dtud.ports({{"1", pty.device()}}).hal(R"({"type": "sim"})");
  dtud.device(R"({"conf": {"1": {"protocol": "acme", "url": "http://acme", "product": "p1", "secret": "s"}}})");
  dtud.write_documents();
  const Ran wrong = dtud.check();
  EXPECT_NE(wrong.status, 0);
  EXPECT_NE(wrong.output.find("the scheme must be mqtt or mqtts"), std::string::npos) << wrong.output;
}

TEST_F(KitCloud, PassesDtuPluginCheck) {
  write_file(dtud.path("conf.json"), "{" + conf() + "}");
  const Ran checked =
      run({kPrefix + "/bin/dtu-plugin-check", kAcme + "/channel-acme.so", "--config", dtud.path("conf.json")}, {},
          std::chrono::seconds(500));
  EXPECT_EQ(checked.status, 0) << checked.output;
  EXPECT_EQ(checked.output.find("data.not-up"), std::string::npos) << checked.output;
}

}  // namespace
}  // namespace e2e
