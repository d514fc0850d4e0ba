// Builds of plugins that came by an upgrade: each is a file of its own in <state_dir>/plugins, named by its content,
// for the linker gives the old code to whoever opens a path it has mapped. An index beside them says which one a start
// picks; without it, or without the file it names, a start finds the plugin where its package put it.
#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "config/store.hpp"
#include "plugins/loader/handshake.hpp"

namespace dtud {

class PluginBuilds {
 public:
  struct Choice {
    std::filesystem::path file;      // what a start opens
    std::filesystem::path previous;  // what a roll-back by hand goes back to
  };

  // What stands in the index of this folder; without one, nothing is chosen. A warning for the log, or "".
  std::string open(const std::filesystem::path& folder);
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_; }

  // Any thread. A copy of `file` in `folder`, whole and on disk; or why there is none. What others may write is not
  // taken.
  static std::variant<std::filesystem::path, plugins::Refusal> keep(const std::filesystem::path& folder,
                                                                    const std::filesystem::path& file);

  [[nodiscard]] const std::map<std::string, Choice>& choices() const { return choices_; }  // by plugin id
  [[nodiscard]] std::vector<std::filesystem::path> files() const;                          // chosen, and there
  // Survives a power cut when this is true. A build nobody goes back to any more is removed.
  [[nodiscard]] bool choose(const std::string& id, const Choice& choice, config::FileError& error);
  // "": it did not fail, or another time was asked for.
  [[nodiscard]] std::string why_failed(const std::filesystem::path& file) const;
  [[nodiscard]] bool mark_failed(const std::filesystem::path& file, const std::string& why, config::FileError& error);
  // Removes a build nobody would go back to; its code, if mapped, stays.
  void discard(const std::filesystem::path& file) const;

 private:
  bool write(config::FileError& error) const;

  std::filesystem::path folder_;
  std::map<std::string, Choice> choices_;
  struct Failed {
    std::string file, why;  // the name in the folder
  };
  std::vector<Failed> failed_;  // the newest last
};

}  // namespace dtud
