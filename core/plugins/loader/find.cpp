#include "plugins/loader/find.hpp"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <sstream>

#include "config/places.hpp"

namespace dtud::plugins {
namespace fs = std::filesystem;
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, separator);)
    if (!part.empty()) parts.push_back(part);
  return parts;
}

// An installed dtud must not pick up a folder that merely happens to be called "plugins".
bool is_build_tree(const fs::path& root) {
  std::error_code ec;
  return fs::exists(root / "CMakeCache.txt", ec) && fs::is_directory(root / "plugins", ec);
}

std::string not_absolute(const std::string& folder, const std::string& said_in) {
  return said_in + ": \"" + folder + "\" is left out: plugin folders are absolute paths, from /";
}

Folders absolute_only(const std::vector<std::string>& wanted, const std::string& said_in) {
  Folders out;
  for (const std::string& folder : wanted) {
    const fs::path path = fs::path(folder).lexically_normal();
    if (!path.is_absolute())
      out.problems.push_back(not_absolute(folder, said_in));
    else if (std::find(out.list.begin(), out.list.end(), path) == out.list.end())
      out.list.push_back(path);
  }
  return out;
}

}  // namespace

SearchInput SearchInput::from_system(std::vector<std::string> configured) {
  const char* environment = std::getenv("DTUKIT_PLUGIN_PATH");
  const fs::path program = config::own_program();
  return {std::move(configured), environment == nullptr ? "" : environment, program, config::library_folder(program)};
}

Folders search_path(const SearchInput& input) {
  if (!input.configured.empty()) return absolute_only(input.configured, "plugin_path");
  if (!input.environment.empty()) return absolute_only(split(input.environment, ':'), "DTUKIT_PLUGIN_PATH");
  const fs::path build = input.program.parent_path().parent_path();
  if (!build.empty() && is_build_tree(build)) return {{build / "plugins"}, {}};
  return {{input.libdir / "dtukit" / "plugins"}, {}};
}

Files find_files(const std::vector<fs::path>& folders) {
  Files out;
  std::map<std::string, fs::path> seen;
  for (const fs::path& folder : folders) {
    std::error_code ec;
    std::vector<fs::path> here;
    for (fs::directory_iterator it(folder, ec), end; !ec && it != end; it.increment(ec))
      if (it->path().extension() == ".so") here.push_back(it->path());
    if (ec) out.problems.push_back(folder.string() + ": cannot be read: " + ec.message());
    std::sort(here.begin(), here.end());
    for (const fs::path& file : here) {
      const auto [first, is_new] = seen.emplace(file.filename(), file);
      if (is_new)
        out.list.push_back(file);
      else
        out.problems.push_back(file.string() + ": left out, " + first->second.string() + " comes first");
    }
  }
  return out;
}

}  // namespace dtud::plugins
