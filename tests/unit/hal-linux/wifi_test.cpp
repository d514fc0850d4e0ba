// WiFi by the control sockets of wpa_supplicant and hostapd.
#include "wifi/wifi.hpp"

#include <filesystem>
#include <fstream>
#include <optional>

#include "fake_wpa.hpp"
#include "far_end.hpp"
#include "part.hpp"

namespace hal_linux::test {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Not;

constexpr const char* kSecret = "hush hush \"1\"";

class WifiTest : public PartTest {
 protected:
  void SetUp() override {
    PartTest::SetUp();
    for (const char* folder : {"wpa", "ap", "proc/net"}) std::filesystem::create_directories(tree_ / folder);
    supplicant_.emplace(tree_ / "wpa/wlan0");
    hostapd_.emplace(tree_ / "ap/wlan1");
    hostapd_->answers["STATUS"] = "state=ENABLED\nchannel=6\nssid[0]=panel\nnum_sta[0]=1\n";
  }
  void TearDown() override {
    if (wifi_) wifi_->stop();
    wifi_.reset();
    for (const auto& line : test_host_.logs()) EXPECT_THAT(line.text, Not(HasSubstr("hush")));
    for (const auto& event : test_host_.events()) EXPECT_THAT(event.json, Not(HasSubstr("hush")));
    for (const auto& reply : test_host_.replies()) EXPECT_THAT(reply.json + reply.error, Not(HasSubstr("hush")));
  }
  void begin() {
    WifiConfig config;
    config.station = WifiInterface{"wlan0", "/wpa"};
    config.access_point = WifiInterface{"wlan1", "/ap"};
    wifi_ = std::make_unique<Wifi>(host(), config, Tree(tree_ / ""));
    wifi_->start();
  }
  void use() {
    begin();
    ASSERT_TRUE(until([this] { return wifi_->state().find("unavailable") == std::string::npos; })) << wifi_->state();
  }
  bool until(const std::function<bool()>& done) {
    return test_host_.run_until(
        [&] {
          if (supplicant_) supplicant_->serve();
          if (hostapd_) hostapd_->serve();
          return done();
        },
        std::chrono::seconds(30));
  }
  uint64_t ask(const std::string& command, const std::string& args = "{}") {
    const uint64_t call = ++call_;
    dtu_error error{};
    const dtu_status status = dtu::guarded(&error, [&] {
      EXPECT_TRUE(wifi_->invoke(call, command, args)) << command;
      return DTU_OK;
    });
    if (status != DTU_OK) refused_[call] = error.message;
    return call;
  }
  std::string answer(uint64_t call) {
    if (refused_.count(call) != 0) return refused_[call];
    const dtu::test::Reply* found = nullptr;
    const auto there = [&] {
      for (const auto& reply : test_host_.replies())
        if (reply.call == call) found = &reply;
      return found != nullptr;
    };
    if (!until(there)) return "no answer";
    return found->status == DTU_OK ? found->json : found->error;
  }
  std::string call(const std::string& command, const std::string& args = "{}") { return answer(ask(command, args)); }
  // Everything told before is heard: the last event is answered by a look at the state.
  bool heard() {
    const int looks = supplicant_->looks;
    supplicant_->tell("CTRL-EVENT-DISCONNECTED ");
    return until([&] { return supplicant_->looks > looks; });
  }
  // Once it was asked to select a network, this happens.
  void when_selected(const std::string& event) {
    supplicant_->after = [this, event](const std::string& command) {
      if (command == "SELECT_NETWORK 7") supplicant_->tell(event);
    };
  }
  static std::string with_password(const std::string& ssid) {
    return R"({"ssid": ")" + ssid + R"(", "password": ")" + R"(hush hush \"1\")" + "\"}";
  }

