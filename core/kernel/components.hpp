// The components there are, and the plugin files they come from. A file is opened when a configuration first names a
// type it holds; which types it holds is read from the file without running it. One that is named for processes of
// their own only (`isolate`) is never opened: what is to be known of it a probe tells. Main lane.
#pragma once
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "config/documents.hpp"
#include "disk/disk_lane.hpp"
#include "log/log.hpp"
#include "plugins/loader/built_in.hpp"
#include "plugins/loader/catalogue.hpp"
#include "plugins/loader/store.hpp"
#include "plugins/loader/vetting.hpp"

namespace dtud {

class Components {
 public:
  explicit Components(Log& log) : log_(log) {}

  // Before search(). A built-in plugin wins over a file that holds a type of it: that file is left out and says so.
  void add_built_in(const std::vector<plugins::BuiltIn>& built_in);
  // Looks for plugin files; configured: board.json, plugin_path. First of all, and once. Returns what
  // was left out, and why.
  std::vector<std::string> search(const std::vector<std::string>& configured, plugins::Vetting::Setup setup);
  // From now on what is found out about a file is kept at once. Until then it waits for this.
  void searched();

  struct Found {
    const plugins::LoadedComponent* component = nullptr;  // null: nobody offers it
    std::string plugin_id;
    std::filesystem::path file;
    bool described = false;  // only for a process of its own
  };
  [[nodiscard]] Found find(uint32_t kind, std::string_view type);
  [[nodiscard]] std::vector<std::string> types(uint32_t kind) const;  // sorted, opened or not
  [[nodiscard]] std::vector<std::string> dialects();                  // opens the command plugins
  // The board file names the commands it wants: dialects of others do not count, and their files stay closed.
  void only_commands(std::vector<std::string> types) { commands_ = std::move(types); }
  [[nodiscard]] config::Schemas schemas();  // valid as long as this object
  // The HALs of the board file: what is known of their ports goes into schemas().
  void set_hals(std::vector<config::ComponentConfig> hals) { hals_ = std::move(hals); }
  // Who owns a top-level key of the device document; opens the files that name it. newer: a build in the place of the
  // plugin of its id, or null.
  [[nodiscard]] std::vector<config::KeyOwner> key_owners(const std::string& key,
                                                         const plugins::LoadedPlugin* newer = nullptr);
  [[nodiscard]] std::vector<std::string> keys() const;  // sorted, opened or not
  // Of the members of the board, and of these types of channels.
  [[nodiscard]] std::vector<std::string> keys_in_use(const std::vector<std::string>& channel_types);
  // Keys that two members of the board own, which is a fault of the product. One line each, naming the files.
  [[nodiscard]] std::vector<std::string> disputed_keys();
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
    std::vector<std::string> keys;   // of the device document
    bool loaded = false;             // what it holds is on offer
    std::string error;               // why it cannot be used
    bool quarantined = false;        // that is why
    std::string installed;           // by dtuctl plugins install or upgrade: the id of its plugin
    std::string note;                // why it is not used though nothing is wrong with it
    // Mapped, unless it is a described one: `loaded`, or dead.
    std::shared_ptr<const plugins::LoadedPlugin> image = nullptr;
    std::string dead = {};  // why nobody uses the image any more
    [[nodiscard]] bool described() const { return image != nullptr && image->described; }
  };
  [[nodiscard]] const std::vector<File>& files() const { return files_; }
  [[nodiscard]] size_t dead_images() const;
  [[nodiscard]] const plugins::Catalogue& catalogue() const { return catalogue_; }
  [[nodiscard]] plugins::Store& store() const { return *store_; }
  [[nodiscard]] const plugins::Vetting& vetting() const { return *vetting_; }
  // The file of a plugin that is loaded; null: it is not.
  [[nodiscard]] const plugins::LoadedPlugin* loaded(const std::string& plugin_id) const;

  // What plugins::Store staged and probe() found good becomes the build of its plugin that is used: at once when none
  // is loaded. from: where it came from. Told when it is on the disk: "" or why not; later: why it is not used yet.
  void install(const std::filesystem::path& staged, const plugins::Probed& probed, const std::string& from,
               std::function<void(const std::string& error, const std::string& later)> then);
  void remove(const std::string& plugin_id, plugins::Store::Then then);
  // Files that are not used for a fault of theirs, by path, file name, SHA-256 or plugin id: nothing is held against
  // them any more. They are to be probed, and learn() told.
  [[nodiscard]] std::vector<std::filesystem::path> forgive(const std::string& name);
  std::string learn(const std::filesystem::path& file, const plugins::Probed& probed);  // "" or why it is not used
  // What plugins::Store staged and probe() found good gets its place in the store, for load_build().
  void keep(const std::filesystem::path& staged, const plugins::Probed& probed, const std::string& from,
            plugins::Store::Then then);
  // The file a plugin would be used from if dtuctl had installed none; "": there is none.
  [[nodiscard]] std::filesystem::path packaged(const plugins::LoadedPlugin& plugin) const;
  // From now on the disk lane, which must outlive this, writes what probes find, and what is installed and removed.
  void write_on(DiskLane& disk);
  // For whoever finds that a plugin breaks dtud: its file is not opened again, from the next start on.
  void quarantine(const std::string& plugin_id, const std::string& reason);

 private:
  void add(const std::filesystem::path& path, const std::string& installed);
  [[nodiscard]] std::string was_installed(const plugins::Probed& probed, const std::string& from);  // why not used yet
  void was_removed(const std::string& plugin_id);
  [[nodiscard]] std::string built_in_already(const File& file) const;  // what is wrong with the file then; "" = nothing
  void open(File& file);
  // A document names this type, to run in a process of its own or in this one.
  void uses(uint32_t kind, std::string_view type, bool isolated);
  // All its types that a document ever named are for processes of their own: then dtud does not open it.
  [[nodiscard]] bool only_apart(const std::vector<std::string>& types) const;
  void map(const std::string& plugin_id);
  [[nodiscard]] const plugins::LoadedPlugin* owner_of(const plugins::LoadedComponent& component) const;
  void cover();
  [[nodiscard]] bool stands_back(File& file, const std::string& plugin_id);
  File& file_of(const std::shared_ptr<const plugins::LoadedPlugin>& build);
  void open_holders(const std::string& declared);
  [[nodiscard]] bool is_member(uint32_t kind, const std::string& type) const;
  [[nodiscard]] std::optional<std::vector<std::string>> ports();

  Log& log_;
  std::vector<File> files_;  // those that were installed come first
  std::unique_ptr<plugins::Vetting> vetting_;
  std::unique_ptr<plugins::Store> store_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  bool searching_ = true;
  std::set<std::string> apart_, inside_;                              // types by how documents use them
  std::vector<std::shared_ptr<const plugins::LoadedPlugin>> former_;  // others may still look at what they describe
  plugins::Catalogue catalogue_;
  std::optional<std::vector<std::string>> commands_;
  std::optional<std::vector<config::ComponentConfig>> hals_;
};

}  // namespace dtud
