// A script: lines of a condition and an action.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "words.hpp"

namespace sim::modem {

class Simulation;
using Act = std::function<void(Simulation&)>;

enum class When {
  at,     // once, this long after the start
  every,  // again and again
  on,     // each time the host sends the command, before its answer
  after,  // once, after the answer to the command was sent so often
};

struct Step {
  int line = 0;
  When when = When::at;
  int64_t ms = 0;
  std::string command;
  int64_t count = 0;
  bool sets = false;  // an action of module_actions()
  Act act;
};

// Throws ScriptError: "line 3: …".
[[nodiscard]] std::vector<Step> parse_script(std::string_view text);
// One action without a condition. Throws ScriptError.
[[nodiscard]] Act parse_action(std::string_view line);
// The conditions and actions, a line each.
[[nodiscard]] std::string script_help();

// A row of the table of actions.
struct Action {
  std::string_view name;
  std::string_view words;
  std::string_view help;
  Act (*parse)(Words&);
};
[[nodiscard]] const std::vector<Action>& module_actions();  // what the module is and knows
[[nodiscard]] const std::vector<Action>& line_actions();    // what happens on the line and to the power

}  // namespace sim::modem
