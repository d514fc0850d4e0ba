// The files a spool is made of, docs/formats/spool.md: their names, their headers, and a walk through one of them that
// steps over damage. Nothing here trusts a byte that no checksum covers.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spool/disk.hpp"
#include "spool/record.hpp"

namespace dtud::spool {

constexpr uint32_t kFormatVersion = 2;  // what is written; 1 had no devices, and is read
constexpr uint64_t kBlock = 4096;       // what flash writes at least
constexpr uint64_t kSegmentHeader = 40;
constexpr uint64_t kCommitHeader = 76;
constexpr uint64_t kLastSequence = ~uint64_t{0} - 2;  // so that the one behind it is a number
constexpr std::string_view kSpare = "spare";          // a finished segment kept to be used again

struct SegmentHeader {
  uint32_t version = kFormatVersion;
  uint64_t id = 0;      // random: tells this file's commits from those of its earlier lives
  uint64_t first = 0;   // no sequence number in it is smaller; also its name
  uint64_t before = 0;  // how many records were stored before it
};

struct CommitHeader {
  uint64_t id = 0;       // the segment's
  uint32_t seed = 0;     // random: begins the checksums of the records, so none of another commit passes
  uint32_t length = 0;   // bytes of records behind the header
  uint32_t count = 0;    // of records; 0: only `done` (and `last`) are said
  uint32_t span = 0;     // sequence number of the last record minus `first`
  uint32_t payload = 0;  // bytes of all payloads
  uint64_t first = 0;    // sequence number of the first record
  uint64_t last = 0;     // what was stored before this commit with a larger sequence number does not count
  uint64_t before = 0;   // how many records were stored before it: tells how many are missing after damage
  uint64_t done = 0;     // all below it was delivered when this was written
  int64_t time_us = 0;   // the base of the records' times

  [[nodiscard]] uint64_t end() const { return first + span; }  // the last record's
};

// "00000000000004d2.seg"
[[nodiscard]] std::string segment_name(uint64_t first);
[[nodiscard]] bool is_segment_name(std::string_view name, uint64_t& first);

// Writes kSegmentHeader bytes.
void put_header(const SegmentHeader& header, char* to);
// False: harmed, or none. One with an unknown version is read: what is checked here stays the same in all versions.
[[nodiscard]] bool get_header(std::string_view bytes, SegmentHeader& out);
[[nodiscard]] inline bool is_readable(uint32_t version) { return version >= 1 && version <= kFormatVersion; }

// Writes kCommitHeader bytes that are valid only at `offset`.
void put_commit(const CommitHeader& header, uint64_t offset, char* to);
[[nodiscard]] bool get_commit(std::string_view bytes, uint64_t offset, CommitHeader& out);

// A commit's header stands at `offset`, though it is harmed or not whole: it has most of the segment's id.
[[nodiscard]] bool is_begun(File& file, uint64_t offset, uint64_t id);

// Blocks a write of `size` bytes at `offset` touches.
[[nodiscard]] uint64_t blocks_touched(uint64_t offset, uint64_t size, uint64_t block = kBlock);
// Where a commit of `size` bytes goes when the one before ends at `end`: there, or at the next block if that saves one.
[[nodiscard]] uint64_t place_commit(uint64_t end, uint64_t size);

// A piece of a file, read when it is needed.
class Window {
 public:
  explicit Window(uint64_t piece) : piece_(piece) {}
  // What the file holds at `offset`: at least `least` bytes if it has them before `limit` and they can be read. Valid
  // until the next call.
  [[nodiscard]] std::string_view at(File& file, uint64_t offset, uint64_t least, uint64_t limit);
  void forget() { size_ = 0; }
  [[nodiscard]] int error() const { return error_; }  // the last one that a read gave since take_error()
  int take_error();

 private:
  int64_t fill(File& file, uint64_t offset, uint64_t size);
  uint64_t piece_;
  std::vector<char> buffer_;
  uint64_t start_ = 0, size_ = 0;
  int error_ = 0;
};

// Goes through the commits of one segment file, and the records of each. Reads `piece` bytes at a time.
class Walk {
 public:
  // `id` 0: not known (the segment's header is harmed), the first valid commit tells. `limit`: nothing is read from
  // there on.
  Walk(File& file, uint64_t first, uint64_t id, uint64_t limit, uint64_t piece);

  // To the next valid commit. False: there is none up to the limit.
  bool next();
  [[nodiscard]] const CommitHeader& commit() const { return commit_; }
  [[nodiscard]] uint64_t offset() const { return offset_; }    // of the commit
  [[nodiscard]] uint64_t end() const { return end_; }          // of it; kSegmentHeader before the first one
  [[nodiscard]] uint64_t skipped() const { return skipped_; }  // bytes that next() stepped over to get there
  [[nodiscard]] uint64_t id() const { return id_; }

  // The commit's next record; its views end with the next call. False: it was the last one, or it is harmed, which ends
  // the commit.
  bool record(Record& out);
  [[nodiscard]] uint32_t taken() const { return taken_; }  // unharmed records of this commit so far
  [[nodiscard]] bool harmed() const { return harmed_; }

  void jump(uint64_t offset);  // the next commit is the one at `offset`, or after it
  void extend(uint64_t limit) { limit_ = limit; }
  [[nodiscard]] uint64_t limit() const { return limit_; }
  int take_error() { return window_.take_error(); }  // negative errno of a read that failed, 0: none did

 private:
  bool commit_at(uint64_t offset);
  bool search(uint64_t from);

  File& file_;
  Window window_;
  uint64_t first_, id_, limit_;
  CommitHeader commit_;
  uint64_t offset_ = 0, end_ = kSegmentHeader, skipped_ = 0;
  uint64_t at_ = 0;  // the next record
  uint32_t taken_ = 0;
  bool harmed_ = false;
};

}  // namespace dtud::spool
