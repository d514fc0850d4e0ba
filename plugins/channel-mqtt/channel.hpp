// The MQTT channel: topic ids to topics, and the client's name. The client itself is mqtt::Session of kit/mqtt.
#pragma once
#include <dtu/kit/mqtt/session.hpp>
#include <dtu/sdk/component.hpp>
#include <dtu/sdk/placeholder_values.hpp>
#include <memory>
#include <string>

#include "config.hpp"

namespace channel_mqtt {

class Channel final : public dtu::Component, public dtu::ChannelIface, private mqtt::Session::Handler {
 public:
  Channel(dtu::Host host, std::string_view config);
  static void check(std::string_view config, dtu::Findings& found) { check_config(config, found); }

  dtu_status start() override;
  dtu_status stop(uint32_t deadline_ms) override;
  void writable(uint64_t source) override;
  std::string health() override;
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override;
  dtu_status flush(uint32_t deadline_ms) override;

 private:
  bool deliver(const mqtt::Incoming& message) override;
  const mqtt::Target* find_target(std::string_view route) const;
  const std::string* find_subscription(std::string_view topic, bool retained) const;
  void values_are(const dtu::PlaceholderValues& values);
  std::string kept_name();

  const Config given_;
  Config config_;  // with the values of its placeholders
  dtu::HostPlaceholders values_;
  bool reading_ = false;  // the values are still to come
  std::unique_ptr<mqtt::Session> session_;
};

}  // namespace channel_mqtt
