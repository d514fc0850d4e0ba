// The subcommands.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "options.hpp"

namespace sim {

struct Command {
  std::string_view name;
  std::string_view summary;
  std::vector<Option> options;
  std::string_view examples;
  int (*run)(const Options&);  // the exit code
  std::string more{};          // of the help, behind the examples
};

[[nodiscard]] Command meter_command();
[[nodiscard]] Command modem_command();
[[nodiscard]] Command flood_command();
[[nodiscard]] Command sink_command();

}  // namespace sim
