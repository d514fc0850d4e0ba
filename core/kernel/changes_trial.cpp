// A change that came over a channel has to prove itself: the trial, its end, and the way back.
#include <algorithm>
#include <cerrno>
#include <utility>

#include "config/json_text.hpp"
#include "config/plugin_keys.hpp"
#include "kernel/changes.hpp"

namespace dtud {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kTrialEvery = 200 * kMs;
constexpr uint32_t kMostStarts = 3;  // of dtud within one trial: a document it does not survive

// Not damaged and not gone: the next start may be able to.
bool may_be_read_later(const config::FileError& error) {
  return error.code != 0 && error.code != ENOENT && error.code != EBADMSG;
}

std::string shown(const config::FileError& error) { return error.text.empty() ? "" : " (" + error.text + ")"; }

config::JsonObject::Ptr object_of(const std::string& text) {
  config::Findings ignored;
  const auto json = config::read_json(text, "", ignored);
  return json ? config::shared_object(*json) : nullptr;
}

// What is on trial, for messages.
std::string name_of(const config::Trial& trial) {
  return trial.tried != 0 ? "revision " + std::to_string(trial.tried) : "the present document";
}

// Also as one that cannot run.
bool has_channel(const config::DeviceConfig& device, uint32_t id) {
  const auto is = [id](const auto& channel) { return channel.id == id; };
  return std::any_of(device.channels.begin(), device.channels.end(), is) ||
         std::any_of(device.skipped.begin(), device.skipped.end(), is);
}

}  // namespace

std::string Changes::good_text(const config::Trial& trial, config::FileError* error) const {
  if (!trial.document.empty()) return trial.document;
  const auto revision = history().get(trial.good, error);
  return revision ? revision->text : "";
}

void Changes::learn_trial_parts(const config::JsonObject& tried) {
  const auto good = object_of(good_text(*trial_));
  trial_parts_ = good ? config::changed_parts(*good, tried) : config::Parts();
}

// A local change is made to what the trial would go back to as well: its parts are not on trial any more.
bool Changes::stays_on_trial(config::Trial& trial, const config::Parts& changed,
                             const config::DeviceConfig& after) const {
  const auto is_local = [&](const std::string& part) { return config::overlap({part}, changed); };
  if (std::all_of(trial_parts_.begin(), trial_parts_.end(), is_local)) return false;
  const auto good = object_of(good_text(trial));
  if (!good) return false;
  std::string text = config::file_text(config::with_parts(*good, changed, *after.document));
  config::Findings ignored;
  if (!config::read_device(text, "", parts_.components.schemas(), ignored)) return false;
  trial.document = std::move(text);
  trial.local = true;
  for (config::Sender& sender : trial.senders) {
    const uint32_t id = channel_of(sender.source);
    if (changed.count("/conf/" + std::to_string(id)) != 0 && !has_channel(after, id)) sender.leaves = true;
  }
  return true;
}

// Changes of several channels pass together: a later one must not end the trial of an earlier one.
config::Trial Changes::joined(const std::string& source, const config::DeviceConfig& next) const {
  config::Trial out;
  if (trial_) out = *trial_;
  const auto own = [&](const config::Sender& sender) { return sender.source == source; };
  out.senders.erase(std::remove_if(out.senders.begin(), out.senders.end(), own), out.senders.end());
  if (out.senders.empty()) {
    out.starts = 0;
    out.since_ns = parts_.lane.unix_ns();
  }
  out.document = trial_ ? good_text(*trial_) : text_;
  if (!trial_) out.good = revision_;
  config::Sender sender{source, confirm_s_of(next), !has_channel(next, channel_of(source))};
  const auto& before = latest_->channels;
  if (sender.leaves)
    for (const config::ChannelConfig& channel : next.channels)
      if (std::none_of(before.begin(), before.end(),
                       [&](const auto& c) { return c.id == channel.id && c.json == channel.json; }))
        sender.heirs.push_back(channel.id);
  out.senders.push_back(std::move(sender));
  return out;
}

// The smallest: a change must not give itself a day until it is undone.
uint32_t Changes::confirm_s_of(const config::DeviceConfig& next) const {
  uint32_t least = next.confirm_s;
  if (!trial_) return std::min(least, latest_->confirm_s);
  for (const config::Sender& sender : trial_->senders)
    least = std::min(least, sender.confirm_s != 0 ? sender.confirm_s : latest_->confirm_s);
  return least;
}

std::optional<config::Revision> Changes::last_good(uint64_t id) const {
  return history().proven_before(id, [&](const config::Revision& revision) {
    config::Findings ignored;
    return config::read_device(revision.text, "", parts_.components.schemas(), ignored).has_value();
  });
}

bool Changes::find_another_good(const std::string& why) {
  const auto other = last_good(trial_->good);
  if (!other) return false;
  parts_.log.error("config", why + ": revision " + std::to_string(other->id) + " is the document to restore instead");
  trial_->good = other->id;
  trial_->document = other->text;
  trial_->local = false;
  return true;
}

