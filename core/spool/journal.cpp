#include "spool/journal.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <system_error>
#include <utility>

#include "log/counted.hpp"
#include "spool/chunk.hpp"
#include "spool/segment.hpp"

namespace dtud::spool {
namespace {

constexpr char kMagic[8] = {'D', 'T', 'U', 'J', 'S', 'T', '0', '1'};
constexpr std::string_view kEnding = ".jnl";

Trouble failure(int code, const std::string& what) {
  return {code, what + ": " + std::generic_category().message(code)};
}

// Each folder of the path that is missing. 0 or errno.
int make_folders(const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    if (::mkdir(path.substr(0, end).c_str(), 0700) != 0 && errno != EEXIST) return errno;
    if (end == std::string::npos) return 0;
  }
}

// Another one after each start of the board; zeros where the system has none.
std::array<char, 40> boot_id() {
  std::array<char, 40> id{};
  const Descriptor fd(::open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC));
  if (fd && ::read(fd.get(), id.data(), id.size() - 1) <= 0) id[0] = '\0';
  return id;
}

struct CloseFolder {
  void operator()(DIR* folder) const { ::closedir(folder); }
};

}  // namespace

// A process that is killed leaves it as its last instruction did. What came after the boot id is 0 in an older file.
struct Journal::State {
  char magic[8];
  std::atomic<uint64_t> done, next;
  char boot[40];                             // of the board, when it was last opened
  std::atomic<uint64_t> not_done, not_next;  // the same, each bit turned: tells damage
  std::atomic<uint64_t> later_begin, later_end;
  std::atomic<uint64_t> stored_last, stored_waiting, stored_done;

  void set_done(uint64_t seq) {
    done.store(seq, std::memory_order_relaxed);
    not_done.store(~seq, std::memory_order_relaxed);
  }
  void set_next(uint64_t seq) {
    next.store(seq, std::memory_order_relaxed);
    not_next.store(~seq, std::memory_order_relaxed);
  }
};

void Journal::Range::each(const std::function<void(const Record&)>& fn) const {
  Record record;
  for (uint32_t at = begin; (at = chunk->read(at, end, record)) != 0;) fn(record);
}

Journal::Journal(std::string folder) : folder_(std::move(folder)), plain_state_(std::make_unique<State>()) {
  state_ = plain_state_.get();
}

Journal::~Journal() {
  if (spare_) spare_->remove_file();
  drop_mapping();
}

void Journal::drop_mapping() {
  if (lock_) ::munmap(state_, sizeof(State));
  lock_.close();
  state_ = plain_state_.get();
}

Trouble Journal::open() {
  trouble_ = open_folder();
  if (!trouble_) trouble_ = take_up();
  if (trouble_) {  // what was read of it would be delivered without being done
    chunks_.clear();
    drop_mapping();
    of_this_boot_ = false;
  }
  return trouble_;
}

Trouble Journal::open_folder() {
  if (const int code = make_folders(folder_); code != 0) return failure(code, "cannot make " + folder_);
  struct stat info {};
  if (::stat(folder_.c_str(), &info) != 0) return failure(errno, "cannot use " + folder_);
  if (!S_ISDIR(info.st_mode)) return failure(ENOTDIR, "cannot use " + folder_);
  if (info.st_uid != ::geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return {EPERM, "will not use " + folder_ + ": it belongs to another user, or others may write to it"};
  const std::string file = folder_ + "/state";
  Descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return failure(errno, "cannot open " + file);
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) != 0)
    return errno == EWOULDBLOCK ? Trouble{EBUSY, folder_ + " is in use by another dtud"}
                                : failure(errno, "cannot lock " + file);
  struct stat before {};
  if (::fstat(fd.get(), &before) != 0) return failure(errno, "cannot use " + file);
  if (const int code = ::posix_fallocate(fd.get(), 0, sizeof(State)); code != 0)
    return failure(code, "cannot write " + file);
  void* memory = ::mmap(nullptr, sizeof(State), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return failure(errno, "cannot map " + file);
  state_ = static_cast<State*>(memory);
  lock_ = std::move(fd);
  const auto boot = boot_id();
  const bool ours = std::memcmp(state_->magic, kMagic, sizeof kMagic) == 0;
  of_this_boot_ = ours && boot[0] != '\0' && std::memcmp(state_->boot, boot.data(), boot.size()) == 0;
  if (!ours) {
    if (before.st_size != 0) notes_.push_back(file + " is damaged: delivered messages may be sent again");
    std::memset(memory, 0, sizeof(State));
    state_->set_done(0);
    state_->set_next(0);
    std::memcpy(state_->magic, kMagic, sizeof kMagic);
  }
  std::memcpy(state_->boot, boot.data(), boot.size());
  check_state();
  return {};
}

