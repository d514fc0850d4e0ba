#include "config/lenient.hpp"

#include <Poco/String.h>

#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "config/explain.hpp"

namespace dtud::config {
namespace {

constexpr double kMaxExact = 9007199254740992.0;  // 2^53: beyond it a double skips whole numbers

// Spelled out: a Var converts to everything, an optional too.
std::optional<Json> some(const Json& value) { return std::optional<Json>(std::in_place, value); }

template <typename Number>
std::optional<Number> parsed(const std::string& text) {
  Number value = 0;
  const char* end = text.data() + text.size();
  const auto result = std::from_chars(text.data(), end, value);
  if (result.ec != std::errc() || result.ptr != end) return std::nullopt;
  return value;
}

std::optional<Json> whole(double value) {
  if (!std::isfinite(value) || std::trunc(value) != value || std::fabs(value) > kMaxExact) return std::nullopt;
  return some(static_cast<Poco::Int64>(value));
}

std::optional<Json> to_number(const Json& value) {
  switch (type_of(value)) {
    case JsonType::integer:
    case JsonType::number:
      return some(value);
    case JsonType::text: {
      const auto text = Poco::trim(as_text(value));
      if (const auto n = parsed<Poco::Int64>(text)) return some(Json(*n));
      const auto n = parsed<double>(text);
      if (n && std::isfinite(*n)) return some(Json(*n));
      return std::nullopt;
    }
    default:
      return std::nullopt;
  }
}

std::optional<Json> to_integer(const Json& value) {
  if (type_of(value) == JsonType::boolean) return some(Json(static_cast<Poco::Int64>(as_flag(value) ? 1 : 0)));
  if (type_of(value) == JsonType::text) {
    const auto word = Poco::toLower(Poco::trim(as_text(value)));
    if (word == "true") return some(Json(Poco::Int64{1}));
    if (word == "false") return some(Json(Poco::Int64{0}));
  }
  auto number = to_number(value);
  if (!number || type_of(*number) == JsonType::integer) return number;
  return whole(number->convert<double>());
}

std::optional<Json> to_flag(const Json& value) {
  if (type_of(value) == JsonType::boolean) return some(value);
  const auto number = to_integer(value);
  if (!number) return std::nullopt;
  const auto n = as_integer(*number);
  if (n != 0 && n != 1) return std::nullopt;
  return some(Json(n == 1));
}

std::optional<Json> to_text(const Json& value) {
  switch (type_of(value)) {
    case JsonType::text:
      return some(value);
    case JsonType::integer:
    case JsonType::number:
    case JsonType::boolean:
      return some(Json(to_json(value)));
    default:
      return std::nullopt;
  }
}

struct Conversion {
  const char* type;
  std::optional<Json> (*convert)(const Json&);
};
constexpr std::array<Conversion, 4> kConversions = {
    {{"integer", to_integer}, {"number", to_number}, {"boolean", to_flag}, {"string", to_text}}};

std::optional<Json> to_type(const Json& value, const std::string& type) {
  for (const auto& c : kConversions) {
    if (type == c.type) return c.convert(value);
  }
  if (has_type(value, type)) return some(value);
  return std::nullopt;
}

bool is_blank(const Json& value) {
  if (type_of(value) == JsonType::null) return true;
  return type_of(value) == JsonType::text && as_text(value).find_first_not_of(' ') == std::string::npos;
}

class Normaliser {
 public:
  Json value(const Json& given, const SchemaNode& schema) {
    if (++steps_ > kMaxSchemaSteps) throw std::runtime_error("it nests without end");
    Json out = by_enum(by_type(given, schema), schema);
    if (as_object(out) != nullptr) out = members(out, schema);
    if (as_list(out) != nullptr) out = items(out, schema);
    for (const auto& every : schema.branches("allOf")) out = value(out, every);
    out = alternative(out, schema.branches("anyOf"));
    out = alternative(out, schema.branches("oneOf"));
    for (const auto& condition : schema.single("if")) {
      for (const auto& then : schema.single(fits(out, condition) ? "then" : "else")) out = value(out, then);
    }
    --steps_;
    return out;
  }

