#include "board/sources.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string_view>
#include <system_error>

namespace hal_linux {
namespace {

constexpr const char *kIio = "/sys/bus/iio/devices", *kHwmon = "/sys/class/hwmon";
constexpr double kMilli = 1000;  // both give mV, milli degrees and milli per cent
constexpr size_t kMostDevices = 64, kMostShown = 5;

struct Kind {
  const char *what, *unit, *iio, *hwmon;  // the prefixes of its channels
  double least, most;                     // what can be true
};
constexpr std::array kKinds{Kind{"voltage", "V", "voltage", "in", -1000, 1000},
                            Kind{"temperature", "Cel", "temp", "temp", -90, 200},
                            Kind{"humidity", "%", "humidityrelative", "humidity", 0, 100}};
const Kind& kind_of(Quantity q) { return kKinds.at(static_cast<size_t>(q)); }

// Drivers of what a part of the board measures of itself; iio_hwmon shows a second time what IIO shows.
constexpr std::array<std::string_view, 8> kParts{"acpitz",  "coretemp", "drivetemp", "iio_hwmon",
                                                 "k10temp", "nvme",     "soc_dts",   "cpu"};

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}
bool starts_with(std::string_view text, std::string_view begin) { return text.substr(0, begin.size()) == begin; }

// "in_voltage0_raw" -> "voltage0" for the beginning "in_" and the prefix "voltage"; "": it is no such file.
std::string channel_of(std::string_view file, std::string_view begin, std::string_view prefix, std::string_view end) {
  if (!starts_with(file, begin) || !ends_with(file, end) || file.size() <= begin.size() + end.size()) return {};
  const std::string_view channel = file.substr(begin.size(), file.size() - begin.size() - end.size());
  if (!starts_with(channel, prefix)) return {};
  const std::string_view rest = channel.substr(prefix.size());
  const bool numbered = rest.empty() || (rest[0] >= '0' && rest[0] <= '9') || rest[0] == '-' || rest[0] == '_';
  return numbered ? std::string(channel) : std::string();
}

bool measures_a_part(const Tree& tree, const Source& s) {
  if (!s.hwmon) return false;
  if (ends_with(s.name, "_thermal") || ends_with(s.name, "-thermal")) return true;
  if (std::any_of(kParts.begin(), kParts.end(), [&](std::string_view part) { return starts_with(s.name, part); }))
    return true;
  const std::string type = tree.read(s.directory + "/device/type").text;  // of a power supply
  return type == "Battery" || type == "Mains" || type == "USB";
}

void find_in(const Tree& tree, const char* place, bool hwmon, const Kind& kind, std::vector<Source>& found) {
  size_t devices = 0;
  for (const std::string& entry : tree.entries(place)) {
    if (!starts_with(entry, hwmon ? "hwmon" : "iio:device") || ++devices > kMostDevices) continue;
    Source s;
    s.directory = std::string(place) + "/" + entry;
    s.name = shown(tree.read(s.directory + "/name").text);
    s.label = shown(tree.read(s.directory + "/label").text);
    s.hwmon = hwmon;
    s.obvious = !measures_a_part(tree, s);
    std::set<std::string> channels;
    for (const std::string& file : tree.entries(s.directory))
      for (const char* end : {"_input", "_raw"}) {
        if (hwmon && std::string_view(end) == "_raw") continue;
        const std::string channel = channel_of(file, hwmon ? "" : "in_", hwmon ? kind.hwmon : kind.iio, end);
        if (!channel.empty()) channels.insert(channel);
      }
    for (const std::string& channel : channels) {
      s.channel = channel;
      found.push_back(s);
    }
  }
}

std::string list_of(const std::vector<Source>& sources) {
  std::string text;
  for (size_t i = 0; i < sources.size() && i < kMostShown; ++i)
    text += (i == 0 ? "" : ", ") + sources[i].id() + " (" + sources[i].name + ") " + sources[i].channel;
  if (sources.size() > kMostShown) text += " and " + std::to_string(sources.size() - kMostShown) + " more";
  return text;
}

double number_in(const Tree& tree, const std::string& file) {
  const Tree::Text read = tree.read(file);
  if (!read.ok())
    throw dtu::Failure::retryable(DTU_E_IO,
                                  tree.path(file) + " cannot be read: " + std::generic_category().message(read.error));
  double number = 0;
  if (!to_number(read.text, number))
    throw dtu::Failure(DTU_E_IO, tree.path(file) + " is \"" + shown(read.text, 32) + "\", no number");
  return number;
}

// A channel's own file, or the one that all channels of its kind share.
std::optional<double> shared_number(const Tree& tree, const Source& s, const char* end) {
  std::string kind;
  for (const char c : s.channel)
    if (c < '0' || c > '9') kind += c;
  for (const std::string& name : {s.channel, kind})
    if (const std::string file = s.directory + "/in_" + name + end; tree.has(file)) return number_in(tree, file);
  return std::nullopt;
}

double read_iio(const Tree& tree, const Source& s) {
  const std::string base = s.directory + "/in_" + s.channel;
  if (tree.has(base + "_input")) return number_in(tree, base + "_input");
  const auto scale = shared_number(tree, s, "_scale");
  if (!scale)
    throw dtu::Failure(DTU_E_UNSUPPORTED, tree.path(base) + "_scale is not there: what a step of " + s.channel +
                                              " stands for is not known");
  const double offset = shared_number(tree, s, "_offset").value_or(0);
  return (number_in(tree, base + "_raw") + offset) * *scale;
}

double read_hwmon(const Tree& tree, const Source& s) {
  const std::string base = s.directory + "/" + s.channel;
  if (tree.has(base + "_fault") && number_in(tree, base + "_fault") != 0)
    throw dtu::Failure::retryable(DTU_E_IO, tree.path(base) + "_fault is set: the sensor is broken or not connected");
  return number_in(tree, base + "_input");
}

}  // namespace

