// The firmware of the modem: believed only by its version, and with a stated result whatever was cut off.
#include "fake_modem.hpp"
#include "fota/upgrade.hpp"

namespace {

using namespace hal_ec600;
using namespace hal_ec600::test;
using testing::ElementsAre;
using testing::Not;

class FotaFitting : public Fitting {
 public:
  FotaFitting(dtu::Host host, AtEngine& engine) : upgrade(host, engine) {}
  bool invoke(uint64_t call, std::string_view name, std::string_view args) override {
    if (name == "firmware.facts") return upgrade.facts(call), true;
    return upgrade.invoke(call, name, args);
  }
  void stop() override { upgrade.stop(); }
  fota::Upgrade upgrade;
};

constexpr const char* kOld = "EC600UCNLBR03A01M08";
constexpr const char* kNew = "EC600UCNLBR03A02M08";
constexpr const char* kOrder = R"({"url": "http://h/fw.bin?key=secret", "version": "EC600UCNLBR03A02M08"})";

class FotaTest : public ServiceTest {
 protected:
  std::string version = kOld;
  FotaFitting* fitting = nullptr;

  void begin() {
    if (instance_) {
      instance_->stop();
      instance_->destroy();
      instance_.reset();
    }
    use([&](dtu::Host host, FakeModem& m) {
      auto made = std::make_unique<FotaFitting>(host, m.engine);
      fitting = made.get();
      return made;
    });
    modem().on("AT+CGMR", [this](const std::string&) -> std::vector<std::string> {
      return version.empty() ? std::vector<std::string>{"ERROR"} : std::vector<std::string>{version, "OK"};
    });
    modem().on("AT+QGMR", {"ERROR"});
    ready();
  }
  void ready() {
    fitting->upgrade.ready();
    modem().play();
  }
  void restart() {  // of the modem
    fitting->upgrade.gone();
    modem().say("RDY");
    ready();
  }
  std::string order(const std::string& args = kOrder) {
    std::string now = call("modem.upgrade", args);
    host_.run_until([&] {
      modem().play();
      return answer() != "no answer yet" || !now.empty();
    });
    for (int i = 0; i < 50 && answer() == "no answer yet"; ++i) run(100);
    return now.rfind("error", 0) == 0 ? now : answer();
  }
  void say(const std::string& what) { modem().say("+QIND: \"FOTA\"," + what); }
  std::string state() {
    std::string s = call("modem.upgrade_state", "{}");
    return s;
  }
  std::vector<std::string> progress() {
    std::vector<std::string> out;
    for (const auto& e : host_.events()) out.push_back(e.json.substr(12, e.json.size() - 13));
    return out;
  }
};

TEST_F(FotaTest, TakesWhenTheVersionAfterTheRestartIsTheOneThatWasOrdered) {
  begin();
  EXPECT_THAT(order(), HasSubstr("\"step\":\"downloading\""));
  EXPECT_THAT(modem().commands.back(), "AT+QFOTADL=\"http://h/fw.bin?key=secret\",1,60");
  say("\"HTTPSTART\"");
  say("\"DOWNLOADING\",50");
  say("\"HTTPEND\",0");
  EXPECT_TRUE(fitting->upgrade.is_writing());
  say("\"START\"");
  say("\"UPDATING\",7");
  say("\"UPDATING\",96");
  say("\"END\",0");
  EXPECT_THAT(state(), HasSubstr("\"step\":\"updating\"")) << "the modem's word proves nothing";
  version = kNew;
  restart();
  EXPECT_THAT(state(), HasSubstr("\"step\":\"took\""));
  EXPECT_FALSE(fitting->upgrade.is_writing());
  EXPECT_EQ(call("firmware.facts", "{}"), R"({"modem": {"version": "EC600UCNLBR03A02M08"}})");
  EXPECT_THAT(progress(), ElementsAre("0", "25", "50", "53", "98", "-1"));
}

TEST_F(FotaTest, ErrorNumbersAreWords) {
  for (const auto& [said, words] : std::map<std::string, std::string>{{"\"HTTPEND\",507", "another version"},
                                                                      {"\"HTTPEND\",552", "another project"},
                                                                      {"\"END\",553", "another baseline"},
                                                                      {"\"END\",777", "refused the package (777)"}}) {
    begin();
    (void)order();
    say(said);
    EXPECT_THAT(state(), HasSubstr("\"step\":\"failed\""));
    EXPECT_THAT(state(), HasSubstr(words));
  }
}

TEST_F(FotaTest, EndZeroWithTheOldVersionIsAFailure) {
  begin();
  (void)order();
  say("\"HTTPEND\",0");
  say("\"END\",0");
  restart();
  run(31'000);
  EXPECT_THAT(state(), HasSubstr("the new firmware did not take: the modem still runs EC600UCNLBR03A01M08"));
}

TEST_F(FotaTest, AnotherVersionIsAFailure) {
  begin();
  (void)order();
  say("\"HTTPEND\",0");
  version = "EC600UCNLBR03A07M08";
  restart();
  EXPECT_THAT(state(), HasSubstr("the modem runs EC600UCNLBR03A07M08 now, which is not the version that was ordered"));
}

// dtud and the modem lose their power at each point; what is stored says how it ended.
TEST_F(FotaTest, AStatedResultWhereverThePowerWasCut) {
  struct Cut {
    std::vector<std::string> said;
    bool took;
    const char* result;
  };
  const std::vector<Cut> cuts{
      {{}, false, "the download did not end"},
      {{"\"HTTPSTART\"", "\"DOWNLOADING\",25"}, false, "the download did not end"},
      {{"\"HTTPEND\",0"}, false, "the new firmware did not take"},
      {{"\"HTTPEND\",0", "\"START\"", "\"UPDATING\",46"}, false, "the new firmware did not take"},
      {{"\"HTTPEND\",0", "\"START\"", "\"UPDATING\",46"}, true, "\"step\":\"took\""},
      {{"\"HTTPEND\",0", "\"END\",0"}, true, "\"step\":\"took\""}};
  for (const Cut& cut : cuts) {
    version = kOld;
    begin();
    (void)order();
    for (const std::string& said : cut.said) say(said);
    if (cut.took) version = kNew;
    begin();
    run(301'000);
    EXPECT_THAT(state(), HasSubstr(cut.result));
    host_.clear();
  }
}

TEST_F(FotaTest, TheModemMayGoOnByItselfAfterAPowerCut) {
  begin();
  (void)order();
  say("\"HTTPEND\",0");
  begin();
  run(60'000);
  say("\"UPDATING\",7");
  run(400'000);
  EXPECT_THAT(state(), HasSubstr("\"step\":\"updating\""));
  version = kNew;
  restart();
  EXPECT_THAT(state(), HasSubstr("\"step\":\"took\""));
}

TEST_F(FotaTest, SilenceEndsIt) {
  begin();
  (void)order();
  run(15 * 60'000 + 1'000);
  EXPECT_THAT(state(), HasSubstr("the download did not end"));
}

TEST_F(FotaTest, OrdersThatAreRefused) {
  begin();
  EXPECT_THAT(order(R"({"url": "file:///etc/x", "version": "2"})"), HasSubstr("error: /url"));
  EXPECT_THAT(order(R"({"url": "http://h/\",1\r", "version": "2"})"), HasSubstr("error: /url"));
  EXPECT_THAT(order(R"({"url": "http://h/", "version": "EC600UCNLBR03A01M08"})"), HasSubstr("already"));
  modem().on("AT+QFOTADL", {"+CME ERROR: 50"});
  EXPECT_THAT(order(), HasSubstr("error: AT+QFOTADL"));
  EXPECT_THAT(state(), HasSubstr("\"step\":\"failed\""));
  modem().on("AT+QFOTADL", {"OK"});
  EXPECT_THAT(order(), HasSubstr("downloading"));
  EXPECT_THAT(order(), HasSubstr("is being upgraded to EC600UCNLBR03A02M08 already"));
}

TEST_F(FotaTest, TheKeyInTheAddressIsNeitherKeptNorShown) {
  begin();
  (void)order();
  EXPECT_THAT(state(), Not(HasSubstr("secret")));
  EXPECT_THAT(host_.kv("fake").at("modem.upgrade"), Not(HasSubstr("secret")));
  for (const auto& line : host_.logs()) EXPECT_THAT(line.text, Not(HasSubstr("secret")));
}

TEST_F(FotaTest, FactsWaitForTheVersion) {
  version = "";
  begin();
  EXPECT_EQ(call("firmware.facts", "{}"), "no answer yet");
  version = kOld;
  ready();
  EXPECT_EQ(answer(), R"({"modem": {"version": "EC600UCNLBR03A01M08"}})");
  version = "";
  begin();
  EXPECT_EQ(call("firmware.facts", "{}"), "no answer yet");
  run(2'100);
  EXPECT_EQ(answer(), R"({"modem": {}})");
}

TEST_F(FotaTest, ADamagedRecordIsSaid) {
  host_.kv("fake")["modem.upgrade"] = "{\"step\":";
  begin();
  EXPECT_TRUE(host_.logged("cannot be read"));
  EXPECT_THAT(state(), HasSubstr("\"step\":\"none\""));
}

TEST_F(FotaTest, LinesOfAnUpgradeThatNobodyOrderedChangeNothing) {
  begin();
  for (const char* said : {"\"START\"", "\"UPDATING\",50", "\"END\",0", "\"UPDATING\"", "\"X\",1", "", "\"END\",\"x\""})
    say(said);
  EXPECT_THAT(state(), HasSubstr("\"step\":\"none\""));
  EXPECT_TRUE(host_.events().empty());
}

}  // namespace
