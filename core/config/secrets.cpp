#include "config/secrets.hpp"

#include <Poco/String.h>

#include <algorithm>
#include <array>
#include <dtu/sdk/address.hpp>
#include <functional>
#include <optional>

#include "config/documents.hpp"
#include "config/json_text.hpp"
#include "config/locate.hpp"
#include "config/nearest.hpp"
#include "config/syntax.hpp"
#include "config/url_query.hpp"
#include "log/scrubber.hpp"

namespace dtud::config {
namespace {

constexpr std::array<const char*, 5> kNames = {"password", "new_password", "secret", "devicesecret", "productsecret"};

bool is_set(const Json& value) {
  return type_of(value) != JsonType::null && !(type_of(value) == JsonType::text && as_text(value).empty());
}

// A URL with a user name or a password in it.
bool holds_user(const Json& value) {
  if (type_of(value) != JsonType::text) return false;
  const auto text = as_text(value);
  const size_t scheme = text.find("://");
  if (scheme == std::string::npos) return false;
  if (Scrubber().clean(text) != text) return true;
  return dtu::shown_url(text.substr(scheme, text.find_first_of("?#", scheme) - scheme)).find("***") !=
             std::string::npos &&
         text.find("***") == std::string::npos;
}

// An address without a scheme, as somebody wrote it into "url", and in it what may be a user name or a query.
bool is_secret_without_scheme(const std::string& key, const Json& value) {
  const auto lower = Poco::toLower(key);
  const auto text = as_text(value);
  return lower.size() >= 3 && lower.compare(lower.size() - 3, 3, "url") == 0 &&
         (text.find('@') != std::string::npos ||
          (text.find("://") == std::string::npos && text.find_first_of("?#") != std::string::npos));
}

// What is secret would stand inside of it: an object { "key": secret }, a list. The work is bounded, for a schema
// may contain itself.
bool holds_secret(const SchemaNode& schema, int depth, int& steps) {
  constexpr int kMostSteps = 500;
  if (depth == 0 || ++steps > kMostSteps) return false;
  std::vector<SchemaNode> inner;
  const auto add = [&inner](const std::vector<SchemaNode>& more) {
    inner.insert(inner.end(), more.begin(), more.end());
  };
  for (const auto& node : schema.with_branches()) {
    for (const auto& key : node.keys()) {
      if (is_secret_name(key)) return true;
      add(node.member(key));
    }
    add(node.single("additionalProperties"));
    const Json items = node.keyword("items");
    const auto* list = as_list(items);
    for (size_t i = 0; i < (list != nullptr ? list->size() : 1); ++i) add(node.item(i));
  }
  return std::any_of(inner.begin(), inner.end(),
                     [&](const SchemaNode& one) { return one.is_secret() || holds_secret(one, depth - 1, steps); });
}

bool holds_secret(const SchemaNode& schema) {
  constexpr int kDepth = 4;
  int steps = 0;
  return holds_secret(schema, kDepth, steps);
}

// A list in the place of an object, or an object in that of a list.
bool is_other_container(const Json& value, const SchemaNode& schema) {
  if (as_object(value) == nullptr && as_list(value) == nullptr) return false;
  bool container = false;
  for (const auto& node : schema.with_branches()) {
    for (const auto& name : node.types()) {
      if (has_type(value, name)) return false;
      container = container || name == "object" || name == "array";
    }
  }
  return container;
}

bool holds_misplaced(const Json& value, const std::vector<SchemaNode>& schemas) {
  return std::any_of(schemas.begin(), schemas.end(), [&](const SchemaNode& schema) {
    return (instead_of_container(value, schema) || is_other_container(value, schema)) && holds_secret(schema);
  });
}

bool is_write_only(const std::vector<SchemaNode>& nodes) {
  return std::any_of(nodes.begin(), nodes.end(), [](const auto& node) { return node.is_secret(); });
}

// A name that no schema has, and that may be that of a secret.
bool may_be_secret_name(const std::string& key) {
  return sounds_secret(key) ||
         std::any_of(kNames.begin(), kNames.end(), [&](const char* name) { return is_misspelt(key, name); });
}

bool is_unknown(const std::string& key, const std::vector<SchemaNode>& schemas) {
  return std::none_of(schemas.begin(), schemas.end(), [&](const SchemaNode& schema) { return schema.knows(key); });
}

// Keys it does not have are mistakes.
bool is_strict(const SchemaNode& schema) {
  const auto others = schema.single("additionalProperties");
  return !others.empty() && others.front().rejects_all();
}

// A key that these schemas do not have: was one meant that is secret, or holds secrets?
bool is_misspelt_secret(const std::string& key, const std::vector<SchemaNode>& schemas) {
  if (!is_unknown(key, schemas)) return false;
  return std::any_of(schemas.begin(), schemas.end(), [&](const SchemaNode& schema) {
    const auto keys = schema.keys();
    if (keys.empty()) return false;
    const bool strict = is_strict(schema);
    if (strict && may_be_secret_name(key)) return true;
    const auto near = nearest(key, keys);
    if (near.empty() || (!strict && !is_misspelt(key, near))) return false;
    if (is_secret_name(near)) return true;
    const auto members = schema.member(near);
    return std::any_of(members.begin(), members.end(), [](const SchemaNode& member) {
      return is_write_only(member.with_branches()) || holds_secret(member);
    });
  });
}

using IsSecret = std::function<bool(const std::string& key)>;

void walk(const Json& value, const std::vector<SchemaNode>& schemas, const std::string& path, const IsSecret& by_name,
          Paths& out) {
  // Answers whether it is secret by its schema or name.
  const auto child = [&](const Json& inner, const std::vector<SchemaNode>& found, const std::string& where, bool named,
                         const IsSecret& below_it) {
    std::vector<SchemaNode> all;
    for (const auto& schema : found) {
      for (auto& node : schema.with_branches()) all.push_back(std::move(node));
    }
    const bool write_only = is_write_only(all);
    const bool secret = named || write_only || holds_user(inner) || holds_misplaced(inner, found);
    if (secret) {
      if (is_set(inner)) out.insert(where);
    } else if (has_query_value(as_text(inner))) {
      out.insert(where + kQueryOnly);
    } else {
      walk(inner, all, where, below_it, out);
    }
    return named || write_only;
  };
  if (const auto* object = as_object(value)) {
    const bool strict = std::any_of(schemas.begin(), schemas.end(), is_strict);
    for (const auto& [key, inner] : *object) {
      std::vector<SchemaNode> found;
      for (const auto& schema : schemas) {
        for (auto& node : schema.member(key)) found.push_back(std::move(node));
      }
      const bool mistake = strict && is_unknown(key, schemas);
      child(inner, found, below(path, key),
            by_name(key) || is_secret_without_scheme(key, inner) || is_misspelt_secret(key, schemas),
            mistake ? IsSecret(may_be_secret_name) : by_name);
    }
  } else if (const auto* list = as_list(value)) {
    size_t index = 0;
    bool after_secret = false;  // an entry too many may have moved the secret
    for (const auto& inner : *list) {
      std::vector<SchemaNode> found;
      for (const auto& schema : schemas) {
        for (auto& node : schema.item(index)) found.push_back(std::move(node));
      }
      after_secret = child(inner, found, below(path, index), after_secret && found.empty(), by_name);
      ++index;
    }
  }
}

enum class Extent { whole, query };
using Change = std::function<Json(const Json&, const std::string& path, Extent)>;

// Visits every path of `secrets` at or below `path`, replacing what it finds by what `change` makes of it.
Json changed(const Json& value, const std::string& path, const Paths& secrets, const Change& change) {
  if (secrets.count(path) > 0) return change(value, path, Extent::whole);
  if (type_of(value) == JsonType::text && secrets.count(path + kQueryOnly) > 0)
    return change(value, path, Extent::query);
  if (const auto* object = as_object(value)) {
    auto copy = make_ordered_object();
    for (const auto& key : object->getNames())
      copy->set(key, changed(object->get(key), below(path, key), secrets, change));
    return copy;
  }
  if (const auto* list = as_list(value)) {
    auto copy = Poco::makeShared<JsonArray>();
    size_t index = 0;
    for (const auto& item : *list) copy->add(changed(item, below(path, index++), secrets, change));
    return copy;
  }
  return value;
}

// The value at a pointer of the document, or nothing.
std::optional<Json> value_at(const Json& document, std::string_view pointer) {
  std::optional<Json> found;
  const Paths one{std::string(pointer)};
  (void)changed(document, {}, one, [&](const Json& value, const std::string&, Extent) {
    found.emplace(value);
    return value;
  });
  return found;
}

// The text at `begin` of a document, with its quotes. "": no text stands there.
std::string_view quoted_at(std::string_view document, size_t begin) {
  if (begin >= document.size() || document[begin] != '"') return {};
  size_t end = begin + 1;
  while (end < document.size() && document[end] != '"') end += document[end] == '\\' ? 2 : 1;
  return end < document.size() ? document.substr(begin, end + 1 - begin) : std::string_view();
}

}  // namespace

bool is_secret_name(std::string_view key) {
  const auto lower = Poco::toLower(std::string(key));
  return std::any_of(kNames.begin(), kNames.end(), [&](const char* name) { return lower == name; });
}

void collect_secrets(const Json& value, const SchemaNode& schema, const std::string& path, Paths& out) {
  walk(value, schema.with_branches(), path, is_secret_name, out);
}

void collect_likely_secrets(const Json& value, const std::string& path, Paths& out) {
  walk(value, {}, path, may_be_secret_name, out);
}

bool is_secret(const std::string& path, const Paths& secrets) {
  for (std::string at = path; !at.empty(); at.resize(at.rfind('/')))
    if (secrets.count(at) > 0) return true;
  return false;
}

std::string shown_value(const Json& value, const std::string& path, const Paths& secrets) {
  return shown(secrets.count(path + kQueryOnly) > 0 ? Json(with_masked_query(as_text(value))) : value);
}

Json with_mask(const Json& value, const std::string& path, const Paths& secrets) {
  return changed(value, path, secrets, [](const Json& secret, const std::string&, Extent extent) {
    return Json(extent == Extent::query ? with_masked_query(as_text(secret)) : std::string(kMask));
  });
}

Paths still_masked(const Json& value, const std::string& path, const Paths& secrets) {
  Paths out;
  (void)changed(value, path, secrets, [&](const Json& secret, const std::string& where, Extent extent) {
    const auto text = as_text(secret);
    if (extent == Extent::query ? has_masked_query(text) : text == kMask) out.insert(where);
    return secret;
  });
  return out;
}

std::vector<std::string> values_at(const Json& document, const std::string& path, const Paths& secrets) {
  std::vector<std::string> out;
  const std::function<void(const Json&)> take = [&](const Json& value) {
    if (type_of(value) == JsonType::text) out.push_back(as_text(value));
    if (type_of(value) == JsonType::integer) out.push_back(to_json(value));
    if (const auto* object = as_object(value))
      for (const auto& [key, inner] : *object) take(inner);
    if (const auto* list = as_list(value))
      for (const auto& inner : *list) take(inner);
  };
  (void)changed(document, path, secrets, [&](const Json& value, const std::string&, Extent extent) {
    if (extent == Extent::query) {
      for (auto& one : secrets_of_query(as_text(value))) out.push_back(std::move(one));
    } else {
      take(value);
    }
    return value;
  });
  return out;
}

std::vector<std::string> secret_values(const DeviceConfig& config) {
  if (config.document.isNull()) return {};
  return values_at(Json(config.document), {}, Paths(config.secrets.begin(), config.secrets.end()));
}

std::string masked(const DeviceConfig& config) {
  return to_json(with_mask(Json(config.document), {}, Paths(config.secrets.begin(), config.secrets.end())));
}

std::string unmask(std::string_view text, const DeviceConfig& stored, Findings& findings) {
  if (!read_json(text, "", findings)) return {};
  std::string out(without_bom(text));
  const std::string mask = std::string("\"") + kMask + "\"";
  // Each is looked up anew: a replacement moves what comes after it.
  for (std::string path : stored.secrets) {
    const size_t mark = path.rfind(kQueryOnly);
    const bool query_only = mark != std::string::npos;
    if (query_only) path.resize(mark);
    const auto place = locate(out, path);
    const auto secret = place.exact ? value_at(Json(stored.document), path) : std::nullopt;
    if (!secret) continue;
    if (!query_only) {
      if (out.compare(place.value, mask.size(), mask) == 0) out.replace(place.value, mask.size(), to_json(*secret));
      continue;
    }
    const std::string_view given = quoted_at(out, place.value);
    if (given.size() < 2) continue;
    const std::string url = unescape(given.substr(1, given.size() - 2));
    if (!has_masked_query(url)) continue;
    if (const auto whole = with_query_of(url, as_text(*secret)))
      out.replace(place.value, given.size(), to_json(*whole));
  }
  return out;
}

}  // namespace dtud::config
