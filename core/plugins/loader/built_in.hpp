// Plugins that are part of this program instead of files beside it (-DDTUKIT_STATIC_PLUGINS).
#pragma once
#include <dtu/abi.h>

#include <vector>

#include "plugins/loader/loader.hpp"

namespace dtud::plugins {

struct BuiltIn {
  const char* name;  // "channel-tcp", as its folder is called
  const dtu_plugin* descriptor;
};

// What the build was told to link in; none, usually. Each program defines it: cmake/StaticPlugins.cmake writes the
// source.
[[nodiscard]] std::vector<BuiltIn> built_in_plugins();

// Passes the handshake every plugin passes. Instead of a file the plugin, and a refusal, name "built-in channel-tcp".
[[nodiscard]] LoadResult load_built_in(const BuiltIn& plugin);

}  // namespace dtud::plugins
