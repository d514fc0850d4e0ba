// Which of the plugin files is used: what is installed and removed, tried again, superseded and buried.
#include <algorithm>
#include <set>
#include <utility>

#include "kernel/components.hpp"
#include "log/counted.hpp"
#include "plugins/loader/trust.hpp"
#include "plugins/loader/types.hpp"

namespace dtud {

void Components::install(const std::filesystem::path& staged, const plugins::Probed& probed, const std::string& from,
                         std::function<void(const std::string& error, const std::string& later)> then) {
  const std::string id = probed.plugin.id;
  if (const plugins::LoadedPlugin* now = loaded(id); now != nullptr && now->built_in) {
    plugins::Store::drop(staged);
    return then(id + " is linked into this dtud: it is replaced with dtud itself", "");
  }
  for (const plugins::ComponentFacts& c : probed.plugin.components)
    for (const auto& other : catalogue_.plugins())
      for (const auto& held : other->components)
        if (other->id != id && held.type == c.type && plugins::kind_name(held.kind) == c.kind) {
          plugins::Store::drop(staged);
          return then(from + ": " + c.kind + ":" + c.type + " is offered already by " + other->id + " (" +
                          other->file.string() + "): remove that first",
                      "");
        }
  store_->put(staged, probed, from, [this, probed, from, then = std::move(then)](const std::string& error) {
    then(error, error.empty() ? was_installed(probed, from) : "");
  });
}

std::string Components::was_installed(const plugins::Probed& probed, const std::string& from) {
  const std::string id = probed.plugin.id;
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
  std::string later;
  if (running != nullptr && running->file != path)
    later = id + " " + running->version + " stays in use until dtud starts again or dtuctl plugins upgrade replaces it";
  log_.info("plugins", id + " " + probed.plugin.version + " was installed from " + from +
                           (later.empty() ? std::string() : ": " + later));
  return later;
}

void Components::remove(const std::string& plugin_id, plugins::Store::Then then) {
  store_->remove(plugin_id, [this, plugin_id, then = std::move(then)](const std::string& error) {
    if (error.empty()) was_removed(plugin_id);
    then(error);
  });
}

void Components::was_removed(const std::string& plugin_id) {
  for (auto it = files_.begin(); it != files_.end();) {
    const bool its = it->installed == plugin_id;
    if (its && it->loaded) it->note = "it was removed, and runs until dtud starts again";
    if (its) it->installed.clear();
    it = its && !it->loaded ? files_.erase(it) : it + 1;
  }
  cover();
  log_.info("plugins", plugin_id + " was removed");
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
    const auto declared = plugins::read_types(path);
    file.types = declared.types;
    file.keys = declared.keys;
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
  auto vetted = vetting_->vet(path);
  const plugins::LoadedPlugin* running = loaded(vetted.plugin.id);
  const bool apart = running != nullptr && running->described;
  for (const File& known : files_)  // it was mapped before: the linker would give us that mapping anyway
    if (known.image != nullptr && known.described() == apart && (known.path == path || known.image->file == path))
      return known.image;
  if (apart && vetted.refusal.empty()) vetted = vetting_->vet(path, true);
  vetting_->keep();
  if (!vetted.refusal.empty()) return plugins::Refusal{vetted.refusal};
  if (apart && vetted.plugin.whole) return plugins::described(vetted.plugin, vetted.file);
  return vetting_->open(vetted);
}

void Components::keep(const std::filesystem::path& staged, const plugins::Probed& probed, const std::string& from,
                      plugins::Store::Then then) {
  store_->keep(staged, probed, from, [this, probed, then = std::move(then)](const std::string& error) {
    if (error.empty()) (void)vetting_->learn(store_->path_of(probed.sha256), probed);
    then(error);
  });
}

std::filesystem::path Components::packaged(const plugins::LoadedPlugin& plugin) const {
  for (const File& file : files_) {
    const bool its = std::any_of(plugin.components.begin(), plugin.components.end(), [&](const auto& c) {
      const std::string type = plugins::full_type(c.kind, c.type);
      return std::find(file.types.begin(), file.types.end(), type) != file.types.end();
    });
    if (its && file.error.empty() && file.path.parent_path() != store_->path_of("").parent_path()) return file.path;
  }
  return {};
}

void Components::supersede(const std::shared_ptr<const plugins::LoadedPlugin>& build) {
  const auto former = catalogue_.supersede(build);
  former_.push_back(former);
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
    log_.info("plugins", name + " (" + build->file.string() + ") replaces " + former->version + " (" +
                             former->file.string() + "); " + counted(dead_images(), "unused build") +
                             " in memory until dtud starts again");
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
  File file{build->file, {}, {}, false, {}, false, {}, {}, build};
  for (const plugins::LoadedComponent& c : build->components) {
    file.types.push_back(plugins::full_type(c.kind, c.type));
    for (const plugins::DeclaredKey& key : c.keys) file.keys.push_back(key.name);
  }
  files_.push_back(std::move(file));
  return files_.back();
}

}  // namespace dtud
