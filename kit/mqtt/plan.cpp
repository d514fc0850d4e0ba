#include <dtu/kit/mqtt/plan.hpp>
#include <dtu/kit/mqtt/topic.hpp>
#include <dtu/sdk/text.hpp>

namespace mqtt {
namespace {

using dtu::TextTemplate;

template <typename AnyPlan, typename Each>
void each_text(AnyPlan& plan, const Each& each) {
  each(plan.options.client_id);
  for (auto* message : {&plan.options.will, &plan.options.birth}) {
    each(message->topic);
    each(message->payload);
  }
  for (auto& subscription : plan.options.subscriptions) each(subscription.filter);
  for (auto& target : plan.targets) each(target.topic);
}

void check(const std::string& where, const std::string& topic, std::string (*check)(std::string_view)) {
  const std::string wrong = check(topic);
  if (!wrong.empty())
    throw dtu::Failure(DTU_E_INVALID, where + " is \"" + topic + "\" with the values of its placeholders: it " + wrong);
}

}  // namespace

std::string expand(std::string_view text, std::initializer_list<std::pair<std::string_view, std::string_view>> values) {
  std::string out;
  while (!text.empty()) {
    const size_t open = text.find('{');
    out += text.substr(0, open);
    if (open == std::string_view::npos) break;
    text.remove_prefix(open);
    const size_t close = text.find('}');
    const std::string_view name = close == std::string_view::npos ? text : text.substr(1, close - 1);
    const auto* known = values.begin();
    while (known != values.end() && known->first != name) ++known;
    const size_t length = known == values.end() ? 1 : close + 1;
    out += known == values.end() ? text.substr(0, 1) : known->second;
    text.remove_prefix(length);
  }
  return out;
}

dtu::PlaceholderSet used_in(std::string_view text) { return TextTemplate(text, TextTemplate::Form::text).uses(); }

std::string filled(std::string_view text, const dtu::PlaceholderValues& values) {
  return TextTemplate(text, TextTemplate::Form::text).fill(values);
}

dtu::PlaceholderSet used_in(const Plan& plan) {
  dtu::PlaceholderSet used;
  each_text(plan, [&](const std::string& text) { used.add(used_in(text)); });
  return used;
}

void fill(Plan& plan, const dtu::PlaceholderValues& values) {
  each_text(plan, [&](std::string& text) { text = filled(text, values); });
  if (!plan.options.will.topic.empty()) check("will.topic", plan.options.will.topic, check_topic);
  if (!plan.options.birth.topic.empty()) check("birth.topic", plan.options.birth.topic, check_topic);
  for (const Subscription& s : plan.options.subscriptions) check("subscribe." + s.id, s.filter, check_filter);
  for (const Target& t : plan.targets) check("publish." + t.id, t.topic, check_topic);
}

}  // namespace mqtt
