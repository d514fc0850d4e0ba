// CRC-32 as zlib has it, the one the DTU frames carry in decimal.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace sim {

namespace detail {
constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t c = i;
    for (int bit = 0; bit < 8; ++bit) c = (c & 1U) != 0 ? (c >> 1U) ^ 0xEDB88320U : c >> 1U;
    table[i] = c;
  }
  return table;
}
inline constexpr auto kCrcTable = make_crc_table();
}  // namespace detail

constexpr uint32_t crc32(std::string_view data) {
  uint32_t c = 0xFFFFFFFFU;
  for (const char byte : data) c = detail::kCrcTable[(c ^ static_cast<uint8_t>(byte)) & 0xFFU] ^ (c >> 8U);
  return ~c;
}

static_assert(crc32("123456789") == 0xCBF43926U);

}  // namespace sim
