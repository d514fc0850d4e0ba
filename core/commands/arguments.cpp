#include "commands/arguments.hpp"

#include "config/json_text.hpp"
#include "config/secrets.hpp"
#include "config/validate.hpp"

namespace dtud::commands {

std::string wrong_arguments(const std::string& schema, const std::string& json) {
  config::Findings findings;
  const auto value = config::read_json(json, "arguments", findings);
  if (!value) return findings.empty() ? "the arguments are not a JSON object" : findings.front().message;
  if (schema.empty()) return {};
  std::string broken;
  const auto validator = config::Validator::make(config::parse_trusted(schema), broken);
  if (validator == nullptr) return "its plugin gave a broken schema for the arguments: " + broken;
  std::vector<config::Problem> problems;
  config::Paths secrets;
  config::collect_secrets(*value, config::SchemaNode(validator->schema()), "", secrets);
  validator->check(*value, "", secrets, problems);
  std::string all;
  for (const config::Problem& p : problems)
    all += (all.empty() ? "" : "; ") + (p.path.empty() ? p.message : p.path + ": " + p.message);
  return all;
}

}  // namespace dtud::commands
