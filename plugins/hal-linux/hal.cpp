#include "hal.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <sys/sysinfo.h>
#include <dtu/kit/port/line_settings.hpp>

#include <fstream>
#include <sstream>

namespace hal_linux {
namespace {

struct MetricDescription {
  const char *name, *help;
  uint64_t (*value)(const PortStatus&);
};
LineErrors errors_of(const PortStatus& s) { return s.errors.value_or(LineErrors{}); }
constexpr std::array kMetricTable{
    MetricDescription{"port_overruns", "Times a UART or the kernel had no room for a byte and lost it.",
                      [](const PortStatus& s) { return errors_of(s).overruns; }},
    MetricDescription{"port_parity_errors", "Bytes received with a wrong parity bit.",
                      [](const PortStatus& s) { return errors_of(s).parity; }},
    MetricDescription{"port_framing_errors", "Bytes received without a valid stop bit.",
                      [](const PortStatus& s) { return errors_of(s).framing; }},
    MetricDescription{"port_breaks", "Breaks seen on the line.",
                      [](const PortStatus& s) { return errors_of(s).breaks; }},
    MetricDescription{"port_losses", "Times a device went away.", [](const PortStatus& s) { return s.losses; }},
    MetricDescription{"port_lost_bytes", "Bytes taken from one side that could not be handed to the other.",
                      [](const PortStatus& s) { return s.bytes.rx_lost_bytes + s.bytes.tx_lost_bytes; }}};

uint64_t uptime_s() {
  struct sysinfo info {};
  if (sysinfo(&info) != 0) throw dtu::Failure(DTU_E_IO, "cannot read the uptime");
  return static_cast<uint64_t>(info.uptime);
}

uint64_t memory_free_kib() {
  std::ifstream in("/proc/meminfo");
  uint64_t kib = 0;
  for (std::string word; in >> word;)
    if (word == "MemAvailable:" && in >> kib) return kib;
  throw dtu::Failure(DTU_E_IO, "/proc/meminfo has no MemAvailable");
}

struct PointDescription {
  const char *name, *unit, *title;
  uint64_t (*read)();
};
constexpr std::array kPoints{
    PointDescription{"device.uptime_s", "s", "Time since the board was started", uptime_s},
    PointDescription{"device.memory_free_kib", "KiBy", "Memory that programs can still get", memory_free_kib}};

Port& port_at(void* port) { return *static_cast<Port*>(port); }

Poco::JSON::Object::Ptr to_json(const Port& port, const PortStatus& s) {
  Poco::JSON::Object::Ptr o = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
  o->set("device", port.config().device);
  o->set("state", s.state);
  if (!s.trouble.empty()) o->set("trouble", s.trouble);
  o->set("losses", s.losses);
  o->set("looks", s.looks);
  o->set("rx_bytes", s.bytes.rx_bytes);
  o->set("tx_bytes", s.bytes.tx_bytes);
  o->set("rx_lost_bytes", s.bytes.rx_lost_bytes);
  o->set("tx_lost_bytes", s.bytes.tx_lost_bytes);
  if (s.turns != 0) o->set("direction_turns", s.turns);
  if (!s.errors) return o;
  o->set("overruns", s.errors->overruns);
  o->set("parity_errors", s.errors->parity);
  o->set("framing_errors", s.errors->framing);
  o->set("breaks", s.errors->breaks);
  return o;
}

}  // namespace

LinuxHal::LinuxHal(dtu::Host host, Config config)
    : Component(host),
      board_points_(host, config.board),
      network_(host),
      time_(host, config.board.time, Tree(config.board.root), clock_),
      watchdog_(host, config.board.watchdog),
      wifi_(host, config.board.wifi, Tree(config.board.root)),
      pins_(host, config.pins),
      installers_(host, config.installers) {
  for (PortConfig& p : config.ports) {
    const std::string id = p.id;
    ports_.emplace(id, std::make_unique<Port>(host, std::move(p), [this] { publish(); }));
  }
}

dtu_status LinuxHal::start() {
  board_points_.start();
  network_.start();
  watchdog_.start();
  wifi_.start();
  static_assert(kMetricTable.size() == kMetrics);
  metrics_ = host_.service<dtu_metrics_service>(DTU_METRICS_SERVICE);
  if (metrics_ == nullptr) return pins_.start(), DTU_OK;
  for (const auto& [id, port] : ports_) {
    std::array<Metric, kMetrics> added{};
    bool all = true;  // not if the id is no value of a label
    for (size_t i = 0; i < kMetrics; ++i) {
      const std::string name = std::string(kMetricTable[i].name) + "{port=\"" + id + "\"}";
      all = all && metrics_->add(host_.instance(), DTU_METRIC_COUNTER, dtu::str(name), dtu::str(kMetricTable[i].help),
                                 &added[i].id) == DTU_OK;
    }
    if (all) port_metrics_[id] = added;
  }
  pins_.start();
  return DTU_OK;
}

dtu_status LinuxHal::stop(uint32_t /*deadline_ms*/) {
  for (auto& [id, port] : ports_) port->close();
  pins_.stop();
  board_points_.stop();
  network_.stop();
  time_.stop();
  watchdog_.stop();
  wifi_.stop();
  installers_.stop();
  publish();
  return DTU_OK;
}

void LinuxHal::publish() {
  if (metrics_ == nullptr) return;
  for (auto& [id, metrics] : port_metrics_) {
    const PortStatus s = ports_.at(id)->status();
    for (size_t i = 0; i < kMetrics; ++i)
      if (const uint64_t now = kMetricTable[i].value(s); now > metrics[i].told)
        metrics_->increase(host_.instance(), metrics[i].id, now - std::exchange(metrics[i].told, now));
  }
}

void LinuxHal::writable(uint64_t source) {
  for (auto& [id, port] : ports_)
    if (port->is_open() && port->key() == source) port->resume();
}

std::string LinuxHal::health() {
  publish();
  Poco::JSON::Object ports(Poco::JSON_PRESERVE_KEY_ORDER);
  for (auto& [id, port] : ports_) ports.set(id, to_json(*port, port->status()));
  Poco::JSON::Object root;
  root.set("ports", ports);
  root.set("network", Poco::JSON::Parser().parse(network_.health()));
  root.set("watchdog", Poco::JSON::Parser().parse(watchdog_.health()));
  if (wifi_.any()) root.set("wifi", Poco::JSON::Parser().parse(wifi_.state()));
  std::ostringstream text;
  root.stringify(text);
  return text.str();
}

void LinuxHal::list_ports(const PortsIface::Each& each) {
  for (const auto& [id, port] : ports_)
    each({sizeof(dtu_port_info), 0, dtu::str(id), dtu::str(port->config().device), dtu::str(port->config().title)});
}

dtu_status LinuxHal::open(std::string_view id, const dtu_port_settings& settings, uint64_t key, void** port) {
  const auto found = ports_.find(id);
  if (found == ports_.end()) {
    std::string known;
    for (const auto& [name, unused] : ports_) known += (known.empty() ? "" : ", ") + name;
    throw dtu::Failure(DTU_E_NOT_FOUND, "port " + std::string(id) + " is not in board.json: " +
                                            (known.empty() ? "it lists no ports" : "it lists " + known));
  }
  Port& p = *found->second;
  if (p.is_open()) throw dtu::Failure(DTU_E_INVALID, "port " + std::string(id) + " is open already");
  try {
    *port = &p;
    dtu_port::check_settings(settings);
    return p.open(settings, key, direction_of(p, settings));
  } catch (const dtu::Failure& f) {
    throw dtu::Failure(f.code(), "port " + std::string(id) + ": " + f.what(), f.flags());
  }
}

std::unique_ptr<dtu_port::Direction> LinuxHal::direction_of(const Port& port, const dtu_port_settings& settings) {
  const auto pin = dtu_port::direction_pin(settings);
  if (!pin) return nullptr;
  if (port.config().rs485 && port.config().rs485->kernel)
    throw dtu::Failure(DTU_E_INVALID,
                       "RTS switches the direction already (\"rs485\" in board.json): choose it or direction_pin");
  return std::make_unique<dtu_port::Direction>(host_, settings, pins_.drive(pin->gpio, port.config().id));
}

void LinuxHal::close(void* port) {
  port_at(port).close();
  publish();
}

dtu_status LinuxHal::write(void* port, const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  return port_at(port).write(msgs, n, taken);
}

bool LinuxHal::drained(void* port) { return port_at(port).drained(); }

uint32_t LinuxHal::flags(void* port) { return port_at(port).flags(); }

uint64_t LinuxHal::discard(void* port, uint32_t which) { return port_at(port).discard(which); }

dtu_status LinuxHal::set_line(void* port, const dtu_port_settings& settings) {
  port_at(port).set_line(settings);
  return DTU_OK;
}

dtu_status LinuxHal::set_signals(void* port, uint32_t mask, uint32_t values) {
  port_at(port).set_signals(mask, values);
  return DTU_OK;
}

dtu::PortSignals LinuxHal::signals(void* port) { return port_at(port).signals(); }

void LinuxHal::list_points(const PointsIface::Each& each) {
  for (const PointDescription& p : kPoints)
    each({sizeof(dtu_point_info), 0, dtu::str(p.name), dtu::str(p.unit), dtu::str(p.title)});
  pins_.list(each);
  board_points_.list(each);
  network_.list(each);
  TimeSync::list_points(each);
  wifi_.list_points(each);
}

dtu_status LinuxHal::read_point(std::string_view name, uint64_t call) {
  for (const PointDescription& p : kPoints)
    if (name == p.name) return host_.reply(call, std::to_string(p.read()));
  if (board_points_.has(name)) return board_points_.read(name, call), DTU_OK;
  if (Network::has(name)) return network_.read(name, call), DTU_OK;
  if (name == TimeSync::kPoint) return time_.read(call), DTU_OK;
  if (name == Wifi::kPoint && wifi_.any()) return host_.reply(call, wifi_.state());
  if (!pins_.has(name)) throw dtu::Failure(DTU_E_NOT_FOUND, std::string(name) + " is not a point of the linux HAL");
  pins_.read(name, call);
  return DTU_OK;
}

dtu_status LinuxHal::write_point(std::string_view name, std::string_view json, uint64_t call) {
  if (!pins_.has(name)) return PointsIface::write_point(name, json, call);
  pins_.write(name, json, call);
  return DTU_OK;
}

dtu_status LinuxHal::await_point(std::string_view name, std::string_view json, uint64_t call) {
  if (!pins_.has(name)) return PointsIface::await_point(name, json, call);
  pins_.await(name, json, call);
  return DTU_OK;
}

void LinuxHal::list_commands(const CommandsIface::Each& each) {
  if (installers_.any()) list_firmware(each);
  time_.list_commands(each);
  wifi_.list_commands(each);
}

dtu_status LinuxHal::invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller& /*caller*/) {
  if (invoke_firmware(call, name, args)) return DTU_OK;
  if (time_.has(name)) return time_.invoke(call, args), DTU_OK;
  if (wifi_.invoke(call, name, args)) return DTU_OK;
  throw dtu::Failure(DTU_E_NOT_FOUND, std::string(name) + " is not a command of the linux HAL");
}

void LinuxHal::cancel(uint64_t call) {
  installers_.cancel(call);
  time_.cancel(call);
  wifi_.cancel(call);
}

void LinuxHal::cancel_firmware(uint64_t call) {
  installers_.cancel();
  host_.reply(call, "");
}

}  // namespace hal_linux
