// The data path on the whole HAL: AT commands, programs of the board, counters of a made sysfs. path_test.cpp has the
// machine itself.
#include <filesystem>
#include <fstream>

#include "fixture.hpp"

namespace hal_ec600::test {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class DataTest : public HalTest {
 protected:
  DataTest() {
    fs::create_directories(statistics());
    counters(0, 0);
  }
  ~DataTest() override {
    hal_.reset();
    fs::remove_all(root_);
  }
  [[nodiscard]] fs::path statistics() const { return root_ / "class/net/usb0/statistics"; }
  void counters(uint64_t rx, uint64_t tx) const {
    std::ofstream(statistics() / "rx_bytes") << rx;
    std::ofstream(statistics() / "tx_bytes") << tx;
  }
  // A HAL whose programs write their words into a file.
  void begin(const std::string& more = "", const std::string& up_word = "up") {
    use_ready(R"({"at_device": "/dev/x", "data": {"mode": "ecm", "sysfs": ")" + root_.string() + R"(", "up": [)" +
                  note(up_word) + "], \"down\": [" + note("down") + "]" + more + "}}",
              [](ScriptedModem& m) {
                m.answers["+QIACT=1"] = {};
                m.answers["+QIDEACT=1"] = {};
                m.answers["+CGATT=0"] = m.answers["+CGATT=1"] = {};
              });
  }
  [[nodiscard]] std::string note(const std::string& word) const {
    return R"(["/bin/sh", "-c", "echo {interface} )" + word + " >>" + noted().string() +
           (word == "bad" ? "; exit 4" : "") + "\"]";
  }
  [[nodiscard]] fs::path noted() const { return root_ / "noted"; }
  [[nodiscard]] std::string notes() const {
    std::ifstream in(noted());
    std::string all, line;
    while (std::getline(in, line)) all += line + ";";
    return all;
  }
  bool health_has(const std::string& piece) {  // programs run in real time, the clock of the HAL in steps
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (hal_->health().find(piece) == std::string::npos) {
      if (std::chrono::steady_clock::now() > end) return false;
      host_.run_for(std::chrono::milliseconds(2));
      pass(std::chrono::milliseconds(250));
    }
    return true;
  }

  const fs::path root_ = fs::temp_directory_path() / ("dtu-data-" + std::to_string(::getpid()) + "-" +
                                                      testing::UnitTest::GetInstance()->current_test_info()->name());
};

