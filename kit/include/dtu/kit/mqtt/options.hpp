// What one MQTT client is told: the broker, who we are, what we subscribe to, how we reconnect. settings.hpp reads it
// from a configuration.
#pragma once
#include <cstddef>
#include <cstdint>
#include <dtu/kit/tls/settings.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace mqtt {

enum class Version { v3_1_1, v5 };
using Tls = tls::Settings;

struct Subscription {
  std::string id;
  std::string filter;
  int qos = 0;
  bool deliver_retained = false;  // else retained messages are dropped: what they say may be long over
};

struct Target {  // where a message is published
  std::string id;
  std::string topic;
  int qos = 0;
  bool retain = false;
};

struct FixedMessage {  // a will or a birth message
  std::string topic;   // "" = none
  std::string payload;
  int qos = 0;
  bool retain = false;
};

struct Options {
  std::string host;
  uint16_t port = 1883;
  Tls tls;
  std::string client_id;
  std::string username;    // "" = none
  std::string password;    // "" = none
  std::string login_hint;  // for people, when the broker refuses the login: "check product, device and secret"
  bool clean_session = true;
  Version version = Version::v3_1_1;
  FixedMessage will;
  FixedMessage birth;  // published after each connection and its subscriptions, before anything else
  std::vector<Subscription> subscriptions;
  uint32_t keep_alive_s = 60;
  uint32_t status_code = 4005;           // of the DTU protocol, for reports of this cloud's connection
  uint32_t connect_timeout_ms = 10'000;  // from the look-up of the name to the last SUBACK
  uint32_t reconnect_min_ms = 1'000;
  uint32_t reconnect_max_ms = 60'000;
  uint32_t max_inflight = 64;               // messages of QoS 1 and 2 handed over and not yet acknowledged
  uint32_t max_unacknowledged = 1024;       // those of QoS 0 the peer's TCP has not acknowledged, at most, besides
  uint64_t max_inflight_bytes = 1U << 20U;  // bytes of all of them; one message may always go
  size_t inbox_messages = 256;              // received and not yet taken by the lane
  size_t inbox_bytes = 4U << 20U;
};

// A broker's address as people write it: "host", "host:1884", "mqtt://host", "mqtts://[::1]:8884".
struct Address {
  std::string host;
  uint16_t port = 0;  // 0 = not said
  bool tls = false;   // the scheme asks for it
};
// Throws dtu::Failure that names what is wrong.
Address parse_address(std::string_view url);

std::string broker_name(const Options& options);  // "mqtts://host:8883", for people

}  // namespace mqtt
