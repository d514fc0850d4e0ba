#include "guarded.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace dtu::check {
namespace {

constexpr size_t kept_max = 512;  // pieces given back that a late reader is caught with

}  // namespace

Guarded::Guarded(Trail& trail) : trail_(trail), page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {}

Guarded::~Guarded() {
  const host::Lock lock(mutex_);
  for (const auto& [_, piece] : live_) munmap(piece.base, piece.size);
  for (const Piece& piece : gone_) munmap(piece.base, piece.size);
}

Trail::Region* Guarded::free_region() {
  for (size_t tries = 0; tries < Trail::regions_max; ++tries) {
    Trail::Region& r = trail_.regions.at(next_region_++ % Trail::regions_max);
    if (r.kind == Trail::Region::none) return &r;
  }
  return nullptr;  // it is still guarded, the parent only cannot say what it was
}

uint8_t* Guarded::take(uint64_t len) {
  const size_t body = (len + page_ - 1) / page_ * page_;
  const size_t size = body + page_;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return nullptr;
  auto* base = static_cast<uint8_t*>(memory);
  mprotect(base + body, page_, PROT_NONE);
  uint8_t* bytes = base + body - len;
  const host::Lock lock(mutex_);
  Trail::Region* region = free_region();
  if (region != nullptr) {
    region->begin = reinterpret_cast<uintptr_t>(base);
    region->data_end = reinterpret_cast<uintptr_t>(base + body);
    region->end = reinterpret_cast<uintptr_t>(base + size);
    region->kind = Trail::Region::writable;
  }
  live_[bytes] = {base, size, region};
  return bytes;
}

void Guarded::seal(uint8_t* bytes, uint64_t /*len*/) {
  const host::Lock lock(mutex_);
  const auto it = live_.find(bytes);
  if (it == live_.end()) return;
  const Piece& piece = it->second;
  if (piece.size > page_) mprotect(piece.base, piece.size - page_, PROT_READ);
  if (piece.region != nullptr) piece.region->kind = Trail::Region::sealed;
}

void Guarded::give_back(uint8_t* bytes, uint64_t /*len*/) {
  const host::Lock lock(mutex_);
  const auto it = live_.find(bytes);
  if (it == live_.end()) return;
  const Piece piece = it->second;
  live_.erase(it);
  if (piece.size > page_) {
    madvise(piece.base, piece.size - page_, MADV_DONTNEED);
    mprotect(piece.base, piece.size - page_, PROT_NONE);
  }
  if (piece.region != nullptr) piece.region->kind = Trail::Region::freed;
  gone_.push_back(piece);
  if (gone_.size() <= kept_max) return;
  const Piece oldest = gone_.front();
  gone_.pop_front();
  if (oldest.region != nullptr) oldest.region->kind = Trail::Region::none;
  munmap(oldest.base, oldest.size);
}

LentText::LentText(host::Storage& storage, std::string_view text)
    : storage_(storage), len_(text.size()), bytes_(storage.take(text.size())) {
  if (bytes_ == nullptr) throw std::bad_alloc();
  text.copy(reinterpret_cast<char*>(bytes_), text.size());
  storage_.seal(bytes_, len_);
}

Letters::Letters(host::Storage& storage, const std::vector<host::Message>& messages)
    : storage_(storage),
      count_(static_cast<uint32_t>(messages.size())),
      msgs_(reinterpret_cast<dtu_msg*>(storage.take(messages.size() * sizeof(dtu_msg)))) {
  if (msgs_ == nullptr) throw std::bad_alloc();
  for (uint32_t k = 0; k < count_; ++k) {
    const host::Message& m = messages[k];
    uint8_t* bytes = nullptr;
    dtu_buf* buffer = host::buffers::alloc(m.payload.size(), &bytes, storage_);
    if (buffer == nullptr) throw std::bad_alloc();
    m.payload.copy(reinterpret_cast<char*>(bytes), m.payload.size());
    host::buffers::seal(buffer);
    buffers_.push_back(buffer);
    dtu_msg raw{};
    raw.token = m.token;
    raw.source = m.source;
    raw.time_ns = m.time_ns;
    raw.route = texts_.emplace_back(storage_, m.route).get();
    raw.device = texts_.emplace_back(storage_, m.device).get();
    raw.payload = {reinterpret_cast<const char*>(bytes), m.payload.size()};
    raw.owner = buffer;
    raw.flags = m.flags;
    new (&msgs_[k]) dtu_msg(raw);
  }
  storage_.seal(reinterpret_cast<uint8_t*>(msgs_), count_ * sizeof(dtu_msg));
}

Letters::~Letters() {
  for (dtu_buf* buffer : buffers_) host::buffers::unref(buffer);
  storage_.give_back(reinterpret_cast<uint8_t*>(msgs_), count_ * sizeof(dtu_msg));
}

}  // namespace dtu::check
