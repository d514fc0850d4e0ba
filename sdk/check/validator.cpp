// The one file that includes valijson.
#include <valijson/adapters/poco_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>

#include "config.hpp"

namespace dtu::check {

struct Validator::Compiled {
  valijson::Schema schema;
};

Validator::Validator(const Poco::Dynamic::Var& schema) : compiled_(std::make_unique<Compiled>()) {
  valijson::SchemaParser parser(valijson::SchemaParser::kDraft7);
  parser.populateSchema(valijson::adapters::PocoJsonAdapter(schema), compiled_->schema);
}

Validator::~Validator() = default;

std::string Validator::judge(const Poco::Dynamic::Var& value) const {
  valijson::Validator validator;
  valijson::ValidationResults results;
  if (validator.validate(compiled_->schema, valijson::adapters::PocoJsonAdapter(value), &results)) return {};
  std::string what = "it does not satisfy the schema";
  valijson::ValidationResults::Error error;
  size_t depth = 0;
  while (results.popError(error)) {  // the deepest place says most
    if (error.context.size() < depth) continue;
    depth = error.context.size();
    std::string where;
    for (size_t k = 1; k < error.context.size(); ++k) where += error.context[k];
    what = (where.empty() ? "" : where + ": ") + error.description;
  }
  return what;
}

}  // namespace dtu::check
