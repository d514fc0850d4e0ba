// Instances that end dtud itself. The page of the process before (CallPage) says which one was being called when it
// died; the deaths are counted in `runtime_dir`/deaths.json, over restarts of dtud. After three within a minute the
// instance is in quarantine: it is not created until a person asks, its configuration or its plugin file is another, or
// the board has started again. Main lane.
//
// Counted is what a process can tell of its own end: a signal that no other process sent, an exit() from inside a call,
// and systemd's watchdog, which finds the main lane in a call. A SIGKILL and the power may come in any call: they are
// said in the log, and prove nothing.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/state_file.hpp"
#include "disk/disk_lane.hpp"
#include "lanes/call_page.hpp"
#include "log/log.hpp"

namespace dtud::plugins {

class Killers {
 public:
  explicit Killers(Log& log) : log_(log) {}

  // Judges what the process before left in `folder`, and begins a page for this one. Before any instance is made.
  void begin(const std::string& folder);
  [[nodiscard]] CallPage& page() { return page_; }
  // From here on the file is written by the disk lane. Before: at once, for it has to be there when an instance is
  // made.
  void write_on(DiskLane& disk) { disk_ = &disk; }

  struct Death {
    std::string instance, plugin;  // "": of none
    std::string function;
    std::string how;       // "died of signal 11 (SIGSEGV)"
    bool counts = false;   // against the instance
    uint32_t deaths = 0;   // that count against it, with this one
    bool held = false;     // it is in quarantine now
    std::string beside{};  // where other lanes were: "channel 2 in send"
  };
  [[nodiscard]] const std::optional<Death>& last() const { return last_; }  // of the process before

  // Why an instance is not to be created; "": it may be. origin: of its plugin file and configuration, see enter().
  [[nodiscard]] std::string why_held(const std::string& name, uint64_t origin) const;
  [[nodiscard]] bool has_killed(const std::string& name) const;
  void forgive(const std::string& name);

  static constexpr size_t kMost = 3;
  static constexpr int64_t kWindow_ns = 60'000'000'000;
  // Of those that the watchdog ended: each takes its time (WatchdogSec), and the restart another one.
  static constexpr int64_t kHangWindow_ns = 5 * kWindow_ns;

 private:
  struct Known {
    std::string name, plugin;
    uint64_t origin = 0;
    std::array<int64_t, kMost> at_ns{};  // boot_ns() of the last deaths, the oldest first; 0: none
    uint32_t deaths = 0;
    std::string how{};  // the last one, with the function
    bool held = false;
  };
  static constexpr size_t kMostKnown = 32;
  void load(const std::string& folder);
  void save();
  void count(const LastCalls& last, Death& death);
  [[nodiscard]] const Known* find(const std::string& name) const;

  Log& log_;
  CallPage page_;
  std::shared_ptr<config::StateFile> file_;
  DiskLane* disk_ = nullptr;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);
  std::vector<Known> known_;  // the newest last
  std::optional<Death> last_;
};

// For enter(): the same for the same build of a plugin with the same configuration.
[[nodiscard]] uint64_t origin_of(std::string_view plugin, uint64_t build, std::string_view config);

}  // namespace dtud::plugins
