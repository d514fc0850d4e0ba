// Values of the board: what the kernel measures, the battery, who it is.
#include <algorithm>

#include "board/identity.hpp"
#include "board/sources.hpp"
#include "made_tree.hpp"

namespace hal_linux::test {
namespace {

using testing::AllOf;
using testing::Not;

struct BoardPointsTest : BoardTest {};

TEST_F(BoardPointsTest, ABareBoardOffersOnlyWhoItIs) {
  use_board();
  const auto all = listed();
  for (const char* point : {"device.serial", "device.model"}) EXPECT_EQ(all.count(point), 1U) << point;
  for (const char* point :
       {"adc.0", "sensor.temperature", "sensor.humidity", "battery.mv", "device.imei", "device.version"})
    EXPECT_EQ(all.count(point), 0U) << point;
  EXPECT_THAT(value("device.serial"),
              AllOf(HasSubstr("\"serial\" in board.json"), HasSubstr(path("/proc/device-tree/serial-number"))));
}

TEST_F(BoardPointsTest, TheOnlyIioDeviceIsTheAdc) {
  file(std::string(kIio0) + "name", "ads1015\n");
  file(std::string(kIio0) + "in_voltage0_raw", "1000\n");
  file(std::string(kIio0) + "in_voltage0_scale", "3.000000000\n");
  file(std::string(kIio0) + "in_voltage3_raw", "100\n");
  file(std::string(kIio0) + "in_voltage_scale", "0.5\n");
  file(std::string(kIio0) + "in_voltage_offset", "-20\n");
  file(std::string(kIio0) + "in_voltage0-voltage1_raw", "7\n");
  file(std::string(kIio0) + "in_voltage5_input", "1800\n");
  use_board();
  EXPECT_EQ(value("adc.0"), "2.94");
  EXPECT_EQ(value("adc.3"), "0.04");
  EXPECT_EQ(value("adc.5"), "1.8");
  EXPECT_EQ(listed().at("adc.0"), "V");
}

TEST_F(BoardPointsTest, AMapNamesDeviceAndChannelAndDivider) {
  for (const char* device : {kIio0, kIio1}) {
    file(std::string(device) + "name", device == kIio0 ? "stm32-adc" : "ads1015");
    file(std::string(device) + "in_voltage0_raw", device == kIio0 ? "1" : "500");
    file(std::string(device) + "in_voltage_scale", "2");
  }
  use_board(R"("adc": {"1": {"device": "ads1015", "channel": "voltage0", "factor": 11}, "2": {"device": "iio:device0"},
                       "3": {"device": "gone"}, "4": {"device": "ads1015", "channel": "voltage9"}})");
  EXPECT_EQ(value("adc.1"), "11");
  EXPECT_EQ(value("adc.2"), "0.002");
  EXPECT_THAT(value("adc.3"), AllOf(HasSubstr("no voltage input of device gone"), HasSubstr("/sys/bus/iio/devices"),
                                    HasSubstr("iio:device1 (ads1015) voltage0")));
  EXPECT_THAT(value("adc.4"), HasSubstr("channel voltage9"));
  EXPECT_EQ(listed().count("adc.0"), 0U);
}

TEST_F(BoardPointsTest, OfTwoItGuessesNoneAndSaysWhichThereAre) {
  for (const char* device : {kIio0, kIio1}) {
    file(std::string(device) + "name", device == kIio0 ? "one" : "two");
    file(std::string(device) + "in_voltage0_raw", "1");
    file(std::string(device) + "in_voltage_scale", "1");
    file(std::string(device) + "in_temp_input", "20000");
  }
  use_board();
  EXPECT_THAT(value("adc.0"), AllOf(HasSubstr("2 devices"), HasSubstr("iio:device0 (one), iio:device1 (two)")));
  EXPECT_THAT(value("sensor.temperature"), AllOf(HasSubstr("2 inputs fit"), HasSubstr("iio:device1 (two)")));
  EXPECT_TRUE(host_.logged("sensor.temperature: 2 inputs fit"));
}

TEST_F(BoardPointsTest, TheOnlyClimateSensorIsUsedAndWhatAProcessorMeasuresIsNot) {
  file(std::string(kHwmon0) + "name", "cpu_thermal");
  file(std::string(kHwmon0) + "temp1_input", "61000");
  use_board();
  EXPECT_EQ(listed().count("sensor.temperature"), 0U);
  hal_.reset();
  file(std::string(kHwmon1) + "name", "sht3x");
  file(std::string(kHwmon1) + "temp1_input", "-7250\n");
  file(std::string(kHwmon1) + "humidity1_input", "45678\n");
  use_board();
  EXPECT_EQ(value("sensor.temperature"), "-7.25");
  EXPECT_EQ(value("sensor.humidity"), "45.678");
  hal_.reset();
  use_board(R"("sensors": {"temperature": {"device": "cpu_thermal"}, "humidity": {"device": "none"}})");
  EXPECT_EQ(value("sensor.temperature"), "61");
  EXPECT_EQ(listed().count("sensor.humidity"), 0U);
}

TEST_F(BoardPointsTest, WhatCannotBeIsNoValue) {
  file(std::string(kHwmon0) + "name", "sht3x");
  file(std::string(kHwmon0) + "temp1_input", "850000");
  file(std::string(kHwmon0) + "humidity1_input", "120000");
  use_board();
  EXPECT_THAT(value("sensor.temperature"), AllOf(HasSubstr("850"), HasSubstr("-90 to 200")));
  EXPECT_THAT(value("sensor.humidity"), HasSubstr("0 to 100"));
  for (const char* text : {"", "nan", "inf", "12x", "1e999", "0x10"}) {
    file(std::string(kHwmon0) + "temp1_input", text);
    EXPECT_THAT(value("sensor.temperature"), HasSubstr("no number")) << text;
  }
  file(std::string(kHwmon0) + "temp1_input", "20000");
  file(std::string(kHwmon0) + "temp1_fault", "1");
  EXPECT_THAT(value("sensor.temperature"), HasSubstr("temp1_fault is set"));
}

TEST_F(BoardPointsTest, AnAdcWithoutScaleIsNotGuessed) {
  file(std::string(kIio0) + "name", "adc");
  file(std::string(kIio0) + "in_voltage0_raw", "1");
  use_board();
  EXPECT_THAT(value("adc.0"), HasSubstr("in_voltage0_scale is not there"));
}

TEST_F(BoardPointsTest, TheBatteryIsThatOfTheBoard) {
  file(std::string(kSupplies) + "AC/type", "Mains");
  file(std::string(kSupplies) + "mouse/type", "Battery");
  file(std::string(kSupplies) + "mouse/scope", "Device");
  use_board();
  EXPECT_EQ(listed().count("battery.mv"), 0U);
  hal_.reset();
  const std::string bat = std::string(kSupplies) + "BAT0/";
  file(bat + "type", "Battery\n");
  file(bat + "voltage_now", "3590400\n");
  file(bat + "capacity", "87\n");
  file(bat + "status", "Not charging\n");
  use_board();
  EXPECT_EQ(value("battery.mv"), "3590");
  EXPECT_EQ(value("battery.percent"), "87");
  EXPECT_EQ(value("battery.status"), "\"not charging\"");
  file(bat + "voltage_now", "0");
  file(bat + "capacity", "101");
  file(bat + "status", "Unknown");
  EXPECT_THAT(value("battery.mv"), HasSubstr("1 to 100000 mV"));
  EXPECT_THAT(value("battery.percent"), HasSubstr("0 to 100 %"));
  EXPECT_THAT(value("battery.status"), HasSubstr("\"Unknown\": not known"));
  file(bat + "present", "0");
  EXPECT_THAT(value("battery.mv"), HasSubstr("taken out"));
  hal_.reset();
  use_board(R"("battery": "none")");
  EXPECT_EQ(listed().count("battery.mv"), 0U);
}

TEST_F(BoardPointsTest, OfTwoBatteriesOneHasToBeNamed) {
  for (const char* name : {"BAT0", "BAT1"}) {
    file(std::string(kSupplies) + name + "/type", "Battery");
    file(std::string(kSupplies) + name + "/voltage_now", name[3] == '0' ? "3700000" : "4100000");
  }
  use_board();
  EXPECT_THAT(value("battery.mv"), HasSubstr("2 batteries: BAT0, BAT1"));
  hal_.reset();
  use_board(R"("battery": "BAT1")");
  EXPECT_EQ(value("battery.mv"), "4100");
  EXPECT_THAT(value("battery.percent"), HasSubstr("BAT1/capacity cannot be read"));
  hal_.reset();
  use_board(R"("battery": "BAT7")");
  EXPECT_THAT(value("battery.mv"), AllOf(HasSubstr("no power supply BAT7"), HasSubstr("BAT0, BAT1")));
}

TEST_F(BoardPointsTest, TheDeviceTreeSaysWhoItIsElseDmiElseTheBoardFile) {
  file("/sys/class/dmi/id/product_serial", "To Be Filled By O.E.M.\n");
  file("/sys/class/dmi/id/board_serial", "B-17\n");
  file("/sys/class/dmi/id/product_name", "Gateway 3\n");
  use_board();
  EXPECT_EQ(value("device.serial"), "\"B-17\"");
  EXPECT_EQ(value("device.model"), "\"Gateway 3\"");
  file("/proc/device-tree/serial-number", std::string("0001c29f\0", 9));
  file("/proc/device-tree/model", std::string("Raspberry Pi \"4\"\0", 17));
  EXPECT_EQ(value("device.serial"), "\"0001c29f\"");
  EXPECT_EQ(value("device.model"), R"("Raspberry Pi \"4\"")");
  hal_.reset();
  use_board(R"("serial": "S1", "model": "M1")");
  EXPECT_EQ(value("device.serial"), "\"S1\"");
  EXPECT_EQ(value("device.model"), "\"M1\"");
}

TEST_F(BoardPointsTest, WhatFirmwareLeavesThereIsNoSerialNumber) {
  for (const std::string& text :
       {std::string("0000000000000000"), std::string("Default string"), std::string(), std::string("None"),
        std::string("x\x01y"), std::string("\xff\xfe"), std::string(200, 'a')}) {
    file("/proc/device-tree/serial-number", text);
    use_board();
    EXPECT_THAT(value("device.serial"), HasSubstr("\"serial\" in board.json")) << text;
    hal_.reset();
  }
}

TEST_F(BoardPointsTest, ImeiAndVersionComeFromTheBoardFile) {
  file("/etc/version", "2.4.1\nmore\n");
  use_board(R"("imei": "490154203237518", "version_file": "/etc/version")");
  EXPECT_EQ(value("device.imei"), "\"490154203237518\"");
  EXPECT_EQ(value("device.version"), "\"2.4.1\"");
  file("/etc/version", "\n");
  EXPECT_THAT(value("device.version"), AllOf(HasSubstr(path("/etc/version")), HasSubstr("first line")));
  hal_.reset();
  use_board(R"("version": "7")");
  EXPECT_EQ(value("device.version"), "\"7\"");
  EXPECT_EQ(listed().count("device.imei"), 0U);
}

TEST_F(BoardPointsTest, AnImeiHasACheckDigit) {
  EXPECT_TRUE(is_imei("490154203237518"));
  EXPECT_TRUE(is_imei("004999010640000"));
  for (const char* wrong : {"490154203237517", "49015420323751", "4901542032375188", "49015420323751a", ""})
    EXPECT_FALSE(is_imei(wrong)) << wrong;
  const std::string found = dtu::test::check(*DTU_ENTRY.components[0], R"({"imei": "490154203237517"})");
  EXPECT_THAT(found, HasSubstr("error /imei: "));
  EXPECT_THAT(dtu::test::check(*DTU_ENTRY.components[0], R"({"version": "1", "version_file": "/v"})"),
              HasSubstr("error /version: "));
}

TEST_F(BoardPointsTest, TheCheckWarnsOfWhatIsMappedAndNotThere) {
  const std::string found = dtu::test::check(
      *DTU_ENTRY.components[0], R"({"root": ")" + (tree_ / "") +
                                    R"(", "adc": {"2": {"device": "ads"}}, "battery": "B", "version_file": "/v",
      "sensors": {"humidity": {"channel": "humidity1"}}, "wifi": {"interface": "wlan0"}})");
  for (const char* line : {"warning /adc/2: ", "warning /battery: ", "warning /version_file: ",
                           "warning /sensors/humidity: ", "warning /wifi/control: "})
    EXPECT_THAT(found, HasSubstr(line));
  EXPECT_THAT(found, Not(HasSubstr("error")));
}

