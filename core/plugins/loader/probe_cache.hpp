// What probes found, kept in <state_dir>/plugins/probes.json, so that a start needs none of them: good answers until
// the file changes, and the files that are quarantined until they change or a person wants them tried again. Whatever
// is wrong with the file on disk, it counts as empty; a wrong one is kept as probes.json.rejected. One thread at a
// time.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "config/state_file.hpp"
#include "plugins/loader/facts.hpp"

namespace dtud::plugins {

struct CacheEntry {
  enum class Verdict {
    good,
    suspect,      // it was in the way of a process that died, once; the next time it is quarantined
    quarantined,  // not opened any more
  };
  std::string path;      // of the file, links resolved
  std::string identity;  // of the file
  std::string context;   // of what else the answer depends on: the signature file, the keys, the version of dtud
  std::string sha256;    // "" when it is not known
  Verdict verdict = Verdict::good;
  std::string reason;  // why it is not good, for people
  uint32_t count = 0;  // how often it broke something
  int64_t time_ns = 0;
  SignatureFacts signature;
  PluginFacts plugin;  // of a quarantined one: what it said before, if it ever did
};

class ProbeCache {
 public:
  // read_only: dtud --check, the file is not touched.
  explicit ProbeCache(std::string file, bool read_only = false);

  // "" or why there is nothing to go by.
  [[nodiscard]] std::string load();
  // What writes it, for any thread, one after the other; null: nothing changed. "" or why it could not be written: then
  // not_saved(), so that the next saving() tries again. A file that load() could not read is read again first, and its
  // entries are kept.
  using Job = std::function<std::string()>;
  [[nodiscard]] Job saving();
  void not_saved() { changed_ = true; }
  // The same at once.
  [[nodiscard]] std::string save();

  [[nodiscard]] const CacheEntry* find(const std::string& path) const;
  // The quarantined one with this content, under whatever name.
  [[nodiscard]] const CacheEntry* quarantined(const std::string& sha256) const;
  void put(CacheEntry entry);  // in place of the one with the same path
  // Those it is true of are forgotten.
  template <typename Matches>
  size_t erase_if(Matches&& matches) {
    const size_t before = entries_.size();
    for (auto it = entries_.begin(); it != entries_.end();) it = matches(*it) ? entries_.erase(it) : it + 1;
    changed_ = changed_ || entries_.size() != before;
    return before - entries_.size();
  }
  [[nodiscard]] const std::vector<CacheEntry>& entries() const { return entries_; }

 private:
  [[nodiscard]] std::string read(std::vector<CacheEntry>& entries);

  std::shared_ptr<config::StateFile> file_;  // shared with jobs
  std::vector<CacheEntry> entries_;          // at most kMost; of too many the oldest good one goes first
  bool changed_ = false, unread_ = false;
  static constexpr size_t kMost = 128;
};

}  // namespace dtud::plugins