// Of two readings that differ the one counts that loses nothing: less is done, more numbers were given.
void Journal::check_state() {
  State& s = *state_;
  const bool older = s.not_done == 0 && s.not_next == 0;  // its dtud did not know of them
  uint64_t done = older ? s.done.load() : std::min<uint64_t>(s.done, ~s.not_done);
  uint64_t next = older ? s.next.load() : std::max<uint64_t>(s.next, ~s.not_next);
  if (next > kLastSequence) next = older ? 0 : std::min<uint64_t>(s.next, ~s.not_next);
  const bool unused = done == 1 && next == 0;  // the first number is 1: all below it is done, and none was given
  const bool wrong = (done > next && !unused) || next > kLastSequence;
  if (wrong) {
    notes_.push_back(folder_ + "/state is damaged (all below " + std::to_string(done) + " is done, " +
                     std::to_string(next) + " is the next number): delivered messages may be sent again");
    done = next = 0;
    of_this_boot_ = false;
  }
  const bool whole = !older && !wrong && s.done == ~s.not_done;
  if (!whole || !of_this_boot_) s.stored_last = 0;
  if (!whole || s.later_begin > s.later_end || s.later_end > next || s.later_begin < done)
    s.later_begin = s.later_end = 0;
  s.set_done(done);
  s.set_next(next);
}

Trouble Journal::take_up() {
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(folder_.c_str()));
  if (!folder) return failure(errno, "cannot list " + folder_);
  std::vector<std::string> damaged;
  errno = 0;
  for (const dirent* entry = ::readdir(folder.get()); entry != nullptr; entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name.size() <= kEnding.size() || name.substr(name.size() - kEnding.size()) != kEnding) continue;
    const std::string file = folder_ + "/" + entry->d_name;
    const uint64_t number = std::strtoull(entry->d_name, nullptr, 10);
    last_number_ = std::max(last_number_, number);
    int error = 0;
    auto chunk = Chunk::take_up(file, error);
    if (error == EPERM)
      return {EPERM, "will not use " + file + ": it belongs to another user, others may write it, or it is no file"};
    if (error == EOVERFLOW)
      return {EOVERFLOW, file + " was written by a newer dtud: it is kept, use that version of dtud"};
    if (error != 0) return failure(error, "cannot read " + file);
    if (chunk)
      take_up(std::move(chunk), number);
    else
      damaged.push_back(file);
    errno = 0;
  }
  if (errno != 0) return failure(errno, "cannot list " + folder_);
  for (const std::string& file : damaged) {
    (void)std::rename(file.c_str(), (file + ".rejected").c_str());
    notes_.push_back(file + " is damaged, and the messages in it are lost; it is kept as " + file + ".rejected");
  }
  std::sort(chunks_.begin(), chunks_.end(), [](const auto& a, const auto& b) { return a->base().seq < b->base().seq; });
  count_damage();
  for (size_t i = chunks_.size(); i-- > 0;)
    if (chunks_[i]->left == 0) {
      chunks_[i]->remove_file();
      chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(i));
    }
  if (!chunks_.empty() && next() == 0 && notes_.empty())
    notes_.push_back(folder_ + "/state is missing: delivered messages may be sent again");
  if (!chunks_.empty()) {
    state_->set_next(std::max(next(), chunks_.back()->last_seq + 1));
    chunks_.back()->may_grow();
  }
  return {};
}

