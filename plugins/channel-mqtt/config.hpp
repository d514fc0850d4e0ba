// conf.<id> of an MQTT channel as the client wants it.
#pragma once
#include <mqtt/options.hpp>
#include <string_view>
#include <vector>

namespace channel_mqtt {

struct Config {
  mqtt::Options options;              // the subscriptions included; client_id may be ""
  std::vector<mqtt::Target> targets;  // lowest id first
};

// Keys it does not know are left alone: the kernel's own travel in the same object.
// Throws dtu::Failure that names the key, its value and what is allowed.
Config parse_config(std::string_view json);

}  // namespace channel_mqtt
