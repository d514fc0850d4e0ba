#include "state_events.hpp"

#include <dtu/sdk/json.hpp>

#include <algorithm>

#include "at_commands.hpp"

namespace hal_ec600 {
namespace {

constexpr double kMost = 50, kPerSecond = 5, kNsPerS = 1e9, kMovedMetres = 50;
constexpr size_t kLongestLine = 1'024;

}  // namespace

void StateEvents::tell(const char* name, std::string& last, std::string state, const std::string& more) {
  if (state == last) return;
  if (events_.publish(name, "{" + state + more + "}") == DTU_AGAIN) return;  // the next look tells it
  last = std::move(state);
}

void StateEvents::look() {
  const auto value = [this](const char* point) {
    const std::string& json = values_.json(point);
    return json.empty() ? std::string("null") : json;
  };
  if (values_.get("network.data_state").at_ms >= 0)
    tell(radio_changed_event.name, radio_,
         "\"voice_state\":" + value("network.voice_state") + ",\"data_state\":" + value("network.data_state") +
             ",\"technology\":" + value("radio.technology") + ",\"operator\":" + value("radio.operator"),
         ",\"csq\":" + value("radio.csq"));
  if (values_.get("sim.state").at_ms >= 0) tell(sim_changed_event.name, sim_, "\"state\":" + value("sim.state"), "");

  const std::string& gnss = values_.json("location.gnss");
  if (gnss.empty() || gnss == moved_from_) return;
  const dtu::Json json(gnss);
  const readings::Position now{json["lat"].number(), json["lng"].number(), {}};
  if (!moved_from_.empty() && readings::metres(now, {lat_, lng_, {}}) < kMovedMetres) return;
  if (events_.publish(location_changed_event.name, gnss) == DTU_AGAIN) return;
  moved_from_ = gnss;
  lat_ = now.lat;
  lng_ = now.lng;
}

void StateEvents::line(std::string_view line) {
  const int64_t now = host_.monotonic_ns();
  tokens_ = std::min(kMost, tokens_ + static_cast<double>(now - filled_ns_) / kNsPerS * kPerSecond);
  filled_ns_ = now;
  if (tokens_ < 1) {
    ++left_out_;
    return;
  }
  tokens_ -= 1;
  if (events_.publish(modem_urc_event.name, line_as_json(line.substr(0, kLongestLine))) != DTU_OK) ++left_out_;
}

}  // namespace hal_ec600
