#include "spool/record.hpp"

#include <dtu/message.h>
#include <zlib.h>

#include <cstring>
#include <utility>

namespace dtud::spool {
namespace {

constexpr uint64_t kChecksum = 4;  // before everything else
constexpr uint64_t kLongestVarint = 10;
constexpr uint8_t kHasDevice = 0x80;  // beside the flags, since format 2

char* put_varint(char* to, uint64_t value) {
  for (; value >= 0x80U; value >>= 7U) *to++ = static_cast<char>(value | 0x80U);
  *to++ = static_cast<char>(value);
  return to;
}

// Takes a number off `bytes`. False: none is there.
bool take_varint(std::string_view& bytes, uint64_t& value) {
  value = 0;
  for (uint32_t shift = 0; shift < 64 && !bytes.empty(); shift += 7) {
    const auto byte = static_cast<uint8_t>(bytes.front());
    bytes.remove_prefix(1);
    value |= uint64_t{byte & 0x7FU} << shift;
    if ((byte & 0x80U) == 0) return true;
  }
  return false;
}

uint64_t zigzag(int64_t value) { return static_cast<uint64_t>(value) << 1U ^ (value < 0 ? ~uint64_t{0} : 0); }
int64_t unzigzag(uint64_t value) { return static_cast<int64_t>(value >> 1U ^ ((value & 1U) != 0 ? ~uint64_t{0} : 0)); }

}  // namespace

uint32_t checksum(uint32_t seed, std::string_view bytes) {
  return static_cast<uint32_t>(::crc32_z(seed, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size()));
}

uint64_t encoded_bound(const Record& record) {
  return kChecksum + 3 + 4 * kLongestVarint + record.route.size() + record.device.size() + record.payload.size();
}

uint64_t encode(const Record& record, const Base& base, uint32_t seed, char* to) {
  char* at = to + kChecksum;
  at = put_varint(at, record.payload.size());
  const auto flags = static_cast<uint8_t>(record.flags & (kHasDevice - 1U));
  *at++ = static_cast<char>(record.device.empty() ? flags : flags | kHasDevice);
  at = put_varint(at, record.seq - base.seq);
  at = put_varint(at, zigzag(static_cast<int64_t>(static_cast<uint64_t>(record.time_ns / 1000) -
                                                  static_cast<uint64_t>(base.time_us))));
  at = put_varint(at, record.source);
  *at++ = static_cast<char>(record.route.size());
  if (!record.device.empty()) *at++ = static_cast<char>(record.device.size());
  for (const std::string_view part : {record.route, record.device, record.payload}) {
    if (!part.empty()) std::memcpy(at, part.data(), part.size());
    at += part.size();
  }
  const uint32_t sum = checksum(seed, {to + kChecksum, static_cast<size_t>(at - to - ptrdiff_t{kChecksum})});
  for (uint32_t i = 0; i < kChecksum; ++i) to[i] = static_cast<char>(sum >> (8 * i));
  return static_cast<uint64_t>(at - to);
}

namespace {

// `devices`: a set kHasDevice means that there is a device, and not, as in format 1, a flag like any other. False
// afterwards: it was not set.
uint64_t decode(std::string_view bytes, const Base& base, uint32_t seed, bool& devices, Record& out) {
  const bool try_devices = std::exchange(devices, false);
  if (bytes.size() < kChecksum) return 0;
  uint32_t sum = 0;
  for (uint32_t i = 0; i < kChecksum; ++i) sum |= uint32_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
  std::string_view rest = bytes.substr(kChecksum);
  uint64_t size = 0, seq = 0, time = 0;
  if (!take_varint(rest, size) || size > DTU_PAYLOAD_MAX || rest.empty()) return 0;
  out.flags = static_cast<uint8_t>(rest.front());
  rest.remove_prefix(1);
  if (!take_varint(rest, seq) || !take_varint(rest, time) || !take_varint(rest, out.source) || rest.empty()) return 0;
  const auto route = static_cast<uint8_t>(rest.front());
  rest.remove_prefix(1);
  size_t device = 0;
  devices = try_devices && (out.flags & kHasDevice) != 0;
  if (devices) {
    out.flags &= kHasDevice - 1U;
    if (rest.empty()) return 0;
    device = static_cast<uint8_t>(rest.front());
    rest.remove_prefix(1);
    if (device == 0 || device > DTU_DEVICE_MAX) return 0;
  }
  if (rest.size() < route + device + size) return 0;
  out.route = rest.substr(0, route);
  out.device = rest.substr(route, device);
  out.payload = rest.substr(route + device, size);
  const uint64_t whole = bytes.size() - rest.size() + route + device + size;
  if (checksum(seed, bytes.substr(kChecksum, whole - kChecksum)) != sum) return 0;
  out.seq = base.seq + seq;
  const uint64_t time_us = static_cast<uint64_t>(base.time_us) + static_cast<uint64_t>(unzigzag(time));
  out.time_ns = static_cast<int64_t>(time_us * 1000);
  return whole;
}

}  // namespace

// The checksum tells the formats apart, also in a file whose header is damaged.
uint64_t decode(std::string_view bytes, const Base& base, uint32_t seed, Record& out) {
  bool devices = true;
  const uint64_t whole = decode(bytes, base, seed, devices, out);
  if (whole != 0 || !devices) return whole;
  devices = false;
  return decode(bytes, base, seed, devices, out);
}

}  // namespace dtud::spool
