#include "kernel/registration.hpp"

#include <array>
#include <utility>

#include "config/json_text.hpp"
#include "config/json_value.hpp"

namespace dtud {
namespace {

constexpr int64_t kUnknownSignal = 99;  // as 3GPP TS 27.007 writes "not known or not detectable"

// A point's value: any JSON, while documents are objects.
config::Json value_of(const std::string& json) {
  config::Findings ignored;
  const auto wrapped = config::read_json("{\"v\":" + (json.empty() ? "null" : json) + "}", "", ignored);
  return wrapped ? config::as_object(*wrapped)->get("v") : config::Json();
}

std::string text_of(const std::string& json) { return config::as_text(value_of(json)); }
int64_t signal_of(const std::string& json) { return config::as_integer(value_of(json), kUnknownSignal); }

void replace_all(std::string& text, std::string_view name, const std::string& value) {
  for (size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size()))
    text.replace(at, name.size(), value);
}

}  // namespace

void Registration::channel_up(routing::Channel& channel) {
  if (!channel.registering || channel.instance.get() == channel.registrant) return;
  channel.registrant = channel.instance.get();
  auto facts = std::make_shared<Facts>();
  facts->channel = channel.id;
  facts->instance = channel.instance.get();
  ask(facts, 0);
}

void Registration::ask(const std::shared_ptr<Facts>& facts, size_t point) {
  static constexpr std::array<std::pair<const char*, std::string Facts::*>, 3> kPoints{
      {{"device.imei", &Facts::imei}, {"sim.iccid", &Facts::iccid}, {"radio.csq", &Facts::csq}}};
  if (point == kPoints.size()) return send(*facts);
  const auto done = [this, facts, point](const commands::Answer& a) {
    if (a.status == DTU_OK) (*facts).*(kPoints[point].second) = a.json;
    ask(facts, point + 1);
  };
  const auto refusal = calls_.read_point(kPoints[point].first, nullptr, done);
  if (refusal.status != DTU_OK) done(refusal);  // this board has no such point
}

void Registration::send(const Facts& facts) {
  routing::Channel* channel = router_.channel(facts.channel);
  if (channel == nullptr || channel->instance.get() != facts.instance || !channel->registering) return;
  std::string text = channel->config.registration.value_or("");
  if (!channel->config.registration) return router_.register_channel(*channel, "");
  if (text.empty()) {
    auto o = config::make_object();
    o->set("csq", signal_of(facts.csq));
    o->set("imei", text_of(facts.imei));
    o->set("iccid", text_of(facts.iccid));
    o->set("ver", version_());
    text = config::to_json(config::Json(o));
  } else {
    replace_all(text, "{imei}", text_of(facts.imei));
    replace_all(text, "{iccid}", text_of(facts.iccid));
    replace_all(text, "{csq}", std::to_string(signal_of(facts.csq)));
    replace_all(text, "{ver}", version_());
  }
  router_.register_channel(*channel, text);
}

}  // namespace dtud
