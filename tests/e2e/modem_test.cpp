// A board with an EC600: dtud with hal-ec600 before a simulated module, whose script is what happens to it.
#include <gmock/gmock.h>
#include <unistd.h>

#include <filesystem>

#include "harness/dtud.hpp"

namespace e2e {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::StartsWith;

struct Modem : testing::Test {
  Dtud dtud;
  Process module;
  std::string device = dtud.path("modem");

  void begin_module(const std::string& script, const std::string& variant = "ec600n") {
    write_file(dtud.path("script"), "start-time 0.1\n" + script);
    module.start(
        {E2E_DTU_SIM, "modem", "--pty", device, "--variant", variant, "--script", dtud.path("script"), "--trace"},
        trace());
    ASSERT_TRUE(eventually([&] { return ::access(device.c_str(), F_OK) == 0; })) << read_file(trace());
  }
  // `more` members of the HAL, each with a comma before it.
  void start(const std::string& script, const std::string& variant = "ec600n", const std::string& more = "") {
    ASSERT_NO_FATAL_FAILURE(begin_module(script, variant));
    dtud.hal(R"({"type": "ec600", "at_device": ")" + device + "\"" + more + "}");
    dtud.device(R"({"password": "door-key"})").start();
    ASSERT_TRUE(is("ready")) << dtud.get("/v1/status").body << read_file(trace());
  }
  void TearDown() override {
    dtud.kill();
    module.kill();
    if (HasFailure()) std::fputs(read_file(trace()).c_str(), stderr);
  }
  [[nodiscard]] std::string trace() const { return dtud.path("trace"); }
  [[nodiscard]] bool is(const std::string& state) const {
    return eventually([&] { return point("modem.state").find("\"state\":\"" + state + "\"") != std::string::npos; });
  }
  [[nodiscard]] std::string point(const std::string& name) const {
    return to_json(at(parse_json(dtud.get("/v1/points/" + name).body), "value"));
  }
  [[nodiscard]] bool point_is(const std::string& name, const std::string& json) const {
    return eventually([&] { return point(name) == json; });
  }
  // Answer of a function code, or its error.
  [[nodiscard]] std::string code(const std::string& number) const {
    std::string out = dtud.dtuctl({"call", number, "{}"}).output;
    out.erase(std::remove_if(out.begin(), out.end(), [](char c) { return c == '\n' || c == ' '; }), out.end());
    return out;
  }
  [[nodiscard]] std::string modem_at(const std::string& command, int timeout_ms = 0) const {
    return dtud
        .dtuctl({"call", "modem.at",
                 R"({"steps": [{"send": ")" + command + R"(", "timeout_ms": )" + std::to_string(timeout_ms) + "}]}"})
        .output;
  }
};
constexpr const char* kConsole = R"(, "at_commands": true)";

TEST_F(Modem, FunctionCodesHaveTrueAnswers) {
  ASSERT_NO_FATAL_FAILURE(
      start("imei 861234567890123\nversion EC600NCNLCR06A01M08\nnumber +8613800000000\n"
            "iccid 8986012345678901234F\ncsq 17\nbattery 75 3890\nadc 0 632\ntemperature 31,29,30\n",
            "ec600n", R"(, "lbs_token": "abcdefgh12345678")"));
  EXPECT_EQ(code("0"), "861234567890123");
  EXPECT_EQ(code("1"), "+8613800000000");
  EXPECT_EQ(code("2"), "vEC600NCNLCR06A01M08");
  EXPECT_EQ(code("3"), "CSQ17");
  EXPECT_EQ(code("6"), "8986012345678901234");
  EXPECT_EQ(code("7"), "0.632");
  EXPECT_EQ(code("9"), "3890");
  EXPECT_EQ(code("10"), R"({"temperature":31,"humidity":null})");
  EXPECT_THAT(code("12"), StartsWith(R"({"voice_state":1,"data_state":1,"cells":[[0,113568007,460,)"));
  EXPECT_THAT(code("13"), StartsWith("["));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Modem, WhatTheVariantLacksAndASimThatIsNotThereAreSaid) {
  ASSERT_NO_FATAL_FAILURE(start("sim none\ncsq 99\nreg 0\n", "bare"));
  EXPECT_THAT(code("10"), HasSubstr("EC600ShasnoQTEMP"));
  EXPECT_THAT(code("6"), HasSubstr("thereisnoSIM"));
  EXPECT_THAT(code("3"), HasSubstr("notknownyet"));
  EXPECT_EQ(point("sim.state"), "\"none\"");
  EXPECT_EQ(code("9"), "3890");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Modem, BackFromUsbUnderAnotherName) {
  const fs::path usb = dtud.path("sys/bus/usb/devices"), dev = dtud.path("dev");
  fs::create_directories(usb / "1-1");
  fs::create_directories(usb / "1-1:1.2/ttyUSB2");
  fs::create_directories(dev);
  write_file(usb / "1-1/idVendor", "2c7c\n");
  write_file(usb / "1-1/idProduct", "0901\n");
  write_file(usb / "1-1:1.2/bInterfaceNumber", "02\n");
  device = dev / "ttyUSB2";
  ASSERT_NO_FATAL_FAILURE(begin_module(""));
  dtud.hal(R"({"type": "ec600", "usb": {"id": "2c7c:0901", "interface": 2, "sysfs": ")" + dtud.path("sys") +
           R"(", "dev": ")" + dev.string() + R"("}, "poll_s": 1})");
  dtud.device("{}").start();
  ASSERT_TRUE(is("ready")) << read_file(trace());
  EXPECT_EQ(point("radio.csq"), "20");
  module.kill();
  ASSERT_TRUE(is("absent"));
  EXPECT_THAT(dtud.get("/v1/points/radio.csq").body, HasSubstr("\"stale\":true"));
  fs::rename(usb / "1-1:1.2/ttyUSB2", usb / "1-1:1.2/ttyUSB5");
  device = dev / "ttyUSB5";
  ASSERT_NO_FATAL_FAILURE(begin_module("csq 9\n"));
  ASSERT_TRUE(is("ready")) << dtud.get("/v1/status").body;
  EXPECT_THAT(dtud.get("/v1/status").body, HasSubstr("ttyUSB5"));
  EXPECT_TRUE(point_is("radio.csq", "9"));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Modem, AHangAndARestartInTheMiddleOfACommand) {
  ASSERT_NO_FATAL_FAILURE(start("on AT+QADC=1 hang 0.8\non AT+COPS=? reboot\n", "ec600n", kConsole));
  EXPECT_THAT(modem_at("AT+QADC=1", 200), HasSubstr("did not answer within 200 ms"));
  EXPECT_EQ(code("7"), "0.632") << "its own answer, when the modem is back";
  EXPECT_THAT(modem_at("AT+COPS=?"), HasSubstr("modem restarted"));
  EXPECT_TRUE(is("ready"));
  EXPECT_EQ(code("0"), "861234567890123");
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Modem, AStormOfLinesHidesNoAnswer) {
  ASSERT_NO_FATAL_FAILURE(start("on AT+QADC=1 storm 10000 \"+QSTORM: {n}\"\n", "ec600n", kConsole));
  EXPECT_THAT(modem_at("AT+QADC=1"), HasSubstr("\"ok\": true"));
  EXPECT_EQ(code("7"), "0.632");
  EXPECT_TRUE(eventually([&] {
    return dtud.get("/v1/status").body.find("\"unsolicited\":10000") != std::string::npos;
  })) << dtud.get("/v1/status").body;
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