std::vector<Source> find_sources(const Tree& tree, Quantity quantity) {
  std::vector<Source> found;
  find_in(tree, kIio, false, kind_of(quantity), found);
  find_in(tree, kHwmon, true, kind_of(quantity), found);
  return found;
}

Source choose_source(const std::vector<Source>& found, Quantity quantity, const SourceConfig& config,
                     const std::string& point) {
  const Kind& kind = kind_of(quantity);
  std::vector<Source> fit;
  for (const Source& s : found) {
    const bool named = config.device == s.id() || config.device == s.name || config.device == s.label;
    const bool wanted = config.device.empty() ? s.obvious || !config.channel.empty() : named;
    if (wanted && (config.channel.empty() || config.channel == s.channel)) fit.push_back(s);
  }
  if (fit.size() == 1) return fit[0];
  const std::string places = std::string(kIio) + " and " + kHwmon;
  if (fit.size() > 1)
    throw dtu::Failure(DTU_E_IO, point + ": " + std::to_string(fit.size()) + " inputs fit: " + list_of(fit) +
                                     ": name device and channel in board.json");
  std::string wanted = std::string(kind.what) + " input";
  if (!config.device.empty()) wanted += " of device " + shown(config.device, 32);
  if (!config.channel.empty()) wanted += " channel " + shown(config.channel, 32);
  throw dtu::Failure(
      config.mapped() ? DTU_E_IO : DTU_E_UNSUPPORTED,
      point + ": no " + wanted + " in " + places + ": " +
          (found.empty() ? "there is none of this kind (in_" + std::string(kind.iio) + "*, " + kind.hwmon + "*_input)"
                         : "there are " + list_of(found)));
}

double read_source(const Tree& tree, const Source& source, Quantity quantity, double factor) {
  const Kind& kind = kind_of(quantity);
  const double value = (source.hwmon ? read_hwmon(tree, source) : read_iio(tree, source)) / kMilli * factor;
  if (value < kind.least || value > kind.most)
    throw dtu::Failure(DTU_E_IO, source.id() + " (" + source.name + ") " + source.channel + " gives " +
                                     std::to_string(value) + " " + kind.unit +
                                     ", which cannot be: " + std::to_string(static_cast<int>(kind.least)) + " to " +
                                     std::to_string(static_cast<int>(kind.most)) + " is possible");
  return value;
}

}  // namespace hal_linux
