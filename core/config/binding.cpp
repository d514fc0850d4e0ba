#include "config/binding.hpp"

#include <Poco/String.h>

#include <algorithm>
#include <array>

#include "config/json_value.hpp"
#include "config/nearest.hpp"

namespace dtud::config {
namespace {

constexpr const char kNoEffect[] = ", so this entry has no effect";
constexpr const char kRaw[] = "raw";  // the kernel's own
constexpr const char kThrough[] = "through";
constexpr std::array<const char*, 3> kDocumented = {"command", kThrough, "modbus"};
constexpr std::array<const char*, 2> kOneChannel = {kThrough, "modbus"};  // dialects with one channel a port

std::vector<std::string> dialects(const Schemas& schemas) {
  auto names = schemas.dialects();
  names.emplace_back(kRaw);
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

template <typename Names>
bool holds(const Names& names, const std::string& name) {
  return std::any_of(names.begin(), names.end(), [&](const auto& one) { return name == one; });
}

std::string ids(const std::vector<const ChannelConfig*>& channels, size_t from) {
  std::vector<std::string> names;
  for (size_t i = from; i < channels.size(); ++i) names.push_back(std::to_string(channels[i]->id));
  return std::string(names.size() == 1 ? "channel " : "channels ") + listed(names, 98);
}

std::vector<const ChannelConfig*> bound_to(const DeviceConfig& config, const std::string& port) {
  std::vector<const ChannelConfig*> out;
  for (const auto& channel : config.channels) {
    if (channel.port == port) out.push_back(&channel);
  }
  return out;
}

// A channel on a port that is not there serves commands, so that the mistake can be mended through it.
void check_ports_exist(DeviceConfig& config, Report& report) {
  std::vector<std::string> known;
  for (const auto& port : config.ports) known.push_back(port.id);
  for (auto& channel : config.channels) {
    if (channel.port.empty() || holds(known, channel.port)) continue;
    report.error(
        "/conf/" + std::to_string(channel.id) + "/serialID",
        "uconf has no port " + shown_key(channel.port) + ": it has " + (known.empty() ? "none" : listed(known, 64)));
    channel.port.clear();
  }
}

// A port the board does not have is an error when it makes a line dead: a channel is bound to it, or a port of the
// board has no entry, for which this one was probably meant. In a document of a larger board, which has an entry for
// each port of this board as well, it is a warning.
void check_ports_of_board(const DeviceConfig& config, const std::vector<std::string>& board, Report& report) {
  std::vector<std::string> unused = board;
  for (const auto& port : config.ports) unused.erase(std::remove(unused.begin(), unused.end(), port.id), unused.end());
  for (const auto& port : config.ports) {
    if (holds(board, port.id)) continue;
    const auto path = below("/uconf", port.id);
    const auto bound = bound_to(config, port.id);
    const auto text =
        "the board has no port " + shown_key(port.id) + ": it has " + (board.empty() ? "none" : listed(board, 64));
    if (!bound.empty()) {
      report.error(path, text + "; " + ids(bound, 0) + (bound.size() == 1 ? " is" : " are") + " bound to it",
                   Report::Point::key);
    } else if (!unused.empty()) {
      report.error(path, text + ", and uconf has no entry for " + listed(unused, 64), Report::Point::key);
    } else {
      report.warning(path, text + "; this entry has no effect", Report::Point::key);
    }
  }
}

// The key that gave a port its mode.
std::string mode_path(const PortConfig& port, const DeviceConfig& config) {
  const auto path = below("/uconf", port.id);
  return port.mode == config.work_mode ? path : below(path, "mode");
}

}  // namespace

std::string dialect_name(const std::string& given, const std::string& path, const Schemas& schemas, Report& report) {
  if (Poco::icompare(given, "though") == 0 && !holds(dialects(schemas), given)) {
    report.warning(path, "\"though\" is taken for \"through\": correct it");
    return "through";
  }
  for (const auto& name : dialects(schemas)) {
    if (Poco::icompare(given, name) == 0) return name;
  }
  for (const char* name : kDocumented) {
    if (Poco::icompare(given, std::string(name)) == 0) return name;
  }
  return given;
}

bool known_work_mode(const std::string& mode, const Schemas& schemas, Report& report) {
  const auto names = dialects(schemas);
  if (holds(names, mode) || holds(kDocumented, mode)) return true;
  const auto near = nearest(mode, names);
  report.error("/work_mode", shown_key(mode) + " is no work mode: give one of " + listed(names, 24) +
                                 (near.empty() ? "" : "; did you mean " + shown_key(near) + "?"));
  return false;
}

bool takes_commands(const std::string& dialect) { return dialect != kRaw && dialect != kThrough; }
bool takes_local_commands(const std::string& dialect) { return dialect != kRaw; }

void check_bindings(DeviceConfig& config, const Schemas& schemas, Report& report) {
  check_ports_exist(config, report);
  if (const auto board = schemas.ports ? schemas.ports() : std::nullopt) check_ports_of_board(config, *board, report);
  const auto names = dialects(schemas);
  const auto missing = [&](const std::string& mode, const std::string& user) {
    const auto near = nearest(mode, names);
    return "no plugin offers the dialect " + shown_key(mode) + ", which " + user + ": installed are " +
           listed(names, 24) + (near.empty() ? "" : "; did you mean " + shown_key(near) + "?");
  };
  for (const auto& port : config.ports) {
    if (!holds(names, port.mode)) {
      report.error(mode_path(port, config), missing(port.mode, "this port uses"));
      continue;
    }
    const auto bound = bound_to(config, port.id);
    if (bound.size() > 1 && holds(kOneChannel, port.mode))
      report.warning(below("/uconf", port.id), "in mode " + shown_key(port.mode) +
                                                   " a port serves one channel: channel " +
                                                   std::to_string(bound.front()->id) + " is used, " + ids(bound, 1) +
                                                   (bound.size() == 2 ? " is not" : " are not"));
  }
  const auto portless = bound_to(config, "");
  if (!portless.empty() && !holds(names, config.work_mode))
    report.error("/work_mode",
                 missing(config.work_mode, ids(portless, 0) + (portless.size() == 1 ? " needs" : " need")));
}

void refuse_unsupported(const DeviceConfig& before, const DeviceConfig& next, Findings& findings) {
  for (Finding& finding : findings) {
    const bool changed = (finding.path == "/apn" && !(before.apn == next.apn)) ||
                         (finding.path == "/pins" && !(before.pins == next.pins)) ||
                         (finding.path == "/ota" && before.ota != next.ota);
    if (!changed || !is_unsupported(finding)) continue;
    finding.severity = Finding::Severity::error;
    finding.message.resize(std::min(finding.message.find(kNoEffect), finding.message.size()));
  }
}

bool is_unsupported(const Finding& finding) {
  return finding.message.compare(0, std::string_view(kUnsupported).size(), kUnsupported) == 0;
}

void check_board(const DeviceConfig& config, const Product& product, Report& report) {
  const auto lacks = [](const std::string& what, const std::string& which, const std::vector<std::string>& names) {
    return "this board has no " + what + " " + which + ": it has " + (names.empty() ? "none" : listed(names, 64));
  };
  if (const auto outputs = product.offered("output")) {
    for (const auto& port : config.ports) {
      if (port.direction_gpio >= 0 && !holds(*outputs, std::to_string(port.direction_gpio)))
        report.error(below(below("/direction_pin", port.id), "GPIOn"),
                     lacks("output pin", std::to_string(port.direction_gpio), *outputs));
    }
  }
  const std::string unsupported = kUnsupported;
  const auto networks = product.offered("network");
  if (networks && networks->empty() && !(config.apn == ApnConfig{}))
    report.warning("/apn", unsupported + ": it offers no mobile network" + kNoEffect);
  const auto installers = product.offered("firmware");
  if (installers && installers->empty() && config.ota != DeviceConfig{}.ota)
    report.warning("/ota", unsupported + ": it offers no upgrades" + kNoEffect);
  const auto pins = product.offered("gpio");
  if (!pins) return;
  if (pins->empty()) {
    if (!(config.pins == PinsConfig{})) report.warning("/pins", unsupported + ": it offers no GPIO" + kNoEffect);
    return;
  }
  size_t index = 0;
  for (const int32_t pin : {config.pins.led, config.pins.ready, config.pins.reset}) {
    if (pin >= 0 && !holds(*pins, std::to_string(pin)))
      report.warning(below("/pins", index), lacks("pin", std::to_string(pin), *pins));
    ++index;
  }
}

}  // namespace dtud::config
