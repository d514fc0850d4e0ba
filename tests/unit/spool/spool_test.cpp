#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "messages.hpp"

namespace dtud::spool {
namespace {

class SpoolTest : public ::testing::Test {
 protected:
  SpoolTest() {
    std::string name = ::testing::TempDir() + "spool.XXXXXX";
    base_ = ::mkdtemp(name.data());
    folder_ = base_ + "/spool/3";
  }
  ~SpoolTest() override { std::filesystem::remove_all(base_); }

  std::unique_ptr<Spool> opened(SpoolLimits limits = {}, uint64_t done = 0) {
    auto out = std::make_unique<Spool>(*disk_, folder_, limits);
    const Trouble trouble = out->open(done);
    EXPECT_EQ(trouble.code, 0) << trouble.text;
    return out;
  }

  std::vector<std::string> files() const {
    std::vector<std::string> names;
    if (std::filesystem::exists(folder_))
      for (const auto& entry : std::filesystem::directory_iterator(folder_)) names.push_back(entry.path().filename());
    return names;
  }

  std::string base_, folder_;
  std::unique_ptr<Disk> disk_ = make_disk();
};

TEST_F(SpoolTest, OpensWithoutAFolderAndMakesNone) {
  auto spool = opened();
  EXPECT_EQ(spool->facts().messages, 0U);
  EXPECT_TRUE(take(*spool).empty());
  EXPECT_EQ(spool->advance(5, true).code, 0);
  EXPECT_FALSE(std::filesystem::exists(folder_));
  EXPECT_EQ(spool->facts().written, 0U);
}

TEST_F(SpoolTest, GivesBackWhatWasAppendedAlsoAfterAReopen) {
  auto spool = opened();
  ASSERT_EQ(put(*spool, 1, 100).trouble.code, 0);
  ASSERT_EQ(put(*spool, 101, 50).trouble.code, 0);
  EXPECT_EQ(take(*spool, 30), range(1, 30));
  EXPECT_EQ(take(*spool), range(31, 120));
  ASSERT_EQ(put(*spool, 151, 1).trouble.code, 0);
  EXPECT_EQ(take(*spool), range(151, 1));
  EXPECT_EQ(spool->facts().messages, 151U);
  spool = opened();
  EXPECT_EQ(spool->facts().messages, 151U);
  EXPECT_EQ(spool->facts().last_seq, 151U);
  EXPECT_EQ(take(*spool), range(1, 151));
  ASSERT_EQ(put(*spool, 160, 5).trouble.code, 0);
  EXPECT_EQ(take(*spool), range(160, 5));
}

TEST_F(SpoolTest, DoneIsNotGivenAgain) {
  auto spool = opened();
  ASSERT_EQ(put(*spool, 1, 100).trouble.code, 0);
  ASSERT_EQ(put(*spool, 101, 100).trouble.code, 0);
  ASSERT_EQ(spool->advance(131, true).code, 0);
  EXPECT_EQ(spool->facts().messages, 70U);
  spool = opened();
  EXPECT_EQ(spool->done(), 131U);
  EXPECT_EQ(spool->facts().messages, 70U);
  EXPECT_EQ(take(*spool), range(131, 70));
  ASSERT_EQ(spool->advance(201, true).code, 0);
  EXPECT_EQ(spool->facts().messages, 0U);
  spool = opened();
  EXPECT_TRUE(take(*spool).empty());
}

TEST_F(SpoolTest, FinishedSegmentsGoAndOneIsUsedAgain) {
  auto spool = opened({1U << 20U, 1'000'000});
  for (uint64_t i = 0; i < 40; ++i) ASSERT_EQ(put(*spool, 1 + i * 100, 100).trouble.code, 0);
  EXPECT_EQ(spool->facts().segments, 5U);
  EXPECT_EQ(take(*spool), range(1, 4000));
  ASSERT_EQ(spool->advance(3001, true).code, 0);
  EXPECT_EQ(spool->facts().messages, 1000U);
  EXPECT_EQ(spool->facts().segments, 2U);
  ASSERT_EQ(spool->advance(4001, true).code, 0);
  EXPECT_EQ(files(), std::vector<std::string>{"spare"});
  const uint64_t written = spool->facts().written;
  ASSERT_EQ(spool->advance(4001, true).code, 0);
  EXPECT_EQ(spool->facts().written, written);
  ASSERT_EQ(put(*spool, 5000, 10).trouble.code, 0);
  EXPECT_EQ(files(), std::vector<std::string>{"0000000000001388.seg"});
  spool = opened();
  EXPECT_EQ(take(*spool), range(5000, 10));
}

TEST_F(SpoolTest, MakesRoomByDroppingTheOldest) {
  auto spool = opened({1U << 20U, 1'000'000});
  Spool::Appended last;
  uint64_t next = 1;
  for (; last.dropped == 0 && next < 100'000; next += 100) last = put(*spool, next, 100, true);
  ASSERT_EQ(last.trouble.code, 0) << last.trouble.text;
  EXPECT_LE(spool->facts().disk_bytes, 1U << 20U);
  EXPECT_EQ(last.dropped_below, last.dropped + 1);
  EXPECT_EQ(spool->facts().messages, next - last.dropped_below);
  EXPECT_EQ(take(*spool), range(last.dropped_below, next - last.dropped_below));
}

TEST_F(SpoolTest, FullIsTroubleAndChangesNothing) {
  auto spool = opened({1U << 20U, 250});
  ASSERT_EQ(put(*spool, 1, 200).trouble.code, 0);
  EXPECT_EQ(put(*spool, 201, 51).trouble.code, ENOSPC);
  EXPECT_EQ(spool->facts().messages, 200U);
  ASSERT_EQ(put(*spool, 201, 50).trouble.code, 0);
  EXPECT_EQ(take(*spool), range(1, 250));
}

TEST_F(SpoolTest, ClearKeepsWhatWasReadAndIsNotDone) {
  auto spool = opened({1U << 20U, 1'000'000});
  for (uint64_t i = 0; i < 40; ++i) ASSERT_EQ(put(*spool, 1 + i * 100, 100).trouble.code, 0);
  EXPECT_EQ(take(*spool, 150), range(1, 150));
  ASSERT_EQ(spool->advance(101, false).code, 0);
  uint64_t removed = 0;
  ASSERT_EQ(spool->clear(removed).code, 0);
  EXPECT_EQ(removed, 3850U);
  EXPECT_EQ(spool->facts().last_seq, 4000U);
  EXPECT_EQ(spool->facts().messages, 50U);
  EXPECT_TRUE(take(*spool).empty());
  ASSERT_EQ(put(*spool, 4001, 10).trouble.code, 0);
  EXPECT_EQ(take(*spool), range(4001, 10));
  spool = opened();
  auto all = range(101, 50);
  for (const uint64_t seq : range(4001, 10)) all.push_back(seq);
  EXPECT_EQ(spool->facts().messages, 60U);
  EXPECT_EQ(spool->facts().damaged, 0U);
  EXPECT_EQ(take(*spool), all);
}

TEST_F(SpoolTest, PeekMovesNothing) {
  auto spool = opened();
  ASSERT_EQ(put(*spool, 1, 10).trouble.code, 0);
  std::vector<uint64_t> seen;
  ASSERT_EQ(spool->peek(4, [&](const Record& record) { return seen.push_back(record.seq), seen.size() < 3; }).code, 0);
  EXPECT_EQ(seen, range(4, 3));
  EXPECT_EQ(take(*spool), range(1, 10));
}

TEST_F(SpoolTest, BeyondIsLargerThanAll) {
  EXPECT_EQ(Spool::beyond({}), 1U);
  EXPECT_EQ(Spool::beyond({"spare", "notes.txt", "..", "0000000000000010.seg", "0000000000000002.seg"}),
            0x10U + kSegmentSpan);
}

}  // namespace
}  // namespace dtud::spool
