// Runs dtu-plugin-check and reads what it says.
#pragma once
#include <string>
#include <vector>

namespace check_test {

struct Found {
  std::string rule, severity, what;
};
struct Said {
  int exit_code = -1;
  std::string output;
  std::vector<Found> findings;
  [[nodiscard]] bool has(const std::string& rule) const;
};

[[nodiscard]] Said run(const std::string& program, const std::vector<std::string>& arguments);
[[nodiscard]] Said check(const std::string& program, std::vector<std::string> arguments);  // with --json, read

}  // namespace check_test
