// The start, and how a document is applied.
#include "kernel/changes.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "commands/document_password.hpp"
#include "commands/password_hash.hpp"
#include "config/json_text.hpp"

namespace dtud {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kAnswersOut = 3000 * kMs;  // the longest a change waits for the answers before it
constexpr int64_t kRecordAfter = 1000 * kMs;
constexpr int64_t kPumpEvery = 5 * kMs;
constexpr char kNothing[] = "{}";  // what dtud starts with when there is no document at all

using config::Finding;
using config::Findings;

}  // namespace

Changes::Changes(Parts parts) : parts_(parts), watch_(parts.router) {
  record_timer_ = parts_.lane.timers().create(record_due, this);
  pump_timer_ = parts_.lane.timers().create(pump_due, this);
  trial_timer_ = parts_.lane.timers().create(trial_due, this);
}

Changes::~Changes() {
  parts_.lane.timers().destroy(record_timer_);
  parts_.lane.timers().destroy(pump_timer_);
  parts_.lane.timers().destroy(trial_timer_);
}

// --- the start -------------------------------------------------------------------------------------------------------

void Changes::load(const std::string& device_file, const std::string& state_dir, const std::string& factory_file,
                   const config::Schemas& schemas, Findings& findings) {
  file_.set_path(device_file);
  factory_file_ = factory_file;
  history_ = std::make_unique<config::History>(state_dir + "/history");
  trial_file_ = std::make_unique<config::TrialFile>(state_dir);
  config::FileError error;
  const auto warn = [&](const std::string& file, const std::string& text) {
    findings.push_back({Finding::Severity::warning, file, "", 0, 0, text});
  };
  if (file_.has_rejected())
    warn(file_.rejected_path(),
         "holds an edit of the device file that could not be used: remove it when nobody needs it any more");
  const auto text = file_.read(error);
  file_there_ = text || error.code != ENOENT;
  Findings found;
  if (text) {
    auto device = config::read_device(*text, device_file, schemas, found);
    findings.insert(findings.end(), found.begin(), found.end());
    if (device) {
      file_.accept(*text);
      text_ = config::without_bom(*text);
      latest_ = std::make_shared<config::DeviceConfig>(std::move(*device));
      return;
    }
  }
  file_good_ = false;
  if (file_there_) {
    const Finding* why = config::first_new_error(found);
    file_refused_ = !text ? error.text : why != nullptr ? config::to_text(*why) : "it cannot be used";
  }
  // The one that ran last, then the newest that is proven, then the newest.
  config::FileError unlisted;
  auto known = history_->ids(&unlisted);
  if (unlisted.code != 0) warn(device_file, unlisted.text);
  std::reverse(known.begin(), known.end());
  std::stable_partition(known.begin(), known.end(), [&](uint64_t id) {
    const auto revision = history_->get(id);
    return !revision || !revision->unproven;
  });
  const auto ran = std::find(known.begin(), known.end(), history_->ran());
  if (ran != known.end()) std::rotate(known.begin(), ran, ran + 1);
  const std::string problem = text ? "cannot be used" : error.text;
  for (const uint64_t id : known) {
    config::FileError unread;
    const auto revision = history_->get(id, &unread);
    if (!revision) warn(device_file, unread.text + ": another revision is looked for");
    Findings ignored;
    auto device = revision ? config::read_device(revision->text, "", schemas, ignored) : std::nullopt;
    if (!device) continue;
    warn(device_file, problem + "; revision " + std::to_string(id) + " takes its place" +
                          (file_there_ ? ", and this file is kept as " + file_.rejected_path() : ""));
    text_ = revision->text;
    fallback_ = id;
    latest_ = std::make_shared<config::DeviceConfig>(std::move(*device));
    return;
  }
  if (!file_there_ && known.empty() && load_factory(findings)) return;
  warn(device_file,
       problem + "; starting without channels: " +
           (file_there_ ? "correct it and give dtuctl config reload" : "give it a document with dtuctl config set"));
  Findings ignored;
  text_ = kNothing;
  latest_ = std::make_shared<config::DeviceConfig>(*config::read_device(text_, "", schemas, ignored));
}

