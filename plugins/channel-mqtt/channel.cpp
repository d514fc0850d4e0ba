#include "channel.hpp"

#include <Poco/JSON/Object.h>

#include <algorithm>
#include <array>
#include <dtu/kit/mqtt/topic.hpp>
#include <random>
#include <sstream>

#include "placeholders.hpp"

namespace channel_mqtt {
namespace {

constexpr uint32_t kSendFailed = 5007;  // status code of the DTU protocol
constexpr std::string_view kNameKey = "client_id", kRejectedKey = "client_id.rejected";

std::string random_name() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device random;
  std::string name = "dtu-";
  for (int i = 0; i < 16; ++i) name += digits[random() % digits.size()];
  return name;
}

bool is_imei(std::string_view text) {
  return text.size() >= 14 && text.size() <= 16 && text.find_first_not_of("0123456789") == std::string_view::npos;
}

bool is_made_up(const std::string& name) {
  return name.size() == 20 && name.compare(0, 4, "dtu-") == 0 &&
         name.find_first_not_of("0123456789abcdef", 4) == std::string::npos;
}

dtu::Failure not_sent(std::string why) {
  return {DTU_E_CLOSED, std::move(why), DTU_ERR_RETRYABLE | DTU_ERR_CODE(kSendFailed)};
}

}  // namespace

Channel::Channel(dtu::Host host, std::string_view config)
    : Component(host), given_(parse_config(config)), config_(given_), values_(host) {}

// ---------------------------------------------------------------- life

dtu_status Channel::start() {
  if (!config_.options.clean_session && uses_qos(config_, 2))
    host_.warn("QoS 2 needs cleanSession: true; QoS 1 is used, so a message may come twice");
  dtu::PlaceholderSet used = placeholders_in(given_);
  dtu::PlaceholderSet silent;  // without a client id the IMEI is one; that there is none is logged with the name used
  if (given_.options.client_id.empty()) {
    if (!used.has(dtu::Placeholder::imei)) silent.add(dtu::Placeholder::imei);
    used.add(dtu::Placeholder::imei);
  }
  reading_ = true;
  values_.read(
      used, [this](const dtu::PlaceholderValues& values) { values_are(values); }, silent);
  return DTU_PENDING;
}

void Channel::values_are(const dtu::PlaceholderValues& values) {
  reading_ = false;
  config_ = given_;
  if (const std::string wrong = fill_placeholders(config_, values); !wrong.empty())
    return host_.report(DTU_STATE_FAILED, DTU_E_INVALID, wrong);
  std::string& client_id = config_.options.client_id;
  if (given_.options.client_id.empty() && is_imei(values[dtu::Placeholder::imei]))
    client_id = values[dtu::Placeholder::imei];
  if (client_id.empty()) client_id = kept_name();
  mqtt::Session::Handler& handler = *this;
  session_ = std::make_unique<mqtt::Session>(host_, config_.options, handler);
  session_->start(client_id);
}

std::string Channel::kept_name() {
  std::string name;
  const auto* kv = host_.service<dtu_kv_service>(DTU_KV_SERVICE);
  dtu_status got = DTU_E_NOT_FOUND;
  if (kv != nullptr)
    got = kv->get(
        host_.instance(), dtu::str(kNameKey),
        [](void* into, dtu_str value) { *static_cast<std::string*>(into) = std::string(dtu::view(value)); }, &name);
  if (got != DTU_OK || !is_made_up(name)) {
    const bool wrong = got == DTU_OK;
    if (wrong && dtu_kv_set(kv, host_.instance(), dtu::str(kRejectedKey), dtu::str(name)) >= DTU_OK)
      host_.warn("the stored client id (key client_id) is damaged: it is kept as client_id.rejected");
    name = random_name();
    if (!wrong && got != DTU_E_NOT_FOUND)
      host_.warn("the stored client id cannot be read: until it can be, the client id is " + name);
    else if (kv == nullptr || dtu_kv_set(kv, host_.instance(), dtu::str(kNameKey), dtu::str(name)) < DTU_OK)
      host_.warn("the made-up client id " + name + " could not be stored: it will be another one after a restart");
  }
  host_.info(given_.options.client_id.empty()
                 ? "the board has no IMEI and clientID is not set: the client id is " + name
                 : "clientID is empty without its values: the client id is " + name);
  return name;
}

