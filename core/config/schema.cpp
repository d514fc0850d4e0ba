#include "config/schema.hpp"

#include <stdexcept>

namespace dtud::config {

bool Schema::matches(const std::string& pattern, const std::string& text) const {
  if (text.size() > kMaxMatched) {
    refused_ = true;
    return false;
  }
  auto found = patterns_.find(pattern);
  if (found == patterns_.end()) found = patterns_.emplace(pattern, std::regex(pattern)).first;
  return std::regex_search(text, found->second);
}

Json Schema::referred(const std::string& reference) const {
  if (reference.substr(0, 1) != "#") throw std::runtime_error("a reference outside itself: " + reference);
  Json at = root_;
  for (size_t begin = 1; begin < reference.size();) {
    const size_t end = std::min(reference.find('/', begin + 1), reference.size());
    const auto* object = as_object(at);
    if (object == nullptr) throw std::runtime_error("nothing at " + reference);
    at = object->get(reference.substr(begin + 1, end - begin - 1));
    begin = end;
  }
  return at;
}

SchemaNode::SchemaNode(const Schema& schema, const Json& node) : schema_(&schema), node_(node) {
  for (int steps = 0; has("$ref"); ++steps) {
    if (steps == kMaxSchemaSteps) throw std::runtime_error("its references go in a circle");
    node_ = schema.referred(as_text(keyword("$ref")));
  }
}

bool SchemaNode::rejects_all() const { return type_of(node_) == JsonType::boolean && !as_flag(node_); }

Json SchemaNode::keyword(const char* name) const {
  const auto* object = as_object(node_);
  return object == nullptr ? Json() : object->get(name);
}

bool SchemaNode::has(const char* name) const {
  const auto* object = as_object(node_);
  return object != nullptr && object->has(name);
}

bool SchemaNode::is_secret() const { return as_flag(keyword("writeOnly")) || as_flag(keyword("x-secret")); }

std::vector<std::string> SchemaNode::types() const {
  const Json type = keyword("type");
  std::vector<std::string> out;
  if (const auto* list = as_list(type)) {
    for (const auto& one : *list) out.push_back(as_text(one));
  } else if (!type.isEmpty()) {
    out.push_back(as_text(type));
  }
  return out;
}

std::vector<SchemaNode> SchemaNode::branches(const char* name) const {
  const Json list = keyword(name);
  std::vector<SchemaNode> out;
  if (const auto* items = as_list(list)) {
    for (const auto& item : *items) out.emplace_back(*schema_, item);
  }
  return out;
}

std::vector<SchemaNode> SchemaNode::single(const char* name) const {
  std::vector<SchemaNode> out;
  if (has(name)) out.emplace_back(*schema_, keyword(name));
  return out;
}

std::vector<SchemaNode> SchemaNode::with_branches() const {
  std::vector<SchemaNode> out;
  add_branches(out, 0);
  return out;
}

void SchemaNode::add_branches(std::vector<SchemaNode>& out, int depth) const {
  constexpr int kMaxCombined = 16;  // levels of allOf in anyOf in if ...
  out.push_back(*this);
  if (depth == kMaxCombined) return;
  for (const char* name : {"allOf", "anyOf", "oneOf"})
    for (const auto& branch : branches(name)) branch.add_branches(out, depth + 1);
  for (const char* name : {"if", "then", "else"})
    for (const auto& branch : single(name)) branch.add_branches(out, depth + 1);
}

std::vector<SchemaNode> SchemaNode::member(const std::string& key) const {
  std::vector<SchemaNode> out;
  const Json properties = keyword("properties");
  if (const auto* object = as_object(properties); object != nullptr && object->has(key))
    out.emplace_back(*schema_, object->get(key));
  const Json patterns = keyword("patternProperties");
  if (const auto* object = as_object(patterns)) {
    for (const auto& [pattern, node] : *object) {
      if (matches(pattern, key)) out.emplace_back(*schema_, node);
    }
  }
  return out.empty() ? single("additionalProperties") : out;
}

bool SchemaNode::knows(const std::string& key) const {
  const Json properties = keyword("properties");
  if (const auto* object = as_object(properties); object != nullptr && object->has(key)) return true;
  const Json patterns = keyword("patternProperties");
  if (const auto* object = as_object(patterns)) {
    for (const auto& [pattern, node] : *object) {
      if (matches(pattern, key)) return true;
    }
  }
  return false;
}

std::vector<std::string> SchemaNode::keys() const {
  const Json properties = keyword("properties");
  const auto* object = as_object(properties);
  return object == nullptr ? std::vector<std::string>() : object->getNames();
}

std::vector<SchemaNode> SchemaNode::item(size_t index) const {
  const Json items = keyword("items");
  if (const auto* list = as_list(items)) {
    if (index >= list->size()) return single("additionalItems");
    return {SchemaNode(*schema_, list->get(static_cast<unsigned>(index)))};
  }
  return single("items");
}

bool SchemaNode::matches(const std::string& pattern, const std::string& text) const {
  return schema_->matches(pattern, text);
}

}  // namespace dtud::config
