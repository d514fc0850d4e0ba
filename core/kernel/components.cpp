#include "kernel/components.hpp"

#include <dtu/ports.h>

#include <algorithm>
#include <set>
#include <utility>

#include "config/json_text.hpp"
#include "plugins/loader/find.hpp"
#include "plugins/loader/loader.hpp"
#include "plugins/loader/trust.hpp"
#include "plugins/loader/types.hpp"

namespace dtud {

std::vector<std::string> Components::search(const std::vector<std::string>& configured, plugins::Vetting::Setup setup) {
  store_ = std::make_unique<plugins::Store>(setup.folder, setup.read_only);
  const bool read_only = setup.read_only;
  vetting_ = std::make_unique<plugins::Vetting>(std::move(setup),
                                                [this](const std::string& line) { log_.warning("plugins", line); });
  vetting_->begin();
  if (const std::string trouble = store_->load(); !trouble.empty()) log_.error("plugins", trouble);
  if (!read_only) store_->tidy();
  for (const plugins::Installed& i : store_->list())
    if (!i.sha256.empty()) add(store_->path_of(i.sha256), i.id);
  auto folders = plugins::search_path(plugins::SearchInput::from_system(configured));
  const auto found = plugins::find_files(folders.list);
  for (const auto& path : found.list) add(path, {});
  cover();
  if (!configured.empty()) folders.problems.clear();  // read_board() says it too
  folders.problems.insert(folders.problems.end(), found.problems.begin(), found.problems.end());
  return std::move(folders.problems);
}

void Components::searched() {
  searching_ = false;
  vetting_->keep();
}

void Components::write_on(DiskLane& disk) {
  const auto run = [this, &disk](plugins::Store::Job job, plugins::Store::Then then) {
    disk.run(here_, std::move(job), std::move(then));
  };
  vetting_->write_by(run);
  store_->write_by(run);
}

void Components::add(const std::filesystem::path& path, const std::string& installed) {
  const auto declared = plugins::read_types(path);
  File file{path, declared.types, declared.keys, false, declared.refusal, false, installed, {}};
  if (file.error.empty()) file.error = built_in_already(file);
  if (file.error.empty()) file.error = plugins::check_trust(path).refusal;
  if (!file.error.empty()) log_.warning("plugins", file.error);
  const auto first_other =
      std::find_if(files_.begin(), files_.end(), [](const File& f) { return f.installed.empty(); });
  File& added = *files_.insert(installed.empty() ? files_.end() : first_other, std::move(file));
  if (declared.verdict != plugins::DeclaredTypes::Verdict::undeclared || !added.error.empty()) return;
  // A probe knows, too; without one it is opened now.
  const auto vetted = vetting_->vet(path);
  for (const plugins::ComponentFacts& c : vetted.plugin.components) added.types.push_back(c.kind + ":" + c.type);
  if (added.types.empty() || !vetted.refusal.empty()) return open(added);
  added.error = built_in_already(added);
}

const plugins::LoadedPlugin* Components::loaded(const std::string& plugin_id) const {
  return catalogue_.plugin(plugin_id).get();
}

// Files whose types an installed plugin offers have nothing to do, unless that one cannot be used.
void Components::cover() {
  const auto shared = [](const File& a, const File& b) {
    return std::find_first_of(a.types.begin(), a.types.end(), b.types.begin(), b.types.end()) != a.types.end();
  };
  for (File& file : files_) {
    if (!file.installed.empty() || file.loaded) continue;
    file.note.clear();
    for (const File& other : files_)
      if (!other.installed.empty() && other.error.empty() && shared(file, other))
        file.note = other.installed + ", which was installed, is used instead";
  }
}

// Of two files with the same plugin one is used: the one that runs, else the one that was installed.
bool Components::stands_back(File& file, const std::string& plugin_id) {
  if (plugin_id.empty()) return false;
  for (File& other : files_)
    if (file.installed.empty() && other.installed == plugin_id && !other.loaded) open(other);
  const plugins::LoadedPlugin* running = loaded(plugin_id);
  if (running == nullptr) return false;
  file.note = file.installed.empty() ? plugin_id + " is used from " + running->file.string()
                                     : plugin_id + " " + running->version + " is in use: this build is used from the " +
                                           "next start of dtud on, or by dtuctl plugins upgrade";
  return true;
}

void Components::add_built_in(const std::vector<plugins::BuiltIn>& built_in) {
  for (const plugins::BuiltIn& one : built_in) {
    const auto result = plugins::load_built_in(one);
    const auto* plugin = std::get_if<std::shared_ptr<const plugins::LoadedPlugin>>(&result);
    const auto refused = plugin != nullptr ? catalogue_.add(*plugin) : std::get<plugins::Refusal>(result);
    if (refused) log_.error("plugins", refused->text);
  }
}

std::string Components::built_in_already(const File& file) const {
  for (const auto& plugin : catalogue_.plugins())
    for (const plugins::LoadedComponent& c : plugin->components) {
      const std::string type = plugins::full_type(c.kind, c.type);
      if (plugin->built_in && std::find(file.types.begin(), file.types.end(), type) != file.types.end())
        return file.path.string() + ": left out, " + type + " is built into this dtud: remove the file";
    }
  return {};
}

void Components::open(File& file) {
  if (file.loaded || !file.dead.empty() || !file.error.empty()) return;
  const bool apart = only_apart(file.types);
  const auto vetted = vetting_->vet(file.path, apart);
  file.error = vetted.refusal;
  file.quarantined = vetted.quarantined;
  file.note.clear();
  if (file.error.empty() && !stands_back(file, vetted.plugin.id)) {
    auto result = apart && vetted.plugin.whole ? plugins::LoadResult(plugins::described(vetted.plugin, vetted.file))
                                               : vetting_->open(vetted);
    if (auto* plugin = std::get_if<std::shared_ptr<const plugins::LoadedPlugin>>(&result)) {
      for (const std::string& note : (*plugin)->notes) log_.info("plugins", note);
      if (auto refused = catalogue_.add(*plugin))
        file.error = refused->text;
      else
        file.loaded = true;
      if (file.loaded) file.image = *plugin;
    } else {
      file.error = std::get<plugins::Refusal>(result).text;
    }
  }
  if (!searching_) vetting_->keep();
  if (file.error.empty()) return;
  log_.error("plugins", file.error);
  if (!file.installed.empty()) cover();
}

void Components::open_holders(const std::string& declared) {
  for (File& file : files_)
    if (std::find(file.types.begin(), file.types.end(), declared) != file.types.end()) open(file);
}

Components::Found Components::find(uint32_t kind, std::string_view type) {
  const plugins::LoadedComponent* component = catalogue_.find(kind, type);
  if (component == nullptr) {
    open_holders(plugins::full_type(kind, type));
    component = catalogue_.find(kind, type);
  }
  if (component == nullptr) return {};
  const plugins::LoadedPlugin* plugin = owner_of(*component);
  if (plugin->described && inside_.count(plugins::full_type(kind, type)) != 0) {
    map(plugin->id);
    component = catalogue_.find(kind, type);
    plugin = component != nullptr ? owner_of(*component) : nullptr;
    if (plugin == nullptr || plugin->described) return {};  // the log says why
  }
  return {component, plugin->id, plugin->file, plugin->described};
}

const plugins::LoadedPlugin* Components::owner_of(const plugins::LoadedComponent& component) const {
  for (const auto& plugin : catalogue_.plugins())
    for (const auto& c : plugin->components)
      if (&c == &component) return plugin.get();
  return nullptr;
}

// It was described, and a document wants it in this process now.
void Components::map(const std::string& plugin_id) {
  for (File& file : files_) {
    if (!file.loaded || !file.described() || file.image->id != plugin_id || !file.error.empty()) continue;
    const auto vetted = vetting_->vet(file.path);
    file.error = vetted.refusal;
    if (file.error.empty()) {
      auto result = vetting_->open(vetted);
      if (auto* plugin = std::get_if<std::shared_ptr<const plugins::LoadedPlugin>>(&result)) {
        former_.push_back(catalogue_.supersede(*plugin));
        file.image = *plugin;
        return;
      }
      file.error = std::get<plugins::Refusal>(result).text;
    }
    log_.error("plugins", file.error);
  }
}

void Components::uses(uint32_t kind, std::string_view type, bool isolated) {
  const std::string full = plugins::full_type(kind, type);
  const bool known =
      catalogue_.find(kind, type) != nullptr || std::any_of(files_.begin(), files_.end(), [&](const File& f) {
        return std::find(f.types.begin(), f.types.end(), full) != f.types.end();
      });
  if (known) (isolated ? apart_ : inside_).insert(full);
}

bool Components::only_apart(const std::vector<std::string>& types) const {
  const auto in = [&](const std::set<std::string>& used) {
    return std::any_of(types.begin(), types.end(), [&](const std::string& type) { return used.count(type) != 0; });
  };
  return in(apart_) && !in(inside_);
}

std::vector<std::string> Components::types(uint32_t kind) const {
  const auto loaded = catalogue_.types(kind);
  std::set<std::string> all(loaded.begin(), loaded.end());
  const std::string prefix = plugins::full_type(kind, "");
  for (const File& file : files_)
    if (file.error.empty() && file.note.empty() && file.dead.empty())
      for (const std::string& declared : file.types)
        if (declared.rfind(prefix, 0) == 0) all.insert(declared.substr(prefix.size()));
  return {all.begin(), all.end()};
}

std::vector<std::string> Components::dialects() {
  for (const std::string& type : commands_ ? *commands_ : types(DTU_KIND_COMMAND)) (void)find(DTU_KIND_COMMAND, type);
  return catalogue_.dialects();
}

// By its configuration, a HAL offers the ports that are the keys of "ports". One that offers ports and has no such
// object tells only when it runs.
std::optional<std::vector<std::string>> Components::ports() {
  if (!hals_) return std::nullopt;
  std::vector<std::string> all;
  for (const config::ComponentConfig& hal : *hals_) {
    const Found found = find(DTU_KIND_HAL, hal.type);
    if (found.component == nullptr) return std::nullopt;
    const auto& ids = found.component->interface_ids;
    if (std::find(ids.begin(), ids.end(), DTU_PORTS_IFACE) == ids.end()) continue;
    const config::Json settings = config::parse_trusted(hal.json);
    const config::Json ports = config::as_object(settings)->get("ports");
    const config::JsonObject* object = config::as_object(ports);
    if (object == nullptr) return std::nullopt;
    for (const std::string& id : object->getNames()) all.push_back(id);
  }
  return all;
}

size_t Components::dead_images() const {
  return static_cast<size_t>(std::count_if(files_.begin(), files_.end(),
                                           [](const File& file) { return !file.dead.empty() && !file.described(); }));
}

config::Schemas Components::schemas_with(const plugins::LoadedPlugin& build) {
  config::Schemas schemas = this->schemas();
  schemas.find = [older = schemas.find, &build](uint32_t kind, std::string_view type) -> const char* {
    for (const plugins::LoadedComponent& c : build.components)
      if (c.kind == kind && c.type == type) return c.schema.c_str();
    return older(kind, type);
  };
  schemas.key_owners = [this, &build](const std::string& key) { return key_owners(key, &build); };
  schemas.keys_in_use = [older = schemas.keys_in_use, &build](const std::vector<std::string>& channel_types) {
    auto keys = older(channel_types);
    for (const plugins::LoadedComponent& c : build.components)
      for (const plugins::DeclaredKey& key : c.keys) keys.push_back(key.name);  // whoever is no member has no use of it
    return keys;
  };
  return schemas;
}

config::Schemas Components::schemas() {
  config::Schemas schemas;
  schemas.find = [this](uint32_t kind, std::string_view type) -> const char* {
    const Found found = find(kind, type);
    return found.component != nullptr ? found.component->schema.c_str() : nullptr;
  };
  schemas.uses = [this](uint32_t kind, std::string_view type, bool isolated) { uses(kind, type, isolated); };
  schemas.types = [this](uint32_t kind) { return types(kind); };
  schemas.dialects = [this] { return dialects(); };
  schemas.ports = [this] { return ports(); };
  schemas.key_owners = [this](const std::string& key) { return key_owners(key); };
  schemas.keys = [this] { return keys(); };
  schemas.keys_in_use = [this](const std::vector<std::string>& channel_types) { return keys_in_use(channel_types); };
  return schemas;
}

}  // namespace dtud
