#include "config/plugin_keys.hpp"

#include <dtu/abi.h>

#include <Poco/String.h>

#include <algorithm>
#include <array>
#include <stdexcept>

#include "config/isolate.hpp"
#include "config/json_text.hpp"
#include "config/secret_names.hpp"
#include "config/secrets.hpp"
#include "config/validate.hpp"
#include "device.schema.json.hpp"

namespace dtud::config {
namespace {

// Keys of the vendor's document that belong to a plugin which a product need not have: without it they have no effect,
// and the documents that devices in the field have stay valid.
constexpr std::array<std::string_view, 4> kDocumented = {"convert", "events", "plate", "reply"};

// A schema within a schema: "#/definitions/x" stands at another place now.
Json moved(const Json& node, const std::string& to) {
  if (const auto* list = as_list(node)) {
    auto out = Poco::makeShared<JsonArray>();
    for (const auto& item : *list) out->add(moved(item, to));
    return out;
  }
  const auto* object = as_object(node);
  if (object == nullptr) return node;
  auto out = make_ordered_object();
  for (const auto& key : object->getNames()) {
    const Json value = object->get(key);
    const bool data = key == "default" || key == "const" || key == "enum" || key == "examples";
    const auto text = as_text(value);
    const bool reference = key == "$ref" && text.substr(0, 1) == "#";
    out->set(key, data ? value : reference ? Json("#" + to + text.substr(1)) : moved(value, to));
  }
  return out;
}

// As in the rest of the document: an unknown key is an error for whoever sets it, and ignored by who starts with it.
bool can_be_used(const std::vector<Problem>& problems) {
  return std::all_of(problems.begin(), problems.end(), [](const Problem& p) {
    return p.kind == Problem::Kind::unknown_key || p.kind == Problem::Kind::placeholder;
  });
}

std::string component_name(const KeyOwner& owner) {
  const char* kind = owner.kind == DTU_KIND_CHANNEL ? "channel" : owner.kind == DTU_KIND_HAL ? "hal" : "command";
  return std::string(kind) + " " + owner.type + " (" + owner.file + ")";
}

}  // namespace

Json schema_of_key(const std::string& key, const std::string& schema) {
  auto properties = make_object();
  const std::string at = below("/properties", key);
  properties->set(key, moved(parse_trusted(schema), at));
  auto out = make_object();
  out->set("type", std::string("object"));
  out->set("properties", properties);
  return out;
}

bool is_kernel_key(const std::string& key) {
  const Json schema = parse_trusted(device_schema_json);
  const Json properties = as_object(schema)->get("properties");
  return as_object(properties)->has(key);
}

std::string wrong_with_schema(const std::string& key, const std::string& schema) {
  try {
    std::string error;
    if (as_object(parse_trusted(schema)) == nullptr) return "it is not an object";
    const auto validator = Validator::make(schema_of_key(key, schema), error);
    if (validator == nullptr) return error;
    std::vector<Problem> problems;  // references in a circle show only in use
    const bool usable = validator->check(make_object(), {}, {}, problems).has_value();
    return usable || problems.empty() ? std::string() : problems.front().message;
  } catch (const std::exception&) {
    return "it is not JSON";
  }
}

std::string with_document(const std::string& json, uint32_t kind, const std::string& type, const OwnedKeys& owned) {
  const Json config = parse_trusted(json);
  auto object = shared_object(config);
  auto document = make_object();
  for (const OwnedKey& key : owned.list) {
    if (key.kind != kind || key.type != type) continue;
    const Json wrapped = parse_trusted("{\"value\":" + key.json + "}");
    document->set(key.name, as_object(wrapped)->get("value"));
  }
  object->remove("document");
  if (document->size() != 0) object->set("document", document);
  return to_json(config);
}

PluginKeys::PluginKeys(const Json& document, const Schemas& schemas, Report& report)
    : document_(document), schemas_(schemas), report_(report) {
  const Json channels = as_object(document)->get("conf");
  if (const auto* object = as_object(channels))
    for (const auto& [id, channel] : *object)
      if (const auto* settings = as_object(channel)) {
        const std::string type = Poco::toLower(as_text(settings->get("protocol")));
        channel_types_.insert(type);
        // Before it is looked at: a file that is used in processes of its own is not opened.
        if (schemas.uses) schemas.uses(DTU_KIND_CHANNEL, type, isolate_of(settings->get("isolate")).has_value());
      }
  const Json schema = parse_trusted(device_schema_json);
  const Json properties = as_object(schema)->get("properties");
  const auto& kernels = *as_object(properties);
  std::set<std::string> keys;
  for (const auto& key : as_object(document)->getNames())
    if (!kernels.has(key)) keys.insert(key);
  if (schemas.keys_in_use) {
    const auto used = schemas.keys_in_use({channel_types_.begin(), channel_types_.end()});
    keys.insert(used.begin(), used.end());
  }
  auto rest = make_ordered_object();
  for (const auto& key : as_object(document)->getNames()) rest->set(key, as_object(document)->get(key));
  for (const auto& key : keys) look_at(key);
  for (const auto& key : names_) rest->remove(key);
  rest_ = rest;
  if (!schemas.keys) return;
  const auto all = schemas.keys();  // only now: a file that cannot be used is found out when it is opened
  names_.insert(all.begin(), all.end());
}

void PluginKeys::add_names(JsonObject& schema) const {
  auto properties = schema.getObject("properties");
  for (const auto& name : names_) properties->set(name, make_object());
}

bool PluginKeys::has(const std::string& key) const { return type_of(as_object(document_)->get(key)) != JsonType::null; }

bool PluginKeys::is_used(const KeyOwner& owner) const {
  return owner.kind == DTU_KIND_CHANNEL ? channel_types_.count(owner.type) != 0 : owner.used;
}

void PluginKeys::look_at(const std::string& key) {
  const auto owners = schemas_.key_owners ? schemas_.key_owners(key) : std::vector<KeyOwner>();
  const bool documented = std::find(kDocumented.begin(), kDocumented.end(), key) != kDocumented.end();
  if (owners.empty() && !documented) return;  // nobody's, and an error
  names_.insert(key);
  SecretNames hidden;
  for (const KeyOwner& owner : owners) add_secret_names_of_key(key, owner.schema, hidden);
  if (hidden.empty()) plain_.insert(key);
  if (has(key)) find_secrets(key, owners);
  std::vector<KeyOwner> used;
  std::copy_if(owners.begin(), owners.end(), std::back_inserter(used), [this](const auto& o) { return is_used(o); });
  if (used.size() == 1) return read(key, used.front());
  if (has(key)) explain_unused(key, used.empty() ? owners : used);
}

// What others have to say of a value that they do not own does no harm.
void PluginKeys::find_secrets(const std::string& key, const std::vector<KeyOwner>& owners) {
  auto alone = make_object();
  alone->set(key, as_object(document_)->get(key));
  if (owners.empty()) collect_likely_secrets(Json(alone), {}, secrets_);
  for (const KeyOwner& owner : owners) {
    try {
      const Schema schema(schema_of_key(key, owner.schema));
      collect_secrets(Json(alone), SchemaNode(schema), {}, secrets_);
    } catch (const std::exception&) {
      secrets_.insert(below({}, key));
    }
  }
}

void PluginKeys::read(const std::string& key, const KeyOwner& owner) {
  std::string error;
  const auto validator = Validator::make(schema_of_key(key, owner.schema), error);
  std::vector<Problem> problems;
  const auto take = [&](const Json& given) {
    const auto normal = validator->check(given, {}, secrets_, problems);
    for (Problem& problem : problems)
      if (problem.path.empty()) problem.path = below({}, key);  // about its schema
    const bool good = normal && can_be_used(problems);
    if (!good || !as_object(*normal)->has(key)) return good;
    const Json value = as_object(*normal)->get(key);
    values_->set(key, value);
    owned_.push_back({key, owner.kind, owner.type, to_json(value)});
    return true;
  };
  auto given = make_object();
  if (as_object(document_)->has(key)) given->set(key, as_object(document_)->get(key));
  if (validator == nullptr) {  // the loader has tried it
    problems.push_back({Problem::Kind::value, below({}, key), "the schema of this key cannot be used: " + error});
    return report_.add(problems);
  }
  for (const auto& path : still_masked(Json(given), {}, secrets_))
    problems.push_back({Problem::Kind::value, path, kMaskAlone});
  const bool good = take(Json(given));
  report_.add(problems);
  problems.clear();
  if (!good) (void)take(Json(make_object()));  // its default
}

void PluginKeys::explain_unused(const std::string& key, const std::vector<KeyOwner>& owners) {
  const auto say = [&](const std::string& why) { report_.warning(below({}, key), why, Report::Point::key); };
  if (owners.empty()) return say("no plugin that is installed has this key: it has no effect");
  if (owners.size() > 1 && is_used(owners.front())) {
    std::string all;
    for (const KeyOwner& owner : owners) all += (all.empty() ? "" : " and ") + component_name(owner);
    return say("belongs to " + all + ": neither gets it; leave one of them out of the product");
  }
  const KeyOwner& owner = owners.front();
  const std::string who = "belongs to " + component_name(owner) + ", which ";
  if (owner.kind == DTU_KIND_CHANNEL)
    return say(who + "no channel of this document is: it has no effect without a channel of protocol " + owner.type);
  const std::string list = owner.kind == DTU_KIND_HAL ? "hal" : "commands";
  say(who + "is not in \"" + list + "\" of board.json: it has no effect; add {\"type\": \"" + owner.type + "\"} there");
}

}  // namespace dtud::config
