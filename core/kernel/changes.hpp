// The device document over time. A new one is checked, stored, answered, and only then applied; the last ones are kept;
// one that came over a channel has to prove itself within confirm_s, or the last good one comes back.
//
// Main lane. What is written, is written on the disk lane (ChangeFiles), and passwords are hashed on a thread: a change
// goes on when the result is there. Until then nothing here is different, and later changes wait (ChangeQueue). At the
// start all is done within load() and start().
#pragma once
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "commands/password_checker.hpp"
#include "config/merge.hpp"
#include "kernel/change_files.hpp"
#include "kernel/change_queue.hpp"
#include "kernel/change_taking.hpp"
#include "kernel/trial_watch.hpp"

namespace dtud {

class Changes {
 public:
  using Parts = ChangeParts;
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

  // source: "console", "port 1", "channel 3", a plugin's name. `stored` is called once the change is on disk, or
  // refused (also within the call); the document is applied when the answers that are under way are out, at most 3 s
  // later, and then `applied` is called. Refused as `busy` when too many changes wait. A null in a new document or
  // value means that there is no such key. An edit of the device file that was not read yet is taken first, or kept as
  // FILE.rejected: see take_edit().
  void set(const std::string& text, const std::string& source, Stored stored, Applied applied = nullptr);
  // The same with the top-level keys of this object replaced in the present document.
  void change(const config::Json& keys, const std::string& source, Stored stored);
  // The same with the present document merged with the object `patch` (RFC 7396).
  void patch(const config::Json& patch, const std::string& source, Stored stored, Applied applied);
  // Reads the device file again. A file that cannot be taken stays as it is, and is not used.
  void reload(Stored stored, Applied applied = nullptr);
  // Back to a revision. 0: while a change is on trial, to the one before it; else to the newest one before the present
  // that is proven and whose document is another. Repeated, this goes further back. A trial of these parts ends.
  void go_back(uint64_t revision, const std::string& source, Stored stored, Applied applied = nullptr);
  void factory_reset(const std::string& why);
  // A change is being stored or waits for that; not: what stands in the device file at a start becomes a revision.
  [[nodiscard]] bool storing() const { return queue_.busy() && !recording_; }
  // dtud ends: what is being stored is finished, what waits is refused, then `done` is called, after 5 s in any case.
  void stop(std::function<void()> done);

  // A plugin is being replaced. Until release() documents are refused, and what dtud itself decides waits.
  void hold() { held_ = true; }
  void release();
  // The present document as these schemas see it.
  [[nodiscard]] std::optional<config::DeviceConfig> read_with(const config::Schemas& schemas,
                                                              config::Findings& findings) const;
  // The schemas have changed: what the present document means now is applied.
  void reread();

  [[nodiscard]] const config::History& history() const { return files_->history(); }
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
  void confirm(const std::string& source, std::function<void(bool)> done);

 private:
  using Then = std::function<void()>;
  using TakingPtr = std::shared_ptr<ChangeTaking>;
  using Written = std::function<void(bool)>;

  // Runs the job on the disk lane, or at the start at once, then `then`.
  template <typename Job, typename After>
  void on_disk(Job job, After then) {
    if (starting_) return then(job());
    parts_.disk.run(here_, std::move(job), std::move(then));
  }
  void hash_password(const std::string& text, const std::string& stored,
                     std::function<void(commands::HashedDocument)> then);
  bool load_factory(config::Findings& findings);
  // Runs `change` when those before it are over, the present document is a revision and, with `edits`, an edit of the
  // device file is taken. Or refuses it.
  void begin(const TakingPtr& taking, bool edits, Then change);
  void take_edit(const std::shared_ptr<Outcome>& out, Then then);
  void reject_edit(const std::optional<std::string>& text, const std::string& why, const std::shared_ptr<Outcome>& out,
                   Then then);
  void take(const TakingPtr& taking);
  void take_undone(const TakingPtr& taking);
  void take_older(const TakingPtr& taking, uint64_t id);
  void refuse(ChangeTaking& taking);
  void judge(const TakingPtr& taking, Then then);
  void judge_hashed(ChangeTaking& taking, const std::string& given, config::Findings found) const;
  void store(const TakingPtr& taking, const Written& then);
  void store_recorded(const TakingPtr& taking, const Written& then);
  void keep_text(const TakingPtr& taking, const Written& then);
  void write(const TakingPtr& taking, std::optional<config::Trial> trial, bool goes_on, Written then);
  [[nodiscard]] config::Findings known_findings() const;
  [[nodiscard]] bool is_latest(const std::string& text) const;  // the same document
  void adopt(std::shared_ptr<const config::DeviceConfig> next, Applied applied, bool at_once);
  void apply_latest(Applied applied, bool at_once);
  void record(const std::string& note, Then then);
  void replace_unusable(Then then);
  void find_present(bool trial_damaged);
  std::string find_lost();
  // No stored revision has it or a larger number, even if the history was destroyed.
  [[nodiscard]] uint64_t next_id() const;
  void use(const config::DeviceConfig& device);
  [[nodiscard]] std::string cut_off(const std::string& source, const config::DeviceConfig& next) const;
  void pump();
  void apply_due();

