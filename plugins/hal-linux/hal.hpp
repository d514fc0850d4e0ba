// The HAL "linux": serial ports and GPIO pins of the board, what the kernel knows of it, its clock, watchdog and WiFi.
#pragma once
#include <dtu/sdk/board.hpp>

#include <array>
#include <map>
#include <memory>
#include <string>

#include "board/points.hpp"
#include "clock/time_sync.hpp"
#include "installers.hpp"
#include "net/network.hpp"
#include "pins.hpp"
#include "port.hpp"
#include "watchdog/watchdog.hpp"
#include "wifi/wifi.hpp"

namespace hal_linux {

class LinuxHal : public dtu::Component,
                 public dtu::PortsIface,
                 public dtu::PointsIface,
                 public dtu::CommandsIface,
                 public dtu::FirmwareCommands {
 public:
  static constexpr dtu_event_info events[] = {dtu::firmware_progress_event, network_changed_event, wifi_changed_event};

  LinuxHal(dtu::Host host, std::string_view config) : LinuxHal(host, read_config(config)) {}
  static void check(std::string_view config, dtu::Findings& found) { check_config(config, found); }

  dtu_status start() override;
  dtu_status stop(uint32_t deadline_ms) override;
  void writable(uint64_t source) override;
  std::string health() override;

  void list_ports(const PortsIface::Each& each) override;
  dtu_status open(std::string_view id, const dtu_port_settings& settings, uint64_t key, void** port) override;
  void close(void* port) override;
  dtu_status write(void* port, const dtu_msg* msgs, uint32_t n, uint32_t* taken) override;
  bool drained(void* port) override;
  uint32_t flags(void* port) override;
  uint64_t discard(void* port, uint32_t which) override;
  dtu_status set_line(void* port, const dtu_port_settings& settings) override;
  dtu_status set_signals(void* port, uint32_t mask, uint32_t values) override;
  dtu::PortSignals signals(void* port) override;

  void list_points(const PointsIface::Each& each) override;
  dtu_status read_point(std::string_view name, uint64_t call) override;
  dtu_status write_point(std::string_view name, std::string_view json, uint64_t call) override;
  dtu_status await_point(std::string_view name, std::string_view json, uint64_t call) override;
  void cancel_point(uint64_t call) override { pins_.cancel(call); }

  void list_commands(const CommandsIface::Each& each) override;
  dtu_status invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller& caller) override;
  void cancel(uint64_t call) override;

  void firmware_facts(uint64_t call) override { installers_.facts(call); }
  void install_firmware(const dtu::FirmwareImage& image, uint64_t call) override { installers_.install(image, call); }
  void mark_firmware_good(std::string_view kind, uint64_t call) override { installers_.mark_good(kind, call); }
  void cancel_firmware(uint64_t call) override;

 private:
  struct Metric {
    uint64_t id = 0;
    uint64_t told = 0;
  };
  static constexpr size_t kMetrics = 6;

  LinuxHal(dtu::Host host, Config config);
  std::unique_ptr<dtu_port::Direction> direction_of(const Port& port, const dtu_port_settings& settings);
  void publish();  // brings the metrics up to date

  BoardPoints board_points_;
  Network network_;
  RealClock clock_;
  TimeSync time_;  // after clock_
  Watchdog watchdog_;
  Wifi wifi_;
  Pins pins_;
  Installers installers_;
  std::map<std::string, std::unique_ptr<Port>, std::less<>> ports_;  // after pins_: go first
  const dtu_metrics_service* metrics_ = nullptr;
  std::map<std::string, std::array<Metric, kMetrics>, std::less<>> port_metrics_;  // by port
};

}  // namespace hal_linux
