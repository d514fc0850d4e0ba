// The MQTT channel: the client's name where none is set. The rest of it is mqtt::Channel of kit/mqtt.
#pragma once
#include <dtu/kit/mqtt/channel.hpp>
#include <string>

#include "config.hpp"

namespace channel_mqtt {

class Channel final : public mqtt::Channel {
 public:
  Channel(dtu::Host host, std::string_view config) : mqtt::Channel(host), given_(parse_config(config)) {}
  static void check(std::string_view config, dtu::Findings& found) { check_config(config, found); }

 private:
  [[nodiscard]] Wanted wanted() const override;
  mqtt::Plan plan(const dtu::PlaceholderValues& values) override;
  std::string kept_name();

  const Config given_;
};

}  // namespace channel_mqtt
