// What becomes of messages that are followed through an outbox, in memory and through the spool: each is told of once.
#include <dtu/channel.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "offline_rig.hpp"

namespace dtud::routing {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

// "7 -16 drop-oldest"
struct Fates {
  explicit Fates(Outbox& outbox) {
    outbox.followed().on_fate([this](uint64_t token, dtu_status status, const char* reason) {
      all.push_back(std::to_string(token) + " " + std::to_string(status) + (*reason != 0 ? " " : "") + reason);
    });
  }
  Texts take() { return std::exchange(all, {}); }
  Texts all;
};

bool push(Outbox& outbox, uint64_t token, size_t size = 10, uint32_t flags = 0) {
  const std::string text(size, 'x');
  dtu_msg m{};
  m.payload = {text.data(), text.size()};
  m.flags = flags;
  return outbox.push(KeptMessage::keep(m), token);
}

std::vector<uint64_t> take(Outbox& outbox) {
  std::array<dtu_msg, Outbox::kBatch> msgs{};
  const uint32_t n = outbox.take(msgs.data());
  std::vector<uint64_t> tokens;
  for (uint32_t i = 0; i < n; ++i) tokens.push_back(msgs[i].token);
  outbox.untake(0);
  return tokens;
}

TEST(Followed, EachEndOfAMessageIsToldWithItsStatus) {
  Outbox outbox({100, 1U << 20U, Policy::drop_oldest, 100});
  Fates fates(outbox);
  for (uint64_t token = 1; token <= 6; ++token) EXPECT_TRUE(push(outbox, token));
  EXPECT_TRUE(push(outbox, 0));
  EXPECT_TRUE(push(outbox, 7, 10, DTU_MSG_COMMAND));
  EXPECT_FALSE(push(outbox, 8, 101));
  EXPECT_THAT(fates.take(), ElementsAre("8 -2 max_message"));
  const auto open = take(outbox);  // the command first
  ASSERT_EQ(open.size(), 8U);
  EXPECT_THAT(fates.take(), IsEmpty());
  size_t next = 0;
  for (const dtu_status status : {DTU_OK, DTU_OK, DTU_UNCONFIRMED, DTU_E_INVALID, DTU_E_DROPPED, DTU_E_CLOSED})
    EXPECT_TRUE(outbox.complete(open[next++], status));
  EXPECT_TRUE(outbox.reject(open[next]));
  EXPECT_THAT(fates.take(), ElementsAre("7 0", "1 0", "2 2", "3 -2 refused", "4 -16 no client", "6 -2 closed"));
  outbox.return_all();
  for (const uint64_t token : take(outbox)) EXPECT_TRUE(outbox.complete(token, DTU_OK));
  EXPECT_THAT(fates.take(), ElementsAre("5 0"));
  EXPECT_EQ(outbox.followed().size(), 0U);
}

TEST(Followed, ThePolicySaysWhatDropsWhich) {
  for (const Policy policy : {Policy::drop_oldest, Policy::drop_newest}) {
    Outbox outbox({2, 1U << 20U, policy});
    Fates fates(outbox);
    for (uint64_t token = 1; token <= 4; ++token) push(outbox, token);
    if (policy == Policy::drop_oldest)
      EXPECT_THAT(fates.take(), ElementsAre("1 -16 drop-oldest", "2 -16 drop-oldest"));
    else
      EXPECT_THAT(fates.take(), ElementsAre("3 -16 drop-newest", "4 -16 drop-newest"));
    outbox.clear([](uint64_t, const spool::Trouble&) {});
    EXPECT_EQ(fates.take().size(), 2U);
  }
}

TEST(Followed, NothingIsToldOfAfterTheSession) {
  Outbox outbox({10, 1U << 20U, Policy::drop_oldest});
  Fates fates(outbox);
  for (uint64_t token = 1; token <= 4; ++token) push(outbox, token);
  outbox.followed().forget();
  push(outbox, 5);
  for (const uint64_t token : take(outbox)) EXPECT_TRUE(outbox.complete(token, DTU_OK));
  EXPECT_THAT(fates.take(), ElementsAre("5 0"));
}

TEST(Followed, OneTokenOfTwoMessagesIsToldTwice) {
  Outbox outbox({10, 1U << 20U, Policy::drop_oldest});
  Fates fates(outbox);
  push(outbox, 9);
  push(outbox, 9);
  for (const uint64_t token : take(outbox)) EXPECT_TRUE(outbox.complete(token, DTU_OK));
  EXPECT_THAT(fates.take(), ElementsAre("9 0", "9 0"));
}

TEST(Followed, SoManyAtOnce) {
  Outbox outbox({1, UINT64_MAX, Policy::block});
  for (uint64_t token = 1; !outbox.followed().full(); ++token) ASSERT_TRUE(push(outbox, token, 1));
  EXPECT_EQ(outbox.followed().size(), Followed::kMost);
}

struct StoredTest : OfflineRig, testing::Test {
  std::unique_ptr<Fates> fates;
  void follow(uint32_t from, uint32_t to) {
    on_lane([&] {
      if (!fates) fates = std::make_unique<Fates>(*outbox);
      for (; from <= to; ++from) {
        const std::string text = std::to_string(from);
        dtu_msg m{};
        m.payload = {text.data(), text.size()};
        m.time_ns = from;
        outbox->push(KeptMessage::keep(m), from);
      }
    });
  }
  // Of those that were told so, the numbers, in order.
  std::vector<uint32_t> told(const std::string& as) {
    std::vector<uint32_t> numbers;
    on_lane([&] {
      for (const std::string& fate : fates->all)
        if (fate.substr(fate.find(' ') + 1) == as) numbers.push_back(static_cast<uint32_t>(std::stoul(fate)));
    });
    std::sort(numbers.begin(), numbers.end());
    return numbers;
  }
};

TEST_F(StoredTest, WhatWasOnDiskIsToldOnceWhenItIsDelivered) {
  tick_ns = 1'000'000;
  begin({100, 1U << 20U, Policy::drop_oldest}, config::Storage::on);
  follow(1, 5000);
  ASSERT_TRUE(eventually([&] { return backlog().disk().messages >= 4000; }));
  EXPECT_EQ(deliver(5000), from_to(1, 5000));
  EXPECT_EQ(told("0"), from_to(1, 5000));
  EXPECT_EQ(fates->all.size(), 5000U);
}

TEST_F(StoredTest, WhatTheFullDiskDropsIsToldExactly) {
  tick_ns = 1'000'000;
  begin({100, 1U << 20U, Policy::drop_oldest}, config::Storage::on, {1U << 20U, 2000});
  for (uint32_t from = 1; from <= 6000; from += 100) {
    follow(from, from + 99);
    ASSERT_TRUE(eventually([&] { return backlog().in_memory().messages < 100; }));
  }
  uint64_t left = 0;
  on_lane([&] { left = outbox->messages(); });
  const auto came = deliver(left);
  const auto dropped = told("-16 drop-oldest"), delivered = told("0");
  EXPECT_EQ(delivered, came);
  EXPECT_GT(dropped.size(), 1000U);
  EXPECT_EQ(dropped.size() + delivered.size(), 6000U);
  EXPECT_EQ(fates->all.size(), 6000U);
}

TEST_F(StoredTest, WhatIsClearedIsTold) {
  tick_ns = 1'000'000;
  begin({100, 1U << 20U, Policy::drop_oldest}, config::Storage::on);
  follow(1, 3000);
  ASSERT_TRUE(eventually([&] { return backlog().disk().messages >= 2000; }));
  std::vector<uint64_t> open;
  on_lane([&] {
    open = routing::take(*outbox);
    outbox->clear([](uint64_t, const spool::Trouble&) {});
  });
  ASSERT_TRUE(eventually([&] { return outbox->messages() == open.size(); }));
  on_lane([&] {
    for (const uint64_t token : open) outbox->complete(token, DTU_OK);
  });
  EXPECT_EQ(told("0").size(), open.size());
  EXPECT_EQ(told("-16 cleared").size(), 3000 - open.size());
  EXPECT_EQ(fates->all.size(), 3000U);
}

TEST_F(StoredTest, WhatIsDamagedOnDiskIsTold) {
  tick_ns = 1'000'000;
  begin({100, 1U << 20U, Policy::drop_oldest}, config::Storage::on);
  follow(1, 3000);
  ASSERT_TRUE(eventually([&] { return backlog().disk().messages >= 2900; }));
  on_disk_lane([&] {
    for (const auto& entry : std::filesystem::directory_iterator(dir + "/spool/3")) {
      std::fstream file(entry.path(), std::ios::in | std::ios::out | std::ios::binary);
      file.seekp(40'000).write("damage", 6);  // behind what the window has
    }
  });
  std::vector<uint32_t> came;
  ASSERT_TRUE(eventually([&] {
    while (take_batch(came, 3000)) continue;
    return outbox->messages() == 0;
  }));
  EXPECT_EQ(told("0"), came);
  // Which they were is known when all of it was read.
  EXPECT_TRUE(eventually([&] { return fates->all.size() == 3000; }));
  EXPECT_EQ(told("-16 damaged").size(), 3000 - came.size());
  EXPECT_EQ(backlog().damaged(), 3000 - came.size());
  EXPECT_GT(backlog().damaged(), 0U);
}

}  // namespace
}  // namespace dtud::routing
