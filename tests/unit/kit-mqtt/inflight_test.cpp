#include <gtest/gtest.h>

#include <atomic>
#include <mqtt/inbox.hpp>
#include <mqtt/inflight.hpp>
#include <thread>
#include <vector>

namespace mqtt {
namespace {

TEST(Inflight, BoundsMessagesAndBytes) {
  Inflight ring(4, 100);
  EXPECT_NE(ring.take(1, 1000, 0), nullptr);  // one may always go
  EXPECT_EQ(ring.take(2, 1, 0), nullptr);
  std::vector<uint64_t> left;
  ring.sweep([&](uint64_t token) { left.push_back(token); });
  EXPECT_EQ(left, std::vector<uint64_t>{1});
  for (uint64_t token = 10; token < 14; ++token) EXPECT_NE(ring.take(token, 10, 0), nullptr);
  EXPECT_EQ(ring.take(14, 10, 0), nullptr);
  EXPECT_EQ(ring.count(), 4U);
}

TEST(Inflight, ThoseOfQos0DoNotUseTheWindow) {
  Inflight ring(2, 1000, 4);
  for (uint64_t token = 1; token <= 2; ++token) EXPECT_NE(ring.take(token, 1, 1), nullptr);
  EXPECT_EQ(ring.take(3, 1, 1), nullptr);
  for (uint64_t token = 4; token <= 7; ++token) EXPECT_NE(ring.take(token, 1, 0), nullptr);
  EXPECT_EQ(ring.take(8, 1, 0), nullptr);
  EXPECT_EQ(ring.count(), 6U);
}

TEST(Inflight, SweepIsOldestFirstWhateverWasDone) {
  Inflight ring(4, 1000);
  std::vector<Inflight::Slot*> slots;
  for (uint64_t token = 1; token <= 4; ++token) slots.push_back(ring.take(token, 1, 1));
  ring.done(slots[0]);
  ring.done(slots[2]);
  ASSERT_NE(ring.take(5, 1, 1), nullptr);
  EXPECT_EQ(ring.take(6, 1, 1), nullptr);  // the oldest, 2, is in the way
  std::vector<uint64_t> left;
  ring.sweep([&](uint64_t token) { left.push_back(token); });
  EXPECT_EQ(left, (std::vector<uint64_t>{2, 4, 5}));
  EXPECT_EQ(ring.count(), 0U);
}

TEST(Inflight, TellsOfRoomOnceAtHalf) {
  Inflight ring(4, 1000);
  std::vector<Inflight::Slot*> slots;
  for (uint64_t token = 1; token <= 4; ++token) slots.push_back(ring.take(token, 1, 1));
  EXPECT_EQ(ring.take(5, 1, 1), nullptr);
  EXPECT_FALSE(ring.done(slots[0]).room);
  EXPECT_TRUE(ring.done(slots[1]).room);
  EXPECT_FALSE(ring.done(slots[2]).room);
  EXPECT_TRUE(ring.done(slots[3]).empty);
}

TEST(Inflight, AReturnedSlotKeepsTheOrder) {
  Inflight ring(2, 1000);
  ring.take(1, 1, 1);
  ring.give_back(ring.take(2, 1, 1));
  ASSERT_NE(ring.take(3, 1, 1), nullptr);
  std::vector<uint64_t> left;
  ring.sweep([&](uint64_t token) { left.push_back(token); });
  EXPECT_EQ(left, (std::vector<uint64_t>{1, 3}));
}

// The lane fills, another thread empties: whoever is refused is told of room, every time.
TEST(Inflight, NobodyRefusedWaitsForEver) {
  Inflight ring(8, 1U << 20U);
  constexpr uint64_t kMessages = 200000;
  std::vector<std::atomic<Inflight::Slot*>> handed(kMessages);
  std::atomic<uint64_t> rooms{0};
  std::thread other([&] {
    for (uint64_t n = 0; n < kMessages; ++n) {
      Inflight::Slot* slot = nullptr;
      while ((slot = handed[n].load()) == nullptr) std::this_thread::yield();
      if (ring.done(slot).room) ++rooms;
    }
  });
  uint64_t refused = 0;
  for (uint64_t n = 0; n < kMessages; ++n) {
    Inflight::Slot* slot = nullptr;
    while ((slot = ring.take(n, 1, 1)) == nullptr) {
      ++refused;
      while (rooms.load() < refused) std::this_thread::yield();
    }
    handed[n] = slot;
  }
  other.join();
  EXPECT_GE(rooms, refused) << "room that comes while one is being refused may be told of once more";
}

Incoming message(int qos, size_t size) {
  static const std::string bytes(100, 'x');
  Incoming m;
  m.payload = std::string_view(bytes).substr(0, size);
  m.qos = qos;
  return m;
}

TEST(Inbox, DropsQosZeroWhenFullAndTellsOfTheRest) {
  Inbox inbox(3, 1000);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(inbox.put(message(0, 1)), Inbox::Put::taken);
  EXPECT_EQ(inbox.put(message(0, 1)), Inbox::Put::dropped);
  EXPECT_EQ(inbox.put(message(1, 1)), Inbox::Put::over);
  EXPECT_EQ(inbox.count(), 4U);
  EXPECT_FALSE(inbox.half_empty());
  for (int i = 0; i < 4; ++i) {
    ASSERT_NE(inbox.front(), nullptr);
    inbox.pop();
  }
  EXPECT_EQ(inbox.front(), nullptr);
  EXPECT_TRUE(inbox.half_empty());
}

TEST(Inbox, BoundsBytes) {
  Inbox inbox(100, 150);
  EXPECT_EQ(inbox.put(message(0, 100)), Inbox::Put::taken);
  EXPECT_EQ(inbox.put(message(0, 51)), Inbox::Put::dropped);
  EXPECT_EQ(inbox.put(message(0, 50)), Inbox::Put::taken);
}

}  // namespace
}  // namespace mqtt
