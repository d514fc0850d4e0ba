// A channel to Acme, a cloud that does not exist, made of dtukit's kit. README.md has its topics.
#include <dtu/kit/mqtt/channel.hpp>
#include <dtu/kit/mqtt/login.hpp>
#include <dtu/kit/mqtt/requests.hpp>
#include <dtu/kit/mqtt/settings.hpp>
#include <dtu/kit/tls/hmac.hpp>
#include <dtu/sdk.hpp>

#include "schema.json.hpp"

namespace {

constexpr char kAskArgs[] = R"({"type": "object", "additionalProperties": false, "required": ["method"], "properties": {
  "method": {"title": "What is asked for", "type": "string", "minLength": 1, "maxLength": 64},
  "params": {"title": "More about it", "type": "object", "default": {}}}})";
constexpr char kBirth[] = R"({"online":true,"signal":"{csq}"})";
constexpr char kWill[] = R"({"online":false})";

struct Settings {
  mqtt::Options broker;
  std::string product, device, secret;
};

Settings read(std::string_view json) {
  const dtu::Json config(json);
  Settings s;
  mqtt::read_broker(config, s.broker);
  s.product = config["product"].text();
  s.device = config["device"].text("{imei}");
  s.secret = config["secret"].text();
  s.broker.client_id = s.product + "." + s.device;
  s.broker.login_hint = "look at product, device and secret";
  return s;
}

class Acme final : public mqtt::Channel, public dtu::CommandsIface {
 public:
  Acme(dtu::Host host, std::string_view config) : Channel(host), settings_(read(config)), requests_(host) {}

  static void check(std::string_view config, dtu::Findings& found) {
    const Settings s = read(config);
    mqtt::check_broker(dtu::Json(config), s.broker, found);
    mqtt::claim_client(s.broker, "/device", found);
  }

  void list_commands(const Each& each) override {
    dtu_command_info info{};
    info.struct_size = sizeof info;
    info.name = dtu::str("acme.ask");
    info.title = dtu::str("Asks the cloud");
    info.args_schema = dtu::str(kAskArgs);
    each(info);
  }

  dtu_status invoke(uint64_t call, std::string_view name, std::string_view args,
                    const dtu_caller& /*caller*/) override {
    if (name != "acme.ask") throw dtu::Failure(DTU_E_NOT_FOUND, "there is no command " + std::string(name));
    const dtu::Json asked(args);
    const auto params = asked["params"];
    const auto send = [&](const std::string& id) {
      publish(target("ask"), R"({"id":")" + id + R"(","method":)" + dtu::quoted(asked["method"].text()) +
                                 R"(,"params":)" + std::string(params.exists() ? params.raw() : "{}") + "}");
    };
    requests_.ask(send, [this, call](dtu_status status, std::string_view answer) {
      if (status != DTU_OK)
        host_.reply_error(call, status, answer, DTU_ERR_RETRYABLE);
      else
        host_.reply(call, answer);
    });
    return DTU_OK;
  }

 private:
  [[nodiscard]] std::string topic(std::string_view last) const {
    return mqtt::expand("acme/{product}/{device}/", {{"product", settings_.product}, {"device", device_}}).append(last);
  }
  [[nodiscard]] mqtt::Target target(std::string_view last) const { return {std::string(last), topic(last), 1, false}; }

  [[nodiscard]] Wanted wanted() const override {
    Wanted wanted{mqtt::used_in(settings_.device), {}};
    wanted.values.add(mqtt::used_in(kBirth));
    return wanted;
  }

  mqtt::Plan plan(const dtu::PlaceholderValues& values) override {
    device_ = mqtt::filled(settings_.device, values);
    mqtt::Plan plan{settings_.broker, {target("up")}};
    for (const char* last : {"down", "order", "answer"})
      plan.options.subscriptions.push_back({last, topic(last), 1, false});
    plan.options.birth = {topic("state"), kBirth, 1, true};
    plan.options.will = {topic("state"), kWill, 1, true};
    mqtt::fill(plan, values);
    return plan;
  }

  void prepare(mqtt::Options& options) override {
    const std::string time = std::to_string(mqtt::login_time());
    options.username = device_ + "&" + settings_.product + "&" + time;
    options.password = tls::hex(tls::hmac(tls::Hash::sha256, settings_.secret, options.client_id + "&" + time));
  }

  void disconnected() override { requests_.close("the connection to the cloud ended"); }

  bool deliver(const mqtt::Message& message) override {
    if (message.topic == topic("answer")) {
      const dtu::Json answer(message.payload);
      requests_.answer(answer["id"].text(), answer["result"].exists() ? answer["result"].raw() : "null");
    } else if (message.topic == topic("order")) {
      obey(dtu::Json(message.payload));
    } else {
      return to_port(message);
    }
    return true;
  }

  // {"subscribe": FILTER} and {"unsubscribe": FILTER}: done, and what came of it is told.
  void obey(const dtu::Json& order) {
    const auto tell = [this](const mqtt::Outcome& outcome) {
      publish(target("told"), R"({"filter":)" + dtu::quoted(outcome.filter) + R"(,"ok":)" +
                                  (outcome.status == DTU_OK ? "true" : "false") + R"(,"why":)" +
                                  dtu::quoted(outcome.text) + "}");
    };
    if (const std::string filter = order["subscribe"].text(); !filter.empty()) subscribe({"", filter, 1, false}, tell);
    if (const std::string filter = order["unsubscribe"].text(); !filter.empty()) unsubscribe(filter, tell);
  }

  const Settings settings_;
  std::string device_;  // with the values of its placeholders
  mqtt::Requests requests_;
};

DTU_COMPONENT(acme, Acme, DTU_KIND_CHANNEL, "acme", "Acme cloud", schema_json, DTU_CAP_TOPICS, dtu::channel_iface<Acme>,
              dtu::commands_iface<Acme>);

}  // namespace

DTU_PLUGIN("com.acme.channel", "1.0.0", "Acme Ltd", "Apache-2.0", "channel:acme", &acme);
