// The HAL as the host sees it: configuration, lists, points.
#include <dtu/points.h>
#include <dtu/sdk/text.hpp>

#include "config.hpp"
#include "fixture.hpp"
#include "schema.json.hpp"

namespace hal_linux::test {
namespace {

class Hal : public HalTest {
 protected:
  std::vector<std::string> listed_ports() {
    std::vector<std::string> all;
    const auto each = [](void* ctx, const dtu_port_info* i) {
      static_cast<std::vector<std::string>*>(ctx)->push_back(std::string(dtu::view(i->id)) + " " +
                                                             std::string(dtu::view(i->device)) + " " +
                                                             std::string(dtu::view(i->title)));
    };
    EXPECT_EQ(ports().list(hal_->self(), each, &all, nullptr), DTU_OK);
    return all;
  }
  [[nodiscard]] const dtu_points& points() const { return *hal_->iface<dtu_points>(DTU_POINTS_IFACE); }
};

TEST_F(Hal, SchemaIsJson) { EXPECT_NO_THROW(Poco::JSON::Parser().parse(std::string(schema_json))); }

TEST_F(Hal, LeftOutItIsAsTheSchemaSays) {
  const Config c = read_config(R"({"ports": {"1": {"device": "/dev/ttyS1", "rs485": {}}},
      "gpio": {"4": {"chip": "/dev/gpiochip0", "line": 7}}, "installers": {"firmware": {"install": ["/bin/flash"]}}})");
  EXPECT_EQ(c.ports.at(0).title, "");
  ASSERT_TRUE(c.ports[0].rs485);
  EXPECT_FALSE(c.ports[0].rs485->kernel);
  EXPECT_TRUE(c.ports[0].rs485->rts_on_send);
  EXPECT_EQ(c.ports[0].rs485->delay_before_ms + c.ports[0].rs485->delay_after_ms, 0U);
  EXPECT_FALSE(c.ports[0].rs485->rx_during_tx || c.ports[0].low_latency);
  EXPECT_FALSE(c.pins.at(0).output || c.pins[0].active_low);
  EXPECT_EQ(c.pins[0].initial, 0);
  EXPECT_EQ(c.pins[0].bias, Bias::as_is);
  const InstallerConfig& installer = c.installers.at(0);
  EXPECT_TRUE(installer.facts.empty() && installer.mark_good.empty());
  EXPECT_EQ(installer.version_file + installer.restart, "");
  EXPECT_EQ(installer.timeout_s, 1800U);
  EXPECT_TRUE(read_config(R"({"ports": {}})").pins.empty());
  const BoardConfig& board = c.board;
  EXPECT_EQ(board.root, "/");
  EXPECT_EQ(board.battery, "");
  const SourceConfig input = read_config(R"({"adc": {"1": {}}})").board.adc.at(1);
  EXPECT_EQ(input.device + input.channel, "");
  EXPECT_EQ(input.factor, 1);
  EXPECT_FALSE(board.time);
  const auto time = read_config(R"({"time": {}})").board.time;
  EXPECT_EQ(time->means + time->ntp_server, "auto");
  EXPECT_EQ(time->ntp_port, 123);
  EXPECT_TRUE(time->set_clock);
  EXPECT_FALSE(board.watchdog);
  const auto watchdog = read_config(R"({"watchdog": {}})").board.watchdog;
  EXPECT_EQ(watchdog->device, "/dev/watchdog");
  EXPECT_EQ(watchdog->timeout_s, 60U);
}

TEST_F(Hal, TheWifiIsOffUnlessAnInterfaceIsNamed) {
  for (const char* off : {"{}", R"({"wifi": {}})", R"({"wifi": {"access_point": {}}})"}) {
    const WifiConfig wifi = read_config(off).board.wifi;
    EXPECT_FALSE(wifi.station || wifi.access_point) << off;
  }
  const WifiConfig wifi =
      read_config(R"({"wifi": {"interface": "wlan0", "access_point": {"interface": "wlan1"}}})").board.wifi;
  EXPECT_EQ(wifi.station->control, "/run/wpa_supplicant");
  EXPECT_EQ(wifi.access_point->control, "/run/hostapd");
}

TEST_F(Hal, AControlSocketWithAPathThatIsTooLongIsRefused) {
  const std::string found = dtu::test::check(
      *DTU_ENTRY.components[0], R"({"wifi": {"interface": "wlan0", "control": "/)" + std::string(102, 'x') + "\"}}");
  EXPECT_THAT(found, HasSubstr("error /wifi/control: "));
  EXPECT_THAT(found, HasSubstr("at most 107 are allowed"));
}

// A pty has neither, as many drivers: the port works without.
TEST_F(Hal, WhatADriverLacksIsSaid) {
  far_ = std::make_unique<FarEnd>(make_pty(&device_));
  use_device(device_, R"(, "low_latency": true)");
  ASSERT_EQ(open(), DTU_OK) << error_.message;
  bool said = false;
  for (const auto& line : host_.logs())
    said = said || line.text.find("low_latency has no effect on") != std::string::npos;
  EXPECT_TRUE(said);
  uint32_t known = 0, on = 0;
  EXPECT_EQ(ports().set_signals(hal_->self(), port_, DTU_SIGNAL_DTR, 0, &error_), DTU_E_UNSUPPORTED);
  EXPECT_EQ(ports().signals(hal_->self(), port_, &known, &on, &error_), DTU_E_UNSUPPORTED);
  ASSERT_EQ(write({"works"}).status, DTU_OK);
  EXPECT_TRUE(receives(5));
}

