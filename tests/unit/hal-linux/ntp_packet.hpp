// Answers of an NTP server (RFC 4330), right ones and wrong ones.
#pragma once
#include <cstdint>
#include <string>

namespace hal_linux::test {

inline void put_word(std::string& packet, size_t at, uint64_t value, size_t bytes = 4) {
  for (size_t i = 0; i < bytes; ++i) packet[at + i] = static_cast<char>(value >> (8 * (bytes - 1 - i)));
}

// To this request, from a server whose clock shows unix_ns when the request comes and when the answer goes.
inline std::string ntp_answer(const std::string& request, int64_t unix_ns) {
  std::string packet(48, '\0');
  packet[0] = 0x24;  // no leap second, version 4, server
  packet[1] = 2;
  packet.replace(24, 8, request, 40, 8);
  const auto seconds = static_cast<uint64_t>(unix_ns / 1'000'000'000 + 2'208'988'800);
  const auto fraction = (static_cast<uint64_t>(unix_ns % 1'000'000'000) << 32U) / 1'000'000'000;
  for (const size_t at : {16U, 32U, 40U}) {
    put_word(packet, at, seconds & 0xFFFFFFFFU);
    put_word(packet, at + 4, fraction);
  }
  return packet;
}

}  // namespace hal_linux::test