  void resume_trial(bool edited);  // from here on: changes_trial.cpp
  // A start that finds no trial.json it can use: `wrong` says why; "" = there is none.
  void without_trial(const std::string& wrong);
  // The newest revision before `id` that proved itself and that can be used.
  [[nodiscard]] std::optional<config::Revision> last_good(uint64_t id) const;
  // What the trial would go back to cannot be used: another one that proved itself. False: there is none.
  bool find_another_good(const std::string& why);
  void stays_unproven(const std::string& why, bool keep_file, Then then);
  [[nodiscard]] uint32_t confirm_s_of(const config::DeviceConfig& next) const;
  // "" = it cannot be read any more.
  [[nodiscard]] std::string good_text(const config::Trial& trial, config::FileError* error = nullptr) const;
  void learn_trial_parts(const config::JsonObject& tried);
  // A local change of the parts `changed`, after which the document is `after`. False: nothing else is on trial.
  [[nodiscard]] bool stays_on_trial(config::Trial& trial, const config::Parts& changed,
                                    const config::DeviceConfig& after) const;
  // The trial after a change of `source`: `next` joins what is on trial.
  [[nodiscard]] config::Trial joined(const std::string& source, const config::DeviceConfig& next) const;
  [[nodiscard]] bool is_good(const config::JsonObject& document) const;  // what the trial would go back to
  [[nodiscard]] std::string ends_trial() const;
  void begin_trial();
  [[nodiscard]] bool may_cut_off() const;
  void pass(const std::string& by, Then then);
  void look_at_trial();
  void roll_back(const std::string& why, Then then);
  void restore_good(const std::string& why, Then then);
  void forget_trial();  // its files are the caller's business
  static void record_due(void* self);
  static void pump_due(void* self) { static_cast<Changes*>(self)->pump(); }
  static void trial_due(void* self) { static_cast<Changes*>(self)->look_at_trial(); }
  static void stop_due(void* self);

  Parts parts_;
  std::shared_ptr<bool> here_ = std::make_shared<bool>(true);  // results come only while it is
  commands::PasswordChecker hasher_;
  ChangeQueue queue_;
  bool starting_ = false, ending_ = false;
  Then stopped_;
  int64_t stop_by_ns_ = 0;
  config::DocumentFile file_;
  std::string factory_file_;
  std::shared_ptr<ChangeFiles> files_;  // shared with jobs
  std::string text_;                    // of latest_, as stored
  bool file_good_ = true;               // the device file held it at the start
  bool file_there_ = true;              // at the start
  bool from_factory_ = false;           // the document is the factory_file, and in no device file yet
  bool unrecorded_ = false;             // it is no revision yet, or holds a password that is no hash
  std::string file_refused_, rejected_why_;
  std::vector<std::string> damaged_;
  uint64_t fallback_ = 0;  // the revision that took the place of the device file at the start
  std::shared_ptr<const config::DeviceConfig> latest_ = std::make_shared<config::DeviceConfig>();
  uint64_t revision_ = 0, ran_ = 0;
  std::deque<ChangeDue> due_;  // stored, not yet applied
  bool applying_ = false, held_ = false, recording_ = false;
  bool edit_waits_ = false;   // an edit of the device file is latest_ and not in due_ yet
  std::string reset_wanted_;  // why, while held
  std::optional<config::Trial> trial_;
  config::Parts trial_parts_;
  TrialWatch watch_;
  std::optional<config::Unproven> lost_;  // what the start found in the device file, while trial.json cannot be used
  std::string last_rollback_;
  std::string undone_;  // the digest of what still stands in the device file, because that could not be written
  uint64_t record_timer_ = 0, pump_timer_ = 0, trial_timer_ = 0, stop_timer_ = 0;
};

}  // namespace dtud
