// What one channel keeps on disk: an append-only log in segment files, docs/formats/spool.md. Records go in with
// growing sequence numbers and come out in that order; a segment is removed when all in it is done. Blocks on the disk:
// lives on the store's thread, or any one thread.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "spool/disk.hpp"
#include "spool/record.hpp"
#include "spool/trouble.hpp"

namespace dtud::spool {

struct SpoolLimits {
  uint64_t bytes = 16U << 20U;  // of files
  uint64_t messages = 1'000'000;
};

// Sequence numbers in one segment differ by less than this, so its name, which is its first one, bounds its last one.
constexpr uint64_t kSegmentSpan = 1U << 20U;

class Spool {
 public:
  // The views end with the call, which must not call the spool. False: this was the last one wanted.
  using Each = std::function<bool(const Record&)>;

  struct Facts {
    uint64_t messages = 0;    // not done
    uint64_t payload = 0;     // their bytes; may count those of done ones whose segment is still there
    uint64_t disk_bytes = 0;  // of all files
    uint64_t first_seq = 0;   // not done, or a smaller one; 0: there is none
    uint64_t last_seq = 0;    // stored last, also if it is done or cleared by now; 0: none
    uint64_t written = 0;     // bytes given to the disk since open(), whole blocks as flash sees them
    uint64_t damaged = 0;     // messages that open() or a read found destroyed
    uint64_t torn = 0;        // messages of a last commit that was not written whole: never promised
    uint64_t done = 0;        // all below are done; `messages` counts from there
    uint64_t void_files = 0;  // segments that open() removed because nothing in them could be read
    uint32_t segments = 0;
  };

  // The folder need not exist: it is made by the first append().
  Spool(Disk& disk, std::string folder, SpoolLimits limits);
  ~Spool();
  Spool(const Spool&) = delete;
  Spool& operator=(const Spool&) = delete;

  // The smallest sequence number that is certainly larger than all in these files (names as list() gives them); 1 for
  // none. Reads nothing.
  [[nodiscard]] static uint64_t beyond(const std::vector<std::string>& names);

  // Looks at what is there. A torn end is cut off, damage is stepped over and counted. `done`: what is known of it, 0 =
  // as the files say; done() afterwards is the larger one. Trouble: it cannot be used; the files are as they were.
  [[nodiscard]] Trouble open(uint64_t done);
  [[nodiscard]] uint64_t done() const;  // all below this needs no delivery any more

  struct Appended {
    Trouble trouble;             // nothing of it is stored (ENOSPC: also when the limits are reached)
    uint64_t dropped_below = 0;  // what was removed to make room: all before this one; 0: nothing
    uint64_t dropped = 0;        // how many of them were not done and never read
  };
  // Appends the records as one commit: they are on disk when this returns without trouble. Their sequence numbers are
  // larger than all stored before (EINVAL), differ by less than kSegmentSpan, and none is done. make_room: removes the
  // oldest segments, as many as needed, when the limits are reached or the disk is full; else that is trouble and
  // nothing changes. Records that could not be stored may be given again. More than the limits hold at all is ENOSPC,
  // and nothing is removed for it: commits should be small against limits.bytes / 16.
  [[nodiscard]] Appended append(const std::vector<Record>& records, uint64_t done, bool make_room);

  // Everything below `done` is delivered. Finished segments are removed at once; `write`: also puts the number on disk,
  // if something that is done would otherwise be read again after a power cut.
  [[nodiscard]] Trouble advance(uint64_t done, bool write);

  // Gives the records from the cursor on, or from `from` if that is later, in order, until `each` has enough or the
  // end; the cursor follows. A record that cannot be read any more is counted as damaged and left out.
  [[nodiscard]] Trouble read(uint64_t from, const Each& each);
  // The same without moving the cursor.
  [[nodiscard]] Trouble peek(uint64_t from, const Each& each);

  // What is before `from` is known already: the cursor goes there, if it is not further.
  void skip(uint64_t from);

  // Removes everything that was not read yet; how many those were.
  [[nodiscard]] Trouble clear(uint64_t& removed);

  void set_limits(SpoolLimits limits);
  [[nodiscard]] Facts facts() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace dtud::spool
