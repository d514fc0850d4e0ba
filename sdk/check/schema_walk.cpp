// draft-07, keyword by keyword.
#include <algorithm>
#include <cctype>
#include <regex>
#include <set>

#include "config.hpp"

namespace dtu::check {
namespace {

using Object = Poco::JSON::Object;
using Array = Poco::JSON::Array;
using Poco::Dynamic::Var;

constexpr int depth_max = 64;

enum class Takes {
  text,
  pattern,
  boolean,
  number,
  count,
  schema,
  schema_or_list,
  schema_list,
  schema_map,
  names,
  type,
  list,
  any
};

struct Keyword {
  const char* name;
  Takes takes;
  const char* what;
};
constexpr Keyword keywords[] = {
    {"$schema", Takes::text, "a text"},
    {"$id", Takes::text, "a text"},
    {"$ref", Takes::text, "a text"},
    {"$comment", Takes::text, "a text"},
    {"title", Takes::text, "a text"},
    {"description", Takes::text, "a text"},
    {"format", Takes::text, "a text"},
    {"pattern", Takes::pattern, "a regular expression"},
    {"readOnly", Takes::boolean, "true or false"},
    {"writeOnly", Takes::boolean, "true or false"},
    {"x-secret", Takes::boolean, "true or false"},
    {"uniqueItems", Takes::boolean, "true or false"},
    {"multipleOf", Takes::number, "a number"},
    {"minimum", Takes::number, "a number"},
    {"maximum", Takes::number, "a number"},
    {"exclusiveMinimum", Takes::number, "a number (draft-04 had true and false here)"},
    {"exclusiveMaximum", Takes::number, "a number (draft-04 had true and false here)"},
    {"minLength", Takes::count, "a whole number, 0 or more"},
    {"maxLength", Takes::count, "a whole number, 0 or more"},
    {"minItems", Takes::count, "a whole number, 0 or more"},
    {"maxItems", Takes::count, "a whole number, 0 or more"},
    {"minProperties", Takes::count, "a whole number, 0 or more"},
    {"maxProperties", Takes::count, "a whole number, 0 or more"},
    {"additionalItems", Takes::schema, "a schema"},
    {"additionalProperties", Takes::schema, "a schema, true or false"},
    {"propertyNames", Takes::schema, "a schema"},
    {"contains", Takes::schema, "a schema"},
    {"not", Takes::schema, "a schema"},
    {"if", Takes::schema, "a schema"},
    {"then", Takes::schema, "a schema"},
    {"else", Takes::schema, "a schema"},
    {"items", Takes::schema_or_list, "a schema or a list of them"},
    {"allOf", Takes::schema_list, "a list of schemas, not empty"},
    {"anyOf", Takes::schema_list, "a list of schemas, not empty"},
    {"oneOf", Takes::schema_list, "a list of schemas, not empty"},
    {"properties", Takes::schema_map, "an object of schemas"},
    {"patternProperties", Takes::schema_map, "an object of schemas"},
    {"definitions", Takes::schema_map, "an object of schemas"},
    {"required", Takes::names, "a list of different texts"},
    {"type", Takes::type, "null, boolean, object, array, number, string, integer, or a list of these"},
    {"enum", Takes::list, "a list, not empty"},
};

// Under these a schema says what holds for a value and not what the value is.
const std::set<std::string>& conditions() {
  static const std::set<std::string> names{"if", "then", "else", "not", "contains", "propertyNames", "anyOf", "oneOf"};
  return names;
}

bool is_number(const Var& v) { return v.isNumeric() && !v.isBoolean() && !v.isString(); }

bool is_simple_type(const Var& v) {
  static const std::set<std::string> types{"null", "boolean", "object", "array", "number", "string", "integer"};
  return v.isString() && types.count(v.convert<std::string>()) != 0;
}

bool is_pattern(const Var& v) {
  if (!v.isString()) return false;
  try {
    const std::regex compiled(v.convert<std::string>());
    return true;
  } catch (const std::regex_error&) {
    return false;
  }
}

bool are_names(const Var& v) {
  const auto list = array_of(v);
  std::set<std::string> seen;
  return list && std::all_of(list->begin(), list->end(), [&](const Var& one) {
           return one.isString() && seen.insert(one.convert<std::string>()).second;
         });
}

bool is_type(const Var& v) {
  const auto list = array_of(v);
  return list ? list->size() != 0 && std::all_of(list->begin(), list->end(), is_simple_type) : is_simple_type(v);
}

bool is_schema(const Var& v) { return v.isBoolean() || object_of(v); }

bool holds_schemas(const Var& v) {
  const auto list = array_of(v);
  return list && list->size() != 0 && std::all_of(list->begin(), list->end(), is_schema);
}

bool maps_schemas(const Var& v) {
  const auto map = object_of(v);
  return map && std::all_of(map->begin(), map->end(), [](const auto& member) { return is_schema(member.second); });
}

bool fits(Takes takes, const Var& v) {
  switch (takes) {
    case Takes::text:
      return v.isString();
    case Takes::pattern:
      return is_pattern(v);
    case Takes::boolean:
      return v.isBoolean();
    case Takes::number:
      return is_number(v);
    case Takes::count:
      return is_number(v) && v.isInteger() && v.convert<double>() >= 0;
    case Takes::schema:
      return is_schema(v);
    case Takes::schema_or_list:
      return is_schema(v) || holds_schemas(v);
    case Takes::schema_list:
      return holds_schemas(v);
    case Takes::schema_map:
      return maps_schemas(v);
    case Takes::names:
      return are_names(v);
    case Takes::type:
      return is_type(v);
    case Takes::list:
      return array_of(v) && array_of(v)->size() != 0;
    case Takes::any:
      return true;
  }
  return true;
}

std::string lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool sounds_secret(const std::string& key, const Object::Ptr& schema) {
  const std::string name = lower(key);
  const auto has = [&](const char* part) { return name.find(part) != std::string::npos; };
  const bool key_itself = name == "key" || (name.size() > 4 && name.compare(name.size() - 4, 4, "_key") == 0);
  if (!key_itself && !has("passw") && !has("secret") && !has("token") && !has("apikey") && !has("api_key") &&
      !has("psk"))
    return false;
  const Var type = schema->get("type");
  if (type.isString() && type.convert<std::string>() != "string") return false;
  const std::string about =
      lower(schema->optValue<std::string>("title", "") + schema->optValue<std::string>("description", ""));
  return about.find("file") == std::string::npos && about.find("path") == std::string::npos;
}

class Walk {
 public:
  explicit Walk(Object::Ptr root) : root_(std::move(root)) {}

