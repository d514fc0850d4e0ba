// The last device documents, and the change that has yet to prove itself: what dtud can go back to. Each is one file,
// replaced or made as a whole, so that a power cut leaves the state before or after a step, never half of one.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/state_file.hpp"
#include "config/store.hpp"
#include "config/unproven.hpp"

namespace dtud::config {

struct Revision {
  uint64_t id = 0;        // from 1, growing
  int64_t time_ns = 0;    // Unix time
  std::string source;     // "console", "channel 3", "file" (edited by hand), "dtud" (a roll-back)
  std::string note;       // why, where dtud did it by itself
  std::string text;       // the document, secrets and all: files of mode 0600
  uint64_t restores = 0;  // a roll-back: the revision whose document this is again
  bool unproven = false;  // it holds a change that came over a channel, was on trial, and never passed
  // The revision this document is of: a roll-back to a roll-back counts for the first one.
  [[nodiscard]] uint64_t origin() const { return restores != 0 ? restores : id; }
};

class History {
 public:
  static constexpr size_t kKept = 16;

  explicit History(std::string folder) : folder_(std::move(folder)) {}

  // Oldest first. `error`: why the folder cannot be listed; code 0: it was, or there is none.
  [[nodiscard]] std::vector<uint64_t> ids(FileError* error = nullptr) const;
  // Nothing: code ENOENT, there is none; EBADMSG, its file is damaged; else it cannot be read now.
  [[nodiscard]] std::optional<Revision> get(uint64_t id, FileError* error = nullptr) const;
  [[nodiscard]] std::optional<Revision> newest() const;

  // Stores it under the next id, which is returned and not below revision.id; 0: failed, also if the ids that are taken
  // cannot be listed. Forgets the oldest above kKept, but never `keep`.
  [[nodiscard]] uint64_t add(Revision revision, uint64_t keep, FileError& error) const;
  // The last one was never used.
  void take_back(uint64_t id) const;
  // Says of a stored one whether it is proven. Replaces its file if that says something else.
  [[nodiscard]] bool set_proven(uint64_t id, bool proven, FileError& error) const;
  // The newest below `id` that is proven and that `usable` takes.
  [[nodiscard]] std::optional<Revision> proven_before(uint64_t id,
                                                      const std::function<bool(const Revision&)>& usable) const;

  // The revision dtud ran last, which may not be the newest; 0: not known. With `problem`, which says why, a damaged
  // file is set aside.
  [[nodiscard]] uint64_t ran(std::string* problem = nullptr) const;
  [[nodiscard]] bool set_ran(uint64_t id, FileError& error) const;

 private:
  [[nodiscard]] std::string file_of(uint64_t id) const;
  [[nodiscard]] bool put(const Revision& revision, FileError& error) const;
  const std::string folder_;
};

// Who made a change that is on trial: it has to come back.
struct Sender {
  std::string source;      // "channel 3"
  uint32_t confirm_s = 0;  // the time it has; 0: an older dtud stored it, and the present document tells
  bool leaves = true;      // its own change or a local one removed its channel: another channel is enough
  // The channels that its own change added or changed when it removed the sender's (a renumbered one): one of these has
  // to come up then. Empty: any channel is enough.
  std::vector<uint32_t> heirs = {};
};

// Changes that came over channels and have not proved themselves. They pass together, or are undone together.
struct Trial {
  uint64_t good = 0, tried = 0;          // revisions; tried 0: the document could not be stored as one
  std::vector<Sender> senders;           // each once, the newest last
  uint32_t starts = 0;                   // of dtud with it
  int64_t since_ns = 0;                  // Unix time at which the first change was stored
  std::string document;                  // what to go back to: the history may be destroyed. "" = that of `good`
  bool local = false;                    // `document` has local changes of other parts as well, which came after `good`
  [[nodiscard]] std::string by() const;  // "channel 1 and channel 3"
  [[nodiscard]] Unproven unproven(const std::string& text) const { return {tried, by(), digest_of(text)}; }
};

// trial.json in a folder, and unproven.json beside it. The latter is written first and removed first: so trial.json
// never stands alone for a document that did not prove itself.
class TrialFile {
 public:
  explicit TrialFile(const std::string& folder);
  // Nothing: no change is on trial, or `problem` says why the file cannot be used.
  [[nodiscard]] std::optional<Trial> read(std::string& problem);
  // The documents that the last write() named; empty: none, or `problem` says why they are not known.
  [[nodiscard]] std::vector<Unproven> unproven(std::string& problem) { return unproven_.read(problem); }
  [[nodiscard]] bool unread() const { return file_.unread(); }  // there may be one, nobody knows
  // `documents`: those the device file may hold from now on.
  [[nodiscard]] bool write(const Trial& trial, const std::vector<Unproven>& documents, FileError& error);
  [[nodiscard]] bool remove(FileError& error);  // on disk when this returns
  [[nodiscard]] const std::string& name() const { return file_.name(); }

 private:
  StateFile file_;
  UnprovenFile unproven_;
};

}  // namespace dtud::config
