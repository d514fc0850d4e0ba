#include "placeholders.hpp"

#include <dtu/kit/mqtt/topic.hpp>

namespace channel_mqtt {
namespace {

using dtu::TextTemplate;

template <typename AnyConfig, typename Each>
void each_text(AnyConfig& config, const Each& each) {
  each(config.options.client_id);
  for (auto* message : {&config.options.will, &config.options.birth}) {
    each(message->topic);
    each(message->payload);
  }
  for (auto& subscription : config.options.subscriptions) each(subscription.filter);
  for (auto& target : config.targets) each(target.topic);
}

std::string wrong_topic(const std::string& where, const std::string& topic, std::string (*check)(std::string_view)) {
  const std::string wrong = check(topic);
  return wrong.empty() ? "" : where + " is \"" + topic + "\" with the values of its placeholders: it " + wrong;
}

}  // namespace

dtu::PlaceholderSet placeholders_in(const Config& config) {
  dtu::PlaceholderSet used;
  each_text(config, [&](const std::string& text) { used.add(TextTemplate(text, TextTemplate::Form::text).uses()); });
  return used;
}

std::string fill_placeholders(Config& config, const dtu::PlaceholderValues& values) {
  each_text(config, [&](std::string& text) { text = TextTemplate(text, TextTemplate::Form::text).fill(values); });
  std::string wrong;
  if (!config.options.will.topic.empty())
    wrong = wrong_topic("will.topic", config.options.will.topic, mqtt::check_topic);
  if (wrong.empty() && !config.options.birth.topic.empty())
    wrong = wrong_topic("birth.topic", config.options.birth.topic, mqtt::check_topic);
  for (const auto& s : config.options.subscriptions)
    if (wrong.empty()) wrong = wrong_topic("subscribe." + s.id, s.filter, mqtt::check_filter);
  for (const auto& t : config.targets)
    if (wrong.empty()) wrong = wrong_topic("publish." + t.id, t.topic, mqtt::check_topic);
  return wrong;
}

}  // namespace channel_mqtt