  dtu::test::TempDir tree_;
  std::optional<FakeWpa> supplicant_, hostapd_;
  std::unique_ptr<Wifi> wifi_;
  std::map<uint64_t, std::string> refused_;
  uint64_t call_ = 0;
};

TEST_F(WifiTest, IsNothingUnlessConfigured) {
  Wifi wifi(host(), {}, Tree("/"));
  wifi.start();
  size_t listed = 0;
  wifi.list_commands([&](const dtu_command_info&) { ++listed; });
  wifi.list_points([&](const dtu_point_info&) { ++listed; });
  EXPECT_EQ(listed, 0U);
  EXPECT_FALSE(wifi.invoke(1, "wifi.scan", "{}"));
  wifi.stop();
}

TEST_F(WifiTest, ScansAndAllWhoAskGetTheOneResult) {
  use();
  supplicant_->answers["SCAN_RESULTS"] =
      "bssid / frequency / signal level / flags / ssid\n"
      "02:00:00:00:00:01\t2412\t-70\t[ESS]\tfar\n02:00:00:00:00:02\t2437\t-40\t[WPA2-PSK-CCMP][ESS]\t\\xff\\\"\n";
  const uint64_t first = ask("wifi.scan"), second = ask("wifi.scan");
  ASSERT_TRUE(until([&] { return !supplicant_->asked.empty(); }));
  supplicant_->tell("CTRL-EVENT-SCAN-RESULTS ");
  EXPECT_EQ(answer(first),
            R"({"networks":[{"ssid_hex":"ff22","bssid":"02:00:00:00:00:02","frequency":2437,"channel":6,)"
            R"("signal_dbm":-40,"security":"wpa2"},{"ssid":"far","bssid":"02:00:00:00:00:01","frequency":2412,)"
            R"("channel":1,"signal_dbm":-70,"security":"open"}]})");
  EXPECT_EQ(answer(second), answer(first));
  EXPECT_THAT(supplicant_->asked, ElementsAre("SCAN", "SCAN_RESULTS"));

  supplicant_->after = [this](const std::string& command) {
    if (command == "SCAN") supplicant_->tell("CTRL-EVENT-SCAN-RESULTS ");
  };
  for (const char* reply : {"FAIL\n", "-1\n", "OK\n", "AAAA"}) {
    supplicant_->answers["SCAN_RESULTS"] = reply;
    EXPECT_THAT(call("wifi.scan"), HasSubstr("wifi.scan: wpa_supplicant answers SCAN_RESULTS with: ")) << reply;
  }
  supplicant_->answers["SCAN_RESULTS"] = "bssid / frequency / signal level / flags / ssid\n";
  EXPECT_EQ(call("wifi.scan"), R"({"networks":[]})") << "nothing is in reach";
  supplicant_->answers["SCAN"] = "FAIL\n";
  EXPECT_THAT(call("wifi.scan"), HasSubstr("wifi.scan: wpa_supplicant refuses: FAIL"));
}

TEST_F(WifiTest, ConnectsAndKeepsTheNetwork) {
  use();
  when_selected("CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:00:02 completed [id=7 id_str=]");
  EXPECT_EQ(call("wifi.connect", with_password("Caf\xc3\xa9")),
            "{\"state\":\"connected\",\"ssid\":\"Caf\xc3\xa9\",\"saved\":true}");
  EXPECT_THAT(supplicant_->asked,
              ElementsAre("ADD_NETWORK", "SET_NETWORK 7 ssid 436166c3a9", "SET_NETWORK 7 scan_ssid 1",
                          "SET_NETWORK 7 psk \"" + std::string(kSecret) + "\"", "SET_NETWORK 7 key_mgmt WPA-PSK SAE",
                          "SET_NETWORK 7 ieee80211w 1", "SELECT_NETWORK 7", "SAVE_CONFIG"));
  supplicant_->answers["STATUS"] =
      "bssid=02:00:00:00:00:02\nfreq=2437\nssid=Caf\\xc3\\xa9\nid=7\nwpa_state=COMPLETED\nip_address=192.0.2.7\n";
  supplicant_->tell("CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:00:02 completed [id=7 id_str=]");
  const std::string connected =
      "{\"state\":\"connected\",\"ssid\":\"Caf\xc3\xa9\",\"bssid\":\"02:00:00:00:00:02\",\"frequency\":2437,"
      "\"address\":\"192.0.2.7\",\"access_point\":{\"state\":\"enabled\",\"ssid\":\"panel\",\"channel\":6,\"clients\":"
      "1}}";
  ASSERT_TRUE(until([&] { return !test_host_.events().empty() && test_host_.events().back().json == connected; }));
  EXPECT_EQ(wifi_->state(), connected);
}

TEST_F(WifiTest, ASecondConnectionTakesThePlaceOfTheFirst) {
  use();
  when_selected("CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:00:02 completed [id=7 id_str=]");
  EXPECT_THAT(call("wifi.connect", R"({"ssid_hex": "00ff"})"), HasSubstr(R"("ssid_hex":"00ff")"));
  EXPECT_THAT(supplicant_->asked, testing::Contains("SET_NETWORK 7 key_mgmt NONE"));
  supplicant_->asked.clear();
  supplicant_->answers["ADD_NETWORK"] = "8\n";
  supplicant_->answers["SAVE_CONFIG"] = "FAIL\n";
  supplicant_->answers["SET_NETWORK 8 key_mgmt WPA-PSK SAE"] = "FAIL\n";
  supplicant_->after = [this](const std::string& command) {
    if (command == "SELECT_NETWORK 8") supplicant_->tell("CTRL-EVENT-CONNECTED - completed [id=8 id_str=]");
  };
  EXPECT_THAT(call("wifi.connect", with_password("b")), HasSubstr(R"("saved":false)"));
  EXPECT_THAT(supplicant_->asked, testing::IsSupersetOf({"SET_NETWORK 8 key_mgmt WPA-PSK", "REMOVE_NETWORK 7"}));
}

TEST_F(WifiTest, AWrongPasswordIsSaidAndTheFormerNetworkIsUsedAgain) {
  supplicant_->answers["STATUS"] = "wpa_state=COMPLETED\nid=3\nssid=home\n";
  use();
  when_selected("CTRL-EVENT-SSID-TEMP-DISABLED id=7 ssid=\"id=7\" auth_failures=1 duration=10 reason=WRONG_KEY");
  EXPECT_EQ(call("wifi.connect", with_password("x")), "wifi.connect: the password is wrong");
  ASSERT_TRUE(until([&] { return supplicant_->asked.back() == "ENABLE_NETWORK all"; }));
  EXPECT_THAT(supplicant_->asked, testing::IsSupersetOf({"REMOVE_NETWORK 7", "SELECT_NETWORK 3"}));
}

TEST_F(WifiTest, WhatNeverConnectsEndsInTime) {
  use();
  test_host_.use_fake_clock();
  when_selected("CTRL-EVENT-NETWORK-NOT-FOUND ");
  const uint64_t asked = ask("wifi.connect", R"({"ssid": "x"})");
  EXPECT_THAT(call("wifi.connect", R"({"ssid": "y"})"), HasSubstr("is being made already"));
  const uint64_t scan = ask("wifi.scan");
  ASSERT_TRUE(until([&] { return !supplicant_->asked.empty() && supplicant_->asked.back() == "SELECT_NETWORK 7"; }));
  ASSERT_TRUE(heard());
  test_host_.advance(std::chrono::seconds(20));
  EXPECT_EQ(answer(scan), "wifi.scan: no results within 20 s");
  test_host_.advance(std::chrono::seconds(20));
  EXPECT_EQ(answer(asked), "wifi.connect: the network is not in reach");
}

TEST_F(WifiTest, AnEventOfAnotherNetworkIsNoConnection) {
  use();
  when_selected("CTRL-EVENT-CONNECTED - Connection to 02:00:00:00:00:02 completed [id=77 id_str=]");
  const uint64_t asked = ask("wifi.connect", R"({"ssid": "x"})");
  ASSERT_TRUE(until([&] { return !supplicant_->asked.empty() && supplicant_->asked.back() == "SELECT_NETWORK 7"; }));
  wifi_->cancel(asked);
  ASSERT_TRUE(until([&] { return supplicant_->asked.back() == "ENABLE_NETWORK all"; }));
  EXPECT_TRUE(test_host_.replies().empty());
}

TEST_F(WifiTest, ARefusalNamesTheSettingAndNotItsValue) {
  use();
  supplicant_->answers["SET_NETWORK 7 psk \"" + std::string(kSecret) + "\""] = "FAIL\n";
  EXPECT_EQ(call("wifi.connect", with_password("x")), "wifi.connect: the password was refused: FAIL");
  supplicant_->answers["ADD_NETWORK"] = "FAIL\n";
  EXPECT_EQ(call("wifi.connect", with_password("x")), "wifi.connect: wpa_supplicant adds no network: FAIL");
}

TEST_F(WifiTest, WrongArgumentsAreNamed) {
  use();
  EXPECT_THAT(call("wifi.connect"), HasSubstr("/ssid: the name of the network is missing"));
  EXPECT_THAT(call("wifi.connect", R"({"ssid": "x", "ssid_hex": "00"})"), HasSubstr("both given"));
  EXPECT_THAT(call("wifi.connect", R"({"ssid_hex": "0"})"), HasSubstr("/ssid_hex: 1 to 32 bytes"));
  EXPECT_THAT(call("wifi.connect", R"({"ssid": ")" + std::string(33, 'x') + "\"}"), HasSubstr("/ssid: 1 to 32 bytes"));
  EXPECT_THAT(call("wifi.connect", R"({"ssid": "x", "password": "hush\n"})"), HasSubstr("/password: 8 to 63"));
  EXPECT_THAT(call("wifi.access_point", R"({"password": "hush hush"})"), HasSubstr("/password without /ssid"));
  EXPECT_TRUE(supplicant_->asked.empty() && hostapd_->asked.empty());
}