TEST_F(DataTest, IsActivatedBroughtUpAndProvedByWhatComesIn) {
  begin();
  ASSERT_TRUE(health_has("\"state\":\"unproved\"")) << hal_->health();
  EXPECT_EQ(notes(), "usb0 down;usb0 up;");
  EXPECT_EQ(modem().count("AT+QIACT=1"), 1U);
  counters(5'000, 100);
  ASSERT_TRUE(health_has("\"state\":\"proved\"")) << hal_->health();
  EXPECT_TRUE(host_.logged("data over usb0 works"));
  EXPECT_THAT(hal_->health(), HasSubstr("\"received\":5000"));

  modem().say("\r\n+QIURC: \"pdpdeact\",1\r\n");
  ASSERT_TRUE(health_has("\"trouble\":\"the network ended the context\""));
  ASSERT_TRUE(health_has("\"context_begun\":1")) << hal_->health();
  ASSERT_TRUE(health_has("\"state\":\"unproved\"")) << hal_->health();
  EXPECT_EQ(modem().count("AT+QIDEACT=1"), 1U);
}

TEST_F(DataTest, AContextThatIsActiveIsNotActivatedAgain) {
  begin();
  modem().answers["+QIACT?"] = {"+QIACT: 1,1,1,\"10.1.2.3\""};
  ASSERT_TRUE(health_has("\"state\":\"unproved\""));
  EXPECT_EQ(modem().count("AT+QIACT=1"), 0U);
}

TEST_F(DataTest, WhatFailsIsNamedAndTriedAgainLater) {
  begin("", "bad");
  ASSERT_TRUE(health_has("\"trouble\":\"/bin/sh: exit status 4"));
  EXPECT_TRUE(host_.logged("next: the interface anew"));
  ASSERT_TRUE(health_has("\"context_begun\":1")) << hal_->health();
  modem().answers["+QIACT=1"] = {"+CME ERROR: 30"};
  ASSERT_TRUE(health_has("\"trouble\":\"AT+QIACT: ")) << hal_->health();
}

TEST_F(DataTest, NothingIsDoneWhileTheModemSearches) {
  use(R"({"at_device": "/dev/x", "poll_s": 1, "data": {"mode": "ecm", "sysfs": ")" + root_.string() + R"(", "up": [)" +
          note("up") + "]}}",
      [](ScriptedModem& m) { m.answers["+CEREG?"] = {"+CEREG: 2,2"}; });
  ASSERT_TRUE(becomes_ready());
  ASSERT_TRUE(health_has("\"state\":\"searching\""));
  pass(std::chrono::minutes(2));
  EXPECT_EQ(notes(), "");
  EXPECT_EQ(modem().count_part("QIACT=1"), 0U);
  EXPECT_EQ(modem().count_part("CFUN=0"), 0U);
}

TEST_F(DataTest, DetachIsObeyedAndAttachBringsItBack) {
  begin();
  ASSERT_TRUE(health_has("\"state\":\"unproved\""));
  EXPECT_EQ(invoke("network.detach", "{}"), "");
  ASSERT_TRUE(health_has("\"state\":\"detached\""));
  pass(std::chrono::seconds(5));
  EXPECT_EQ(modem().count("AT+QIACT=1"), 1U);
  EXPECT_EQ(invoke("network.attach", "{}"), "");
  ASSERT_TRUE(health_has("\"state\":\"unproved\"")) << hal_->health();
}

TEST(Ec600Check, TheDataPathIsChecked) {
  const auto check = [](const std::string& data) {
    return dtu::test::check(*hal_on_scripted_modem, R"({"at_device": "/dev/x", "data": )" + data + "}");
  };
  EXPECT_THAT(check(R"({"mode": "ecm"})"), HasSubstr("error /data/up: name the programs that bring up usb0"));
  EXPECT_THAT(check(R"({"mode": "ppp", "up": [["pppd", "call"]]})"),
              HasSubstr("error /data/up/0: \"pppd\" is no absolute path"));
  const std::string good =
      check(R"({"mode": "ppp", "interface": "ppp0", "up": [["/nowhere/pppd"]], "probe": ["/bin/true"]})");
  EXPECT_THAT(good, HasSubstr("warning /data/up/0: /nowhere/pppd cannot be run"));
  EXPECT_THAT(good, HasSubstr("claim /data/interface: network-interface:ppp0"));
  EXPECT_THAT(check("{}"), testing::Not(HasSubstr("network-interface")));
}

TEST(Ec600Config, SmsAndDataLeftOutAreAsTheSchemaSays) {
  const data::Settings data = data::read_settings(dtu::Json("{}")["data"]);
  EXPECT_FALSE(data.on());
  EXPECT_EQ(data.interface, "usb0");
  EXPECT_TRUE(data.up.empty() && data.down.empty() && data.probe.empty());
  EXPECT_EQ(data.proof_s, 120U);
  EXPECT_EQ(data.probe_s, 300U);
  EXPECT_EQ(data.program_s, 60U);
  EXPECT_EQ(data.sysfs, "/sys");
  const sms::Inbox::Settings sms = sms::read_settings(dtu::Json("{}")["sms"]);
  EXPECT_EQ(sms.wait_parts_s, 600U);
  EXPECT_EQ(sms.look_s, 0U);
  EXPECT_TRUE(sms.commands_from.empty());
}

}  // namespace
}  // namespace hal_ec600::test