dtu_status Channel::stop(uint32_t deadline_ms) {
  reading_ = false;
  values_.cancel();
  return session_ ? session_->stop(deadline_ms) : DTU_OK;
}

void Channel::writable(uint64_t /*source*/) {
  if (session_) session_->writable();
}

// ---------------------------------------------------------------- uplink

const mqtt::Target* Channel::find_target(std::string_view route) const {
  if (route.empty()) return config_.targets.empty() ? nullptr : &config_.targets.front();
  for (const mqtt::Target& target : config_.targets)
    if (target.id == route) return &target;
  return nullptr;
}

dtu_status Channel::send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  *taken = 0;
  if (!session_) throw not_sent("the MQTT channel is not started");
  for (; *taken < n; ++*taken) {
    const dtu_msg& message = msgs[*taken];
    const mqtt::Target* target = find_target(dtu::view(message.route));
    if (target == nullptr) {
      session_->reject(message.token,
                       message.route.len == 0
                           ? "there is no topic to publish to: set publish"
                           : "there is no topic id \"" + std::string(dtu::view(message.route)) + "\" in publish");
      continue;
    }
    switch (session_->publish(*target, message)) {
      case mqtt::Session::Sent::taken:
        break;
      case mqtt::Session::Sent::full:
        return DTU_AGAIN;
      case mqtt::Session::Sent::gone:
        throw not_sent("not connected to " + session_->status().broker);
    }
  }
  return DTU_OK;
}

dtu_status Channel::flush(uint32_t /*deadline_ms*/) {
  return session_ && session_->in_flight() > 0 ? DTU_PENDING : DTU_OK;
}

// ---------------------------------------------------------------- downlink

const std::string* Channel::find_subscription(std::string_view topic, bool retained) const {
  for (const mqtt::Subscription& s : config_.options.subscriptions)
    if (mqtt::matches(s.filter, topic) && (!retained || s.deliver_retained)) return &s.id;
  return nullptr;
}

bool Channel::deliver(const mqtt::Incoming& message) {
  const std::string* id = find_subscription(message.topic, message.retained);
  const std::array<dtu_prop, 1> props{{{dtu::str("topic"), dtu::str(message.topic)}}};
  dtu_msg out{};
  out.route = id == nullptr ? dtu_str{} : dtu::str(*id);  // from a subscription of an earlier configuration
  out.payload = dtu::str(message.payload);
  out.props = props.data();
  out.prop_count = props.size();
  out.flags = message.retained ? DTU_MSG_RETAINED : 0;
  uint32_t taken = 0;
  return host_.emit(&out, 1, &taken) != DTU_AGAIN;
}

// ---------------------------------------------------------------- health

std::string Channel::health() {
  if (!session_) return reading_ ? R"({"dtu_state":1})" : R"({"dtu_state":-1})";
  const mqtt::Session::Status status = session_->status();
  Poco::JSON::Object out;
  out.set("dtu_state", status.state);
  out.set("broker", status.broker);
  out.set("client_id", status.client_id);
  out.set("session_present", status.session_present);
  out.set("in_flight", status.in_flight);
  out.set("waiting_downlink", status.inbox);
  if (!status.text.empty()) out.set("error", status.text);
  Poco::JSON::Object tls;
  tls.set("on", config_.options.tls.on);
  if (config_.options.tls.on) {
    tls.set("verify", config_.options.tls.verify);
    if (!config_.options.tls.verify) tls.set("warning", "insecure: tls.verify is false");
  }
  out.set("tls", tls);
  std::ostringstream text;
  out.stringify(text);
  return text.str();
}

}  // namespace channel_mqtt
