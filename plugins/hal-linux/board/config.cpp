#include "board/config.hpp"

#include <sys/un.h>

#include "board/battery.hpp"
#include "board/identity.hpp"
#include "board/sources.hpp"

namespace hal_linux {
namespace {

using Object = Poco::JSON::Object;

SourceConfig read_source_config(const Object& o) {
  SourceConfig c;
  c.device = o.optValue<std::string>("device", "");
  c.channel = o.optValue<std::string>("channel", "");
  c.factor = o.optValue("factor", c.factor);
  return c;
}

// Without an interface there is none.
std::optional<WifiInterface> read_wifi(const Object& o, const char* control, const std::string& root,
                                       const std::string& path) {
  WifiInterface i{o.optValue<std::string>("interface", ""), o.optValue<std::string>("control", control)};
  if (i.interface.empty()) return std::nullopt;
  const std::string socket = Tree(root).path(i.control) + "/" + i.interface;
  constexpr size_t kMost = sizeof(sockaddr_un::sun_path) - 1;
  if (socket.size() > kMost)
    throw dtu::Failure(DTU_E_INVALID, path + "/control: the path of the socket has " + std::to_string(socket.size()) +
                                          " bytes, at most " + std::to_string(kMost) + " are allowed")
        .at(path + "/control");
  return i;
}

void expect_socket(const Tree& tree, const std::optional<WifiInterface>& i, const std::string& path,
                   const dtu::Findings& found) {
  const std::string socket = i ? i->control + "/" + i->interface : "";
  if (i && !tree.has(socket))
    found.warning(path, tree.path(socket) + " is not there now: start its program with ctrl_interface, or correct it");
}

void expect_source(const Tree& tree, Quantity quantity, const SourceConfig& config, const std::string& path,
                   const std::string& point, const dtu::Findings& found) {
  if (!config.mapped() || !config.offered()) return;
  try {
    (void)choose_source(find_sources(tree, quantity), quantity, config, point);
  } catch (const dtu::Failure& f) {
    found.warning(path, f.what());
  }
}

}  // namespace

BoardConfig read_board(const Object& root) {
  BoardConfig c;
  c.root = root.optValue("root", c.root);
  if (const Object::Ptr adc = root.getObject("adc"))
    for (const auto& [number, value] : *adc)
      c.adc[static_cast<uint32_t>(std::stoul(number))] = read_source_config(*value.extract<Object::Ptr>());
  if (const Object::Ptr sensors = root.getObject("sensors")) {
    if (const Object::Ptr o = sensors->getObject("temperature")) c.temperature = read_source_config(*o);
    if (const Object::Ptr o = sensors->getObject("humidity")) c.humidity = read_source_config(*o);
  }
  c.battery = root.optValue("battery", c.battery);
  c.serial = root.optValue("serial", c.serial);
  c.model = root.optValue("model", c.model);
  c.imei = root.optValue("imei", c.imei);
  c.version = root.optValue("version", c.version);
  c.version_file = root.optValue("version_file", c.version_file);
  if (const Object::Ptr o = root.getObject("time")) {
    TimeConfig& time = c.time.emplace();
    time.means = o->optValue("means", time.means);
    time.ntp_server = o->optValue("ntp_server", time.ntp_server);
    time.ntp_port = o->optValue("ntp_port", time.ntp_port);
    time.set_clock = o->optValue("set_clock", time.set_clock);
  }
  if (const Object::Ptr o = root.getObject("watchdog")) {
    c.watchdog.emplace();
    c.watchdog->device = o->optValue("device", c.watchdog->device);
    c.watchdog->timeout_s = o->optValue("timeout_s", c.watchdog->timeout_s);
  }
  if (const Object::Ptr o = root.getObject("wifi")) {
    c.wifi.station = read_wifi(*o, "/run/wpa_supplicant", c.root, "/wifi");
    if (const Object::Ptr ap = o->getObject("access_point"))
      c.wifi.access_point = read_wifi(*ap, "/run/hostapd", c.root, "/wifi/access_point");
  }
  if (!c.imei.empty() && !is_imei(c.imei))
    throw dtu::Failure(DTU_E_INVALID, "/imei: the last of its 15 digits does not fit to the others: correct it")
        .at("/imei");
  if (!c.version.empty() && !c.version_file.empty())
    throw dtu::Failure(DTU_E_INVALID, "/version and /version_file are both set: leave one out").at("/version");
  return c;
}

void check_board(const BoardConfig& config, const dtu::Findings& found) {
  const Tree tree(config.root);
  for (const auto& [number, source] : config.adc)
    expect_source(tree, Quantity::voltage, source, "/adc/" + std::to_string(number), "adc." + std::to_string(number),
                  found);
  expect_source(tree, Quantity::temperature, config.temperature, "/sensors/temperature", "sensor.temperature", found);
  expect_source(tree, Quantity::humidity, config.humidity, "/sensors/humidity", "sensor.humidity", found);
  expect_socket(tree, config.wifi.station, "/wifi/control", found);
  expect_socket(tree, config.wifi.access_point, "/wifi/access_point/control", found);
  if (config.watchdog) found.claim("/watchdog/device", "device:" + config.watchdog->device);
  if (!config.battery.empty() && config.battery != kNotOffered) try {
      (void)choose_battery(tree, config.battery);
    } catch (const dtu::Failure& f) {
      found.warning("/battery", f.what());
    }
  if (!config.version_file.empty()) try {
      (void)version(tree, config);
    } catch (const dtu::Failure& f) {
      found.warning("/version_file", f.what());
    }
}

}  // namespace hal_linux
