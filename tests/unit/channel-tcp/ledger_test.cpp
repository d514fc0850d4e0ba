#include "ledger.hpp"

#include <gtest/gtest.h>

#include <memory>

namespace channel_tcp {
namespace {

TEST(Ring, KeepsOrderWhileItWrapsAndGrows) {
  Ring<std::unique_ptr<int>> ring;
  int in = 0;
  int out = 0;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 37; ++i) ring.push(std::make_unique<int>(in++));
    for (int i = 0; i < 29; ++i) {
      ASSERT_EQ(*ring.front(), out++);
      ring.pop();
    }
    ASSERT_EQ(ring.size(), static_cast<size_t>(in - out));
    ASSERT_EQ(*ring[ring.size() - 1], in - 1);
  }
  while (!ring.empty()) {
    ASSERT_EQ(*ring.front(), out++);
    ring.pop();
  }
  EXPECT_EQ(in, out);
}

TEST(Ring, LetsGoOfWhatIsTakenOut) {
  Ring<std::shared_ptr<int>> ring;
  auto item = std::make_shared<int>(1);
  ring.push(item);
  ring.pop();
  EXPECT_EQ(item.use_count(), 1);
}

TEST(Ledger, SettlesInOrderWhenAllHaveSaid) {
  Ledger ledger;
  const uint64_t first = ledger.next();
  ledger.add({11, 1, 2, false, false});
  ledger.add({12, 1, 1, true, false});
  Ledger::Entry e;
  ASSERT_NE(ledger.settle(first + 1, true), nullptr);
  EXPECT_FALSE(ledger.take_settled(&e)) << "the older one is still open";
  ledger.settle(first, false);
  EXPECT_FALSE(ledger.take_settled(&e));
  ledger.settle(first, true);
  ASSERT_TRUE(ledger.take_settled(&e));
  EXPECT_EQ(e.token, 11U);
  EXPECT_TRUE(e.acknowledged);
  ASSERT_TRUE(ledger.take_settled(&e));
  EXPECT_EQ(e.token, 12U);
  EXPECT_FALSE(ledger.take_any(&e));
}

TEST(Ledger, DoesNotKnowTicketsTakenOut) {
  Ledger ledger;
  const uint64_t first = ledger.next();
  EXPECT_NE(first, 0U) << "0 is no ticket";
  ledger.add({11, 1, 2, false, false});
  Ledger::Entry e;
  ASSERT_TRUE(ledger.take_any(&e));
  EXPECT_EQ(ledger.settle(first, true), nullptr);
  EXPECT_EQ(ledger.settle(first + 1, true), nullptr);
  EXPECT_EQ(ledger.settle(0, true), nullptr);
  EXPECT_EQ(ledger.next(), first + 1);
}

}  // namespace
}  // namespace channel_tcp
