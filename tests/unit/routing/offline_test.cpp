// offline_storage at the outbox: order and loss over memory, disk and the end of the process.
#include <dtu/channel.h>
#include <gmock/gmock.h>

#include "offline_rig.hpp"

namespace dtud::routing {
namespace {

using config::Storage;
constexpr OutboxLimits kLimits{4096, 4U << 20U, Policy::drop_oldest};

class OfflineTest : public testing::Test {
 protected:
  OfflineTest() { rig_.tick_ns = 50'000'000; }
  OfflineRig rig_;
};

TEST_F(OfflineTest, HealthyNothingIsWrittenToTheDisk) {
  rig_.begin(kLimits, Storage::on);
  rig_.carries = true;
  for (uint32_t i = 0; i < 100; ++i) {
    rig_.push(i * 10 + 1, i * 10 + 10);
    EXPECT_EQ(rig_.deliver(10), from_to(i * 10 + 1, i * 10 + 10));
  }
  rig_.on_lane([&] { EXPECT_EQ(rig_.backlog().disk().written, 0U); });
  EXPECT_FALSE(std::filesystem::exists(rig_.dir + "/spool"));
}

TEST_F(OfflineTest, AKillLosesNothingThatWasTaken) {
  rig_.begin(kLimits, Storage::on);
  rig_.push(1, 5000, 64);
  EXPECT_EQ(rig_.deliver(1000), from_to(1, 1000));
  rig_.end();
  rig_.begin(kLimits, Storage::on);
  EXPECT_TRUE(rig_.eventually([&] { return rig_.outbox->messages() == 4000U; }));  // the disk is looked at meanwhile
  rig_.push(5001, 5010);
  EXPECT_EQ(rig_.deliver(4010), from_to(1001, 5010));
}

TEST_F(OfflineTest, AnOutageGoesToTheDiskWithinASecondOrTwoAndComesBackInOrder) {
  rig_.begin(kLimits, Storage::on);
  rig_.push(1, 3000, 64);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 3000; }));
  rig_.push(3001, 6000, 64);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 6000; }));
  rig_.on_lane([&] {
    EXPECT_EQ(rig_.backlog().in_memory().messages, 0U);
    EXPECT_LE(rig_.backlog().journal_memory(), 2U * 65536U);
    EXPECT_EQ(rig_.outbox->messages(), 6000U);
  });
  rig_.push(6001, 6100);
  EXPECT_EQ(rig_.deliver(6100), from_to(1, 6100));
  EXPECT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().segments == 0; }));
}

TEST_F(OfflineTest, APowerCutLosesAtMostWhatWasNotOnDisk) {
  rig_.begin(kLimits, Storage::on);
  rig_.push(1, 2000, 64);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 2000; }));
  rig_.push(2001, 2050);
  rig_.end();
  rig_.forget_memory();
  rig_.begin(kLimits, Storage::on);
  EXPECT_EQ(rig_.deliver(2000), from_to(1, 2000));
  rig_.push(3001, 3010);
  EXPECT_EQ(rig_.deliver(10), from_to(3001, 3010));
}

TEST_F(OfflineTest, AKillInTheMiddleOfTheDrainRepeatsOnlyWhatWasInFlight) {
  rig_.begin(kLimits, Storage::on);
  rig_.push(1, 10'000, 64);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 10'000; }));
  for (uint32_t done = 0; done < 10'000; done += 2'000) {
    EXPECT_EQ(rig_.deliver(2'000), from_to(done + 1, done + 2'000));
    std::array<dtu_msg, Outbox::kBatch> msgs{};
    rig_.on_lane([&] { (void)rig_.outbox->take(msgs.data()); });  // in flight, and killed
    rig_.end();
    rig_.begin(kLimits, Storage::on);
  }
  rig_.push(20'000, 20'000);
  EXPECT_EQ(rig_.deliver(1), from_to(20'000, 20'000));
}

// D19: what stands behind a suspect may be delivered before it is clear what becomes of the suspect.
TEST_F(OfflineTest, WhatIsSetAsideIsNotDoneAndSurvivesAKill) {
  rig_.begin(kLimits, Storage::on);
  rig_.push(1, 200, 64);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 200; }));
  rig_.on_lane([&] {
    std::array<dtu_msg, Outbox::kBatch> msgs{};
    ASSERT_EQ(rig_.outbox->take(msgs.data(), 1), 1U);
    rig_.outbox->untake(0);
    (void)rig_.outbox->count_refusal(msgs[0].token);
    rig_.outbox->set_refused_aside();
    ASSERT_TRUE(rig_.outbox->complete(msgs[0].token, DTU_E_REFUSED));
  });
  EXPECT_EQ(rig_.deliver(100), from_to(2, 101));
  rig_.on_lane([&] { EXPECT_EQ(rig_.backlog().done_seq(), 1U); });
  rig_.end();
  rig_.begin(kLimits, Storage::on);
  EXPECT_EQ(rig_.deliver(200).front(), 1U);
}

