// The board as a station of a WiFi network, by wpa_supplicant. [lane]
#pragma once
#include <dtu/sdk/host.hpp>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wifi/control_socket.hpp"

namespace hal_linux {

class Station {
 public:
  // changed: the state is another one than before.
  Station(dtu::Host host, const std::string& control_path, std::function<void()> changed);
  void start();
  void stop();  // answers who waits

  // Members of a JSON object: "state":"connected","ssid":"Café","bssid":...,"frequency":2412,"address":"192.0.2.7".
  // state: connected, connecting, disconnected, disabled; unavailable, with "trouble", while wpa_supplicant is away.
  [[nodiscard]] const std::string& state() const { return state_; }

  // Each answers `call` later, or throws a dtu::Failure.
  // {"networks": [{"ssid", "bssid", "frequency", "channel", "signal_dbm", "security"}]}, the strongest first.
  void scan(uint64_t call);
  // ssid: bytes; password "": an open network. Answers the state when it is connected, with "saved": whether
  // wpa_supplicant keeps it over a restart. After a failure the networks are as they were before.
  void connect(uint64_t call, const std::string& ssid, const std::string& password);
  void disconnect(uint64_t call);
  void cancel(uint64_t call);

 private:
  struct Connecting {
    uint64_t call = 0;  // 0: nobody waits any more
    std::string ssid;
    int network = -1;       // its number, once wpa_supplicant gave one
    std::string before;     // the number of the network that was used until now; may be empty
    bool selected = false;  // events are about it
    std::string why;        // what went wrong last
  };
  void heard(std::string_view event);
  void heard_while_connecting(std::string_view event);
  void lost(const std::string& why);
  void refresh();
  void set_state(std::string state);
  void scanned();
  void fail_scan(const std::string& why);
  void add_network(const std::string& ssid, const std::string& password);
  void configure(const std::string& ssid, const std::string& password);
  void choose_keys(const std::string& password);
  void select();
  void connected();
  void give_up(std::string why);

  dtu::Host host_;
  const std::function<void()> changed_;
  ControlSocket control_;
  std::string state_;
  std::vector<uint64_t> scanning_;
  std::optional<Connecting> connecting_;
  int ours_ = -1;                                           // the network that the last wifi.connect added
  std::unique_ptr<dtu::Timer> scan_timer_, connect_timer_;  // while started
};

}  // namespace hal_linux
