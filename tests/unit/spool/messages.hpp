// Messages that tests store: all that a record says follows from its sequence number, so what comes back can be judged.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "spool/spool.hpp"

namespace dtud::spool {

inline uint64_t mixed(uint64_t value) {  // splitmix64
  value += 0x9e3779b97f4a7c15U;
  value = (value ^ value >> 30U) * 0xbf58476d1ce4e5b9U;
  value = (value ^ value >> 27U) * 0x94d049bb133111ebU;
  return value ^ value >> 31U;
}

struct Sizes {
  size_t least = 64, most = 64;
};

inline std::string text_of(uint64_t seq, Sizes sizes = {}) {
  std::string out = std::to_string(seq) + ":";
  uint64_t random = mixed(seq);
  const size_t size = sizes.least + random % (sizes.most - sizes.least + 1);
  while (out.size() < size) {
    random = mixed(random);
    out.append(reinterpret_cast<const char*>(&random), sizeof random);
  }
  out.resize(size);
  return out;
}

// Records with views into texts of their own.
class Batch {
 public:
  explicit Batch(const std::vector<uint64_t>& seqs, Sizes sizes = {}) {
    for (const uint64_t seq : seqs) texts_.push_back(text_of(seq, sizes));
    for (size_t i = 0; i < seqs.size(); ++i) {
      Record record;
      record.seq = seqs[i];
      record.time_ns = time_of(seqs[i]);
      record.source = seqs[i] % 3;
      record.flags = seqs[i] % 2;
      record.route = "0";
      record.payload = texts_[i];
      record.device = device_of(seqs[i]);
      records_.push_back(record);
    }
  }
  [[nodiscard]] const std::vector<Record>& records() const { return records_; }

  static std::string_view device_of(uint64_t seq) { return seq % 4 == 0 ? "m" : ""; }
  static int64_t time_of(uint64_t seq) { return static_cast<int64_t>(1'700'000'000'000'000'000 + seq * 1'000'000); }

 private:
  std::vector<std::string> texts_;
  std::vector<Record> records_;
};

inline std::vector<uint64_t> range(uint64_t from, uint64_t n) {
  std::vector<uint64_t> out;
  for (uint64_t i = 0; i < n; ++i) out.push_back(from + i);
  return out;
}

// True: byte for byte what was stored.
inline bool is_what_was_stored(const Record& record, Sizes sizes = {}) {
  return record.payload == text_of(record.seq, sizes) && record.route == "0" && record.source == record.seq % 3 &&
         record.flags == record.seq % 2 && record.device == Batch::device_of(record.seq) &&
         record.time_ns == Batch::time_of(record.seq);
}

inline Spool::Appended put(Spool& spool, uint64_t from, uint64_t n, bool make_room = false, Sizes sizes = {},
                           uint64_t done = 0) {
  return spool.append(Batch(range(from, n), sizes).records(), done, make_room);
}

// Reads up to `most` and says which.
inline std::vector<uint64_t> take(Spool& spool, size_t most = SIZE_MAX, Sizes sizes = {}) {
  std::vector<uint64_t> out;
  if (most == 0) return out;
  const Trouble trouble = spool.read(0, [&](const Record& record) {
    EXPECT_TRUE(is_what_was_stored(record, sizes)) << record.seq;
    out.push_back(record.seq);
    return out.size() < most;
  });
  EXPECT_EQ(trouble.code, 0) << trouble.text;
  return out;
}

}  // namespace dtud::spool
