// Decides whether a plugin file may be opened, and opens it: trusted by its owner and mode, probed in a child or known
// from an earlier probe, signed if that is asked for, not quarantined; and what is opened is what was looked at.
// One thread at a time (the main lane); probe() itself may be called elsewhere and its answer given to learn().
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "plugins/loader/loader.hpp"
#include "plugins/loader/opening_mark.hpp"
#include "plugins/loader/probe.hpp"
#include "plugins/loader/probe_cache.hpp"

namespace dtud::plugins {

class Vetting {
 public:
  struct Setup {
    std::string program;            // dtu-plugin-probe
    std::string folder;             // <state_dir>/plugins; it need not be there, or be writable
    std::vector<std::string> keys;  // who may sign; board.json's syntax
    bool require_signed = false;
    std::string version;     // of dtud: what an older one found is found anew
    bool read_only = false;  // dtud --check: nothing is written, and nothing is marked
    ProbeLimits limits{};
  };

  // say: a line for the log, of what went wrong here rather than with a file.
  Vetting(Setup setup, std::function<void(const std::string&)> say);
  // Reads what is kept, and judges what dtud died of the last time. Before anything else.
  void begin();

  struct Vetted {
    std::string refusal;       // one line that names the file and says what to do; "" = it may be opened
    bool quarantined = false;  // that is why
    std::filesystem::path file;
    std::string identity, sha256;
    SignatureFacts signature;
    PluginFacts plugin;  // empty when there is no probe to be had
  };
  // Blocks while it is being probed: ProbeLimits. whole: with all that described() needs.
  [[nodiscard]] Vetted vet(const std::filesystem::path& file, bool whole = false);
  // What vet() would have answered after this probe of `file`, or of a copy of it.
  Vetted learn(const std::filesystem::path& file, const Probed& probed);
  [[nodiscard]] ProbeJob job_for(const std::filesystem::path& file) const;  // for a probe of one's own
  // Opens what was vetted, unless it changed since.
  [[nodiscard]] LoadResult open(const Vetted& vetted);

  // For whoever finds that a file breaks dtud: it is not opened again, from the next start on. reason: "crashed dtud
  // three times in send".
  void quarantine(const std::filesystem::path& file, const std::string& reason);
  // Forgets what is held against a file. name: its path, its file name, its SHA-256, or the id of its plugin. The paths
  // it was of; empty: nothing is held against it.
  std::vector<std::string> forgive(const std::string& name);
  // Writes what was learned, if anything was. quarantine() and what ends in quarantine are written at once.
  void keep();
  // From now on `run` writes: it runs the jobs in order and calls then(their result) where this lives.
  using Run = std::function<void(ProbeCache::Job job, std::function<void(const std::string&)> then)>;
  void write_by(Run run) { run_ = std::move(run); }

  // What is known of a file as it is now, without looking into it; null: nothing.
  [[nodiscard]] const CacheEntry* known(const std::filesystem::path& file) const;
  [[nodiscard]] const Setup& setup() const { return setup_; }

 private:
  [[nodiscard]] std::string context_of(const std::filesystem::path& file) const;
  void died_of(const std::string& mark);
  void make_folder();

  const Setup setup_;
  const std::function<void(const std::string&)> say_;
  void kept(const std::string& trouble);

  Run run_ = [](const ProbeCache::Job& job, const std::function<void(const std::string&)>& then) { then(job()); };
  ProbeCache cache_;
  OpeningMark mark_;
  bool no_probe_ = false, not_kept_ = false;  // said already
};

}  // namespace dtud::plugins
