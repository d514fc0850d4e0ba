#include "kernel/changes.hpp"

#include <algorithm>
#include <charconv>
#include <stdexcept>
#include <utility>

#include "commands/password_hash.hpp"
#include "config/json_text.hpp"
#include "config/locate.hpp"
#include "config/secrets.hpp"
#include "config/store.hpp"
#include "plugins/instance.hpp"

namespace dtud {
namespace {

constexpr size_t kMostText = 1U << 20U;
constexpr int64_t kMs = 1'000'000;
constexpr int64_t kAnswersOut = 3000 * kMs;  // the longest a change waits for the answers before it
constexpr int64_t kRecordAfter = 1000 * kMs;
constexpr char kNothing[] = "{}";  // what dtud starts with when there is no document at all
constexpr int64_t kPumpEvery = 5 * kMs, kTrialEvery = 200 * kMs;
constexpr uint32_t kMostStarts = 3;  // of dtud within one trial: a document it does not survive

using config::Finding;
using config::Findings;

void refuse(Findings& findings, const std::string& document, const std::string& path, const std::string& text) {
  findings.push_back({Finding::Severity::error, document, path, 0, 0, text});
}

// 3 for "channel 3"; 0: another source.
uint32_t channel_of(const std::string& source) {
  constexpr std::string_view kChannel = "channel ";
  uint32_t id = 0;
  if (source.compare(0, kChannel.size(), kChannel) == 0)
    std::from_chars(source.data() + kChannel.size(), source.data() + source.size(), id);
  return id;
}

// The document with its password as a hash.
std::string with_hash(std::string text, Findings& findings) {
  const auto place = config::locate(text, "/password");
  const auto json = config::read_json(text, "", findings);
  const config::Json given = json ? config::as_object(*json)->get("password") : config::Json();
  const std::string password = given.isEmpty() ? "" : config::as_text(given, config::to_json(given));
  if (!place.exact || password.empty() || password == config::kMask || commands::is_password_hash(password))
    return text;
  if (commands::is_foreign_hash(password) || password.find('\0') != std::string::npos) {
    refuse(findings, "", "/password", "is a hash of another kind: give the password itself, or a hash dtud made");
    return text;
  }
  // The value as it stands: a string, or a number, which real files have too.
  size_t end = place.value + 1;
  if (text[place.value] == '"') {
    while (text[end] != '"') end += text[end] == '\\' ? 2 : 1;
    ++end;
  } else {
    end = text.find_first_of(",} \t\r\n", place.value);
  }
  return text.replace(place.value, end - place.value, config::to_json(config::Json(commands::hash_password(password))));
}

}  // namespace

Changes::Changes(Parts parts) : parts_(parts) {
  record_timer_ = parts_.lane.timers().create(record_due, this);
  pump_timer_ = parts_.lane.timers().create(pump_due, this);
  trial_timer_ = parts_.lane.timers().create(trial_due, this);
}

Changes::~Changes() {
  parts_.lane.timers().destroy(record_timer_);
  parts_.lane.timers().destroy(pump_timer_);
  parts_.lane.timers().destroy(trial_timer_);
}

bool Changes::read(const std::string& text, config::DeviceConfig& out, Findings& findings) const {
  auto device = config::read_device(text, "", parts_.components.schemas(), findings);
  if (!device || config::has_errors(findings)) return false;
  out = std::move(*device);
  return true;
}

// --- the start -------------------------------------------------------------------------------------------------------

void Changes::load(const std::string& device_file, const std::string& state_dir, const std::string& factory_file,
                   Findings& findings) {
  device_file_ = device_file;
  factory_file_ = factory_file;
  history_ = std::make_unique<config::History>(state_dir + "/history");
  trial_file_ = std::make_unique<config::TrialFile>(state_dir + "/trial.json");
  config::FileError error;
  const auto& schemas = parts_.components.schemas();
  const auto warn = [&](const std::string& text) {
    findings.push_back({Finding::Severity::warning, device_file_, "", 0, 0, text});
  };
  const auto text = config::read_file(device_file_, kMostText, error);
  if (text) {
    if (auto device = config::read_device(*text, device_file_, schemas, findings)) {
      text_ = config::without_bom(*text);
      latest_ = std::make_shared<config::DeviceConfig>(std::move(*device));
      return;
    }
  }
  file_good_ = false;
  const auto known = history_->ids();
  for (auto id = known.rbegin(); id != known.rend(); ++id) {
    const auto revision = history_->get(*id);
    Findings ignored;
    auto device = revision ? config::read_device(revision->text, "", schemas, ignored) : std::nullopt;
    if (!device) continue;
    warn((text ? "cannot be used" : error.text) + "; revision " + std::to_string(*id) + " takes its place");
    text_ = revision->text;
    latest_ = std::make_shared<config::DeviceConfig>(std::move(*device));
    return;
  }
  if (!text) warn(error.text + "; starting without channels: give it a document with dtuctl config set");
  Findings ignored;
  text_ = kNothing;
  latest_ = std::make_shared<config::DeviceConfig>(*config::read_device(text_, "", schemas, ignored));
}

void Changes::start() {
  const auto known = history_->ids();
  for (auto id = known.rbegin(); id != known.rend() && revision_ == 0; ++id)
    if (const auto revision = history_->get(*id); revision && revision->text == text_) revision_ = *id;
  trial_ = trial_file_->read();
  const std::string& password = latest_->password;
  unrecorded_ = text_ != kNothing &&
                (revision_ == 0 || !file_good_ || (!password.empty() && !commands::is_password_hash(password)));
  if (trial_) {
    record();
    resume_trial();
  } else if (unrecorded_) {
    parts_.lane.timers().arm(record_timer_, monotonic_ns() + kRecordAfter);
  }
  use(*latest_);
  due_.push_back({latest_, nullptr, 0});
  pump();
}

// A document that came as a file: its password becomes a hash, and it becomes a revision. That waits on the disk, so it
// happens after the channels were started, but before anything builds on it.
void Changes::record() {
  if (!std::exchange(unrecorded_, false)) return;
  Findings findings;
  config::FileError error;
  std::string whole = text_;
  try {
    whole = with_hash(text_, findings);
  } catch (const std::runtime_error& e) {
    parts_.log.warning("config", std::string(e.what()) + ": the password stays in the device file as it is");
  }
  if (revision_ == 0) {
    const std::string source = file_good_ ? "file" : "dtud";
    revision_ = history_->add({0, parts_.lane.unix_ns(), source, "", whole}, trial_ ? trial_->good : 0, error);
    if (revision_ == 0) parts_.log.warning("config", error.text + ": there is nothing to go back to");
    if (file_good_ && trial_) end_trial();  // somebody edited the file: it is his
  }
  if (whole == text_ && file_good_) return;
  if (!config::write_file(device_file_, whole, error)) {
    parts_.log.warning("config", error.text + (file_good_ ? ": the password stays there as it is" : ""));
    return;
  }
  text_ = std::move(whole);
  // What "***" stands for is what is stored now.
  if (auto device = config::read_device(text_, "", parts_.components.schemas(), findings)) {
    latest_ = std::make_shared<config::DeviceConfig>(std::move(*device));
    use(*latest_);
  }
}

void Changes::resume_trial() {
  if (!trial_) return;
  const auto good = history_->get(trial_->good);
  if (!good || good->text == text_ || revision_ == trial_->good) {
    parts_.log.info("config", "the last good document is in place");
    return end_trial();
  }
  trial_->tried = revision_;  // a power cut may have left an older change that is unproven as well
  config::FileError error;
  if (++trial_->starts > kMostStarts)
    return roll_back("dtud was started " + std::to_string(kMostStarts) + " times and the change was not proven");
  if (!trial_file_->write(*trial_, error)) parts_.log.error("config", error.text);
}

// --- taking a document -----------------------------------------------------------------------------------------------

Findings Changes::check(const std::string& text) const {
  Findings findings;
  const std::string whole = config::unmask(text, *latest_, findings);
  if (!config::has_errors(findings)) (void)config::read_device(whole, "", parts_.components.schemas(), findings);
  return findings;
}

Changes::Proof Changes::proof_for(const std::string& source) const {
  const bool local = source == "console" || source == "dtud" || source.compare(0, 5, "port ") == 0;
  return local ? Proof::none : Proof::needed;
}

void Changes::set(const std::string& text, const std::string& source, const Stored& stored, Applied applied) {
  take(text, source, "", stored, std::move(applied));
}

void Changes::take(const std::string& text, const std::string& source, const std::string& note, const Stored& stored,
                   Applied applied) {
  Findings findings;
  if (held_) {
    refuse(findings, "", "", "a plugin is being upgraded: try again when that is over (dtuctl plugins upgrade)");
    return stored(false, findings);
  }
  record();
  std::string whole = config::unmask(text, *latest_, findings);
  config::DeviceConfig next;
  try {
    if (!config::has_errors(findings)) whole = with_hash(std::move(whole), findings);
  } catch (const std::runtime_error& e) {
    refuse(findings, "", "/password", e.what());
  }
  if (config::has_errors(findings) || !read(whole, next, findings)) return stored(false, findings);
  if (!store(whole, source, note, proof_for(source), findings)) return stored(false, findings);
  stored(true, findings);
  adopt(std::move(next), std::move(applied), source == "console");
}

void Changes::change(const config::JsonObject& keys, const std::string& source, const Stored& stored) {
  record();
  const config::Json copy = config::copy_of(config::Json(latest_->document));
  auto document = config::shared_object(copy);
  for (const auto& [key, value] : keys) document->set(key, value);
  take(config::to_json(copy), source, "", stored, nullptr);
}

void Changes::go_back(uint64_t id, const std::string& source, const Stored& stored, Applied applied) {
  record();
  if (id == 0) {
    for (const uint64_t known : history_->ids())
      if (known < revision_) id = known;
  }
  const auto revision = id == 0 ? std::nullopt : history_->get(id);
  if (!revision) {
    Findings findings;
    refuse(findings, "", "",
           id == 0 ? "there is no older revision to go back to"
                   : "there is no revision " + std::to_string(id) + ": see dtuctl config history");
    return stored(false, findings);
  }
  take(revision->text, source, "back to revision " + std::to_string(id), stored, std::move(applied));
}

void Changes::factory_reset(const std::string& why) {
  if (held_) {
    reset_wanted_ = why;
    return;
  }
  config::FileError error;
  auto text =
      factory_file_.empty() ? std::optional<std::string>("{}") : config::read_file(factory_file_, kMostText, error);
  if (!text) return parts_.log.error("config", "parameters are not reset: " + error.text);
  parts_.log.warning("config", "parameters are reset: " + why);
  take(
      *text, "dtud", "reset: " + why,
      [this](bool taken, const Findings& findings) {
        if (!taken && !findings.empty())
          parts_.log.error("config", "parameters are not reset: " + config::to_text(findings.back()));
      },
      nullptr);
}

// Each step leaves what a start can make sense of: see resume_trial().
bool Changes::store(const std::string& text, const std::string& source, const std::string& note, Proof proof,
                    Findings& findings) {
  if (text == text_ && !trial_) return true;
  config::FileError error;
  const auto failed = [&] {
    refuse(findings, device_file_, "", error.text + "; the configuration is as it was");
    return false;
  };
  const uint64_t good = trial_ ? trial_->good : revision_;
  const uint64_t id = history_->add({0, parts_.lane.unix_ns(), source, note, text}, good, error);
  if (id == 0) return failed();
  const bool tried = proof == Proof::needed && good != 0;
  const config::Trial next{good, id, source, 0};
  if (tried && !trial_file_->write(next, error)) {
    history_->take_back(id);
    return failed();
  }
  if (!config::write_file(device_file_, text, error)) {
    config::FileError ignored;  // the first problem is what people need to hear of
    if (tried && !(trial_ ? trial_file_->write(*trial_, ignored) : trial_file_->remove(ignored)))
      parts_.log.error("config", ignored.text);
    history_->take_back(id);
    return failed();
  }
  text_ = text;
  revision_ = id;
  if (trial_ || tried) parts_.lane.timers().disarm(trial_timer_);
  trial_ends_ns_ = 0;
  if (tried)
    trial_ = next;
  else if (trial_)
    end_trial();
  return true;
}

void Changes::adopt(config::DeviceConfig next, Applied applied, bool at_once) {
  latest_ = std::make_shared<config::DeviceConfig>(std::move(next));
  use(*latest_);
  due_.push_back({latest_, std::move(applied), at_once ? 0 : monotonic_ns() + kAnswersOut});
  // Not within this call: whoever asked has not been answered yet.
  parts_.lane.timers().arm(pump_timer_, monotonic_ns() + (at_once ? 0 : kPumpEvery));
}

// What counts from the answer on.
void Changes::use(const config::DeviceConfig& device) {
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
    const Applied applied = std::move(due_.front().applied);
    due_.pop_front();
    std::string names;
    for (const std::string& name : changed) names += (names.empty() ? "" : ", ") + name;
    parts_.log.info("config", "revision " + std::to_string(revision_) +
                                  (names.empty() ? ": nothing had to be changed" : " applied: " + names));
    if (tried && trial_) begin_trial(changed);
    if (applied) applied(changed);
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
  return config::read_device(text_, device_file_, schemas, findings);
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

// --- proving it ------------------------------------------------------------------------------------------------------

void Changes::begin_trial(const Device::Changed& changed) {
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

void Changes::end_trial() {
  trial_.reset();
  trial_ends_ns_ = 0;
  parts_.lane.timers().disarm(trial_timer_);
  config::FileError error;
  if (!trial_file_->remove(error)) parts_.log.error("config", error.text);
}

void Changes::roll_back(const std::string& why) {
  const config::Trial trial = *trial_;
  const auto good = history_->get(trial.good);
  config::DeviceConfig device;
  Findings findings;
  if (!good || !read(good->text, device, findings)) {
    parts_.log.error("config", why + ", but revision " + std::to_string(trial.good) +
                                   " cannot be used any more: the present document stays");
    return end_trial();
  }
  const std::string note = "rolled back: " + why + "; revision " + std::to_string(trial.good) + " is restored";
  config::FileError error;
  if (!config::write_file(device_file_, good->text, error)) parts_.log.error("config", error.text);
  text_ = good->text;
  // Under an id of its own, for people; without room for it, the good one's.
  const uint64_t id = history_->add({0, parts_.lane.unix_ns(), "dtud", note, good->text}, trial.good, error);
  revision_ = id != 0 ? id : trial.good;
  end_trial();
  last_rollback_ = note;
  parts_.log.error("config", note);
  adopt(std::move(device), nullptr, true);
}

}  // namespace dtud
