// A new document: where it comes from, whether it is taken, and how it is stored.
#include <algorithm>
#include <cerrno>
#include <stdexcept>
#include <utility>

#include "commands/document_password.hpp"
#include "config/binding.hpp"
#include "config/json_text.hpp"
#include "config/report.hpp"
#include "kernel/changes.hpp"

namespace dtud {
namespace {

using config::Finding;
using config::Findings;

void add_error(Findings& findings, const std::string& document, const std::string& path, const std::string& text) {
  findings.push_back({Finding::Severity::error, document, path, 0, 0, text});
}

void add_note(std::string& to, const std::string& note) {
  if (!note.empty()) to += (to.empty() ? "" : "; ") + note;
}

std::string first_error(const Findings& findings) {
  const Finding* error = config::first_new_error(findings);
  return error != nullptr ? config::to_text(*error) : "it cannot be used";
}

// How commands of this channel, or of this port, are read: the dialect of its link; "" = there is no such link.
std::string mode_of(const config::DeviceConfig& device, const std::string& port) {
  if (port.empty()) return device.work_mode;
  const auto found =
      std::find_if(device.ports.begin(), device.ports.end(), [&](const auto& p) { return p.id == port; });
  return found == device.ports.end() ? "" : found->mode;
}

const config::ChannelConfig* channel_in(const config::DeviceConfig& device, uint32_t id) {
  const auto found =
      std::find_if(device.channels.begin(), device.channels.end(), [id](const auto& c) { return c.id == id; });
  return found == device.channels.end() ? nullptr : &*found;
}

}  // namespace

// --- is it taken? ----------------------------------------------------------------------------------------------------

Findings Changes::known_findings() const {
  Findings findings;
  (void)config::read_device(text_, "", parts_.checks.schemas(), findings);
  return findings;
}

Findings Changes::check(const std::string& text) const {
  Findings findings;
  const std::string whole = config::text_without_nulls(config::unmask(text, *latest_, findings));
  if (config::has_errors(findings)) return findings;
  const auto device = config::read_device(whole, "", parts_.checks.schemas(), findings);
  if (device) {
    config::refuse_unsupported(*latest_, *device, findings);
    config::mark_known(findings, known_findings());
  }
  config::place_in(text, whole, findings);
  return findings;
}

// The document in its stored form. Nothing: it is refused.
std::optional<config::DeviceConfig> Changes::judge(Next& next, Outcome& out) const {
  Findings found;
  const std::string given = next.text;
  next.text = config::unmask(next.text, *latest_, found);
  try {
    if (!config::has_errors(found)) {
      next.text = config::text_without_nulls(std::move(next.text));
      next.text = commands::with_password_hash(std::move(next.text), latest_->password, found);
    }
  } catch (const std::runtime_error& e) {
    add_error(found, "", "/password", e.what());
  }
  std::optional<config::DeviceConfig> device;
  if (!config::has_errors(found)) device = config::read_device(next.text, "", parts_.checks.schemas(), found);
  if (device && !next.ran_before) config::refuse_unsupported(*latest_, *device, found);
  if (config::has_errors(found) && device) config::mark_known(found, known_findings());
  const bool refused = !next.ran_before && config::first_new_error(found) != nullptr;
  config::place_in(given, next.text, found);
  for (Finding& f : found) {
    if (next.raw) f.document = file_.path();
    out.findings.push_back(std::move(f));
  }
  if (refused) device.reset();
  return device;
}

bool Changes::prepare(Outcome& out) {
  if (held_) {
    add_error(out.findings, "", "", "a plugin is being upgraded: try again when that is over (dtuctl plugins upgrade)");
    return false;
  }
  record();
  take_edit(out);
  return true;
}

// Somebody edited the device file and did not have it read. The edit becomes a revision, and the present document; one
// that cannot be used is kept beside it. It is applied with what is stored next, or by refuse().
void Changes::take_edit(Outcome& out) {
  if (!file_.edited()) return;
  config::FileError error;
  const auto text = file_.read(error);
  if (!text && error.code == ENOENT) return;
  std::string why = error.text;
  if (text) {
    Outcome edit;
    Next next{*text, "file", "the device file was edited"};
    next.raw = text;
    auto device = judge(next, edit);
    if (device && store(next, *device, edit)) {
      latest_ = std::make_shared<config::DeviceConfig>(std::move(*device));
      edit_waits_ = true;
      add_note(edit.note, "the device file had been edited: revision " + std::to_string(revision_) + " is that edit");
      parts_.log.warning("config", edit.note);
      parts_.calls.note("file", "config.edit", true, {});
      add_note(out.note, edit.note);
      return;
    }
    why = first_error(edit.findings);
  }
  // An edit that cannot be kept must not stop all that comes after it: a board is told what to do over its channels.
  const bool kept = file_.keep_rejected(error);
  if (text && kept) file_.accept(*text);
  file_refused_ = why;
  if (kept) rejected_why_ = why;
  const std::string note =
      "the device file had been edited and cannot be used (" + why + "): the edit is " +
      (kept ? "kept as " + file_.rejected_path() : "not kept, and what is stored now replaces it: " + error.text);
  parts_.log.error("config", note);
  add_note(out.note, note);
}

// --- where it comes from ---------------------------------------------------------------------------------------------

void Changes::set(const std::string& text, const std::string& source, const Stored& stored, Applied applied) {
  Outcome out;
  if (!prepare(out)) return refuse(out, stored);
  take({text, source, ""}, std::move(out), stored, std::move(applied));
}

void Changes::change(const config::JsonObject& keys, const std::string& source, const Stored& stored) {
  Outcome out;
  if (!prepare(out)) return refuse(out, stored);
  auto document = config::make_ordered_object();
  for (const auto& key : latest_->document->getNames()) document->set(key, latest_->document->get(key));
  for (const auto& key : keys.getNames()) {
    const config::Json value = keys.get(key);
    if (config::type_of(value) == config::JsonType::null)
      document->remove(key);
    else
      document->set(key, value);
  }
  take({config::file_text(document), source, ""}, std::move(out), stored, nullptr);
}

void Changes::patch(const config::JsonObject& patch, const std::string& source, const Stored& stored, Applied applied) {
  Outcome out;
  if (!prepare(out)) return refuse(out, stored);
  take({config::file_text(config::merge_patch(*latest_->document, patch)), source, ""}, std::move(out), stored,
       std::move(applied));
}

void Changes::reload(const Stored& stored, Applied applied) {
  Outcome out;
  config::FileError error;
  if (held_) {
    (void)prepare(out);  // says why
    return refuse(out, stored);
  }
  record();
  const auto text = file_.read(error);
  if (text && !undone_.empty() && config::digest_of(*text) == undone_) {
    if (!file_.write(text_, error) || !trial_file_->remove(error)) {
      add_error(out.findings, file_.path(), "", error.text);
      return refuse(out, stored);
    }
    undone_.clear();
    out.note = "the device file held a change that was undone: the document that runs is in it again";
    out.taken = true;
    out.revision = revision_;
    stored(out);
    return apply_latest(std::move(applied), true);
  }
  if (!text) {
    if (error.code != ENOENT) file_refused_ = error.text;
    add_error(out.findings, file_.path(), "", error.text);
    return refuse(out, stored);
  }
  Next next{*text, "file", "read again"};
  next.raw = text;
  take(std::move(next), std::move(out), stored, std::move(applied));
}

void Changes::go_back(uint64_t id, const std::string& source, const Stored& stored, Applied applied) {
  Outcome out;
  if (!prepare(out)) return refuse(out, stored);
  Next next{"", source, ""};
  next.ran_before = true;
  const bool undo_trial = id == 0 && trial_;
  if (undo_trial) {
    id = trial_->good;
    next.text = good_text(*trial_);
  } else if (id == 0) {
    // Older than what the present document is of: what was undone before is not brought back.
    const auto present = history_->get(revision_);
    const uint64_t newest = present ? present->origin() : revision_;
    const auto known = history_->ids();
    for (auto it = known.rbegin(); it != known.rend() && id == 0; ++it) {
      const auto revision = *it <= newest ? history_->get(*it) : std::nullopt;
      Findings ignored;
      if (!revision || revision->unproven || is_latest(revision->text)) continue;
      if (config::read_device(revision->text, "", parts_.components.schemas(), ignored)) id = *it;
    }
  }
  config::FileError unread;
  const auto revision = id == 0 ? std::nullopt : history_->get(id, &unread);
  if (!undo_trial && revision) next.text = revision->text;
  if (next.text.empty()) {
    const std::string none = id == 0 ? "there is no older revision that proved itself and has another document: dtuctl "
                                       "config rollback NUMBER takes any of dtuctl config history"
                                     : "there is no revision " + std::to_string(id) + ": see dtuctl config history";
    add_error(out.findings, "", "", unread.code == 0 || unread.code == ENOENT ? none : unread.text);
    return refuse(out, stored);
  }
  next.note = "back to revision " + std::to_string(id);
  if (!undo_trial && revision && revision->unproven)
    add_note(out.note, "revision " + std::to_string(id) + " came over a channel and never proved itself");
  next.restores = revision ? revision->origin() : id;
  out.restored = id;
  take(std::move(next), std::move(out), stored, std::move(applied));
}

void Changes::factory_reset(const std::string& why) {
  if (held_) {
    reset_wanted_ = why;
    return;
  }
  config::FileError error;
  auto text = factory_file_.empty() ? std::optional<std::string>("{}")
                                    : config::read_file(factory_file_, config::DocumentFile::kMost, error);
  if (!text) return parts_.log.error("config", "parameters are not reset: " + error.text);
  parts_.log.warning("config", "parameters are reset: " + why);
  const Stored stored = [this](const Outcome& outcome) {
    const auto status = outcome.taken ? DTU_OK : DTU_E_INVALID;
    const std::string problem = outcome.taken ? "" : first_error(outcome.findings);
    if (!outcome.taken) parts_.log.error("config", "parameters are not reset: " + problem);
    parts_.calls.note("dtud", "config.reset", true, {status, "", problem});
  };
  Outcome out;
  if (!prepare(out)) return refuse(out, stored);
  Next next{*text, "dtud", "reset: " + why};
  next.ran_before = true;
  take(std::move(next), std::move(out), stored, nullptr);
}

// --- storing it ------------------------------------------------------------------------------------------------------

void Changes::take(Next next, Outcome out, const Stored& stored, Applied applied) {
  auto device = judge(next, out);
  const uint64_t before = revision_;
  const std::string note = device ? cut_off(next.source, *device) : "";
  if (!device || !store(next, *device, out)) {
    if (next.raw) file_refused_ = first_error(out.findings);
    return refuse(out, stored);
  }
  add_note(out.note, note);
  out.taken = true;
  out.revision = revision_;
  out.stored = revision_ != before;
  stored(out);
  adopt(std::move(*device), std::move(applied), next.source == "console" || next.raw);
}

void Changes::refuse(Outcome& out, const Stored& stored) {
  out.taken = false;
  out.revision = revision_;
  stored(out);
  if (edit_waits_) apply_latest(nullptr, true);
}

Changes::Proof Changes::proof_for(const std::string& source) {
  const bool local = source == "console" || source == "dtud" || source == "file" || source.compare(0, 5, "port ") == 0;
  return local ? Proof::none : Proof::needed;
}

bool Changes::store(Next next, const config::DeviceConfig& device, Outcome& out) {
  const auto changed = config::changed_parts(*latest_->document, *device.document);
  if (changed.empty()) return keep_text(next, out);
  std::optional<config::Trial> trial;
  bool goes_on = false;
  if (proof_for(next.source) == Proof::needed && !is_good(*device.document)) {
    if (!trial_ && revision_ == 0) {
      unrecorded_ = true;
      record();
    }
    if (!trial_ && revision_ == 0)
      return add_error(out.findings, file_.path(), "",
                       "the present document could not be stored in the history, so this change could not be undone"),
             false;
    trial = joined(next.source, device);
    if (trial->senders.size() > 1) {
      config::Trial others = *trial;
      others.senders.pop_back();
      add_note(out.note, "changes of " + others.by() + " are on trial: this change is undone with them unless " +
                             others.by() + (others.senders.size() == 1 ? " comes" : " come") + " back");
    }
  } else if (trial_) {
    trial = *trial_;
    goes_on = proof_for(next.source) == Proof::none && stays_on_trial(*trial, changed, device);
    if (!goes_on) {
      trial.reset();
      add_note(out.note, ends_trial());
      add_note(next.note, ends_trial());  // for the history
    }
  }
  if (!write(next, trial, goes_on, out)) return false;
  if (!trial) return true;
  const bool fewer = goes_on && config::overlap(trial_parts_, changed);
  learn_trial_parts(*device.document);
  if (fewer) add_note(out.note, "the trial by " + trial_->by() + " goes on with " + config::listed_parts(trial_parts_));
  return true;
}

// The document is the same: no revision, but an edit of the device file may have other white space.
bool Changes::keep_text(const Next& next, Outcome& out) {
  if (!next.raw) return true;
  config::FileError error;
  if (*next.raw == next.text) {
    file_.accept(*next.raw);
  } else if (!file_.write(next.text, error)) {
    add_error(out.findings, file_.path(), "", error.text);
    return false;
  }
  text_ = next.text;
  file_refused_.clear();
  return true;
}

// Each step leaves what a start can make sense of: see resume_trial().
bool Changes::write(const Next& next, std::optional<config::Trial> trial, bool goes_on, Outcome& out) {
  config::FileError error;
  const auto failed = [&] {
    add_error(out.findings, file_.path(), "", error.text + "; the configuration is as it was");
    return false;
  };
  const uint64_t keep = trial_ ? trial_->good : revision_;
  const uint64_t id = history_->add(
      {next_id(), parts_.lane.unix_ns(), next.source, next.note, next.text, next.restores, trial.has_value()}, keep,
      error);
  if (id == 0) return failed();
  if (trial) {
    trial->tried = id;
    std::vector<config::Unproven> documents{trial->unproven(next.text)};
    if (trial_) documents.push_back(trial_->unproven(text_));  // it is in the device file until that is written
    if (!trial_file_->write(*trial, documents, error)) {
      history_->take_back(id);
      return failed();
    }
  }
  const bool there = next.raw && *next.raw == next.text;
  if (there) {
    file_.accept(*next.raw);
  } else if (!file_.write(next.text, error)) {
    config::FileError ignored;  // the first problem is what people need to hear of
    if (trial &&
        !(trial_ ? trial_file_->write(*trial_, {trial_->unproven(text_)}, ignored) : trial_file_->remove(ignored)))
      parts_.log.error("config", ignored.text);
    history_->take_back(id);
    return failed();
  }
  text_ = next.text;
  revision_ = id;
  file_refused_.clear();
  undone_.clear();
  if (goes_on) {
    trial_ = trial;
    return true;
  }
  if (trial) {
    parts_.lane.timers().disarm(trial_timer_);
    watch_.stored(next.source);
    trial_ = trial;
  } else {
    last_rollback_.clear();
    end_trial();  // also one that could not be read
  }
  return true;
}

// --- what its sender should know -------------------------------------------------------------------------------------

// Why the sender of `next` cannot send commands any more; "": it can.
std::string Changes::cut_off(const std::string& source, const config::DeviceConfig& next) const {
  constexpr std::string_view kPort = "port ";
  if (source.compare(0, kPort.size(), kPort) == 0) {
    const std::string id = source.substr(kPort.size());
    const std::string mode = mode_of(next, id);
    if (mode.empty()) return source + " is not in uconf any more: no more commands are taken from this line";
    const bool cut = !config::takes_local_commands(mode) && config::takes_local_commands(mode_of(*latest_, id));
    return cut ? "in mode " + mode + " no more commands are taken from this line" : "";
  }
  const uint32_t id = channel_of(source);
  const config::ChannelConfig* before = id == 0 ? nullptr : channel_in(*latest_, id);
  if (before == nullptr) return "";
  if (next.password.empty() && !latest_->password.empty() && !parts_.access.has_initial())
    return "no password is set any more: commands that need one are refused until one is set locally";
  const config::ChannelConfig* after = channel_in(next, id);
  const std::string undone =
      "; the change is undone unless a channel carries messages within " + std::to_string(confirm_s_of(next)) + " s";
  if (after == nullptr) return source + " is not in conf any more: no more commands come over it" + undone;
  const std::string mode = mode_of(next, after->port);
  if (!config::takes_commands(mode) && config::takes_commands(mode_of(*latest_, before->port)))
    return "in mode " + mode + " nothing that comes over " + source + " is a command";
  if (next.auto_connect || !latest_->auto_connect) return "";
  const bool at_once = after->json != before->json;
  return "auto_connect is 0: " + source + " does not connect by itself any more " +
         (at_once ? "from now on" + undone : "from the next start on");
}

}  // namespace dtud
