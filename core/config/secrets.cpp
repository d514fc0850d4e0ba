#include "config/secrets.hpp"

#include <Poco/String.h>

#include <algorithm>
#include <array>
#include <functional>
#include <optional>

#include "config/documents.hpp"
#include "config/json_text.hpp"
#include "config/locate.hpp"
#include "log/scrubber.hpp"

namespace dtud::config {
namespace {

constexpr std::array<const char*, 5> kNames = {"password", "new_password", "secret", "devicesecret", "productsecret"};
constexpr std::array<const char*, 4> kSounds = {"passw", "secret", "token", "private"};

bool is_set(const Json& value) {
  return type_of(value) != JsonType::null && !(type_of(value) == JsonType::text && as_text(value).empty());
}

// A URL with a user name or a password in it.
bool holds_user(const Json& value) {
  if (type_of(value) != JsonType::text) return false;
  const auto text = as_text(value);
  return text.find("://") != std::string::npos && Scrubber().clean(text) != text;
}

// An address with a user name or a password in it and no scheme, as somebody wrote it into "url".
bool holds_user_without_scheme(const std::string& key, const Json& value) {
  const auto lower = Poco::toLower(key);
  return lower.size() >= 3 && lower.compare(lower.size() - 3, 3, "url") == 0 &&
         as_text(value).find('@') != std::string::npos;
}

using IsSecret = std::function<bool(const std::string& key)>;

void walk(const Json& value, const std::vector<SchemaNode>& schemas, const std::string& path, const IsSecret& by_name,
          Paths& out) {
  const auto child = [&](const Json& inner, const std::vector<SchemaNode>& found, const std::string& where,
                         bool named) {
    std::vector<SchemaNode> all;
    for (const auto& schema : found) {
      for (auto& node : schema.with_branches()) all.push_back(std::move(node));
    }
    const bool write_only =
        std::any_of(all.begin(), all.end(), [](const auto& node) { return as_flag(node.keyword("writeOnly")); });
    const bool secret = named || write_only || holds_user(inner);
    if (!secret) return walk(inner, all, where, by_name, out);
    if (is_set(inner)) out.insert(where);
  };
  if (const auto* object = as_object(value)) {
    for (const auto& [key, inner] : *object) {
      std::vector<SchemaNode> found;
      for (const auto& schema : schemas) {
        for (auto& node : schema.member(key)) found.push_back(std::move(node));
      }
      child(inner, found, below(path, key), by_name(key) || holds_user_without_scheme(key, inner));
    }
  } else if (const auto* list = as_list(value)) {
    size_t index = 0;
    for (const auto& inner : *list) {
      std::vector<SchemaNode> found;
      for (const auto& schema : schemas) {
        for (auto& node : schema.item(index)) found.push_back(std::move(node));
      }
      child(inner, found, below(path, index), false);
      ++index;
    }
  }
}

// Visits every path of `secrets` at or below `path`, replacing what it finds by what `change` makes of it.
Json changed(const Json& value, const std::string& path, const Paths& secrets,
             const std::function<Json(const Json&, const std::string&)>& change) {
  if (secrets.count(path) > 0) return change(value, path);
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
  (void)changed(document, {}, one, [&](const Json& value, const std::string&) {
    found.emplace(value);
    return value;
  });
  return found;
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
  const auto sounds = [](const std::string& key) {
    const auto lower = Poco::toLower(key);
    return std::any_of(kSounds.begin(), kSounds.end(),
                       [&](const char* sound) { return lower.find(sound) != std::string::npos; });
  };
  walk(value, {}, path, sounds, out);
}

Json with_mask(const Json& value, const std::string& path, const Paths& secrets) {
  return changed(value, path, secrets, [](const Json&, const std::string&) { return Json(std::string(kMask)); });
}

Paths still_masked(const Json& value, const std::string& path, const Paths& secrets) {
  Paths out;
  (void)changed(value, path, secrets, [&](const Json& secret, const std::string& where) {
    if (as_text(secret) == kMask) out.insert(where);
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
  (void)changed(document, path, secrets, [&](const Json& value, const std::string&) {
    take(value);
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
  for (const auto& path : stored.secrets) {
    const auto place = locate(out, path);
    if (!place.exact || out.compare(place.value, mask.size(), mask) != 0) continue;
    if (const auto secret = value_at(Json(stored.document), path))
      out.replace(place.value, mask.size(), to_json(*secret));
  }
  return out;
}

}  // namespace dtud::config