TEST_F(WifiTest, Disconnects) {
  use();
  EXPECT_EQ(call("wifi.disconnect"), R"({"state":"disconnected"})");
  EXPECT_THAT(supplicant_->asked, ElementsAre("DISCONNECT"));
}

TEST_F(WifiTest, SetsTheAccessPoint) {
  use();
  EXPECT_EQ(call("wifi.access_point", R"({"ssid": "p\"n", "password": "hush hush \"1\"", "channel": 11})"), "");
  EXPECT_THAT(hostapd_->asked,
              ElementsAre("SET ssid2 70226e", "SET wpa 2", "SET wpa_passphrase " + std::string(kSecret),
                          "SET wpa_key_mgmt WPA-PSK", "SET rsn_pairwise CCMP", "SET channel 11", "DISABLE", "ENABLE"));
  hostapd_->asked.clear();
  EXPECT_EQ(call("wifi.access_point", R"({"ssid": "open"})"), "");
  EXPECT_THAT(hostapd_->asked, ElementsAre("SET ssid2 6f70656e", "SET wpa 0", "DISABLE", "ENABLE"));
  hostapd_->asked.clear();
  EXPECT_EQ(call("wifi.access_point"), "") << "it is on already";
  EXPECT_TRUE(hostapd_->asked.empty());
  EXPECT_EQ(call("wifi.access_point", R"({"enabled": false})"), "");
  EXPECT_THAT(hostapd_->asked, ElementsAre("DISABLE"));
  hostapd_->answers["ENABLE"] = "FAIL\n";
  EXPECT_EQ(call("wifi.access_point", R"({"ssid": "x"})"), "wifi.access_point: starting was refused: FAIL");
}

