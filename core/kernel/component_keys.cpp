// Which component owns which top-level key of the device document.
#include <algorithm>
#include <set>

#include "kernel/components.hpp"
#include "plugins/loader/types.hpp"

namespace dtud {
namespace {

bool names(const std::vector<std::string>& keys, const std::string& key) {
  return std::find(keys.begin(), keys.end(), key) != keys.end();
}

}  // namespace

bool Components::is_member(uint32_t kind, const std::string& type) const {
  if (kind == DTU_KIND_COMMAND) return !commands_ || names(*commands_, type);
  return kind == DTU_KIND_HAL && hals_ &&
         std::any_of(hals_->begin(), hals_->end(), [&](const auto& hal) { return hal.type == type; });
}

std::vector<config::KeyOwner> Components::key_owners(const std::string& key, const plugins::LoadedPlugin* newer) {
  for (File& file : files_)
    if (names(file.keys, key) && file.note.empty()) open(file);
  std::vector<config::KeyOwner> owners;
  const auto add = [&](const plugins::LoadedPlugin& plugin) {
    for (const plugins::LoadedComponent& c : plugin.components)
      for (const plugins::DeclaredKey& declared : c.keys)
        if (declared.name == key)
          owners.push_back(
              {c.kind, c.type, declared.schema, plugin.file.string(), declared.cuts, is_member(c.kind, c.type)});
  };
  for (const auto& plugin : catalogue_.plugins())
    if (newer == nullptr || plugin->id != newer->id) add(*plugin);
  if (newer != nullptr) add(*newer);
  return owners;
}

std::vector<std::string> Components::keys() const {
  std::set<std::string> all;
  for (const File& file : files_)
    if (file.error.empty() && file.note.empty() && file.dead.empty()) all.insert(file.keys.begin(), file.keys.end());
  for (const auto& plugin : catalogue_.plugins())
    for (const plugins::LoadedComponent& c : plugin->components)
      for (const plugins::DeclaredKey& key : c.keys) all.insert(key.name);
  return {all.begin(), all.end()};
}

std::vector<std::string> Components::keys_in_use(const std::vector<std::string>& channel_types) {
  std::vector<std::string> out;
  // Only a file that names keys is opened for them.
  const auto may_own = [&](const std::string& full) {
    return std::any_of(files_.begin(), files_.end(),
                       [&](const File& file) { return !file.keys.empty() && names(file.types, full); });
  };
  const auto add = [&](uint32_t kind, const std::string& type) {
    if (catalogue_.find(kind, type) == nullptr && !may_own(plugins::full_type(kind, type))) return;
    const Found found = find(kind, type);
    if (found.component == nullptr) return;
    for (const plugins::DeclaredKey& key : found.component->keys) out.push_back(key.name);
  };
  if (hals_)
    for (const config::ComponentConfig& hal : *hals_) add(DTU_KIND_HAL, hal.type);
  for (const std::string& type : commands_ ? *commands_ : types(DTU_KIND_COMMAND)) add(DTU_KIND_COMMAND, type);
  for (const std::string& type : channel_types) add(DTU_KIND_CHANNEL, type);
  return out;
}

std::vector<std::string> Components::disputed_keys() {
  const auto in_use = keys_in_use({});
  std::vector<std::string> out;
  for (const std::string& key : std::set<std::string>(in_use.begin(), in_use.end())) {
    std::string owners;
    size_t count = 0;
    for (const config::KeyOwner& owner : key_owners(key)) {
      if (!owner.used) continue;
      owners += (count++ == 0 ? "" : " and ") + plugins::full_type(owner.kind, owner.type) + " (" + owner.file + ")";
    }
    if (count > 1)
      out.push_back("key \"" + key + "\" of the device document belongs to " + owners +
                    ": neither gets it; leave one of them out");
  }
  return out;
}

}  // namespace dtud
