// conf.<id> of an MQTT channel as the client wants it.
#pragma once
#include <dtu/kit/mqtt/plan.hpp>
#include <dtu/sdk/check.hpp>
#include <string_view>

namespace channel_mqtt {

struct Config {
  mqtt::Plan plan;      // its client_id may be "": the IMEI, or a name that is made up
  bool bound = false;   // to a port (serialID)
  bool stored = false;  // offline_storage is on
};
[[nodiscard]] bool uses_qos(const Config& config, int qos);  // to publish or to subscribe

// json: what the schema admits, so only what a schema cannot say is checked: see kit/mqtt/settings.hpp.
Config parse_config(std::string_view json);
// The same, and what shows before a connection: certificate files, topics and QoS that cannot work. See dtu_ops.check.
void check_config(std::string_view json, const dtu::Findings& found);

}  // namespace channel_mqtt
