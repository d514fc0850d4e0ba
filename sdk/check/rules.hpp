// Every rule the checker knows: what it says, where it is written, how to mend what breaks it. One table: the checks
// name rules by id, --list prints it, the README is compared with it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace dtu::check {

enum class Severity { note, warning, error };

struct Rule {
  const char* id;  // "data.twice": the part before the dot is its group
  Severity severity;
  const char* says;   // one sentence
  const char* where;  // header and entity, or policy
  const char* mend;   // what to do
};

[[nodiscard]] const std::vector<Rule>& all_rules();
[[nodiscard]] const Rule& rule(std::string_view id);  // std::out_of_range for an id that is not in the table
[[nodiscard]] bool is_rule(std::string_view id);      // or a group: "data"
[[nodiscard]] bool covers(std::string_view only, std::string_view id);  // "data" and "data.twice" cover "data.twice"
[[nodiscard]] std::string_view name_of(Severity severity);

struct Finding {
  std::string rule;
  std::string component;  // "channel:mqtt"; "" = the file
  std::string during;     // the check that found it: "use", "refusal: buf_alloc"
  std::string what;       // function, instance, values
};

}  // namespace dtu::check