void Journal::take_up(std::shared_ptr<Chunk> chunk, uint64_t number) {
  chunk->number = number;
  Record record;
  for (uint32_t at = Chunk::kFirst; (at = chunk->read(at, chunk->used(), record)) != 0;) {
    chunk->last_seq = record.seq;
    if (!is_done(record.seq)) ++chunk->left;
  }
  chunks_.push_back(std::move(chunk));
}

// Numbers within a chunk leave no gap, and the next chunk begins where one ends, unless others between them are gone.
void Journal::count_damage() {
  for (size_t i = 0; i < chunks_.size(); ++i) {
    const Chunk& chunk = *chunks_[i];
    Record record;
    uint32_t end = Chunk::kFirst;
    for (uint32_t at = end; (at = chunk.read(at, chunk.used(), record)) != 0;) end = at;
    if (end == chunk.used()) continue;
    constexpr uint32_t kSmallestRecord = 10;
    const uint64_t from = std::max({chunk.last_seq + 1, chunk.base().seq, done()});
    const uint64_t to = i + 1 < chunks_.size() ? chunks_[i + 1]->base().seq : next();
    const uint64_t room = (chunk.used() - end + kSmallestRecord - 1) / kSmallestRecord;
    const uint64_t lost = to > from ? std::min(to - from, room) : 0;
    damaged_ += lost;
    notes_.push_back(folder_ + "/" + std::to_string(chunk.number) + std::string(kEnding) +
                     " is damaged: " + counted(lost, "message") + " lost");
  }
}

bool Journal::is_done(uint64_t seq) const {
  const Later after = later();
  return seq < done() || (after.begin <= seq && seq < after.end);
}

uint64_t Journal::renumber(uint64_t first) {
  std::vector<std::vector<uint64_t>> wanted;  // by chunk
  Record record;
  for (const auto& chunk : chunks_) {
    wanted.emplace_back();
    for (uint32_t at = Chunk::kFirst; (at = chunk->read(at, chunk->used(), record)) != 0;)
      if (!is_done(record.seq)) wanted.back().push_back(record.seq);
  }
  // Killed from here on, dtud delivers some of them twice.
  set_stored({});
  state_->later_begin = state_->later_end = 0;
  held_ = false;
  state_->set_done(0);
  state_->set_next(first);
  place_ = {};
  uint64_t lost = 0;
  const auto old = std::exchange(chunks_, {});
  for (size_t i = 0; i < old.size(); ++i) {
    size_t taken = 0;
    for (uint32_t at = Chunk::kFirst; (at = old[i]->read(at, old[i]->used(), record)) != 0;) {
      if (taken == wanted[i].size() || record.seq != wanted[i][taken]) continue;
      ++taken;
      record.seq = first;
      if (append(record))
        ++first;
      else
        ++lost;
    }
    old[i]->remove_file();
  }
  return lost;
}

void Journal::remove_files() {
  for (const auto& chunk : chunks_) chunk->remove_file();
  chunks_.clear();
  if (spare_) std::exchange(spare_, nullptr)->remove_file();
  if (!lock_) return;
  ::unlink((folder_ + "/state").c_str());
  ::rmdir(folder_.c_str());
}

uint64_t Journal::done() const { return state_->done.load(std::memory_order_relaxed); }

void Journal::set_done(uint64_t seq) {
  if (held_) return state_->later_end.store(seq, std::memory_order_relaxed);
  state_->set_done(seq);
  if (const uint64_t end = later().end; end != 0 && seq >= end) state_->later_begin = state_->later_end = 0;
}

void Journal::hold_done(uint64_t from) {
  held_ = true;
  if (later().end != 0) return;
  state_->later_begin = from;  // first: a begin behind the end counts as none
  state_->later_end = from;
}

void Journal::take_back_done(uint64_t through, uint64_t done) {
  held_ = true;
  state_->set_done(0);
  state_->later_begin = through + 1;
  state_->later_end = std::max(done, through + 1);
}

Journal::Later Journal::later() const {
  return {state_->later_begin.load(std::memory_order_relaxed), state_->later_end.load(std::memory_order_relaxed)};
}

