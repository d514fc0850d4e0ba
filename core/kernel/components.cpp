#include "kernel/components.hpp"

#include <algorithm>
#include <set>

#include "plugins/loader/find.hpp"
#include "plugins/loader/loader.hpp"
#include "plugins/loader/trust.hpp"
#include "plugins/loader/types.hpp"

namespace dtud {

void Components::search(const std::vector<std::string>& configured) {
  const auto folders = plugins::search_path(plugins::SearchInput::from_system(configured));
  const auto found = plugins::find_files(folders.list);
  for (const auto* problems : {&folders.problems, &found.problems})
    for (const std::string& problem : *problems) log_.warning("plugins", problem);
  for (const auto& path : found.list) {
    const auto declared = plugins::read_types(path);
    File file{path, declared.types, false, declared.refusal};
    using Verdict = plugins::DeclaredTypes::Verdict;
    if (file.error.empty()) file.error = built_in_already(file);
    if (file.error.empty()) file.error = plugins::check_trust(path).refusal;
    if (!file.error.empty()) log_.warning("plugins", file.error);
    files_.push_back(std::move(file));
    if (declared.verdict == Verdict::undeclared) open(files_.back());
  }
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
  if (file.loaded || !file.error.empty()) return;
  auto result = plugins::load(file.path);
  std::string refusal;
  if (auto* plugin = std::get_if<std::shared_ptr<const plugins::LoadedPlugin>>(&result)) {
    for (const std::string& note : (*plugin)->notes) log_.info("plugins", note);
    if (auto refused = catalogue_.add(*plugin))
      refusal = refused->text;
    else
      file.loaded = true;
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