// There is nothing to go back to. Unless the next start may find it, the present document counts as proven.
void Changes::stays_unproven(const std::string& why, bool keep_file, Then then) {
  parts_.log.error("config", why + ": the present document stays");
  on_disk([files = files_, revision = revision_, keep_file] { return files->give_up(revision, keep_file); },
          [this, then = std::move(then)](bool) {
            forget_trial();
            then();
          });
}

// trial.json is written before the device file and removed after the proof, so an unproven document without one means
// that the file was damaged or removed: it is not kept as if it were proven.
void Changes::without_trial(const std::string& wrong) {
  const auto present = revision_ == 0 ? std::nullopt : history().get(revision_);
  const bool proven = present ? !present->unproven : !lost_;
  if (proven) {
    if (!wrong.empty()) parts_.log.error("config", wrong + ". The history names no change on trial");
    if (file_good_ && revision_ == 0 && ran_ != 0 && !history().get(ran_)) {
      const std::string note = "revision " + std::to_string(ran_) +
                               ", which ran last, cannot be read: the device file counts as edited by hand";
      parts_.log.warning("config", note);
      record(note, [] {});
    }
    return;
  }
  const uint64_t tried = present ? revision_ : lost_->revision;
  const std::string source = present ? present->source : lost_->source;
  std::string why = wrong.empty() ? files_->trial().name() + " is gone" : wrong;
  why += ", and " + (tried != 0 ? "revision " + std::to_string(tried) : "the present document") + " by " + source +
         " was not proven";
  record(why, [] {});
  trial_.emplace();
  trial_->good = trial_->tried = revision_;
  trial_->senders = {config::Sender{source}};
  const auto good = last_good(std::max(revision_, tried));
  if (!good) return stays_unproven(why + "; there is no revision to go back to", false, [] {});
  trial_->good = good->id;
  trial_->document = good->text;
  roll_back(why, [] {});
}

// A restart does not end a trial. edited: the device file was edited while dtud did not run.
void Changes::resume_trial(bool edited) {
  config::FileError error;
  std::string good = good_text(*trial_, &error);
  if (good.empty()) {
    record("", [] {});
    const std::string why =
        "revision " + std::to_string(trial_->good) + ", the document to restore, cannot be read" + shown(error);
    if (may_be_read_later(error)) return stays_unproven(why, true, [] {});
    if (!find_another_good(why)) return stays_unproven(why, false, [] {});
    good = trial_->document;
  }
  const std::string what = trial_->tried != 0 ? name_of(*trial_) : "the change";
  const auto tried = edited ? history().get(trial_->tried, &error) : std::nullopt;
  if (tried) {
    const auto before = object_of(tried->text);
    if (before) learn_trial_parts(*before);
    config::Trial next = *trial_;
    if (!before || !stays_on_trial(next, config::changed_parts(*before, *latest_->document), *latest_)) {
      const std::string note = "the device file was edited while dtud did not run: " + ends_trial();
      record(note, [] {});
      parts_.log.warning("config", note);
      forget_trial();
      return void(files_->end_trial());
    }
    trial_ = next;
  } else if (edited && good != text_) {
    parts_.log.error("config",
                     what + " is on trial and cannot be read: the present document is on trial instead" + shown(error));
  } else if (good == text_ || revision_ == trial_->good) {
    record("", [] {});
    parts_.log.info("config", "the document from before the trial is in place: the trial ends");
    forget_trial();
    return void(files_->end_trial());
  }
  record("", [] {});
  trial_->tried = revision_;  // a power cut may have left an older change that is unproven as well
  trial_->document = good_text(*trial_);
  learn_trial_parts(*latest_->document);
  if (++trial_->starts > kMostStarts)
    return roll_back("dtud was started " + std::to_string(kMostStarts) + " times and the change was not proven", [] {});
  if (!files_->trial().write(*trial_, {trial_->unproven(text_)}, error)) parts_.log.error("config", error.text);
  (void)files_->mark(revision_, false);
}

bool Changes::is_good(const config::JsonObject& document) const {
  const auto good = trial_ ? object_of(good_text(*trial_)) : nullptr;
  return good && config::changed_parts(*good, document).empty();
}

// What whoever ends it is told.
std::string Changes::ends_trial() const {
  return "this ends the trial of " + name_of(*trial_) + " by " + trial_->by() +
         (trial_parts_.empty() ? "" : ", which changed " + config::listed_parts(trial_parts_));
}

// A key of a plugin is on trial that says so of itself (DTU_KEY_CUTS): that a channel is up still proves nothing.
bool Changes::may_cut_off() const {
  return std::any_of(trial_parts_.begin(), trial_parts_.end(), [&](const std::string& part) {
    const std::string key = part.substr(1, part.find('/', 1) - 1);
    if (config::is_kernel_key(key)) return false;
    const auto owners = parts_.components.key_owners(key);
    return std::any_of(owners.begin(), owners.end(), [](const config::KeyOwner& o) { return o.cuts && o.used; });
  });
}