  std::vector<Schema::Remark> go() {
    const Var type = root_->get("type");
    if (root_->has("type") && (!type.isString() || type.convert<std::string>() != "object"))
      say("schema.object", "", "its type is not \"object\"");
    node(root_, "", true, 0);
    const Var more = root_->get("additionalProperties");
    if (!root_->has("additionalProperties") || (more.isBoolean() && more.convert<bool>()))
      say("schema.closed", "", "has no \"additionalProperties\": false");
    return std::move(remarks_);
  }

 private:
  void say(const char* rule, const std::string& path, const std::string& what) {
    remarks_.push_back({rule, (path.empty() ? "the root" : path) + " " + what});
  }

  // plain: it says what a value is, so it has a title and a default that fits.
  void node(const Object::Ptr& schema, const std::string& path, bool plain, int depth) {
    if (schema.isNull()) return;
    if (depth > depth_max) return say("schema.keyword", path, "is nested too deep");
    bool sound = true;
    for (const Keyword& k : keywords) {
      if (!schema->has(k.name) || fits(k.takes, schema->get(k.name))) continue;
      sound = false;
      say("schema.keyword", path, std::string("has a wrong \"") + k.name + "\": it takes " + k.what);
    }
    if (schema->has("$ref") && resolved(schema, root_).isNull())
      say("schema.keyword", path, "refers to a missing definition: " + json_text(schema->get("$ref")));
    for (const Keyword& k : keywords)
      if (schema->has(k.name)) below(k, schema->get(k.name), path, plain, depth);
    if (plain && sound && schema->has("default")) judge_default(schema, path);
  }

  void below(const Keyword& k, const Var& value, const std::string& path, bool plain, int depth) {
    const bool inner = plain && conditions().count(k.name) == 0;
    const std::string name = k.name;
    if (k.takes == Takes::schema || k.takes == Takes::schema_or_list)
      node(object_of(value), name == "items" ? path + "[]" : path, inner, depth + 1);
    if (const auto list = array_of(value); list && (k.takes == Takes::schema_list || k.takes == Takes::schema_or_list))
      for (const Var& one : *list) node(object_of(one), path, inner, depth + 1);
    const auto map = object_of(value);
    if (k.takes != Takes::schema_map || map.isNull()) return;
    for (const std::string& key : map->getNames()) {
      const Object::Ptr sub = object_of(map->get(key));
      const std::string place = path.empty() ? key : path + "." + key;
      if (inner && name == "properties" && sub && !sub->has("$ref")) judge_property(key, sub, place);
      node(sub, place, inner, depth + 1);
    }
  }

  void judge_property(const std::string& key, const Object::Ptr& schema, const std::string& path) {
    for (const char* wanted : {"title", "description"})
      if (!schema->get(wanted).isString() || schema->getValue<std::string>(wanted).empty())
        say("schema.title", path, std::string("has no ") + wanted);
    const auto is_true = [&](const char* name) {
      const Var flag = schema->get(name);
      return flag.isBoolean() && flag.convert<bool>();
    };
    if (sounds_secret(key, schema) && !is_true("writeOnly") && !is_true("x-secret"))
      say("schema.secret", path, "has the name of a secret and has no \"writeOnly\": true");
  }

  void judge_default(const Object::Ptr& schema, const std::string& path) {
    try {
      Object::Ptr alone = object_of(parse_json(json_text(schema)));
      if (root_->has("definitions") && alone != root_) alone->set("definitions", root_->get("definitions"));
      const auto wrapped = parse_json("[" + json_text(schema->get("default")) + "]").extract<Array::Ptr>();
      if (const auto value = object_of(wrapped->get(0))) fill_defaults(value, schema, root_);
      const std::string why = Validator(alone).judge(wrapped->get(0));
      if (!why.empty()) say("schema.default", path, "has a default that does not fit: " + why);
    } catch (const std::exception&) {
      return;  // what cannot be compiled was said, or is said when the whole is
    }
  }

  const Object::Ptr root_;
  std::vector<Schema::Remark> remarks_;
};

}  // namespace

std::vector<Schema::Remark> judge_schema(const Object::Ptr& root) { return Walk(root).go(); }

}  // namespace dtu::check