TEST_F(Hal, XoffHoldsBackWhatIsSent) {
  far_ = std::make_unique<FarEnd>(make_pty(&device_));
  use_device(device_);
  dtu_port_settings s = settings();
  s.flow = DTU_FLOW_XONXOFF;
  ASSERT_EQ(open(s), DTU_OK) << error_.message;
  EXPECT_EQ(ports().flags(hal_->self(), port_), DTU_PORT_HOLDS) << "also on a UART";
  far_->send("a\x13z");
  ASSERT_TRUE(host_.run_until([&] { return far_->pump(), host_.emitted_bytes(kKey).size() == 2; }));
  EXPECT_EQ(host_.emitted_bytes(kKey), "az") << "XOFF is no data";
  EXPECT_EQ(write({"held"}).status, DTU_AGAIN);
  far_->pump();
  EXPECT_EQ(far_->received(), "");
  far_->send("\x11");
  ASSERT_TRUE(host_.run_until([&] { return far_->pump(), !host_.writables().empty(); }));
  ASSERT_EQ(write({"held"}).status, DTU_OK);
  EXPECT_TRUE(receives(4));
  EXPECT_EQ(far_->received(), "held");
}

TEST_F(Hal, ListsItsPorts) {
  use(R"({"ports": {"1": {"device": "/dev/ttyS1", "title": "RS-485 A"}, "gps": {"device": "/dev/ttyUSB0"}}})");
  EXPECT_THAT(listed_ports(), testing::ElementsAre("1 /dev/ttyS1 RS-485 A", "gps /dev/ttyUSB0 "));
}

TEST_F(Hal, WorksWithoutPorts) {
  use("{}");
  EXPECT_TRUE(listed_ports().empty());
  EXPECT_EQ(open(), DTU_E_NOT_FOUND);
  EXPECT_THAT(error_.message, HasSubstr("it lists no ports"));
}

TEST_F(Hal, AnUnknownPortNamesTheKnown) {
  use(R"({"ports": {"1": {"device": "/dev/ttyS1"}, "2": {"device": "/dev/ttyS2"}}})");
  EXPECT_EQ(open(settings(), kKey, "3"), DTU_E_NOT_FOUND);
  EXPECT_THAT(error_.message, HasSubstr("port 3 is not in board.json: it lists 1, 2"));
}

TEST_F(Hal, TwoPortsOnOneDeviceAreRefused) {
  const Instance hal = host_.create(*DTU_ENTRY.components[0],
                                    R"({"ports": {"1": {"device": "/dev/ttyS1"}, "2": {"device": "/dev/ttyS1"}}})");
  EXPECT_FALSE(hal);
  EXPECT_EQ(hal.status(), DTU_E_INVALID);
  EXPECT_THAT(hal.error(), HasSubstr("ports 1 and 2 both name /dev/ttyS1"));
}

TEST_F(Hal, APortOpensOnce) {
  use_pty();
  void* first = port_;
  EXPECT_EQ(open(), DTU_E_INVALID);
  EXPECT_THAT(error_.message, HasSubstr("port 1 is open already"));
  EXPECT_NE(first, nullptr);
}

TEST_F(Hal, RtsCtsHoldsAndAPlainUartDoesNot) {
  use_device("/dev/dtukit-not-there");
  ASSERT_EQ(open(), DTU_PENDING);
  EXPECT_EQ(ports().flags(hal_->self(), port_), 0U);
  ports().close(hal_->self(), port_);
  dtu_port_settings s = settings();
  s.flow = DTU_FLOW_RTSCTS;
  ASSERT_EQ(open(s), DTU_PENDING);
  EXPECT_EQ(ports().flags(hal_->self(), port_), DTU_PORT_HOLDS);
}

TEST_F(Hal, PointsAreReadAndCannotBeWritten) {
  use("{}");
  std::vector<std::string> names;
  const auto each = [](void* ctx, const dtu_point_info* i) {
    static_cast<std::vector<std::string>*>(ctx)->emplace_back(dtu::view(i->name));
  };
  ASSERT_EQ(points().list(hal_->self(), each, &names, nullptr), DTU_OK);
  ASSERT_GE(names.size(), 2U);
  names.resize(2);  // of the others: board_test.cpp
  EXPECT_THAT(names, testing::ElementsAre("device.uptime_s", "device.memory_free_kib"));
  uint64_t call = 0;
  for (const std::string& name : names) {
    ASSERT_EQ(points().read(hal_->self(), dtu::str(name), ++call, nullptr), DTU_OK) << name;
    EXPECT_EQ(host_.replies().back().call, call);
    EXPECT_GT(std::stoll(host_.replies().back().json), 0) << name;
    EXPECT_EQ(points().write(hal_->self(), dtu::str(name), dtu::str("1"), ++call, nullptr), DTU_E_UNSUPPORTED);
  }
  EXPECT_EQ(points().read(hal_->self(), dtu::str("device.imei"), ++call, nullptr), DTU_E_NOT_FOUND);
}

TEST_F(Hal, WorksWithoutMetrics) {
  host_.withhold(DTU_METRICS_SERVICE);
  use_pty();
  far_->hang_up();
  EXPECT_TRUE(becomes(DTU_STATE_DOWN));
}

// The real libgpiod, as far as it goes without a chip; gpio_test.cpp has the rest.
TEST_F(Hal, AGpioChipThatIsNoneIsNamed) {
  use(R"({"gpio": {"3": {"chip": "/dev/no-such-chip", "line": 1}, "4": {"chip": "/dev/null", "line": 2}}})");
  EXPECT_TRUE(host_.logged("gpio.3 (/dev/no-such-chip line 1): there is no such chip: load its driver"));
  EXPECT_EQ(points().read(hal_->self(), dtu::str("gpio.4"), 1, &error_), DTU_E_IO);
  EXPECT_THAT(error_.message, HasSubstr("gpio.4 (/dev/null line 2): that is no GPIO chip"));
}

}  // namespace
}  // namespace hal_linux::test
