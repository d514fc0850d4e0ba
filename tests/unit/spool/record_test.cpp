#include "spool/record.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <string>

namespace dtud::spool {
namespace {

std::string encoded(const Record& record, const Base& base, uint32_t seed = 7) {
  std::string out(encoded_bound(record), '\0');
  out.resize(encode(record, base, seed, out.data()));
  return out;
}

void expect_same(const Record& a, const Record& b) {
  EXPECT_EQ(a.seq, b.seq);
  EXPECT_EQ(a.time_ns / 1000, b.time_ns / 1000);
  EXPECT_EQ(a.source, b.source);
  EXPECT_EQ(a.flags, b.flags);
  EXPECT_EQ(a.route, b.route);
  EXPECT_EQ(a.payload, b.payload);
  EXPECT_EQ(a.device, b.device);
}

TEST(Record, ComesBackAsItWas) {
  const Base base{100, 1'700'000'000'000'000};
  const std::string large(1U << 20U, 'x'), route(255, 'r'), device(64, 'd');
  const Record records[] = {
      {100, 1'700'000'000'000'000'000, 0, 0, "", "", {}},
      {101, 1'700'000'000'123'456'000, 3, 1, "0", "hello", {}},
      {std::numeric_limits<uint64_t>::max(), std::numeric_limits<int64_t>::max() / 1000 * 1000,
       std::numeric_limits<uint64_t>::max(), 127, route, large, device},
      {100, std::numeric_limits<int64_t>::min() / 1000 * 1000, 0, 0, "", std::string_view("\0\xff", 2), {}},
      {100, -1000, 0, 0, "", "before 1970", {}},
      {100, -1000, 0, 3, "", "", "meter 7"},
  };
  for (const Record& record : records) {
    const std::string bytes = encoded(record, base);
    EXPECT_LE(bytes.size(), encoded_bound(record));
    Record back;
    const std::string followed = bytes + "what follows";
    EXPECT_EQ(decode(followed, base, 7, back), bytes.size());
    expect_same(back, record);
  }
}

TEST(Record, Of64BytesCostsAtMost80) {
  const std::string payload(64, 'p');
  const Record record{164, 1'700'000'000'990'000'000, 0, 0, "0", payload, {}};
  EXPECT_LE(encoded(record, {100, 1'700'000'000'000'000}).size(), 80U);
}

TEST(Record, HarmedAnywhereOrShortIsNone) {
  const Base base{1, 5};
  Record out;
  for (const char* device : {"", "meter"}) {
    const std::string bytes = encoded({3, 5000, 300, 0, "topic", "some payload", device}, base);
    for (size_t i = 0; i < bytes.size(); ++i) {
      for (uint32_t bit = 0; bit < 8; ++bit) {
        std::string harmed = bytes;
        harmed[i] = static_cast<char>(static_cast<uint8_t>(harmed[i]) ^ (1U << bit));
        EXPECT_EQ(decode(harmed, base, 7, out), 0U) << i;
      }
      EXPECT_EQ(decode(std::string_view(bytes).substr(0, i), base, 7, out), 0U) << i;
    }
  }
}

// Format 1 had no devices, and kept every flag: the highest one, too.
TEST(Record, OfFormat1IsRead) {
  const Base base{1, 5};
  std::string bytes = encoded({3, 5000, 300, 3, "topic", "some payload", {}}, base);
  bytes[5] = static_cast<char>(0x83);  // behind the checksum and the size of the payload
  const uint32_t sum = checksum(7, std::string_view(bytes).substr(4));
  for (uint32_t i = 0; i < 4; ++i) bytes[i] = static_cast<char>(sum >> (8 * i));
  Record out;
  EXPECT_EQ(decode(bytes, base, 7, out), bytes.size());
  expect_same(out, {3, 5000, 300, 0x83, "topic", "some payload", {}});
}

TEST(Record, OfAnotherPlaceIsNone) {
  const std::string bytes = encoded({3, 5000, 0, 0, "", "p", {}}, {1, 5}, 7);
  Record out;
  EXPECT_EQ(decode(bytes, {1, 5}, 8, out), 0U);
}

}  // namespace
}  // namespace dtud::spool
