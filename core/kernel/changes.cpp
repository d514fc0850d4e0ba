// The start, and how a document is applied.
#include "kernel/changes.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "commands/password_hash.hpp"
#include "config/json_text.hpp"

namespace dtud {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kAnswersOut = 3000 * kMs;  // the longest a change waits for the answers before it
constexpr int64_t kRecordAfter = 1000 * kMs;
constexpr int64_t kPumpEvery = 5 * kMs;
constexpr int64_t kStopWithin = 5000 * kMs;
constexpr char kNothing[] = "{}";  // what dtud starts with when there is no document at all

using config::Finding;
using config::Findings;

}  // namespace

Changes::Changes(Parts parts) : parts_(parts), hasher_(parts.lane), watch_(parts.router) {
  record_timer_ = parts_.lane.timers().create(record_due, this);
  pump_timer_ = parts_.lane.timers().create(pump_due, this);
  trial_timer_ = parts_.lane.timers().create(trial_due, this);
  stop_timer_ = parts_.lane.timers().create(stop_due, this);
}

Changes::~Changes() {
  for (const uint64_t timer : {record_timer_, pump_timer_, trial_timer_, stop_timer_})
    parts_.lane.timers().destroy(timer);
}

// --- the start -------------------------------------------------------------------------------------------------------

