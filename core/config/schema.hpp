// Reading a JSON Schema (draft-07) piece by piece: to convert by it, to explain by it, to find its secrets.
#pragma once
#include <map>
#include <regex>
#include <string>
#include <vector>

#include "config/json_value.hpp"

namespace dtud::config {

// Schemas nest and refer to each other; one that never ends is refused with std::runtime_error.
constexpr int kMaxSchemaSteps = 256;
// std::regex recurses over its subject: a longer text is not matched but refused.
constexpr size_t kMaxMatched = 1024;

// A whole schema. Not thread-safe: it remembers compiled patterns.
class Schema {
 public:
  explicit Schema(const Json& root) : root_(root) {}
  [[nodiscard]] const Json& root() const { return root_; }
  [[nodiscard]] bool matches(const std::string& pattern, const std::string& text) const;  // false when text is too long
  [[nodiscard]] bool refused_to_match() const { return refused_; }  // a text was too long since forget_refusals()
  void forget_refusals() const { refused_ = false; }
  [[nodiscard]] Json referred(const std::string& reference) const;  // "#/definitions/port"

 private:
  Json root_;
  mutable std::map<std::string, std::regex> patterns_;
  mutable bool refused_ = false;
};

// One place in a schema, references resolved. Valid as long as its Schema.
class SchemaNode {
 public:
  explicit SchemaNode(const Schema& schema) : SchemaNode(schema, schema.root()) {}
  SchemaNode(const Schema& schema, const Json& node);

  [[nodiscard]] bool rejects_all() const;              // the schema `false`
  [[nodiscard]] Json keyword(const char* name) const;  // empty when absent
  [[nodiscard]] bool has(const char* name) const;
  [[nodiscard]] bool is_secret() const;                                    // writeOnly, or x-secret
  [[nodiscard]] std::vector<std::string> types() const;                    // "type", as a list; empty = any
  [[nodiscard]] std::vector<SchemaNode> branches(const char* name) const;  // allOf, anyOf, oneOf
  [[nodiscard]] std::vector<SchemaNode> single(const char* name) const;    // if, not, ...: one or none
  [[nodiscard]] std::vector<SchemaNode> with_branches() const;  // itself and everything it combines, 16 levels deep
  [[nodiscard]] std::vector<SchemaNode> member(const std::string& key) const;  // what applies to the value of `key`
  [[nodiscard]] bool knows(const std::string& key) const;  // false: only additionalProperties speaks of it
  [[nodiscard]] std::vector<std::string> keys() const;     // of "properties"
  [[nodiscard]] std::vector<SchemaNode> item(size_t index) const;
  [[nodiscard]] bool matches(const std::string& pattern, const std::string& text) const;

 private:
  void add_branches(std::vector<SchemaNode>& out, int depth) const;

  const Schema* schema_;
  Json node_;
};

}  // namespace dtud::config
