// A HAL in C++17: the load of the board as points, and as lines on a port of its own. Overrides may throw: the SDK
// stops it at the boundary and the host shows the text.
#include <dtu/sdk.hpp>

#include <array>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "schema.json.hpp"

namespace {

constexpr std::string_view kPort = "load";

struct Point {
  const char *name, *unit, *title;
};
constexpr std::array kPoints{
    Point{"load.1min", "", "Load, last minute"}, Point{"load.5min", "", "Load, last 5 minutes"},
    Point{"load.15min", "", "Load, last 15 minutes"}, Point{"memory.available", "KiBy", "Memory available"}};
using Values = std::array<std::string, kPoints.size()>;  // JSON numbers, in the order of kPoints

Values read_values() {
  Values values;
  std::ifstream load("/proc/loadavg");
  load >> values[0] >> values[1] >> values[2];
  std::ifstream memory("/proc/meminfo");
  for (std::string key; memory >> key;) {
    if (key == "MemAvailable:") memory >> values[3];
    memory.ignore(1024, '\n');
  }
  for (size_t i = 0; i < values.size(); ++i)
    if (values[i].empty())
      throw dtu::Failure::retryable(DTU_E_IO, std::string(kPoints[i].name) + ": /proc does not tell");
  return values;
}

// The configuration satisfies the schema, which has nothing but this number: no JSON library is needed to find it.
uint64_t period_of(std::string_view config) {
  constexpr std::string_view kKey = "\"period_ms\":";
  const size_t at = config.find(kKey);
  if (at == std::string_view::npos) throw dtu::Failure(DTU_E_INVALID, "/period_ms: is missing");
  return std::strtoull(std::string(config.substr(at + kKey.size())).c_str(), nullptr, 10);
}

class LoadHal : public dtu::Component, public dtu::PortsIface, public dtu::PointsIface {
 public:
  LoadHal(dtu::Host host, std::string_view config)
      : Component(host), period_ms_(period_of(config)), timer_(host, [this] { send_line(); }) {}

  dtu_status start() override {
    metrics_ = host_.service<dtu_metrics_service>(DTU_METRICS_SERVICE);
    if (metrics_ != nullptr)
      metrics_->add(host_.instance(), DTU_METRIC_COUNTER, dtu::str("load_skipped_lines"),
                    dtu::str("Lines nobody had room for"), &skipped_metric_);
    host_.report(DTU_STATE_UP);
    return DTU_OK;
  }

  void list_ports(const PortsIface::Each& each) override {
    dtu_port_info info{};
    info.struct_size = sizeof info;
    info.id = dtu::str(kPort);
    info.device = dtu::str("/proc/loadavg");
    info.title = dtu::str("Load of the board");
    each(info);
  }

  // There is no line to set a speed for; whatever is asked for will do.
  dtu_status open(std::string_view id, const dtu_port_settings& /*settings*/, uint64_t key, void** port) override {
    if (id != kPort)
      throw dtu::Failure(DTU_E_NOT_FOUND, "there is no port \"" + std::string(id) + "\": it is called load");
    if (key_) throw dtu::Failure(DTU_E_INVALID, "port load is open already");
    key_ = key;
    *port = this;
    timer_.arm_ms(period_ms_, period_ms_);
    host_.report(DTU_STATE_UP, key);
    return DTU_OK;
  }

  void close(void* /*port*/) override {
    timer_.disarm();
    key_.reset();
  }

  // Whatever is written asks for a line now.
  dtu_status write(void* /*port*/, const dtu_msg* /*msgs*/, uint32_t n, uint32_t* taken) override {
    *taken = n;
    timer_.arm_ms(0, period_ms_);
    return DTU_OK;
  }

  void list_points(const PointsIface::Each& each) override {
    for (const Point& point : kPoints) {
      dtu_point_info info{};
      info.struct_size = sizeof info;
      info.name = dtu::str(point.name);
      info.unit = dtu::str(point.unit);
      info.title = dtu::str(point.title);
      each(info);
    }
  }

  dtu_status read_point(std::string_view name, uint64_t call) override {
    for (size_t i = 0; i < kPoints.size(); ++i)
      if (name == kPoints[i].name) return host_.reply(call, read_values()[i]);
    throw dtu::Failure(DTU_E_NOT_FOUND, "there is no point \"" + std::string(name) + "\"");
  }

  std::string health() override {
    return "{\"lines\": " + std::to_string(lines_) + ", \"skipped_lines\": " + std::to_string(skipped_) + "}";
  }

 private:
  // A line that finds no room is old news when there is some again: it is dropped and counted.
  void send_line() {
    if (!key_) return;
    const Values v = read_values();
    if (host_.emit(*key_, "load " + v[0] + " " + v[1] + " " + v[2] + " memory " + v[3] + "\n")) {
      ++lines_;
      return;
    }
    ++skipped_;
    if (metrics_ != nullptr) metrics_->increase(host_.instance(), skipped_metric_, 1);
  }

  uint64_t period_ms_;
  dtu::Timer timer_;
  std::optional<uint64_t> key_;  // the host's name of the open port
  const dtu_metrics_service* metrics_ = nullptr;
  uint64_t skipped_metric_ = 0, lines_ = 0, skipped_ = 0;
};

DTU_COMPONENT(load, LoadHal, DTU_KIND_HAL, "load", "Load of the board", schema_json, 0, dtu::ports_iface<LoadHal>,
              dtu::points_iface<LoadHal>);

}  // namespace

DTU_PLUGIN("org.example.hal-load", "1.0.0", "Example Ltd", "Apache-2.0", "hal:load", &load);
