// conf.<id> of an MQTT channel as the client wants it.
#pragma once
#include <dtu/kit/mqtt/options.hpp>
#include <dtu/sdk/check.hpp>
#include <string_view>
#include <vector>

namespace channel_mqtt {

struct Config {
  mqtt::Options options;              // the subscriptions included; client_id may be ""
  std::vector<mqtt::Target> targets;  // lowest id first
  bool bound = false;                 // to a port (serialID)
  bool stored = false;                // offline_storage is on
  bool max_below_min = false;         // reconnect.max_ms is less than min_ms, which is used
};
[[nodiscard]] bool uses_qos(const Config& config, int qos);  // to publish or to subscribe

// Keys it does not know are left alone: the kernel's own travel in the same object.
// Throws dtu::Failure that names the key, its value and what is allowed.
Config parse_config(std::string_view json);
// The same, and what shows before a connection: certificate files, topics and QoS that cannot work. See dtu_ops.check.
void check_config(std::string_view json, const dtu::Findings& found);

}  // namespace channel_mqtt