// The first start of a device: what it leaves the factory with is its first document.
bool Changes::load_factory(Findings& findings) {
  if (factory_file_.empty()) return false;
  config::FileError error;
  const auto text = config::read_file(factory_file_, config::DocumentFile::kMost, error);
  auto device = text ? config::read_device(*text, factory_file_, parts_.components.schemas(), findings) : std::nullopt;
  findings.push_back({Finding::Severity::warning, file_.path(), "", 0, 0,
                      !text ? "there is no such file yet, and the factory_file: " + error.text
                      : device
                          ? "there is no such file yet: starting with the factory_file " + factory_file_
                          : "there is no such file yet, and the factory_file " + factory_file_ + " cannot be used"});
  if (!device) return false;
  text_ = config::without_bom(*text);
  latest_ = std::make_shared<config::DeviceConfig>(std::move(*device));
  from_factory_ = true;
  return true;
}

// The revision that latest_ is.
void Changes::find_present(bool trial_damaged) {
  auto known = history_->ids();
  std::reverse(known.begin(), known.end());
  for (const bool to_the_letter : {true, false}) {  // white space may have been edited
    for (const uint64_t id : known) {
      if (revision_ != 0) return;
      const auto revision = history_->get(id);
      if (!revision) continue;
      // A change that was undone, or never ran: somebody wrote it into the device file, and that is an edit.
      const bool known_to_run = ran_ == 0 || id == ran_ || (trial_damaged && id > ran_);
      const bool is_lost = lost_ && lost_->revision == id;
      if (!trial_ && revision->unproven && !known_to_run && !is_lost) continue;
      if (lost_ && !is_lost) continue;  // an older one with this document proved itself in another place
      if (to_the_letter ? revision->text == text_ : is_latest(revision->text)) revision_ = id;
    }
  }
}

// Without a trial.json that can be used: is the device file's document one that has not proved itself? The first of
// those that are known, for messages; "" = none.
std::string Changes::find_lost() {
  std::string wrong;
  const auto documents = trial_file_->unproven(wrong);
  if (!wrong.empty()) {
    damaged_.push_back(wrong);
    parts_.log.error("config", wrong);
  }
  if (trial_ || documents.empty()) return "";
  const std::string digest = config::digest_of(text_);
  const auto found = std::find_if(documents.begin(), documents.end(),
                                  [&](const config::Unproven& document) { return document.digest == digest; });
  if (found != documents.end()) lost_ = *found;
  return "revision " + std::to_string(documents.front().revision) + " by " + documents.front().source;
}

uint64_t Changes::next_id() const {
  return std::max({revision_, ran_, lost_ ? lost_->revision : 0, trial_ ? std::max(trial_->good, trial_->tried) : 0}) +
         1;
}

void Changes::start() {
  std::string wrong;
  ran_ = history_->ran(&wrong);
  if (!wrong.empty()) {
    damaged_.push_back(wrong + ". Which revision ran last is not known");
    parts_.log.error("config", damaged_.back());
  }
  trial_ = trial_file_->read(wrong);
  if (!wrong.empty()) damaged_.push_back(wrong);
  const std::string unproven = find_lost();
  find_present(!wrong.empty());
  if (revision_ != 0 && ran_ != 0)
    for (const uint64_t id : history_->ids())  // left by a power cut between two steps
      if (id > std::max(revision_, ran_)) (void)mark(id, false);
  const bool edited = file_good_ && revision_ == 0;
  if (!unproven.empty() && !lost_ && !trial_file_->unread()) {
    config::FileError error;
    if (edited)
      parts_.log.warning("config", unproven + " was on trial, and " + trial_file_->name() +
                                       " cannot be used: the device file was edited, and the edit stays");
    if (!trial_file_->remove(error)) parts_.log.error("config", error.text);
  }
  const std::string& password = latest_->password;
  // An empty document is no revision, unless it is an edit of another one.
  const bool nothing = text_ == kNothing && (!file_good_ || history_->ids().empty());
  unrecorded_ =
      fallback_ != 0 || (!nothing && (revision_ == 0 || (!password.empty() && !commands::is_password_hash(password))));
  if (trial_) {
    resume_trial(edited);
  } else {
    without_trial(wrong);
    if (unrecorded_) parts_.lane.timers().arm(record_timer_, monotonic_ns() + kRecordAfter);
  }
  use(*latest_);
  due_.push_back({latest_, nullptr, 0, revision_});
  pump();
}

