// What wpa_supplicant and hostapd say, hostile names of networks among it.
#include "wifi/wpa_text.hpp"

#include <Poco/JSON/Parser.h>
#include <gmock/gmock.h>

namespace hal_linux::test {
namespace {

TEST(WpaText, DecodesWhatItsPrintfEncodes) {
  EXPECT_EQ(printf_decoded(R"(a\\b\"c\e\n\r\t\x00\xfF)"), std::string("a\\b\"c\x1b\n\r\t\0\xff", 11));
  for (const char* other : {"\\", "\\x", "\\x1", "\\xzz", "\\q", "a\\"}) EXPECT_EQ(printf_decoded(other), other);
}

TEST(WpaText, ANameThatIsNoTextIsShownAsItsBytes) {
  EXPECT_EQ(ssid_member("Caf\xc3\xa9"), "\"ssid\":\"Caf\xc3\xa9\"");
  EXPECT_EQ(ssid_member("a\"b\\"), R"("ssid":"a\"b\\")");
  EXPECT_EQ(ssid_member(std::string("\0a", 2)), R"("ssid_hex":"0061")");
  EXPECT_EQ(ssid_member("\xff\xfe"), R"("ssid_hex":"fffe")");
  EXPECT_EQ(ssid_member("\x1b[2J"), R"("ssid_hex":"1b5b324a")");
  EXPECT_EQ(from_hex("00fF"), std::string("\0\xff", 2));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(WpaText, ReadsResultsOfAScan) {
  const auto results = scan_results(
      "bssid / frequency / signal level / flags / ssid\n"
      "02:00:00:00:00:01\t2412\t-70\t[WPA2-PSK-CCMP][ESS]\tone\n"
      "02:00:00:00:00:02\t5180\t-40\t[WPA2-PSK+SAE-CCMP][ESS]\ttab\\there\ttoo\n"
      "02:00:00:00:00:03\t2484\t-60\t[ESS]\t\n"
      "02:00:00:00:00:04\t5955\t-50\t[WPA2-EAP-CCMP][ESS]\t\\xff\n"
      "02:00:00:00:00:05\t2437\t-80\t[WPA-PSK-TKIP][ESS]\tw\n"
      "02:00:00:00:00:06\t2437\t-81\t[WEP][ESS]\tw\n"
      "no line\n02:00:00:00:00:07\tx\t-1\t[ESS]\ty\n02:00:00:00:00:08\t2412\t-1\t[ESS]\t" +
      std::string(33, 'a') + "\n");
  ASSERT_TRUE(results);
  const auto& all = *results;
  ASSERT_EQ(all.size(), 6U);
  EXPECT_EQ(to_json(all[0]), R"({"ssid_hex":"7461620968657265)"
                             "09"
                             R"(746f6f","bssid":"02:00:00:00:00:02","frequency":5180,"channel":36,)"
                             R"("signal_dbm":-40,"security":"wpa3"})");
  EXPECT_STREQ(all[1].security, "enterprise");
  EXPECT_STREQ(all[2].security, "open");
  EXPECT_EQ(all[2].ssid, "");
  EXPECT_STREQ(all[3].security, "wpa2");
  EXPECT_STREQ(all[4].security, "wpa");
  EXPECT_STREQ(all[5].security, "wep");
  EXPECT_EQ(channel_of(all[2].frequency_mhz), 14);
  EXPECT_EQ(channel_of(all[1].frequency_mhz), 1);
  EXPECT_EQ(channel_of(1), 0);
}

TEST(WpaText, AnAnswerWithoutTheHeadingIsNoList) {
  const auto none = scan_results("bssid / frequency / signal level / flags / ssid");
  EXPECT_TRUE(none && none->empty());
  for (const std::string& reply :
       {std::string(), std::string("FAIL"), std::string("-1"), std::string(16384, 'A'), std::string("\0\xff\n\n", 4),
        std::string("bssid"), std::string("02:00:00:00:00:01\t2412\t-70\t[ESS]\tone\n")})
    EXPECT_FALSE(scan_results(reply)) << reply.substr(0, 40);
  EXPECT_EQ(why_no_answer("hostapd", "STATUS", ""), "hostapd answers STATUS with: nothing");
}

TEST(WpaText, IsBounded) {
  std::string crowd = "bssid / frequency / signal level / flags / ssid\n", keys;
  for (int i = 0; i < 1000; ++i) {
    crowd += "02:00:00:00:00:01\t2412\t-" + std::to_string(i) + "\t[ESS]\tx\n";
    keys += "k" + std::to_string(i) + "=v\n";
  }
  const auto results = scan_results(crowd);
  ASSERT_TRUE(results);
  EXPECT_EQ(results->size(), 64U);
  EXPECT_EQ(results->front().signal_dbm, 0);
  EXPECT_EQ(key_values(keys).size(), 64U);
  EXPECT_EQ(key_values("a=1\nnone\n=x\na=2\nb==").at("a"), "1");
}

TEST(WpaText, AWordIsOnlyTakenWhereWpaTakesIt) {
  EXPECT_EQ(why_no_password("12345678"), "");
  EXPECT_EQ(why_no_password(std::string(63, '"')), "");
  EXPECT_EQ(why_no_password(std::string(64, 'A')), "");
  for (const std::string& wrong :
       {std::string("1234567"), std::string(64, 'g'), std::string("1234567\n"), std::string("caf\xc3\xa9 caf\xc3\xa9"),
        std::string(65, 'a'), std::string("12345678\0", 9)})
    EXPECT_NE(why_no_password(wrong), "") << wrong;
  EXPECT_TRUE(is_mac("02:aB:00:00:00:01"));
  for (const char* wrong : {"", "02:00:00:00:00:0g", "02-00-00-00-00-01", "02:00:00:00:00:011"})
    EXPECT_FALSE(is_mac(wrong));
}

}  // namespace
}  // namespace hal_linux::test
