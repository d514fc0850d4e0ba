#include "spool/check.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <limits>
#include <utility>

#include "log/counted.hpp"
#include "spool/segments.hpp"

namespace dtud::spool {
namespace {

constexpr size_t kMostDamages = 100;  // that are listed
constexpr uint64_t kPiece = 65536;

class Check {
 public:
  Check(File& file, std::string_view name) : file_(file) { named_ = is_segment_name(name, name_first_); }

  CheckReport run(std::string_view name) {
    out_.size = file_.size();
    std::array<char, kSegmentHeader> bytes{};
    const int64_t n = file_.read_at(0, bytes.data(), bytes.size());
    if (n < 0) {
      out_.trouble = trouble_of(static_cast<int>(n), "cannot read");
      return std::move(out_);
    }
    SegmentHeader header;
    out_.header = get_header({bytes.data(), static_cast<size_t>(n)}, header);
    if (out_.header) {
      out_.version = header.version;
      out_.first = header.first;
      out_.kind = is_readable(header.version) ? CheckReport::Kind::segment : CheckReport::Kind::newer;
    } else if (named_) {
      out_.first = name_first_;
    }
    if (name == kSpare && out_.kind != CheckReport::Kind::newer) out_.kind = CheckReport::Kind::spare;
    // Without a header the name says where the sequence numbers begin, and the first whole commit the rest.
    if (out_.kind == CheckReport::Kind::segment || (!out_.header && named_)) commits(header);
    out_.meaning = meaning();
    return std::move(out_);
  }

 private:
  void commits(const SegmentHeader& header) {
    Walk walk(file_, out_.first, out_.header ? header.id : 0, out_.size, kPiece);
    if (!out_.header) add({0, std::min(out_.size, kSegmentHeader), 0, "the header of the segment is damaged"});
    CommitHeader last;
    bool known = out_.header;  // `last` is the commit before
    last.before = header.before;
    while (walk.next()) {
      const CommitHeader& commit = walk.commit();
      out_.kind = CheckReport::Kind::segment;
      const uint64_t expected = last.before + last.count;
      const uint64_t missing = known && commit.before > expected ? commit.before - expected : 0;
      if (walk.skipped() > 0 || missing > 0)
        add({walk.offset() - walk.skipped(), walk.skipped(), missing, "bytes that are not a commit"});
      if (out_.torn) {  // a whole one follows: it says how many of the torn one count
        out_.torn = false;
        if (commit.before >= expected) add({torn_.offset, torn_.size, torn_.records, "a damaged commit"});
      }
      records(walk);
      last = commit;
      known = true;
      out_.used = std::min(walk.end(), out_.size);
    }
    if (const int error = walk.take_error(); error != 0) out_.trouble = trouble_of(error, "cannot read all of it");
    if (!out_.torn && walk.end() > out_.size) out_.torn = true;
    if (out_.used > 0 && !out_.torn) out_.torn = begun_behind(walk);
  }

  // The records of the commit. A harmed one ends it: what is behind it is not read.
  void records(Walk& walk) {
    const CommitHeader& commit = walk.commit();
    out_.done = std::max(out_.done, commit.done);
    if (commit.count > 0) ++out_.commits;
    for (Record record; walk.record(record);) {
      if (out_.records++ == 0) {
        out_.first_seq = record.seq;
        out_.first_time_ns = record.time_ns;
      }
      out_.last_seq = record.seq;
      out_.last_time_ns = record.time_ns;
      out_.payload += record.payload.size();
    }
    if (!walk.harmed()) return;
    out_.torn = true;  // unless another follows
    torn_ = {walk.offset(), walk.end() - walk.offset(), commit.count - walk.taken(), ""};
  }

  bool begun_behind(const Walk& walk) {
    const uint64_t block = (walk.end() + kBlock - 1) / kBlock * kBlock;
    return is_begun(file_, walk.end(), walk.id()) || is_begun(file_, block, walk.id());
  }

  void add(Damage damage) {
    ++out_.damages;
    destroyed_ += damage.records;
    if (out_.damage.size() < kMostDamages) out_.damage.push_back(std::move(damage));
  }

  [[nodiscard]] std::string meaning() const {
    switch (out_.kind) {
      case CheckReport::Kind::newer:
        return "written by a newer dtud (format " + std::to_string(out_.version) + ", this one reads " +
               std::to_string(kFormatVersion) + "): use that version of dtud";
      case CheckReport::Kind::spare:
        return "a spare file: it has no messages to deliver";
      case CheckReport::Kind::other:
        return named_ ? "no complete commit: there are no messages to deliver" : "not a file of a spool";
      case CheckReport::Kind::segment:
        break;
    }
    if (named_ && out_.first != name_first_) return "the first sequence number does not match the file name: not read";
    std::string out = out_.damages == 0 ? "undamaged" : "damaged: " + counted(destroyed_, "message") + " lost";
    if (out_.damages > 0) out += "; the others are delivered";
    if (out_.torn)
      out +=
          "; the last commit is incomplete: power failed during the write, and the messages were not reported as "
          "stored";
    return out;
  }

  File& file_;
  bool named_ = false;
  uint64_t name_first_ = 0, destroyed_ = 0;
  Damage torn_;
  CheckReport out_;
};

CheckReport check_one(const std::string& path, const std::string& name) {
  int error = 0;
  CheckReport out;
  if (const auto file = open_to_look(path, error))
    out = check(*file, name);
  else
    out.trouble = trouble_of(error, "cannot open");
  out.file = path;
  if (out.trouble) out.trouble.text = path + ": " + out.trouble.text;
  return out;
}

}  // namespace

CheckReport check(File& file, std::string_view name) { return Check(file, name).run(name); }

std::vector<CheckReport> check_path(const std::string& path) {
  std::vector<std::string> names;
  const int error = list_to_look(path, names);
  if (error == -ENOTDIR) return {check_one(path, path.substr(path.rfind('/') + 1))};
  std::vector<CheckReport> out;
  if (error != 0) {
    out.emplace_back();
    out.back().file = path;
    out.back().trouble = trouble_of(error, "cannot open " + path);
  }
  std::sort(names.begin(), names.end());
  const std::string folder = path + "/";
  for (const std::string& name : names) {
    uint64_t first = 0;
    if (is_segment_name(name, first) || name == kSpare) out.push_back(check_one(folder + name, name));
  }
  return out;
}

}  // namespace dtud::spool
