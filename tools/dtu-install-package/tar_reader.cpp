#include "tar_reader.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <system_error>

namespace dtu_package {
namespace {

constexpr size_t kBlock = 512;
constexpr uint64_t kLongestName = 1024, kLongestExtension = 16384;

struct Field {
  size_t at, length;
};
constexpr Field kName{0, 100}, kMode{100, 8}, kSize{124, 12}, kSum{148, 8}, kTarget{157, 100}, kPrefix{345, 155};
constexpr size_t kType = 156, kMagic = 257;

using Block = std::array<char, kBlock>;

std::string_view raw(const Block& block, Field f) { return {block.data() + f.at, f.length}; }

std::string text_in(const Block& block, Field f) {
  const std::string_view bytes = raw(block, f);
  return std::string(bytes.substr(0, std::min(bytes.find('\0'), bytes.size())));
}

// Octal digits, with blanks around.
uint64_t number_in(const Block& block, Field f) {
  std::string_view bytes = raw(block, f);
  while (!bytes.empty() && bytes.front() == ' ') bytes.remove_prefix(1);
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(bytes.data(), bytes.data() + bytes.size(), number, 8);
  const bool ended = end == bytes.data() + bytes.size() || *end == ' ' || *end == '\0';
  if (error != std::errc{} || !ended) throw Refused("a number in a header is invalid: this is not a .tar file");
  return number;
}

uint64_t sum_of(const Block& block) {
  uint64_t sum = 0;
  for (size_t i = 0; i < kBlock; ++i)
    sum += i >= kSum.at && i < kSum.at + kSum.length ? ' ' : static_cast<unsigned char>(block.at(i));
  return sum;
}

bool is_zero(const Block& block) {
  return std::all_of(block.begin(), block.end(), [](char c) { return c == '\0'; });
}

}  // namespace

size_t TarReader::fill(char* to, size_t most) {
  size_t have = 0;
  while (have < most) {
    const ssize_t n = ::read(fd_, to + have, most - have);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Refused("the package cannot be read: " + std::generic_category().message(errno));
    if (n == 0) break;
    have += static_cast<size_t>(n);
  }
  at_ += have;
  return have;
}

void TarReader::skip(uint64_t bytes) {
  Block block{};
  while (bytes != 0) {
    const size_t n = fill(block.data(), std::min<uint64_t>(bytes, kBlock));
    if (n == 0) throw Refused("the package is incomplete");
    bytes -= n;
  }
}

void TarReader::read(const std::function<void(std::string_view)>& take) {
  std::array<char, 65536> piece{};
  while (left_ != 0) {
    const size_t n = fill(piece.data(), std::min<uint64_t>(left_, piece.size()));
    if (n == 0) throw Refused("the package is incomplete");
    left_ -= n;
    take({piece.data(), n});
  }
}

std::string TarReader::text(uint64_t size) {
  if (size > kLongestExtension)
    throw Refused("a header is longer than " + std::to_string(kLongestExtension) + " bytes");
  left_ = size;
  padding_ = (kBlock - size % kBlock) % kBlock;
  std::string all;
  read([&all](std::string_view piece) { all.append(piece); });
  return all;
}

// "27 path=some/long/name\n"
void TarReader::extend(std::string_view records) {
  while (!records.empty()) {
    uint64_t length = 0;
    const auto [end, error] = std::from_chars(records.data(), records.data() + records.size(), length);
    const auto digits = static_cast<size_t>(end - records.data());
    if (error != std::errc{} || length <= digits + 1 || length > records.size() || *end != ' ')
      throw Refused("an extended header is broken");
    const std::string_view record = records.substr(digits + 1, length - digits - 2);
    records.remove_prefix(length);
    const size_t equals = record.find('=');
    if (equals == std::string_view::npos) throw Refused("an extended header is broken");
    const std::string_view key = record.substr(0, equals), value = record.substr(equals + 1);
    if (key == "path") long_name_ = value;
    if (key == "linkpath") long_target_ = value;
    if (key.compare(0, 11, "GNU.sparse.") == 0) throw Refused("the package has a sparse file");
    if (key != "size") continue;
    const auto [stop, wrong] = std::from_chars(value.data(), value.data() + value.size(), long_size_);
    if (wrong != std::errc{} || stop != value.data() + value.size()) throw Refused("an extended header is broken");
    has_long_size_ = true;
  }
}

bool TarReader::next(Entry& entry) {
  for (;;) {
    skip(left_ + padding_);
    left_ = padding_ = 0;
    Block block{};
    const size_t n = fill(block.data(), kBlock);
    if (n != kBlock) throw Refused(at_ == 0 ? "the package is empty" : "the package is incomplete");
    if (is_zero(block)) return false;
    if (std::memcmp(block.data() + kMagic, "ustar", 5) != 0 || number_in(block, kSum) != sum_of(block))
      throw Refused("a header is invalid: this is not a .tar file, or it is compressed or damaged");
    const uint64_t size = number_in(block, kSize);
    const char type = block.at(kType);
    if (type == 'L' || type == 'K') {
      std::string value = text(size);
      value.resize(std::min(value.find('\0'), value.size()));
      (type == 'L' ? long_name_ : long_target_) = std::move(value);
      continue;
    }
    if (type == 'x') {
      extend(text(size));
      continue;
    }
    if (type == 'g') {
      (void)text(size);
      continue;
    }
    const std::string prefix =
        block.at(kMagic + 5) == '\0' ? text_in(block, kPrefix) : "";  // GNU has other things there
    entry = {};
    entry.name = !long_name_.empty() ? long_name_ : (prefix.empty() ? "" : prefix + "/") + text_in(block, kName);
    entry.target = !long_target_.empty() ? long_target_ : text_in(block, kTarget);
    entry.executable = (number_in(block, kMode) & 0111U) != 0;
    const uint64_t length = has_long_size_ ? long_size_ : size;
    long_name_.clear();
    long_target_.clear();
    has_long_size_ = false;
    if (entry.name.size() > kLongestName || entry.target.size() > kLongestName)
      throw Refused("a name is longer than " + std::to_string(kLongestName) + " bytes");
    switch (type) {
      case '0':
      case '\0':
        entry.kind = Entry::Kind::file;
        entry.size = left_ = length;
        padding_ = (kBlock - length % kBlock) % kBlock;
        return true;
      case '5':
        entry.kind = Entry::Kind::folder;
        return true;
      case '2':
        entry.kind = Entry::Kind::link;
        return true;
      default:
        throw Refused("\"" + entry.name.substr(0, 100) +
                      "\" is a hard link, a device or another type that a "
                      "package must not contain");
    }
  }
}

}  // namespace dtu_package
