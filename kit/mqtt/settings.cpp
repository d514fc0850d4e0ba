#include <algorithm>
#include <dtu/kit/mqtt/settings.hpp>
#include <dtu/kit/mqtt/topic.hpp>
#include <dtu/kit/tls/files.hpp>
#include <utility>

namespace mqtt {
namespace {

using dtu::Json;

// key: "will.topic".
[[noreturn]] void bad(const std::string& key, const std::string& why) {
  std::string path = "/" + key;
  std::replace(path.begin(), path.end(), '.', '/');
  throw dtu::Failure(DTU_E_INVALID, key + " " + why).at(path);
}

uint32_t number(const Json& value, uint32_t otherwise) { return static_cast<uint32_t>(value.integer(otherwise)); }

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

// Calls each(id, topic, entry) with `entry` an object, or nothing when only the topic is given.
template <typename Each>
void each_topic(const Json& config, const char* key, std::string (*check)(std::string_view), const Each& each) {
  config[key].each([&](std::string_view id, const Json& value) {
    const bool alone = !value.raw().empty() && value.raw().front() == '"';
    const Json entry = alone ? Json("{}") : value;
    const std::string topic = alone ? value.text() : entry["topic"].text();
    if (const std::string wrong = check(topic); !wrong.empty()) bad(std::string(key) + "." + std::string(id), wrong);
    each(std::string(id), topic, entry);
  });
}

template <typename Topic>
void sort_by_id(std::vector<Topic>& topics) {
  std::sort(topics.begin(), topics.end(), [](const Topic& a, const Topic& b) { return lower_id(a.id, b.id); });
}

Address address_of(const Json& config) {
  try {
    return parse_address(config["url"].text());
  } catch (const dtu::Failure& failure) {
    throw dtu::Failure(failure.code(), failure.what()).at("/url");
  }
}

}  // namespace

void read_broker(const Json& config, Options& options) {
  options.tls = tls::read_settings(config);
  const Address address = address_of(config);
  const uint32_t port = number(config["port"], 0);
  if (port != 0 && address.port != 0 && port != address.port)
    bad("port", "is " + std::to_string(port) + " and url says " + std::to_string(address.port) + ": give one of them");
  options.tls.on = options.tls.on || address.tls;
  options.host = address.host;
  options.port = address.port != 0 ? address.port : static_cast<uint16_t>(port);
  if (options.port == 0) options.port = options.tls.on ? 8883 : 1883;

  const Json keep_alive = config["keepAlive"];
  const uint32_t seconds = keep_alive.raw() == "\"\"" ? 0 : number(keep_alive, 0);
  if (seconds != 0) options.keep_alive_s = seconds;
  const Json reconnect = config["reconnect"];
  options.reconnect_min_ms = number(reconnect["min_ms"], options.reconnect_min_ms);
  options.reconnect_max_ms = std::max(options.reconnect_min_ms, number(reconnect["max_ms"], options.reconnect_max_ms));
}

std::vector<Target> read_targets(const Json& config) {
  std::vector<Target> out;
  const auto qos = config["qos"].integer();
  const bool retain = config["retain"].flag();
  each_topic(config, "publish", check_topic, [&](std::string id, std::string topic, const Json& entry) {
    out.push_back(
        {std::move(id), std::move(topic), static_cast<int>(entry["qos"].integer(qos)), entry["retain"].flag(retain)});
  });
  sort_by_id(out);
  return out;
}

std::vector<Subscription> read_subscriptions(const Json& config) {
  std::vector<Subscription> out;
  const auto qos = config["qos"].integer();
  each_topic(config, "subscribe", check_filter, [&](std::string id, std::string topic, const Json& entry) {
    out.push_back({std::move(id), std::move(topic), static_cast<int>(entry["qos"].integer(qos)),
                   entry["retained"].text("drop") == "deliver"});
  });
  sort_by_id(out);
  return out;
}

FixedMessage read_message(const Json& config, const std::string& key) {
  const Json object = config[key];
  if (!object.exists()) return {};
  FixedMessage message{object["topic"].text(), object["payload"].text(), static_cast<int>(object["qos"].integer()),
                       object["retain"].flag()};
  if (const std::string wrong = check_topic(message.topic); !wrong.empty()) bad(key + ".topic", wrong);
  return message;
}

void check_broker(const Json& config, const Options& options, const dtu::Findings& found) {
  if (options.tls.on) tls::check_files(options.tls, "/tls", found);
  const Json most = config["reconnect"]["max_ms"];
  if (most.exists() && most.integer() < options.reconnect_min_ms)
    found.warning("/reconnect/max_ms", "is less than min_ms: min_ms is used for both");
}

void claim_client(const Options& options, std::string_view path, const dtu::Findings& found) {
  found.claim(path, "mqtt-client:" + broker_name(options) + ":" + options.client_id);
}

}  // namespace mqtt
