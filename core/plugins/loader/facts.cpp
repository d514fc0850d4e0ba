#include "plugins/loader/facts.hpp"

#include <dtu/events.h>
#include <dtu/keys.h>
#include <sys/stat.h>

#include <cstdlib>

#include "events/names.hpp"
#include "plugins/loader/types.hpp"

namespace dtud::plugins {
namespace {

using config::as_text;
using config::Json;
using config::JsonArray;
using config::JsonObject;
using config::make_object;

constexpr size_t kLongestText = 256, kLongestReason = 1024, kMostComponents = 64, kMostNames = 32;
constexpr size_t kLongestEventSchema = size_t{64} << 10U;

std::string short_text(const Json& value, size_t most = kLongestText) { return as_text(value).substr(0, most); }

JsonArray::Ptr list_of(const std::vector<std::string>& texts) {
  JsonArray::Ptr list = new JsonArray;
  for (const std::string& text : texts) list->add(text);
  return list;
}

std::vector<std::string> texts_in(const Json& value) {
  std::vector<std::string> out;
  if (const JsonArray* list = config::as_list(value))
    for (const Json& text : *list)
      if (out.size() < kMostNames) out.push_back(short_text(text));
  return out;
}

JsonArray::Ptr list_of(const std::vector<events::Declared>& events) {
  JsonArray::Ptr list = new JsonArray;
  for (const events::Declared& e : events) {
    auto o = make_object();
    o->set("name", e.name);
    o->set("title", e.title);
    o->set("flags", e.flags);
    if (!e.schema.empty()) o->set("schema", e.schema);
    list->add(o);
  }
  return list;
}

// Another process may say anything: what no descriptor could have told is left out.
std::vector<events::Declared> events_in(const Json& value) {
  std::vector<events::Declared> out;
  const JsonArray* list = config::as_list(value);
  if (list == nullptr) return out;
  for (const Json& entry : *list) {
    const JsonObject* o = config::as_object(entry);
    if (o == nullptr || out.size() >= DTU_EVENTS_MAX) continue;
    events::Declared e{short_text(o->get("name")), short_text(o->get("title")), as_text(o->get("schema")),
                       static_cast<uint32_t>(config::as_integer(o->get("flags"))) & DTU_EVENT_STATE};
    if (e.schema.size() <= kLongestEventSchema && events::wrong_with_name(e.name).empty()) out.push_back(std::move(e));
  }
  return out;
}

JsonArray::Ptr list_of(const std::vector<DeclaredKey>& keys) {
  JsonArray::Ptr list = new JsonArray;
  for (const DeclaredKey& key : keys) {
    auto o = make_object();
    o->set("name", key.name);
    o->set("title", key.title);
    o->set("cuts", key.cuts);
    if (!key.schema.empty()) o->set("schema", key.schema);
    list->add(o);
  }
  return list;
}

std::vector<DeclaredKey> keys_in(const Json& value) {
  std::vector<DeclaredKey> out;
  const JsonArray* list = config::as_list(value);
  if (list == nullptr) return out;
  for (const Json& entry : *list) {
    const JsonObject* o = config::as_object(entry);
    if (o == nullptr || out.size() >= DTU_KEYS_MAX) continue;
    DeclaredKey key{short_text(o->get("name")), short_text(o->get("title")), as_text(o->get("schema")),
                    config::as_flag(o->get("cuts"))};
    if (!key.name.empty()) out.push_back(std::move(key));
  }
  return out;
}

std::string text_of(const struct stat& st) {
  const auto ns = [](const timespec& t) { return std::to_string(t.tv_sec) + "." + std::to_string(t.tv_nsec); };
  return std::to_string(st.st_dev) + ":" + std::to_string(st.st_ino) + ":" + std::to_string(st.st_size) + ":" +
         ns(st.st_mtim) + ":" + ns(st.st_ctim);
}

}  // namespace

PluginFacts facts_of(const LoadedPlugin& plugin, bool with_schemas) {
  PluginFacts facts{plugin.id,
                    plugin.version,
                    plugin.vendor,
                    plugin.license,
                    std::to_string(plugin.abi_major) + "." + std::to_string(plugin.abi_minor),
                    {},
                    with_schemas};
  for (const LoadedComponent& c : plugin.components) {
    facts.components.push_back({std::string(kind_name(c.kind)), c.type, c.title, c.caps, c.interface_ids, c.dialects,
                                with_schemas ? c.schema : "", c.lacks, c.events, c.keys});
    if (with_schemas) continue;
    for (events::Declared& event : facts.components.back().events) event.schema.clear();
    for (DeclaredKey& key : facts.components.back().keys) key.schema.clear();
  }
  return facts;
}

std::shared_ptr<const LoadedPlugin> described(const PluginFacts& facts, const std::filesystem::path& file) {
  auto plugin = std::make_shared<LoadedPlugin>();
  plugin->file = file;
  plugin->described = true;
  plugin->id = facts.id;
  plugin->version = facts.version;
  plugin->vendor = facts.vendor;
  plugin->license = facts.license;
  plugin->abi_major = DTU_ABI_MAJOR;  // the probe refuses another
  plugin->abi_minor =
      static_cast<uint16_t>(std::strtoul(facts.abi.substr(facts.abi.find('.') + 1).c_str(), nullptr, 10));
  for (const ComponentFacts& f : facts.components) {
    LoadedComponent c;
    for (const uint32_t kind : {DTU_KIND_CHANNEL, DTU_KIND_HAL, DTU_KIND_COMMAND})
      if (kind_name(kind) == f.kind) c.kind = kind;
    c.type = f.type;
    c.title = f.title;
    c.schema = f.schema;
    c.caps = f.caps;
    c.dialects = f.dialects;
    c.events = f.events;
    c.keys = f.keys;
    c.interface_ids = f.interfaces;
    c.lacks = f.lacks;
    c.tables.assign(c.interface_ids.size(), nullptr);
    if (c.kind != 0) plugin->components.push_back(std::move(c));
  }
  return plugin;
}

JsonObject::Ptr to_json(const PluginFacts& facts) {
  auto o = make_object();
  o->set("id", facts.id);
  o->set("version", facts.version);
  o->set("vendor", facts.vendor);
  o->set("license", facts.license);
  o->set("abi", facts.abi);
  JsonArray::Ptr components = new JsonArray;
  for (const ComponentFacts& c : facts.components) {
    auto component = make_object();
    component->set("kind", c.kind);
    component->set("type", c.type);
    component->set("title", c.title);
    component->set("caps", static_cast<int64_t>(c.caps));
    component->set("interfaces", list_of(c.interfaces));
    component->set("dialects", list_of(c.dialects));
    component->set("lacks", list_of(c.lacks));
    component->set("events", list_of(c.events));
    component->set("keys", list_of(c.keys));
    if (!c.schema.empty()) component->set("schema", c.schema);
    components->add(component);
  }
  o->set("components", components);
  o->set("whole", facts.whole);
  return o;
}

JsonObject::Ptr to_json(const SignatureFacts& facts) {
  auto o = make_object();
  o->set("state", facts.state);
  o->set("key", facts.key);
  o->set("text", facts.text);
  return o;
}

std::optional<PluginFacts> plugin_facts(const Json& json) {
  const JsonObject* o = config::as_object(json);
  if (o == nullptr) return {};
  PluginFacts facts{short_text(o->get("id")),
                    short_text(o->get("version")),
                    short_text(o->get("vendor")),
                    short_text(o->get("license")),
                    short_text(o->get("abi")),
                    {},
                    false};
  const Json list = o->get("components");
  const JsonArray* components = config::as_list(list);
  if (components == nullptr || components->size() == 0 || components->size() > kMostComponents) return {};
  for (const Json& entry : *components) {
    const JsonObject* c = config::as_object(entry);
    if (c == nullptr || !is_type_name(as_text(c->get("type")))) return {};
    facts.components.push_back({short_text(c->get("kind")), as_text(c->get("type")), short_text(c->get("title")),
                                static_cast<uint64_t>(config::as_integer(c->get("caps"))),
                                texts_in(c->get("interfaces")), texts_in(c->get("dialects")), as_text(c->get("schema")),
                                texts_in(c->get("lacks")), events_in(c->get("events")), keys_in(c->get("keys"))});
  }
  facts.whole = config::as_flag(o->get("whole"));
  return facts;
}

SignatureFacts signature_facts(const Json& json) {
  const JsonObject* o = config::as_object(json);
  if (o == nullptr) return {};
  return {short_text(o->get("state")), short_text(o->get("key")), short_text(o->get("text"), kLongestReason)};
}

std::string identity_of(const std::filesystem::path& file) {
  struct stat st = {};
  return stat(file.c_str(), &st) == 0 ? text_of(st) : std::string();
}

std::string identity_of(int fd) {
  struct stat st = {};
  return fstat(fd, &st) == 0 ? text_of(st) : std::string();
}

bool is_sha256(const std::string& text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

}  // namespace dtud::plugins