void Changes::load(const std::string& device_file, const std::string& state_dir, const std::string& factory_file,
                   const config::Schemas& schemas, Findings& findings) {
  file_.set_path(device_file);
  factory_file_ = factory_file;
  files_ = std::make_shared<ChangeFiles>(parts_.log, device_file, state_dir);
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
  auto known = history().ids(&unlisted);
  if (unlisted.code != 0) warn(device_file, unlisted.text);
  std::reverse(known.begin(), known.end());
  std::stable_partition(known.begin(), known.end(), [&](uint64_t id) {
    const auto revision = history().get(id);
    return !revision || !revision->unproven;
  });
  const auto ran = std::find(known.begin(), known.end(), history().ran());
  if (ran != known.end()) std::rotate(known.begin(), ran, ran + 1);
  const std::string problem = text ? "cannot be used" : error.text;
  for (const uint64_t id : known) {
    config::FileError unread;
    const auto revision = history().get(id, &unread);
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
  auto known = history().ids();
  std::reverse(known.begin(), known.end());
  for (const bool to_the_letter : {true, false}) {  // white space may have been edited
    for (const uint64_t id : known) {
      if (revision_ != 0) return;
      const auto revision = history().get(id);
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
  const auto documents = files_->trial().unproven(wrong);
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
  starting_ = true;  // all is done at once
  std::string wrong;
  ran_ = history().ran(&wrong);
  if (!wrong.empty()) {
    damaged_.push_back(wrong + ". Which revision ran last is not known");
    parts_.log.error("config", damaged_.back());
  }
  trial_ = files_->trial().read(wrong);
  if (!wrong.empty()) damaged_.push_back(wrong);
  const std::string unproven = find_lost();
  find_present(!wrong.empty());
  if (revision_ != 0 && ran_ != 0)
    for (const uint64_t id : history().ids())  // left by a power cut between two steps
      if (id > std::max(revision_, ran_)) (void)files_->mark(id, false);
  const bool edited = file_good_ && revision_ == 0;
  if (!unproven.empty() && !lost_ && !files_->trial().unread()) {
    config::FileError error;
    if (edited)
      parts_.log.warning("config", unproven + " was on trial, and " + files_->trial().name() +
                                       " cannot be used: the device file was edited, and the edit stays");
    if (!files_->trial().remove(error)) parts_.log.error("config", error.text);
  }
  const std::string& password = latest_->password;
  // An empty document is no revision, unless it is an edit of another one.
  const bool nothing = text_ == kNothing && (!file_good_ || history().ids().empty());
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
  starting_ = false;
}

// --- the end ---------------------------------------------------------------------------------------------------------

// What is stored is also answered and applied, as if dtud ended a moment later.
void Changes::stop(std::function<void()> done) {
  ending_ = true;
  if (!queue_.busy()) return done();
  stopped_ = std::move(done);
  stop_by_ns_ = monotonic_ns() + kStopWithin;
  stop_due(this);
}

void Changes::stop_due(void* self) {
  auto& me = *static_cast<Changes*>(self);
  const int64_t now = monotonic_ns();
  const bool over = !me.queue_.busy() && me.all_applied() && me.parts_.answers.all();
  if (!over && now < me.stop_by_ns_) return void(me.parts_.lane.timers().arm(me.stop_timer_, now + kPumpEvery));
  if (me.queue_.busy())
    me.parts_.log.error("config", "a change of the configuration was not stored within 5 s: dtud stops meanwhile");
  std::exchange(me.stopped_, nullptr)();
}

// --- a document that came as a file ----------------------------------------------------------------------------------

void Changes::hash_password(const std::string& text, const std::string& stored,
                            std::function<void(commands::HashedDocument)> then) {
  if (starting_) return then(commands::hash_in_document(text, stored));
  hasher_.run([text, stored, then = std::move(then)] {
    auto hashed = std::make_shared<commands::HashedDocument>(commands::hash_in_document(text, stored));
    return [then, hashed] { then(std::move(*hashed)); };
  });
}

void Changes::record_due(void* self) {
  auto& me = *static_cast<Changes*>(self);
  if (me.ending_) return;
  if (me.held_)  // by then the plugin is replaced
    return void(me.parts_.lane.timers().arm(me.record_timer_, monotonic_ns() + kRecordAfter));
  me.queue_.begin([&me] {
    me.recording_ = true;
    me.record("", [&me] {
      me.recording_ = false;
      me.queue_.over();
    });
  });
}

// Its password becomes a hash, and it becomes a revision. That takes long, so it happens after the channels were
// started, but before anything builds on it.
void Changes::record(const std::string& note, Then then) {
  if (!std::exchange(unrecorded_, false)) return then();
  if (fallback_ != 0) return replace_unusable(std::move(then));
  hash_password(text_, "", [this, note, then = std::move(then)](const commands::HashedDocument& hashed) {
    if (!hashed.problem.empty())
      parts_.log.warning("config", hashed.problem + ": the password stays in the device file as it is");
    const bool add = revision_ == 0;
    ChangeFiles::Found found;
    found.revision = {add ? next_id() : 0,
                      parts_.lane.unix_ns(),
                      lost_ ? lost_->source : "file",
                      from_factory_ ? "factory_file" : note,
                      hashed.text,
                      0,
                      lost_.has_value()};
    found.keep = trial_ ? trial_->good : 0;
    found.runs = add && all_applied();
    found.write = hashed.text != text_ || from_factory_;
    found.file = file_;
    found.not_written = from_factory_ ? "" : ": the password stays there as it is";
    on_disk([files = files_, found] { return files->record(found); },
            [this, add, runs = found.runs, text = hashed.text, then](const ChangeFiles::Kept& kept) {
              if (add) revision_ = kept.revision;
              if (runs && revision_ != 0) ran_ = revision_;
              unrecorded_ = revision_ == 0;  // the next change tries again
              if (!kept.written) return then();
              file_.accept(text);
              from_factory_ = false;
              text_ = text;
              Findings ignored;
              // What "***" stands for is what is stored now.
              if (auto device = config::read_device(text_, "", parts_.components.schemas(), ignored)) {
                latest_ = std::make_shared<config::DeviceConfig>(std::move(*device));
                use(*latest_);
              }
              then();
            });
  });
}

// The device file could not be used at the start: it is kept, and a revision stands in its place from now on.
void Changes::replace_unusable(Then then) {
  const std::string place = "; revision " + std::to_string(fallback_) + " takes its place";
  std::string note = "there was no device file" + place;
  if (file_there_)
    note = "the device file could not be used (" + file_refused_ + ") and is kept as " + file_.rejected_path() + place;
  const config::Revision revision{next_id(), parts_.lane.unix_ns(), "dtud", note, text_};
  const bool runs = all_applied();
  on_disk([files = files_, there = file_there_, revision, fallback = fallback_,
           runs] { return files->replace(there, revision, fallback, runs); },
          [this, note, place, runs, then = std::move(then)](const ChangeFiles::Replaced& replaced) {
            revision_ = replaced.problem.empty() ? replaced.revision : fallback_;
            if (!replaced.problem.empty()) {
              parts_.log.error("config", replaced.problem + ": the device file stays as it is" + place);
              return then();
            }
            if (file_there_) rejected_why_ = file_refused_;
            if (runs) ran_ = revision_;
            if (replaced.written) file_.accept(text_);
            parts_.log.warning("config", note);
            then();
          });
}

bool Changes::is_latest(const std::string& text) const {
  Findings ignored;
  const auto document = config::read_json(text, "", ignored);
  return document && config::changed_parts(*config::as_object(*document), *latest_->document).empty();
}

DeviceFileState Changes::file_state() {
  const bool edited = !queue_.busy() && file_.edited();  // while it is written, nobody can tell
  return {edited, file_refused_, file_.has_rejected() ? file_.rejected_path() : ""};
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

void Changes::adopt(std::shared_ptr<const config::DeviceConfig> next, Applied applied, bool at_once) {
  latest_ = std::move(next);
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
  const ChangeDue& next = due_.front();
  const bool out = parts_.answers.all();
  if (!out && monotonic_ns() < next.latest_ns) {
    parts_.lane.timers().arm(pump_timer_, monotonic_ns() + kPumpEvery);
    return;
  }
  applying_ = true;
  // First of all it is noted as the one that ran last: a start without a device file that can be used goes on with it.
  const uint64_t revision = next.revision;
  if (revision == 0 || revision == ran_) return apply_due();
  on_disk([files = files_, revision] { return files->note_ran(revision); },
          [this, revision](bool) {
            ran_ = revision;
            apply_due();
          });
}

void Changes::apply_due() {
  const ChangeDue& next = due_.front();
  const bool tried = trial_ && next.config == latest_;
  parts_.device.apply(next.config, [this, tried](const Device::Changed& changed) {
    applying_ = false;
    const ChangeDue done = std::move(due_.front());
    due_.pop_front();
    std::string names;
    for (const std::string& name : changed) names += (names.empty() ? "" : ", ") + name;
    parts_.log.info("config", "revision " + std::to_string(revision_) +
                                  (names.empty() ? ": nothing had to be changed" : " applied: " + names));
    if (trial_ && (std::find(changed.begin(), changed.end(), "network") != changed.end() || may_cut_off()))
      watch_.network_changed();
    if (tried && trial_) begin_trial();
    if (done.applied) done.applied(changed);
    parts_.tell.config_applied(done.revision, changed);
    if (!due_.empty()) parts_.lane.timers().arm(pump_timer_, monotonic_ns());
  });
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
  const auto same_key = [](const config::OwnedKey& a, const config::OwnedKey& b) {
    return a.name == b.name && a.json == b.json && a.kind == b.kind && a.type == b.type;
  };
  const auto all_same = [](const auto& before, const auto& now, const auto& same_one) {
    return std::equal(before.begin(), before.end(), now.begin(), now.end(), same_one);
  };
  if (all_same(latest_->channels, device->channels, same) &&
      all_same(latest_->owned.list, device->owned.list, same_key))
    return;
  adopt(std::make_shared<config::DeviceConfig>(std::move(*device)), nullptr, true);
}

}  // namespace dtud
