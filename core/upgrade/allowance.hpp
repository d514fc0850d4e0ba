// When and how much may be downloaded: the time window and the bytes of a day. The day's count survives a restart.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "config/state_file.hpp"

namespace dtud::upgrade {

class Allowance {
 public:
  // window: "22:00-05:00", local time, "" = always; bytes_per_day: 0 = no bound; file: where the count is kept.
  Allowance(const std::string& window, uint64_t bytes_per_day, const std::string& file);
  // From now on `run` is given what writes the file, to run it in order.
  using Run = std::function<void(std::function<bool()> job)>;
  void write_by(Run run) { run_ = std::move(run); }

  struct Verdict {
    bool now = true;
    bool open = true;     // as far as the time window goes
    std::string why;      // not: what is waited for, and until when
    uint64_t bytes = 0;   // what may still come today; 0: no bound
    int64_t look_s = 60;  // look again not later than this
  };
  // unix_s: the time of day, which may jump; a clock before 2020 was never set.
  [[nodiscard]] Verdict look(int64_t unix_s);
  // So many bytes came. Written to the file now and then, and when `keep` says so.
  void count(uint64_t bytes, int64_t unix_s, bool keep);
  [[nodiscard]] uint64_t bytes_today() const { return bytes_; }
  // Why the count of before is not known; "": it is.
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  void turn_the_page(int64_t unix_s);
  void write();

  int from_ = -1, to_ = -1;  // minutes of the day; -1: always
  const uint64_t most_;
  std::shared_ptr<config::StateFile> file_;  // shared with jobs
  Run run_ = [](const std::function<bool()>& job) { (void)job(); };
  std::string problem_;
  int64_t day_ = 0;  // local, counted from 1970
  uint64_t bytes_ = 0, written_ = 0;
};

}  // namespace dtud::upgrade
