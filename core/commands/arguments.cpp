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

config::Json Arguments::read(const std::string& json) const {
  const config::Json value = config::parse_trusted(json);
  std::vector<config::Problem> ignored;
  const auto normal = schema_ != nullptr ? schema_->check(value, "", {}, ignored) : std::nullopt;
  if (!normal) return value;
  auto given = config::shared_object(value);
  for (const auto& key : given->getNames()) {
    const config::Json one = given->get(key);
    if (config::as_object(one) != nullptr || config::as_list(one) != nullptr) continue;
    if (config::as_object(*normal)->has(key))
      given->set(key, config::as_object(*normal)->get(key));
    else
      given->remove(key);  // a blank, which stands for the default
  }
  return value;
}

}  // namespace dtud::commands
