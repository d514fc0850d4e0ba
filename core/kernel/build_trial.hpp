// A build of a plugin that is being tried, written down in <state_dir>/plugins/trial.json: should dtud die in a call of
// that plugin, the next start goes back to the build before. From before the first instance moves until kProof_ns after
// the build was chosen. Main lane; the disk lane writes.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "config/state_file.hpp"
#include "disk/disk_lane.hpp"
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

  // From now on the disk lane, which must outlive this, writes. Until then it is done within these functions.
  void write_on(DiskLane& disk) { disk_ = &disk; }
  // `then` is called when it is on the disk, or a warning says why not.
  using Then = std::function<void()>;
  void write(const Record& record, Then then = nullptr);
  void over(Then then = nullptr);

 private:
  void run(std::function<std::string()> job, Then then);

  Log& log_;
  DiskLane* disk_ = nullptr;
  std::shared_ptr<config::StateFile> file_;  // shared with jobs
  std::optional<Record> left_;
  bool written_ = false;  // or is about to be
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
};

}  // namespace dtud
