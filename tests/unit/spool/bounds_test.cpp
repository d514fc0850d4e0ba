// What a spool costs: disk, memory, writes. And that its bounds hold to the message.
#include <gtest/gtest.h>
#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>
#include <string>

#include "messages.hpp"
#include "sim_disk.hpp"
#include "spool/segment.hpp"

namespace dtud::spool {
namespace {

constexpr const char* kFolder = "/spool/3";

// Messages stored and not done, after each call, against a count of our own.
TEST(Bounds, CountsAreExactWhateverHappens) {
  std::mt19937_64 random(7);
  for (const SpoolLimits limits : {SpoolLimits{192U << 10U, 100'000}, SpoolLimits{1U << 20U, 300}}) {
    SimDisk disk;
    auto spool = std::make_unique<Spool>(disk, kFolder, limits);
    ASSERT_EQ(spool->open(0).code, 0);
    std::deque<uint64_t> stored;  // not done
    uint64_t next = 1, cursor = 0, dropped = 0, dropping = 0;
    const Sizes sizes{10, 3000};
    for (int i = 0; i < 4000; ++i) {
      const uint64_t choice = random() % 100;
      if (choice < 50) {
        const uint64_t n = 1 + random() % 20;
        const Spool::Appended appended = put(*spool, next, n, true, sizes, spool->done());
        ASSERT_EQ(appended.trouble.code, 0) << appended.trouble.text;
        uint64_t lost = 0;
        for (; !stored.empty() && stored.front() < appended.dropped_below; stored.pop_front())
          lost += stored.front() >= cursor ? 1 : 0;
        ASSERT_EQ(appended.dropped, lost) << i;
        dropped += lost;
        dropping += lost > 0 ? 1 : 0;
        for (const uint64_t seq : range(next, n)) stored.push_back(seq);
        next += n + random() % 3;
      } else if (choice < 70) {
        for (const uint64_t seq : take(*spool, random() % 30, sizes)) cursor = seq + 1;
      } else if (choice < 95) {
        const uint64_t done = std::max(cursor, spool->done());
        ASSERT_EQ(spool->advance(done, choice % 2 == 0).code, 0);
        while (!stored.empty() && stored.front() < done) stored.pop_front();
      } else {
        const uint64_t done = spool->done();
        spool = std::make_unique<Spool>(disk, kFolder, limits);
        ASSERT_EQ(spool->open(done).code, 0);
        cursor = 0;
      }
      const Spool::Facts facts = spool->facts();
      ASSERT_EQ(facts.messages, stored.size()) << i;
      ASSERT_LE(facts.messages, limits.messages);
      ASSERT_LE(facts.disk_bytes, limits.bytes);
      uint64_t bytes = 0;
      for (const std::string& file : disk.files()) bytes += disk.content(file).size();
      ASSERT_EQ(facts.disk_bytes, bytes) << i;
    }
    EXPECT_GT(dropping, 10U) << dropped;
  }
}

TEST(Bounds, MoreThanTheLimitsHoldAtAllIsRefusedAndDropsNothing) {
  SimDisk disk;
  Spool spool(disk, kFolder, {128U << 10U, 50});
  ASSERT_EQ(spool.open(0).code, 0);
  ASSERT_EQ(put(spool, 1, 10).trouble.code, 0);
  for (const bool make_room : {false, true}) {
    EXPECT_EQ(put(spool, 11, 51, make_room).trouble.code, ENOSPC);
    EXPECT_EQ(put(spool, 11, 40, make_room, {4000, 4000}).trouble.code, ENOSPC);
  }
  EXPECT_EQ(take(spool), range(1, 10));
  EXPECT_EQ(put(spool, 11, 40).trouble.code, 0);
}

TEST(Bounds, ALargeMessageGetsASegmentOfItsOwn) {
  SimDisk disk;
  const SpoolLimits limits{4U << 20U, 1000};
  auto spool = std::make_unique<Spool>(disk, kFolder, limits);
  ASSERT_EQ(spool->open(0).code, 0);
  const Sizes large{1U << 20U, 1U << 20U};
  ASSERT_EQ(put(*spool, 1, 1, false, large).trouble.code, 0);
  ASSERT_EQ(put(*spool, 2, 1, false, large).trouble.code, 0);
  EXPECT_EQ(put(*spool, 3, 1, false, {(1U << 20U) + 1, (1U << 20U) + 1}).trouble.code, EMSGSIZE);
  EXPECT_EQ(spool->facts().segments, 2U);
  spool = std::make_unique<Spool>(disk, kFolder, limits);
  ASSERT_EQ(spool->open(0).code, 0);
  EXPECT_EQ(take(*spool, SIZE_MAX, large), range(1, 2));
}

TEST(Bounds, SequenceNumbersMustGrow) {
  SimDisk disk;
  Spool spool(disk, kFolder, {});
  ASSERT_EQ(spool.open(0).code, 0);
  ASSERT_EQ(put(spool, 10, 5).trouble.code, 0);
  EXPECT_EQ(put(spool, 14, 5).trouble.code, EINVAL);
  EXPECT_EQ(spool.append(Batch({20, 20}).records(), 0, false).trouble.code, EINVAL);
  EXPECT_EQ(spool.append(Batch({20, 20 + kSegmentSpan}).records(), 0, false).trouble.code, EINVAL);
  EXPECT_EQ(spool.append(Batch({20, 19 + kSegmentSpan}).records(), 0, false).trouble.code, 0);
  EXPECT_EQ(spool.append(Batch({20 + kSegmentSpan}).records(), 0, false).trouble.code, 0);
  EXPECT_EQ(spool.facts().segments, 3U);
  EXPECT_EQ(take(spool).size(), 8U);
}

class OnRealFiles : public ::testing::Test {
 protected:
  OnRealFiles() {
    std::string name = ::testing::TempDir() + "bounds.XXXXXX";
    base_ = ::mkdtemp(name.data());
  }
  ~OnRealFiles() override { std::filesystem::remove_all(base_); }

  // Heap in use; nothing where the allocator does not say (sanitizers).
  static size_t heap() {
    const struct mallinfo2 info = ::mallinfo2();
    return info.uordblks + info.hblkhd;
  }

  // What the kernel counts for this process, 0 where it does not.
  static uint64_t kernel_written() {
    std::ifstream file("/proc/self/io");
    for (std::string key, value; file >> key >> value;)
      if (key == "write_bytes:") return std::stoull(value);
    return 0;
  }

  std::string base_;
  std::unique_ptr<Disk> disk_ = make_disk();
};

TEST_F(OnRealFiles, AMillionMessagesCostLessThanAMegabyteOfMemory) {
  constexpr uint64_t messages = 1'000'000, commit = 5000;
  const SpoolLimits limits{256U << 20U, 2'000'000};
  const Sizes sizes{16, 16};
  const size_t before = heap();
  auto spool = std::make_unique<Spool>(*disk_, base_ + "/3", limits);
  ASSERT_EQ(spool->open(0).code, 0);
  for (uint64_t i = 0; i < messages / commit; ++i)
    ASSERT_EQ(put(*spool, 1 + i * commit, commit, false, sizes).trouble.code, 0);
  EXPECT_EQ(spool->facts().messages, messages);
  EXPECT_LE(heap(), before + (1U << 20U));
  spool = std::make_unique<Spool>(*disk_, base_ + "/3", limits);
  ASSERT_EQ(spool->open(0).code, 0);
  EXPECT_EQ(spool->facts().messages, messages);
  size_t most = heap();
  uint64_t expected = 1;
  ASSERT_EQ(spool
                ->read(0,
                       [&](const Record& record) {
                         if (record.seq % 100'000 == 0) most = std::max(most, heap());
                         return record.seq == expected++;
                       })
                .code,
            0);
  EXPECT_EQ(expected, messages + 1);
  EXPECT_LE(std::max(most, heap()), before + (1U << 20U));
  std::printf("%llu messages in %u segments: %zu bytes of heap\n", static_cast<unsigned long long>(messages),
              spool->facts().segments, std::max(most, heap()) - before);
}

// An outage of ten minutes at 100 messages of 64 bytes a second, a commit each second.
TEST_F(OnRealFiles, AnOutageWritesAtMostTwiceThePayload) {
  constexpr uint64_t commits = 600, commit = 100;
  for (const uint64_t bytes : {1U << 20U, 16U << 20U}) {
    Spool spool(*disk_, base_ + "/" + std::to_string(bytes), {bytes, 1'000'000});
    ASSERT_EQ(spool.open(0).code, 0);
    const uint64_t before = kernel_written();
    for (uint64_t i = 0; i < commits; ++i) ASSERT_EQ(put(spool, 1 + i * commit, commit, true).trouble.code, 0);
    const double payload = commits * commit * 64, kernel = static_cast<double>(kernel_written() - before);
    const auto written = static_cast<double>(spool.facts().written);
    EXPECT_LE(written, 2.0 * payload);
    EXPECT_LE(kernel, 2.0 * payload);
    std::printf("limit %llu: %.2f times the payload, %.2f by /proc/self/io\n", static_cast<unsigned long long>(bytes),
                written / payload, kernel / payload);
  }
}

TEST_F(OnRealFiles, AnEmptySpoolWritesNothing) {
  Spool spool(*disk_, base_ + "/3", {});
  ASSERT_EQ(spool.open(0).code, 0);
  ASSERT_EQ(put(spool, 1, 100).trouble.code, 0);
  ASSERT_EQ(take(spool).size(), 100U);
  ASSERT_EQ(spool.advance(101, true).code, 0);
  const uint64_t written = spool.facts().written, kernel = kernel_written();
  for (uint64_t i = 0; i < 100; ++i) {
    ASSERT_EQ(spool.advance(101 + i, true).code, 0);
    ASSERT_TRUE(take(spool).empty());
  }
  EXPECT_EQ(spool.facts().written, written);
  EXPECT_EQ(kernel_written(), kernel);
}

TEST(Placing, ACommitStartsAtABlockWhenThatSavesOne) {
  EXPECT_EQ(blocks_touched(0, 1), 1U);
  EXPECT_EQ(blocks_touched(4095, 2), 2U);
  EXPECT_EQ(blocks_touched(8192, 4096), 1U);
  EXPECT_EQ(blocks_touched(8192, 0), 0U);
  EXPECT_EQ(place_commit(7800, 7776), 8192U);  // two blocks instead of three
  EXPECT_EQ(place_commit(8192, 7776), 8192U);
  EXPECT_EQ(place_commit(5000, 7776), 5000U);  // too much would stay empty
  EXPECT_EQ(place_commit(4000, 150), 4000U);
}

}  // namespace
}  // namespace dtud::spool