TEST_F(WifiTest, ListsTheClientsWithTheAddressesOfTheirInterface) {
  std::ofstream(tree_ / "proc/net/arp") << "IP address HW type Flags HW address Mask Device\n"
                                           "192.168.9.9 0x1 0x2 02:00:00:00:00:0A * eth0\n"
                                           "192.168.4.2 0x1 0x2 02:00:00:00:00:0a * wlan1\n";
  use();
  hostapd_->answers["STA-FIRST"] = "02:00:00:00:00:0A\nflags=[AUTH]\nsignal=-41\nconnected_time=12\n";
  hostapd_->answers["STA-NEXT 02:00:00:00:00:0a"] = "02:00:00:00:00:0b\nsignal=x\n";
  hostapd_->answers["STA-NEXT 02:00:00:00:00:0b"] = "";
  EXPECT_EQ(call("wifi.clients"),
            R"({"clients":[{"mac":"02:00:00:00:00:0a","address":"192.168.4.2","signal_dbm":-41,"connected_s":12},)"
            R"({"mac":"02:00:00:00:00:0b"}]})");
  hostapd_->answers["STA-NEXT"] = "02:00:00:00:00:0b\n";  // one that names the same for ever
  hostapd_->answers.erase("STA-NEXT 02:00:00:00:00:0b");
  EXPECT_THAT(call("wifi.clients"), HasSubstr("0b\"}]}"));
  hostapd_->answers["STA-NEXT"] = "UNKNOWN COMMAND\n";
  EXPECT_EQ(call("wifi.clients"), "wifi.clients: hostapd answers STA-NEXT with: UNKNOWN COMMAND");
  hostapd_->answers["STA-FIRST"] = "-1\n";
  EXPECT_EQ(call("wifi.clients"), "wifi.clients: hostapd answers STA-FIRST with: -1");
  for (const char* none : {"", "FAIL\n"}) {
    hostapd_->answers["STA-FIRST"] = none;
    EXPECT_EQ(call("wifi.clients"), R"({"clients":[]})") << none;
  }
}

