// The plugins a person installed, in <state_dir>/plugins: each as <sha256>.so, so that a new build never replaces a
// file that is open, and an index (installed.json) of which is whose. The build before the present one is kept, to go
// back to; so is what became of builds that an upgrade took back. One thread at a time, but for stage().
#pragma once
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "config/state_file.hpp"
#include "plugins/loader/probe.hpp"

namespace dtud::plugins {

struct Installed {
  std::string id, version;   // of the plugin
  std::string sha256;        // of the file; "": the one the plugin path has is used
  std::string file;          // where it came from
  int64_t time_ns = 0;       // when
  SignatureFacts signature;  // as it was found then
  std::string previous;      // SHA-256 of the build before it; "": the one the plugin path has, if any
};

class Store {
 public:
  // read_only: dtud --check, the index is not touched.
  explicit Store(std::filesystem::path folder, bool read_only = false);

  // "" or why the index cannot be used, or a part of it; what cannot be used does not count as installed. A wrong index
  // is kept as installed.json.rejected.
  [[nodiscard]] std::string load();
  // Removes files nobody can want any more: half copies, builds that no entry names. Builds stay while there is an
  // index that could not be used: it may name them.
  void tidy() const;

  [[nodiscard]] const std::vector<Installed>& list() const { return list_; }
  [[nodiscard]] const Installed* find(const std::string& id) const;
  [[nodiscard]] std::filesystem::path path_of(const std::string& sha256) const { return folder_ / (sha256 + ".so"); }

  // Copies `file`, and `file`.sig if there is one, into the folder under a name that is not looked at, on disk when
  // this returns. Gives the copy's path; or "", and why. Any thread. The copy is for probe(), and then for put() or
  // drop().
  [[nodiscard]] std::filesystem::path stage(const std::filesystem::path& file, std::string& error) const;
  static void drop(const std::filesystem::path& staged);

  // What was staged becomes what is installed of its plugin, in place of another build. "" or why not; the copy is gone
  // then. probed: of the copy, and good. from: what to remember as its origin.
  [[nodiscard]] std::string put(const std::filesystem::path& staged, const Probed& probed, const std::string& from);
  // In two steps: keep() gives it its place in the folder, choose() makes it the one that is installed. tidy() removes
  // what is kept and not chosen.
  [[nodiscard]] std::string keep(const std::filesystem::path& staged, const Probed& probed, const std::string& from);
  [[nodiscard]] std::string choose(Installed now);
  // The present build and the one before change places. "" or why not.
  [[nodiscard]] std::string go_back(const std::string& id);
  // A build that did not work in the place of the one before. "": it did not fail, or was chosen since.
  [[nodiscard]] std::string mark_failed(const std::string& sha256, const std::string& why);
  [[nodiscard]] std::string why_failed(const std::string& sha256) const;
  // "" or why not. The files go with tidy(): one that is open is in nobody's way.
  [[nodiscard]] std::string remove(const std::string& id);

  static constexpr size_t kMostPlugins = 64;
  static constexpr uint64_t kMostBytes = 64U << 20U;  // of one file

 private:
  struct Failed {
    std::string sha256, why;
  };
  static constexpr size_t kMostFailed = 32;
  [[nodiscard]] std::string save(const std::vector<Installed>& list, const std::vector<Failed>& failed);
  [[nodiscard]] std::string replace(std::vector<Installed> list, std::vector<Failed> failed);

  const std::filesystem::path folder_;
  config::StateFile index_;
  std::vector<Installed> list_;
  std::vector<Failed> failed_;  // the newest last
};

}  // namespace dtud::plugins