// A document that came as a file: its password becomes a hash, and it becomes a revision. That waits on the disk, so it
// happens after the channels were started, but before anything builds on it.
void Changes::record(const std::string& note) {
  if (!std::exchange(unrecorded_, false)) return;
  if (fallback_ != 0) return replace_unusable();
  Findings findings;
  config::FileError error;
  std::string whole = text_;
  try {
    whole = commands::with_password_hash(text_, "", findings);
  } catch (const std::runtime_error& e) {
    parts_.log.warning("config", std::string(e.what()) + ": the password stays in the device file as it is");
  }
  if (revision_ == 0) {
    const std::string source = lost_ ? lost_->source : "file";
    revision_ = history_->add(
        {next_id(), parts_.lane.unix_ns(), source, from_factory_ ? "factory_file" : note, whole, 0, lost_.has_value()},
        trial_ ? trial_->good : 0, error);
    if (revision_ == 0) parts_.log.warning("config", error.text + ": there is nothing to go back to");
    unrecorded_ = revision_ == 0;  // the next change tries again
    if (all_applied()) note_ran(revision_);
  }
  if ((whole == text_ && !from_factory_) || file_.edited()) return;
  if (!file_.write(whole, error)) {
    parts_.log.warning("config", error.text + (from_factory_ ? "" : ": the password stays there as it is"));
    return;
  }
  from_factory_ = false;
  text_ = std::move(whole);
  // What "***" stands for is what is stored now.
  if (auto device = config::read_device(text_, "", parts_.components.schemas(), findings)) {
    latest_ = std::make_shared<config::DeviceConfig>(std::move(*device));
    use(*latest_);
  }
}

// The device file could not be used at the start: it is kept, and a revision stands in its place from now on.
void Changes::replace_unusable() {
  config::FileError error;
  const std::string place = "; revision " + std::to_string(fallback_) + " takes its place";
  std::string note = "there was no device file" + place;
  if (file_there_) {
    if (!file_.keep_rejected(error)) {
      revision_ = fallback_;
      return parts_.log.error("config", error.text + ": the device file stays as it is" + place);
    }
    rejected_why_ = file_refused_;
    note = "the device file could not be used (" + file_refused_ + ") and is kept as " + file_.rejected_path() + place;
  }
  const auto revision = history_->get(fallback_);
  const uint64_t origin = revision ? revision->origin() : fallback_;
  const bool unproven = revision && revision->unproven;
  const uint64_t id =
      history_->add({next_id(), parts_.lane.unix_ns(), "dtud", note, text_, origin, unproven}, fallback_, error);
  revision_ = id != 0 ? id : fallback_;
  if (all_applied()) note_ran(revision_);
  if (!file_.write(text_, error)) parts_.log.error("config", error.text);
  parts_.log.warning("config", note);
}

bool Changes::is_latest(const std::string& text) const {
  Findings ignored;
  const auto document = config::read_json(text, "", ignored);
  return document && config::changed_parts(*config::as_object(*document), *latest_->document).empty();
}

DeviceFileState Changes::file_state() {
  return {file_.edited(), file_refused_, file_.has_rejected() ? file_.rejected_path() : ""};
}

