#include "kernel/change_files.hpp"

#include <cerrno>
#include <utility>
#include <vector>

#include "kernel/trial_watch.hpp"

namespace dtud {

using config::FileError;

ChangeFiles::Kept ChangeFiles::record(const Found& found) {
  Kept kept;
  FileError error;
  if (found.revision.id != 0) {
    kept.revision = history_.add(found.revision, found.keep, error);
    if (kept.revision == 0) log_.warning("config", error.text + ": there is nothing to go back to");
    if (kept.revision != 0 && found.runs) (void)note_ran(kept.revision);
  }
  config::DocumentFile file = found.file;
  if (!found.write || file.edited()) return kept;
  kept.written = config::write_file(device_file_, found.revision.text, error);
  if (!kept.written) log_.warning("config", error.text + found.not_written);
  return kept;
}

ChangeFiles::Replaced ChangeFiles::replace(bool there, config::Revision revision, uint64_t fallback, bool runs) {
  Replaced out;
  FileError error;
  if (there) {
    out.problem = keep_rejected();
    if (!out.problem.empty()) return out;
  }
  const auto before = history_.get(fallback);
  revision.restores = before ? before->origin() : fallback;
  revision.unproven = before && before->unproven;
  const std::string text = revision.text;
  const uint64_t id = history_.add(std::move(revision), fallback, error);
  out.revision = id != 0 ? id : fallback;
  if (runs) (void)note_ran(out.revision);
  out.written = config::write_file(device_file_, text, error);
  if (!out.written) log_.error("config", error.text);
  return out;
}

ChangeFiles::Stored ChangeFiles::store(Change change) {
  FileError error;
  const auto failed = [&] { return Stored{0, std::nullopt, error.text + "; the configuration is as it was"}; };
  const uint64_t id = history_.add(change.revision, change.keep, error);
  if (id == 0) return failed();
  if (change.trial) {
    change.trial->tried = id;
    std::vector<config::Unproven> documents{change.trial->unproven(change.revision.text)};
    if (change.before)  // it is in the device file until that is written
      documents.push_back(change.before->unproven(change.present));
    if (!trial_.write(*change.trial, documents, error)) {
      history_.take_back(id);
      return failed();
    }
  }
  if (!change.in_file && !config::write_file(device_file_, change.revision.text, error)) {
    FileError ignored;  // the first problem is what people need to hear of
    const auto& before = change.before;
    if (change.trial &&
        !(before ? trial_.write(*before, {before->unproven(change.present)}, ignored) : trial_.remove(ignored)))
      log_.error("config", ignored.text);
    history_.take_back(id);
    return failed();
  }
  if (!change.trial) (void)end_trial();  // also one that could not be read
  return {id, std::move(change.trial), ""};
}

ChangeFiles::Kept ChangeFiles::roll_back(config::Revision revision, const config::Trial& trial) {
  Kept kept;
  FileError error;
  kept.written = config::write_file(device_file_, revision.text, error);
  if (!kept.written) log_.error("config", error.text);
  // Under an id of its own, for people; without room for it, the good one's.
  const auto origin = history_.get(trial.good);
  revision.restores = origin ? origin->origin() : trial.good;
  const uint64_t id = history_.add(std::move(revision), trial.good, error);
  kept.revision = id != 0 ? id : trial.good;
  if (kept.written) (void)end_trial();  // with the file the next start goes on with the trial, and so goes back
  return kept;
}

bool ChangeFiles::prove(const config::Trial& trial) {
  return mark_proven(trial) &&
         end_trial();  // what could not be stored as proven has to prove itself again after a start
}

bool ChangeFiles::give_up(uint64_t revision, bool keep) {
  if (keep) return true;
  (void)mark(revision, true);
  return end_trial();
}

// The change on trial, and the local changes of other parts since. What it replaced while that was on trial is not.
bool ChangeFiles::mark_proven(const config::Trial& trial) {
  const auto known = history_.ids();
  for (auto id = known.rbegin(); id != known.rend(); ++id) {
    if (*id > trial.tried) continue;
    if (*id <= trial.good) break;
    const auto revision = history_.get(*id);
    if (!revision || !revision->unproven) continue;
    if (!mark(*id, true)) {
      log_.error("config", "revision " + std::to_string(*id) + " stays on trial: the next start continues it");
      return false;
    }
    if (!is_local(revision->source)) break;
  }
  return true;
}

bool ChangeFiles::mark(uint64_t id, bool proven) {
  FileError error;
  if (id == 0 || history_.set_proven(id, proven, error) || error.code == ENOENT || error.code == EBADMSG) return true;
  log_.error("config", error.text);
  return false;
}

bool ChangeFiles::end_trial() {
  FileError error;
  if (trial_.remove(error)) return true;
  log_.error("config", error.text);
  return false;
}

bool ChangeFiles::note_ran(uint64_t revision) {
  FileError error;
  if (history_.set_ran(revision, error)) return true;
  log_.warning("config", error.text);
  return false;
}

std::string ChangeFiles::write_document(const std::string& text) {
  FileError error;
  return config::write_file(device_file_, text, error) ? "" : error.text;
}

std::string ChangeFiles::write_and_end_trial(const std::string& text) {
  FileError error;
  return config::write_file(device_file_, text, error) && trial_.remove(error) ? "" : error.text;
}

std::string ChangeFiles::keep_rejected() {
  FileError error;
  return config::DocumentFile::keep_rejected(device_file_, error) ? "" : error.text;
}

}  // namespace dtud
