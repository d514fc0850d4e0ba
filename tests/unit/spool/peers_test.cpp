// Faults that stores of other gateways have had, by their names.
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <set>
#include <string>

#include "messages.hpp"
#include "sim_disk.hpp"
#include "spool/segment.hpp"

namespace dtud::spool {
namespace {

constexpr const char* kFolder = "/spool/3";

class Peers : public ::testing::Test {
 protected:
  std::unique_ptr<Spool> opened(uint64_t done = 0) {
    auto out = std::make_unique<Spool>(disk_, kFolder, SpoolLimits{});
    const Trouble trouble = out->open(done);
    EXPECT_EQ(trouble.code, 0) << trouble.text;
    return out;
  }
  static std::string path(uint64_t first) { return std::string(kFolder) + "/" + segment_name(first); }

  SimDisk disk_;
};

// telegraf #18528: "log corrupt", a panic at every start until somebody removes the file.
TEST_F(Peers, Telegraf18528ACorruptLogIsNoReasonNotToStart) {
  for (const std::string& junk :
       {std::string(), std::string("x"), std::string(4096, '\0'), std::string(70'000, '\xff')}) {
    disk_.set_content(path(1), junk);
    disk_.set_content(path(77), junk);
    auto spool = opened();
    EXPECT_TRUE(take(*spool).empty());
    ASSERT_EQ(put(*spool, 100, 5).trouble.code, 0);
    spool = opened();
    EXPECT_EQ(take(*spool), range(100, 5));
    ASSERT_EQ(spool->advance(105, true).code, 0);
  }
}

// telegraf #16981: the last metric is sent again at each restart.
TEST_F(Peers, Telegraf16981TheLastMessageIsNotSentAgainAtARestart) {
  auto spool = opened();
  ASSERT_EQ(put(*spool, 1, 10).trouble.code, 0);
  ASSERT_EQ(take(*spool).size(), 10U);
  ASSERT_EQ(spool->advance(10, true).code, 0);
  EXPECT_EQ(take(*(spool = opened())), range(10, 1));
  ASSERT_EQ(spool->advance(11, true).code, 0);
  EXPECT_TRUE(take(*(spool = opened())).empty());
  EXPECT_TRUE(take(*(spool = opened())).empty());
}

// telegraf #18085: a sync for each metric.
TEST_F(Peers, Telegraf18085ACommitIsOneWriteAndOneSync) {
  auto spool = opened();
  ASSERT_EQ(put(*spool, 1, 10).trouble.code, 0);
  const uint64_t before = disk_.operations();
  ASSERT_EQ(put(*spool, 11, 800).trouble.code, 0);
  EXPECT_EQ(disk_.operations() - before, 2U);
}

// NanoMQ #2432: cached rows are deleted when they are read, before they are sent.
TEST_F(Peers, NanoMQ2432NothingIsDeletedBeforeItIsDone) {
  auto spool = opened();
  for (uint64_t i = 0; i < 50; ++i) ASSERT_EQ(put(*spool, 1 + i * 1000, 1000).trouble.code, 0);
  ASSERT_GT(spool->facts().segments, 2U);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(take(*spool), range(1, 50'000));
    spool = opened();
  }
  ASSERT_EQ(spool->advance(40'000, false).code, 0);
  EXPECT_EQ(take(*(spool = opened(40'000))), range(40'000, 10'001));
}

// NanoMQ #2423: the backlog is stuck until something new is published.
TEST_F(Peers, NanoMQ2423ABacklogNeedsNoNewMessage) {
  auto spool = opened();
  ASSERT_EQ(put(*spool, 1, 100).trouble.code, 0);
  spool = opened();
  for (uint64_t i = 0; i < 10; ++i) EXPECT_EQ(take(*spool, 10), range(1 + i * 10, 10));
  EXPECT_TRUE(take(*spool).empty());
}

// Neuron: the cache has another name at each start, so nothing is ever replayed, and live data overtakes it.
TEST_F(Peers, NeuronWhatWasStoredIsFoundAndComesBeforeWhatIsNew) {
  for (uint64_t i = 0; i < 20; ++i) {
    auto spool = opened();
    ASSERT_EQ(put(*spool, 1 + i * 10, 10).trouble.code, 0);
  }
  auto spool = opened();
  ASSERT_EQ(put(*spool, 201, 10).trouble.code, 0);
  EXPECT_EQ(take(*spool), range(1, 210));
}

// mosquitto #1726: what was delivered is not saved as delivered, since only growth makes it save.
TEST_F(Peers, Mosquitto1726WhatShrinksIsSavedToo) {
  auto spool = opened();
  ASSERT_EQ(put(*spool, 1, 100).trouble.code, 0);
  for (const uint64_t done : {10U, 50U, 99U}) {
    ASSERT_EQ(spool->advance(done, true).code, 0);
    std::mt19937_64 random(1);
    const auto after = disk_.after_power_cut(SimDisk::Unsynced::lost, random);
    Spool left(*after, kFolder, {});
    ASSERT_EQ(left.open(0).code, 0);
    EXPECT_EQ(take(left), range(done, 101 - done));
  }
}

// mosquitto bridge with autosave_on_changes: 137 KB written for a message of 64 bytes.
TEST_F(Peers, MosquittoAutosaveOneMessageWritesOneOrTwoBlocks) {
  auto spool = opened();
  ASSERT_EQ(put(*spool, 1, 1000).trouble.code, 0);
  for (uint64_t seq = 1001; seq < 1100; ++seq) {
    const uint64_t before = disk_.written();
    ASSERT_EQ(put(*spool, seq, 1).trouble.code, 0);
    EXPECT_LE(disk_.written() - before, 2 * kBlock);
  }
}

}  // namespace
}  // namespace dtud::spool
