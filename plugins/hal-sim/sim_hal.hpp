// The HAL "sim": a board to develop and test with.
#pragma once
#include <dtu/sdk/board.hpp>

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "awaits.hpp"
#include "board_points.hpp"
#include "config.hpp"
#include "firmware.hpp"
#include "pty_port.hpp"
#include "wifi.hpp"

namespace hal_sim {

class SimHal : public dtu::Component,
               public dtu::PortsIface,
               public dtu::PointsIface,
               public dtu::CommandsIface,
               public dtu::FirmwareCommands,
               public dtu::NetworkCommands {
 public:
  static constexpr dtu_event_info events[] = {dtu::firmware_progress_event, wifi_changed_event};

  SimHal(dtu::Host host, std::string_view config);
  static void check(std::string_view config, dtu::Findings& found);

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
  void cancel_point(uint64_t call) override { awaits_.cancel(call); }

  void list_commands(const CommandsIface::Each& each) override;
  dtu_status invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller& caller) override;

  void cancel(uint64_t call) override { firmware_.cancel(call); }

  void configure_network(const dtu::NetworkSettings& settings, uint64_t call) override;

  void firmware_facts(uint64_t call) override { host_.reply(call, firmware_.facts()); }
  void install_firmware(const dtu::FirmwareImage& image, uint64_t call) override { firmware_.install(image, call); }
  void mark_firmware_good(std::string_view kind, uint64_t call) override;
  void cancel_firmware(uint64_t call) override;

 private:
  struct Late {
    uint64_t call;
    std::string json;
    int64_t due_ns;
  };
  void answer_due();
  void show_line(const PtyPort& port);
  std::unique_ptr<dtu_port::Direction> direction_of(const PtyPort& port, const dtu_port_settings& settings);

  Config config_;
  BoardPoints points_;
  Awaits awaits_;
  Firmware firmware_;
  SimWifi wifi_;             // after points_
  uint64_t configured_ = 0;  // times the network settings came
  std::map<std::string, std::unique_ptr<PtyPort>, std::less<>> ports_;
  std::optional<dtu::Timer> late_timer_;  // while started
  std::deque<Late> late_;                 // all wait equally long, so the first is due first
};

}  // namespace hal_sim
