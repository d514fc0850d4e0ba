#include "commands/arguments.hpp"

#include <exception>
#include <vector>

#include "config/json_text.hpp"
#include "config/secrets.hpp"
#include "config/syntax.hpp"

namespace dtud::commands {

void Arguments::compile() {
  if (text_.empty() || schema_ != nullptr || !broken_.empty()) return;
  try {
    const config::Json schema = config::parse_trusted(text_);
    schema_ = config::Validator::make(schema, broken_);
    if (schema_ != nullptr) plain_.emplace(schema);
  } catch (const std::exception& e) {
    broken_ = std::string("it is not JSON: ") + e.what();
  }
}

bool Arguments::surely_right(const std::string& json) const {
  if (json.size() > config::kMaxDocument || (!text_.empty() && !plain_)) return false;
  if (json != "{}" && !config::check_syntax(json).empty()) return false;
  return text_.empty() ? json.find_first_not_of(" \t\r\n") == json.find('{') : plain_->surely_accepts(json);
}

std::string Arguments::wrong(const std::string& json) {
  compile();
  if (surely_right(json)) return {};
  config::Findings findings;
  const auto value = config::read_json(json, "arguments", findings);
  if (!value) return findings.empty() ? "the arguments are not a JSON object" : findings.front().message;
  if (text_.empty()) return {};
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
