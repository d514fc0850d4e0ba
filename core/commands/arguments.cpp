#include "commands/arguments.hpp"

#include <vector>

#include "config/json_text.hpp"
#include "config/secrets.hpp"

namespace dtud::commands {

std::string Arguments::wrong(const std::string& json) {
  config::Findings findings;
  const auto value = config::read_json(json, "arguments", findings);
  if (!value) return findings.empty() ? "the arguments are not a JSON object" : findings.front().message;
  if (text_.empty()) return {};
  if (schema_ == nullptr && broken_.empty()) schema_ = config::Validator::make(config::parse_trusted(text_), broken_);
  if (schema_ == nullptr) return "the plugin of this command has an invalid schema for the arguments: " + broken_;
  if (schema_->accepts(*value)) return {};
  std::vector<config::Problem> problems;
  config::Paths secrets;
  config::collect_secrets(*value, config::SchemaNode(schema_->schema()), "", secrets);
  schema_->check(*value, "", secrets, problems);
  std::string all;
  for (const config::Problem& p : problems)
    all += (all.empty() ? "" : "; ") + (p.path.empty() ? p.message : p.path + ": " + p.message);
  return all;
}

}  // namespace dtud::commands
