// A tree of files as /sys and /proc of a board have them, for "root" of the linux HAL.
#pragma once
#include <filesystem>
#include <fstream>
#include <string>
#include <utility>

namespace e2e {

inline void make_file(const std::string& root, const std::string& below, const std::string& text) {
  const std::filesystem::path path = root + below;
  std::filesystem::create_directories(path.parent_path());
  std::ofstream(path, std::ios::binary) << text;
}

// One ADC with the inputs 0 (3.7 V) and 2 (0.5 V), a climate sensor (26 Cel, 60 %), a battery (3590 mV, 87 %).
inline void make_board(const std::string& root) {
  const std::string iio = "/sys/bus/iio/devices/iio:device0/", hwmon = "/sys/class/hwmon/hwmon0/",
                    battery = "/sys/class/power_supply/BAT0/";
  const std::pair<std::string, const char*> files[] = {{iio + "name", "ads1015\n"},
                                                       {iio + "in_voltage0_raw", "1850\n"},
                                                       {iio + "in_voltage2_raw", "250\n"},
                                                       {iio + "in_voltage_scale", "2.000000\n"},
                                                       {hwmon + "name", "sht3x\n"},
                                                       {hwmon + "temp1_input", "26000\n"},
                                                       {hwmon + "humidity1_input", "60000\n"},
                                                       {battery + "type", "Battery\n"},
                                                       {battery + "voltage_now", "3590000\n"},
                                                       {battery + "capacity", "87\n"},
                                                       {battery + "status", "Discharging\n"},
                                                       {"/proc/device-tree/serial-number", "0001c29f"},
                                                       {"/proc/device-tree/model", "Example Gateway"}};
  for (const auto& [below, text] : files) make_file(root, below, text);
}

}  // namespace e2e
