// Commands wifi.*, point wifi.state and event wifi.changed, where board.json names a wpa_supplicant or a hostapd.
// [lane]
#pragma once
#include <dtu/sdk/component.hpp>
#include <dtu/sdk/events.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "board/config.hpp"
#include "wifi/access_point.hpp"
#include "wifi/station.hpp"

namespace hal_linux {

constexpr dtu_event_info wifi_changed_event =
    dtu::state_event("wifi.changed", "The WiFi connected, disconnected or has other clients",
                     R"({"type": "object", "required": ["state"],
  "properties": {"state": {"type": "string"}, "access_point": {"type": "object"}}})");

class Wifi {
 public:
  static constexpr const char* kPoint = "wifi.state";

  Wifi(dtu::Host host, const WifiConfig& config, const Tree& tree);
  void start();
  void stop();  // answers who waits

  void list_points(const std::function<void(const dtu_point_info&)>& each) const;
  void list_commands(const std::function<void(const dtu_command_info&)>& each) const;
  [[nodiscard]] bool any() const { return station_ || access_point_; }

  // {"state": "connected", "ssid": "Café", ..., "access_point": {"state": "enabled", ...}}; see Station and
  // AccessPoint. Without a station "state" is "none"; without an access point there is no such member.
  [[nodiscard]] std::string state() const;
  // False: it is none of these commands, or not configured. Else the answer comes by host.reply. Throws a dtu::Failure;
  // no text of it contains a password.
  bool invoke(uint64_t call, std::string_view name, std::string_view args);
  void cancel(uint64_t call);

 private:
  void changed();
  void tell();

  dtu::Host host_;
  const dtu::Events events_{host_};
  std::unique_ptr<Station> station_;
  std::unique_ptr<AccessPoint> access_point_;
  std::unique_ptr<dtu::Timer> soon_;  // while started: changes come in crowds
  bool gathering_ = false;
  std::string told_;  // the last event
};

}  // namespace hal_linux
