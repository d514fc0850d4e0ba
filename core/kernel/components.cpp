#include "kernel/components.hpp"

#include <algorithm>
#include <set>

#include "plugins/loader/find.hpp"
#include "plugins/loader/loader.hpp"
#include "plugins/loader/trust.hpp"
#include "plugins/loader/types.hpp"

namespace dtud {

namespace fs = std::filesystem;

void Components::search(const std::vector<std::string>& configured, const std::vector<fs::path>& builds) {
  const auto folders = plugins::search_path(plugins::SearchInput::from_system(configured));
  const auto found = plugins::find_files(folders.list);
  for (const auto* problems : {&folders.problems, &found.problems})
    for (const std::string& problem : *problems) log_.warning("plugins", problem);
  for (const fs::path& path : builds) add(path);
  for (const fs::path& path : found.list)
    if (find_file(path) == nullptr) add(path);
  for (size_t i = builds.size(); i < files_.size(); ++i)
    for (size_t b = 0; b < std::min(builds.size(), files_.size()) && files_[i].instead.empty(); ++b)
      if (std::find_first_of(files_[i].types.begin(), files_[i].types.end(), files_[b].types.begin(),
                             files_[b].types.end()) != files_[i].types.end())
        files_[i].instead = files_[b].path;
  for (const File& file : files_)
    if (gives_way(file))
      log_.info("plugins", file.path.string() + " is left alone: an upgrade chose " + file.instead.string());
  for (size_t i = 0; i < files_.size(); ++i)
    if (files_[i].types.empty()) open(files_[i]);  // it does not say what it holds: it is asked
}

void Components::add(const fs::path& path) {
  const auto declared = plugins::read_types(path);
  File file{path, declared.types, false, declared.refusal};
  if (file.error.empty()) file.error = plugins::check_trust(path).refusal;
  if (!file.error.empty()) log_.warning("plugins", file.error);
  files_.push_back(std::move(file));
}

Components::File* Components::find_file(const fs::path& path) {
  const auto it = std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.path == path; });
  return it != files_.end() ? &*it : nullptr;
}

// A build was chosen in its place, and that can be used.
bool Components::gives_way(const File& file) const {
  const auto it = std::find_if(files_.begin(), files_.end(), [&](const File& f) { return f.path == file.instead; });
  return it != files_.end() && it->error.empty();
}

void Components::open(File& file) {
  if (file.loaded || !file.dead.empty() || !file.error.empty() || gives_way(file)) return;
  auto result = plugins::load(file.path);
  std::string refusal;
  if (auto* plugin = std::get_if<std::shared_ptr<const plugins::LoadedPlugin>>(&result)) {
    for (const std::string& note : (*plugin)->notes) log_.info("plugins", note);
    if (auto refused = catalogue_.add(*plugin)) {
      refusal = refused->text;
    } else {
      file.loaded = true;
      file.image = *plugin;
    }
  } else {
    refusal = std::get<plugins::Refusal>(result).text;
  }
  if (refusal.empty()) return;
  file.error = refusal;
  log_.error("plugins", refusal);
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
      if (&c == component) return {component, plugin->id};
  return {};
}

std::vector<std::string> Components::types(uint32_t kind) const {
  const auto loaded = catalogue_.types(kind);
  std::set<std::string> all(loaded.begin(), loaded.end());
  const std::string prefix = std::string(plugins::kind_name(kind)) + ":";
  for (const File& file : files_)
    if (file.error.empty())
      for (const std::string& declared : file.types)
        if (declared.rfind(prefix, 0) == 0) all.insert(declared.substr(prefix.size()));
  return {all.begin(), all.end()};
}

std::vector<std::string> Components::dialects() {
  for (const std::string& type : commands_ ? *commands_ : types(DTU_KIND_COMMAND)) (void)find(DTU_KIND_COMMAND, type);
  return catalogue_.dialects();
}

plugins::LoadResult Components::load_build(const fs::path& file) {
  for (const File& known : files_)  // it was mapped before: the linker would give us that mapping anyway
    if (known.image != nullptr && (known.path == file || known.image->file == file)) return known.image;
  return plugins::load(file);
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
  File file{build->file, {}, false, {}, build};
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
