// The device document over time. A new one is checked, stored, answered, and only then applied; the last ones are kept;
// one that came over a channel has to prove itself within confirm_s, or the last good one comes back. Main lane.
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands/access.hpp"
#include "commands/calls.hpp"
#include "config/document_file.hpp"
#include "config/documents.hpp"
#include "config/history.hpp"
#include "config/json_value.hpp"
#include "config/merge.hpp"
#include "kernel/announcements.hpp"
#include "kernel/change_facts.hpp"
#include "kernel/checks.hpp"
#include "kernel/components.hpp"
#include "kernel/device.hpp"
#include "kernel/trial_watch.hpp"
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
    Checks& checks;
    Device& device;
    routing::Router& router;
    commands::Access& access;
    commands::Calls& calls;
    Announcements& tell;
  };
  using Outcome = ChangeOutcome;
  using Stored = std::function<void(const Outcome&)>;
  using Applied = std::function<void(const Device::Changed&)>;

  explicit Changes(Parts parts);
  Changes(const Changes&) = delete;
  Changes& operator=(const Changes&) = delete;
  ~Changes();

  // Reads what dtud starts with; writes nothing. A device file that cannot be used is replaced by the newest revision
  // that can, or by an empty document: a board that cannot be reached would have to be driven to.
  void load(const std::string& device_file, const std::string& state_dir, const std::string& factory_file,
            const config::Schemas& schemas, config::Findings& findings);
  void start();  // applies it; goes on with a trial a restart interrupted

  [[nodiscard]] const config::DeviceConfig& latest() const { return *latest_; }  // stored, applied or about to be
  // What set() would find.
  [[nodiscard]] config::Findings check(const std::string& text) const;

  // source: "console", "port 1", "channel 3", a plugin's name. `stored` is called within the call; the document is
  // applied when the answers that are under way are out, at most 3 s later, and then `applied` is called. A null in a
  // new document or value means that there is no such key. An edit of the device file that was not read yet is taken
  // first, or kept as FILE.rejected: see take_edit().
  void set(const std::string& text, const std::string& source, const Stored& stored, Applied applied = nullptr);
  // The same with these top-level keys replaced in the present document.
  void change(const config::JsonObject& keys, const std::string& source, const Stored& stored);
  // The same with the present document merged with `patch` (RFC 7396).
  void patch(const config::JsonObject& patch, const std::string& source, const Stored& stored, Applied applied);
  // Reads the device file again. A file that cannot be taken stays as it is, and is not used.
  void reload(const Stored& stored, Applied applied = nullptr);
  // Back to a revision. 0: while a change is on trial, to the one before it; else to the newest one before the present
  // that is proven and whose document is another. Repeated, this goes further back. A trial of these parts ends.
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
  [[nodiscard]] const config::Parts& trial_parts() const { return trial_parts_; }  // that differ from before it
  [[nodiscard]] int64_t trial_left_ns() const;  // 0: what is tried is not applied yet
  // Files of state that could not be used at the start, one sentence each.
  [[nodiscard]] const std::vector<std::string>& damaged() const { return damaged_; }
  // Why a document was undone; "" = not since the start, or a newer one is proven or was set locally.
  [[nodiscard]] const std::string& last_rollback() const { return last_rollback_; }
  [[nodiscard]] std::optional<RejectedEdit> rejected() const;
  [[nodiscard]] DeviceFileState file_state();
  // Ends the trial: the present document stays. False: there is none, or a channel asks and others wait too.
  bool confirm(const std::string& source);

 private:
  struct Due {
    std::shared_ptr<const config::DeviceConfig> config;
    Applied applied;
    int64_t latest_ns = 0;  // not later than this, answers or not
    uint64_t revision = 0;
  };
  struct Next {  // a document to be taken
    std::string text, source, note;
    uint64_t restores = 0;
    bool ran_before = false;                        // one that can be used at all is taken, as at a start
    std::optional<std::string> raw = std::nullopt;  // what stands in the device file, if it comes from there
  };
  enum class Proof { none, needed };
  bool load_factory(config::Findings& findings);
  // False: nothing can be stored now. `out` says why, or what was done about an edit of the device file.
  bool prepare(Outcome& out);
  void take_edit(Outcome& out);
  void take(Next next, Outcome out, const Stored& stored, Applied applied);
  void refuse(Outcome& out, const Stored& stored);
  bool store(Next next, const config::DeviceConfig& device, Outcome& out);
  bool keep_text(const Next& next, Outcome& out);
  bool write(const Next& next, std::optional<config::Trial> trial, bool goes_on, Outcome& out);
  std::optional<config::DeviceConfig> judge(Next& next, Outcome& out) const;
  [[nodiscard]] config::Findings known_findings() const;
  [[nodiscard]] bool is_latest(const std::string& text) const;  // the same document
  void adopt(config::DeviceConfig next, Applied applied, bool at_once);
  void apply_latest(Applied applied, bool at_once);
  void record(const std::string& note = "");
  void replace_unusable();
  void find_present(bool trial_damaged);
  std::string find_lost();
  // No stored revision has it or a larger number, even if the history was destroyed.
  [[nodiscard]] uint64_t next_id() const;
  void note_ran(uint64_t revision);
  void use(const config::DeviceConfig& device);
  [[nodiscard]] std::string cut_off(const std::string& source, const config::DeviceConfig& next) const;
  void pump();

  // The trial; see changes_trial.cpp.
  void resume_trial(bool edited);
  // A start that finds no trial.json it can use: `wrong` says why; "" = there is none.
  void without_trial(const std::string& wrong);
  // The newest revision before `id` that proved itself and that can be used.
  [[nodiscard]] std::optional<config::Revision> last_good(uint64_t id) const;
  // What the trial would go back to cannot be used: another one that proved itself. False: there is none.
  bool find_another_good(const std::string& why);
  void stays_unproven(const std::string& why, bool keep_file);
  bool mark(uint64_t id, bool proven);
  bool mark_proven();
  [[nodiscard]] uint32_t confirm_s_of(const config::DeviceConfig& next) const;
  [[nodiscard]] std::string good_text(const config::Trial& trial,
                                      config::FileError* error = nullptr) const;  // "" = it cannot be read any more
  void learn_trial_parts(const config::JsonObject& tried);
  // A local change of the parts `changed`, after which the document is `after`. False: nothing else is on trial.
  [[nodiscard]] bool stays_on_trial(config::Trial& trial, const config::Parts& changed,
                                    const config::DeviceConfig& after) const;
  // The trial after a change of `source`: `next` joins what is on trial.
  [[nodiscard]] config::Trial joined(const std::string& source, const config::DeviceConfig& next) const;
  [[nodiscard]] bool is_good(const config::JsonObject& document) const;  // what the trial would go back to
  [[nodiscard]] std::string ends_trial() const;
  void begin_trial();
  void pass(const std::string& by);
  void look_at_trial();
  void roll_back(const std::string& why);
  void end_trial(bool keep_file = false);  // kept: the next start goes on with it
  [[nodiscard]] static Proof proof_for(const std::string& source);
  static void record_due(void* self) { static_cast<Changes*>(self)->record(); }
  static void pump_due(void* self) { static_cast<Changes*>(self)->pump(); }
  static void trial_due(void* self) { static_cast<Changes*>(self)->look_at_trial(); }

  Parts parts_;
  config::DocumentFile file_;
  std::string factory_file_;
  std::unique_ptr<config::History> history_;
  std::unique_ptr<config::TrialFile> trial_file_;
  std::string text_;           // of latest_, as stored
  bool file_good_ = true;      // the device file held it at the start
  bool file_there_ = true;     // at the start
  bool from_factory_ = false;  // the document is the factory_file, and in no device file yet
  bool unrecorded_ = false;    // it is no revision yet, or holds a password that is no hash
  std::string file_refused_, rejected_why_;
  std::vector<std::string> damaged_;
  uint64_t fallback_ = 0;  // the revision that took the place of the device file at the start
  std::shared_ptr<const config::DeviceConfig> latest_ = std::make_shared<config::DeviceConfig>();
  uint64_t revision_ = 0, ran_ = 0;
  std::deque<Due> due_;  // stored, not yet applied
  bool applying_ = false;
  bool edit_waits_ = false;  // an edit of the device file is latest_ and not in due_ yet
  bool held_ = false;
  std::string reset_wanted_;  // why, while held
  std::optional<config::Trial> trial_;
  config::Parts trial_parts_;
  TrialWatch watch_;
  std::optional<config::Unproven> lost_;  // what the start found in the device file, while trial.json cannot be used
  std::string last_rollback_;
  std::string undone_;  // the digest of what still stands in the device file, because that could not be written
  uint64_t record_timer_ = 0, pump_timer_ = 0, trial_timer_ = 0;
};

}  // namespace dtud
