#include "routing/backlog.hpp"

#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <utility>

#include "log/counted.hpp"
#include "spool/segments.hpp"

namespace dtud::routing {

std::string Backlog::folder_in(const std::string& dir, uint32_t channel) { return dir + "/" + std::to_string(channel); }

namespace {

constexpr uint64_t kGroup = 64U << 10U;     // bytes that are not made to wait for the second to be over
constexpr uint64_t kCommitMessages = 4096;  // of one commit, and less where the disk's bounds are small
constexpr uint64_t kCommitBytes = 256U << 10U;
constexpr uint64_t kCommitsInLimits = 64;
constexpr char kDamaged[] = "damaged", kCleared[] = "cleared";  // as dtu_fate.reason
constexpr size_t kReadMessages = 512;                           // of one look at the disk
constexpr uint64_t kReadBytes = 256U << 10U;

template <typename Holes>
bool is_in(uint64_t seq, const Holes& holes) {
  return std::any_of(holes.begin(), holes.end(), [seq](const auto& h) { return h.begin <= seq && seq < h.end; });
}

dtu_msg message_of(const spool::Record& record) {
  dtu_msg msg{};
  msg.source = record.source;
  msg.time_ns = record.time_ns;
  msg.flags = record.flags;
  msg.route = {record.route.data(), record.route.size()};
  msg.payload = {record.payload.data(), record.payload.size()};
  msg.device = {record.device.data(), record.device.size()};
  return msg;
}

spool::Record record_of(const KeptMessage& message, uint64_t seq) {
  const dtu_msg msg = message.view(0);
  return {seq, msg.time_ns, msg.source, msg.flags, dtu::view(msg.route), dtu::view(msg.payload), dtu::view(msg.device)};
}

// Writes what the ranges have from `from` on in commits of a bounded size, on the disk lane. What an earlier try got to
// the disk is not written again.
spool::Spool::Appended write_ranges(spool::Spool& spool, const std::vector<spool::Journal::Range>& ranges,
                                    uint64_t from, const std::function<bool(uint64_t)>& dropped, uint64_t done,
                                    const BacklogSettings& settings) {
  spool::Spool::Appended all;
  std::vector<spool::Record> group;
  uint64_t bytes = 0;
  const uint64_t most = std::clamp(settings.disk.messages / kCommitsInLimits, uint64_t{1}, kCommitMessages);
  const uint64_t most_bytes = std::min(settings.disk.bytes / kCommitsInLimits, kCommitBytes);
  from = std::max(from, spool.facts().last_seq + 1);
  const auto write = [&] {
    if (group.empty() || all.trouble) return;
    spool::Spool::Appended one = spool.append(group, done, settings.drop_oldest);
    all.trouble = one.trouble;
    all.dropped += one.dropped;
    all.dropped_below = std::max(all.dropped_below, one.dropped_below);
    group.clear();
    bytes = 0;
  };
  for (const auto& range : ranges)
    range.each([&](const spool::Record& record) {
      if (record.seq < from || dropped(record.seq)) return;
      if (!group.empty() && record.seq - group.front().seq >= spool::kSegmentSpan) write();
      group.push_back(record);
      bytes += record.payload.size();
      if (group.size() >= most || bytes >= most_bytes) write();
    });
  write();
  return all;
}

}  // namespace

Backlog::Backlog(Storage& storage, uint32_t channel, BacklogSettings settings, Window& window)
    : storage_(storage),
      channel_(channel),
      who_("channel " + std::to_string(channel)),
      settings_(settings),
      window_(window),
      journal_(folder_in(storage.journal_dir, channel)),
      spool_(
          std::make_shared<spool::Spool>(storage.disk.disk(), folder_in(storage.spool_dir, channel), settings.disk)) {
  tick_timer_ = storage_.lane.timers().create(tick_due, this);
  open();
}

Backlog::~Backlog() { storage_.lane.timers().destroy(tick_timer_); }

void Backlog::set(BacklogSettings settings) {
  settings_ = settings;
  storage_.disk.run(
      here_, [spool = spool_, limits = settings.disk] { return spool->set_limits(limits), true; }, [](bool) {});
  if (total_ != 0) arm_tick();
  window_.changed();
}

// --- in and out
// --------------------------------------------------------------------------------------------------------

uint64_t Backlog::append(const KeptMessage& message, bool window_has_room, bool& in_window) {
  const uint64_t seq = next_;
  if (!journal_.append(record_of(message, seq))) return 0;
  ++next_;
  ++total_;
  for (Messages* m : {&memory_, &newer_}) {
    ++m->messages;
    m->bytes += message.payload_size();
  }
  in_window = !opening_ && loaded_ == seq && window_has_room;
  if (in_window) {
    entries_.push_back({seq, false});
    loaded_ = seq + 1;
  }
  using config::Storage;
  const bool much = memory_.messages >= settings_.memory_messages - settings_.memory_messages / 4 ||
                    memory_.bytes >= settings_.memory_bytes - settings_.memory_bytes / 4;
  if (settings_.mode == Storage::on && much) spilling_ = true;
  if (settings_.mode == Storage::always || (spilling_ && (much || memory_.bytes >= kGroup))) commit();
  arm_tick();
  return seq;
}

void Backlog::in_memory_no_more(uint64_t seq, uint64_t bytes) {
  if (seq <= spilled_) return;
  journal_.forget(seq);
  --memory_.messages;
  memory_.bytes -= bytes;
  if (seq <= moving_to_) return;
  --newer_.messages;
  newer_.bytes -= bytes;
}

void Backlog::done(uint64_t seq, uint64_t bytes) {
  size_t low = 0, high = entries_.size();
  while (low < high) {
    const size_t middle = (low + high) / 2;
    (entries_[middle].seq < seq ? low : high) = entries_[middle].seq < seq ? middle + 1 : middle;
  }
  if (low == entries_.size() || entries_[low].seq != seq || entries_[low].done) return;
  entries_[low].done = true;
  --total_;
  in_memory_no_more(seq, bytes);
  step_done();
  if (facts_.segments != 0) arm_tick();
}

void Backlog::step_done() {
  while (!entries_.empty() && entries_.front().done) entries_.drop_front();
  done_ = entries_.empty() ? loaded_ : entries_.front().seq;
  journal_.set_done(done_);
}

void Backlog::give(KeptMessage message, uint64_t seq) {
  none_up_to(seq, kDamaged);
  entries_.push_back({seq, false});
  loaded_ = seq + 1;
  window_.loaded(std::move(message), seq);
}

// The window gets none of those that are left below `end`.
void Backlog::none_up_to(uint64_t end, const char* why) {
  if (loaded_ < end) window_.gone(loaded_, end, why);
  loaded_ = std::max(loaded_, end);
}

void Backlog::load() {
  if (opening_) return;
  spool::Record record;
  while (window_.wants_more()) {
    if (loaded_ <= spilled_) return read();
    if (!in_journal(loaded_, record)) {
      none_up_to(next_, kDamaged);
      return step_done();
    }
    KeptMessage message = KeptMessage::keep(message_of(record));
    if (!message) return;  // memory is short: the next completion asks again
    give(std::move(message), record.seq);
  }
}

uint64_t Backlog::sendable() const {
  const bool waits = settings_.mode == config::Storage::always && !trouble_ && !unusable_;
  return waits ? spilled_ : std::numeric_limits<uint64_t>::max();
}

// While the disk takes what memory cannot hold, and the sender cannot wait, only the bytes of memory count: what is
// above the bound in messages is on its way there.
bool Backlog::full() const {
  const bool disk_helps = !settings_.block && settings_.mode != config::Storage::off && !trouble_ && !unusable_;
  return memory_.bytes >= settings_.memory_bytes || (!disk_helps && memory_.messages >= settings_.memory_messages);
}

bool Backlog::has_room() const {
  return memory_.bytes <= settings_.memory_bytes - settings_.memory_bytes / 4 &&
         memory_.messages <= settings_.memory_messages - settings_.memory_messages / 4;
}

uint64_t Backlog::drop_oldest() {
  spool::Record record;
  if (opening_ || committing_ || !in_journal(std::max(loaded_, spilled_ + 1), record)) return 0;
  if (!holes_.empty() && holes_.back().end == record.seq)
    ++holes_.back().end;
  else
    holes_.push_back({record.seq, record.seq + 1});
  --total_;
  in_memory_no_more(record.seq, record.payload.size());
  if (loaded_ > spilled_) {
    loaded_ = record.seq + 1;
    step_done();
  }
  return record.seq;
}

// The first one from `from` on that was not dropped.
bool Backlog::in_journal(uint64_t from, spool::Record& out) const {
  while (journal_.read(from, out)) {
    const auto hole = std::find_if(holes_.begin(), holes_.end(),
                                   [&](const Hole& h) { return h.begin <= out.seq && out.seq < h.end; });
    if (hole == holes_.end()) return true;
    from = hole->end;
  }
  return false;
}

// --- to the disk
// -------------------------------------------------------------------------------------------------------

void Backlog::commit() {
  if (committing_ || clearing_ || opening_ || unusable_ || !has_unspilled() || storage_.lane.now_ns() < retry_ns_)
    return;
  auto ranges = journal_.lend_after(spilled_);
  committing_ = true;
  moving_to_ = next_ - 1;
  newer_ = {};
  storage_.disk.run(
      here_,
      [spool = spool_, ranges = std::move(ranges), from = std::max(spilled_ + 1, done_), holes = holes_,
       loaded = loaded_, done = done_, settings = settings_, first = !appended_,
       is_open = facts_.last_seq != 0 || facts_.segments != 0] {
        Committed result;
        if (!is_open) result.appended.trouble = spool->open(first ? 0 : done);
        // Nothing was there when dtud started. What is there now was never read, and must not count as done.
        result.strange = first && !is_open && spool->facts().segments != 0;
        if (!result.appended.trouble && !result.strange) {
          result.tried = true;
          spool->skip(loaded);
          const auto dropped = [&holes](uint64_t seq) { return is_in(seq, holes); };
          result.appended = write_ranges(*spool, ranges, from, dropped, done, settings);
        }
        result.facts = spool->facts();
        return result;
      },
      [this, to = moving_to_](Committed result) {
        result.last = to;
        committed(result);
      });
}

void Backlog::committed(const Committed& result) {
  committing_ = false;
  journal_.give_back();
  facts_ = result.facts;
  if (result.strange) {
    unusable_ = true;
    journal_.take_back_done(facts_.last_seq, done_);
    failed({EEXIST, folder_in(storage_.spool_dir, channel_) + " has " + counted(facts_.messages, "message") +
                        " that could not be seen when dtud started"});
    for (const auto& flushed : std::exchange(flushed_, {})) flushed();
    load();
    return window_.changed();
  }
  appended_ = appended_ || result.tried;
  remember_stored();
  const spool::Spool::Appended& appended = result.appended;
  if (appended.dropped_below != 0) {
    dropped_ += appended.dropped;
    total_ -= std::min(total_, appended.dropped);
    storage_.log.warning(who_,
                         "its disk space is full: dropped the oldest " + counted(appended.dropped, "stored message"));
    window_.dropped(appended.dropped_below);
  }
  if (appended.trouble) {
    failed(appended.trouble);
  } else {
    works_again("stores its messages on disk again");
    spilled_ = result.last;
    memory_ = newer_;
    journal_.release(spilled_);
  }
  if (!flushed_.empty() && (appended.trouble || !has_unspilled())) {
    for (const auto& flushed : std::exchange(flushed_, {})) flushed();
  } else if (!flushed_.empty() || settings_.mode == config::Storage::always || (spilling_ && memory_.bytes >= kGroup)) {
    commit();
  }
  load();
  window_.changed();
}

void Backlog::read() {
  if (reading_ || storage_.lane.now_ns() < read_retry_ns_) return;
  reading_ = true;
  storage_.disk.run(
      here_,
      [spool = spool_, from = loaded_, holes = holes_] {
        Read result;
        result.end = true;
        uint64_t bytes = 0;
        result.trouble = spool->read(from, [&](const spool::Record& record) {
          if (is_in(record.seq, holes)) return ++result.skipped, true;
          KeptMessage message = KeptMessage::keep(message_of(record));
          bytes += record.payload.size();
          result.end = false;
          if (!message) return false;  // no memory: from here on later
          result.messages.emplace_back(record.seq, std::move(message));
          return result.messages.size() < kReadMessages && bytes < kReadBytes;
        });
        result.facts = spool->facts();
        return result;
      },
      [this](Read result) { arrived(std::move(result)); });
}

void Backlog::arrived(Read&& result) {
  reading_ = false;
  if (const uint64_t lost = result.facts.damaged - facts_.damaged; lost != 0) {
    total_ -= std::min(total_, lost);
    storage_.log.error(who_, "damaged and lost: " + counted(lost, "stored message"));
  }
  facts_ = result.facts;
  total_ -= std::min(total_, result.skipped);
  remember_stored();
  for (auto& [seq, message] : result.messages)
    if (seq >= loaded_) give(std::move(message), seq);
  if (result.trouble) {
    read_retry_ns_ = storage_.lane.now_ns() + storage_.retry_ns;
    return failed(result.trouble);
  }
  if (result.end) {
    none_up_to(facts_.last_seq + 1, kDamaged);
    step_done();
  }
  load();
  window_.changed();
}

void Backlog::advance_disk() {
  if (advancing_ || opening_ || unusable_ || facts_.segments == 0 || done_ == told_done_) return;
  advancing_ = true;
  told_done_ = done_;
  struct Advanced {
    spool::Trouble trouble;
    spool::Spool::Facts facts;
  };
  storage_.disk.run(
      here_,
      [spool = spool_, done = done_] {
        Advanced result;
        result.trouble = spool->advance(done, true);
        result.facts = spool->facts();
        return result;
      },
      [this](const Advanced& result) {
        advancing_ = false;
        facts_ = result.facts;
        remember_stored();
        if (result.trouble) failed(result.trouble);
      });
}

void Backlog::failed(const spool::Trouble& trouble) {
  if (trouble_.text != trouble.text)
    storage_.log.error(
        who_, trouble.text + (unusable_ ? "; what is stored there waits, and new messages stay in memory, until "
                                          "dtud starts again"
                                        : "; its messages stay in memory, the disk is tried again"));
  trouble_ = trouble;
  retry_ns_ = storage_.lane.now_ns() + (trouble.code == ENOSPC ? storage_.tick_ns : storage_.retry_ns);
  arm_tick();
  window_.changed();
}

void Backlog::works_again(const char* how) {
  if (!trouble_) return;
  trouble_ = {};
  retry_ns_ = 0;
  storage_.log.info(who_, how);
}

// --- time
// --------------------------------------------------------------------------------------------------------------

void Backlog::arm_tick() {
  if (ticking_) return;
  ticking_ = true;
  storage_.lane.timers().arm(tick_timer_, storage_.lane.now_ns() + storage_.tick_ns);
}

void Backlog::tick_due(void* self) { static_cast<Backlog*>(self)->tick(); }

void Backlog::tick() {
  ticking_ = false;
  // A message that was there two ticks ago and still is has waited for more than two seconds.
  const bool old = done_ < marks_[1];
  marks_[1] = std::exchange(marks_[0], next_);
  while (!holes_.empty() && holes_.front().end <= done_) holes_.erase(holes_.begin());
  using config::Storage;
  spilling_ = settings_.mode == Storage::on && has_unspilled() && (old || !window_.carries());
  if (spilling_ || settings_.mode == Storage::always) commit();
  advance_disk();
  load();
  const bool over = storage_.lane.now_ns() >= retry_ns_;
  if (!unusable_ && over && !has_unspilled()) works_again("nothing waits for the disk any more");
  const bool trim = facts_.segments != 0 && done_ != told_done_ && !unusable_;
  if (has_unspilled() || trim || loaded_ <= spilled_ || (trouble_ && !unusable_)) arm_tick();
}

// --- on request
// --------------------------------------------------------------------------------------------------------

void Backlog::flush(std::function<void()> flushed) {
  if (settings_.mode == config::Storage::off || unusable_ || opening_ || !has_unspilled()) return flushed();
  flushed_.push_back(std::move(flushed));
  retry_ns_ = 0;
  commit();
  if (!committing_) {  // nothing to write after all
    for (const auto& done : std::exchange(flushed_, {})) done();
  }
}

void Backlog::clear(std::function<void(uint64_t, const spool::Trouble&)> cleared) {
  struct Cleared {
    spool::Trouble trouble;
    spool::Spool::Facts facts;
    uint64_t removed = 0;
  };
  clearing_ = true;  // nothing is written meanwhile that is about to go
  journal_.set_stored({});
  storage_.disk.run(
      here_,
      [spool = spool_, loaded = loaded_, nothing = unusable_ || opening_ || facts_.segments == 0] {
        Cleared result;
        if (nothing) return result;
        spool->skip(loaded);
        result.trouble = spool->clear(result.removed);
        result.facts = spool->facts();
        return result;
      },
      [this, cleared = std::move(cleared)](const Cleared& result) {
        clearing_ = false;
        uint64_t removed = result.removed;
        total_ -= std::min(total_, removed);
        if (result.facts.last_seq != 0) facts_ = result.facts;
        remember_stored();
        if (!result.trouble) none_up_to(spilled_ + 1, kCleared);
        while (const uint64_t seq = drop_oldest()) {
          window_.gone(seq, seq + 1, kCleared);
          ++removed;
        }
        step_done();
        cleared(removed, result.trouble);
        window_.changed();
      });
}

void Backlog::peek(uint64_t from, uint32_t messages, uint64_t bytes,
                   std::function<void(std::vector<Peeked>, const spool::Trouble&)> peeked) {
  struct Page {
    std::vector<Peeked> messages;
    uint64_t bytes = 0;
    spool::Trouble trouble;
    bool add(const spool::Record& r, uint32_t most, uint64_t most_bytes) {
      messages.push_back(
          {r.seq, r.source, r.time_ns, r.flags, std::string(r.route), std::string(r.payload), std::string(r.device)});
      bytes += r.payload.size();
      return messages.size() < most && bytes < most_bytes;
    }
  };
  from = std::max(from, done_);
  storage_.disk.run(
      here_,
      [spool = spool_, from, messages, bytes, holes = holes_, nothing = unusable_ || opening_ || facts_.segments == 0] {
        Page page;
        if (!nothing)
          page.trouble = spool->peek(
              from, [&](const spool::Record& r) { return is_in(r.seq, holes) || page.add(r, messages, bytes); });
        return page;
      },
      [this, from, messages, bytes, peeked = std::move(peeked)](Page page) {
        spool::Record record;
        uint64_t next = std::max({from, spilled_ + 1, page.messages.empty() ? 0 : page.messages.back().seq + 1});
        while (page.messages.size() < messages && page.bytes < bytes && in_journal(next, record)) {
          next = record.seq + 1;
          (void)page.add(record, messages, bytes);
        }
        peeked(std::move(page.messages), page.trouble);
      });
}

bool Backlog::idle() const {
  return total_ == 0 && !opening_ && !clearing_ && !committing_ && !reading_ && !advancing_ && facts_.segments == 0;
}

void Backlog::remove_files() { journal_.remove_files(); }

}  // namespace dtud::routing
