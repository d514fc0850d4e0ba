// Every operation of a scenario fails once, or all from there on for a while: with EIO, ENOSPC, EROFS. What append()
// took comes out, once and in order; what it refused is given again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <deque>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "messages.hpp"
#include "sim_disk.hpp"

namespace dtud::spool {
namespace {

constexpr const char* kFolder = "/spool/3";
constexpr Sizes kSizes{20, 2500};
const SpoolLimits kLimits{512U << 10U, 1000};

// Stands for the journal: keeps what is not stored and tries again.
class Sender {
 public:
  explicit Sender(SimDisk& disk) : disk_(disk) {}

  bool open() {
    spool_ = std::make_unique<Spool>(disk_, kFolder, kLimits);
    return open_again();
  }
  bool open_again() {
    is_open_ = spool_->open(0).code == 0;
    if (!is_open_) return false;
    EXPECT_GE(spool_->done(), written_);
    next_read_ = 0;  // what is not done, or nobody wrote to be, comes again
    return true;
  }
  void come(uint64_t n) {
    for (const uint64_t seq : range(last_ + 1, n)) waiting_.push_back(seq);
    last_ += n;
  }
  bool store() {
    if (!is_open_ && !open_again()) return false;
    while (!waiting_.empty() && waiting_.front() < std::max(done_, spool_->facts().last_seq + 1)) {
      got_there_.insert(waiting_.front());  // though append() said no, before the spool was opened again
      waiting_.pop_front();
    }
    if (waiting_.empty()) return true;
    const std::vector<uint64_t> seqs(waiting_.begin(), waiting_.end());
    const Batch batch(seqs, kSizes);
    const Spool::Appended appended = spool_->append(batch.records(), done_, false);
    EXPECT_EQ(appended.dropped, 0U);
    if (appended.trouble) {
      EXPECT_NE(appended.trouble.code, EINVAL) << appended.trouble.text;
      EXPECT_FALSE(appended.trouble.text.empty());
      return false;
    }
    waiting_.clear();
    stored_ = seqs.back();
    return true;
  }
  bool read(uint64_t most) {
    if (!is_open_ && !open_again()) return false;
    uint64_t n = 0;
    return spool_
               ->read(0,
                      [&](const Record& record) {
                        EXPECT_TRUE(is_what_was_stored(record, kSizes));
                        if (record.seq < done_) return true;  // again: nobody wrote that it was done
                        EXPECT_EQ(record.seq, std::max(next_read_, done_)) << "lost, or out of order";
                        next_read_ = record.seq + 1;
                        return ++n < most;
                      })
               .code == 0;
  }
  bool finish(bool write) {
    if (!is_open_ && !open_again()) return false;
    done_ = std::max(done_, next_read_);
    if (spool_->advance(done_, write).code != 0) return false;
    if (write && spool_->facts().messages > 0) written_ = done_;
    return true;
  }

  [[nodiscard]] uint64_t done() const { return done_; }
  [[nodiscard]] uint64_t stored() const { return stored_; }
  [[nodiscard]] uint64_t last() const { return last_; }
  [[nodiscard]] const std::set<uint64_t>& got_there() const { return got_there_; }
  [[nodiscard]] Spool& spool() { return *spool_; }

