#include "crc32.hpp"

#include <array>

namespace command_dtu {
namespace {

constexpr size_t slices = 8;

// table[k][b]: what byte b does to the register when k more bytes follow it.
struct Tables {
  std::array<std::array<uint32_t, 256>, slices> table{};
  // x^(8n) for n = 0..255, and x^(8*256*n) for n = 0..256: a register moved on over n zero bytes.
  std::array<uint32_t, 256> low{};
  std::array<uint32_t, 257> high{};
};

constexpr uint32_t zlib_polynomial = 0xEDB88320U;   // reflected: bit 31 is x^0
constexpr uint32_t mpeg2_polynomial = 0x04C11DB7U;  // plain: bit 0 is x^0

constexpr uint32_t times_x(CrcKind kind, uint32_t v) {
  if (kind == CrcKind::zlib) return (v >> 1U) ^ ((v & 1U) != 0 ? zlib_polynomial : 0U);
  return (v << 1U) ^ ((v & 0x80000000U) != 0 ? mpeg2_polynomial : 0U);
}

constexpr uint32_t multiply(CrcKind kind, uint32_t a, uint32_t b) {
  uint32_t product = 0;
  for (uint32_t i = 0; i < 32; ++i) {
    const uint32_t bit = kind == CrcKind::zlib ? a >> (31U - i) : a >> i;
    if ((bit & 1U) != 0) product ^= b;
    b = times_x(kind, b);
  }
  return product;
}

constexpr uint32_t step(CrcKind kind, const std::array<uint32_t, 256>& table, uint32_t reg, uint8_t byte) {
  if (kind == CrcKind::zlib) return table[(reg ^ byte) & 0xFFU] ^ (reg >> 8U);
  return table[((reg >> 24U) ^ byte) & 0xFFU] ^ (reg << 8U);
}

constexpr Tables make_tables(CrcKind kind) {
  Tables t{};
  for (uint32_t b = 0; b < 256; ++b) {
    uint32_t v = kind == CrcKind::zlib ? b : b << 24U;
    for (int i = 0; i < 8; ++i) v = times_x(kind, v);
    t.table[0][b] = v;
  }
  for (size_t k = 1; k < slices; ++k)
    for (size_t b = 0; b < 256; ++b) t.table[k][b] = step(kind, t.table[0], t.table[k - 1][b], 0);
  t.low[0] = kind == CrcKind::zlib ? 0x80000000U : 1U;
  for (size_t n = 1; n < t.low.size(); ++n) t.low[n] = step(kind, t.table[0], t.low[n - 1], 0);
  const uint32_t over_256 = step(kind, t.table[0], t.low[255], 0);
  t.high[0] = t.low[0];
  for (size_t n = 1; n < t.high.size(); ++n) t.high[n] = multiply(kind, t.high[n - 1], over_256);
  return t;
}

constexpr Tables zlib_tables = make_tables(CrcKind::zlib);
constexpr Tables mpeg2_tables = make_tables(CrcKind::mpeg2);

const Tables& tables(CrcKind kind) { return kind == CrcKind::zlib ? zlib_tables : mpeg2_tables; }

}  // namespace

uint32_t crc_run(CrcKind kind, uint32_t reg, std::string_view bytes) noexcept {
  const auto& table = tables(kind).table;
  const auto at = [&](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  size_t i = 0;
  for (; bytes.size() - i >= slices; i += slices) {
    uint32_t next = 0;
    for (size_t k = 0; k < 4; ++k) {  // the register meets the first four bytes
      const uint32_t part = kind == CrcKind::zlib ? reg >> (8 * k) : reg >> (24 - 8 * k);
      next ^= table[7 - k][(part ^ at(i + k)) & 0xFFU];
    }
    for (size_t k = 4; k < slices; ++k) next ^= table[7 - k][at(i + k)];
    reg = next;
  }
  for (; i < bytes.size(); ++i) reg = step(kind, table[0], reg, at(i));
  return reg;
}

uint32_t crc_of_span(CrcKind kind, uint32_t before, uint32_t after, size_t length) noexcept {
  // The register is linear: what stood in it before the piece has been multiplied by x^(8 length) since.
  const Tables& t = tables(kind);
  const uint32_t moved = multiply(kind, t.low[length & 0xFFU], t.high[length >> 8U]);
  return crc_end(kind, after ^ multiply(kind, moved, before ^ crc_begin));
}

}  // namespace command_dtu
