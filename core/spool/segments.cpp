#include "spool/segments.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

namespace dtud::spool {
namespace {

constexpr uint64_t kScanPiece = 4096;  // headers are far apart
constexpr uint64_t kLargestFile = std::numeric_limits<uint32_t>::max();

// Sequence number of the last record that can be read in the commit at `offset`.
uint64_t last_whole(File& file, const Segment& segment, uint64_t id, uint64_t offset) {
  Walk walk(file, segment.first, id, std::min(segment.size, kLargestFile), kScanPiece);
  walk.jump(offset);
  uint64_t out = 0;
  if (walk.next())
    for (Record record; walk.record(record);) out = record.seq;
  return out;
}

}  // namespace

Trouble trouble_of(int error, const std::string& what) {
  if (error == 0) return {};
  if (error == -EPERM)
    return {EPERM, what + ": it belongs to another user, others may write it, or it is no regular file"};
  return {-error, what + ": " + std::generic_category().message(-error)};
}

struct Segments::Scan {
  Found found;
  bool any = false;  // a whole header was seen
};

Segments::Segments(Disk& disk, std::string folder) : disk_(disk), folder_(std::move(folder)) {}

std::string Segments::spare_name() const { return folder_ + "/" + std::string(kSpare); }

std::string Segments::path(const Segment& segment) const { return folder_ + "/" + segment_name(segment.first); }

uint64_t Segments::bytes() const {
  uint64_t out = spare_;
  for (const Segment& segment : all_) out += segment.size;
  return out;
}

Trouble Segments::scan(Found& found, bool bear) {
  all_.clear();
  spare_ = 0;
  std::vector<std::string> names;
  const int listed = disk_.list(folder_, names);
  if (listed != 0 && listed != -ENOENT) return trouble_of(listed, "cannot list " + folder_);
  synced_ = listed != 0;  // else a process before us may have removed some
  std::vector<uint64_t> firsts;
  for (const std::string& name : names) {
    uint64_t first = 0;
    if (is_segment_name(name, first)) firsts.push_back(first);
    if (name != kSpare) continue;
    int error = 0;
    if (const auto file = disk_.open(folder_ + "/" + name, false, error)) spare_ = std::max<uint64_t>(file->size(), 1);
  }
  std::sort(firsts.begin(), firsts.end());
  Scan scan;
  Trouble unread;
  for (const uint64_t first : firsts) {
    Trouble trouble = look(first, first == firsts.back(), scan);
    if (trouble.code == EIO && bear)
      unread = std::move(trouble);
    else if (trouble)
      return trouble;
  }
  if (unread && !scan.any) return unread;
  found = scan.found;
  return {};
}

Trouble Segments::look(uint64_t first, bool is_last, Scan& scan) {
  Segment segment;
  segment.first = first;
  Trouble trouble;
  const auto file = open(segment, trouble);
  if (trouble.code == ENOENT) return {};
  if (file) segment.size = file->size();
  all_.push_back(segment);
  scan.found.sound = false;
  if (file) trouble = walk(*file, is_last, scan);
  all_.back().unreadable = trouble.code == EIO && all_.back().count == 0;
  return trouble;
}

Trouble Segments::walk(File& file, bool is_last, Scan& scan) {
  const uint64_t size = std::min(all_.back().size, kLargestFile), first = all_.back().first;
  const std::string name = path(all_.back());
  std::array<char, kSegmentHeader> bytes{};
  const int64_t n = file.read_at(0, bytes.data(), bytes.size());
  if (n < 0) return trouble_of(static_cast<int>(n), "cannot read " + name);
  SegmentHeader header;
  const bool whole = get_header({bytes.data(), static_cast<size_t>(n)}, header);
  if (whole && !is_readable(header.version))
    return {EOVERFLOW, name + " was written by a newer dtud (format " + std::to_string(header.version) +
                           ", this one reads " + std::to_string(kFormatVersion) + ")"};
  if (whole && header.first != first) return {};  // a file that is to be used again, under a name it had before
  if (whole && !scan.any) {
    scan.found.before = header.before;
    scan.found.last = first - std::min<uint64_t>(first, 1);
    scan.any = true;
  }
  Walk walk(file, first, whole ? header.id : 0, size, kScanPiece);
  CommitHeader last;
  uint64_t offset = 0;
  while (walk.next()) {
    // Only records that cannot be read are void in the same file. Of a file that says otherwise no more is believed.
    const bool voids = offset != 0 && walk.commit().last < scan.found.last;
    if (voids && std::max(last.last, last_whole(file, all_.back(), walk.id(), offset)) > walk.commit().last) break;
    const uint32_t count = all_.back().count;
    take(walk.commit(), scan);
    if (all_.back().count < count + walk.commit().count) all_.back().torn = static_cast<uint32_t>(offset);
    last = walk.commit();
    offset = walk.offset();
    all_.back().end = static_cast<uint32_t>(std::min(walk.end(), size));
  }
  all_.back().id = offset != 0 ? walk.id() : 0;
  if (!whole && offset == 0) ++scan.found.void_files;
  const bool fits = walk.end() <= size && walk.end() == all_.back().end;
  if (is_last && offset != 0) check_end(walk, file, last, offset, scan);
  const int error = walk.take_error();
  // One of an older format is read and not added to: a dtud of its time would take the new records for damage.
  scan.found.sound = whole && header.version == kFormatVersion && offset != 0 && fits && error == 0;
  return trouble_of(error, "cannot read " + name);
}

// One more commit, in the order of the files.
void Segments::take(const CommitHeader& commit, Scan& scan) {
  Found& found = scan.found;
  Segment& segment = all_.back();
  found.done = std::max(found.done, commit.done);
  if (scan.any && commit.before > found.before) {
    const uint64_t room = commit.first > found.last ? commit.first - found.last - 1 : 0;
    segment.missing += static_cast<uint32_t>(std::min({commit.before - found.before, room, kLargestFile}));
  }
  if (scan.any && commit.last < found.last) cut(commit.last, commit.before);
  if (commit.count > 0) {
    if (segment.count == 0) segment.before = commit.before;
    segment.count += commit.count;
    segment.payload += commit.payload;
    segment.span = static_cast<uint32_t>(commit.end() - segment.first);
  }
  found.last = commit.count > 0 ? commit.end() : commit.last;
  found.before = commit.before + commit.count;
  scan.any = true;
}

// What is stored with a larger number than `last` does not count: only `before` records do.
void Segments::cut(uint64_t last, uint64_t before) {
  for (size_t i = all_.size(); i-- > 0;) {
    Segment& segment = all_[i];
    if (segment.count == 0) continue;
    if (segment.last() <= last) return;
    if (segment.first > last) {
      segment.count = segment.payload = segment.span = 0;
      continue;
    }
    const uint64_t left = before > segment.before ? before - segment.before : 0;
    segment.count = static_cast<uint32_t>(std::min<uint64_t>(left, segment.count));
    segment.span = static_cast<uint32_t>(last - segment.first);
    return;
  }
}

// Is the very last commit whole? Of one that is not, the records up to the first harmed one count.
void Segments::check_end(Walk& walk, File& file, const CommitHeader& last, uint64_t offset, Scan& scan) {
  Segment& segment = all_.back();
  Found& found = scan.found;
  walk.jump(offset);
  if (!walk.next() || walk.offset() != offset) return;
  uint64_t good = last.last;
  for (Record record; walk.record(record);) good = record.seq;
  if (walk.harmed()) {
    const uint32_t lost = last.count - walk.taken();
    found.torn += lost;
    found.before -= lost;
    found.last = good;
    segment.count -= std::min(lost, segment.count);
    segment.torn = static_cast<uint32_t>(offset);
    segment.span = segment.count > 0 && good >= segment.first ? static_cast<uint32_t>(good - segment.first) : 0;
    return;
  }
  const uint64_t block = (walk.end() + kBlock - 1) / kBlock * kBlock;
  for (const uint64_t at : {walk.end(), block}) {
    if (!is_begun(file, at, segment.id)) continue;
    ++found.torn;  // at least one
    break;
  }
}

std::unique_ptr<File> Segments::open(const Segment& segment, Trouble& trouble) {
  int error = 0;
  auto file = disk_.open(path(segment), false, error);
  if (!file) trouble = trouble_of(error, "cannot open " + path(segment));
  return file;
}

std::unique_ptr<File> Segments::prepare(uint64_t size, Trouble& trouble) {
  const std::string name = spare_name();
  if (all_.empty() && spare_ == 0) {
    trouble = trouble_of(disk_.make_folder(folder_), "cannot make " + folder_);
    if (trouble) return nullptr;
  }
  // Else a power cut could bring back the segment it was, with the new contents.
  if (spare_ != 0 && !synced_) trouble = sync();
  if (trouble) return nullptr;
  int error = 0;
  auto file = disk_.open(name, spare_ == 0, error);
  if (!file) {
    if (error == -EEXIST || error == -ENOENT) spare_ = error == -EEXIST ? 1 : 0;  // then it will do the next time
    trouble = trouble_of(error, "cannot create " + name);
    return nullptr;
  }
  spare_ = std::max<uint64_t>(spare_, 1);
  error = file->reserve(size);
  if (error == 0) {
    spare_ = size;
    return file;
  }
  trouble = trouble_of(error, "cannot reserve " + std::to_string(size) + " bytes for " + name);
  static_cast<void>(remove_spare());
  return nullptr;
}

Trouble Segments::place(const Segment& segment) {
  const std::string name = path(segment);
  if (const int error = disk_.rename(spare_name(), name); error != 0)
    return trouble_of(error, "cannot rename " + spare_name() + " to " + name);
  spare_ = 0;
  if (!all_.empty() && all_.back().first == segment.first) all_.pop_back();  // one without records: replaced
  all_.push_back(segment);
  return sync();
}

Trouble Segments::remove(size_t index, bool keep) {
  const std::string name = path(all_[index]);
  const uint64_t size = all_[index].size;
  const bool spare = keep && spare_ == 0 && size > 0;
  const int error = spare ? disk_.rename(name, spare_name()) : disk_.remove(name);
  if (error != 0 && error != -ENOENT) return trouble_of(error, "cannot remove " + name);
  if (spare && error == 0) spare_ = size;
  synced_ = false;
  all_.erase(all_.begin() + static_cast<std::ptrdiff_t>(index));
  return {};
}

Trouble Segments::remove_spare() {
  const std::string name = spare_name();
  const int error = disk_.remove(name);
  if (error != 0 && error != -ENOENT) return trouble_of(error, "cannot remove " + name);
  spare_ = 0;
  return {};
}

Trouble Segments::sync() {
  const int error = disk_.sync_folder(folder_);
  if (error == 0) synced_ = true;
  return trouble_of(error, "cannot sync " + folder_);
}

}  // namespace dtud::spool
