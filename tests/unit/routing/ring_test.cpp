#include "routing/ring.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <memory>
#include <random>

namespace dtud::routing {
namespace {

TEST(Ring, BehavesAsADequeUnderRandomUse) {
  Ring<std::unique_ptr<int>> ring;
  std::deque<int> model;
  std::minstd_rand random(1);
  for (int i = 0; i < 20000; ++i) {
    switch (random() % 5) {
      case 0:
      case 1:
        ring.push_back(std::make_unique<int>(i)), model.push_back(i);
        break;
      case 2:
        ring.push_front(std::make_unique<int>(i)), model.push_front(i);
        break;
      case 3:
        if (!model.empty()) {
          ASSERT_EQ(*ring.pop_front(), model.front());
          model.pop_front();
        }
        break;
      default:
        if (!model.empty()) {
          ASSERT_EQ(*ring.pop_back(), model.back());
          model.pop_back();
        }
    }
    ASSERT_EQ(ring.size(), model.size());
    if (!model.empty()) {
      ASSERT_EQ(*ring.front(), model.front());
      ASSERT_EQ(*ring.back(), model.back());
      ASSERT_EQ(*ring[model.size() / 2], model[model.size() / 2]);
    }
  }
}

}  // namespace
}  // namespace dtud::routing