 private:
  SimDisk& disk_;
  std::unique_ptr<Spool> spool_;
  bool is_open_ = false;
  std::deque<uint64_t> waiting_;
  std::set<uint64_t> got_there_;
  uint64_t last_ = 0, stored_ = 0, done_ = 1, next_read_ = 0, written_ = 0;
};

// What has no fault: how many operations.
uint64_t run(const SimDisk::Fault& fault, const std::string& where) {
  SCOPED_TRACE(where);
  SimDisk disk;
  disk.set_fault(fault);
  Sender sender(disk);
  sender.open();
  for (int round = 0; round < 24; ++round) {
    sender.come(1 + static_cast<uint64_t>(round) * 7 % 13);
    sender.store();
    if (round % 3 == 1) sender.read(static_cast<uint64_t>(round));
    if (round % 5 == 4) sender.finish(round % 2 == 0);
    if (round % 8 == 7) sender.open();
    if (::testing::Test::HasFailure()) return 0;
  }
  const uint64_t operations = disk.operations();
  // The fault is over: it recovers by itself.
  disk.set_fault({});
  sender.come(5);
  EXPECT_TRUE(sender.store());
  EXPECT_EQ(sender.stored(), sender.last());
  // All that it took is on disk: now the power goes.
  std::mt19937_64 random(1);
  const auto after = disk.after_power_cut(SimDisk::Unsynced::lost, random);
  Spool left(*after, kFolder, kLimits);
  EXPECT_EQ(left.open(sender.done()).code, 0);
  std::vector<uint64_t> expected = range(sender.done(), sender.last() + 1 - sender.done());
  const std::vector<uint64_t> found = take(left, SIZE_MAX, kSizes);
  if (fault.times > 1) {
    // What a failed sync left in the page cache is cut off the file. When that failed too, and then the process ended,
    // the next one believed what it saw: those may be missing now.
    const auto doubtful = [&](uint64_t seq) {
      return sender.got_there().count(seq) == 1 && std::find(found.begin(), found.end(), seq) == found.end();
    };
    expected.erase(std::remove_if(expected.begin(), expected.end(), doubtful), expected.end());
  } else {
    EXPECT_EQ(left.facts().damaged, 0U);
  }
  EXPECT_EQ(found, expected);
  // Or it goes on and empties itself.
  EXPECT_TRUE(sender.read(SIZE_MAX));
  EXPECT_TRUE(sender.finish(true));
  EXPECT_EQ(sender.done(), sender.last() + 1);
  EXPECT_EQ(sender.spool().facts().messages, 0U);
  EXPECT_EQ(sender.spool().facts().damaged, 0U);
  EXPECT_LE(disk.files().size(), 1U);
  return operations;
}

class DiskError : public ::testing::TestWithParam<int> {};

TEST_P(DiskError, AtEveryOperationOnceLosesNothing) {
  const uint64_t operations = run({}, "no fault");
  ASSERT_GT(operations, 150U);
  for (uint64_t n = 0; n < operations && !HasFailure(); ++n)
    run({n, 1, -GetParam(), GetParam() == EIO}, "operation " + std::to_string(n));
}

TEST_P(DiskError, FromEveryOperationOnForAWhileLosesNothing) {
  const uint64_t operations = run({}, "no fault");
  for (uint64_t n = 0; n < operations && !HasFailure(); ++n)
    for (const uint64_t times : {2, 7, 30, 1'000'000})
      run({n, times, -GetParam(), GetParam() == EIO},
          "operation " + std::to_string(n) + " and " + std::to_string(times) + " in all");
}

INSTANTIATE_TEST_SUITE_P(All, DiskError, ::testing::Values(EIO, ENOSPC, EROFS), [](const auto& info) {
  return std::string(info.param == EIO ? "EIO" : info.param == ENOSPC ? "ENOSPC" : "EROFS");
});

// The disk is full: with make_room the oldest segment goes, and its blocks are used again.
TEST(DiskErrorFull, MakingRoomOnAFullDiskGivesUpOneSegment) {
  for (uint64_t n = 0; n < 12; ++n) {
    SCOPED_TRACE(n);
    SimDisk disk;
    Spool spool(disk, kFolder, kLimits);
    ASSERT_EQ(spool.open(0).code, 0);
    for (uint64_t i = 0; i < 10; ++i) ASSERT_EQ(put(spool, 1 + i * 10, 10, false, {2000, 2000}).trouble.code, 0);
    const uint64_t before = spool.facts().messages;
    disk.set_fault({disk.operations() + n, 1, -ENOSPC, false});
    const Spool::Appended appended = put(spool, 101, 20, true, {2000, 2000});
    ASSERT_EQ(appended.trouble.code, 0) << appended.trouble.text;
    EXPECT_LE(appended.dropped, 30U);
    EXPECT_EQ(spool.facts().messages, before + 20 - appended.dropped);
    EXPECT_EQ(take(spool, SIZE_MAX, {2000, 2000}), range(1 + appended.dropped, 120 - appended.dropped));
  }
}

TEST(DiskErrorFull, ClearThatFailsCanBeTriedAgain) {
  for (uint64_t n = 0; n < 40; ++n) {
    SCOPED_TRACE(n);
    SimDisk disk;
    auto spool = std::make_unique<Spool>(disk, kFolder, kLimits);
    ASSERT_EQ(spool->open(0).code, 0);
    for (uint64_t i = 0; i < 10; ++i) ASSERT_EQ(put(*spool, 1 + i * 10, 10, false, {2000, 2000}).trouble.code, 0);
    ASSERT_EQ(take(*spool, n, {2000, 2000}).size(), n);
    uint64_t removed = 0, more = 0;
    disk.set_fault({disk.operations() + n / 2, 1, -EIO});
    if (spool->clear(removed)) {
      EXPECT_EQ(spool->clear(more).code, 0);
    }
    disk.set_fault({});
    EXPECT_EQ(removed + more, 100 - n);
    EXPECT_EQ(spool->facts().messages, n);
    ASSERT_EQ(put(*spool, 101, 5, false, {2000, 2000}).trouble.code, 0);
    EXPECT_EQ(take(*spool, SIZE_MAX, {2000, 2000}), range(101, 5));
    std::mt19937_64 random(1);
    const auto after = disk.after_power_cut(SimDisk::Unsynced::lost, random);
    Spool left(*after, kFolder, kLimits);
    ASSERT_EQ(left.open(0).code, 0);
    std::vector<uint64_t> expected = range(1, n);
    for (const uint64_t seq : range(101, 5)) expected.push_back(seq);
    EXPECT_EQ(take(left, SIZE_MAX, {2000, 2000}), expected);
    EXPECT_EQ(left.facts().damaged, 0U);
  }
}

// The page cache shows what a failed sync did not write. It is cut off, so that the next process does not believe it.
TEST(DiskErrorSync, WhatCouldNotBeSyncedIsNotThereForTheNextProcess) {
  SimDisk disk;
  {
    Spool spool(disk, kFolder, kLimits);
    ASSERT_EQ(spool.open(0).code, 0);
    ASSERT_EQ(put(spool, 1, 10).trouble.code, 0);
    disk.set_fault({disk.operations() + 1, 1, -EIO});
    ASSERT_EQ(put(spool, 11, 10).trouble.code, EIO);
    ASSERT_TRUE(disk.fault_hit());
  }
  Spool next(disk, kFolder, kLimits);
  ASSERT_EQ(next.open(0).code, 0);
  EXPECT_EQ(next.facts().last_seq, 10U);
  EXPECT_EQ(take(next), range(1, 10));
}

TEST(DiskErrorRead, ACountThatFailedIsNotRemembered) {
  SimDisk disk;
  Spool spool(disk, kFolder, kLimits);
  ASSERT_EQ(spool.open(0).code, 0);
  ASSERT_EQ(put(spool, 1, 10).trouble.code, 0);
  ASSERT_EQ(spool.advance(5, false).code, 0);
  disk.set_fault({disk.operations() + 1, 5, -EIO});  // the file can be opened
  EXPECT_EQ(spool.facts().messages, 10U);
  disk.set_fault({});
  EXPECT_EQ(spool.facts().messages, 6U);
}

// A sector that cannot be read any more: tried three times, then stepped over and counted.
TEST(DiskErrorRead, OfWhatStaysUnreadableIsSteppedOver) {
  SimDisk disk;
  Spool spool(disk, kFolder, kLimits);
  ASSERT_EQ(spool.open(0).code, 0);
  for (uint64_t i = 0; i < 10; ++i) ASSERT_EQ(put(spool, 1 + i * 10, 10, false, {2000, 2000}).trouble.code, 0);
  std::vector<uint64_t> got = take(spool, 5, {2000, 2000});
  // A disk that is gone gives nothing up.
  disk.set_fault({disk.operations(), UINT64_MAX, -EIO});
  for (int i = 0; i < 10; ++i)
    EXPECT_EQ(spool.read(0, [&](const Record& record) { return got.push_back(record.seq), true; }).code, EIO);
  EXPECT_EQ(spool.facts().damaged, 0U);
  disk.set_fault({});
  for (const uint64_t seq : take(spool, SIZE_MAX, {2000, 2000})) got.push_back(seq);
  EXPECT_EQ(got, range(1, 100));
}

}  // namespace
}  // namespace dtud::spool
