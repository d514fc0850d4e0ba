// Who called what, and what came of it; no arguments, no secrets. The newest stay in memory; what changes something,
// or was refused for its password, also goes to a file of bounded size. Main lane.
#pragma once
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

#include "commands/answer.hpp"

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

  Audit() = default;
  Audit(const Audit&) = delete;
  Audit& operator=(const Audit&) = delete;
  ~Audit() { write_repeats(); }

  void keep_in(std::string file) { file_ = std::move(file); }
  // At a start: what stands there that dtud did not write, which is kept as FILE.rejected; "" = nothing.
  [[nodiscard]] std::string look();
  // What look() found, and why the file cannot be written now; "" = all is well.
  [[nodiscard]] std::string trouble() const {
    return damage_ + (damage_.empty() || problem_.empty() ? "" : "; ") + problem_;
  }
  // Why the file could not be written, once for every new reason; "" = fine.
  [[nodiscard]] std::string note(int64_t time_ns, const std::string& source, const std::string& command, bool changes,
                                 const Answer& answer);
  [[nodiscard]] const std::deque<Entry>& entries() const { return entries_; }

 private:
  void write_repeats();
  bool write(const Entry& entry);
  bool failed(int code);  // of the file, errno; false

  std::deque<Entry> entries_;
  std::string file_, problem_, damage_;
};

}  // namespace dtud::commands
