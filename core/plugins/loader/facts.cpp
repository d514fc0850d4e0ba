#include "plugins/loader/facts.hpp"

#include <sys/stat.h>

#include "plugins/loader/types.hpp"

namespace dtud::plugins {
namespace {

using config::as_text;
using config::Json;
using config::JsonArray;
using config::JsonObject;
using config::make_object;

constexpr size_t kLongestText = 256, kLongestReason = 1024, kMostComponents = 64, kMostNames = 32;

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
                    {}};
  for (const LoadedComponent& c : plugin.components)
    facts.components.push_back({std::string(kind_name(c.kind)), c.type, c.title, c.caps, c.interface_ids, c.dialects,
                                with_schemas ? c.schema : ""});
  return facts;
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
    if (!c.schema.empty()) component->set("schema", c.schema);
    components->add(component);
  }
  o->set("components", components);
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
  PluginFacts facts{short_text(o->get("id")),      short_text(o->get("version")), short_text(o->get("vendor")),
                    short_text(o->get("license")), short_text(o->get("abi")),     {}};
  const Json list = o->get("components");
  const JsonArray* components = config::as_list(list);
  if (components == nullptr || components->size() == 0 || components->size() > kMostComponents) return {};
  for (const Json& entry : *components) {
    const JsonObject* c = config::as_object(entry);
    if (c == nullptr || !is_type_name(as_text(c->get("type")))) return {};
    facts.components.push_back({short_text(c->get("kind")), as_text(c->get("type")), short_text(c->get("title")),
                                static_cast<uint64_t>(config::as_integer(c->get("caps"))),
                                texts_in(c->get("interfaces")), texts_in(c->get("dialects")),
                                as_text(c->get("schema"))});
  }
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