TEST_F(WifiTest, AMissingSupplicantIsSaidAndFoundWhenItComes) {
  test_host_.use_fake_clock();
  supplicant_.reset();
  begin();
  EXPECT_THAT(wifi_->state(), HasSubstr("wlan0 is not there: start wpa_supplicant"));
  EXPECT_THAT(call("wifi.scan"), HasSubstr("is not there"));
  supplicant_.emplace(tree_ / "wpa/wlan0");
  test_host_.advance(std::chrono::seconds(5));
  EXPECT_TRUE(until([&] { return wifi_->state().find("disconnected") != std::string::npos; })) << wifi_->state();
}

TEST_F(WifiTest, AnEndedSupplicantIsNoticedAndWhoWaitsIsTold) {
  use();
  test_host_.use_fake_clock();
  const uint64_t scan = ask("wifi.scan");
  ASSERT_TRUE(until([&] { return !supplicant_->asked.empty(); }));
  supplicant_.reset();
  std::ofstream(tree_ / "wpa/wlan0") << "";
  test_host_.advance(std::chrono::seconds(31));
  ASSERT_TRUE(until([&] { return wifi_->state().find("unavailable") != std::string::npos; }));
  EXPECT_THAT(answer(scan), HasSubstr("wifi.scan: "));
}

TEST_F(WifiTest, ALateReplyIsNeverTakenForTheNextCommands) {
  use();
  test_host_.use_fake_clock();
  hostapd_->answers["STA-FIRST"] = "-";
  const uint64_t silent = ask("wifi.clients"), next = ask("wifi.clients");
  ASSERT_TRUE(until([&] { return !hostapd_->asked.empty(); }));
  test_host_.advance(std::chrono::seconds(10));
  EXPECT_THAT(answer(silent), HasSubstr("wlan1 does not answer"));
  EXPECT_THAT(answer(next), HasSubstr("wlan1 does not answer"));
  hostapd_->tell("AP-STA-CONNECTED 02:00:00:00:00:01");  // to an address that is gone
  test_host_.advance(std::chrono::seconds(5));
  EXPECT_TRUE(until([&] { return wifi_->state().find("enabled") != std::string::npos; }));
}

TEST_F(WifiTest, WhoWaitsIsAnsweredWhenItStops) {
  use();
  hostapd_->answers["STA-FIRST"] = "-";
  const uint64_t scan = ask("wifi.scan"), connect = ask("wifi.connect", R"({"ssid": "x"})"),
                 clients = ask("wifi.clients");
  ASSERT_TRUE(until([&] { return !hostapd_->asked.empty(); }));
  wifi_->stop();
  for (const uint64_t call : {scan, connect, clients}) EXPECT_THAT(answer(call), HasSubstr("was stopped"));
}

TEST_F(WifiTest, AStateThatIsNotToldIsNotMadeUp) {
  use();
  supplicant_->answers["STATUS"] = hostapd_->answers["STATUS"] = "FAIL\n";
  EXPECT_TRUE(heard());
  hostapd_->tell("AP-DISABLED ");
  const std::string trouble = R"("state":"unavailable","trouble":"wpa_supplicant answers STATUS with: FAIL")",
                    of_hostapd = R"("state":"unavailable","trouble":"hostapd answers STATUS with: FAIL")";
  EXPECT_TRUE(until([&] { return wifi_->state() == "{" + trouble + R"(,"access_point":{)" + of_hostapd + "}}"; }))
      << wifi_->state();
  EXPECT_EQ(call("wifi.connect", R"({"ssid": "x"})"), "wifi.connect: wpa_supplicant answers STATUS with: FAIL");
  EXPECT_TRUE(supplicant_->asked.empty()) << "nothing is changed";
}

TEST_F(WifiTest, GarbageHarmsNothing) {
  use();
  for (const std::string& text :
       {std::string("<"), std::string("<3>"), std::string("\0\xff\n", 3), std::string(9000, 'x'), std::string("")}) {
    supplicant_->tell(text);
    supplicant_->answers["STATUS"] = text[0] == '<' ? "" : text;  // such a one is an event
    EXPECT_TRUE(heard());
  }
  supplicant_->answers["STATUS"] = "wpa_state=INTERFACE_DISABLED\n";
  EXPECT_TRUE(heard());
  EXPECT_TRUE(until([&] { return wifi_->state().find("\"state\":\"disabled\"") != std::string::npos; }));
}

}  // namespace
}  // namespace hal_linux::test
