// The device document over time. A new one is checked, stored, answered, and only then applied; the last ones are kept;
// one that came over a channel has to prove itself within confirm_s, or the last good one comes back. Main lane.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "commands/access.hpp"
#include "commands/calls.hpp"
#include "config/documents.hpp"
#include "config/history.hpp"
#include "config/json_value.hpp"
#include "kernel/components.hpp"
#include "kernel/device.hpp"
#include "lanes/lane.hpp"
#include "log/log.hpp"
#include "routing/router.hpp"

namespace dtud {

class Changes {
 public:
  struct Parts {
    Lane& lane;
    Log& log;
    Components& components;
    Device& device;
    routing::Router& router;
    commands::Access& access;
    commands::Calls& calls;
  };
  using Stored = std::function<void(bool taken, const config::Findings&)>;
  using Applied = std::function<void(const Device::Changed&)>;

  explicit Changes(Parts parts);
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;
  ~Changes();

  // Reads what dtud starts with; writes nothing. A device file that cannot be used is replaced by the newest revision
  // that can, or by an empty document: a board that cannot be reached would have to be driven to.
  void load(const std::string& device_file, const std::string& state_dir, const std::string& factory_file,
            config::Findings& findings);
  void start();  // applies it; goes on with a trial a restart interrupted

  [[nodiscard]] const config::DeviceConfig& latest() const { return *latest_; }  // stored, applied or about to be
  [[nodiscard]] config::Findings check(const std::string& text) const;

  // source: "console", "port 1", "channel 3", a plugin's name. `stored` is called within the call; the document is
  // applied when the answers that are under way are out, at most 3 s later, and then `applied` is called.
  void set(const std::string& text, const std::string& source, const Stored& stored, Applied applied = nullptr);
  // The same with these top-level keys replaced in the present document.
  void change(const config::JsonObject& keys, const std::string& source, const Stored& stored);
  // Back to a revision; 0: the one before the present. A trial ends.
  void go_back(uint64_t revision, const std::string& source, const Stored& stored, Applied applied = nullptr);
  void factory_reset(const std::string& why);

  // A plugin is being replaced. Until release() documents are refused, and what dtud itself decides waits.
  void hold() { held_ = true; }
  void release();
  // The present document as these schemas see it.
  [[nodiscard]] std::optional<config::DeviceConfig> read_with(const config::Schemas& schemas,
                                                              config::Findings& findings) const;
  // The schemas have changed: what the present document means now is applied.
  void reread();

  [[nodiscard]] const config::History& history() const { return *history_; }
  [[nodiscard]] uint64_t revision() const { return revision_; }
  [[nodiscard]] bool all_applied() const { return due_.empty(); }
  [[nodiscard]] const std::optional<config::Trial>& trial() const { return trial_; }
  [[nodiscard]] int64_t trial_left_ns() const;
  [[nodiscard]] const std::string& last_rollback() const { return last_rollback_; }  // "" = none since the start
  // Ends the trial: the present document stays. False: there is none.
  bool confirm(const std::string& source);

 private:
  struct Due {
    std::shared_ptr<const config::DeviceConfig> config;
    Applied applied;
    int64_t latest_ns = 0;  // not later than this, answers or not
  };
  enum class Proof { none, needed };
  bool read(const std::string& text, config::DeviceConfig& out, config::Findings& findings) const;
  void take(const std::string& text, const std::string& source, const std::string& note, const Stored& stored,
            Applied applied);
  bool store(const std::string& text, const std::string& source, const std::string& note, Proof proof,
             config::Findings& findings);
  void adopt(config::DeviceConfig next, Applied applied, bool at_once);
  void record();
  void use(const config::DeviceConfig& device);
  void resume_trial();
  void pump();
  void begin_trial(const Device::Changed& changed);
  void look_at_trial();
  [[nodiscard]] bool proven() const;
  void roll_back(const std::string& why);
  void end_trial();
  [[nodiscard]] Proof proof_for(const std::string& source) const;
  static void record_due(void* self) { static_cast<Changes*>(self)->record(); }
  static void pump_due(void* self) { static_cast<Changes*>(self)->pump(); }
  static void trial_due(void* self) { static_cast<Changes*>(self)->look_at_trial(); }

  Parts parts_;
  std::string device_file_, factory_file_;
  std::unique_ptr<config::History> history_;
  std::unique_ptr<config::TrialFile> trial_file_;
  std::string text_;         // of latest_, as stored
  bool file_good_ = true;    // the device file held it at the start
  bool unrecorded_ = false;  // it is no revision yet, or holds a password that is no hash
  std::shared_ptr<const config::DeviceConfig> latest_ = std::make_shared<config::DeviceConfig>();
  uint64_t revision_ = 0;
  std::deque<Due> due_;  // stored, not yet applied
  bool applying_ = false;
  bool held_ = false;
  std::string reset_wanted_;  // why, while held
  std::optional<config::Trial> trial_;
  int64_t trial_ends_ns_ = 0;  // 0: what is tried is not applied yet
  bool trial_waits_ = false;   // only its end can tell
  uint64_t heard_before_ = 0;  // messages that had come from the channel on trial
  std::string last_rollback_;
  uint64_t record_timer_ = 0, pump_timer_ = 0, trial_timer_ = 0;
};

}  // namespace dtud
