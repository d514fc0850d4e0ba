#include "sim_hal.hpp"

#include <Poco/JSON/Array.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <dtu/kit/port/line_settings.hpp>

#include <algorithm>
#include <sstream>

#include "board_commands.hpp"

namespace hal_sim {
namespace {

constexpr size_t kMaxLate = 1024;
constexpr int64_t kNsPerMs = 1'000'000, kNsPerUs = 1'000;

std::string turns_point(const std::string& port) { return "port." + port + ".turns"; }
std::string line_point(const std::string& port) { return "port." + port + ".line"; }
std::string modem_point(const std::string& port) { return "port." + port + ".modem"; }

// Signals of the far end, by the bits of point port.<id>.modem.
constexpr std::array kModem{DTU_SIGNAL_CTS, DTU_SIGNAL_DSR, DTU_SIGNAL_DCD, DTU_SIGNAL_RI};
constexpr const char* kModemPlugged = "7";  // CTS, DSR and DCD are on
constexpr int kModemMost = 15;

std::string line_of(const PtyPort& port) {
  const dtu_port_settings& s = port.pty().settings();
  Poco::JSON::Object o(Poco::JSON_PRESERVE_KEY_ORDER);
  o.set("dtr", (port.signals() & DTU_SIGNAL_DTR) != 0);
  o.set("rts", (port.signals() & DTU_SIGNAL_RTS) != 0);
  if (port.is_open()) {
    o.set("break", (port.signals() & DTU_SIGNAL_BREAK) != 0);
    o.set("baud", s.baud);
    o.set("databits", s.databits);
    o.set("parity", s.parity);
    o.set("stopbits", s.stopbits);
    o.set("flow", s.flow);
  }
  std::ostringstream text;
  o.stringify(text);
  return text.str();
}

// Points are named in lower case.
bool can_name_point(const std::string& port) {
  return std::none_of(port.begin(), port.end(), [](char c) { return c >= 'A' && c <= 'Z'; });
}

// Of a board that was never upgraded.
std::string configured_version(const Config& config) {
  const auto point = config.points.find("device.version");
  if (point == config.points.end()) return "1";
  return Poco::JSON::Parser()
      .parse("[" + point->second + "]")
      .extract<Poco::JSON::Array::Ptr>()
      ->getElement<std::string>(0);
}

PtyPort& port_at(void* port) { return *static_cast<PtyPort*>(port); }

Poco::JSON::Object::Ptr to_json(PtyPort& port) {
  Poco::JSON::Object::Ptr o = new Poco::JSON::Object(Poco::JSON_PRESERVE_KEY_ORDER);
  o->set("device", port.pty().device());
  o->set("state", port.is_open() ? "up" : "closed");
  if (!port.is_open()) return o;
  o->set("rx_bytes", port.line().counters().rx_bytes);
  o->set("tx_bytes", port.line().counters().tx_bytes);
  return o;
}

}  // namespace

SimHal::SimHal(dtu::Host host, std::string_view config)
    : Component(host),
      config_(read_config(config)),
      points_(config_),
      awaits_(host),
      firmware_(host, config_.firmware, configured_version(config_)),
      wifi_(host, points_) {
  for (const PortConfig& p : config_.ports) {
    ports_.emplace(p.id, std::make_unique<PtyPort>(host, p));
    if (!can_name_point(p.id)) continue;
    points_.add(turns_point(p.id), "Times the direction pin of port " + p.id + " went back to receiving", "0");
    points_.add(line_point(p.id), "Settings and signals of port " + p.id + " as its driver has them", "null");
    points_.add(modem_point(p.id), "Signals of the far end of port " + p.id + ": CTS 1, DSR 2, DCD 4, RI 8",
                kModemPlugged, {0, kModemMost});
  }
  points_.on_change([this](const std::string& name, const std::string& json) { awaits_.changed(name, json); });
}

void SimHal::check(std::string_view json, dtu::Findings& found) {
  const Config config = read_config(json);
  const BoardPoints points(config);
  if (config.ports.empty()) found.offer("/ports", "port:");
  for (const PortConfig& p : config.ports) {
    found.offer("/ports/" + p.id, "port:" + p.id);
    if (p.link.empty()) continue;
    const std::string path = "/ports/" + p.id + "/link";
    found.claim(path, "link:" + p.link);
    if (const std::string why = why_no_link(p.link); !why.empty()) found.error(path, why);
  }
  for (const char* kind : {"firmware:firmware", "firmware:package"}) found.offer("/firmware", kind);
  found.offer("", "network:apn");
  for (const char* none : {"gpio:", "output:"}) found.offer("/points", none);
  points.list([&](const dtu_point_info& point) {
    constexpr std::string_view kGpio = "gpio.";
    const std::string_view name = dtu::view(point.name);
    if (name.substr(0, kGpio.size()) != kGpio) return;
    for (const char* kind : {"gpio:", "output:"}) found.offer("/points", kind + std::string(name.substr(kGpio.size())));
  });
}

dtu_status SimHal::start() {
  late_timer_.emplace(host_, [this] { answer_due(); });
  firmware_.boot();
  if (!points_.is_absent("device.version")) points_.set("device.version", dtu::quoted(firmware_.version()));
  for (auto& [id, port] : ports_) {
    port->start();
    host_.info("port " + id + " is " + port->pty().device() +
               (port->config().link.empty() ? "" : ", also " + port->config().link));
  }
  return DTU_OK;
}

dtu_status SimHal::stop(uint32_t /*deadline_ms*/) {
  for (auto& [id, port] : ports_) port->stop();
  for (const Late& l : late_) host_.reply_error(l.call, DTU_E_CLOSED, "the simulated board was stopped");
  late_.clear();
  awaits_.end();
  firmware_.end();
  late_timer_.reset();
  return DTU_OK;
}

void SimHal::writable(uint64_t source) {
  for (auto& [id, port] : ports_)
    if (port->is_open() && port->key() == source) port->line().resume();
}

std::string SimHal::health() {
  Poco::JSON::Object ports(Poco::JSON_PRESERVE_KEY_ORDER);
  for (auto& [id, port] : ports_) ports.set(id, to_json(*port));
  Poco::JSON::Object root(Poco::JSON_PRESERVE_KEY_ORDER);
  root.set("simulated", true);
  root.set("ports", ports);
  std::ostringstream text;
  root.stringify(text);
  return text.str();
}

void SimHal::list_ports(const PortsIface::Each& each) {
  for (const auto& [id, port] : ports_)
    each({sizeof(dtu_port_info), 0, dtu::str(id), dtu::str(port->pty().device()), dtu::str(port->config().title)});
}

dtu_status SimHal::open(std::string_view id, const dtu_port_settings& settings, uint64_t key, void** port) {
  const std::string name = "port " + std::string(id);
  const auto found = ports_.find(id);
  if (found == ports_.end())
    throw dtu::Failure(DTU_E_NOT_FOUND, name + " is not one of the simulated board: add it to \"ports\" in board.json");
  if (found->second->is_open()) throw dtu::Failure(DTU_E_INVALID, name + " is open already");
  try {
    found->second->open(settings, key, direction_of(*found->second, settings));
  } catch (const dtu::Failure& f) {
    throw dtu::Failure(f.code(), name + ": " + f.what(), f.flags());
  }
  *port = found->second.get();
  show_line(*found->second);
  return DTU_OK;
}

void SimHal::show_line(const PtyPort& port) {
  const std::string point = line_point(port.config().id);
  if (!points_.is_absent(point)) points_.set(point, line_of(port));
}

std::unique_ptr<dtu_port::Direction> SimHal::direction_of(const PtyPort& port, const dtu_port_settings& settings) {
  dtu_port::check_settings(settings);
  const auto pin = dtu_port::direction_pin(settings);
  if (!pin) return nullptr;
  const std::string gpio = "gpio." + std::to_string(pin->gpio), turns = turns_point(port.config().id);
  if (points_.is_absent(gpio))
    throw dtu::Failure(DTU_E_UNSUPPORTED, "the direction pin " + gpio +
                                              " is not on this board: add it to \"points\" in board.json, or name "
                                              "another in direction_pin");
  const auto set = [this, gpio, turns, sending = pin->sending, was_sending = false](int level) mutable {
    points_.set(gpio, std::to_string(level));
    if (was_sending && level != sending && !points_.is_absent(turns))
      points_.set(turns, std::to_string(std::stoull(points_.read(turns)) + 1));
    was_sending = level == sending;
  };
  return std::make_unique<dtu_port::Direction>(host_, settings, set);
}

void SimHal::close(void* port) {
  port_at(port).close();
  show_line(port_at(port));
}

dtu_status SimHal::write(void* port, const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  return port_at(port).line().write(msgs, n, taken);
}

bool SimHal::drained(void* port) { return port_at(port).line().drained(); }

uint32_t SimHal::flags(void* /*port*/) { return DTU_PORT_HOLDS; }

uint64_t SimHal::discard(void* port, uint32_t which) { return port_at(port).line().discard(which); }

dtu_status SimHal::set_line(void* port, const dtu_port_settings& settings) {
  dtu_port::check_settings(settings);
  port_at(port).set_line(settings);
  show_line(port_at(port));
  return DTU_OK;
}

dtu_status SimHal::set_signals(void* port, uint32_t mask, uint32_t values) {
  PtyPort& p = port_at(port);
  if ((mask & DTU_SIGNAL_RTS) != 0 && p.pty().settings().flow == DTU_FLOW_RTSCTS)
    throw dtu::Failure(DTU_E_INVALID, "RTS belongs to the flow control of this port (flowctl 1)");
  p.set_signals(mask, values);
  show_line(p);
  return DTU_OK;
}

dtu::PortSignals SimHal::signals(void* port) {
  const PtyPort& p = port_at(port);
  dtu::PortSignals now{DTU_SIGNAL_DTR | DTU_SIGNAL_RTS, p.signals() & ~DTU_SIGNAL_BREAK};
  const std::string point = modem_point(p.config().id);
  if (points_.is_absent(point)) return now;
  const auto modem = static_cast<unsigned>(std::stoul(points_.read(point)));
  for (size_t bit = 0; bit < kModem.size(); ++bit) {
    now.known |= kModem.at(bit);
    if ((modem >> bit & 1U) != 0) now.values |= kModem.at(bit);
  }
  return now;
}

void SimHal::list_points(const PointsIface::Each& each) { points_.list(each); }

dtu_status SimHal::read_point(std::string_view name, uint64_t call) {
  std::string json = points_.read(name);
  if (config_.read_delay_ms == 0) return host_.reply(call, json);
  if (!late_timer_) throw dtu::Failure(DTU_E_CLOSED, "the simulated board is not started");
  if (late_.size() >= kMaxLate)
    throw dtu::Failure::retryable(
        DTU_E_IO, "the simulated board has " + std::to_string(kMaxLate) + " reads to answer already: read less often");
  const int64_t delay_ns = static_cast<int64_t>(config_.read_delay_ms) * kNsPerMs;
  late_.push_back({call, std::move(json), host_.monotonic_ns() + delay_ns});
  if (late_.size() == 1) late_timer_->arm_ms(config_.read_delay_ms);
  return DTU_OK;
}

void SimHal::answer_due() {
  const int64_t now = host_.monotonic_ns();
  while (!late_.empty() && late_.front().due_ns <= now) {
    host_.reply(late_.front().call, late_.front().json);
    late_.pop_front();
  }
  if (late_.empty()) return;
  late_timer_->arm_us(static_cast<uint64_t>((late_.front().due_ns - now) / kNsPerUs + 1));
}

dtu_status SimHal::write_point(std::string_view name, std::string_view json, uint64_t call) {
  points_.write(name, json);
  return host_.reply(call, json);
}

dtu_status SimHal::await_point(std::string_view name, std::string_view json, uint64_t call) {
  const std::string& now = points_.peek(name);
  if (now != json) return host_.reply(call, now);
  awaits_.add(call, std::string(name), std::string(json));
  return DTU_OK;
}

// The password is taken and shown nowhere.
void SimHal::configure_network(const dtu::NetworkSettings& settings, uint64_t call) {
  points_.set("network.apn", dtu::quoted(settings.apn));
  points_.set("network.apn_user", dtu::quoted(settings.user));
  points_.set("network.configured", std::to_string(++configured_));
  host_.reply(call, "");
}

void SimHal::mark_firmware_good(std::string_view kind, uint64_t call) {
  firmware_.mark_good(kind);
  host_.reply(call, "");
}

void SimHal::cancel_firmware(uint64_t call) {
  firmware_.cancel();
  host_.reply(call, "");
}

void SimHal::list_commands(const CommandsIface::Each& each) {
  for (const BoardCommand& c : kBoardCommands)
    if (!points_.is_absent(c.point)) each(info_of(c));
  wifi_.list(each);
  list_firmware(each);
  list_network(each);
}

dtu_status SimHal::invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller& /*caller*/) {
  if (invoke_firmware(call, name, args) || invoke_network(call, name, args) || wifi_.invoke(call, name, args))
    return DTU_OK;
  const BoardCommand* command = board_command(name);
  if (command == nullptr)
    throw dtu::Failure(DTU_E_NOT_FOUND, std::string(name) + " is not a command of the simulated board");
  if (points_.is_absent(command->point))
    throw dtu::Failure(DTU_E_UNSUPPORTED,
                       std::string(name) + ": this board does not have it (\"absent\" of the simulated board)");
  points_.set(command->point, command->kept(args));
  return host_.reply(call, "");
}

}  // namespace hal_sim