TEST_F(BoardPointsTest, WhoWaitsIsAnsweredWhenItStops) {
  file(std::string(kHwmon0) + "name", "sht3x");
  file(std::string(kHwmon0) + "temp1_input", "20000");
  use_board();
  ASSERT_EQ(points().read(hal_->self(), dtu::str("sensor.temperature"), 7, &error_), DTU_OK);
  ASSERT_EQ(hal_->stop(), DTU_OK);
  ASSERT_TRUE(host_.run_until([&] { return !host_.replies().empty(); }));
  EXPECT_EQ(host_.replies().back().status, DTU_E_CLOSED);
}

TEST_F(BoardPointsTest, HostileNamesAndCrowdsAreBounded) {
  for (int i = 0; i < 66; ++i) {
    const std::string dir = "/sys/bus/iio/devices/iio:device" + std::to_string(i) + "/";
    file(dir + "name", std::string(300, '\xff') + "\"\n");
    file(dir + "in_temp_input", "1");
  }
  use_board();
  EXPECT_THAT(value("sensor.temperature"), HasSubstr("64 inputs fit"));
  EXPECT_LT(find_sources(Tree(tree_ / ""), Quantity::temperature).front().name.size(), 65U);
}

TEST(TreeTest, ShowsOnlyPrintableUtf8) {
  EXPECT_EQ(shown("Caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"), "Caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80");
  EXPECT_EQ(shown("a\x1b[0m\xc3(\xed\xa0\x80\xc2\x85"),
            "a?[0m?(?"
            "?"
            "?"
            "?"
            "?");
  EXPECT_EQ(shown("\xc3\xa9\xc3\xa9", 3), "\xc3\xa9");
  EXPECT_TRUE(is_printable_utf8("\xc3\xa9"));
  for (const char* bad : {"\xc0\xaf", "\xe0\x80\x80", "\xf4\x90\x80\x80", "\xc3", "\n"})
    EXPECT_FALSE(is_printable_utf8(bad));
}

}  // namespace
}  // namespace hal_linux::test
