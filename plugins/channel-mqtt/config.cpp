#include "config.hpp"

#include <algorithm>
#include <dtu/kit/mqtt/settings.hpp>
#include <string>

namespace channel_mqtt {
namespace {

// Brokers take so many messages of QoS 2 at a time (mosquitto 20, HiveMQ 10). MQTT 5 tells us; with 3.1.1 mosquitto
// takes what is above it out of order.
constexpr uint32_t kQos2Window = 10;

bool publishes(const Config& config, int qos) {
  const auto& targets = config.plan.targets;
  return std::any_of(targets.begin(), targets.end(), [qos](const auto& t) { return t.qos == qos; });
}

}  // namespace

Config parse_config(std::string_view json) {
  const dtu::Json config(json);
  Config result;
  mqtt::Options& o = result.plan.options;
  mqtt::read_broker(config, o);
  o.client_id = config["clientID"].text();
  if (o.client_id.find('\0') != std::string::npos)
    throw dtu::Failure(DTU_E_INVALID, "clientID must not contain a NUL").at("/clientID");
  o.username = config["username"].text();
  o.password = config["password"].text();
  o.clean_session = config["cleanSession"].flag(true);
  o.version = config["version"].text() == "5" ? mqtt::Version::v5 : mqtt::Version::v3_1_1;
  o.will = mqtt::read_message(config, "will");
  o.birth = mqtt::read_message(config, "birth");
  o.subscriptions = mqtt::read_subscriptions(config);
  o.max_inflight = static_cast<uint32_t>(config["max_inflight"].integer(o.max_inflight));
  result.plan.targets = mqtt::read_targets(config);
  if (publishes(result, 2) && o.version == mqtt::Version::v3_1_1)
    o.max_inflight = std::min(o.max_inflight, kQos2Window);
  result.bound = !config["serialID"].text().empty();
  result.stored = config["offline_storage"].text("off") != "off";
  return result;
}

bool uses_qos(const Config& config, int qos) {
  const auto& filters = config.plan.options.subscriptions;
  return publishes(config, qos) ||
         std::any_of(filters.begin(), filters.end(), [qos](const auto& filter) { return filter.qos == qos; });
}

void check_config(std::string_view json, const dtu::Findings& found) {
  const Config config = parse_config(json);
  mqtt::Options o = config.plan.options;
  mqtt::check_broker(dtu::Json(json), o, found);
  if (config.bound && config.plan.targets.empty())
    found.error("/publish", "is empty: nothing that comes from the port could be sent; name a topic to publish to");
  if (!o.password.empty() && o.username.empty() && o.version == mqtt::Version::v3_1_1)
    found.warning("/username", "is empty and password is not: MQTT 3.1.1 allows no password without a user name");
  if (!o.clean_session && uses_qos(config, 2))
    found.warning("/cleanSession",
                  "is false, and QoS 2 needs true: QoS 1 is used instead, so a message may come twice");
  if (config.stored && publishes(config, 0))
    found.warning("/qos",
                  "is 0 with offline_storage on: the broker confirms nothing, so what is lost on the way is not sent "
                  "again; use qos 1");
  if (o.client_id.empty()) o.client_id = "(the IMEI)";
  mqtt::claim_client(o, "/clientID", found);
}

}  // namespace channel_mqtt
