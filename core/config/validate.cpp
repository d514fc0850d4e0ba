// The one file that includes valijson: its templates are the heaviest thing in this folder.
#include "config/validate.hpp"

#include <algorithm>
#include <stdexcept>
#include <valijson/adapters/poco_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "config/lenient.hpp"

namespace dtud::config {

namespace {

constexpr int kDeepest = 64;

// Whether a schema has "pattern" or "patternProperties" anywhere; true as well for one that is too deep to look
// through.
bool names_a_pattern(const Json& schema, int depth) {
  if (depth == kDeepest) return true;
  if (const auto* list = as_list(schema)) {
    return std::any_of(list->begin(), list->end(), [&](const auto& item) { return names_a_pattern(item, depth + 1); });
  }
  const auto* object = as_object(schema);
  if (object == nullptr) return false;
  return std::any_of(object->begin(), object->end(), [&](const auto& member) {
    return member.first == "pattern" || member.first == "patternProperties" ||
           names_a_pattern(member.second, depth + 1);
  });
}

// Throws for references that lead to nothing but each other: valijson would follow them until the stack is full.
void refuse_circles(const Schema& schema, const Json& node, int depth) {
  if (depth == kDeepest) return;
  if (const auto* list = as_list(node))
    for (const auto& item : *list) refuse_circles(schema, item, depth + 1);
  const auto* object = as_object(node);
  if (object == nullptr) return;
  if (as_text(object->get("$ref")).substr(0, 1) == "#") (void)SchemaNode(schema, node);
  for (const auto& [key, value] : *object) refuse_circles(schema, value, depth + 1);
}

}  // namespace

struct Validator::Compiled {
  valijson::Schema schema;
};

Validator::Validator(const Json& schema)
    : schema_(schema), has_patterns_(names_a_pattern(schema, 0)), compiled_(std::make_unique<Compiled>()) {
  refuse_circles(schema_, schema_.root(), 0);
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  parser.populateSchema(valijson::adapters::PocoJsonAdapter(schema_.root()), compiled_->schema);
}

Validator::~Validator() = default;

std::unique_ptr<Validator> Validator::make(const Json& schema, std::string& error) {
  try {
    if (as_object(schema) == nullptr) throw std::runtime_error("it is not an object");
    return std::unique_ptr<Validator>(new Validator(schema));
  } catch (const std::exception& e) {
    error = e.what();
    return nullptr;
  }
}

bool Validator::accepts(const Json& value) const {
  if (has_patterns_) return false;
  valijson::Validator validator;
  return validator.validate(compiled_->schema, valijson::adapters::PocoJsonAdapter(value), nullptr);
}

std::optional<Json> Validator::check(const Json& value, const std::string& path, const Paths& secrets,
                                     std::vector<Problem>& problems) const {
  schema_.forget_refusals();
  try {
    const SchemaNode root(schema_);
    Json normal = normalised(value, root);
    auto found = explain(normal, root, path, secrets);
    if (found.empty()) {
      if (auto problem = judged(normal, path)) found.push_back(std::move(*problem));
    }
    problems.insert(problems.end(), found.begin(), found.end());
    return std::optional<Json>(std::in_place, normal);
  } catch (const std::exception& e) {
    problems.push_back({Problem::Kind::value, path, std::string("the schema for this cannot be used: ") + e.what()});
    return std::nullopt;
  }
}

// valijson has the last word, on keywords we have no words for too.
std::optional<Problem> Validator::judged(const Json& value, const std::string& path) const {
  if (schema_.refused_to_match())
    return Problem{
        Problem::Kind::value, path,
        "holds a text of more than " + std::to_string(kMaxMatched) + " bytes where its schema has a pattern"};
  valijson::Validator validator;
  valijson::ValidationResults results;
  if (validator.validate(compiled_->schema, valijson::adapters::PocoJsonAdapter(value), &results)) return std::nullopt;
  std::string where = path;  // the deepest place it names: "<root>", "[port]", ...
  valijson::ValidationResults::Error error;
  size_t depth = 0;
  while (results.popError(error)) {
    if (error.context.size() <= depth) continue;
    depth = error.context.size();
    where = path;
    for (size_t i = 1; i < error.context.size(); ++i) {
      const auto& step = error.context[i];
      where = below(where, step.size() > 2 && step.front() == '[' ? step.substr(1, step.size() - 2) : step);
    }
  }
  return Problem{Problem::Kind::value, where, "does not satisfy its schema: see the README of its plugin"};
}

}  // namespace dtud::config
