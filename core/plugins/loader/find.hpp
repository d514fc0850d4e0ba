// Where plugin files are looked for.
#pragma once
#include <filesystem>
#include <string>
#include <vector>

namespace dtud::plugins {

// What the choice of folders depends on. from_system() fills in the process's own.
struct SearchInput {
  std::vector<std::string> configured;  // board.json, plugin_path
  std::string environment;              // DTUKIT_PLUGIN_PATH, folders separated by ':'
  std::filesystem::path program;        // dtud itself
  std::filesystem::path libdir;         // ${libdir}
  static SearchInput from_system(std::vector<std::string> configured);
};

struct Folders {
  std::vector<std::filesystem::path> list;
  std::vector<std::string> problems;  // for the log: what was left out and why
};
// The first of: configured; DTUKIT_PLUGIN_PATH; <build>/plugins of a dtud in <build>/bin; ${libdir}/dtukit/plugins.
[[nodiscard]] Folders search_path(const SearchInput& input);

struct Files {
  std::vector<std::filesystem::path> list;
  std::vector<std::string> problems;
};
// Every *.so of the folders, by name within each, never deeper. Of two with the same name the earlier folder's counts.
[[nodiscard]] Files find_files(const std::vector<std::filesystem::path>& folders);

}  // namespace dtud::plugins
