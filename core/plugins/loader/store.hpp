// The plugins a person installed, in <state_dir>/plugins: each as <sha256>.so, so that a new build never replaces a
// file that is open, and an index (installed.json) of which is whose. The build before the present one is kept, to go
// back to; so is what became of builds that an upgrade took back. One thread at a time, but for stage().
#pragma once
#include <deque>
#include <filesystem>
#include <functional>
#include <memory>
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

  // Done, and on the disk; or why not, and everything is as it was.
  using Then = std::function<void(const std::string& problem)>;
  using Job = std::function<std::string()>;
  using Run = std::function<void(Job job, Then then)>;
  // From now on `run` does the jobs: it runs them in order and calls then(their result) where this lives. Until then
  // each is done at once, and `then` is called within the function that was asked.
  void write_by(Run run) { run_ = std::move(run); }

  // "" or why the index cannot be used, or a part of it; what cannot be used does not count as installed. A wrong index
  // is kept as installed.json.rejected.
  [[nodiscard]] std::string load();
  [[nodiscard]] const std::vector<Installed>& list() const { return index_.list; }
  [[nodiscard]] const Installed* find(const std::string& id) const { return find_in(index_, id); }
  [[nodiscard]] std::filesystem::path path_of(const std::string& sha256) const { return folder_ / (sha256 + ".so"); }

  // Copies `file`, and `file`.sig if there is one, into the folder under a name that is not looked at, on disk when
  // this returns. Gives the copy's path; or "", and why. Any thread. The copy is for probe(), and then for put() or
  // drop().
  [[nodiscard]] std::filesystem::path stage(const std::filesystem::path& file, std::string& error) const;
  static void drop(const std::filesystem::path& staged);

  // What was staged becomes what is installed of its plugin, in place of another build. If not, the copy is gone.
  // probed: of the copy, and good. from: what to remember as its origin.
  void put(const std::filesystem::path& staged, const Probed& probed, const std::string& from, Then then);
  // In two steps: keep() gives it its place in the folder, choose() makes it the one that is installed. What is kept
  // and not chosen is removed with the next of the other steps.
  void keep(const std::filesystem::path& staged, const Probed& probed, const std::string& from, Then then);
  void choose(Installed now, Then then);
  // The present build and the one before change places.
  void go_back(const std::string& id, Then then);
  // A build that did not work in the place of the one before.
  void mark_failed(const std::string& sha256, const std::string& why, Then then);
  // "": it did not fail, or was chosen since.
  [[nodiscard]] std::string why_failed(const std::string& sha256) const;
  void remove(const std::string& id, Then then);
  // Removes files nobody can want any more: half copies, builds that no entry names. Builds stay while there is an
  // index that could not be used: it may name them. Every step but keep() ends with it: a file that is open is in
  // nobody's way.
  void tidy(Then then = nullptr);

  static constexpr size_t kMostPlugins = 64;
  static constexpr uint64_t kMostBytes = 64U << 20U;  // of one file

 private:
  struct Failed {
    std::string sha256, why;
  };
  struct Index {
    std::vector<Installed> list;
    std::vector<Failed> failed;  // the newest last
  };
  struct Task {
    std::function<std::string(Index&)> change;  // "" or why not; null: the index stays
    Job files;                                  // before the index is written
    std::filesystem::path staged;               // dropped when it fails
    bool tidies;
    Then then;
  };
  static constexpr size_t kMostFailed = 32;
  void take(Task task);
  void next();
  [[nodiscard]] static const Installed* find_in(const Index& index, const std::string& id);
  [[nodiscard]] static std::string room_for(const Index& index, const Probed& probed, const std::string& from);
  static void install(Index& index, Installed now);
  static void forget(Index& index, const std::string& sha256);
  [[nodiscard]] static std::string text_of(const Index& index);

  const std::filesystem::path folder_;
  Run run_ = [](const Job& job, const Then& then) { then(job()); };
  std::shared_ptr<config::StateFile> file_;  // shared with jobs
  Index index_;                              // as it is on the disk
  std::deque<Task> tasks_;                   // which wait for the one under way
  bool busy_ = false;
  bool unread_ = false;  // there is an index, and what is in it is not known
};

}  // namespace dtud::plugins
