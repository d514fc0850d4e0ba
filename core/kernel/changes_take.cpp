// A new document: where it comes from, whether it is taken, and how it is stored.
#include <algorithm>
#include <cerrno>
#include <utility>

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

std::shared_ptr<ChangeTaking> taking_of(const std::string& source, Changes::Stored stored, Changes::Applied applied) {
  auto taking = std::make_shared<ChangeTaking>();
  taking->source = source;
  taking->stored = std::move(stored);
  taking->applied = std::move(applied);
  return taking;
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

// The document in its stored form, in taking->device; null: it is refused.
void Changes::judge(const TakingPtr& taking, Then then) {
  Findings found;
  const std::string given = taking->text;
  taking->text = config::unmask(given, *latest_, found);
  taking->device.reset();
  if (!config::has_errors(found)) taking->text = config::text_without_nulls(std::move(taking->text));
  if (config::has_errors(found)) {
    judge_hashed(*taking, given, std::move(found));
    return then();
  }
  hash_password(taking->text, latest_->password,
                [this, taking, given, found, then = std::move(then)](commands::HashedDocument hashed) mutable {
                  taking->text = std::move(hashed.text);
                  found.insert(found.end(), hashed.findings.begin(), hashed.findings.end());
                  if (!hashed.problem.empty()) add_error(found, "", "/password", hashed.problem);
                  judge_hashed(*taking, given, std::move(found));
                  then();
                });
}

void Changes::judge_hashed(ChangeTaking& taking, const std::string& given, Findings found) const {
  std::optional<config::DeviceConfig> device;
  if (!config::has_errors(found)) device = config::read_device(taking.text, "", parts_.checks.schemas(), found);
  if (device && !taking.ran_before) config::refuse_unsupported(*latest_, *device, found);
  if (config::has_errors(found) && device) config::mark_known(found, known_findings());
  const bool refused = !taking.ran_before && config::first_new_error(found) != nullptr;
  config::place_in(given, taking.text, found);
  for (Finding& f : found) {
    if (taking.raw) f.document = file_.path();
    taking.out.findings.push_back(std::move(f));
  }
  if (device && !refused) taking.device = std::make_shared<const config::DeviceConfig>(std::move(*device));
}

void Changes::begin(const TakingPtr& taking, bool edits, Then change) {
  if (queue_.full() && taking->source != "dtud") {
    taking->out.busy = true;
    taking->out.revision = revision_;
    add_error(taking->out.findings, "", "", "too many changes of the configuration wait for the disk: try again later");
    return taking->stored(taking->out);
  }
  queue_.begin([this, taking, edits, change = std::move(change)] {
    Findings& findings = taking->out.findings;
    if (ending_) {
      add_error(findings, "", "", "dtud is stopping");
      return refuse(*taking);
    }
    if (held_) {
      add_error(findings, "", "", "a plugin is being upgraded: try again when that is over (dtuctl plugins upgrade)");
      return refuse(*taking);
    }
    record("", [this, taking, edits, change] {
      if (!edits) return change();
      take_edit(std::shared_ptr<Outcome>(taking, &taking->out), change);
    });
  });
}

// Somebody edited the device file and did not have it read. The edit becomes a revision, and the present document; one
// that cannot be used is kept beside it. It is applied with what is stored next, or by refuse().
void Changes::take_edit(const std::shared_ptr<Outcome>& out, Then then) {
  if (!file_.edited()) return then();
  config::FileError error;
  const auto text = file_.read(error);
  if (!text && error.code == ENOENT) return then();
  if (!text) return reject_edit(text, error.text, out, std::move(then));
  const auto edit = std::make_shared<ChangeTaking>();
  edit->text = *text;
  edit->source = "file";
  edit->note = "the device file was edited";
  edit->raw = text;
  judge(edit, [this, edit, out, then = std::move(then)] {
    if (!edit->device) return reject_edit(edit->raw, first_error(edit->out.findings), out, then);
    store(edit, [this, edit, out, then](bool stored) {
      if (!stored) return reject_edit(edit->raw, first_error(edit->out.findings), out, then);
      latest_ = edit->device;
      edit_waits_ = true;
      std::string& note = edit->out.note;
      add_note(note, "the device file had been edited: revision " + std::to_string(revision_) + " is that edit");
      parts_.log.warning("config", note);
      parts_.calls.note("file", "config.edit", true, {});
      add_note(out->note, note);
      then();
    });
  });
}

// An edit that cannot be kept must not stop all that comes after it: a board is told what to do over its channels.
void Changes::reject_edit(const std::optional<std::string>& text, const std::string& why,
                          const std::shared_ptr<Outcome>& out, Then then) {
  on_disk([files = files_] { return files->keep_rejected(); },
          [this, text, why, out, then = std::move(then)](const std::string& problem) {
            const bool kept = problem.empty();
            if (text && kept) file_.accept(*text);
            file_refused_ = why;
            if (kept) rejected_why_ = why;
            const std::string note = "the device file had been edited and cannot be used (" + why + "): the edit is " +
                                     (kept ? "kept as " + file_.rejected_path()
                                           : "not kept, and what is stored now replaces it: " + problem);
            parts_.log.error("config", note);
            add_note(out->note, note);
            then();
          });
}

// --- where it comes from ---------------------------------------------------------------------------------------------

void Changes::set(const std::string& text, const std::string& source, Stored stored, Applied applied) {
  const auto taking = taking_of(source, std::move(stored), std::move(applied));
  taking->text = text;
  begin(taking, true, [this, taking] { take(taking); });
}

void Changes::change(const config::Json& keys, const std::string& source, Stored stored) {
  const auto taking = taking_of(source, std::move(stored), nullptr);
  begin(taking, true, [this, taking, keys] {
    auto document = config::make_ordered_object();
    for (const auto& key : latest_->document->getNames()) document->set(key, latest_->document->get(key));
    for (const auto& key : config::as_object(keys)->getNames()) {
      const config::Json value = config::as_object(keys)->get(key);
      if (config::type_of(value) == config::JsonType::null)
        document->remove(key);
      else
        document->set(key, value);
    }
    taking->text = config::file_text(document);
    take(taking);
  });
}

void Changes::patch(const config::Json& patch, const std::string& source, Stored stored, Applied applied) {
  const auto taking = taking_of(source, std::move(stored), std::move(applied));
  begin(taking, true, [this, taking, patch] {
    taking->text = config::file_text(config::merge_patch(*latest_->document, *config::as_object(patch)));
    take(taking);
  });
}

void Changes::reload(Stored stored, Applied applied) {
  const auto taking = taking_of("file", std::move(stored), std::move(applied));
  taking->note = "read again";
  begin(taking, false, [this, taking] {
    config::FileError error;
    const auto text = file_.read(error);
    if (text && !undone_.empty() && config::digest_of(*text) == undone_) return take_undone(taking);
    if (!text) {
      if (error.code != ENOENT) file_refused_ = error.text;
      add_error(taking->out.findings, file_.path(), "", error.text);
      return refuse(*taking);
    }
    taking->text = *text;
    taking->raw = text;
    take(taking);
  });
}

// The device file holds what was undone, because that could not be written.
void Changes::take_undone(const TakingPtr& taking) {
  on_disk([files = files_, text = text_] { return files->write_and_end_trial(text); },
          [this, taking](const std::string& problem) {
            Outcome& out = taking->out;
            if (!problem.empty()) {
              add_error(out.findings, file_.path(), "", problem);
              return refuse(*taking);
            }
            file_.accept(text_);
            undone_.clear();
            out.note = "the device file held a change that was undone: the document that runs is in it again";
            out.taken = true;
            out.revision = revision_;
            taking->stored(out);
            apply_latest(std::move(taking->applied), true);
            queue_.over();
          });
}

void Changes::go_back(uint64_t id, const std::string& source, Stored stored, Applied applied) {
  const auto taking = taking_of(source, std::move(stored), std::move(applied));
  taking->ran_before = true;
  begin(taking, true, [this, taking, id] { take_older(taking, id); });
}

void Changes::take_older(const TakingPtr& taking, uint64_t id) {
  Outcome& out = taking->out;
  const bool undo_trial = id == 0 && trial_;
  if (undo_trial) {
    id = trial_->good;
    taking->text = good_text(*trial_);
  } else if (id == 0) {
    // Older than what the present document is of: what was undone before is not brought back.
    const auto present = history().get(revision_);
    const uint64_t newest = present ? present->origin() : revision_;
    const auto known = history().ids();
    for (auto it = known.rbegin(); it != known.rend() && id == 0; ++it) {
      const auto revision = *it <= newest ? history().get(*it) : std::nullopt;
      Findings ignored;
      if (!revision || revision->unproven || is_latest(revision->text)) continue;
      if (config::read_device(revision->text, "", parts_.components.schemas(), ignored)) id = *it;
    }
  }
  config::FileError unread;
  const auto revision = id == 0 ? std::nullopt : history().get(id, &unread);
  if (!undo_trial && revision) taking->text = revision->text;
  if (taking->text.empty()) {
    const std::string none = id == 0 ? "there is no older revision that proved itself and has another document: dtuctl "
                                       "config rollback NUMBER takes any of dtuctl config history"
                                     : "there is no revision " + std::to_string(id) + ": see dtuctl config history";
    add_error(out.findings, "", "", unread.code == 0 || unread.code == ENOENT ? none : unread.text);
    return refuse(*taking);
  }
  taking->note = "back to revision " + std::to_string(id);
  if (!undo_trial && revision && revision->unproven)
    add_note(out.note, "revision " + std::to_string(id) + " came over a channel and never proved itself");
  taking->restores = revision ? revision->origin() : id;
  out.restored = id;
  take(taking);
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
  const auto stored = [this](const Outcome& outcome) {
    const auto status = outcome.taken ? DTU_OK : DTU_E_INVALID;
    const std::string problem = outcome.taken ? "" : first_error(outcome.findings);
    if (!outcome.taken) parts_.log.error("config", "parameters are not reset: " + problem);
    parts_.calls.note("dtud", "config.reset", true, {status, "", problem});
  };
  const auto taking = taking_of("dtud", stored, nullptr);
  taking->text = *text;
  taking->note = "reset: " + why;
  taking->ran_before = true;
  begin(taking, true, [this, taking] { take(taking); });
}

// --- storing it ------------------------------------------------------------------------------------------------------

void Changes::take(const TakingPtr& taking) {
  judge(taking, [this, taking] {
    const auto refused = [this, taking] {
      if (taking->raw) file_refused_ = first_error(taking->out.findings);
      refuse(*taking);
    };
    if (!taking->device) return refused();
    const std::string note = cut_off(taking->source, *taking->device);
    store(taking, [this, taking, refused, note, before = revision_](bool stored) {
      if (!stored) return refused();
      Outcome& out = taking->out;
      add_note(out.note, note);
      out.taken = true;
      out.revision = revision_;
      out.stored = revision_ != before;
      taking->stored(out);
      adopt(taking->device, std::move(taking->applied), taking->source == "console" || taking->raw);
      queue_.over();
    });
  });
}

void Changes::refuse(ChangeTaking& taking) {
  taking.out.taken = false;
  taking.out.revision = revision_;
  taking.stored(taking.out);
  if (edit_waits_) apply_latest(nullptr, true);
  queue_.over();
}

void Changes::store(const TakingPtr& taking, const Written& then) {
  if (config::changed_parts(*latest_->document, *taking->device->document).empty()) return keep_text(taking, then);
  const bool to_prove = !is_local(taking->source) && !is_good(*taking->device->document);
  if (!to_prove || trial_ || revision_ != 0) return store_recorded(taking, then);
  unrecorded_ = true;
  record("", [this, taking, then] {
    if (revision_ != 0) return store_recorded(taking, then);
    add_error(taking->out.findings, file_.path(), "",
              "the present document could not be stored in the history, so this change could not be undone");
    then(false);
  });
}

void Changes::store_recorded(const TakingPtr& taking, const Written& then) {
  const config::DeviceConfig& device = *taking->device;
  const auto changed = config::changed_parts(*latest_->document, *device.document);
  std::optional<config::Trial> trial;
  bool goes_on = false;
  if (!is_local(taking->source) && !is_good(*device.document)) {
    trial = joined(taking->source, device);
    if (trial->senders.size() > 1) {
      config::Trial others = *trial;
      others.senders.pop_back();
      add_note(taking->out.note, "changes of " + others.by() +
                                     " are on trial: this change is undone with them unless " + others.by() +
                                     (others.senders.size() == 1 ? " comes" : " come") + " back");
    }
  } else if (trial_) {
    trial = *trial_;
    goes_on = is_local(taking->source) && stays_on_trial(*trial, changed, device);
    if (!goes_on) {
      trial.reset();
      add_note(taking->out.note, ends_trial());
      add_note(taking->note, ends_trial());  // for the history
    }
  }
  const bool fewer = goes_on && config::overlap(trial_parts_, changed);
  write(taking, std::move(trial), goes_on, [this, taking, fewer, then](bool stored) {
    if (!stored || !trial_) return then(stored);
    learn_trial_parts(*taking->device->document);
    if (fewer)
      add_note(taking->out.note,
               "the trial by " + trial_->by() + " goes on with " + config::listed_parts(trial_parts_));
    then(true);
  });
}

// The document is the same: no revision, but an edit of the device file may have other white space.
void Changes::keep_text(const TakingPtr& taking, const Written& then) {
  if (!taking->raw) return then(true);
  const auto kept = [this, taking, then](const std::string& problem) {
    if (!problem.empty()) {
      add_error(taking->out.findings, file_.path(), "", problem);
      return then(false);
    }
    file_.accept(taking->text);
    text_ = taking->text;
    file_refused_.clear();
    then(true);
  };
  if (*taking->raw == taking->text) return kept("");
  on_disk([files = files_, text = taking->text] { return files->write_document(text); }, kept);
}

void Changes::write(const TakingPtr& taking, std::optional<config::Trial> trial, bool goes_on, Written then) {
  ChangeFiles::Change change;
  change.revision = {next_id(),    parts_.lane.unix_ns(), taking->source,   taking->note,
                     taking->text, taking->restores,      trial.has_value()};
  change.keep = trial_ ? trial_->good : revision_;
  change.in_file = taking->raw && *taking->raw == taking->text;
  change.trial = std::move(trial);
  change.before = trial_;
  change.present = text_;
  on_disk([files = files_, change = std::move(change)]() mutable { return files->store(std::move(change)); },
          [this, taking, goes_on, then = std::move(then)](const ChangeFiles::Stored& stored) {
            if (stored.revision == 0) {
              add_error(taking->out.findings, file_.path(), "", stored.problem);
              return then(false);
            }
            file_.accept(taking->text);
            text_ = taking->text;
            revision_ = stored.revision;
            file_refused_.clear();
            undone_.clear();
            if (!goes_on && stored.trial) {
              parts_.lane.timers().disarm(trial_timer_);
              watch_.stored(taking->source);
            } else if (!stored.trial) {
              last_rollback_.clear();
              forget_trial();
            }
            trial_ = stored.trial;
            then(true);
          });
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
