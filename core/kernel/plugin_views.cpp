// What there is of plugins, as JSON.
#include <algorithm>

#include "config/json_text.hpp"
#include "kernel/kernel.hpp"
#include "kernel/views.hpp"
#include "plugins/loader/types.hpp"

namespace dtud::views {
namespace {

using config::Json;
using config::JsonArray;
using config::JsonObject;
using config::make_object;
using dtud::plugins::CacheEntry;
using dtud::plugins::ComponentFacts;
using dtud::plugins::Installed;
using dtud::plugins::LoadedPlugin;
using dtud::plugins::PluginFacts;
using File = Components::File;

JsonArray::Ptr make_list() { return new JsonArray; }

JsonArray::Ptr list_of(const std::vector<std::string>& texts) {
  auto list = make_list();
  for (const std::string& text : texts) list->add(text);
  return list;
}

struct Cap {
  uint64_t bit;
  const char* name;
};
constexpr Cap kCaps[] = {{DTU_CAP_BLOCKING, "blocking"},
                         {DTU_CAP_TOPICS, "topics"},
                         {DTU_CAP_REQUESTS, "requests"},
                         {DTU_CAP_CONNECTIONLESS, "connectionless"}};

JsonArray::Ptr caps_view(uint64_t caps) {
  auto list = make_list();
  for (const Cap& cap : kCaps)
    if ((caps & cap.bit) != 0) list->add(std::string(cap.name));
  return list;
}

Json schema_view(const std::string& schema) {
  config::Findings ignored;
  const auto json = config::read_json(schema, "", ignored);
  return json ? *json : Json(make_object());
}

// Faults of a plugin, over all that ever ran in its name.
uint64_t faults_of(Kernel& kernel, const std::string& plugin) {
  uint64_t sum = 0;
  for (const dtud::plugins::Faults* f : kernel.instances().faults().all())
    if (f->plugin() == plugin) sum += f->total();
  return sum;
}

// "channel 1 is in quarantine: see dtuctl status"; "": none of its instances is.
std::string held_of(Kernel& kernel, const std::string& plugin) {
  std::string names;
  const auto look = [&](const dtud::plugins::Instance* i) {
    if (i != nullptr && i->plugin_id() == plugin && !i->quarantine().empty())
      names += (names.empty() ? "" : ", ") + i->name();
  };
  for (const auto& member : kernel.members()) look(member.get());
  for (const auto& channel : kernel.router().channels()) look(channel->instance.get());
  return names.empty() ? names : names + " in quarantine: see dtuctl status";
}

// Everything known of one file, from wherever it is known.
struct Known {
  Kernel& kernel;
  const File& file;
  const LoadedPlugin* loaded = nullptr;
  const CacheEntry* entry = nullptr;     // of the file as it is
  const Installed* installed = nullptr;  // by dtuctl

