// A change that came over a channel has to prove itself: the trial, its end, and the way back.
#include <algorithm>
#include <cerrno>
#include <charconv>
#include <utility>

#include "config/json_text.hpp"
#include "kernel/changes.hpp"
#include "plugins/instance.hpp"

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

}  // namespace

// 3 for "channel 3"; 0: another source.
uint32_t Changes::channel_of(const std::string& source) {
  constexpr std::string_view kChannel = "channel ";
  uint32_t id = 0;
  if (source.compare(0, kChannel.size(), kChannel) == 0)
    std::from_chars(source.data() + kChannel.size(), source.data() + source.size(), id);
  return id;
}

std::string Changes::good_text(const config::Trial& trial, config::FileError* error) const {
  if (!trial.document.empty()) return trial.document;
  const auto revision = history_->get(trial.good, error);
  return revision ? revision->text : "";
}

void Changes::learn_trial_parts(const config::JsonObject& tried) {
  const auto good = object_of(good_text(*trial_));
  trial_parts_ = good ? config::changed_parts(*good, tried) : config::Parts();
}

// A local change of other parts is made to what the trial would go back to as well.
bool Changes::stays_on_trial(config::Trial& trial, const config::Parts& changed,
                             const config::JsonObject& after) const {
  if (config::overlap(trial_parts_, changed)) return false;
  const auto good = object_of(good_text(trial));
  if (!good) return false;
  std::string text = config::file_text(config::with_parts(*good, changed, after));
  config::Findings ignored;
  if (!config::read_device(text, "", parts_.components.schemas(), ignored)) return false;
  trial.document = std::move(text);
  trial.local = true;
  return true;
}

// Of two the smaller: a change must not give itself a day until it is undone.
uint32_t Changes::confirm_s_of(const config::DeviceConfig& next) const {
  const uint32_t before = trial_ && trial_->confirm_s != 0 ? trial_->confirm_s : latest_->confirm_s;
  return std::min(before, next.confirm_s);
}

std::optional<config::Revision> Changes::last_good(uint64_t id) const {
  return history_->proven_before(id, [&](const config::Revision& revision) {
    config::Findings ignored;
    return config::read_device(revision.text, "", parts_.components.schemas(), ignored).has_value();
  });
}

bool Changes::find_another_good(const std::string& why) {
  const auto other = last_good(trial_->good);
  if (!other) return false;
  parts_.log.error("config",
                   why + ": the trial would go back to revision " + std::to_string(other->id) + " in its place");
  trial_->good = other->id;
  trial_->document = other->text;
  trial_->local = false;
  return true;
}

// There is nothing to go back to. Unless the next start may find it, the present document counts as proven.
void Changes::stays_unproven(const std::string& why, bool keep_file) {
  parts_.log.error("config", why + ": the present document stays");
  if (!keep_file) (void)mark(revision_, true);
  end_trial(keep_file);
}

bool Changes::mark(uint64_t id, bool proven) {
  config::FileError error;
  if (id == 0 || history_->set_proven(id, proven, error) || error.code == ENOENT || error.code == EBADMSG) return true;
  parts_.log.error("config", error.text);
  return false;
}

// The change on trial, and the local changes of other parts since. What it replaced while that was on trial is not.
bool Changes::mark_proven() {
  const auto known = history_->ids();
  for (auto id = known.rbegin(); id != known.rend(); ++id) {
    if (*id > trial_->tried) continue;
    if (*id <= trial_->good) break;
    const auto revision = history_->get(*id);
    if (!revision || !revision->unproven) continue;
    if (!mark(*id, true)) {
      parts_.log.error("config", "revision " + std::to_string(*id) + " has to prove itself again after a start");
      return false;
    }
    if (proof_for(revision->source) == Proof::needed) break;
  }
  return true;
}

// trial.json is written before the device file and removed after the proof, so an unproven document without one means
// that the file was damaged or removed: it is not kept as if it were proven.
void Changes::without_trial(const std::string& wrong) {
  const auto present = revision_ == 0 ? std::nullopt : history_->get(revision_);
  if (!present || !present->unproven) {
    if (!wrong.empty()) parts_.log.error("config", wrong + ". No change is on trial as far as the history tells");
    return;
  }
  const std::string why = (wrong.empty() ? trial_file_->name() + " is gone" : wrong) + ", and revision " +
                          std::to_string(revision_) + " by " + present->source + " was not proven";
  record();
  trial_ = config::Trial{revision_, revision_, present->source, 0, present->time_ns, "", false, 0};
  const auto good = last_good(revision_);
  if (!good) return stays_unproven(why + "; there is no revision to go back to", false);
  trial_->good = good->id;
  trial_->document = good->text;
  roll_back(why);
}

