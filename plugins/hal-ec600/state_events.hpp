// The events of the modem: states only when they really changed, lines within a budget. [lane]
#pragma once
#include <dtu/sdk/events.hpp>

#include <optional>
#include <string>
#include <string_view>

#include "readings.hpp"
#include "values.hpp"

namespace hal_ec600 {

constexpr dtu_event_info radio_changed_event =
    dtu::state_event("radio.changed", "Registration or radio technology changed",
                     R"({"type": "object", "properties": {
  "voice_state": {"type": ["integer", "null"]}, "data_state": {"type": ["integer", "null"]},
  "technology": {"type": ["string", "null"]}, "operator": {"type": ["string", "null"]},
  "csq": {"type": ["integer", "null"]}}})");
constexpr dtu_event_info sim_changed_event =
    dtu::state_event("sim.changed", "The state of the SIM changed", R"({"type": "object", "required": ["state"],
  "properties": {"state": {"type": ["string", "null"]}}})");
constexpr dtu_event_info location_changed_event =
    dtu::state_event("location.changed", "The device moved", R"({"type": "object", "required": ["lat", "lng"],
  "properties": {"lat": {"type": "number"}, "lng": {"type": "number"}}})");
constexpr dtu_event_info modem_urc_event =
    dtu::event("modem.urc", "The modem sent a line by itself", R"({"type": "object", "properties": {
  "line": {"type": "string"}, "hex": {"type": "string"}}})");

class StateEvents {
 public:
  StateEvents(dtu::Host host, const Values& values) : host_(host), events_(host), values_(values) {}

  void look();  // after values changed
  // A line nobody knows: 50 at once, 5 a second; the others are counted.
  void line(std::string_view line);
  [[nodiscard]] uint64_t lines_left_out() const noexcept { return left_out_; }

 private:
  void tell(const char* name, std::string& last, std::string state, const std::string& more);

  dtu::Host host_;
  dtu::Events events_;
  const Values& values_;
  std::string radio_, sim_;  // as last told
  std::string moved_from_;   // the JSON of location.gnss last told
  double lat_ = 0, lng_ = 0;
  double tokens_ = 50;
  int64_t filled_ns_ = 0;
  uint64_t left_out_ = 0;
};

}  // namespace hal_ec600
