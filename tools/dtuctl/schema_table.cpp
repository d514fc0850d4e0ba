#include "schema_table.hpp"

#include "text.hpp"

namespace dtuctl {
namespace {

const std::string kAny = "any";

std::string joined(const Json& array, const char* between) {
  std::string out;
  for (const Json& item : array.items()) out += (out.empty() ? "" : between) + printable(item.text());
  return out;
}

std::string range_of(const Json& property) {
  const std::string least = property["minimum"].text();
  const std::string most = property["maximum"].text();
  if (!least.empty() || !most.empty()) return " " + least + ".." + most;
  const std::string longest = property["maxLength"].text();
  return longest.empty() ? "" : ", at most " + longest + " characters";
}

std::string type_of_value(const Json& value) {
  if (value.is_object()) return "object";
  if (value.is_array()) return "array";
  if (value.value().isBoolean()) return "boolean";
  if (value.value().isString()) return "string";
  return value.value().isInteger() ? "integer" : "number";
}

// Of a schema without a type: what its other keywords are for, else what its default and its examples are.
std::string type_by_content(const Json& property) {
  struct Keyword {
    const char *name, *type;
  };
  constexpr Keyword keywords[] = {{"properties", "object"},
                                  {"additionalProperties", "object"},
                                  {"items", "array"},
                                  {"pattern", "string"},
                                  {"minLength", "string"},
                                  {"maxLength", "string"},
                                  {"minimum", "number"},
                                  {"maximum", "number"},
                                  {"exclusiveMinimum", "number"},
                                  {"exclusiveMaximum", "number"}};
  for (const Keyword& k : keywords)
    if (!property[k.name].is_null()) return k.type;
  std::string out;
  const auto add = [&out](const Json& value) {
    const std::string type = type_of_value(value);
    if ((" or " + out + " or ").find(" or " + type + " or ") == std::string::npos)
      out += (out.empty() ? "" : " or ") + type;
  };
  if (!property["default"].is_null()) add(property["default"]);
  for (const Json& example : property["examples"].items()) add(example);
  return out;
}

// "integer 1..65535", "one of mqtt, mqtts"
std::string type_of(const Json& property) {
  if (property["enum"].is_array()) return "one of " + joined(property["enum"], ", ");
  if (!property["const"].is_null()) return "is " + property["const"].text();
  for (const char* several : {"anyOf", "oneOf"}) {
    std::string out;
    for (const Json& one : property[several].items()) out += (out.empty() ? "" : " or ") + type_of(one);
    if (!out.empty()) return out;
  }
  std::string type = property["type"].is_array() ? joined(property["type"], " or ") : property["type"].text();
  if (type.empty()) {
    for (const Json& part : property["allOf"].items())
      if (const std::string one = type_of(part); one != kAny) return one;
    type = type_by_content(property);
  }
  if (type == "array" && property["items"].is_object()) {
    const std::string of = type_of(property["items"]);
    return of == kAny ? type : "list of " + of;
  }
  return (type.empty() ? kAny : type) + range_of(property);
}

bool is_required(const Json& schema, const std::string& name) {
  for (const Json& r : schema["required"].items())
    if (r.text() == name) return true;
  return false;
}

void add_properties(Table& table, const Json& schema, const std::string& prefix, int depth) {
  constexpr int deepest = 8;
  const auto add = [&](const std::string& name, const Json& p, bool required) {
    const std::string description = p["description"].text();
    table.add({prefix + name, type_of(p),
               required                 ? "required"
               : p["default"].is_null() ? ""
                                        : p["default"].dump(),
               description.empty() ? p["title"].text() : description});
    if (depth < deepest) add_properties(table, p, prefix + name + ".", depth + 1);
  };
  const Json properties = schema["properties"];
  for (const std::string& name : properties.keys()) add(name, properties[name], is_required(schema, name));
  const Json patterns = schema["patternProperties"];
  for (const std::string& pattern : patterns.keys()) add("<" + pattern + ">", patterns[pattern], false);
  if (schema["additionalProperties"].is_object()) add("<any name>", schema["additionalProperties"], false);
}

}  // namespace

Table schema_table(const std::string& title, const Json& schema) {
  Table table({title, "TYPE", "DEFAULT", "MEANING"});
  add_properties(table, schema, "", 0);
  return table;
}

std::string properties_in_short(const Json& schema) {
  std::string out;
  for (const std::string& name : schema["properties"].keys())
    out += (out.empty() ? "" : " ") + (is_required(schema, name) ? name : "[" + name + "]");
  return out;
}

}  // namespace dtuctl
