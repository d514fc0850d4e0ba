#include "board/points.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "board/battery.hpp"
#include "board/identity.hpp"
#include "board/sources.hpp"

namespace hal_linux {
namespace {

// As many digits as an input has.
std::string number_text(double value) {
  constexpr double kSteps = 10000;
  const double rounded = std::round(value * kSteps) / kSteps + 0.0;  // + 0.0: no "-0"
  std::array<char, 32> text{};
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), rounded, std::chars_format::fixed);
  return {text.data(), error == std::errc() ? end : text.data()};
}

std::string read_value(const Tree& tree, Quantity quantity, const SourceConfig& config, const std::string& point) {
  const Source source = choose_source(find_sources(tree, quantity), quantity, config, point);
  return number_text(read_source(tree, source, quantity, config.factor));
}

// "voltage3" -> 3; nothing for a differential or a named channel.
std::optional<uint32_t> number_of(const std::string& channel) {
  constexpr std::string_view kVoltage = "voltage";
  uint32_t number = 0;
  const char* end = channel.data() + channel.size();
  const auto done = std::from_chars(channel.data() + std::min(kVoltage.size(), channel.size()), end, number);
  if (done.ec != std::errc() || done.ptr != end || number > 9999) return std::nullopt;
  return number;
}

// Not from hwmon: its inputs are supply voltages of the board.
std::vector<Source> iio_voltages(const Tree& tree) {
  std::vector<Source> all = find_sources(tree, Quantity::voltage);
  all.erase(std::remove_if(all.begin(), all.end(), [](const Source& s) { return s.hwmon; }), all.end());
  return all;
}

std::string read_only_voltage(const Tree& tree, uint32_t number) {
  std::set<std::string> devices;
  std::string list;
  for (const Source& s : iio_voltages(tree))
    if (devices.insert(s.id()).second) list += (list.empty() ? "" : ", ") + s.id() + " (" + s.name + ")";
  const std::string point = "adc." + std::to_string(number);
  if (devices.size() > 1)
    throw dtu::Failure(DTU_E_IO, point + ": " + std::to_string(devices.size()) + " devices measure voltages: " +
                                     list.substr(0, 120) + ": map the inputs in \"adc\" of board.json");
  SourceConfig config;
  config.channel = "voltage" + std::to_string(number);
  return number_text(
      read_source(tree, choose_source(iio_voltages(tree), Quantity::voltage, config, point), Quantity::voltage, 1));
}

}  // namespace

BoardPoints::BoardPoints(dtu::Host host, const BoardConfig& config)
    : host_(host), config_(config), tree_(config.root), worker_(host, {32, "dtu-board", std::chrono::seconds(10)}) {
  add_adc();
  add_sensor("sensor.temperature", "Cel", "Temperature", config_.temperature);
  add_sensor("sensor.humidity", "%", "Humidity", config_.humidity);
  add_battery();
  add_identity();
}

void BoardPoints::add_adc() {
  for (const auto& [number, source] : config_.adc) {
    const std::string point = "adc." + std::to_string(number);
    points_[point] = {"V", "ADC " + std::to_string(number),
                      [this, source = source, point] { return read_value(tree_, Quantity::voltage, source, point); }};
  }
  if (!config_.adc.empty()) return;
  for (const Source& s : iio_voltages(tree_)) {
    const auto number = number_of(s.channel);
    if (!number) continue;
    const std::string text = std::to_string(*number);
    points_["adc." + text] = {"V", "ADC " + text, [this, n = *number] { return read_only_voltage(tree_, n); }};
  }
}

void BoardPoints::add_sensor(const char* point, const char* unit, const char* title, const SourceConfig& config) {
  const Quantity quantity = unit[0] == '%' ? Quantity::humidity : Quantity::temperature;
  if (!config.offered()) return;
  if (!config.mapped()) try {
      (void)choose_source(find_sources(tree_, quantity), quantity, config, point);
    } catch (const dtu::Failure& f) {
      if (f.code() == DTU_E_UNSUPPORTED) return;
      ambiguous_.emplace_back(f.what());
    }
  points_[point] = {unit, title, [this, quantity, config, name = std::string(point)] {
                      return read_value(tree_, quantity, config, name);
                    }};
}

void BoardPoints::add_battery() {
  if (config_.battery == kNotOffered) return;
  if (config_.battery.empty() && find_batteries(tree_).empty()) return;
  const auto add = [this](const char* point, const char* unit, const char* title, auto read) {
    points_[point] = {unit, title, [this, read] { return read(tree_, choose_battery(tree_, config_.battery)); }};
  };
  add("battery.mv", "mV", "Battery", battery_mv);
  add("battery.percent", "%", "Charge of the battery", battery_percent);
  add("battery.status", "", "What the battery does", battery_status);
}

void BoardPoints::add_identity() {
  const auto add = [this](const char* point, const char* title, auto read) {
    points_[point] = {"", title, [this, read] { return dtu::quoted(read(tree_, config_)); }};
  };
  add("device.serial", "Serial number", serial_number);
  add("device.model", "Model", model);
  if (!config_.imei.empty()) add("device.imei", "IMEI", [](const Tree&, const BoardConfig& c) { return c.imei; });
  if (!config_.version.empty() || !config_.version_file.empty()) add("device.version", "Firmware version", version);
}

void BoardPoints::start() {
  for (const std::string& text : ambiguous_) host_.warn(text);
}

void BoardPoints::stop() {
  worker_.stop();
  for (const uint64_t call : open_) host_.reply_error(call, DTU_E_CLOSED, "the linux HAL was stopped");
  open_.clear();
}

void BoardPoints::list(const std::function<void(const dtu_point_info&)>& each) const {
  for (const auto& [name, p] : points_)
    each({sizeof(dtu_point_info), 0, dtu::str(name), dtu::str(p.unit), dtu::str(p.title)});
}

void BoardPoints::read(std::string_view point, uint64_t call) {
  const auto found = points_.find(point);
  if (found == points_.end()) throw dtu::Failure(DTU_E_NOT_FOUND, std::string(point) + " is not in board.json");
  const auto told = [this, call](const dtu::Worked<std::string>& value) {
    const auto mine = std::find(open_.begin(), open_.end(), call);
    if (mine == open_.end()) return;
    open_.erase(mine);
    if (value.ok())
      host_.reply(call, *value.value);
    else
      host_.reply_error(call, value.status, value.error);
  };
  if (!worker_.run(found->second.read, told))
    throw dtu::Failure::retryable(DTU_E_IO, "too many values are being read: read " + std::string(point) + " again");
  open_.push_back(call);
}

}  // namespace hal_linux
