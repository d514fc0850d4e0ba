// The components there are, and the plugin files they come from. A file is opened when a configuration first names a
// type it holds; which types it holds is read from the file without running it. Main lane.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/documents.hpp"
#include "log/log.hpp"
#include "plugins/loader/catalogue.hpp"
#include "plugins/loader/loader.hpp"

namespace dtud {

class Components {
 public:
  explicit Components(Log& log) : log_(log) {}

  // Looks for plugin files; configured: board.json, plugin_path; builds: chosen by an upgrade, they take the place of
  // what is found with the same types, unless they cannot be used.
  void search(const std::vector<std::string>& configured, const std::vector<std::filesystem::path>& builds = {});

  struct Found {
    const plugins::LoadedComponent* component = nullptr;  // null: nobody offers it
    std::string plugin_id;
  };
  [[nodiscard]] Found find(uint32_t kind, std::string_view type);
  [[nodiscard]] std::vector<std::string> types(uint32_t kind) const;  // sorted, opened or not
  [[nodiscard]] std::vector<std::string> dialects();                  // opens the command plugins
  // The board file names the commands it wants: dialects of others do not count, and their files stay closed.
  void only_commands(std::vector<std::string> types) { commands_ = std::move(types); }
  [[nodiscard]] config::Schemas schemas();  // valid as long as this object
  // As they would be with this build in the place of the plugin of its id; valid as long as both.
  [[nodiscard]] config::Schemas schemas_with(const plugins::LoadedPlugin& build);

  // Maps another build of a plugin; it counts for nothing yet.
  [[nodiscard]] plugins::LoadResult load_build(const std::filesystem::path& file);
  // From now on what the plugin of its id offers is what this build offers. The former one is a dead image: its code
  // stays mapped until dtud starts again.
  void supersede(const std::shared_ptr<const plugins::LoadedPlugin>& build);
  // It is mapped, and nobody will use it: why.
  void bury(const std::shared_ptr<const plugins::LoadedPlugin>& build, const std::string& why);

  struct File {
    std::filesystem::path path;
    std::vector<std::string> types;  // "channel:mqtt"
    bool loaded = false;
    std::string error;                                             // why it cannot be used
    std::shared_ptr<const plugins::LoadedPlugin> image = nullptr;  // mapped: `loaded`, or dead
    std::string dead = {};                                         // why nobody uses the image any more
    std::filesystem::path instead = {};                            // the build that takes its place
  };
  [[nodiscard]] const std::vector<File>& files() const { return files_; }
  [[nodiscard]] size_t dead_images() const;
  [[nodiscard]] const plugins::Catalogue& catalogue() const { return catalogue_; }

 private:
  void add(const std::filesystem::path& path);
  void open(File& file);
  File* find_file(const std::filesystem::path& path);
  File& file_of(const std::shared_ptr<const plugins::LoadedPlugin>& build);
  [[nodiscard]] bool gives_way(const File& file) const;
  void open_holders(const std::string& declared);

  Log& log_;
  std::vector<File> files_;
  plugins::Catalogue catalogue_;
  std::optional<std::vector<std::string>> commands_;
};

}  // namespace dtud
