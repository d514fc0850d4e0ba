#include "spool/chunk.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "lanes/descriptor.hpp"

namespace dtud::spool {
namespace {

constexpr char kMagic[8] = {'D', 'T', 'U', 'J', 'N', 'L', '0', '2'};
constexpr size_t kVersionDigit = 7;  // '1' had no devices, and is read

}  // namespace

// The first bytes of the file. A process that is killed leaves them as its last instruction did, so `used` is stored
// when the record before it is complete.
struct Chunk::Header {
  char magic[8];
  uint64_t base_seq;
  int64_t base_time_us;
  std::atomic<uint32_t> used;  // bytes from the begin of the file
  uint32_t reserved[9];
};

Chunk::Header& Chunk::header() const {
  static_assert(sizeof(Header) <= kFirst);
  return *static_cast<Header*>(memory_);
}

std::shared_ptr<Chunk> Chunk::make(const std::string& file, uint32_t size, int& error) {
  error = 0;
  void* memory = MAP_FAILED;
  if (!file.empty()) {
    const Descriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!fd) {
      error = errno;
    } else {
      // Blocks now: a page that cannot be had when it is written would be a SIGBUS.
      error = ::posix_fallocate(fd.get(), 0, size);
      if (error == 0) {
        memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
        if (memory == MAP_FAILED) error = errno;
      }
      if (error != 0) ::unlink(file.c_str());
    }
  }
  const bool plain = memory == MAP_FAILED;
  if (plain) memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  return std::shared_ptr<Chunk>(std::unique_ptr<Chunk>(new Chunk(memory, size, plain ? "" : file)));  // NOLINT: private
}

std::shared_ptr<Chunk> Chunk::take_up(const std::string& file, int& error) {
  const Descriptor fd(::open(file.c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info {};
  error = !fd || ::fstat(fd.get(), &info) != 0 ? errno : 0;
  if (error != 0) return nullptr;
  if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return error = EPERM, nullptr;
  if (info.st_size < kFirst || info.st_size > kLargest) return nullptr;
  const auto size = static_cast<uint32_t>(info.st_size);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
  if (memory == MAP_FAILED) return error = errno, nullptr;
  auto chunk = std::shared_ptr<Chunk>(std::unique_ptr<Chunk>(new Chunk(memory, size, file)));  // NOLINT: private
  const Header& header = chunk->header();
  const uint32_t used = header.used.load(std::memory_order_acquire);
  if (std::memcmp(header.magic, kMagic, kVersionDigit) != 0) return nullptr;
  const char version = header.magic[kVersionDigit];
  if (version > kMagic[kVersionDigit] && version <= '9') return error = EOVERFLOW, nullptr;
  if (version < '1' || version > kMagic[kVersionDigit] || used < kFirst || used > size) return nullptr;
  chunk->seed_from_base();
  return chunk;
}

void Chunk::seed_from_base() {
  const Header& h = header();
  std::array<char, sizeof h.base_seq + sizeof h.base_time_us> bytes{};
  std::memcpy(bytes.data(), &h.base_seq, sizeof h.base_seq);
  std::memcpy(bytes.data() + sizeof h.base_seq, &h.base_time_us, sizeof h.base_time_us);
  seed_ = checksum(0, {bytes.data(), bytes.size()});
}

Chunk::~Chunk() { ::munmap(memory_, size_); }

void Chunk::begin(uint64_t new_number, const Base& base) {
  Header& h = header();
  h.used.store(kFirst, std::memory_order_release);
  h.base_seq = base.seq;
  h.base_time_us = base.time_us;
  std::memcpy(h.magic, kMagic, sizeof kMagic);
  seed_from_base();
  number = new_number;
  last_seq = left = 0;
}

bool Chunk::append(const Record& record) {
  Header& h = header();
  const uint32_t at = h.used.load(std::memory_order_relaxed);
  if (encoded_bound(record) > size_ - at) return false;
  const uint64_t took = encode(record, base(), seed_, static_cast<char*>(memory_) + at);
  h.used.store(at + static_cast<uint32_t>(took), std::memory_order_release);
  last_seq = record.seq;
  ++left;
  return true;
}

uint32_t Chunk::read(uint32_t offset, uint32_t end, Record& out) const {
  if (offset >= end) return 0;
  const uint64_t took = decode({static_cast<const char*>(memory_) + offset, end - offset}, base(), seed_, out);
  return took == 0 ? 0 : offset + static_cast<uint32_t>(took);
}

uint32_t Chunk::used() const { return header().used.load(std::memory_order_acquire); }

void Chunk::may_grow() { header().magic[kVersionDigit] = kMagic[kVersionDigit]; }

Base Chunk::base() const { return {header().base_seq, header().base_time_us}; }

void Chunk::remove_file() {
  if (!file_.empty()) ::unlink(file_.c_str());
  file_.clear();
}

}  // namespace dtud::spool
