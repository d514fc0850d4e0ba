// A simulated WiFi: commands wifi.*, point wifi.state, event wifi.changed. Two networks are in reach. [lane]
#pragma once
#include <dtu/sdk/component.hpp>
#include <dtu/sdk/events.hpp>

#include <functional>
#include <string>
#include <string_view>

namespace dtu {
class Json;
}

namespace hal_sim {

class BoardPoints;

inline constexpr const char* kWifiAtFirst = R"({"state":"disconnected","access_point":{"state":"disabled"}})";
constexpr dtu_event_info wifi_changed_event =
    dtu::state_event("wifi.changed", "The WiFi connected, disconnected or has other clients",
                     R"({"type": "object", "required": ["state"],
  "properties": {"state": {"type": "string"}, "access_point": {"type": "object"}}})");

class SimWifi {
 public:
  SimWifi(dtu::Host host, BoardPoints& points) : host_(host), points_(points) {}
  // None of them where the board has no wifi.state.
  void list(const std::function<void(const dtu_command_info&)>& each) const;
  // False: it is none of these. Passwords are looked at and not kept: any of 8 characters is right, "wrong password" is
  // not.
  bool invoke(uint64_t call, std::string_view name, std::string_view args);

 private:
  [[nodiscard]] std::string connect(const dtu::Json& args);
  [[nodiscard]] std::string access_point(const dtu::Json& args);
  [[nodiscard]] std::string clients() const;
  void changed();

  dtu::Host host_;
  const dtu::Events events_{host_};
  BoardPoints& points_;
  std::string station_ = R"("state":"disconnected")";  // members of the state
  std::string access_point_ = R"("state":"disabled")";
  bool serves_ = false;
};

}  // namespace hal_sim