// A restart does not end a trial. edited: the device file was edited while dtud did not run.
void Changes::resume_trial(bool edited) {
  config::FileError error;
  std::string good = good_text(*trial_, &error);
  if (good.empty()) {
    const std::string why = "revision " + std::to_string(trial_->good) +
                            ", which the trial would go back to, cannot be read" + shown(error);
    if (may_be_read_later(error)) return stays_unproven(why, true);
    if (!find_another_good(why)) return stays_unproven(why, false);
    good = trial_->document;
  }
  const auto tried = edited ? history_->get(trial_->tried, &error) : std::nullopt;
  if (tried) {
    const auto before = object_of(tried->text);
    if (before) learn_trial_parts(*before);
    config::Trial next = *trial_;
    if (!before || !stays_on_trial(next, config::changed_parts(*before, *latest_->document), *latest_->document)) {
      parts_.log.warning("config", "the device file was edited where revision " + std::to_string(trial_->tried) +
                                       " is on trial: the trial ends");
      return end_trial();
    }
    trial_ = next;
  } else if (edited && good != text_) {
    parts_.log.error("config", "revision " + std::to_string(trial_->tried) +
                                   ", which is on trial, cannot be read: the present document is on trial" +
                                   shown(error));
  } else if (good == text_ || revision_ == trial_->good) {
    parts_.log.info("config", "the last good document is in place");
    return end_trial();
  }
  trial_->tried = revision_;  // a power cut may have left an older change that is unproven as well
  trial_->document = good_text(*trial_);
  learn_trial_parts(*latest_->document);
  if (++trial_->starts > kMostStarts)
    return roll_back("dtud was started " + std::to_string(kMostStarts) + " times and the change was not proven");
  if (!trial_file_->write(*trial_, error)) parts_.log.error("config", error.text);
  (void)mark(revision_, false);
}

void Changes::begin_trial(const Device::Changed& changed) {
  if (trial_ends_ns_ != 0) return;  // a local change of other parts
  if (trial_->confirm_s == 0) trial_->confirm_s = latest_->confirm_s;
  const int64_t confirm_ns = int64_t{trial_->confirm_s} * 1000 * kMs;
  trial_ends_ns_ = monotonic_ns() + confirm_ns;
  // A new access point takes effect while the old connection still seems to be there.
  trial_waits_ = std::find(changed.begin(), changed.end(), "network") != changed.end();
  heard_before_ = 0;
  if (const auto* channel = parts_.router.channel(channel_of(trial_->source)))
    heard_before_ = channel->traffic.rx_messages;
  parts_.log.info("config", "revision " + std::to_string(trial_->tried) + " is on trial: " + trial_->source + " has " +
                                std::to_string(trial_->confirm_s) + " s to come back");
  look_at_trial();
}

int64_t Changes::trial_left_ns() const {
  return trial_ends_ns_ == 0 ? 0 : std::max<int64_t>(0, trial_ends_ns_ - monotonic_ns());
}

// The channel it came over carries messages again; where being up proves nothing, something came from it. When that
// channel is not there any more, any other counts.
bool Changes::proven() const {
  const routing::Channel* own = parts_.router.channel(channel_of(trial_->source));
  const auto back = [&](const routing::Channel& c) {
    if (!c.carries()) return false;
    if ((c.instance->component().caps & DTU_CAP_CONNECTIONLESS) == 0) return true;
    return c.traffic.rx_messages > (&c == own ? heard_before_ : 0);
  };
  if (own != nullptr) return back(*own);
  const auto& all = parts_.router.channels();
  if (all.empty() && channel_of(trial_->source) == 0) return true;  // nothing was cut off, and nothing could tell
  return std::any_of(all.begin(), all.end(), [&](const auto& c) { return back(*c); });
}

void Changes::look_at_trial() {
  if (!trial_ || trial_ends_ns_ == 0) return;
  if (held_) {
    parts_.lane.timers().arm(trial_timer_, monotonic_ns() + kTrialEvery);
    return;
  }
  const bool over = monotonic_ns() >= trial_ends_ns_;
  if ((over || !trial_waits_) && proven()) {
    (void)confirm(trial_->source);
  } else if (over) {
    roll_back(trial_->source + " did not come back within " + std::to_string(trial_->confirm_s) + " s");
  } else {
    parts_.lane.timers().arm(trial_timer_, std::min(trial_ends_ns_, monotonic_ns() + kTrialEvery));
  }
}

bool Changes::confirm(const std::string& source) {
  if (!trial_) return false;
  parts_.log.info("config", "revision " + std::to_string(trial_->tried) + " is confirmed by " + source);
  end_trial(!mark_proven());  // what could not be stored as proven has to prove itself again after a start
  return true;
}

void Changes::end_trial(bool keep_file) {
  trial_.reset();
  trial_parts_.clear();
  trial_ends_ns_ = 0;
  parts_.lane.timers().disarm(trial_timer_);
  config::FileError error;
  if (!keep_file && !trial_file_->remove(error)) parts_.log.error("config", error.text);
}

void Changes::roll_back(const std::string& why) {
  Outcome edit;
  take_edit(edit);
  if (!trial_) return apply_latest(nullptr, true);  // an edit of the device file ended it
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
    if (!device) {
      stays_unproven(useless, may_be_read_later(error));
      if (edit_waits_) apply_latest(nullptr, true);
      return;
    }
  }
  const config::Trial trial = *trial_;
  const std::string note = "rolled back: " + why + "; revision " + std::to_string(trial.good) + " is restored" +
                           (!trial.local ? "" : ", with the local changes that came after it");
  const bool written = file_.write(good, error);
  if (!written) parts_.log.error("config", error.text);
  text_ = good;
  // Under an id of its own, for people; without room for it, the good one's.
  const auto origin = history_->get(trial.good);
  const uint64_t id =
      history_->add({next_id(), parts_.lane.unix_ns(), "dtud", note, good, origin ? origin->origin() : trial.good},
                    trial.good, error);
  revision_ = id != 0 ? id : trial.good;
  end_trial(!written);  // with the file the next start goes on with the trial, and so goes back
  last_rollback_ = note;
  parts_.log.error("config", note);
  parts_.calls.note("dtud", "config.rollback", true, {});
  adopt(std::move(*device), nullptr, true);
}

}  // namespace dtud
