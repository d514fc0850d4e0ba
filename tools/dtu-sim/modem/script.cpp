#include "script.hpp"

#include <algorithm>
#include <array>

namespace sim::modem {
namespace {

struct Condition {
  std::string_view name;
  std::string_view words;
  std::string_view help;
  void (*parse)(Words&, Step&);
};

void parse_at(Words& words, Step& step) {
  step.when = When::at;
  step.ms = words.seconds_as_ms("a time");
}

void parse_every(Words& words, Step& step) {
  step.when = When::every;
  step.ms = std::max<int64_t>(1, words.seconds_as_ms("a time"));
}

void parse_on(Words& words, Step& step) {
  step.when = When::on;
  step.command = words.command();
}

void parse_after(Words& words, Step& step) {
  constexpr int64_t kMost = 1'000'000'000;
  step.when = When::after;
  step.count = words.number("a count", 1, kMost);
  step.command = words.command();
}

constexpr std::array<Condition, 4> kConditions{
    {{"at", "SECONDS", "once, so long after the start", parse_at},
     {"every", "SECONDS", "again and again", parse_every},
     {"on", "COMMAND", "each time the host sends it, before its answer", parse_on},
     {"after", "N COMMAND", "once, after the answer to it was sent N times", parse_after}}};

Act parse_action_words(Words& words, std::string_view also, bool* sets = nullptr) {
  const std::string name = words.text("an action");
  std::string list;
  for (const auto* table : {&module_actions(), &line_actions()})
    for (const Action& action : *table) {
      if (action.name == name) {
        Act act = action.parse(words);
        words.end();
        if (sets != nullptr) *sets = table == &module_actions();
        return act;
      }
      const std::string entry = ", " + std::string(action.name);
      if (list.size() < entry.size() || list.compare(list.size() - entry.size(), entry.size(), entry) != 0)
        list += entry;
    }
  Words::fail(name, "one of " + std::string(also) + list.substr(also.empty() ? 2 : 0));
}

std::string help_row(std::string_view name, std::string_view words, std::string_view help) {
  constexpr size_t kColumn = 40;
  std::string row = "  " + std::string(name) + (words.empty() ? "" : " ") + std::string(words);
  row.resize(std::max(row.size() + 2, kColumn), ' ');
  return row + std::string(help) + "\n";
}

}  // namespace

std::vector<Step> parse_script(std::string_view text) {
  std::vector<Step> steps;
  for (int number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    try {
      Words words(split_words(line));
      if (!words.more()) continue;
      Step step;
      step.line = number;
      for (const Condition& condition : kConditions)
        if (words.take(condition.name)) {
          condition.parse(words, step);
          break;
        }
      step.act = parse_action_words(words, "at, every, on, after", &step.sets);
      steps.push_back(std::move(step));
    } catch (const ScriptError& e) {
      throw ScriptError("line " + std::to_string(number) + ": " + e.what());
    }
  }
  return steps;
}

Act parse_action(std::string_view line) {
  Words words(split_words(line));
  return parse_action_words(words, "");
}

std::string script_help() {
  std::string out = "Conditions; a line without one is done at the start:\n";
  for (const Condition& each : kConditions) out += help_row(each.name, each.words, each.help);
  out += "Actions:\n";
  for (const auto* table : {&module_actions(), &line_actions()})
    for (const Action& each : *table) out += help_row(each.name, each.words, each.help);
  return out;
}

}  // namespace sim::modem
