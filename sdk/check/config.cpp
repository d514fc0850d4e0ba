#include "config.hpp"

#include <Poco/JSON/Parser.h>

#include <algorithm>
#include <sstream>

namespace dtu::check {
namespace {

using Object = Poco::JSON::Object;
using Array = Poco::JSON::Array;
using Poco::Dynamic::Var;

constexpr int steps_max = 64;     // of nesting, in schemas that refer to themselves
constexpr size_t secret_min = 6;  // a shorter one is found anywhere by chance
constexpr size_t secrets_max = 256;

// A value of its own: Poco's objects are shared.
Var copy(const Var& value) { return parse_json("[" + json_text(value) + "]").extract<Array::Ptr>()->get(0); }

bool flag(const Object::Ptr& schema, const char* name) {
  const Var v = schema->get(name);
  return v.isBoolean() && v.convert<bool>();
}

void fill(Object::Ptr value, const Object::Ptr& schema, const Object::Ptr& root, int steps) {
  if (value.isNull() || schema.isNull() || steps > steps_max) return;
  if (const auto all = array_of(schema->get("allOf")))
    for (const Var& one : *all) fill(value, resolved(one, root), root, steps + 1);
  const auto properties = object_of(schema->get("properties"));
  if (properties)
    for (const std::string& key : properties->getNames()) {
      const Object::Ptr sub = resolved(properties->get(key), root);
      if (sub && !value->has(key) && sub->has("default")) value->set(key, copy(sub->get("default")));
    }
  const Var more = schema->get("additionalProperties");
  for (const std::string& key : value->getNames()) {
    const Object::Ptr sub = resolved(properties && properties->has(key) ? properties->get(key) : more, root);
    const Var member = value->get(key);
    fill(object_of(member), sub, root, steps + 1);
    if (const auto list = array_of(member); list && sub)
      for (const Var& item : *list) fill(object_of(item), resolved(sub->get("items"), root), root, steps + 1);
  }
}

// Every string in a secret place, as the object that holds it and its key.
struct Place {
  Object::Ptr holder;
  std::string key;
};
void secret_places(const Object::Ptr& value, const Object::Ptr& schema, const Object::Ptr& root, int steps,
                   std::vector<Place>& out) {
  if (value.isNull() || schema.isNull() || steps > steps_max || out.size() >= secrets_max) return;
  const auto properties = object_of(schema->get("properties"));
  for (const std::string& key : value->getNames()) {
    const Var of = properties && properties->has(key) ? properties->get(key) : schema->get("additionalProperties");
    const Object::Ptr sub = resolved(of, root);
    if (sub.isNull()) continue;
    const Var member = value->get(key);
    if ((flag(sub, "writeOnly") || flag(sub, "x-secret")) && member.isString()) out.push_back({value, key});
    secret_places(object_of(member), sub, root, steps + 1, out);
    if (const auto list = array_of(member))
      for (const Var& item : *list)
        secret_places(object_of(item), resolved(sub->get("items"), root), root, steps + 1, out);
  }
}

std::vector<Var> others(const Var& value, const Object::Ptr& schema) {
  std::vector<Var> out;
  if (value.isBoolean()) out.emplace_back(!value.convert<bool>());
  if (value.isInteger()) {
    out.emplace_back(value.convert<Poco::Int64>() + 1);
    out.emplace_back(value.convert<Poco::Int64>() - 1);
  }
  if (const auto values = schema ? array_of(schema->get("enum")) : Array::Ptr())
    for (const Var& v : *values)
      if (json_text(v) != json_text(value)) out.push_back(v);
  return out;
}

}  // namespace

Object::Ptr object_of(const Var& value) {
  return !value.isEmpty() && value.type() == typeid(Object::Ptr) ? value.extract<Object::Ptr>() : Object::Ptr();
}
Array::Ptr array_of(const Var& value) {
  return !value.isEmpty() && value.type() == typeid(Array::Ptr) ? value.extract<Array::Ptr>() : Array::Ptr();
}

std::string json_text(const Var& value) {
  std::ostringstream out;
  Poco::JSON::Stringifier::stringify(value, out);
  return out.str();
}

Var parse_json(const std::string& text) { return Poco::JSON::Parser().parse(text); }

void fill_defaults(const Object::Ptr& value, const Object::Ptr& schema, const Object::Ptr& root) {
  fill(value, schema, root, 0);
}

Object::Ptr resolved(const Var& node, const Object::Ptr& root) {
  Object::Ptr at = object_of(node);
  for (int steps = 0; at && at->has("$ref"); ++steps) {
    const std::string ref = at->get("$ref").isString() ? at->getValue<std::string>("$ref") : "";
    if (steps > steps_max || ref.compare(0, 2, "#/") != 0) return {};
    at = root;
    std::istringstream path(ref.substr(2));
    for (std::string key; at && std::getline(path, key, '/');) at = object_of(at->get(key));
  }
  return at;
}

Schema::Schema(const std::string& text) {
  try {
    use(text);
  } catch (const Poco::Exception& e) {
    remarks_.push_back({"schema.keyword", "it cannot be used: " + e.displayText()});
  } catch (const std::exception& e) {
    remarks_.push_back({"schema.keyword", std::string("it cannot be used: ") + e.what()});
  }
}

void Schema::use(const std::string& text) {
  Var parsed;
  try {
    parsed = parse_json(text);
  } catch (const Poco::Exception& e) {
    remarks_.push_back({"schema.json", "it is not JSON: " + e.displayText()});
    return;
  }
  root_ = object_of(parsed);
  if (root_.isNull()) {
    remarks_.push_back({"schema.object", "it is not a JSON object"});
    return;
  }
  remarks_ = judge_schema(root_);
  if (trouble().empty()) validator_ = std::make_unique<Validator>(parsed);
}

std::vector<std::string> Schema::trouble() const {
  std::vector<std::string> out;
  for (const Remark& r : remarks_) {
    const std::string rule = r.rule;
    if (rule == "schema.json" || rule == "schema.object" || rule == "schema.keyword") out.push_back(r.what);
  }
  return out;
}

std::vector<std::string> Schema::properties() const {
  const auto all = root_ ? object_of(root_->get("properties")) : Object::Ptr();
  if (all.isNull()) return {};
  const auto names = all->getNames();
  return {names.begin(), names.end()};
}

std::optional<std::string> Schema::completed(const std::string& json) const {
  why_.clear();
  if (!usable()) return std::nullopt;
  try {
    const Object::Ptr value = object_of(parse_json(json));
    if (value.isNull()) {
      why_ = "it is not a JSON object";
      return std::nullopt;
    }
    fill_defaults(value, root_, root_);
    why_ = validator_->judge(value);
    return why_.empty() ? std::optional<std::string>(json_text(value)) : std::nullopt;
  } catch (const Poco::Exception& e) {
    why_ = e.displayText();
  } catch (const std::exception& e) {
    why_ = e.what();
  }
  return std::nullopt;
}

std::optional<std::string> Schema::example() const {
  const auto all = root_ ? array_of(root_->get("examples")) : Array::Ptr();
  return all.isNull() || all->size() == 0 ? std::nullopt : std::optional<std::string>(json_text(all->get(0)));
}

std::optional<std::string> Schema::changed(const std::string& config) const {
  const auto properties = root_ ? object_of(root_->get("properties")) : Object::Ptr();
  if (properties.isNull()) return std::nullopt;
  for (const std::string& key : properties->getNames()) {
    Object::Ptr value = object_of(parse_json(config));
    if (!value->has(key)) continue;
    for (const Var& other : others(value->get(key), resolved(properties->get(key), root_))) {
      value->set(key, other);
      if (const auto text = completed(json_text(value))) return text;
    }
  }
  return std::nullopt;
}

std::optional<std::string> Schema::marked(const std::string& config, std::vector<std::string>& secrets) const {
  Object::Ptr value = object_of(parse_json(config));
  std::vector<Place> places;
  secret_places(value, root_, root_, 0, places);
  bool any = false;
  for (size_t k = 0; k < places.size(); ++k) {
    auto [holder, key] = places[k];
    const auto given = holder->getValue<std::string>(key);
    if (given.size() >= secret_min) secrets.push_back(given);
    const std::string mark = "dtu-check-secret-" + std::to_string(k + 1);
    holder->set(key, mark);
    if (validator_->judge(value).empty()) {
      secrets.push_back(mark);
      any = true;
    } else {
      holder->set(key, given);
    }
  }
  return any ? std::optional<std::string>(json_text(value)) : std::nullopt;
}

}  // namespace dtu::check
