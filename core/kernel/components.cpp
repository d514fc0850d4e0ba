#include "kernel/components.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "plugins/loader/find.hpp"
#include "plugins/loader/loader.hpp"
#include "plugins/loader/trust.hpp"
#include "plugins/loader/types.hpp"

namespace dtud {

void Components::search(const std::vector<std::string>& configured, plugins::Vetting::Setup setup) {
  store_ = std::make_unique<plugins::Store>(setup.folder);
  const bool read_only = setup.read_only;
  vetting_ = std::make_unique<plugins::Vetting>(std::move(setup),
                                                [this](const std::string& line) { log_.warning("plugins", line); });
  vetting_->begin();
  if (const std::string trouble = store_->load(); !trouble.empty()) {
    log_.error("plugins", trouble);
  } else if (!read_only) {
    store_->tidy();
  }
  for (const plugins::Installed& i : store_->list())
    if (!i.sha256.empty()) add(store_->path_of(i.sha256), i.id);
  const auto folders = plugins::search_path(plugins::SearchInput::from_system(configured));
  const auto found = plugins::find_files(folders.list);
  for (const auto* problems : {&folders.problems, &found.problems})
    for (const std::string& problem : *problems) log_.warning("plugins", problem);
  for (const auto& path : found.list) add(path, {});
  cover();
}

void Components::searched() {
  searching_ = false;
  vetting_->keep();
}

void Components::add(const std::filesystem::path& path, const std::string& installed) {
  const auto declared = plugins::read_types(path);
  File file{path, declared.types, false, declared.refusal, false, installed, {}};
  if (file.error.empty()) file.error = built_in_already(file);
  if (file.error.empty()) file.error = plugins::check_trust(path).refusal;
  if (!file.error.empty()) log_.warning("plugins", file.error);
  const auto first_other =
      std::find_if(files_.begin(), files_.end(), [](const File& f) { return f.installed.empty(); });
  File& added = *files_.insert(installed.empty() ? files_.end() : first_other, std::move(file));
  if (declared.verdict == plugins::DeclaredTypes::Verdict::undeclared) open(added);
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
      const std::string type = std::string(plugins::kind_name(c.kind)) + ":" + c.type;
      if (plugin->built_in && std::find(file.types.begin(), file.types.end(), type) != file.types.end())
        return file.path.string() + ": left out, " + type + " is built into this dtud: remove the file";
    }
  return {};
}

void Components::open(File& file) {
  if (file.loaded || !file.dead.empty() || !file.error.empty()) return;
  const auto vetted = vetting_->vet(file.path);
  file.error = vetted.refusal;
  file.quarantined = vetted.quarantined;
  file.note.clear();
  if (file.error.empty() && !stands_back(file, vetted.plugin.id)) {
    auto result = vetting_->open(vetted);
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
    open_holders(std::string(plugins::kind_name(kind)) + ":" + std::string(type));
    component = catalogue_.find(kind, type);
  }
  if (component == nullptr) return {};
  for (const auto& plugin : catalogue_.plugins())
    for (const auto& c : plugin->components)
      if (&c == component) return {component, plugin->id, plugin->file};
  return {};
}

std::vector<std::string> Components::types(uint32_t kind) const {
  const auto loaded = catalogue_.types(kind);
  std::set<std::string> all(loaded.begin(), loaded.end());
  const std::string prefix = std::string(plugins::kind_name(kind)) + ":";
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

// --- what a person wants
// -----------------------------------------------------------------------------------------------

std::string Components::install(const std::filesystem::path& staged, const plugins::Probed& probed,
                                const std::string& from, std::string& later) {
  const std::string id = probed.plugin.id;
  if (const plugins::LoadedPlugin* now = loaded(id); now != nullptr && now->built_in) {
    plugins::Store::drop(staged);
    return id + " is linked into this dtud: it is replaced with dtud itself";
  }
  for (const plugins::ComponentFacts& c : probed.plugin.components)
    for (const auto& other : catalogue_.plugins())
      for (const auto& held : other->components)
        if (other->id != id && held.type == c.type && plugins::kind_name(held.kind) == c.kind) {
          plugins::Store::drop(staged);
          return from + ": " + c.kind + ":" + c.type + " is offered already by " + other->id + " (" +
                 other->file.string() + "): remove that first";
        }
  if (std::string error = store_->put(staged, probed, from); !error.empty()) return error;
  store_->tidy();
  files_.erase(
      std::remove_if(files_.begin(), files_.end(), [&](const File& f) { return f.installed == id && !f.loaded; }),
      files_.end());
  const auto path = store_->path_of(probed.sha256);
  (void)vetting_->learn(path, probed);
  vetting_->keep();
  const auto same = std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.path == path; });
  if (same == files_.end()) {
    add(path, id);
  } else {
    same->installed = id;  // the very build that runs
    same->note.clear();
  }
  cover();
  const plugins::LoadedPlugin* running = loaded(id);
  if (running != nullptr && running->file != path)
    later = id + " " + running->version +
            " is in use and stays so until dtud starts again, or dtuctl plugins upgrade replaces it";
  log_.info("plugins", id + " " + probed.plugin.version + " was installed from " + from +
                           (later.empty() ? std::string() : ": " + later));
  return {};
}

std::string Components::remove(const std::string& plugin_id) {
  if (std::string error = store_->remove(plugin_id); !error.empty()) return error;
  store_->tidy();
  for (auto it = files_.begin(); it != files_.end();) {
    const bool its = it->installed == plugin_id;
    if (its && it->loaded) it->note = "it was removed, and runs until dtud starts again";
    if (its) it->installed.clear();
    it = its && !it->loaded ? files_.erase(it) : it + 1;
  }
  cover();
  log_.info("plugins", plugin_id + " was removed");
  return {};
}

