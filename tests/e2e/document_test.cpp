// Device documents as people have them: the vendor's complete example, comments, a missing comma.
#include <gtest/gtest.h>

#include <algorithm>

#include "harness/dtud.hpp"

namespace e2e {
namespace {

// dtu.md 1.4, addresses and secrets replaced; the clouds stand apart, as their plugins do.
const char* const kChannels = R"(
  "1":{"protocol":"http","method":"get","url":"http://127.0.0.1:9/get","reg_data":"","timeout":"","serialID":1},
  "2":{"protocol":"tcp","ping":"","heartbeat":30,"url":"127.0.0.1","port":"9","keepAlive":300,"serialID":2},
  "3":{"protocol":"mqtt","clientID":"test_mqtt","keepAlive":"","url":"127.0.0.1","port":"9","cleanSession":"0",
       "subscribe":{"0":"/t/down"},"publish":{"0":"/t/up"},"qos":"0","retain":"1","serialID":"1"})";
const char* const kClouds = R"(,
  "4":{"protocol":"aliyun","type":"mos","keepAlive":"","clientID":"c","Devicename":"light01","ProductKey":"PK","DeviceSecret":"DS",
       "ProductSecret":"","cleanSession":"0","qos":"1","subscribe":{"0":"/PK/light01/user/get"},"publish":{"0":"/PK/light01/user/update"},"serialID":"1"},
  "6":{"protocol":"quecthing","keepAlive":"","ProductKey":"pXXXX","ProductSecret":"PS","qos":"1","SessionFlag":false,"sendMode":"phy","serialID":"1"})";

std::string document(const std::string& channels) {
  return R"({"plate":1,"password":"123",
 "conf":{)" +
         channels + R"(},
 "reg":1,"convert":0,"version":100,"nolog":0,"message":{},
 "uconf":{"1":{"baudrate":"115200","databits":"8","parity":"0","stopbits":"1","flowctl":"0"},
          "2":{"baudrate":"115200","databits":"8","parity":"0","stopbits":"1","flowctl":"0"}},
 "fota":1,"pins":["1","2","3"],"direction_pin":{},"apn":["","",""],"service_acquire":0,
 "work_mode":"command","auto_connect":1,"offline_storage":false,
 "modbus":{"groups":[{"device_type":"temp_humid_sensor","device_model":"TH10S-B","slave_address":["0x01"]},
                     {"device_type":"light_sensor","device_model":"YGC-BG-M","slave_address":["0x02","0x03"]}]}})";
}

TEST(Document, TheVendorsCompleteExampleLoadsWithoutAFinding) {
  Dtud dtud;
  const Ran ran = dtud.hal(R"({"type": "sim", "ports": {"1": {}, "2": {}}})").device(document(kChannels)).check();
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.output, "both documents are valid\n");
}

TEST(Document, OfItsCloudsOnlyTheMissingPluginIsNamed) {
  Dtud dtud;
  const Ran ran = dtud.hal(R"({"type": "sim", "ports": {"1": {}, "2": {}}})")
                      .device(document(std::string(kChannels) + kClouds))
                      .check();
  size_t lines = 0;
  for (const char* cloud : {"4", "6"})
    if (ran.output.find(std::string("/conf/") + cloud + "/protocol: no plugin offers channel type") !=
        std::string::npos)
      ++lines;
  EXPECT_EQ(static_cast<size_t>(std::count(ran.output.begin(), ran.output.end(), '\n')), lines) << ran.output;
}

TEST(Document, CommentsAndAMissingCommaAreNamedWithTheirPlace) {
  Dtud dtud;
  dtud.hal(R"({"type": "sim"})");
  dtud.device("{\n  \"plate\": 1, // the IMEI in every answer\n  \"reg\": 1\n}");
  const Ran comment = dtud.check();
  EXPECT_NE(comment.output.find("dtu_config.json:2:15: "), std::string::npos) << comment.output;
  EXPECT_NE(comment.output.find("comment"), std::string::npos) << comment.output;
  dtud.device("{\n  \"reg\": 1\n  \"plate\": 1\n}");
  const Ran comma = dtud.check();
  EXPECT_EQ(comma.status, 1);
  EXPECT_NE(comma.output.find("dtu_config.json:"), std::string::npos) << comma.output;
  EXPECT_NE(comma.output.find("comma"), std::string::npos) << comma.output;
}

}  // namespace
}  // namespace e2e
