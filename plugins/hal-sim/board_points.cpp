#include "board_points.hpp"

#include <Poco/NumberFormatter.h>
#include <Poco/NumberParser.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "board_commands.hpp"
#include "wifi.hpp"

namespace hal_sim {
namespace {

constexpr std::array<int, 8> kWave{0, 1, 2, 1, 0, -1, -2, -1};
constexpr int kCsqMax = 31;  // above it: not known

std::string drift_csq(const std::string& value, int wave) {
  const int base = Poco::NumberParser::parse(value);
  return base > kCsqMax ? value : std::to_string(std::clamp(base + wave, 0, kCsqMax));
}

std::string drift_temperature(const std::string& value, int wave) {
  constexpr double kStep = 0.5;
  return Poco::NumberFormatter::format(Poco::NumberParser::parseFloat(value) + kStep * wave);
}

struct Description {
  const char *name, *unit, *title, *value;
  Range range = {};
  Drift drift = nullptr;
};
constexpr Range kLevel{0, 1}, kRegistration{0, 11}, kCsq{0, 99};
// The values are the schema's defaults.
constexpr std::array kBoard{Description{"device.imei", "", "IMEI", "\"004999010640000\""},
                            Description{"device.version", "", "Firmware version", "\"1\""},
                            Description{"sim.number", "", "Phone number", "\"15555550100\""},
                            Description{"sim.iccid", "", "ICCID", "\"8999900000000000006\""},
                            Description{"radio.csq", "", "Signal", "17", kCsq, drift_csq},
                            Description{"battery.mv", "mV", "Battery", "3590", Range{0, 100000}},
                            Description{"sensor.temperature", "Cel", "Temperature", "26.5", Range{}, drift_temperature},
                            Description{"sensor.humidity", "%", "Humidity", "60.5"},
                            Description{"network.voice_state", "", "Voice network", "1", kRegistration},
                            Description{"network.data_state", "", "Data network", "1", kRegistration},
                            Description{"network.cells", "", "Base stations", "[[0,14071232,1,1,123,22550,1850,-62]]"},
                            Description{"location.cell", "", "Location by base stations", "[117.1138,31.82279,550]"},
                            Description{"adc.0", "V", "ADC 0", "3.7"},
                            Description{"adc.1", "V", "ADC 1", "1.25"},
                            Description{"gpio.1", "", "GPIO 1", "0", kLevel},
                            Description{"gpio.2", "", "GPIO 2", "0", kLevel},
                            Description{"gpio.3", "", "GPIO 3", "0", kLevel},
                            Description{"gpio.4", "", "GPIO 4", "0", kLevel},
                            Description{"network.apn", "", "Access point", "\"\""},
                            Description{"network.apn_user", "", "User at the access point", "\"\""},
                            Description{"network.configured", "", "Times the access point was set", "0"},
                            Description{"wifi.state", "", "State of the WiFi", kWifiAtFirst}};

constexpr std::string_view kAdc = "adc.", kGpio = "gpio.";
bool starts_with(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

}  // namespace

BoardPoints::BoardPoints(const Config& config) : drift_(config.drift) {
  for (const Description& d : kBoard) points_[d.name] = Point{d.unit, d.title, d.value, d.drift, 0, d.range, false};
  for (const BoardCommand& c : kBoardCommands) add(c.point, c.point_title, "null");
  for (const auto& [name, value] : config.points) {
    auto at = points_.find(name);
    if (at == points_.end()) at = add_numbered(name);
    at->second.value = value;
  }
  for (const std::string& name : config.absent) {
    const BoardCommand* command = board_command(name);
    const auto at = points_.find(command != nullptr ? command->point : name);
    if (at == points_.end())
      throw dtu::Failure(DTU_E_INVALID,
                         "absent names " + name + ", which is neither a point nor a command of a simulated board")
          .at("/absent");
    at->second.absent = true;
  }
}

BoardPoints::Points::iterator BoardPoints::add_numbered(const std::string& name) {
  const bool adc = starts_with(name, kAdc);
  if (!adc && !starts_with(name, kGpio))
    throw dtu::Failure(DTU_E_INVALID, "/points/" + name + ": a simulated board has no such point");
  const std::string number = name.substr(adc ? kAdc.size() : kGpio.size());
  return points_
      .emplace(name,
               Point{adc ? "V" : "", (adc ? "ADC " : "GPIO ") + number, "0", nullptr, 0, adc ? Range{} : kLevel, false})
      .first;
}

void BoardPoints::list(const std::function<void(const dtu_point_info&)>& each) const {
  for (const auto& [name, p] : points_)
    if (!p.absent)
      each({sizeof(dtu_point_info), p.range.writable() ? DTU_POINT_WRITABLE : 0U, dtu::str(name), dtu::str(p.unit),
            dtu::str(p.title)});
}

bool BoardPoints::is_absent(std::string_view name) const {
  const auto at = points_.find(name);
  return at == points_.end() || at->second.absent;
}

BoardPoints::Point& BoardPoints::find(std::string_view name) {
  const auto at = points_.find(name);
  if (at == points_.end())
    throw dtu::Failure(DTU_E_NOT_FOUND, std::string(name) + " is not a point of the simulated board");
  if (at->second.absent)
    throw dtu::Failure(DTU_E_UNSUPPORTED,
                       std::string(name) + ": this board does not have it (\"absent\" of the simulated board)");
  return at->second;
}

std::string BoardPoints::read(std::string_view name) {
  Point& p = find(name);
  if (!drift_ || p.drift == nullptr) return p.value;
  return p.drift(p.value, kWave.at(p.reads++ % kWave.size()));
}

void BoardPoints::write(std::string_view name, std::string_view json) {
  Point& p = find(name);
  if (!p.range.writable()) throw dtu::Failure(DTU_E_UNSUPPORTED, std::string(name) + " can only be read");
  int value = 0;
  const auto [end, error] = std::from_chars(json.data(), json.data() + json.size(), value);
  if (error != std::errc() || end != json.data() + json.size() || value < p.range.min || value > p.range.max)
    throw dtu::Failure(DTU_E_INVALID, std::string(name) + " takes " + std::to_string(p.range.min) +
                                          (p.range.max - p.range.min == 1 ? " or " : " to ") +
                                          std::to_string(p.range.max) + ", not " + std::string(json.substr(0, 40)));
  set(std::string(name), std::to_string(value));
}

void BoardPoints::set(const std::string& name, std::string json) {
  std::string& value = points_.at(name).value;
  if (value == json) return;
  value = std::move(json);
  if (changed_) changed_(name, value);
}

void BoardPoints::add(const std::string& name, std::string title, std::string json, Range range) {
  Point p;
  p.range = range;
  p.title = std::move(title);
  p.value = std::move(json);
  points_[name] = std::move(p);
}

const std::string& BoardPoints::peek(std::string_view name) {
  const Point& p = find(name);
  if (!p.range.writable()) throw dtu::Failure(DTU_E_UNSUPPORTED, std::string(name) + " does not report changes");
  return p.value;
}

}  // namespace hal_sim