std::vector<std::filesystem::path> Components::forgive(const std::string& name) {
  std::set<std::string> paths;
  for (std::string& path : vetting_->forgive(name)) paths.insert(std::move(path));
  std::vector<std::filesystem::path> out;
  for (File& file : files_) {
    std::error_code ec;
    const bool held = paths.count(std::filesystem::canonical(file.path, ec).string()) != 0;
    const bool named = file.path == name || file.path.filename() == name || (!name.empty() && file.installed == name);
    if (!held && (file.error.empty() || !named)) continue;
    file.error.clear();
    file.quarantined = false;
    out.push_back(file.path);
  }
  return out;
}

std::string Components::learn(const std::filesystem::path& path, const plugins::Probed& probed) {
  for (File& file : files_) {
    if (file.path != path) continue;
    const plugins::Trust trust = plugins::check_trust(path);
    file.error = trust.refusal;
    if (!file.error.empty()) return file.error;
    const auto vetted = vetting_->learn(trust.file, probed);
    file.error = vetted.refusal;
    file.quarantined = vetted.quarantined;
    vetting_->keep();
    file.types = plugins::read_types(path).types;
    if (file.types.empty()) open(file);
    cover();
    return file.error;
  }
  return path.string() + " is not one of the plugin files any more";
}

void Components::quarantine(const std::string& plugin_id, const std::string& reason) {
  if (const plugins::LoadedPlugin* plugin = loaded(plugin_id)) vetting_->quarantine(plugin->file, reason);
}

plugins::LoadResult Components::load_build(const std::filesystem::path& path) {
  for (const File& known : files_)  // it was mapped before: the linker would give us that mapping anyway
    if (known.image != nullptr && (known.path == path || known.image->file == path)) return known.image;
  const auto vetted = vetting_->vet(path);
  vetting_->keep();
  if (!vetted.refusal.empty()) return plugins::Refusal{vetted.refusal};
  return vetting_->open(vetted);
}

std::string Components::keep(const std::filesystem::path& staged, const plugins::Probed& probed,
                             const std::string& from) {
  if (std::string error = store_->keep(staged, probed, from); !error.empty()) return error;
  (void)vetting_->learn(store_->path_of(probed.sha256), probed);
  return {};
}

std::filesystem::path Components::packaged(const plugins::LoadedPlugin& plugin) const {
  for (const File& file : files_) {
    const bool its = std::any_of(plugin.components.begin(), plugin.components.end(), [&](const auto& c) {
      const std::string type = std::string(plugins::kind_name(c.kind)) + ":" + c.type;
      return std::find(file.types.begin(), file.types.end(), type) != file.types.end();
    });
    if (its && file.error.empty() && file.path.parent_path() != store_->path_of("").parent_path()) return file.path;
  }
  return {};
}

void Components::supersede(const std::shared_ptr<const plugins::LoadedPlugin>& build) {
  const auto former = catalogue_.supersede(build);
  const std::string name = build->id + " " + build->version;
  for (File& file : files_)
    if (former != nullptr && file.image == former) {
      file.loaded = false;
      file.dead = "superseded by " + name + ", " + build->file.string();
    }
  File& file = file_of(build);
  file.loaded = true;
  file.dead.clear();
  file.error.clear();
  for (File& known : files_) {
    const plugins::Installed* its = known.installed.empty() ? nullptr : store_->find(known.installed);
    if (its != nullptr && store_->path_of(its->sha256) != known.path) known.installed.clear();  // not any more
  }
  if (const plugins::Installed* its = store_->find(build->id);
      its != nullptr && store_->path_of(its->sha256) == file.path)
    file.installed = build->id;
  cover();
  if (former != nullptr)
    log_.info("plugins", name + " (" + build->file.string() + ") takes the place of " + former->version + " (" +
                             former->file.string() + "); " + std::to_string(dead_images()) +
                             " dead images are mapped until dtud starts again");
}

void Components::bury(const std::shared_ptr<const plugins::LoadedPlugin>& build, const std::string& why) {
  File& file = file_of(build);
  if (file.loaded) return;
  file.dead = why;
}

Components::File& Components::file_of(const std::shared_ptr<const plugins::LoadedPlugin>& build) {
  for (File& file : files_)
    if (file.image == build || file.path == build->file) {
      file.image = build;
      return file;
    }
  File file{build->file, {}, false, {}, false, {}, {}, build};
  for (const plugins::LoadedComponent& c : build->components)
    file.types.push_back(std::string(plugins::kind_name(c.kind)) + ":" + c.type);
  files_.push_back(std::move(file));
  return files_.back();
}

size_t Components::dead_images() const {
  return static_cast<size_t>(
      std::count_if(files_.begin(), files_.end(), [](const File& file) { return !file.dead.empty(); }));
}

config::Schemas Components::schemas_with(const plugins::LoadedPlugin& build) {
  config::Schemas schemas = this->schemas();
  schemas.find = [older = schemas.find, &build](uint32_t kind, std::string_view type) -> const char* {
    for (const plugins::LoadedComponent& c : build.components)
      if (c.kind == kind && c.type == type) return c.schema.c_str();
    return older(kind, type);
  };
  return schemas;
}

config::Schemas Components::schemas() {
  config::Schemas schemas;
  schemas.find = [this](uint32_t kind, std::string_view type) -> const char* {
    const Found found = find(kind, type);
    return found.component != nullptr ? found.component->schema.c_str() : nullptr;
  };
  schemas.types = [this](uint32_t kind) { return types(kind); };
  schemas.dialects = [this] { return dialects(); };
  return schemas;
}

}  // namespace dtud
