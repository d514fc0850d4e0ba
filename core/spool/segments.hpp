// The segment files of one spool, and what is known of each: some 64 bytes, however many records it holds.
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "spool/disk.hpp"
#include "spool/segment.hpp"
#include "spool/trouble.hpp"

namespace dtud::spool {

struct Segment {
  uint64_t first = 0;   // its name
  uint64_t id = 0;      // 0: nothing in it is valid
  uint64_t before = 0;  // records stored before its first one
  uint64_t size = 0;    // of the file
  uint32_t count = 0;   // records that count
  uint32_t span = 0;    // sequence number of the last one minus `first`
  uint32_t end = 0;     // bytes used
  uint32_t payload = 0;
  uint32_t missing = 0;     // records that damage cost
  uint32_t torn = 0;        // offset of a commit that was not written whole, if there is one
  bool unreadable = false;  // the disk cannot; nobody knows what is in it

  [[nodiscard]] uint64_t last() const { return first + span; }
};

class Segments {
 public:
  struct Found {
    uint64_t done = 0;        // the largest that the files say
    uint64_t last = 0;        // the last record's sequence number
    uint64_t before = 0;      // how many records were ever stored
    uint64_t torn = 0;        // messages of a last commit that is not whole
    uint64_t void_files = 0;  // without a whole header and without a commit
    bool sound = false;       // the last segment can be appended to
  };

  Segments(Disk& disk, std::string folder);

  // Reads the headers of all commits. Trouble: the files are as they were. `bear`: what the disk cannot read is damage
  // and no trouble, unless it can read nothing at all.
  [[nodiscard]] Trouble scan(Found& found, bool bear);

  [[nodiscard]] std::deque<Segment>& all() { return all_; }
  [[nodiscard]] const std::deque<Segment>& all() const { return all_; }
  [[nodiscard]] uint64_t bytes() const;  // of all files
  [[nodiscard]] uint64_t spare_bytes() const { return spare_; }

  [[nodiscard]] std::unique_ptr<File> open(const Segment& segment, Trouble& trouble);
  // The spare, with blocks for `size` bytes: what is to be the next segment is written there.
  [[nodiscard]] std::unique_ptr<File> prepare(uint64_t size, Trouble& trouble);
  // Makes the spare, which has its first commit, the last segment. Trouble: it may be in its place or not.
  [[nodiscard]] Trouble place(const Segment& segment);
  // Takes it out and removes its file, or keeps that as the spare if `keep` and there is none yet.
  [[nodiscard]] Trouble remove(size_t index, bool keep);
  [[nodiscard]] Trouble remove_spare();
  [[nodiscard]] Trouble sync();                          // the names are on disk
  [[nodiscard]] bool synced() const { return synced_; }  // no removed one can come back
  [[nodiscard]] std::string path(const Segment& segment) const;
  [[nodiscard]] std::string spare_name() const;
  [[nodiscard]] const std::string& folder() const { return folder_; }

 private:
  struct Scan;
  [[nodiscard]] Trouble look(uint64_t first, bool is_last, Scan& scan);
  [[nodiscard]] Trouble walk(File& file, bool is_last, Scan& scan);
  void take(const CommitHeader& commit, Scan& scan);
  void check_end(Walk& walk, File& file, const CommitHeader& last, uint64_t offset, Scan& scan);
  void cut(uint64_t last, uint64_t before);

  Disk& disk_;
  std::string folder_;
  std::deque<Segment> all_;
  uint64_t spare_ = 0;  // bytes; 0: there is none
  bool synced_ = true;
};

[[nodiscard]] Trouble trouble_of(int error, const std::string& what);  // `error`: negative errno; 0: none

}  // namespace dtud::spool