std::optional<RejectedEdit> Changes::rejected() const {
  RejectedEdit edit{file_.rejected_path(), rejected_why_};
  struct stat info {};
  if (::lstat(edit.file.c_str(), &info) != 0) return std::nullopt;
  edit.time_ns = int64_t{info.st_ctim.tv_sec} * 1000 * kMs + info.st_ctim.tv_nsec;
  edit.bytes = static_cast<uint64_t>(info.st_size);
  if (!edit.why.empty()) return edit;
  // An earlier dtud kept it: what is wrong with it can still be seen.
  config::FileError error;
  Findings findings;
  const auto text = config::read_file(edit.file, config::DocumentFile::kMost, error);
  if (text) (void)config::read_device(*text, "", parts_.components.schemas(), findings);
  const Finding* wrong = config::first_new_error(findings);
  edit.why = !text ? error.text : wrong != nullptr ? config::to_text(*wrong) : "it could not be used";
  return edit;
}

// --- applying --------------------------------------------------------------------------------------------------------

void Changes::adopt(config::DeviceConfig next, Applied applied, bool at_once) {
  latest_ = std::make_shared<config::DeviceConfig>(std::move(next));
  apply_latest(std::move(applied), at_once);
}

void Changes::apply_latest(Applied applied, bool at_once) {
  edit_waits_ = false;
  use(*latest_);
  due_.push_back({latest_, std::move(applied), at_once ? 0 : monotonic_ns() + kAnswersOut, revision_});
  // Not within this call: whoever asked has not been answered yet.
  parts_.lane.timers().arm(pump_timer_, monotonic_ns() + (at_once ? 0 : kPumpEvery));
}

// What counts from the answer on.
void Changes::use(const config::DeviceConfig& device) {
  for (const std::string& secret : config::secret_values(device)) parts_.log.scrubber().add(secret);
  parts_.access.set_password(device.password);
  parts_.log.set_quiet(device.quiet);
}

void Changes::pump() {
  if (applying_ || held_ || due_.empty()) return;
  const Due& next = due_.front();
  const bool out = !parts_.calls.remote_under_way() && parts_.router.answers_are_out();
  if (!out && monotonic_ns() < next.latest_ns) {
    parts_.lane.timers().arm(pump_timer_, monotonic_ns() + kPumpEvery);
    return;
  }
  applying_ = true;
  const bool tried = trial_ && next.config == latest_;
  parts_.device.apply(next.config, [this, tried](const Device::Changed& changed) {
    applying_ = false;
    const Due done = std::move(due_.front());
    due_.pop_front();
    std::string names;
    for (const std::string& name : changed) names += (names.empty() ? "" : ", ") + name;
    parts_.log.info("config", "revision " + std::to_string(revision_) +
                                  (names.empty() ? ": nothing had to be changed" : " applied: " + names));
    note_ran(done.revision);
    if (trial_ && std::find(changed.begin(), changed.end(), "network") != changed.end()) watch_.network_changed();
    if (tried && trial_) begin_trial();
    if (done.applied) done.applied(changed);
    parts_.tell.config_applied(done.revision, changed);
    if (!due_.empty()) parts_.lane.timers().arm(pump_timer_, monotonic_ns());
  });
}

// A start without a device file that can be used goes on with it.
void Changes::note_ran(uint64_t revision) {
  if (revision == 0 || revision == ran_) return;
  config::FileError error;
  ran_ = revision;
  if (!history_->set_ran(revision, error)) parts_.log.warning("config", error.text);
}

// --- while a plugin is replaced --------------------------------------------------------------------------------------

void Changes::release() {
  held_ = false;
  if (!reset_wanted_.empty()) factory_reset(std::exchange(reset_wanted_, {}));
  if (!due_.empty()) parts_.lane.timers().arm(pump_timer_, monotonic_ns());
}

std::optional<config::DeviceConfig> Changes::read_with(const config::Schemas& schemas, Findings& findings) const {
  return config::read_device(text_, file_.path(), schemas, findings);
}

void Changes::reread() {
  Findings ignored;
  auto device = read_with(parts_.components.schemas(), ignored);
  if (!device) return;
  const auto same = [](const config::ChannelConfig& a, const config::ChannelConfig& b) {
    return a.id == b.id && a.json == b.json;
  };
  const auto& before = latest_->channels;
  const auto& now = device->channels;
  if (std::equal(before.begin(), before.end(), now.begin(), now.end(), same)) return;
  adopt(std::move(*device), nullptr, true);
}

}  // namespace dtud
