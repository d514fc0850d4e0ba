// What a backlog does when dtud starts: it looks at what is left in memory and on disk, and says what is missing.
#include <algorithm>
#include <cerrno>

#include "log/counted.hpp"
#include "routing/backlog.hpp"
#include "spool/segments.hpp"

namespace dtud::routing {
namespace {

// In the folder of a spool: messages were stored in it while the journal could not be read.
constexpr char kWithoutJournal[] = "without-journal";

bool has_ending(const std::vector<std::string>& names, std::string_view ending) {
  return std::any_of(names.begin(), names.end(), [ending](const std::string& name) {
    return name.size() > ending.size() && name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
  });
}

}  // namespace

bool Backlog::left_over(const Storage& storage, uint32_t channel, spool::Trouble* problem) {
  const auto has = [&](const std::string& dir, std::string_view ending) {
    std::vector<std::string> names;
    const std::string folder = folder_in(dir, channel);
    const int listed = storage.disk.disk().list(folder, names);
    if (listed != 0 && listed != -ENOENT && problem != nullptr)
      *problem = spool::trouble_of(listed, "cannot list " + folder);
    return has_ending(names, ending);
  };
  return has(storage.spool_dir, ".seg") || has(storage.journal_dir, ".jnl");
}

void Backlog::open() {
  spool::Disk& disk = storage_.disk.disk();
  const std::string folder = folder_in(storage_.spool_dir, channel_);
  std::vector<std::string> names;
  const int listed = disk.list(folder, names);
  const bool known = listed == 0 || listed == -ENOENT;
  Opened result;
  result.trouble = open_journal(names, known);
  if (!known) result.trouble = spool::trouble_of(listed, "cannot list " + folder);
  spool::Record record;
  for (uint64_t from = done_; in_journal(from, record); from = record.seq + 1) {
    ++memory_.messages;
    memory_.bytes += record.payload.size();
  }
  total_ = memory_.messages;
  opening_ = true;
  if (result.trouble) return opened(result);
  if (!has_ending(names, ".seg")) {
    // Nothing is on disk, and so nothing to wait for; the folder is looked at when the first messages go there.
    if (done_ == 0) done_ = in_journal(0, record) ? record.seq : next_;
    result.done = done_;
    return opened(result);
  }
  storage_.disk.run(
      here_,
      [spool = spool_, done = done_] {
        Opened looked;
        looked.trouble = spool->open(done);
        looked.done = spool->done();
        looked.facts = spool->facts();
        return looked;
      },
      [this](const Opened& looked) { opened(looked); });
}

// What memory has, and the numbers that are free. `known`: `names` are those in the spool's folder. Trouble: the spool
// must not be used.
spool::Trouble Backlog::open_journal(const std::vector<std::string>& names, bool known) {
  spool::Disk& disk = storage_.disk.disk();
  const std::string folder = folder_in(storage_.spool_dir, channel_), mark = folder + "/" + kWithoutJournal;
  const uint64_t beyond = spool::Spool::beyond(names);
  const spool::Trouble trouble = journal_.open();
  for (const std::string& note : journal_.notes()) storage_.log.error(who_, note);
  lost_ += journal_.damaged();
  if (trouble) {
    storage_.log.error(who_, trouble.text + "; its messages are in plain memory and die with the process");
    next_ = known ? beyond : spool::kProvisional;
    if (!known) return {};
    // The journal may have given any of the numbers that are given now.
    int error = disk.make_folder(folder);
    if (error == 0) (void)disk.open(mark, true, error);
    if (error == 0 || error == -EEXIST) error = disk.sync_folder(folder);
    return spool::trouble_of(error, "cannot write " + mark);
  }
  const bool marked = std::find(names.begin(), names.end(), kWithoutJournal) != names.end();
  // The file with the largest number has a larger one than was ever given: it is not from the life of this journal.
  const bool strange =
      journal_.is_of_this_boot() && beyond > spool::kSegmentSpan && beyond - spool::kSegmentSpan > journal_.next();
  next_ = std::max(journal_.next(), uint64_t{1});
  if (known && (marked || strange || next_ >= spool::kProvisional)) {
    storage_.log.warning(
        who_, "an earlier start could not read all that is stored: the messages in memory go out after those on disk");
    if (const uint64_t lost = journal_.renumber(beyond); lost != 0) {
      lost_ += lost;
      storage_.log.error(who_, "lost for want of memory: " + counted(lost, "message"));
    }
    next_ = std::max(journal_.next(), beyond);
    if (marked)
      if (const int error = disk.remove(mark); error != 0 && error != -ENOENT)
        return spool::trouble_of(error, "cannot remove " + mark);
  } else if (!journal_.is_of_this_boot()) {
    // Of this run of the board the journal knows each number that was given; else the files' names bound them.
    next_ = std::max(next_, known ? beyond : spool::kProvisional);
  }
  done_ = journal_.done();
  if (const auto later = journal_.later(); later.begin < later.end) holes_.push_back({later.begin, later.end});
  return {};
}

void Backlog::opened(const Opened& result) {
  opening_ = false;
  if (result.trouble) {
    unusable_ = true;
    failed(result.trouble);
    go_on_without_spool();
  } else {
    const spool::Journal::Stored before = journal_.stored();
    take_up(result.facts);
    done_ = std::max(done_, result.done);
    count_lost(result.facts);
    // The files may be back at the next start: a file system that is not mounted looks like this.
    if (result.facts.segments == 0 && before.last >= done_ && before.waiting != 0) go_on_without_spool();
    if (total_ != 0) storage_.log.info(who_, "still to be delivered: " + counted(total_, "stored message"));
    remember_stored();
  }
  loaded_ = told_done_ = done_;
  journal_.set_done(done_);
  load();
  if (total_ != 0) arm_tick();
  window_.changed();
}

void Backlog::take_up(const spool::Spool::Facts& facts) {
  facts_ = facts;
  total_ += facts_.messages;
  spilled_ = facts_.last_seq;
  next_ = std::max(next_, spilled_ + 1);
  // What was written before the process ended, and not yet taken out of memory.
  spool::Record record;
  for (uint64_t from = done_; in_journal(from, record) && record.seq <= spilled_; from = record.seq + 1) {
    --total_;
    --memory_.messages;
    memory_.bytes -= record.payload.size();
  }
  journal_.release(spilled_);
}

// Says what is missing. The journal knows how many messages were on disk, if it is as old as they are.
void Backlog::count_lost(const spool::Spool::Facts& facts) {
  if (facts.damaged != 0) storage_.log.error(who_, "damaged and lost: " + counted(facts.damaged, "stored message"));
  if (facts.void_files != 0)
    storage_.log.error(who_, "nothing can be read in " + counted(facts.void_files, "file") + " of " +
                                 folder_in(storage_.spool_dir, channel_) + ": messages that were there are lost");
  const spool::Journal::Stored before = journal_.stored();
  uint64_t gone = 0;
  if (before.last >= done_ && before.last != 0) {
    const uint64_t since = done_ > before.done ? done_ - before.done : 0;  // delivered, at most
    const uint64_t expected = before.waiting - std::min(before.waiting, since);
    uint64_t found = facts.messages + facts.damaged;
    spool::Record record;  // what the disk had, memory may have still
    for (uint64_t from = std::max(done_, facts.last_seq + 1); in_journal(from, record) && record.seq <= before.last;
         from = record.seq + 1)
      ++found;
    gone = expected - std::min(expected, found);
  }
  if (gone != 0) {
    lost_ += gone;
    storage_.log.error(who_, "lost: " + counted(gone, "stored message") + ", of " + std::to_string(before.waiting) +
                                 " that were in " + folder_in(storage_.spool_dir, channel_));
  } else if (facts.torn != 0) {
    storage_.log.warning(who_, "the last write to " + folder_in(storage_.spool_dir, channel_) +
                                   " was not completed: at least " + counted(facts.torn, "message") +
                                   " in it never counted as stored");
  }
}

// What is in memory goes out; what is on disk is not done by that.
void Backlog::go_on_without_spool() {
  spool::Record record;
  done_ = in_journal(done_, record) ? record.seq : next_;
  journal_.hold_done(done_);
}

void Backlog::remember_stored() { journal_.set_stored({facts_.last_seq, facts_.messages, facts_.done}); }

}  // namespace dtud::routing
