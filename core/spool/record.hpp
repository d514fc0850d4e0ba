// One message as the files of a spool hold it, in memory (journal) and on disk; docs/formats/spool.md. Sequence number
// and time are kept as differences to a base that stands before the records, so that a record of 64 bytes costs
// some 77.
#pragma once
#include <cstdint>
#include <string_view>

namespace dtud::spool {

struct Record {
  uint64_t seq = 0;        // the order of a channel's messages; only grows
  int64_t time_ns = 0;     // Unix time it was read; kept in microseconds
  uint64_t source = 0;     // as dtu_msg
  uint32_t flags = 0;      // as dtu_msg; the low 7 bits are kept
  std::string_view route;  // at most DTU_ROUTE_MAX bytes
  std::string_view payload;
  std::string_view device;  // at most DTU_DEVICE_MAX bytes
};

struct Base {
  uint64_t seq = 0;  // of the first record, none is smaller
  int64_t time_us = 0;
};

// CRC-32 (zlib's) of `bytes`, begun with `seed`.
[[nodiscard]] uint32_t checksum(uint32_t seed, std::string_view bytes);

// No record takes more than this.
[[nodiscard]] uint64_t encoded_bound(const Record& record);
// Writes the record to `to`, which has room for encoded_bound(); how many bytes it took. `seed` begins the checksum:
// what was written for another place does not pass for a record of this one.
uint64_t encode(const Record& record, const Base& base, uint32_t seed, char* to);
// Reads the record `bytes` begins with; its views point into `bytes`. How many bytes it took; 0: no whole, unharmed
// one.
[[nodiscard]] uint64_t decode(std::string_view bytes, const Base& base, uint32_t seed, Record& out);

}  // namespace dtud::spool
