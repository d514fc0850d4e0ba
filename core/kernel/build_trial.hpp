// A build of a plugin that is being tried, written down in <state_dir>/plugins/trial.json: should dtud die in a call of
// that plugin, the next start goes back to the build before. From before the first instance moves until kProof_ns after
// the build was chosen. Main lane.
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "config/state_file.hpp"
#include "log/log.hpp"

namespace dtud {

class BuildTrial {
 public:
  struct Record {
    std::string plugin, sha256;  // of the build that is tried
    std::string version, from;   // and of the one before
    bool chosen = false;         // it is the one that is installed, so a start uses it
    std::string taken_back{};    // why a start went back; the one after it tells
  };
  static constexpr int64_t kProof_ns = 120'000'000'000;

  explicit BuildTrial(Log& log) : log_(log) {}
  // Reads what is left of the process before.
  void begin(const std::string& folder);
  [[nodiscard]] const std::optional<Record>& left() const { return left_; }

  // On disk when these return, or a warning says why not.
  void write(const Record& record);
  void over();

 private:
  Log& log_;
  std::optional<config::StateFile> file_;
  std::optional<Record> left_;
  bool written_ = false;
};

}  // namespace dtud
