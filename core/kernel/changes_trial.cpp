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
  return true;
}

// A restart does not end a trial. edited: the device file was edited while dtud did not run.
void Changes::resume_trial(bool edited) {
  config::FileError error;
  const std::string good = good_text(*trial_, &error);
  if (good.empty()) {
    parts_.log.error("config", "revision " + std::to_string(trial_->good) +
                                   ", which the trial would go back to, cannot be read: the present document stays" +
                                   shown(error));
    return end_trial(may_be_read_later(error));
  }
  if (edited) {
    const auto tried = history_->get(trial_->tried, &error);
    if (!tried && may_be_read_later(error)) {
      parts_.log.error("config", "revision " + std::to_string(trial_->tried) +
                                     ", which is on trial, cannot be read: the present document stays" + shown(error));
      return end_trial(true);
    }
    const auto before = tried ? object_of(tried->text) : nullptr;
    if (before) learn_trial_parts(*before);
    config::Trial next = *trial_;
    if (!before || !stays_on_trial(next, config::changed_parts(*before, *latest_->document), *latest_->document)) {
      parts_.log.warning("config", "the device file was edited where revision " + std::to_string(trial_->tried) +
                                       " is on trial: the trial ends");
      return end_trial();
    }
    trial_ = next;
  } else if (good == text_ || revision_ == trial_->good) {
    parts_.log.info("config", "the last good document is in place");
    return end_trial();
  }
  trial_->tried = revision_;  // a power cut may have left an older change that is unproven as well
  learn_trial_parts(*latest_->document);
  if (++trial_->starts > kMostStarts)
    return roll_back("dtud was started " + std::to_string(kMostStarts) + " times and the change was not proven");
  if (!trial_file_->write(*trial_, error)) parts_.log.error("config", error.text);
}

void Changes::begin_trial(const Device::Changed& changed) {
  if (trial_ends_ns_ != 0) return;  // a local change of other parts
  const int64_t confirm_ns = int64_t{latest_->confirm_s} * 1000 * kMs;
  trial_ends_ns_ = monotonic_ns() + confirm_ns;
  // A new access point takes effect while the old connection still seems to be there.
  trial_waits_ = std::find(changed.begin(), changed.end(), "network") != changed.end();
  heard_before_ = 0;
  if (const auto* channel = parts_.router.channel(channel_of(trial_->source)))
    heard_before_ = channel->traffic.rx_messages;
  parts_.log.info("config", "revision " + std::to_string(trial_->tried) + " is on trial: " + trial_->source + " has " +
                                std::to_string(latest_->confirm_s) + " s to come back");
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
    roll_back(trial_->source + " did not come back within " + std::to_string(latest_->confirm_s) + " s");
  } else {
    parts_.lane.timers().arm(trial_timer_, std::min(trial_ends_ns_, monotonic_ns() + kTrialEvery));
  }
}

bool Changes::confirm(const std::string& source) {
  if (!trial_) return false;
  parts_.log.info("config", "revision " + std::to_string(trial_->tried) + " is confirmed by " + source);
  end_trial();
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
  if (!take_edit(edit)) parts_.log.error("config", config::to_text(edit.findings.front()));
  if (!trial_) return apply_latest(nullptr, true);  // an edit of the device file ended it
  const config::Trial trial = *trial_;
  config::FileError error;
  const std::string good = good_text(trial, &error);
  config::Findings findings;
  auto device = good.empty() ? std::nullopt : config::read_device(good, "", parts_.components.schemas(), findings);
  if (!device) {
    parts_.log.error("config", why + ", but revision " + std::to_string(trial.good) +
                                   " cannot be used: the present document stays" + shown(error));
    end_trial(may_be_read_later(error));
    if (edit_waits_) apply_latest(nullptr, true);
    return;
  }
  const std::string note = "rolled back: " + why + "; revision " + std::to_string(trial.good) + " is restored" +
                           (trial.document.empty() ? "" : ", with the local changes that came after it");
  const bool written = file_.write(good, error);
  if (!written) parts_.log.error("config", error.text);
  text_ = good;
  // Under an id of its own, for people; without room for it, the good one's.
  const auto origin = history_->get(trial.good);
  const uint64_t id = history_->add(
      {0, parts_.lane.unix_ns(), "dtud", note, good, origin ? origin->origin() : trial.good}, trial.good, error);
  revision_ = id != 0 ? id : trial.good;
  end_trial(!written);  // with the file the next start goes on with the trial, and so goes back
  last_rollback_ = note;
  parts_.log.error("config", note);
  parts_.calls.note("dtud", "config.rollback", true, {});
  adopt(std::move(*device), nullptr, true);
}

}  // namespace dtud
