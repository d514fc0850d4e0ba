#include "config/explain.hpp"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <stdexcept>
#include <utility>

#include "config/nearest.hpp"
#include "config/secrets.hpp"
#include "log/counted.hpp"

namespace dtud::config {
namespace {

constexpr size_t kMaxUnique = 1000;  // entries of a list that are compared with each other

double number_in(const Json& value) { return value.convert<double>(); }
bool is_number(const Json& value) {
  const auto type = type_of(value);
  return type == JsonType::integer || type == JsonType::number;
}

size_t characters(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::string range(const Json& least, const Json& most) {
  if (!least.isEmpty() && !most.isEmpty()) return " from " + to_json(least) + " to " + to_json(most);
  if (!least.isEmpty()) return " of at least " + to_json(least);
  if (!most.isEmpty()) return " of at most " + to_json(most);
  return {};
}

std::string number_text(const char* name, const SchemaNode& schema) {
  std::string out = name + range(schema.keyword("minimum"), schema.keyword("maximum"));
  if (schema.has("exclusiveMinimum")) out += " above " + to_json(schema.keyword("exclusiveMinimum"));
  if (schema.has("exclusiveMaximum")) out += " below " + to_json(schema.keyword("exclusiveMaximum"));
  if (schema.has("multipleOf")) out += ", a multiple of " + to_json(schema.keyword("multipleOf"));
  return out;
}

std::string counted(const std::string& name, const std::string& unit, const Json& least, const Json& most) {
  if (least.isEmpty() && most.isEmpty()) return name;
  if (most.isEmpty()) {
    if (as_integer(least) == 1) return name + " that is not empty";
    return name + " of at least " + to_json(least) + " " + unit;
  }
  if (as_integer(least) == 0) return name + " of at most " + to_json(most) + " " + unit;
  if (equal(least, most)) return name + " of " + to_json(least) + " " + unit;
  return name + " of " + to_json(least) + " to " + to_json(most) + " " + unit;
}

// A pattern is for programs: people get its description.
std::string text_text(const SchemaNode& schema) {
  const auto pattern = as_text(schema.keyword("pattern"));
  const bool path = pattern == "^/" || pattern == "^(/.*)?$";
  std::string out = counted(path ? "an absolute path" : "a text", "characters", schema.keyword("minLength"),
                            schema.keyword("maxLength"));
  if (path) return pattern == "^/" ? out : out + ", or \"\"";
  if (pattern.empty()) return out;
  const auto description = as_text(schema.keyword("description"));
  return out + (description.empty() ? " that matches " + pattern : " (" + description + ")");
}

std::string one_type(const std::string& type, const SchemaNode& schema) {
  if (type == "integer") return number_text("a whole number", schema);
  if (type == "number") return number_text("a number", schema);
  if (type == "string") return text_text(schema);
  if (type == "boolean") return "true or false";
  if (type == "array") return counted("a list", "entries", schema.keyword("minItems"), schema.keyword("maxItems"));
  if (type == "object")
    return counted("an object { ... }", "keys", schema.keyword("minProperties"), schema.keyword("maxProperties"));
  return "null";
}

std::string joined(const std::vector<std::string>& parts) {
  std::vector<std::string> different;
  for (const auto& part : parts) {
    if (!part.empty() && std::find(different.begin(), different.end(), part) == different.end())
      different.push_back(part);
  }
  std::string out;
  for (const auto& part : different) out += (out.empty() ? "" : ", or ") + part;
  return out;
}

class Explainer {
 public:
  explicit Explainer(const Paths& secrets) : secrets_(secrets) {}

  void value(const Json& given, const SchemaNode& schema, const std::string& path) {
    if (problems_.size() >= kMaxProblems) return;
    if (++steps_ > kMaxSchemaSteps) throw std::runtime_error("it nests without end");
    if (schema.rejects_all()) {
      problem(path, "is not allowed here");
    } else if (!simple(given, schema)) {
      wrong(given, schema, path);
    } else {
      if (as_object(given) != nullptr) object(given, schema, path);
      if (as_list(given) != nullptr) list(given, schema, path);
      if (type_of(given) == JsonType::text) placeholders(given, schema, path);
      combined(given, schema, path);
    }
    --steps_;
  }

  std::vector<Problem> take() { return std::move(problems_); }

 private:
  // Counts on, so that a schema that tests itself ends too.
  [[nodiscard]] bool fits_here(const Json& given, const SchemaNode& schema) const {
    Explainer attempt(secrets_);
    attempt.steps_ = steps_;
    attempt.value(given, schema, {});
    return attempt.problems_.empty();
  }

  // Everything a single value is checked for, without what is inside it.
  static bool simple(const Json& given, const SchemaNode& schema) {
    const auto types = schema.types();
    if (!types.empty() && std::none_of(types.begin(), types.end(), [&](const auto& t) { return has_type(given, t); }))
      return false;
    if (schema.has("const") && !equal(schema.keyword("const"), given)) return false;
    const Json allowed_values = schema.keyword("enum");
    if (const auto* list = as_list(allowed_values)) {
      if (std::none_of(list->begin(), list->end(), [&](const auto& one) { return equal(one, given); })) return false;
    }
    if (is_number(given)) return number(number_in(given), schema);
    if (type_of(given) == JsonType::text) return text(as_text(given), schema);
    if (const auto* object = as_object(given)) return within(object->size(), schema, "minProperties", "maxProperties");
    if (const auto* list = as_list(given)) return within(list->size(), schema, "minItems", "maxItems");
    return true;
  }

  static bool number(double n, const SchemaNode& schema) {
    const auto limit = [&](const char* name, double none) {
      const Json value = schema.keyword(name);
      return is_number(value) ? number_in(value) : none;
    };
    if (n < limit("minimum", n) || n > limit("maximum", n)) return false;
    if (n <= limit("exclusiveMinimum", n - 1) && schema.has("exclusiveMinimum")) return false;
    if (n >= limit("exclusiveMaximum", n + 1) && schema.has("exclusiveMaximum")) return false;
    const double step = limit("multipleOf", 0);
    return step == 0 || std::fabs(std::remainder(n, step)) < 1e-9;
  }

  static bool text(const std::string& s, const SchemaNode& schema) {
    if (!within(characters(s), schema, "minLength", "maxLength")) return false;
    return !schema.has("pattern") || schema.matches(as_text(schema.keyword("pattern")), s);
  }

  void placeholders(const Json& given, const SchemaNode& schema, const std::string& path) {
    const auto form = text_form(schema);
    if (!form) return;
    const dtu::TextTemplate text(as_text(given), *form);
    if (!text.problem().empty())
      problem(path, show(given, schema, path) + " " + text.problem(), Problem::Kind::placeholder);
  }

  static bool within(size_t count, const SchemaNode& schema, const char* least, const char* most) {
    const auto n = static_cast<int64_t>(count);
    return n >= as_integer(schema.keyword(least), n) && n <= as_integer(schema.keyword(most), n);
  }

  void object(const Json& given, const SchemaNode& schema, const std::string& path) {
    const auto* members = as_object(given);
    const Json required = schema.keyword("required");
    if (const auto* list = as_list(required)) {
      for (const auto& key : *list) need(*members, as_text(key), schema, path);
    }
    for (const auto& key : members->getNames()) {
      for (const auto& names : schema.single("propertyNames")) {
        if (!fits_here(Json(key), names)) problem(below(path, key), "is not allowed as a key: give " + allowed(names));
      }
      const bool known = schema.knows(key);
      for (const auto& one : schema.member(key)) {
        if (!known && one.rejects_all()) {
          problem(below(path, key), unknown_key(key, schema.keys()), Problem::Kind::unknown_key);
        } else {
          value(members->get(key), one, below(path, key));
        }
      }
      depend(*members, key, schema, path);
    }
  }

  void need(const JsonObject& members, const std::string& key, const SchemaNode& schema, const std::string& path) {
    if (members.has(key)) return;
    std::string what;
    for (const auto& one : schema.member(key)) what = allowed(one);
    problem(below(path, key), what.empty() ? "" : "give " + what, Problem::Kind::missing);
  }

  void depend(const JsonObject& members, const std::string& key, const SchemaNode& schema, const std::string& path) {
    const Json all = schema.keyword("dependencies");
    const auto* dependencies = as_object(all);
    if (dependencies == nullptr) return;
    const Json needed = dependencies->get(key);
    if (const auto* list = as_list(needed)) {
      for (const auto& other : *list) {
        if (!members.has(as_text(other)))
          problem(below(path, as_text(other)), "needed together with " + shown_key(key), Problem::Kind::missing);
      }
    }
  }

  void list(const Json& given, const SchemaNode& schema, const std::string& path) {
    const auto* entries = as_list(given);
    size_t index = 0;
    for (const auto& entry : *entries) {
      for (const auto& one : schema.item(index)) value(entry, one, below(path, index));
      ++index;
    }
    for (const auto& one : schema.single("contains")) {
      if (std::none_of(entries->begin(), entries->end(), [&](const auto& entry) { return fits_here(entry, one); }))
        problem(path, "must hold " + allowed(one));
    }
    if (as_flag(schema.keyword("uniqueItems"))) unique(*entries, path);
  }

  void unique(const JsonArray& entries, const std::string& path) {
    if (entries.size() > kMaxUnique) return problem(path, "more than " + std::to_string(kMaxUnique) + " entries");
    std::set<std::string> seen;
    size_t index = 0;
    for (const auto& entry : entries) {
      if (!seen.insert(to_json(entry)).second) problem(below(path, index), "stands in the list already: remove one");
      ++index;
    }
  }

  void combined(const Json& given, const SchemaNode& schema, const std::string& path) {
    for (const auto& every : schema.branches("allOf")) value(given, every, path);
    for (const char* name : {"anyOf", "oneOf"}) {
      const auto branches = schema.branches(name);
      if (!branches.empty()) one_of(given, schema, branches, name == std::string_view("oneOf"), path);
    }
    for (const auto& condition : schema.single("if")) {
      for (const auto& then : schema.single(fits_here(given, condition) ? "then" : "else")) value(given, then, path);
    }
    for (const auto& forbidden : schema.single("not")) {
      if (fits_here(given, forbidden))
        problem(path, show(given, schema, path) + " is not allowed: give anything but " + allowed(forbidden));
    }
  }

  void one_of(const Json& given, const SchemaNode& schema, const std::vector<SchemaNode>& branches, bool exactly,
              const std::string& path) {
    const auto fitting =
        std::count_if(branches.begin(), branches.end(), [&](const auto& branch) { return fits_here(given, branch); });
    if (fitting == 1 || (fitting > 1 && !exactly)) return;
    if (fitting > 1) return problem(path, show(given, schema, path) + " fits more than one of what is allowed here");
    // Inside an object or list, the branch that comes closest says most.
    std::vector<Problem> closest;
    std::vector<std::string> all;
    for (const auto& branch : branches) {
      all.push_back(allowed(branch));
      if (!simple(given, branch)) continue;
      Explainer attempt(secrets_);
      attempt.steps_ = steps_;
      attempt.value(given, branch, path);
      auto problems = attempt.take();
      if (closest.empty() || problems.size() < closest.size()) closest = std::move(problems);
    }
    if (closest.empty()) return problem(path, show(given, schema, path) + " is not allowed: give " + joined(all));
    for (auto& p : closest) problem(p.path, std::move(p.message), p.kind);
  }

  void wrong(const Json& given, const SchemaNode& schema, const std::string& path) {
    std::string what = allowed(schema);
    if (type_of(given) == JsonType::text && schema.has("pattern") && as_text(given).size() > kMaxMatched)
      what += ", not longer than " + std::to_string(kMaxMatched) + " bytes";
    problem(path, show(given, schema, path) + " is not allowed: give " + (what.empty() ? "something else" : what));
  }

  [[nodiscard]] std::string show(const Json& given, const SchemaNode& schema, const std::string& path) const {
    const auto branches = schema.with_branches();
    const bool counts = std::any_of(branches.begin(), branches.end(),
                                    [](const auto& one) { return one.has("minItems") || one.has("maxItems"); });
    if (const auto* list = as_list(given); list != nullptr && counts)
      return "a list of " + dtud::counted(list->size(), "entry", "entries");
    if (type_of(given) == JsonType::text && instead_of_container(given, schema)) return "a text";
    if (as_object(given) != nullptr || as_list(given) != nullptr) return shown(given);  // only what it is
    return is_secret(path, secrets_) ? "***" : shown_value(given, path, secrets_);
  }

  void problem(const std::string& path, std::string message, Problem::Kind kind = Problem::Kind::value) {
    const auto same = [&](const Problem& p) { return p.path == path; };
    if (problems_.size() >= kMaxProblems || std::any_of(problems_.begin(), problems_.end(), same)) return;
    problems_.push_back({kind, path, std::move(message)});
  }

  const Paths& secrets_;
  std::vector<Problem> problems_;
  int steps_ = 0;
};

}  // namespace

std::vector<Problem> explain(const Json& value, const SchemaNode& schema, const std::string& path,
                             const Paths& secrets) {
  Explainer explainer(secrets);
  explainer.value(value, schema, path);
  return explainer.take();
}

std::optional<dtu::TextTemplate::Form> text_form(const SchemaNode& schema) {
  const std::string form = as_text(schema.keyword("x-dtu-text"));
  if (form == "placeholders") return dtu::TextTemplate::Form::text;
  if (form == "bytes") return dtu::TextTemplate::Form::bytes;
  return std::nullopt;
}

bool fits(const Json& value, const SchemaNode& schema) { return explain(value, schema, {}, {}).empty(); }

bool instead_of_container(const Json& value, const SchemaNode& schema) {
  const auto type = type_of(value);
  if (type != JsonType::text && !is_number(value)) return false;
  bool container = false;
  for (const auto& node : schema.with_branches()) {
    for (const auto& name : node.types()) {
      if (has_type(value, name) || name == "string") return false;
      container = container || name == "object" || name == "array";
    }
  }
  return container;
}

bool has_type(const Json& value, const std::string& type) {
  switch (type_of(value)) {
    case JsonType::null:
      return type == "null";
    case JsonType::boolean:
      return type == "boolean";
    case JsonType::integer:
      return type == "integer" || type == "number";
    case JsonType::number:
      return type == "number";
    case JsonType::text:
      return type == "string";
    case JsonType::list:
      return type == "array";
    case JsonType::object:
      return type == "object";
  }
  return false;
}

std::string allowed(const SchemaNode& schema) {
  if (schema.has("const")) return shown(schema.keyword("const"));
  const Json values = schema.keyword("enum");
  if (const auto* list = as_list(values)) {
    std::vector<std::string> names;
    for (const auto& one : *list) names.push_back(shown(one));
    return names.size() == 1 ? names.front() : "one of " + listed(names, 24);
  }
  std::vector<std::string> parts;
  for (const auto& type : schema.types()) parts.push_back(one_type(type, schema));
  if (parts.empty()) {
    for (const char* name : {"anyOf", "oneOf", "allOf"}) {
      for (const auto& branch : schema.branches(name)) parts.push_back(allowed(branch));
    }
  }
  const auto any_of = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* name) { return schema.has(name); });
  };
  if (parts.empty() && any_of({"pattern", "minLength", "maxLength"})) parts.push_back(text_text(schema));
  if (parts.empty() && any_of({"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}))
    parts.push_back(number_text("a number", schema));
  return joined(parts);
}

std::string unknown_key(const std::string& key, const std::vector<std::string>& known) {
  const auto near = nearest(key, known);
  if (!near.empty()) return "unknown key: did you mean " + shown_key(near) + "?";
  if (known.empty()) return "unknown key: none is known here";
  return "unknown key: known are " + listed(known);
}

}  // namespace dtud::config
