// What a change of the configuration writes, in which order. Each function is one job of the disk lane; at a start,
// before anything is carried, dtud calls them on the main lane. A power cut between two writes leaves what a start can
// make sense of: see Changes::resume_trial(). What fails and is not returned is logged.
#pragma once
#include <memory>
#include <optional>
#include <string>

#include "config/document_file.hpp"
#include "config/history.hpp"
#include "log/log.hpp"

namespace dtud {

class ChangeFiles {
 public:
  ChangeFiles(Log& log, std::string device_file, const std::string& state_dir)
      : log_(log), device_file_(std::move(device_file)), history_(state_dir + "/history"), trial_(state_dir) {}
  ChangeFiles(const ChangeFiles&) = delete;
  ChangeFiles& operator=(const ChangeFiles&) = delete;

  [[nodiscard]] const config::History& history() const { return history_; }  // any thread may read it
  [[nodiscard]] config::TrialFile& trial() { return trial_; }                // at the start; else its name() only

  // A document that came as a file becomes a revision, and what is stored of it (the hash of its password, the
  // factory_file) goes into the device file unless somebody has edited that.
  struct Found {
    config::Revision revision;  // id 0: it is one already
    uint64_t keep = 0;
    bool runs = false;             // note it as the one that ran last
    bool write = false;            // into the device file
    config::DocumentFile file;     // as it was seen last
    const char* not_written = "";  // what that means, for the log
  };
  struct Kept {
    uint64_t revision = 0;  // 0: none was stored
    bool written = false;   // the device file
  };
  Kept record(const Found& found);

  // A device file that could not be used: it is kept as FILE.rejected if it is `there`, and what `revision` holds takes
  // its place. That is the document of `fallback`, whose origin it gets. problem: nothing was done.
  struct Replaced {
    uint64_t revision = 0;
    bool written = false;
    std::string problem;
  };
  Replaced replace(bool there, config::Revision revision, uint64_t fallback, bool runs);

  struct Change {
    config::Revision revision;
    uint64_t keep = 0;
    bool in_file = false;                // the device file holds it already
    std::optional<config::Trial> trial;  // that this change begins, joins or leaves as it is; none: a trial ends
    std::optional<config::Trial> before;
    std::string present;  // the document before, which is on trial if `before` is given
  };
  struct Stored {
    uint64_t revision = 0;               // 0: everything is as it was, for `problem`
    std::optional<config::Trial> trial;  // with the revision
    std::string problem;
  };
  Stored store(Change change);

  // The trial ends: `good` is the document again, as `revision` says. written: of the device file; if it is not, the
  // next start goes on with the trial.
  Kept roll_back(config::Revision revision, const config::Trial& trial);

  // The change on trial passed, and with it the local changes of other parts since.
  bool prove(const config::Trial& trial);
  // The trial is over without a document to go back to. keep: the next start may find it. revision: counts as proven.
  bool give_up(uint64_t revision, bool keep);

  bool mark(uint64_t id, bool proven);
  bool end_trial();
  bool note_ran(uint64_t revision);

  // "" or the problem.
  std::string write_document(const std::string& text);
  std::string write_and_end_trial(const std::string& text);
  std::string keep_rejected();

 private:
  bool mark_proven(const config::Trial& trial);

  Log& log_;
  const std::string device_file_;
  const config::History history_;
  config::TrialFile trial_;
};

}  // namespace dtud
