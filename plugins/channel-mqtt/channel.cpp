#include "channel.hpp"

#include <random>

namespace channel_mqtt {
namespace {

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

}  // namespace

Channel::Wanted Channel::wanted() const {
  if (!given_.plan.options.clean_session && uses_qos(given_, 2))
    host_.warn("QoS 2 needs cleanSession: true; QoS 1 is used, so a message may come twice");
  Wanted wanted;
  wanted.values = mqtt::used_in(given_.plan);
  if (given_.plan.options.client_id.empty()) {
    // Without a client id the IMEI is one; that there is none is logged with the name used.
    if (!wanted.values.has(dtu::Placeholder::imei)) wanted.silent.add(dtu::Placeholder::imei);
    wanted.values.add(dtu::Placeholder::imei);
  }
  return wanted;
}

mqtt::Plan Channel::plan(const dtu::PlaceholderValues& values) {
  mqtt::Plan plan = given_.plan;
  mqtt::fill(plan, values);
  std::string& client_id = plan.options.client_id;
  if (given_.plan.options.client_id.empty() && is_imei(values[dtu::Placeholder::imei]))
    client_id = values[dtu::Placeholder::imei];
  if (client_id.empty()) client_id = kept_name();
  return plan;
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
  host_.info(given_.plan.options.client_id.empty()
                 ? "the board has no IMEI and clientID is not set: the client id is " + name
                 : "clientID is empty without its values: the client id is " + name);
  return name;
}

}  // namespace channel_mqtt
