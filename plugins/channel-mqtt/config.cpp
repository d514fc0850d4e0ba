#include "config.hpp"

#include <Poco/Dynamic/Var.h>
#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <dtu/kit/mqtt/topic.hpp>
#include <dtu/kit/tls/files.hpp>
#include <dtu/sdk/text.hpp>
#include <set>
#include <string>

namespace channel_mqtt {
namespace {

using Object = Poco::JSON::Object;

// Brokers take so many messages of QoS 2 at a time (mosquitto 20, HiveMQ 10). MQTT 5 tells us; with 3.1.1 mosquitto
// takes what is above it out of order.
constexpr uint32_t kQos2Window = 10;

// key: "will.topic".
[[noreturn]] void bad(const std::string& key, const std::string& why) {
  std::string path = "/" + key;
  std::replace(path.begin(), path.end(), '.', '/');
  throw dtu::Failure(DTU_E_INVALID, key + " " + why).at(path);
}

template <typename T>
T get(const Object& from, const std::string& key, T otherwise) {
  if (!from.has(key) || from.isNull(key)) return otherwise;
  try {
    return from.getValue<T>(key);
  } catch (const Poco::Exception&) {
    bad(key, "has a value of the wrong type");
  }
}

int get_qos(const Object& from, const std::string& path, int otherwise) {
  const int qos = get<int>(from, "qos", otherwise);
  if (qos < 0 || qos > 2) bad(path + "qos", "is " + std::to_string(qos) + ": 0, 1 and 2 are allowed");
  return qos;
}

uint32_t get_number(const Object& from, const std::string& key, uint32_t otherwise, uint32_t low, uint32_t high) {
  const auto value = get<int64_t>(from, key, otherwise);
  if (value < low || value > high)
    bad(key,
        "is " + std::to_string(value) + ": " + std::to_string(low) + " to " + std::to_string(high) + " are allowed");
  return static_cast<uint32_t>(value);
}

bool is_number(const std::string& id) {
  return !id.empty() && std::all_of(id.begin(), id.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Numbers by value and before the rest; the rest by spelling.
bool lower_id(const std::string& a, const std::string& b) {
  const bool a_number = is_number(a);
  if (a_number != is_number(b)) return a_number;
  if (!a_number) return a < b;
  const auto value = [](const std::string& id) {
    return id.substr(std::min(id.find_first_not_of('0'), id.size() - 1));
  };
  const std::string x = value(a);
  const std::string y = value(b);
  return x.size() != y.size() ? x.size() < y.size() : x < y;
}

// keepAlive: 0, "" and an absent one are the default.
uint32_t get_keep_alive(const Object& config) {
  constexpr uint32_t otherwise = 60;
  const auto value = config.get("keepAlive");
  if (value.isString() && value.extract<std::string>().empty()) return otherwise;
  const uint32_t seconds = get_number(config, "keepAlive", otherwise, 0, 65535);
  return seconds == 0 ? otherwise : seconds;
}

// "drop" or "deliver", of one subscription.
bool get_deliver_retained(const Object& entry, const std::string& path) {
  const auto retained = get<std::string>(entry, "retained", "drop");
  if (retained != "drop" && retained != "deliver")
    bad(path + ".retained", "is \"" + retained + "\": drop and deliver are allowed");
  return retained == "deliver";
}

struct Topic : mqtt::Target {
  bool deliver_retained = false;
};

std::vector<Topic> get_topics(const Object& config, const std::string& key, std::string (*check)(std::string_view)) {
  std::vector<Topic> topics;
  const Object::Ptr all = config.getObject(key);
  if (!all) return topics;
  const int qos = get_qos(config, "", 0);
  const bool retain = get<bool>(config, "retain", false);
  for (const auto& [id, value] : *all) {
    std::string path = key;
    path.append(".").append(id);
    if (id.empty() || id.size() > 15 || id == "99")
      bad(path, "has an id that is not allowed: 1 to 15 characters, and not 99");
    Topic target{{id, {}, qos, retain}};
    if (value.type() == typeid(Object::Ptr)) {
      const auto& entry = *value.extract<Object::Ptr>();
      target.topic = get<std::string>(entry, "topic", "");
      target.qos = get_qos(entry, std::string(path).append("."), qos);
      target.retain = get<bool>(entry, "retain", retain);
      target.deliver_retained = get_deliver_retained(entry, path);
    } else if (value.isString()) {
      target.topic = value.extract<std::string>();
    } else {
      bad(path, "must be a topic or an object with one");
    }
    if (const std::string wrong = check(target.topic); !wrong.empty()) bad(path, wrong);
    topics.push_back(std::move(target));
  }
  std::sort(topics.begin(), topics.end(), [](const auto& a, const auto& b) { return lower_id(a.id, b.id); });
  return topics;
}

mqtt::Tls get_tls(const Object& config) {
  mqtt::Tls tls;
  if (!config.has("tls") || config.isNull("tls")) return tls;
  const Object::Ptr files = config.getObject("tls");
  if (!files) {
    tls.on = get<bool>(config, "tls", false);
    return tls;
  }
  tls.on = true;
  tls.verify = get<bool>(*files, "verify", true);
  tls.ca = get<std::string>(*files, "ca", "");
  tls.cert = get<std::string>(*files, "cert", "");
  tls.key = get<std::string>(*files, "key", "");
  return tls;
}

// The will and the birth message.
mqtt::FixedMessage get_message(const Object& config, const std::string& key) {
  const Object::Ptr object = config.getObject(key);
  if (!object) return {};
  mqtt::FixedMessage message{get<std::string>(*object, "topic", ""), get<std::string>(*object, "payload", ""),
                             get_qos(*object, key + ".", 0), get<bool>(*object, "retain", false)};
  if (const std::string wrong = mqtt::check_topic(message.topic); !wrong.empty()) bad(key + ".topic", wrong);
  return message;
}

mqtt::Address address_of(const Object& config) {
  try {
    return mqtt::parse_address(get<std::string>(config, "url", ""));
  } catch (const dtu::Failure& failure) {
    throw dtu::Failure(failure.code(), failure.what()).at("/url");
  }
}

void set_address(const Object& config, mqtt::Options& options) {
  const mqtt::Address address = address_of(config);
  const uint32_t port = get_number(config, "port", 0, 0, 65535);
  if (port != 0 && address.port != 0 && port != address.port)
    bad("port", "is " + std::to_string(port) + " and url says " + std::to_string(address.port) + ": give one of them");
  options.tls.on = options.tls.on || address.tls;
  options.host = address.host;
  options.port = address.port != 0 ? address.port : static_cast<uint16_t>(port);
  if (options.port == 0) options.port = options.tls.on ? 8883 : 1883;
}

Config read(const Object& config) {
  Config result;
  mqtt::Options& o = result.options;
  o.tls = get_tls(config);
  set_address(config, o);
  o.client_id = get<std::string>(config, "clientID", "");
  if (o.client_id.find('\0') != std::string::npos) bad("clientID", "must not contain a NUL");
  o.username = get<std::string>(config, "username", "");
  o.password = get<std::string>(config, "password", "");
  o.keep_alive_s = get_keep_alive(config);
  o.clean_session = get<bool>(config, "cleanSession", true);
  const auto version = get<std::string>(config, "version", "3.1.1");
  if (version != "3.1.1" && version != "5") bad("version", "is \"" + version + "\": 3.1.1 and 5 are allowed");
  o.version = version == "5" ? mqtt::Version::v5 : mqtt::Version::v3_1_1;
  o.will = get_message(config, "will");
  o.birth = get_message(config, "birth");
  o.max_inflight = get_number(config, "max_inflight", 64, 1, 1024);
  if (const Object::Ptr reconnect = config.getObject("reconnect")) {
    o.reconnect_min_ms = get_number(*reconnect, "min_ms", 1000, 10, 3'600'000);
    const uint32_t most = get_number(*reconnect, "max_ms", 60'000, 10, 3'600'000);
    result.max_below_min = most < o.reconnect_min_ms;
    o.reconnect_max_ms = std::max(o.reconnect_min_ms, most);
  }
  for (Topic& t : get_topics(config, "subscribe", mqtt::check_filter))
    o.subscriptions.push_back({std::move(t.id), std::move(t.topic), t.qos, t.deliver_retained});
  get_qos(config, "", 0);  // also when no topic uses it
  for (Topic& t : get_topics(config, "publish", mqtt::check_topic)) result.targets.push_back(std::move(t));
  const bool qos_2 =
      std::any_of(result.targets.begin(), result.targets.end(), [](const auto& t) { return t.qos == 2; });
  if (qos_2 && o.version == mqtt::Version::v3_1_1) o.max_inflight = std::min(o.max_inflight, kQos2Window);
  result.bound = !get<std::string>(config, "serialID", "").empty();
  result.stored = get<std::string>(config, "offline_storage", "off") != "off";
  return result;
}

}  // namespace

Config parse_config(std::string_view json) {
  try {
    Poco::JSON::Parser parser;
    parser.setDepth(16);
    const auto object = parser.parse(std::string(json)).extract<Object::Ptr>();
    return read(*object);
  } catch (const Poco::Exception& e) {
    throw dtu::Failure(DTU_E_INVALID, "the configuration is not a JSON object: " + e.displayText());
  }
}

bool uses_qos(const Config& config, int qos) {
  const auto uses = [qos](const auto& topic) { return topic.qos == qos; };
  const auto& filters = config.options.subscriptions;
  return std::any_of(config.targets.begin(), config.targets.end(), uses) ||
         std::any_of(filters.begin(), filters.end(), uses);
}

void check_config(std::string_view json, const dtu::Findings& found) {
  const Config config = parse_config(json);
  const mqtt::Options& o = config.options;
  if (o.tls.on) tls::check_files({o.tls.ca, o.tls.cert, o.tls.key}, "/tls", found);
  if (config.bound && config.targets.empty())
    found.error("/publish", "is empty: nothing that comes from the port could be sent; name a topic to publish to");
  if (config.max_below_min) found.warning("/reconnect/max_ms", "is less than min_ms: min_ms is used for both");
  if (!o.password.empty() && o.username.empty() && o.version == mqtt::Version::v3_1_1)
    found.warning("/username", "is empty and password is not: MQTT 3.1.1 allows no password without a user name");
  if (!o.clean_session && uses_qos(config, 2))
    found.warning("/cleanSession",
                  "is false, and QoS 2 needs true: QoS 1 is used instead, so a message may come twice");
  const bool unconfirmed =
      std::any_of(config.targets.begin(), config.targets.end(), [](const auto& t) { return t.qos == 0; });
  if (config.stored && unconfirmed)
    found.warning("/qos",
                  "is 0 with offline_storage on: the broker confirms nothing, so what is lost on the way is not sent "
                  "again; use qos 1");
  found.claim("/clientID",
              "mqtt-client:" + mqtt::broker_name(o) + ":" + (o.client_id.empty() ? "(the IMEI)" : o.client_id));
}

}  // namespace channel_mqtt
