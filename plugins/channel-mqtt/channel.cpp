#include "channel.hpp"

#include <Poco/JSON/Object.h>

#include <algorithm>
#include <array>
#include <mqtt/topic.hpp>
#include <random>
#include <sstream>

namespace channel_mqtt {
namespace {

constexpr int64_t kImeiWaitNs = 5'000'000'000;
constexpr int64_t kImeiRetryNs = 500'000'000;  // a modem that starts up cannot tell yet
constexpr uint32_t kSendFailed = 5007;         // status code of the DTU protocol
constexpr std::string_view kNameKey = "client_id";

std::string random_name() {
  constexpr std::string_view digits = "0123456789abcdef";
  std::random_device random;
  std::string name = "dtu-";
  for (int i = 0; i < 16; ++i) name += digits[random() % digits.size()];
  return name;
}

// The text in a JSON string of digits or a number; "" when it is anything else.
std::string imei_text(std::string_view json) {
  if (json.size() >= 2 && json.front() == '"' && json.back() == '"') json = json.substr(1, json.size() - 2);
  const bool digits = json.find_first_not_of("0123456789") == std::string_view::npos;
  return digits && json.size() >= 14 && json.size() <= 16 ? std::string(json) : std::string();
}

dtu::Failure not_sent(std::string why) {
  return {DTU_E_CLOSED, std::move(why), DTU_ERR_RETRYABLE | DTU_ERR_CODE(kSendFailed)};
}

bool uses_qos_2(const Config& config) {
  const auto is_2 = [](const auto& topic) { return topic.qos == 2; };
  return std::any_of(config.targets.begin(), config.targets.end(), is_2) ||
         std::any_of(config.options.subscriptions.begin(), config.options.subscriptions.end(), is_2);
}

}  // namespace

Channel::Channel(dtu::Host host, std::string_view config) : Component(host), config_(parse_config(config)) {}

// ---------------------------------------------------------------- life

dtu_status Channel::start() {
  mqtt::Session::Handler& handler = *this;
  session_ = std::make_unique<mqtt::Session>(host_, config_.options, handler);
  if (!config_.options.clean_session && uses_qos_2(config_))
    host_.warn("QoS 2 needs cleanSession: true; QoS 1 is used, so a message may come twice");
  if (config_.options.client_id.empty())
    ask_imei();
  else
    connect(config_.options.client_id);
  return DTU_PENDING;
}

void Channel::ask_imei() {
  imei_timer_ = std::make_unique<dtu::Timer>(host_, [this] { on_imei_timer(); });
  imei_until_ns_ = host_.monotonic_ns() + kImeiWaitNs;
  read_imei();
}

void Channel::read_imei() {
  const auto* invoke = host_.service<dtu_invoke_service>(DTU_INVOKE_SERVICE);
  if (invoke == nullptr) return use_kept_name();
  const auto done = [](void* self, const dtu_answer* answer) { static_cast<Channel*>(self)->imei_is(*answer); };
  imei_timer_->arm_us(static_cast<uint64_t>(std::max<int64_t>(imei_until_ns_ - host_.monotonic_ns(), 0)) / 1000 + 1);
  imei_asked_ = invoke->read_point(host_.instance(), dtu::str("device.imei"), done, this, nullptr) == DTU_OK;
  if (!imei_asked_) use_kept_name();
}

void Channel::imei_is(const dtu_answer& answer) {
  imei_asked_ = false;
  if (!imei_timer_) return;  // too late: connected under another name, or stopped
  std::string imei = answer.status == DTU_OK ? imei_text(dtu::view(answer.json)) : std::string();
  if (!imei.empty()) return connect(std::move(imei));
  const bool may_come =
      answer.status != DTU_OK && answer.status != DTU_E_NOT_FOUND && answer.status != DTU_E_UNSUPPORTED;
  const int64_t left = imei_until_ns_ - host_.monotonic_ns();
  if (!may_come || left <= 0) return use_kept_name();
  imei_timer_->arm_us(static_cast<uint64_t>(std::min(left, kImeiRetryNs)) / 1000 + 1);
}

void Channel::on_imei_timer() {
  if (imei_asked_ || host_.monotonic_ns() >= imei_until_ns_) return use_kept_name();
  read_imei();
}

void Channel::use_kept_name() {
  std::string name;
  const auto* kv = host_.service<dtu_kv_service>(DTU_KV_SERVICE);
  if (kv != nullptr)
    kv->get(
        host_.instance(), dtu::str(kNameKey),
        [](void* into, dtu_str value) { *static_cast<std::string*>(into) = std::string(dtu::view(value)); }, &name);
  if (name.empty()) {
    name = random_name();
    if (kv == nullptr || kv->set(host_.instance(), dtu::str(kNameKey), dtu::str(name)) != DTU_OK)
      host_.warn("the made-up client id " + name + " could not be stored: it will be another one after a restart");
  }
  host_.info("no IMEI to be had and no clientID set: the client id is " + name);
  connect(std::move(name));
}

void Channel::connect(std::string client_id) {
  session_->start(std::move(client_id));
  imei_timer_.reset();
}

dtu_status Channel::stop(uint32_t deadline_ms) {
  imei_timer_.reset();
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
  if (!session_) return R"({"dtu_state":-1})";
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
