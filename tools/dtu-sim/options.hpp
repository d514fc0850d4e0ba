// The command line of one subcommand: options from a table, which is also the help.
#pragma once
#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace sim {

// The command line is wrong: exit code 2.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

struct Option {
  std::string_view name;   // "every"
  std::string_view value;  // "MS"; "" for a switch
  std::string_view help;
  std::string_view otherwise;  // the default; "" for none
};

class Options {
 public:
  // Throws UsageError naming the option that is unknown or has no value.
  Options(const std::vector<Option>& table, const std::vector<std::string>& args);

  [[nodiscard]] bool has(std::string_view name) const { return values_.count(std::string(name)) != 0; }
  [[nodiscard]] std::string text(std::string_view name) const;  // "" when absent
  // Throws UsageError unless it is a whole number from least to most.
  [[nodiscard]] int64_t number(std::string_view name, int64_t least, int64_t most) const;

 private:
  std::map<std::string, std::string> values_;
};

[[nodiscard]] std::string help_lines(const std::vector<Option>& table);

}  // namespace sim
