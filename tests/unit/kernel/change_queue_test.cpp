#include "kernel/change_queue.hpp"

#include <gtest/gtest.h>

#include <string>

namespace dtud {
namespace {

TEST(ChangeQueue, RunsOneAfterTheOtherInOrder) {
  ChangeQueue queue;
  std::string ran;
  queue.begin([&] { ran += "a"; });  // waits for the disk
  queue.begin([&] {                  // is refused at once
    ran += "b";
    queue.over();
  });
  queue.begin([&] { ran += "c"; });
  EXPECT_EQ(ran, "a");
  queue.over();
  EXPECT_EQ(ran, "abc");
  EXPECT_TRUE(queue.busy());
  queue.over();
  EXPECT_FALSE(queue.busy());
}

TEST(ChangeQueue, IsFullWhenTooManyWait) {
  ChangeQueue queue;
  queue.begin([] {});
  for (size_t i = 0; i < ChangeQueue::kMost; ++i) {
    EXPECT_FALSE(queue.full());
    queue.begin([] {});
  }
  EXPECT_TRUE(queue.full());
  queue.over();
  EXPECT_FALSE(queue.full());
}

}  // namespace
}  // namespace dtud
