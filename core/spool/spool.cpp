#include "spool/spool.hpp"

#include <dtu/message.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <optional>
#include <random>
#include <utility>

#include "spool/segments.hpp"

namespace dtud::spool {
namespace {

constexpr uint64_t kPiece = 65536;        // read at once
constexpr uint64_t kHeadersPiece = 4096;  // where most is stepped over
constexpr uint64_t kSmallestSegment = 64U << 10U, kLargestSegment = 1U << 20U;
constexpr uint64_t kSegmentsInLimits = 16;
constexpr uint64_t kUsualRecord = 512;  // few messages need no large segments
constexpr uint32_t kPatience = 3;       // so often reading is tried before what cannot be read is given up
constexpr uint64_t kLargestCommit = 1U << 30U;

uint64_t whole_blocks(uint64_t size) { return (size + kBlock - 1) / kBlock * kBlock; }

}  // namespace

struct Spool::State {
  // A place in a segment that reading goes on from.
  struct Reader {
    uint64_t segment = 0;  // its name
    std::unique_ptr<File> file;
    std::unique_ptr<Walk> walk;
    uint64_t passed = 0;  // records of the segment's commits so far
    bool in_commit = false;
  };
  // How many records of a segment are below a sequence number, as last counted.
  struct Count {
    uint64_t segment = 0, seq = 0;
    uint64_t offset = 0, before = 0;  // a commit none of whose earlier ones reaches `seq`, and the records before it
    uint64_t below = 0;
  };

  State(Disk& disk_in, std::string folder, SpoolLimits limits_in)
      : disk(disk_in), segments(disk_in, std::move(folder)), limits(limits_in) {
    std::random_device device;
    random.seed((uint64_t{device()} << 32U) ^ device());
  }

  Disk& disk;
  Segments segments;
  SpoolLimits limits;
  std::mt19937_64 random;
  uint64_t done = 0, done_on_disk = 0, cursor = 0;
  uint64_t last = 0, before = 0;  // of the last record that counts; how many do so far
  uint64_t highest = 0;           // of the last record that was stored, also if it was cleared
  uint64_t written = 0, damaged = 0, torn = 0, void_files = 0;
  uint64_t block = kBlock;
  std::unique_ptr<File> active;  // the last segment, if it can be appended to
  uint64_t failed_at = 0;        // where reading failed for damage, and how often in a row
  uint32_t failures = 0, failed_opens = 0;
  Reader reader;
  std::optional<Count> count;

  [[nodiscard]] uint64_t floor() const { return std::max(done, cursor); }
  // Sequence numbers from here on may be stored.
  [[nodiscard]] uint64_t lowest() const {
    const uint64_t least = std::max({last + 1, highest + 1, done});
    return segments.all().empty() ? least : std::max(least, segments.all().back().first);
  }
  [[nodiscard]] uint64_t segment_size() const {
    const uint64_t wanted = std::min(limits.bytes, limits.messages * kUsualRecord) / kSegmentsInLimits;
    const uint64_t size = std::clamp(wanted, kSmallestSegment, kLargestSegment);
    return std::max(std::min(size, limits.bytes) / kBlock * kBlock, kBlock);
  }

