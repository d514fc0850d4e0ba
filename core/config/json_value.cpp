#include "config/json_value.hpp"

#include <Poco/JSON/Stringifier.h>

#include <dtu/sdk/address.hpp>
#include <sstream>

#include "log/utf8.hpp"

namespace dtud::config {
namespace {

constexpr size_t kShown = 60;  // characters of a value in a message

std::string cut(std::string text) {
  if (text.size() <= kShown) return text;
  size_t end = kShown;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;  // not inside a character
  text.resize(end);
  return text + "...";
}

// A URL stands in any place: what is secret in it goes.
std::string shown_text(std::string text) { return text.find("://") == std::string::npos ? text : dtu::shown_url(text); }

}  // namespace

JsonType type_of(const Json& value) {
  if (value.isEmpty()) return JsonType::null;
  if (value.type() == typeid(JsonObject::Ptr)) return JsonType::object;
  if (value.type() == typeid(JsonArray::Ptr)) return JsonType::list;
  if (value.isBoolean()) return JsonType::boolean;  // asked first: to Poco a bool is an integer too
  if (value.isInteger()) return JsonType::integer;
  if (value.isNumeric()) return JsonType::number;
  return JsonType::text;
}

const JsonObject* as_object(const Json& value) {
  return type_of(value) == JsonType::object ? value.extract<JsonObject::Ptr>().get() : nullptr;
}

const JsonArray* as_list(const Json& value) {
  return type_of(value) == JsonType::list ? value.extract<JsonArray::Ptr>().get() : nullptr;
}

JsonObject::Ptr shared_object(const Json& value) { return value.extract<JsonObject::Ptr>(); }

std::string as_text(const Json& value, std::string_view fallback) {
  return type_of(value) == JsonType::text ? value.convert<std::string>() : std::string(fallback);
}

int64_t as_integer(const Json& value, int64_t fallback) {
  if (type_of(value) != JsonType::integer) return fallback;
  try {
    return value.convert<Poco::Int64>();
  } catch (const Poco::Exception&) {  // a UInt64 of 2^63 or more
    return fallback;
  }
}

bool as_flag(const Json& value, bool fallback) {
  return type_of(value) == JsonType::boolean ? value.convert<bool>() : fallback;
}

JsonObject::Ptr make_object() { return Poco::makeShared<JsonObject>(); }

JsonObject::Ptr make_ordered_object() { return Poco::makeShared<JsonObject>(Poco::JSON_PRESERVE_KEY_ORDER); }

Json copy_of(const Json& value) {
  if (const auto* object = as_object(value)) {
    auto copy = make_object();
    for (const auto& key : object->getNames()) copy->set(key, copy_of(object->get(key)));
    return copy;
  }
  if (const auto* list = as_list(value)) {
    auto copy = Poco::makeShared<JsonArray>();
    for (const auto& item : *list) copy->add(copy_of(item));
    return copy;
  }
  return value;
}

bool equal(const Json& a, const Json& b) {
  const auto type = type_of(a);
  const bool numbers = (type == JsonType::integer || type == JsonType::number) &&
                       (type_of(b) == JsonType::integer || type_of(b) == JsonType::number);
  if (!numbers && type != type_of(b)) return false;
  return to_json(a) == to_json(b);
}

std::string to_json(const Json& value) {
  if (value.isEmpty()) return "null";
  std::ostringstream out;
  Poco::JSON::Stringifier::stringify(value, out, 0, -1, Poco::JSON_WRAP_STRINGS);
  // Outside of its strings JSON is ASCII. A file name, or the route of a message, may be any bytes.
  std::string text = out.str();
  return is_utf8(text) ? text : valid_utf8(text);
}

std::string shown(const Json& value) {
  if (type_of(value) == JsonType::object) return "an object";
  if (type_of(value) == JsonType::list) return "a list";
  return cut(to_json(type_of(value) == JsonType::text ? Json(shown_text(as_text(value))) : value));
}

std::string shown_key(std::string_view key) { return cut(to_json(shown_text(std::string(key)))); }

std::string below(const std::string& pointer, std::string_view key) {
  std::string out = pointer + "/";
  for (char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

std::string below(const std::string& pointer, size_t index) { return pointer + "/" + std::to_string(index); }

}  // namespace dtud::config
