#include "plugins/loader/catalogue.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "plugins/loader/types.hpp"

namespace dtud::plugins {
namespace {

bool has_dialect(const LoadedComponent& c, std::string_view name) {
  return std::find(c.dialects.begin(), c.dialects.end(), name) != c.dialects.end();
}

// The first component of all plugins that `matches`, with the plugin it belongs to.
template <typename Matches>
std::pair<const LoadedPlugin*, const LoadedComponent*> first(
    const std::vector<std::shared_ptr<const LoadedPlugin>>& plugins, Matches&& matches) {
  for (const auto& plugin : plugins)
    for (const LoadedComponent& c : plugin->components)
      if (matches(c)) return {plugin.get(), &c};
  return {nullptr, nullptr};
}

// What `plugin` offers and one of `others` too.
std::optional<Refusal> clash(const std::vector<std::shared_ptr<const LoadedPlugin>>& others,
                             const LoadedPlugin& plugin) {
  const auto refuse = [&](const std::string& what, const LoadedPlugin& by) {
    return Refusal{plugin.file.string() + ": " + what + " is offered already by " + by.file.string() +
                   (by.built_in ? ": remove the file" : ": remove one of the two files")};
  };
  for (const LoadedComponent& c : plugin.components) {
    const auto [owner, _] =
        first(others, [&](const LoadedComponent& o) { return o.kind == c.kind && o.type == c.type; });
    if (owner != nullptr) return refuse(full_type(c.kind, c.type), *owner);
    for (const std::string& name : c.dialects) {
      const auto [other, found] = first(others, [&](const LoadedComponent& o) { return has_dialect(o, name); });
      if (other != nullptr) return refuse("dialect " + name, *other);
    }
  }
  return {};
}

}  // namespace

std::optional<Refusal> Catalogue::add(std::shared_ptr<const LoadedPlugin> plugin) {
  if (auto refused = clash(plugins_, *plugin)) return refused;
  plugins_.push_back(std::move(plugin));
  return {};
}

std::optional<Refusal> Catalogue::conflict(const LoadedPlugin& newer) const {
  std::vector<std::shared_ptr<const LoadedPlugin>> others;
  std::copy_if(plugins_.begin(), plugins_.end(), std::back_inserter(others),
               [&](const auto& plugin) { return plugin->id != newer.id; });
  return clash(others, newer);
}

std::shared_ptr<const LoadedPlugin> Catalogue::supersede(std::shared_ptr<const LoadedPlugin> newer) {
  for (auto& plugin : plugins_)
    if (plugin->id == newer->id) return std::exchange(plugin, std::move(newer));
  plugins_.push_back(std::move(newer));
  return nullptr;
}

std::shared_ptr<const LoadedPlugin> Catalogue::plugin(std::string_view id) const {
  const auto it = std::find_if(plugins_.begin(), plugins_.end(), [&](const auto& plugin) { return plugin->id == id; });
  return it != plugins_.end() ? *it : nullptr;
}

const LoadedComponent* Catalogue::find(uint32_t kind, std::string_view type) const {
  return first(plugins_, [&](const LoadedComponent& c) { return c.kind == kind && c.type == type; }).second;
}

const LoadedComponent* Catalogue::find_dialect(std::string_view name) const {
  return first(plugins_, [&](const LoadedComponent& c) { return has_dialect(c, name); }).second;
}

std::vector<std::string> Catalogue::types(uint32_t kind) const {
  std::vector<std::string> out;
  for (const auto& plugin : plugins_)
    for (const LoadedComponent& c : plugin->components)
      if (c.kind == kind) out.push_back(c.type);
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> Catalogue::dialects() const {
  std::vector<std::string> out;
  for (const auto& plugin : plugins_)
    for (const LoadedComponent& c : plugin->components) out.insert(out.end(), c.dialects.begin(), c.dialects.end());
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace dtud::plugins
