#include "spool/segment.hpp"

#include <dtu/message.h>

#include <algorithm>
#include <array>
#include <bitset>
#include <cstring>

#include "spool/spool.hpp"

namespace dtud::spool {
namespace {

constexpr std::string_view kSegmentMagic = "dtuspool";
constexpr std::string_view kCommitMagic = "dtuc";
constexpr std::string_view kEnding = ".seg";
constexpr size_t kDigits = 16;
constexpr uint64_t kSmallestRecord = 10;
constexpr uint64_t kLargestRecord = DTU_PAYLOAD_MAX + DTU_ROUTE_MAX + DTU_DEVICE_MAX + 64;

template <typename T>
char* put(char* to, T value) {
  for (size_t i = 0; i < sizeof(T); ++i) *to++ = static_cast<char>(static_cast<uint64_t>(value) >> (8 * i));
  return to;
}

template <typename T>
const char* get(const char* from, T& value) {
  uint64_t out = 0;
  for (size_t i = 0; i < sizeof(T); ++i) out |= uint64_t{static_cast<uint8_t>(*from++)} << (8 * i);
  value = static_cast<T>(out);
  return from;
}

uint32_t seed_of(uint64_t offset) {
  std::array<char, sizeof offset> bytes{};
  put(bytes.data(), offset);
  return checksum(0, {bytes.data(), bytes.size()});
}

}  // namespace

std::string segment_name(uint64_t first) {
  std::string out(kDigits, '0');
  for (size_t i = kDigits; i-- > 0; first >>= 4U) out[i] = "0123456789abcdef"[first & 15U];
  return out.append(kEnding);
}

bool is_segment_name(std::string_view name, uint64_t& first) {
  if (name.size() != kDigits + kEnding.size() || name.substr(kDigits) != kEnding) return false;
  first = 0;
  for (const char c : name.substr(0, kDigits)) {
    const bool digit = c >= '0' && c <= '9';
    if (!digit && (c < 'a' || c > 'f')) return false;
    first = first << 4U | static_cast<uint64_t>(digit ? c - '0' : c - 'a' + 10);
  }
  return true;
}

void put_header(const SegmentHeader& header, char* to) {
  std::memcpy(to, kSegmentMagic.data(), kSegmentMagic.size());
  char* at = put(to + kSegmentMagic.size(), header.version);
  at = put(at, header.id);
  at = put(at, header.first);
  at = put(at, header.before);
  put(at, checksum(0, {to, static_cast<size_t>(at - to)}));
}

bool get_header(std::string_view bytes, SegmentHeader& out) {
  if (bytes.size() < kSegmentHeader || bytes.substr(0, kSegmentMagic.size()) != kSegmentMagic) return false;
  uint32_t sum = 0;
  const char* at = get(bytes.data() + kSegmentMagic.size(), out.version);
  at = get(at, out.id);
  at = get(at, out.first);
  at = get(at, out.before);
  get(at, sum);
  return sum == checksum(0, bytes.substr(0, kSegmentHeader - sizeof sum));
}

void put_commit(const CommitHeader& header, uint64_t offset, char* to) {
  std::memcpy(to, kCommitMagic.data(), kCommitMagic.size());
  char* const sum = to + kCommitMagic.size();
  char* const body = sum + sizeof(uint32_t);
  char* at = put(body, header.id);
  for (const uint32_t n : {header.seed, header.length, header.count, header.span, header.payload}) at = put(at, n);
  for (const uint64_t n : {header.first, header.last, header.before, header.done}) at = put(at, n);
  put(at, header.time_us);
  put(sum, checksum(seed_of(offset), {body, static_cast<size_t>(to + kCommitHeader - body)}));
}

bool get_commit(std::string_view bytes, uint64_t offset, CommitHeader& out) {
  if (bytes.size() < kCommitHeader || bytes.substr(0, kCommitMagic.size()) != kCommitMagic) return false;
  uint32_t sum = 0;
  const char* const body = get(bytes.data() + kCommitMagic.size(), sum);
  const auto front = static_cast<size_t>(body - bytes.data());
  if (sum != checksum(seed_of(offset), bytes.substr(front, kCommitHeader - front))) return false;
  const char* at = get(body, out.id);
  for (uint32_t* n : {&out.seed, &out.length, &out.count, &out.span, &out.payload}) at = get(at, *n);
  for (uint64_t* n : {&out.first, &out.last, &out.before, &out.done}) at = get(at, *n);
  get(at, out.time_us);
  return true;
}

bool is_begun(File& file, uint64_t offset, uint64_t id) {
  constexpr uint64_t skip = kCommitMagic.size() + sizeof(uint32_t);
  std::array<char, sizeof id> bytes{};
  if (file.read_at(offset + skip, bytes.data(), bytes.size()) != static_cast<int64_t>(bytes.size())) return false;
  uint64_t there = 0;
  get(bytes.data(), there);
  return std::bitset<64>(there ^ id).count() <= 8;
}

uint64_t blocks_touched(uint64_t offset, uint64_t size, uint64_t block) {
  return size == 0 ? 0 : (offset + size - 1) / block - offset / block + 1;
}

uint64_t place_commit(uint64_t end, uint64_t size) {
  const uint64_t next = (end + kBlock - 1) / kBlock * kBlock;
  const bool cheaper = blocks_touched(next, size) < blocks_touched(end, size);
  return cheaper && next - end <= size / 8 ? next : end;
}

std::string_view Window::at(File& file, uint64_t offset, uint64_t least, uint64_t limit) {
  if (offset >= limit) return {};
  least = std::min(least, limit - offset);
  if (offset < start_ || offset + least > start_ + size_) {
    const uint64_t wanted = std::min(std::max(least, piece_), limit - offset);
    if (fill(file, offset, wanted) < 0 && wanted > least)
      fill(file, offset, least);  // perhaps only what follows is bad
  }
  if (offset < start_ || offset >= start_ + size_) return {};
  const uint64_t skip = offset - start_;
  return {buffer_.data() + skip, static_cast<size_t>(std::min(size_ - skip, limit - offset))};
}

int64_t Window::fill(File& file, uint64_t offset, uint64_t size) {
  if (size > buffer_.size() || buffer_.size() > 2 * std::max(size, piece_)) {
    buffer_.resize(std::max(size, piece_));
    buffer_.shrink_to_fit();
  }
  const int64_t n = file.read_at(offset, buffer_.data(), size);
  start_ = offset;
  size_ = n > 0 ? static_cast<uint64_t>(n) : 0;
  if (n < 0) error_ = static_cast<int>(n);
  return n;
}

int Window::take_error() {
  const int out = error_;
  error_ = 0;
  return out;
}

Walk::Walk(File& file, uint64_t first, uint64_t id, uint64_t limit, uint64_t piece)
    : file_(file), window_(piece), first_(first), id_(id), limit_(limit) {}

bool Walk::commit_at(uint64_t offset) {
  CommitHeader found;
  if (!get_commit(window_.at(file_, offset, kCommitHeader, limit_), offset, found)) return false;
  const bool ours = id_ == 0 || found.id == id_;
  const bool fits = found.length / kSmallestRecord >= found.count && (found.count == 0) == (found.length == 0);
  const bool ordered = found.first >= first_ && found.first - first_ < kSegmentSpan &&
                       found.span < kSegmentSpan - (found.first - first_) && found.end() >= found.first &&
                       found.end() <= kLastSequence && found.last <= kLastSequence;
  if (!ours || !fits || !ordered || (found.count > 0 && found.first <= found.last)) return false;
  commit_ = found;
  id_ = found.id;
  offset_ = at_ = offset;
  at_ += kCommitHeader;
  end_ = at_ + found.length;
  taken_ = 0;
  harmed_ = false;
  return true;
}

// Looks for the next commit at any byte from `from` on.
bool Walk::search(uint64_t from) {
  while (from + kCommitHeader <= limit_) {
    const std::string_view bytes = window_.at(file_, from, kCommitHeader, limit_);
    if (bytes.size() < kCommitHeader) {  // cannot be read, or the file is shorter than it should be
      from = (from / kBlock + 1) * kBlock;
      continue;
    }
    const size_t hit = bytes.find(kCommitMagic);
    if (hit == std::string_view::npos) {
      from += bytes.size() - (kCommitMagic.size() - 1);
    } else if (commit_at(from + hit)) {
      return true;
    } else {
      from += hit + 1;
    }
  }
  return false;
}

bool Walk::next() {
  const uint64_t from = end_;
  const uint64_t block = (from + kBlock - 1) / kBlock * kBlock;
  skipped_ = 0;
  if (from >= limit_) return false;
  if (commit_at(from) || (block != from && commit_at(block))) return true;
  if (!search(from + 1)) return false;
  skipped_ = offset_ - from;
  return true;
}

void Walk::jump(uint64_t offset) {
  end_ = offset;
  commit_ = {};
  taken_ = 0;
  harmed_ = false;
}

bool Walk::record(Record& out) {
  if (harmed_ || taken_ == commit_.count) return false;
  const uint64_t end = std::min(end_, limit_);
  uint64_t size = 0, had = 0;
  for (const uint64_t least : {uint64_t{1}, uint64_t{8192}, kLargestRecord}) {
    const std::string_view bytes = window_.at(file_, at_, least, end);
    if (bytes.size() <= had) continue;
    had = bytes.size();
    size = decode(bytes, {commit_.first, commit_.time_us}, commit_.seed, out);
    if (size != 0) break;
  }
  harmed_ = size == 0;
  if (harmed_) return false;
  at_ += size;
  ++taken_;
  return true;
}

}  // namespace dtud::spool
