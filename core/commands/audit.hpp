// Who called what, and what came of it; no arguments, no secrets. The newest stay in memory; what changes something,
// or was refused for its password, also goes to a file of bounded size. Main lane.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "commands/answer.hpp"
#include "disk/disk_lane.hpp"

namespace dtud::commands {

class Audit {
 public:
  struct Entry {
    int64_t time_ns = 0;  // Unix time of the first
    std::string source, command;
    std::string result;  // "ok", "wrong_password": name_of_status
    std::string error;
    uint64_t times = 1;  // the same in a row count once
    bool lasting = false;
  };
  static constexpr size_t kKept = 1000;
  static constexpr uint64_t kFileBytes = 256U << 10U;  // then it becomes FILE.1
  static constexpr size_t kMostWaiting = 1000;         // entries for a disk that does not take them

  Audit() = default;
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;
  ~Audit() { write_repeats(); }

  void keep_in(std::string file) { file_ = std::move(file); }
  // From now on the file is written on the disk lane, which must outlive this. told: why the file could not be written,
  // once for every new reason.
  void write_on(DiskLane& disk, std::function<void(const std::string&)> told);
  // At a start: what stands there that dtud did not write, which is kept as FILE.rejected; "" = nothing.
  [[nodiscard]] std::string look();
  // What look() found, and why the file cannot be written now; "" = all is well.
  [[nodiscard]] std::string trouble() const {
    return damage_ + (damage_.empty() || problem_.empty() ? "" : "; ") + problem_;
  }
  // Why the file could not be written, once for every new reason; "" = fine, or the disk lane has yet to write it.
  [[nodiscard]] std::string note(int64_t time_ns, const std::string& source, const std::string& command, bool changes,
                                 const Answer& answer);
  [[nodiscard]] const std::deque<Entry>& entries() const { return entries_; }

 private:
  void write_repeats();
  void write(const Entry& entry);
  void tell(const std::string& problem);  // "": it could be written

  std::deque<Entry> entries_;
  std::string file_, problem_, damage_;
  DiskLane* disk_ = nullptr;  // null: what is written is written at once
  std::function<void(const std::string&)> told_;
  size_t waiting_ = 0;  // for the disk lane
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
};

}  // namespace dtud::commands
