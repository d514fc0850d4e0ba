// The two CRCs of DTU frames (D4), and the CRC of a piece of a stream without going over the piece again.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace command_dtu {

enum class CrcKind {
  zlib,   // CRC-32/ISO-HDLC: what the documents describe
  mpeg2,  // CRC-32/MPEG-2: firmware of 2021
};

// A running CRC is a register: it starts as crc_begin, takes bytes with crc_run, and crc_end makes the CRC of it.
inline constexpr uint32_t crc_begin = 0xFFFFFFFFU;
[[nodiscard]] uint32_t crc_run(CrcKind kind, uint32_t reg, std::string_view bytes) noexcept;
[[nodiscard]] constexpr uint32_t crc_end(CrcKind kind, uint32_t reg) noexcept {
  return kind == CrcKind::zlib ? ~reg : reg;
}
[[nodiscard]] inline uint32_t crc32(CrcKind kind, std::string_view bytes) noexcept {
  return crc_end(kind, crc_run(kind, crc_begin, bytes));
}

// The CRC of `length` bytes (at most crc_span_max) of a longer stream, from the registers before and after them.
inline constexpr size_t crc_span_max = 0x10000;
[[nodiscard]] uint32_t crc_of_span(CrcKind kind, uint32_t before, uint32_t after, size_t length) noexcept;

}  // namespace command_dtu