 private:
  // A value that already has one of the types stays, except a text where another type stands first: "1" for 1.
  static Json by_type(const Json& given, const SchemaNode& schema) {
    const auto types = schema.types();
    if (type_of(given) != JsonType::text) {
      for (const auto& type : types) {
        if (has_type(given, type) && type_of(given) != JsonType::number) return given;
      }
    }
    for (const auto& type : types) {
      if (auto converted = to_type(given, type)) return *converted;
    }
    return given;
  }

  // One of a list of values, also when written as a text or a number, or in other letters: "GET" for "get".
  static Json by_enum(const Json& given, const SchemaNode& schema) {
    const Json allowed = schema.keyword("enum");
    const auto* list = as_list(allowed);
    if (list == nullptr) return given;
    for (const auto& one : *list) {
      if (equal(one, given)) return given;
    }
    for (const auto& one : *list) {
      const auto a = to_text(one), b = to_text(given);
      if (a && b && Poco::icompare(as_text(*a), Poco::trim(as_text(*b))) == 0) return one;
    }
    if (const auto number = to_integer(given)) {  // true for "1", "1.0" for 1
      for (const auto& one : *list) {
        const auto candidate = to_integer(one);
        if (candidate && equal(*candidate, *number)) return one;
      }
    }
    return given;
  }

  Json alternative(const Json& given, const std::vector<SchemaNode>& branches) {
    if (branches.empty()) return given;
    if (type_of(given) != JsonType::text && as_object(given) == nullptr) {
      for (const auto& branch : branches) {
        if (fits(given, branch)) return value(given, branch);
      }
    }
    for (const auto& branch : branches) {
      Json candidate = value(given, branch);
      if (fits(candidate, branch)) return candidate;
    }
    return given;
  }

  Json members(const Json& given, const SchemaNode& schema) {
    auto out = make_object();
    const auto* object = as_object(given);
    for (const auto& key : object->getNames()) {
      const Json old = object->get(key);
      const auto schemas = schema.member(key);
      if (is_blank(old) && !schemas.empty()) {
        if (auto replaced = instead_of_blank(old, schemas)) out->set(key, *replaced);
        continue;
      }
      Json converted = old;
      for (const auto& one : schemas) converted = value(converted, one);
      out->set(key, converted);
    }
    for (const auto& key : schema.keys()) {
      if (out->has(key)) continue;
      if (auto filled = default_of(schema.member(key))) out->set(key, *filled);
    }
    return out;
  }

  // A blank means "the default". Without one it stays if the schema allows an empty text, else it is left out.
  std::optional<Json> instead_of_blank(const Json& blank, const std::vector<SchemaNode>& schemas) {
    const auto all_fit = [&](const Json& candidate) {
      for (const auto& one : schemas) {
        if (!fits(candidate, one)) return false;
      }
      return true;
    };
    if (type_of(blank) == JsonType::null && all_fit(blank)) return some(blank);
    if (auto filled = default_of(schemas)) return filled;
    if (all_fit(Json(std::string()))) return some(std::string());
    return std::nullopt;
  }

  std::optional<Json> default_of(const std::vector<SchemaNode>& schemas) {
    for (const auto& one : schemas) {
      if (one.has("default")) return some(value(copy_of(one.keyword("default")), one));
    }
    return std::nullopt;
  }

  Json items(const Json& given, const SchemaNode& schema) {
    auto out = Poco::makeShared<JsonArray>();
    size_t index = 0;
    for (const auto& item : *as_list(given)) {
      Json converted = item;
      for (const auto& one : schema.item(index)) converted = value(converted, one);
      out->add(converted);
      ++index;
    }
    return out;
  }

  int steps_ = 0;
};

}  // namespace

Json normalised(const Json& value, const SchemaNode& schema) { return Normaliser().value(copy_of(value), schema); }

}  // namespace dtud::config
