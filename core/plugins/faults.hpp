// What plugins do against the contract of the ABI: counted by instance and kind, with the last occurrence of each, and
// said in the log no more often than a person can read. A record is made with the first run of an instance and stays as
// long as dtud does, so that a thread of the plugin that calls too late can still be counted, and no counter goes back.
#pragma once
#include <dtu/abi.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lanes/thread_safety.hpp"
#include "log/log.hpp"

namespace dtud::plugins {

enum class Fault : uint8_t {
  exception,      // let one out, or answered DTU_E_EXCEPTION
  slow,           // one call of a lane that must not block took over 100 ms
  stall,          // held its lane for over 5 s
  stop,           // did not stop in time
  overrun,        // calls the host faster than it can be heard
  flood,          // log lines, changes of state, posted functions or lists without end
  buffers,        // references held without end, not given back, or given back too often
  left_behind,    // timers or watched descriptors
  completion,     // of a token that is not open, or with a status that says nothing
  no_completion,  // took messages and never said what became of them
  taken,          // more than it was offered, or none of it although nothing was wrong
  reply,          // to a call that was never made or is answered
  thread,         // a [lane] function of the host on another thread
  late,           // a host call after destroy()
  emit,           // for a source that is not its, or too long
  malformed,      // a handle that is none, a string without bytes, JSON that is none, a name that is none
  no_writable,    // had room again and did not say so
  busy,           // leaves a descriptor ready without end
  died,           // the process it is isolated in ended unasked
  quota,          // keeps more in its folder than it may
  fatal,          // dtud itself died in a call of it
  caller,         // asked in the name of somebody for whom it cannot ask
};
constexpr size_t kFaultKinds = 22;
[[nodiscard]] const char* name_of(Fault kind);

// Of one instance and one plugin. Any thread.
class Faults {
 public:
  struct Occurrence {
    uint64_t count = 0;
    std::string function, text;  // of the last one: "send", "threw: no memory"
    int64_t at_ns = 0;           // Unix time
  };

  struct OnNote {
    std::function<void()> fn;  // called after each note(), on its thread, and may not call back
    bool logs = true;          // false: whoever set fn says in the log what happened
  };
  Faults(Log& log, std::string instance, std::string plugin, const OnNote& on_note);

  [[nodiscard]] const std::string& instance() const { return instance_; }
  [[nodiscard]] const std::string& plugin() const { return plugin_; }

  // text goes on where "<function> of plugin <id> " ends. The first of a kind is logged at once, then one in ten
  // seconds.
  void note(Fault kind, std::string_view function, std::string_view text, uint64_t times = 1) noexcept;
  // So many of its events were refused because it tells too many: counted apart from other floods.
  void note_refused_events(std::string_view function, uint64_t times) noexcept;
  // The same of a flood that is noted already: of its own process.
  void count_refused_events(uint64_t times) noexcept { refused_events_ += times; }
  [[nodiscard]] uint64_t refused_events() const { return refused_events_; }
  // A send or write that answered so; noted when it cannot have gone like that.
  void judge_taken(std::string_view function, dtu_status status, uint32_t taken, uint32_t offered) noexcept;
  // A message handed to `function` of the host is not is_acceptable(): noted; what to answer.
  [[nodiscard]] dtu_status unacceptable(std::string_view function) noexcept;
  [[nodiscard]] std::vector<std::pair<Fault, Occurrence>> read() const;  // of the kinds that happened
  [[nodiscard]] uint64_t total() const;

  // Whether a line of the plugin's own may go into the log now: 200 at once, 20 a second in the long run, ten times
  // that of debug lines. One that may not is counted.
  [[nodiscard]] bool may_log(bool debug) noexcept;

 private:
  static constexpr int64_t kQuiet_ns = 10'000'000'000;  // between two log lines of a kind
  static constexpr int64_t kLineCost = 10, kDebugCost = 1, kMostCredit = 200 * kLineCost;
  static constexpr int64_t kCredit_ns = 1'000'000'000 / (20 * kLineCost);  // makes up for 1

  Log& log_;
  const std::string instance_, plugin_;
  const OnNote& on_note_;
  mutable Mutex mutex_;
  struct Kept : Occurrence {
    int64_t logged_ns = 0;   // monotonic; 0: never
    uint64_t logged_at = 0;  // the count then
  };
  std::array<Kept, kFaultKinds> kinds_ DTU_GUARDED_BY(mutex_);
  int64_t credit_ DTU_GUARDED_BY(mutex_) = kMostCredit;
  int64_t credited_ns_ DTU_GUARDED_BY(mutex_) = 0;
  std::atomic<uint64_t> refused_events_{0};
};

// All of them. There are as many as names of instances and plugins that served them: the documents bound both.
class FaultBook {
 public:
  explicit FaultBook(Log& log) : log_(log) {}
  // First of all: see Faults.
  void on_note(Faults::OnNote on_note) { on_note_ = std::move(on_note); }
  // The record of this pair, from now on the newest of the instance.
  [[nodiscard]] Faults& of(const std::string& instance, const std::string& plugin);
  [[nodiscard]] Faults* newest(std::string_view instance) const;  // null: there never was one. Any thread
  [[nodiscard]] std::vector<const Faults*> all() const;

 private:
  Log& log_;
  Faults::OnNote on_note_;
  mutable Mutex mutex_;
  std::deque<Faults> records_ DTU_GUARDED_BY(mutex_);  // a deque: they stay where they are
  std::vector<Faults*> newest_ DTU_GUARDED_BY(mutex_);
};

// Runs that ended because the plugin broke the contract: three within a minute, and it is not started again by itself.
class Strikes {
 public:
  static constexpr size_t kMost = 3;
  static constexpr int64_t kWindow_ns = 60'000'000'000;
  // True: this was one too many.
  [[nodiscard]] bool add(int64_t now_ns);
  void clear() { at_ = {}; }

 private:
  std::array<int64_t, kMost> at_{};  // the oldest first; 0: none
};

}  // namespace dtud::plugins
