// The log of dtud: each line goes to standard error (with journald's level prefix when it reads there), into a ring
// that `dtuctl log` shows, and to whoever follows. Threads: everything here may be called from any thread.
#pragma once
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "lanes/thread_safety.hpp"
#include "log/scrubber.hpp"

namespace dtud {

enum class Level : int { error = 3, warning = 4, info = 6, debug = 7 };  // syslog's numbers
[[nodiscard]] const char* name_of(Level level);

struct LogLine {
  int64_t time_ns = 0;  // Unix time
  Level level = Level::info;
  std::string who;  // "channel 1", "kernel"
  std::string text;
};

class Log {
 public:
  using Follower = std::function<void(const LogLine&)>;  // called under no lock of its own; must not block

  explicit Log(Level threshold = Level::info, bool to_stderr = true);

  // What it knows is left out of every line, and of what plugins say elsewhere.
  [[nodiscard]] Scrubber& scrubber() { return scrubber_; }
  [[nodiscard]] const Scrubber& scrubber() const { return scrubber_; }

  void write(Level level, std::string_view who, std::string_view text);
  void error(std::string_view who, std::string_view text) { write(Level::error, who, text); }
  void warning(std::string_view who, std::string_view text) { write(Level::warning, who, text); }
  void info(std::string_view who, std::string_view text) { write(Level::info, who, text); }
  void debug(std::string_view who, std::string_view text) { write(Level::debug, who, text); }

  [[nodiscard]] bool takes(Level level) const;  // a line of this level is not left out
  void set_threshold(Level level);
  [[nodiscard]] Level threshold() const;
  // nolog 0 in the device document: only warnings and errors, unless debugging was asked for.
  void set_quiet(bool quiet);
  [[nodiscard]] std::vector<LogLine> newest(size_t count) const;

  // The follower gets every line from now on, until the returned token is destroyed.
  [[nodiscard]] std::shared_ptr<void> follow(Follower follower);

 private:
  static constexpr size_t kKept = 1000;     // lines
  static constexpr size_t kLongest = 1024;  // bytes; longer lines are cut
  [[nodiscard]] bool wants(Level level) const DTU_REQUIRES(mutex_);

  Scrubber scrubber_;
  const bool to_stderr_;
  const bool journal_;
  mutable Mutex mutex_;
  Level threshold_ DTU_GUARDED_BY(mutex_);
  bool quiet_ DTU_GUARDED_BY(mutex_) = false;
  std::deque<LogLine> ring_ DTU_GUARDED_BY(mutex_);
  std::vector<std::weak_ptr<Follower>> followers_ DTU_GUARDED_BY(mutex_);
};

}  // namespace dtud
