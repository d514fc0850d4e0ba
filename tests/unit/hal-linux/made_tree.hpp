// A tree of files as /sys and /proc have them, and points of a HAL that reads it.
#pragma once
#include <dtu/points.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <string>

#include "fixture.hpp"

namespace hal_linux::test {

class BoardTest : public HalTest {
 protected:
  TempDir tree_;
  static constexpr const char* kIio0 = "/sys/bus/iio/devices/iio:device0/";
  static constexpr const char* kIio1 = "/sys/bus/iio/devices/iio:device1/";
  static constexpr const char* kHwmon0 = "/sys/class/hwmon/hwmon0/";
  static constexpr const char* kHwmon1 = "/sys/class/hwmon/hwmon1/";
  static constexpr const char* kSupplies = "/sys/class/power_supply/";

  [[nodiscard]] std::string path(const std::string& below) const { return tree_ / below.substr(1); }
  void file(const std::string& below, const std::string& text) const {
    std::filesystem::create_directories(std::filesystem::path(path(below)).parent_path());
    std::ofstream(path(below), std::ios::binary) << text;
  }
  // `members` of the configuration, with the root.
  void use_board(const std::string& members = "") {
    use(R"({"root": ")" + (tree_ / "") + "\"" + (members.empty() ? "" : ", ") + members + "}");
  }
  std::map<std::string, std::string> listed() {  // point -> unit
    std::map<std::string, std::string> all;
    const auto each = [](void* to, const dtu_point_info* i) {
      static_cast<std::map<std::string, std::string>*>(to)->emplace(dtu::view(i->name), dtu::view(i->unit));
    };
    EXPECT_EQ(points().list(hal_->self(), each, &all, nullptr), DTU_OK);
    return all;
  }
  // The value, or the text of the failure.
  std::string value(const std::string& point) {
    const uint64_t call = ++call_;
    error_ = {};
    if (points().read(hal_->self(), dtu::str(point), call, &error_) != DTU_OK) return error_.message;
    const auto there = [&] { return !host_.replies().empty() && host_.replies().back().call == call; };
    if (!host_.run_until(there, std::chrono::seconds(20))) return "no answer";
    return host_.replies().back().status == DTU_OK ? host_.replies().back().json : host_.replies().back().error;
  }
  [[nodiscard]] const dtu_points& points() const { return *hal_->iface<dtu_points>(DTU_POINTS_IFACE); }
  uint64_t call_ = 1000;
};

}  // namespace hal_linux::test
