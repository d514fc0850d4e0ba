// The keys of board.json of this HAL beyond ports, pins and installers.
#pragma once
#include <Poco/JSON/Object.h>
#include <dtu/sdk/check.hpp>

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace hal_linux {

inline constexpr const char* kNotOffered = "none";  // as a device or a supply: this HAL has no such point

// Where a measured value comes from. Units: volts, degrees Celsius, per cent.
struct SourceConfig {
  std::string device;   // directory, name or label of an IIO or hwmon device; "": the only one that measures it
  std::string channel;  // "voltage0", "temp1"; "": the only one of the device
  double factor = 1;    // what is read times this (a voltage divider)
  [[nodiscard]] bool mapped() const { return !device.empty() || !channel.empty(); }
  [[nodiscard]] bool offered() const { return device != kNotOffered; }
};

struct TimeConfig {
  std::string means = "auto";  // "auto", "chrony", "timesyncd", "ntp"
  std::string ntp_server;      // "": none but the one a command names
  uint16_t ntp_port = 123;
  bool set_clock = true;  // false: it is only said how far the clock is off
};

struct WatchdogConfig {
  std::string device = "/dev/watchdog";
  uint32_t timeout_s = 60;
};

struct WifiInterface {
  std::string interface;  // "wlan0"
  std::string control;    // the folder of its control socket
};
struct WifiConfig {
  std::optional<WifiInterface> station;       // by wpa_supplicant
  std::optional<WifiInterface> access_point;  // by hostapd
};

struct BoardConfig {
  std::string root = "/";                // /sys, /proc and /run are looked for below it
  std::map<uint32_t, SourceConfig> adc;  // by N of adc.N; empty: the only IIO device with voltages
  SourceConfig temperature, humidity;
  std::string battery;                // name of the power supply; "": the only battery
  std::string serial, model, imei;    // "": not given
  std::string version, version_file;  // at most one of them is given
  std::optional<TimeConfig> time;     // absent: the command time.sync is not offered
  WifiConfig wifi;
  std::optional<WatchdogConfig> watchdog;  // absent: not used
};

// `root` satisfies the schema. Throws DTU_E_INVALID for an IMEI with a wrong check digit, for two versions,
// and for a control socket whose path is too long for one.
[[nodiscard]] BoardConfig read_board(const Poco::JSON::Object& root);
// Warns of what is mapped and is not there now.
void check_board(const BoardConfig& config, const dtu::Findings& found);

}  // namespace hal_linux
