// The HAL "ec600": a Quectel EC600-class modem as a board.
#pragma once
#include <dtu/sdk/board.hpp>

#include <memory>
#include <optional>
#include <string>

#include "asker.hpp"
#include "at_commands.hpp"
#include "board_points.hpp"
#include "config.hpp"
#include "data/service.hpp"
#include "fota/upgrade.hpp"
#include "modem.hpp"
#include "network.hpp"
#include "reset_point.hpp"
#include "sim_care.hpp"
#include "sms/service.hpp"
#include "state_events.hpp"

namespace hal_ec600 {

class Ec600Hal : public dtu::Component,
                 public dtu::PointsIface,
                 public dtu::CommandsIface,
                 public dtu::FirmwareCommands,
                 public dtu::NetworkCommands {
 public:
  static constexpr dtu_event_info events[] = {radio_changed_event, sim_changed_event,   location_changed_event,
                                              modem_urc_event,     sms::received_event, dtu::firmware_progress_event};

  Ec600Hal(dtu::Host host, std::string_view config);
  Ec600Hal(dtu::Host host, std::string_view config, const Modem::MakePort& make_port);  // another port than a tty
  static void check(std::string_view config, dtu::Findings& found) { check_config(config, found); }

  dtu_status start() override;
  dtu_status stop(uint32_t deadline_ms) override;
  std::string health() override;

  void list_points(const PointsIface::Each& each) override { points_.list(each); }
  dtu_status read_point(std::string_view name, uint64_t call) override;

  void list_commands(const CommandsIface::Each& each) override;
  dtu_status invoke(uint64_t call, std::string_view name, std::string_view args, const dtu_caller& caller) override;
  void cancel(uint64_t call) override;
  void configure_network(const dtu::NetworkSettings& settings, uint64_t call) override {
    const bool same = settings.apn == network_.settings().apn && settings.user == network_.settings().user &&
                      settings.password == network_.settings().password;
    network_.configure(settings, call);
    if (!same) data_.access_point_changed();
  }
  void firmware_facts(uint64_t call) override { upgrade_.facts(call); }
  void install_firmware(const dtu::FirmwareImage& image, uint64_t call) override;

 private:
  void ready();
  void unready();
  void poll();
  void poll_soon();
  void reset_modem(uint64_t call);
  [[nodiscard]] bool registered() const;

  const Config config_;
  Values values_;
  Modem modem_;
  Asker asker_;
  StateEvents events_;
  SimCare sim_;
  Network network_;
  BoardPoints points_;
  AtCommands at_commands_;
  sms::Service sms_;
  fota::Upgrade upgrade_;
  data::Service data_;
  ResetPoint reset_point_;
  std::optional<dtu::Timer> poll_timer_, soon_timer_;
  bool soon_ = false;         // soon_timer_ is armed
  uint32_t quick_polls_ = 0;  // one behind the other, because one was not enough
};

}  // namespace hal_ec600