  uint64_t below(const Segment& segment, uint64_t seq, Trouble& trouble);
  uint64_t below(const Segment& segment, uint64_t seq) {
    Trouble ignored;  // then it counts too few
    return below(segment, seq, ignored);
  }
  uint64_t messages();
  [[nodiscard]] bool finished(size_t index) const;
  Trouble sweep();
  void forget(const Segment& segment);
  Trouble write(File& file, const std::string& name, uint64_t offset, std::string_view bytes);
  Trouble store(CommitHeader commit, std::string& bytes);
  Trouble go_on(CommitHeader& commit, std::string& bytes);
  Trouble start_segment(CommitHeader& commit, std::string& bytes);
  Trouble fits(const CommitHeader& commit, bool& rolls);
  [[nodiscard]] uint64_t new_size(const CommitHeader& commit) const;
  void shrink();
  bool drop_oldest(Appended& out);
  Trouble checkpoint();
  Trouble cut(Segment& segment, uint64_t floor, uint64_t& removed);
  Trouble read(Reader& from, uint64_t& cursor, const Each& each, bool counts);
  Trouble seek(Reader& from, const Segment& segment);
};

// Records of `segment` with a smaller sequence number. Goes on from where it last counted.
uint64_t Spool::State::below(const Segment& segment, uint64_t seq, Trouble& trouble) {
  if (segment.count == 0 || seq <= segment.first) return 0;
  if (seq > segment.last()) return segment.count;
  if (count && count->segment == segment.first && count->seq == seq) return count->below;
  const auto file = segments.open(segment, trouble);
  if (!file) return 0;
  Walk walk(*file, segment.first, segment.id, segment.end, kHeadersPiece);
  Count now{segment.first, seq, kSegmentHeader, 0, 0};
  if (count && count->segment == segment.first && count->seq <= seq) {
    now.offset = count->offset;
    now.before = count->before;
    walk.jump(now.offset);
  }
  now.below = now.before;
  while (walk.next() && (walk.commit().count == 0 || walk.commit().first < seq)) {
    now.offset = walk.offset();
    now.before = now.below;
    if (walk.commit().end() < seq) {
      now.below += walk.commit().count;
      continue;
    }
    for (Record record; walk.record(record) && record.seq < seq;) ++now.below;
    break;
  }
  now.below = std::min<uint64_t>(now.below, segment.count);
  trouble = trouble_of(walk.take_error(), "cannot read " + segments.path(segment));
  if (!trouble) count = now;
  return now.below;
}

uint64_t Spool::State::messages() {
  uint64_t out = 0;
  for (const Segment& segment : segments.all())
    if (segment.count > 0 && segment.last() >= done) out += segment.count - below(segment, done);
  return out;
}

// Nothing is lost with it: all its records are done, or it has none and what it says of `done` is said again later.
bool Spool::State::finished(size_t index) const {
  const auto& all = segments.all();
  const Segment& segment = all[index];
  if (segment.unreadable) return index + 1 < all.size() && all[index + 1].first <= done;
  if (segment.count > 0) return segment.last() < done;
  if (all.size() == 1) return true;
  if (segment.id == 0) return true;
  return std::any_of(all.begin() + static_cast<std::ptrdiff_t>(index) + 1, all.end(),
                     [](const Segment& later) { return later.end > 0; });
}

// Removes what is finished. Trouble: some of it is still there.
Trouble Spool::State::sweep() {
  auto& all = segments.all();
  for (size_t i = 0; i < all.size();) {
    if (!finished(i)) {
      ++i;
      continue;
    }
    if (all.size() == 1 && !segments.synced())  // else the others could come back without what this one says of them
      if (Trouble trouble = segments.sync()) return trouble;
    const Segment& segment = all[i];
    forget(segment);
    if (i + 1 == all.size()) active.reset();
    if (Trouble trouble = segments.remove(i, segment.size == segment_size())) return trouble;
  }
  return {};
}

// Nothing here refers to this segment any more.
void Spool::State::forget(const Segment& segment) {
  if (reader.segment == segment.first) reader = {};
  if (count && count->segment == segment.first) count.reset();
}

Trouble Spool::State::write(File& file, const std::string& name, uint64_t offset, std::string_view bytes) {
  int error = file.write_at(offset, bytes);
  if (error == 0) written += blocks_touched(offset, bytes.size(), block) * block;
  if (error == 0) error = file.sync();
  return trouble_of(error, "cannot write " + name);
}

// Of a new segment that begins with this commit. One for nothing but `done` is small: it must go in when all is full.
uint64_t Spool::State::new_size(const CommitHeader& commit) const {
  if (commit.count == 0) return kBlock;
  return std::max(segment_size(), whole_blocks(kSegmentHeader + kCommitHeader + commit.length));
}

// Does it go into the limits? `rolls`: it needs a new segment.
Trouble Spool::State::fits(const CommitHeader& commit, bool& rolls) {
  const uint64_t bytes = kCommitHeader + commit.length, records = commit.count;
  const auto& all = segments.all();
  rolls = true;
  if (active) {
    const Segment& segment = all.back();
    const uint64_t most = std::max<uint64_t>(limits.messages / kSegmentsInLimits, 1);
    rolls = place_commit(segment.end, bytes) + bytes > segment.size || commit.end() - segment.first >= kSegmentSpan ||
            (segment.count > 0 && records > 0 && segment.count + records > most);
  }
  if (records > 0 && messages() + records > limits.messages)
    return {ENOSPC, segments.folder() + " is full: " + std::to_string(limits.messages) + " messages are allowed"};
  if (rolls) shrink();
  if (!rolls || commit.count == 0) return {};
  if (segments.bytes() - segments.spare_bytes() + new_size(commit) > limits.bytes)
    return {ENOSPC, segments.folder() + " is full: " + std::to_string(limits.bytes) + " bytes are allowed"};
  return {};
}

// What the last segment reserved and will not use any more is given back.
void Spool::State::shrink() {
  if (!active) return;
  Segment& segment = segments.all().back();
  const uint64_t used = whole_blocks(segment.end);
  if (used < segment.size && active->reserve(used) == 0) segment.size = used;
}

// Writes the commit: its records stand in `bytes` behind room for both headers.
Trouble Spool::State::store(CommitHeader commit, std::string& bytes) {
  bool rolls = false;
  if (Trouble trouble = fits(commit, rolls)) return trouble;
  commit.last = last;
  commit.before = before;
  commit.done = done;
  if (Trouble trouble = rolls ? start_segment(commit, bytes) : go_on(commit, bytes)) return trouble;
  done_on_disk = done;
  if (commit.count == 0) return {};
  Segment& segment = segments.all().back();
  if (segment.count == 0) segment.before = before;
  segment.count += commit.count;
  segment.payload += commit.payload;
  segment.span = static_cast<uint32_t>(commit.end() - segment.first);
  last = highest = commit.end();
  before += commit.count;
  return {};
}

// Behind the last commit. When that fails, what was written may be on disk or not, and after a failed sync nobody can
// say: the next commit goes to another segment.
Trouble Spool::State::go_on(CommitHeader& commit, std::string& bytes) {
  Segment& segment = segments.all().back();
  const uint64_t size = kCommitHeader + commit.length, offset = place_commit(segment.end, size);
  commit.id = segment.id;
  put_commit(commit, offset, bytes.data() + kSegmentHeader);
  if (Trouble trouble =
          write(*active, segments.path(segment), offset, {bytes.data() + kSegmentHeader, static_cast<size_t>(size)})) {
    // Cut off, else a later process could find it in the page cache and believe it.
    if (active->reserve(segment.end) == 0) segment.size = segment.end;
    active.reset();
    return trouble;
  }
  segment.end = static_cast<uint32_t>(offset + size);
  return {};
}

// As the first one of a new segment, which gets its name when all of it is on disk.
Trouble Spool::State::start_segment(CommitHeader& commit, std::string& bytes) {
  const uint64_t size = kSegmentHeader + kCommitHeader + commit.length;
  Segment segment;
  segment.first = commit.first;
  segment.id = commit.id = random();
  segment.before = before;
  segment.size = new_size(commit);
  active.reset();
  Trouble trouble;
  auto file = segments.prepare(segment.size, trouble);
  if (!file) return trouble;
  put_header({kFormatVersion, segment.id, segment.first, before}, bytes.data());
  put_commit(commit, kSegmentHeader, bytes.data() + kSegmentHeader);
  trouble = write(*file, segments.spare_name(), 0, {bytes.data(), static_cast<size_t>(size)});
  if (trouble) {
    static_cast<void>(segments.remove_spare());  // nobody can say what is in it
    return trouble;
  }
  if (trouble = segments.place(segment); trouble) return trouble;
  segments.all().back().end = static_cast<uint32_t>(size);
  active = std::move(file);
  return {};
}

// Makes room by giving up the oldest segment. False: there is none, or it cannot be removed.
bool Spool::State::drop_oldest(Appended& out) {
  auto& all = segments.all();
  if (all.empty()) {
    if (segments.spare_bytes() == 0) return false;
    return !segments.remove_spare();
  }
  const Segment oldest = all.front();
  const uint64_t lost = oldest.count - std::min<uint64_t>(below(oldest, floor()), oldest.count);
  const uint64_t next = all.size() > 1 ? std::min(all[1].first, last + 1) : last + 1;
  if (all.size() == 1) active.reset();
  forget(oldest);
  if (segments.spare_bytes() != 0 && segments.remove_spare()) return false;
  if (segments.remove(0, oldest.size == segment_size())) return false;
  out.dropped += lost;
  out.dropped_below = next;
  done = std::max(done, next);
  cursor = std::max(cursor, next);
  return true;
}

// Puts `done` on disk, if it is needed there.
Trouble Spool::State::checkpoint() {
  if (done <= done_on_disk) return {};
  const auto& all = segments.all();
  const bool stored = std::any_of(all.begin(), all.end(), [&](const Segment& segment) {
    return segment.count > 0 && segment.first < done && segment.last() >= done_on_disk;
  });
  if (stored) {
    CommitHeader commit;
    commit.first = lowest();
    std::string bytes(kSegmentHeader + kCommitHeader, '\0');
    return store(commit, bytes);
  }
  return segments.synced() ? Trouble{} : segments.sync();
}

// From now on the records of `segment` with a number from `floor` on do not count, nor what is stored after it. A
// commit in a segment of its own says so.
Trouble Spool::State::cut(Segment& segment, uint64_t floor, uint64_t& removed) {
  Trouble unread;
  const uint64_t first = segment.first, count = below(segment, floor, unread), old_last = last, old_before = before;
  if (unread) return unread;
  CommitHeader commit;
  commit.first = lowest();
  std::string bytes(kSegmentHeader + kCommitHeader, '\0');
  active.reset();
  last = std::min(floor - 1, segment.last());
  before = segment.before + count;
  if (Trouble trouble = store(commit, bytes)) {
    last = old_last;
    before = old_before;
    return trouble;
  }
  for (Segment& one : segments.all()) {  // the table changed
    if (one.first != first) continue;
    removed += one.count - count;
    one.count = static_cast<uint32_t>(count);
    one.span = static_cast<uint32_t>(last - first);
  }
  return {};
}

// Makes the reader stand in `segment`: where it was, or at its beginning.
Trouble Spool::State::seek(Reader& from, const Segment& segment) {
  if (from.walk && from.segment == segment.first) {
    from.walk->extend(segment.end);
    return {};
  }
  from = {};
  Trouble trouble;
  from.file = segments.open(segment, trouble);
  if (!from.file) return trouble;
  from.segment = segment.first;
  from.walk = std::make_unique<Walk>(*from.file, segment.first, segment.id, segment.end, kPiece);
  return {};
}

// A read that fails is trouble, to be tried again: the disk may be gone only for now. When the same place fails with
// EIO again and again, it is stepped over, if there is something behind it that can be read.
Trouble Spool::State::read(Reader& from, uint64_t& next, const Each& each, bool counts) {
  auto& all = segments.all();
  next = std::max(next, done);
  uint64_t at = next, lost = 0;
  Trouble trouble;
  const bool steps = counts && failures >= kPatience && failed_at == next;
  auto segment = std::find_if(all.begin(), all.end(), [&](const Segment& s) { return s.count > 0 && s.last() >= at; });
  for (; segment != all.end() && (!trouble || steps); ++segment) {
    if (segment->count == 0) continue;
    if (Trouble failed = seek(from, *segment); failed) {
      lost += segment->count;
      if (failed.code != ENOENT) trouble = std::move(failed);
      continue;
    }
    Walk& walk = *from.walk;
    while (at <= segment->last()) {
      Record record;
      const bool got = from.in_commit ? walk.record(record) : walk.next();
      if (const int error = walk.take_error(); error != 0) {
        trouble = trouble_of(error, "cannot read " + segments.path(*segment));
        if (!steps) break;
      }
      if (!from.in_commit) {
        if (!got) break;
        from.passed += walk.commit().count;
        from.in_commit = walk.commit().count > 0 && walk.commit().end() >= at;
      } else if (!got) {
        if (walk.harmed() && walk.offset() != segment->torn) lost += walk.commit().count - walk.taken();
        from.in_commit = false;
      } else if (record.seq > segment->last()) {
        break;
      } else if (record.seq >= at) {
        next = at = record.seq + 1;
        if (counts) damaged += std::exchange(lost, 0);
        trouble = {};
        if (!each(record)) return {};
      }
    }
    if (trouble && !steps) break;
    if (at <= segment->last() && from.passed < segment->count) lost += segment->count - from.passed;
    at = std::max(at, segment->last() + 1);
    if (segment + 1 != all.end()) from = {};
  }
  if (trouble) {
    from = {};
    const bool again = counts && failed_at == next;
    failures = trouble.code != EIO ? 0 : again ? failures + 1 : 1;
    failed_at = next;
    return trouble;
  }
  if (counts) damaged += lost;
  next = at;
  return {};
}

Spool::Spool(Disk& disk, std::string folder, SpoolLimits limits)
    : state_(std::make_unique<State>(disk, std::move(folder), limits)) {}

Spool::~Spool() = default;

uint64_t Spool::beyond(const std::vector<std::string>& names) {
  uint64_t out = 1;
  for (const std::string& name : names) {
    uint64_t first = 0;
    if (!is_segment_name(name, first)) continue;
    const uint64_t room = std::numeric_limits<uint64_t>::max() - first;
    out = std::max(out, first + std::min(kSegmentSpan, room));
  }
  return out;
}

Trouble Spool::open(uint64_t done) {
  State& s = *state_;
  s.active.reset();
  s.reader = {};
  s.count.reset();
  Segments::Found found;
  if (Trouble trouble = s.segments.scan(found, s.failed_opens >= kPatience)) {
    ++s.failed_opens;
    return trouble;
  }
  s.failed_opens = 0;
  auto& all = s.segments.all();
  if (found.sound) {
    Trouble ignored;  // then the next commit makes a new one
    s.active = s.segments.open(all.back(), ignored);
  }
  // A process that was killed may have written the last commit, or named its file, and not synced it yet.
  Trouble trouble = trouble_of(s.active ? s.active->sync() : 0, "cannot write " + s.segments.folder());
  if (!trouble && !all.empty()) trouble = s.segments.sync();
  if (trouble && trouble.code != EROFS) return trouble;
  if (trouble) s.active.reset();  // nothing goes behind what may not be there
  s.done = std::max({s.done, done, found.done});
  s.done_on_disk = found.done;
  s.last = found.last;
  s.highest = std::max(s.highest, found.last);
  s.before = found.before;
  s.torn += found.torn;
  s.cursor = 0;
  s.void_files += found.void_files;
  s.block = std::clamp<uint64_t>(s.disk.space(s.segments.folder()).block, 512, kSmallestSegment);
  for (const Segment& segment : all)
    if (segment.missing > 0 && segment.last() >= s.done) s.damaged += segment.missing;
  static_cast<void>(s.sweep());  // what cannot be removed now is tried again
  return {};
}

uint64_t Spool::done() const { return state_->done; }

Spool::Appended Spool::append(const std::vector<Record>& records, uint64_t done, bool make_room) {
  State& s = *state_;
  Appended out;
  s.done = std::max(s.done, done);
  if (records.empty()) return out;
  uint64_t bound = kSegmentHeader + kCommitHeader, seq = s.lowest() - 1;
  CommitHeader commit;
  uint64_t payload = 0;
  for (const Record& record : records) {
    const bool fits = record.seq > seq && record.seq - records.front().seq < kSegmentSpan;
    if (!fits || record.seq > kLastSequence) {
      out.trouble = {EINVAL, "the sequence numbers of a commit must grow, and by less than " +
                                 std::to_string(kSegmentSpan) + ": " + std::to_string(record.seq)};
      return out;
    }
    if (record.payload.size() > DTU_PAYLOAD_MAX || record.route.size() > DTU_ROUTE_MAX ||
        record.device.size() > DTU_DEVICE_MAX) {
      out.trouble = {EMSGSIZE, "a message of " + std::to_string(record.payload.size()) + " bytes is too large"};
      return out;
    }
    seq = record.seq;
    payload += record.payload.size();
    bound += encoded_bound(record);
  }
  if (records.size() > s.limits.messages || payload > std::min(s.limits.bytes, kLargestCommit)) {
    out.trouble = {ENOSPC, s.segments.folder() + " cannot hold so many messages in one commit"};
    return out;
  }
  commit.first = records.front().seq;
  commit.span = static_cast<uint32_t>(seq - commit.first);
  commit.count = static_cast<uint32_t>(records.size());
  commit.payload = static_cast<uint32_t>(payload);
  commit.time_us = records.front().time_ns / 1000;
  commit.seed = static_cast<uint32_t>(s.random());
  std::string bytes(bound, '\0');
  uint64_t at = kSegmentHeader + kCommitHeader;
  for (const Record& record : records)
    at += encode(record, {commit.first, commit.time_us}, commit.seed, bytes.data() + at);
  commit.length = static_cast<uint32_t>(at - kSegmentHeader - kCommitHeader);
  if (whole_blocks(at) > s.limits.bytes) {
    out.trouble = {ENOSPC, s.segments.folder() + " cannot hold so many messages in one commit"};
    return out;
  }
  static_cast<void>(s.sweep());
  do out.trouble = s.store(commit, bytes);
  while (out.trouble.code == ENOSPC && make_room && s.drop_oldest(out));
  return out;
}

Trouble Spool::advance(uint64_t done, bool write) {
  State& s = *state_;
  s.done = std::max(s.done, done);
  s.cursor = std::max(s.cursor, s.done);
  Trouble trouble = s.sweep();
  if (!write) return trouble;
  Trouble more = s.checkpoint();
  return trouble ? trouble : more;
}

Trouble Spool::read(uint64_t from, const Each& each) {
  State& s = *state_;
  if (from > s.cursor) s.cursor = from;
  return s.read(s.reader, s.cursor, each, true);
}

Trouble Spool::peek(uint64_t from, const Each& each) {
  State::Reader reader;
  return state_->read(reader, from, each, false);
}

void Spool::skip(uint64_t from) { state_->cursor = std::max(state_->cursor, from); }

Trouble Spool::clear(uint64_t& removed) {
  State& s = *state_;
  removed = 0;
  auto& all = s.segments.all();
  const uint64_t floor = s.floor();
  const auto kept = std::find_if(all.rbegin(), all.rend(),
                                 [&](const Segment& segment) { return segment.count > 0 && segment.first < floor; });
  const bool keeps = kept != all.rend();  // some of its records were read and are not done
  if (keeps) {
    if (Trouble trouble = s.cut(*kept, floor, removed)) return trouble;
  } else if (!s.segments.synced()) {  // else they could come back without what the others say of them
    if (Trouble trouble = s.segments.sync()) return trouble;
  }
  for (size_t i = all.size(); i-- > 0 && (all[i].count == 0 || all[i].first >= floor);) {
    if (i + 1 == all.size()) {
      if (all[i].end > 0 && all[i].count == 0 && i > 0) continue;  // it says that the others do not count
      s.active.reset();
    }
    s.forget(all[i]);
    const uint64_t count = all[i].count;
    const uint64_t before = all[i].before;
    if (Trouble trouble = s.segments.remove(i, all[i].size == s.segment_size())) return trouble;
    if (count > 0 && !keeps) s.before = before;
    removed += count;
  }
  return s.segments.sync();
}

void Spool::set_limits(SpoolLimits limits) { state_->limits = limits; }

Spool::Facts Spool::facts() const {
  State& s = *state_;
  Facts out;
  out.messages = s.messages();
  out.disk_bytes = s.segments.bytes();
  out.written = s.written;
  out.damaged = s.damaged;
  out.torn = s.torn;
  out.last_seq = s.highest;
  out.done = s.done;
  out.void_files = s.void_files;
  for (const Segment& segment : s.segments.all()) {
    if (segment.count == 0) continue;
    out.payload += segment.payload;
    if (out.first_seq == 0) out.first_seq = std::max(segment.first, s.done);
    ++out.segments;
  }
  return out;
}

}  // namespace dtud::spool