Journal::Stored Journal::stored() const {
  return {state_->stored_last.load(), state_->stored_waiting.load(), state_->stored_done.load()};
}

// Not known while it changes: a process may be killed in between.
void Journal::set_stored(const Stored& stored) {
  state_->stored_last = 0;
  state_->stored_waiting = stored.waiting;
  state_->stored_done = stored.done;
  state_->stored_last = stored.last;
}

uint64_t Journal::next() const { return state_->next.load(std::memory_order_relaxed); }

bool Journal::append(const Record& record) {
  if ((chunks_.empty() || !chunks_.back()->append(record)) && !(begin_chunk(record) && chunks_.back()->append(record)))
    return false;
  state_->set_next(record.seq + 1);
  return true;
}

bool Journal::begin_chunk(const Record& first) {
  const uint64_t needed = Chunk::kFirst + encoded_bound(first);
  const auto size = needed <= Chunk::kUsual ? Chunk::kUsual : static_cast<uint32_t>((needed + 4095) / 4096 * 4096);
  if (!chunks_.empty() && chunks_.back()->left == 0) end_chunk(chunks_.size() - 1);
  std::shared_ptr<Chunk> chunk;
  if (size == Chunk::kUsual && spare_) chunk = std::move(spare_);
  if (!chunk) {
    int error = 0;
    chunk =
        Chunk::make(lock_ ? folder_ + "/" + std::to_string(++last_number_) + std::string(kEnding) : "", size, error);
    if (!chunk) return false;
    if (error != 0)
      trouble_ = failure(error, "cannot keep messages in " + folder_);
    else if (lock_)
      trouble_ = {};
  }
  chunk->begin(++last_number_, {first.seq, first.time_ns / 1000});
  chunks_.push_back(std::move(chunk));
  return true;
}

void Journal::end_chunk(size_t index) {
  std::shared_ptr<Chunk> chunk = std::move(chunks_[index]);
  chunks_.erase(chunks_.begin() + static_cast<std::ptrdiff_t>(index));
  if (chunk->size() != Chunk::kUsual || spare_ || lent_) return chunk->remove_file();
  chunk->begin(0, {});  // else the next process would find them again
  spare_ = std::move(chunk);
}

void Journal::forget(uint64_t seq) {
  size_t i = 0;
  while (i < chunks_.size() && chunks_[i]->last_seq < seq) ++i;
  if (i == chunks_.size() || chunks_[i]->base().seq > seq) return;
  Chunk& chunk = *chunks_[i];
  if (--chunk.left != 0) return;
  if (i + 1 != chunks_.size() || chunk.size() != Chunk::kUsual)
    end_chunk(i);
  else if (!lent_)
    chunk.begin(++last_number_, {seq + 1, chunk.base().time_us});  // the newest is empty again: from its start
}

void Journal::release(uint64_t through) {
  while (!chunks_.empty() && chunks_.front()->last_seq <= through) end_chunk(0);
}

bool Journal::read(uint64_t from, Record& out) const {
  for (const auto& chunk : chunks_) {
    if (chunk->last_seq < from) continue;
    const bool goes_on = place_.chunk == chunk->number && place_.seq < from;
    const uint32_t end = chunk->used();
    for (uint32_t at = goes_on ? place_.offset : Chunk::kFirst; (at = chunk->read(at, end, out)) != 0;) {
      if (out.seq < from) continue;
      place_ = {chunk->number, at, out.seq};
      return true;
    }
  }
  return false;
}

std::vector<Journal::Range> Journal::lend_after(uint64_t seq) {
  std::vector<Range> ranges;
  for (const auto& chunk : chunks_)
    if (chunk->last_seq > seq) ranges.push_back({chunk, Chunk::kFirst, chunk->used()});
  lent_ = true;
  return ranges;
}

uint64_t Journal::memory() const {
  uint64_t bytes = spare_ ? spare_->size() : 0;
  for (const auto& chunk : chunks_) bytes += chunk->size();
  return bytes;
}

}  // namespace dtud::spool
