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
#include <cstring>
#include <system_error>
#include <utility>

#include "spool/chunk.hpp"

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

struct Journal::State {
  char magic[8];
  std::atomic<uint64_t> done, next;
  char boot[40];  // of the board, when it was last opened
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
  if (lock_) ::munmap(state_, sizeof(State));
}

Trouble Journal::open() {
  trouble_ = open_folder();
  if (!trouble_) trouble_ = take_up();
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
    state_->done = state_->next = 0;
    std::memcpy(state_->magic, kMagic, sizeof kMagic);
  }
  std::memcpy(state_->boot, boot.data(), boot.size());
  return {};
}

Trouble Journal::take_up() {
  const std::unique_ptr<DIR, CloseFolder> folder(::opendir(folder_.c_str()));
  if (!folder) return failure(errno, "cannot list " + folder_);
  while (const dirent* entry = ::readdir(folder.get())) {
    const std::string_view name = entry->d_name;
    if (name.size() <= kEnding.size() || name.substr(name.size() - kEnding.size()) != kEnding) continue;
    const std::string file = folder_ + "/" + entry->d_name;
    last_number_ = std::max<uint64_t>(last_number_, std::strtoull(entry->d_name, nullptr, 10));
    auto chunk = Chunk::take_up(file);
    if (!chunk) continue;
    chunk->number = std::strtoull(entry->d_name, nullptr, 10);
    Record record;
    for (uint32_t at = Chunk::kFirst; (at = chunk->read(at, chunk->used(), record)) != 0;) {
      chunk->last_seq = record.seq;
      if (record.seq >= done()) ++chunk->left;
    }
    if (chunk->left == 0)
      chunk->remove_file();
    else
      chunks_.push_back(std::move(chunk));
  }
  std::sort(chunks_.begin(), chunks_.end(), [](const auto& a, const auto& b) { return a->base().seq < b->base().seq; });
  if (!chunks_.empty()) state_->next = std::max<uint64_t>(state_->next, chunks_.back()->last_seq + 1);
  return {};
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
void Journal::set_done(uint64_t seq) { state_->done.store(seq, std::memory_order_relaxed); }
uint64_t Journal::next() const { return state_->next.load(std::memory_order_relaxed); }

bool Journal::append(const Record& record) {
  if ((chunks_.empty() || !chunks_.back()->append(record)) && !(begin_chunk(record) && chunks_.back()->append(record)))
    return false;
  state_->next.store(record.seq + 1, std::memory_order_relaxed);
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
  if (chunk->size() == Chunk::kUsual && !spare_ && !lent_)
    spare_ = std::move(chunk);
  else
    chunk->remove_file();
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
