// The components there are, and the plugin files they come from. A file is opened when a configuration first names a
// type it holds; which types it holds is read from the file without running it. Main lane.
#pragma once
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/documents.hpp"
#include "log/log.hpp"
#include "plugins/loader/built_in.hpp"
#include "plugins/loader/catalogue.hpp"

namespace dtud {

class Components {
 public:
  explicit Components(Log& log) : log_(log) {}

  // Before search(). A built-in plugin wins over a file that holds a type of it: that file is left out and says so.
  void add_built_in(const std::vector<plugins::BuiltIn>& built_in);
  // Looks for plugin files; configured: board.json, plugin_path.
  void search(const std::vector<std::string>& configured);

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

  struct File {
    std::filesystem::path path;
    std::vector<std::string> types;  // "channel:mqtt"
    bool loaded = false;
    std::string error;  // why it cannot be used
  };
  [[nodiscard]] const std::vector<File>& files() const { return files_; }
  [[nodiscard]] const plugins::Catalogue& catalogue() const { return catalogue_; }

 private:
  [[nodiscard]] std::string built_in_already(const File& file) const;  // what is wrong with the file then; "" = nothing
  void open(File& file);
  void open_holders(const std::string& declared);

  Log& log_;
  std::vector<File> files_;
  plugins::Catalogue catalogue_;
  std::optional<std::vector<std::string>> commands_;
};

}  // namespace dtud
