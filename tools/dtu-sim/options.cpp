#include "options.hpp"

#include <algorithm>
#include <charconv>

namespace sim {

Options::Options(const std::vector<Option>& table, const std::vector<std::string>& args) {
  for (const Option& option : table)
    if (!option.otherwise.empty()) values_.emplace(option.name, option.otherwise);
  for (size_t i = 0; i < args.size(); ++i) {
    const std::string_view word = args[i];
    const auto known = std::find_if(table.begin(), table.end(), [&](const Option& option) {
      return word.size() > 2 && word.substr(0, 2) == "--" && word.substr(2) == option.name;
    });
    if (known == table.end()) throw UsageError("unknown option " + args[i]);
    if (!known->value.empty() && i + 1 == args.size()) throw UsageError(args[i] + " needs a value");
    values_[std::string(known->name)] = known->value.empty() ? "1" : args[++i];
  }
}

std::string Options::text(std::string_view name) const {
  const auto it = values_.find(std::string(name));
  return it == values_.end() ? "" : it->second;
}

int64_t Options::number(std::string_view name, int64_t least, int64_t most) const {
  const std::string value = text(name);
  int64_t out = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), out);
  if (error != std::errc{} || end != value.data() + value.size() || out < least || out > most)
    throw UsageError("--" + std::string(name) + " is \"" + value + "\": a whole number from " + std::to_string(least) +
                     " to " + std::to_string(most) + " is needed");
  return out;
}

std::string help_lines(const std::vector<Option>& table) {
  constexpr size_t kColumn = 20;
  std::string out;
  for (const Option& option : table) {
    std::string head =
        "  --" + std::string(option.name) + (option.value.empty() ? "" : " ") + std::string(option.value);
    head.resize(std::max(head.size() + 2, kColumn), ' ');
    out += head + std::string(option.help);
    if (!option.otherwise.empty()) out += " (default " + std::string(option.otherwise) + ")";
    out += '\n';
  }
  return out;
}

}  // namespace sim
