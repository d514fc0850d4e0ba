#include "plugins/loader/catalogue.hpp"

#include <algorithm>

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

}  // namespace

std::optional<Refusal> Catalogue::add(std::shared_ptr<const LoadedPlugin> plugin) {
  const auto refuse = [&](const std::string& what, const LoadedPlugin& by) {
    return Refusal{plugin->file.string() + ": " + what + " is offered already by " + by.file.string() +
                   (by.built_in ? ": remove the file" : ": remove one of the two files")};
  };
  for (const LoadedComponent& c : plugin->components) {
    const auto [owner, _] =
        first(plugins_, [&](const LoadedComponent& o) { return o.kind == c.kind && o.type == c.type; });
    if (owner != nullptr) return refuse(std::string(kind_name(c.kind)) + ":" + c.type, *owner);
    for (const std::string& name : c.dialects) {
      const auto [other, found] = first(plugins_, [&](const LoadedComponent& o) { return has_dialect(o, name); });
      if (other != nullptr) return refuse("dialect " + name, *other);
    }
  }
  plugins_.push_back(std::move(plugin));
  return {};
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
