#include "config/merge.hpp"

#include <Poco/JSON/Stringifier.h>

#include <algorithm>
#include <sstream>
#include <utility>
#include <vector>

#include "config/json_text.hpp"
#include "config/locate.hpp"
#include "config/nearest.hpp"
#include "config/syntax.hpp"

namespace dtud::config {
namespace {

constexpr size_t kMostPlaces = 64;  // nulls that are looked up one by one
constexpr std::string_view kNull = "null";

// Keys whose members are parts of their own.
bool has_parts(const std::string& key) { return key == "conf" || key == "uconf"; }

bool same(const Json& a, const Json& b) { return equal(copy_of(a), copy_of(b)); }

// An object there is not counts as an empty one.
bool is_object_or_absent(const Json& value) { return value.isEmpty() || as_object(value) != nullptr; }

std::set<std::string> keys_of(const Json& a, const Json& b) {
  std::set<std::string> keys;
  for (const Json& value : {a, b})
    if (const auto* object = as_object(value))
      for (const auto& key : object->getNames()) keys.insert(key);
  return keys;
}

bool has(const Json& value, const std::string& key) {
  const auto* object = as_object(value);
  return object != nullptr && object->has(key);
}

Json member(const Json& value, const std::string& key) {
  const auto* object = as_object(value);
  return object != nullptr ? object->get(key) : Json();
}

JsonObject::Ptr ordered_copy(const JsonObject& from) {
  auto out = make_ordered_object();
  for (const auto& key : from.getNames()) out->set(key, from.get(key));
  return out;
}

// A step of a JSON pointer as the key it stands for.
std::string unescaped(std::string step) {
  for (const auto& [code, c] : {std::pair{"~1", '/'}, std::pair{"~0", '~'}})
    for (size_t at = 0; (at = step.find(code, at)) != std::string::npos; ++at) step.replace(at, 2, 1, c);
  return step;
}

void copy_member(JsonObject& to, const std::string& key, const JsonObject* from) {
  if (from != nullptr && from->has(key))
    to.set(key, from->get(key));
  else
    to.remove(key);
}

void find_nulls(const Json& value, const std::string& path, std::vector<std::string>& out) {
  if (out.size() > kMostPlaces) return;
  if (const auto* object = as_object(value)) {
    for (const auto& key : object->getNames()) {
      const Json inner = object->get(key);
      if (type_of(inner) == JsonType::null)
        out.push_back(below(path, key));
      else
        find_nulls(inner, below(path, key), out);
    }
  } else if (const auto* list = as_list(value)) {
    size_t index = 0;
    for (const auto& inner : *list) find_nulls(inner, below(path, index++), out);
  }
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Puts blanks in the place of a member that is null, and of the comma that parted it from another.
void blank(std::string& text, const std::string& path) {
  const auto place = locate(text, path);
  if (!place.exact || text.compare(place.value, kNull.size(), kNull) != 0) return;
  size_t end = place.value + kNull.size();
  size_t begin = place.key;
  size_t after = end;
  while (after < text.size() && is_space(text[after])) ++after;
  size_t before = begin;
  while (before > 0 && is_space(text[before - 1])) --before;
  if (after < text.size() && text[after] == ',')
    end = after + 1;
  else if (before > 0 && text[before - 1] == ',')
    begin = before - 1;
  for (size_t i = begin; i < end; ++i)
    if (!is_space(text[i])) text[i] = ' ';
}

}  // namespace

Parts changed_parts(const JsonObject& a, const JsonObject& b) {
  std::set<std::string> keys;
  for (const JsonObject* object : {&a, &b})
    for (const auto& key : object->getNames()) keys.insert(key);
  Parts out;
  for (const auto& key : keys) {
    const Json before = a.get(key), after = b.get(key);
    const auto path = below({}, key);
    if (!has_parts(key) || !is_object_or_absent(before) || !is_object_or_absent(after)) {
      if (a.has(key) != b.has(key) || !same(before, after)) out.insert(path);
      continue;
    }
    for (const auto& id : keys_of(before, after))
      if (has(before, id) != has(after, id) || !same(member(before, id), member(after, id)))
        out.insert(below(path, id));
  }
  return out;
}

bool overlap(const Parts& a, const Parts& b) {
  const auto within = [](const std::string& inner, const std::string& outer) {
    return inner.compare(0, outer.size(), outer) == 0 && (inner.size() == outer.size() || inner[outer.size()] == '/');
  };
  return std::any_of(a.begin(), a.end(), [&](const std::string& x) {
    return std::any_of(b.begin(), b.end(), [&](const std::string& y) { return within(x, y) || within(y, x); });
  });
}

std::string dotted(std::string part) {
  if (!part.empty()) part.erase(0, 1);
  std::replace(part.begin(), part.end(), '/', '.');
  return part;
}

std::string listed_parts(const Parts& parts) {
  std::vector<std::string> names;
  for (const std::string& part : parts) names.push_back(dotted(part));
  return listed(names);
}

JsonObject::Ptr with_parts(const JsonObject& document, const Parts& parts, const JsonObject& from) {
  auto out = ordered_copy(document);
  for (const auto& part : parts) {
    const auto slash = part.find('/', 1);
    const auto key = unescaped(part.substr(1, slash == std::string::npos ? std::string::npos : slash - 1));
    if (slash == std::string::npos) {
      copy_member(*out, key, &from);
      continue;
    }
    const Json had = out->get(key);
    auto inner = as_object(had) != nullptr ? ordered_copy(*as_object(had)) : make_ordered_object();
    const Json theirs = from.get(key);
    copy_member(*inner, unescaped(part.substr(slash + 1)), as_object(theirs));
    out->set(key, inner);
  }
  return out;
}

JsonObject::Ptr merge_patch(const JsonObject& document, const JsonObject& patch) {
  auto out = ordered_copy(document);
  for (const auto& key : patch.getNames()) {
    const Json value = patch.get(key);
    if (type_of(value) == JsonType::null) {
      out->remove(key);
    } else if (const auto* inner = as_object(value)) {
      const Json old = out->get(key);
      out->set(key, merge_patch(as_object(old) != nullptr ? *as_object(old) : JsonObject(), *inner));
    } else {
      out->set(key, without_nulls(value));
    }
  }
  return out;
}

Json without_nulls(const Json& value) {
  if (const auto* object = as_object(value)) {
    auto out = make_ordered_object();
    for (const auto& key : object->getNames()) {
      const Json inner = object->get(key);
      if (type_of(inner) != JsonType::null) out->set(key, without_nulls(inner));
    }
    return out;
  }
  if (const auto* list = as_list(value)) {
    auto out = Poco::makeShared<JsonArray>();
    for (const auto& inner : *list) out->add(without_nulls(inner));
    return out;
  }
  return value;
}

std::string text_without_nulls(std::string text) {
  Findings ignored;
  const auto document = read_json(text, "", ignored);
  if (!document) return text;
  std::vector<std::string> paths;
  find_nulls(*document, {}, paths);
  if (paths.size() > kMostPlaces) return to_json(without_nulls(*document));
  for (const auto& path : paths) blank(text, path);
  return text;
}

std::string file_text(const JsonObject::Ptr& document) {
  std::ostringstream out;
  Poco::JSON::Stringifier::stringify(Json(document), out, 2, -1, Poco::JSON_WRAP_STRINGS);
  std::string text = out.str() + "\n";
  return text.size() <= kMaxDocument ? text : to_json(Json(document));
}

}  // namespace dtud::config