void Changes::begin_trial() {
  if (watch_.running()) return;  // a local change of other parts
  for (config::Sender& sender : trial_->senders)
    if (sender.confirm_s == 0) sender.confirm_s = latest_->confirm_s;
  watch_.applied(*trial_, monotonic_ns());
  std::string who;
  for (const config::Sender& sender : trial_->senders)
    who += (who.empty() ? "" : ", ") + sender.source + " has to come back within " + std::to_string(sender.confirm_s) +
           " s";
  parts_.log.info("config", name_of(*trial_) + " is on trial: " + who);
  look_at_trial();
}

int64_t Changes::trial_left_ns() const {
  return !trial_ || !watch_.running() ? 0 : std::max<int64_t>(0, watch_.next_end_ns(*trial_) - monotonic_ns());
}

void Changes::look_at_trial() {
  if (!trial_ || !watch_.running() || ending_) return;
  const int64_t now = monotonic_ns();
  const bool later = held_ || queue_.busy();  // what is being stored may join the trial, or end it
  const auto verdict = later ? TrialWatch::Verdict::waiting : watch_.look(*trial_, now);
  if (verdict == TrialWatch::Verdict::passed) {
    queue_.begin([this] { pass(trial_->by(), [this] { queue_.over(); }); });
  } else if (verdict == TrialWatch::Verdict::failed) {
    const config::Sender missing = *watch_.missing(*trial_);
    const std::string why = missing.source + " did not come back within " + std::to_string(missing.confirm_s) + " s";
    queue_.begin([this, why] { roll_back(why, [this] { queue_.over(); }); });
  } else {
    const int64_t end = later ? 0 : watch_.next_end_ns(*trial_);
    parts_.lane.timers().arm(trial_timer_, end > now ? std::min(end, now + kTrialEvery) : now + kTrialEvery);
  }
}

void Changes::pass(const std::string& by, Then then) {
  on_disk([files = files_, trial = *trial_] { return files->prove(trial); },
          [this, by, then = std::move(then)](bool) {
            parts_.log.info("config", name_of(*trial_) + " is confirmed by " + by);
            last_rollback_.clear();
            forget_trial();
            then();
          });
}

void Changes::confirm(const std::string& source, std::function<void(bool)> done) {
  queue_.begin([this, source, done = std::move(done)] {
    const auto other = [&](const config::Sender& sender) { return sender.source != source; };
    if (!trial_ || (!is_local(source) && std::any_of(trial_->senders.begin(), trial_->senders.end(), other))) {
      done(false);
      return queue_.over();
    }
    pass(source, [this, done] {
      done(true);
      queue_.over();
    });
  });
}

void Changes::forget_trial() {
  trial_.reset();
  trial_parts_.clear();
  watch_.clear();
  parts_.lane.timers().disarm(trial_timer_);
}

void Changes::roll_back(const std::string& why, Then then) {
  take_edit(std::make_shared<Outcome>(), [this, why, then = std::move(then)] {
    if (trial_) return restore_good(why, then);
    apply_latest(nullptr, true);  // an edit of the device file ended it
    then();
  });
}

void Changes::restore_good(const std::string& why, Then then) {
  config::FileError error;
  std::string good = good_text(*trial_, &error);
  config::Findings findings;
  const auto read = [&] {
    return good.empty() ? std::nullopt : config::read_device(good, "", parts_.components.schemas(), findings);
  };
  auto device = read();
  if (!device) {
    const std::string useless =
        why + ", but revision " + std::to_string(trial_->good) + " cannot be used" + shown(error);
    if (!may_be_read_later(error) && find_another_good(useless)) {
      good = trial_->document;
      device = read();
    }
    if (!device)
      return stays_unproven(useless, may_be_read_later(error), [this, then = std::move(then)] {
        if (edit_waits_) apply_latest(nullptr, true);
        then();
      });
  }
  const config::Trial& trial = *trial_;
  const std::string note = "rolled back: " + why + "; revision " + std::to_string(trial.good) + " is restored" +
                           (!trial.local ? "" : ", with the local changes that came after it") +
                           (trial.senders.size() < 2 ? "" : ", without the changes of " + trial.by());
  const config::Revision revision{next_id(), parts_.lane.unix_ns(), "dtud", note, good};
  on_disk([files = files_, revision, trial] { return files->roll_back(revision, trial); },
          [this, revision, why, device = std::make_shared<const config::DeviceConfig>(std::move(*device)),
           then = std::move(then)](const ChangeFiles::Kept& kept) {
            undone_ = kept.written ? "" : config::digest_of(text_);
            if (kept.written) file_.accept(revision.text);
            text_ = revision.text;
            revision_ = kept.revision;
            forget_trial();
            last_rollback_ = revision.note;
            parts_.log.error("config", last_rollback_);
            parts_.calls.note("dtud", "config.rollback", true, {});
            parts_.tell.config_rolled_back(revision_, why);
            adopt(device, nullptr, true);
            then();
          });
}

}  // namespace dtud
