// The board as an access point, by hostapd. [lane]
#pragma once
#include <dtu/sdk/host.hpp>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "board/tree.hpp"
#include "wifi/control_socket.hpp"

namespace hal_linux {

struct AccessPointWish {
  bool enabled = true;
  std::string ssid;      // bytes; "": as it is
  std::string password;  // "": an open network, if ssid is given
  int channel = 0;       // 0: as it is
};

class AccessPoint {
 public:
  AccessPoint(dtu::Host host, const std::string& control_path, std::string interface, const Tree& tree,
              std::function<void()> changed);
  void start() { control_.start(); }
  void stop();

  // Members of a JSON object: "state":"enabled","ssid":"panel","channel":6,"clients":2. state: enabled, disabled, other
  // words of hostapd; unavailable, with "trouble".
  [[nodiscard]] const std::string& state() const { return state_; }

  // Each answers `call` later, or throws a dtu::Failure.
  void set(uint64_t call, const AccessPointWish& wish);
  // {"clients": [{"mac": "02:00:00:00:00:01", "address": "192.168.4.2", "signal_dbm": -40, "connected_s": 12}]}: the
  // address is the kernel's neighbour, where it has one.
  void clients(uint64_t call);

 private:
  struct Listing {
    uint64_t call = 0;
    std::string json;
    size_t count = 0;
    std::string last;  // the station after which the next is asked for
  };
  void heard(std::string_view event);
  void lost(const std::string& why);
  void refresh();
  void set_state(std::string state);
  void ask_station(const std::shared_ptr<Listing>& listing, const std::string& command);
  [[nodiscard]] std::string address_of(const std::string& mac) const;

  dtu::Host host_;
  const std::string interface_;
  const Tree tree_;
  const std::function<void()> changed_;
  ControlSocket control_;
  std::string state_;
  bool setting_ = false;
};

}  // namespace hal_linux