TEST_F(OfflineTest, UnderAlwaysAMessageGoesOutOnlyWhenItIsOnDisk) {
  rig_.begin(kLimits, Storage::always);
  rig_.carries = true;
  rig_.on_lane([&] {
    rig_.push_one(1, 0);
    EXPECT_FALSE(rig_.outbox->has_waiting());
  });
  ASSERT_TRUE(rig_.eventually([&] { return rig_.outbox->has_waiting(); }));
  rig_.on_lane([&] { EXPECT_EQ(rig_.backlog().disk().messages, 1U); });
  rig_.push(2, 500);
  EXPECT_EQ(rig_.deliver(500), from_to(1, 500));
}

TEST_F(OfflineTest, UnderAlwaysWhatMayGoOutSurvivesAPowerCut) {
  rig_.begin(kLimits, Storage::always);
  rig_.push(1, 500);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().sendable() >= 500; }));
  rig_.end();
  rig_.forget_memory();
  rig_.begin(kLimits, Storage::always);
  EXPECT_EQ(rig_.deliver(500), from_to(1, 500));
}

TEST_F(OfflineTest, WhatIsSentAndNotConfirmedForTwoSecondsGoesToTheDisk) {
  rig_.begin(kLimits, Storage::on);
  rig_.carries = true;  // a black hole: it takes, and never confirms
  rig_.push(1, 20);
  std::array<dtu_msg, Outbox::kBatch> msgs{};
  rig_.on_lane([&] { EXPECT_EQ(rig_.outbox->take(msgs.data()), 20U); });
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 20; }));
  rig_.on_lane([&] { rig_.outbox->return_all(); });
  EXPECT_EQ(rig_.deliver(20), from_to(1, 20));
}

TEST_F(OfflineTest, MoreThanMemoryHoldsIsSpilledAlsoWhileTheChannelIsUp) {
  rig_.begin({100, 1U << 20U, Policy::block}, Storage::on);
  rig_.carries = true;
  rig_.push(1, 20'000, 64);
  rig_.on_lane([&] { EXPECT_EQ(rig_.outbox->counters().dropped, 0U); });
  EXPECT_EQ(rig_.deliver(20'000), from_to(1, 20'000));
}

TEST_F(OfflineTest, AFullDiskUnderDropOldestMakesRoomAndCountsExactly) {
  rig_.begin(kLimits, Storage::on, {256U << 10U, 1'000'000});
  uint32_t last = 0;
  uint64_t dropped = 0;
  for (int round = 0; round < 20; ++round) {
    rig_.push(last + 1, last + 1000, 100);
    last += 1000;
    ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().in_memory().messages == 0; }));
  }
  uint64_t left = 0;
  rig_.on_lane([&] {
    dropped = rig_.outbox->counters().dropped;
    left = rig_.outbox->messages();
    EXPECT_LE(rig_.backlog().disk().disk_bytes, (256U + 64U) << 10U);
  });
  EXPECT_GT(dropped, 15'000U);
  EXPECT_EQ(dropped + left, last);
  EXPECT_EQ(rig_.deliver(left), from_to(last - static_cast<uint32_t>(left) + 1, last));
}

TEST_F(OfflineTest, AFullDiskUnderBlockKeepsWhatItHas) {
  const OutboxLimits limits{500, 1U << 20U, Policy::block};
  rig_.begin(limits, Storage::on, {16U << 20U, 1000});
  uint32_t last = 0;
  ASSERT_TRUE(rig_.eventually([&] {
    while (!rig_.outbox->full() && last < 5000) rig_.push_one(++last, 0);
    return rig_.outbox->full() && rig_.backlog().trouble();
  }));
  rig_.on_lane([&] { EXPECT_EQ(rig_.outbox->counters().dropped, 0U); });
  EXPECT_LT(last, 5000U);
  EXPECT_EQ(rig_.deliver(last), from_to(1, last));
}

TEST_F(OfflineTest, SwitchedOffWhatIsStoredStillGoesFirst) {
  rig_.begin(kLimits, Storage::on);
  rig_.push(1, 100);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 100; }));
  rig_.end();
  rig_.begin(kLimits, Storage::off);
  rig_.push(101, 110);
  EXPECT_EQ(rig_.deliver(110), from_to(1, 110));
}

TEST_F(OfflineTest, SwitchedOnLaterWhatWaitsInPlainMemoryGoesFirst) {
  rig_.begin(kLimits, Storage::on);
  rig_.on_lane([&] {
    rig_.outbox = std::make_unique<Outbox>(kLimits);
    for (uint32_t n = 1; n <= 10; ++n) rig_.push_one(n, 0);
    rig_.outbox->keep(
        *rig_.storage, 4, Storage::on, {}, [] { return false; }, [] {});
    for (uint32_t n = 11; n <= 20; ++n) rig_.push_one(n, 0);
    std::array<dtu_msg, Outbox::kBatch> msgs{};
    EXPECT_EQ(rig_.outbox->take(msgs.data()), 20U);
    rig_.outbox->return_all();
  });
  EXPECT_EQ(rig_.deliver(20), from_to(1, 20));
}

