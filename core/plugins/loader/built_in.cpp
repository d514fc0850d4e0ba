#include "plugins/loader/built_in.hpp"

#include <functional>
#include <utility>

namespace dtud::plugins {

LoadResult load_built_in(const BuiltIn& plugin) {
  auto read = read_descriptor(std::string("built-in ") + plugin.name, *plugin.descriptor);
  if (auto* refusal = std::get_if<Refusal>(&read)) return std::move(*refusal);
  auto& loaded = std::get<LoadedPlugin>(read);
  loaded.built_in = true;
  for (LoadedComponent& c : loaded.components) c.build = std::hash<std::string>()(loaded.version);
  return std::make_shared<const LoadedPlugin>(std::move(loaded));
}

}  // namespace dtud::plugins