  Known(Kernel& owner, const File& of) : kernel(owner), file(of) {
    Components& components = kernel.components();
    std::error_code ec;
    const auto real = std::filesystem::canonical(of.path, ec);
    const auto& all = components.catalogue().plugins();
    const auto it = std::find_if(all.begin(), all.end(),
                                 [&](const auto& p) { return p->file == of.path || (!ec && p->file == real); });
    if (it != all.end()) loaded = it->get();
    if (of.image != nullptr) loaded = of.image.get();
    entry = components.vetting().known(of.path);
    if (!of.installed.empty()) installed = components.store().find(of.installed);
  }
  [[nodiscard]] bool held() const { return entry != nullptr && entry->verdict == CacheEntry::Verdict::quarantined; }
  [[nodiscard]] PluginFacts facts(bool schemas) const {
    if (loaded != nullptr) return dtud::plugins::facts_of(*loaded, schemas);
    return entry != nullptr ? entry->plugin : PluginFacts{};
  }
  [[nodiscard]] const char* state() const {
    if (file.loaded) return file.described() ? "isolated" : "loaded";
    if (!file.dead.empty()) return "dead";
    if (file.quarantined) return "quarantined";
    if (!file.error.empty()) return "refused";
    if (file.note.empty()) return "available";
    return file.installed.empty() ? "replaced" : "waiting";
  }
};

void add_types(JsonArray& to, const std::vector<std::string>& declared) {
  for (const std::string& one : declared) {
    auto component = make_object();
    const size_t colon = one.find(':');
    component->set("kind", one.substr(0, colon));
    component->set("type", colon == std::string::npos ? "" : one.substr(colon + 1));
    to.add(component);
  }
}

JsonObject::Ptr component_view(const ComponentFacts& c, bool whole) {
  auto o = make_object();
  o->set("kind", c.kind);
  o->set("type", c.type);
  o->set("title", c.title);
  if (!whole) return o;
  o->set("caps", caps_view(c.caps));
  o->set("interfaces", list_of(c.interfaces));
  o->set("dialects", list_of(c.dialects));
  o->set("schema", c.schema.empty() ? Json() : schema_view(c.schema));
  return o;
}

// whole: with all that inspect shows. probed: facts with schemas, or null.
JsonObject::Ptr file_view(const Known& k, bool whole, const PluginFacts* probed) {
  const PluginFacts facts = probed != nullptr ? *probed : k.facts(whole);
  auto o = make_object();
  o->set("file", k.file.path.string());
  o->set("id", facts.id);
  o->set("version", facts.version);
  o->set("vendor", facts.vendor);
  o->set("license", facts.license);
  o->set("abi", facts.abi);
  o->set("loaded", k.file.loaded && !k.file.described());
  o->set("state", std::string(k.state()));
  o->set("error", k.file.error);
  std::string note = k.file.loaded && k.held() ? "is not opened at the next start: " + k.entry->reason : k.file.note;
  if (note.empty() && k.file.loaded) note = held_of(k.kernel, facts.id);
  o->set("note", note);
  o->set("dead", k.file.dead);
  o->set("installed", k.installed != nullptr);
  o->set("faults", static_cast<int64_t>(facts.id.empty() ? 0 : faults_of(k.kernel, facts.id)));
  o->set("sha256", k.entry != nullptr ? k.entry->sha256 : "");
  o->set("signature", to_json(k.entry != nullptr ? k.entry->signature : dtud::plugins::SignatureFacts{}));
  auto components = make_list();
  if (facts.components.empty())
    add_types(*components, k.file.types);
  else
    for (const ComponentFacts& c : facts.components) components->add(component_view(c, whole));
  o->set("components", components);
  if (!whole) return o;
  if (k.held()) {
    auto quarantine = make_object();
    quarantine->set("reason", k.entry->reason);
    quarantine->set("count", static_cast<int64_t>(k.entry->count));
    quarantine->set("time_ns", k.entry->time_ns);
    o->set("quarantine", quarantine);
  }
  if (k.installed != nullptr) {
    o->set("installed_from", k.installed->file);
    o->set("installed_ns", k.installed->time_ns);
  }
  return o;
}

bool is_called(const Known& k, const std::string& name) {
  if (k.file.path == name || k.file.path.filename() == name) return true;
  const PluginFacts facts = k.facts(false);
  if (facts.id == name) return true;
  const auto is_type = [&](const std::string& declared) { return declared.substr(declared.find(':') + 1) == name; };
  return std::any_of(k.file.types.begin(), k.file.types.end(), is_type) ||
         std::any_of(facts.components.begin(), facts.components.end(),
                     [&](const ComponentFacts& c) { return c.type == name; });
}

// One that is linked into dtud.
JsonObject::Ptr built_in_view(Kernel& kernel, const LoadedPlugin& p, bool whole) {
  const PluginFacts facts = dtud::plugins::facts_of(p, whole);
  auto o = make_object();
  o->set("file", p.file.string());
  o->set("built_in", true);
  o->set("id", facts.id);
  o->set("version", facts.version);
  o->set("vendor", facts.vendor);
  o->set("license", facts.license);
  o->set("abi", facts.abi);
  o->set("loaded", true);
  o->set("state", std::string("built in"));
  o->set("error", std::string());
  o->set("faults", static_cast<int64_t>(faults_of(kernel, facts.id)));
  auto components = make_list();
  for (const ComponentFacts& c : facts.components) components->add(component_view(c, whole));
  o->set("components", components);
  return o;
}

template <typename Fn>
void each_built_in(Kernel& kernel, Fn fn) {
  for (const auto& p : kernel.components().catalogue().plugins())
    if (p->built_in) fn(*p);
}

bool is_called(const LoadedPlugin& p, const std::string& name) {
  return p.id == name || p.file == name ||
         std::any_of(p.components.begin(), p.components.end(), [&](const auto& c) { return c.type == name; });
}

}  // namespace

std::string plugins(Kernel& kernel) {
  auto list = make_list();
  each_built_in(kernel, [&](const LoadedPlugin& p) { list->add(built_in_view(kernel, p, false)); });
  for (const File& file : kernel.components().files()) list->add(file_view(Known(kernel, file), false, nullptr));
  return config::to_json(Json(list));
}

std::vector<std::string> plugins_to_probe(Kernel& kernel, const std::string& name) {
  std::vector<std::string> files;
  for (const File& file : kernel.components().files()) {
    const Known k(kernel, file);
    if (is_called(k, name) && k.loaded == nullptr && file.error.empty()) files.push_back(file.path.string());
  }
  return files;
}

std::string plugin(Kernel& kernel, const std::string& name, const std::map<std::string, PluginFacts>& schemas) {
  auto list = make_list();
  each_built_in(kernel, [&](const LoadedPlugin& p) {
    if (is_called(p, name)) list->add(built_in_view(kernel, p, true));
  });
  for (const File& file : kernel.components().files()) {
    const Known k(kernel, file);
    if (!is_called(k, name)) continue;
    const auto probed = schemas.find(file.path.string());
    list->add(file_view(k, true, probed != schemas.end() ? &probed->second : nullptr));
  }
  return list->size() == 0 ? "" : config::to_json(Json(list));
}

std::string component(Kernel& kernel, const std::string& type) {
  auto list = make_list();
  for (const uint32_t kind : {DTU_KIND_CHANNEL, DTU_KIND_HAL, DTU_KIND_COMMAND}) {
    const Components::Found found = kernel.components().find(kind, type);
    if (found.component == nullptr) continue;
    const auto& c = *found.component;
    auto o = component_view({std::string(dtud::plugins::kind_name(kind)), c.type, c.title, c.caps, c.interface_ids,
                             c.dialects, c.schema, c.lacks, c.events, c.keys},
                            true);
    o->set("plugin", found.plugin_id);
    o->set("instances", instances(kernel, found.component));
    list->add(o);
  }
  return list->size() == 0 ? "" : config::to_json(Json(list));
}

}  // namespace dtud::views