TEST_F(OfflineTest, ClearLeavesOnlyWhatIsInFlight) {
  rig_.begin(kLimits, Storage::on);
  rig_.push(1, 3000);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 3000; }));
  rig_.push(3001, 3100);
  uint64_t cleared = 0;
  rig_.on_lane([&] {
    std::array<dtu_msg, Outbox::kBatch> msgs{};
    EXPECT_EQ(rig_.outbox->take(msgs.data()), 64U);
    rig_.outbox->clear([&](uint64_t n, const spool::Trouble& trouble) {
      EXPECT_FALSE(trouble) << trouble.text;
      cleared = n;
    });
  });
  ASSERT_TRUE(rig_.eventually([&] { return cleared != 0; }));
  EXPECT_EQ(cleared, 3036U);
  rig_.on_lane([&] {
    EXPECT_EQ(rig_.outbox->messages(), 64U);
    EXPECT_EQ(rig_.outbox->counters().cleared, 3036U);
    rig_.outbox->return_all();
  });
  EXPECT_EQ(rig_.deliver(64), from_to(1, 64));
  rig_.push(4001, 4002);
  EXPECT_EQ(rig_.deliver(2), from_to(4001, 4002));
}

TEST_F(OfflineTest, AMillionStoredMessagesAreSeenPageByPage) {
  rig_.begin(kLimits, Storage::on);
  rig_.push(1, 2000);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 2000; }));
  rig_.push(2001, 2500);
  std::vector<uint32_t> seen;
  uint64_t next = 0;
  bool end = false;
  while (!end) {
    std::promise<void> answered;
    rig_.on_lane([&] {
      rig_.outbox->backlog()->peek(next, 300, 1U << 20U, [&](const auto& page, const spool::Trouble& trouble) {
        EXPECT_FALSE(trouble);
        for (const auto& m : page) seen.push_back(static_cast<uint32_t>(std::stoul(m.payload)));
        end = page.empty();
        if (!end) next = page.back().seq + 1;
        answered.set_value();
      });
    });
    ASSERT_EQ(answered.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  }
  EXPECT_EQ(seen, from_to(1, 2500));
  EXPECT_EQ(rig_.deliver(2500), from_to(1, 2500));
}

TEST_F(OfflineTest, BeforeAStopEverythingIsOnDisk) {
  rig_.begin(kLimits, Storage::on);
  rig_.carries = true;
  rig_.push(1, 300);
  bool flushed = false;
  rig_.on_lane([&] { rig_.outbox->backlog()->flush([&] { flushed = true; }); });
  ASSERT_TRUE(rig_.eventually([&] { return flushed; }));
  rig_.end();
  rig_.forget_memory();
  rig_.begin(kLimits, Storage::on);
  EXPECT_EQ(rig_.deliver(300), from_to(1, 300));
}

// NanoMQ #2423: a backlog that waits for the next publish.
TEST_F(OfflineTest, ABacklogDrainsWithoutANewMessage) {
  rig_.begin(kLimits, Storage::on);
  rig_.push(1, 5000);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 5000; }));
  rig_.end();
  rig_.begin(kLimits, Storage::on);
  EXPECT_EQ(rig_.deliver(5000), from_to(1, 5000));
}

// telegraf #16981: the last one is delivered again at every restart.
TEST_F(OfflineTest, TheLastMessageIsNotSentAgainAfterARestart) {
  rig_.begin(kLimits, Storage::on);
  rig_.push(1, 10);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 10; }));
  EXPECT_EQ(rig_.deliver(10), from_to(1, 10));
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().segments == 0; }));
  rig_.end();
  rig_.forget_memory();
  rig_.begin(kLimits, Storage::on);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.outbox->messages() == 0; }));
  rig_.push(11, 11);
  EXPECT_EQ(rig_.deliver(1), from_to(11, 11));
}

// Neuron: replay mixed with live data, 108 inversions.
TEST_F(OfflineTest, WhatComesDuringTheDrainGoesBehindIt) {
  rig_.begin(kLimits, Storage::on);
  rig_.push(1, 5000, 64);
  ASSERT_TRUE(rig_.eventually([&] { return rig_.backlog().disk().messages == 5000; }));
  rig_.carries = true;
  std::vector<uint32_t> all;
  uint32_t last = 5000;
  while (all.size() < 20'000) {
    if (last < 20'000) {
      rig_.push(last + 1, last + 50);
      last += 50;
    }
    const auto some = rig_.deliver(last >= 20'000 ? 20'000 - all.size() : 64);
    all.insert(all.end(), some.begin(), some.end());
    ASSERT_FALSE(some.empty());
  }
  EXPECT_EQ(all, from_to(1, 20'000));
}

}  // namespace
}  // namespace dtud::routing
