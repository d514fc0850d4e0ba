#include <gtest/gtest.h>

#include <mqtt/subscriptions.hpp>

namespace mqtt {
namespace {

struct SubscriptionsTest : testing::Test {
  std::vector<Subscription> filters{{"0", "given", 0, false}};
  Subscriptions all{filters};
  std::vector<Outcome> told;
  Session::Told tell = [this](const Outcome& outcome) { told.push_back(outcome); };

  static Subscription to(std::string filter, int qos = 1) { return {"", std::move(filter), qos, false}; }
  dtu_status last() {
    for (const auto& news : all.take_news()) news.told(news.outcome);
    return told.empty() ? DTU_PENDING : told.back().status;
  }
};

TEST_F(SubscriptionsTest, AnswersAreToldOnceWithTheQosGranted) {
  const uint64_t ticket = all.add(to("a", 2), tell);
  ASSERT_NE(ticket, 0U);
  EXPECT_EQ(last(), DTU_PENDING);
  all.answered(ticket, 1, "");
  all.answered(ticket, 0x80, "a second answer");
  EXPECT_EQ(last(), DTU_OK);
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0].filter, "a");
  EXPECT_EQ(told[0].qos, 1);
  EXPECT_EQ(filters.size(), 2U);
}

TEST_F(SubscriptionsTest, ARefusedOneIsNotMadeAgain) {
  all.answered(all.add(to("a"), tell), 0x87, "not authorised (0x87)");
  EXPECT_EQ(last(), DTU_E_REFUSED);
  EXPECT_EQ(told[0].text, "not authorised (0x87)");
  EXPECT_EQ(filters.size(), 1U);
}

TEST_F(SubscriptionsTest, OneThatGotNoAnswerIsMadeAgain) {
  all.add(to("a"), tell);
  all.all_failed("the connection ended");
  EXPECT_EQ(last(), DTU_E_CLOSED);
  EXPECT_EQ(filters.size(), 2U);
  EXPECT_TRUE(all.take_forgotten().empty());
}

TEST_F(SubscriptionsTest, TheSameFilterGetsTheNewQos) {
  all.answered(all.add(to("given", 2), tell), 2, "");
  ASSERT_EQ(filters.size(), 1U);
  EXPECT_EQ(filters[0].qos, 2);
}

TEST_F(SubscriptionsTest, OneGivenUpWithoutAConnectionIsRemembered) {
  all.failed(all.remove("given", tell), "there is no connection");
  EXPECT_EQ(last(), DTU_E_CLOSED);
  EXPECT_TRUE(filters.empty());
  EXPECT_EQ(all.take_forgotten(), std::vector<std::string>{"given"});
  EXPECT_EQ(all.remove("given", tell), 0U);
  EXPECT_EQ(last(), DTU_E_NOT_FOUND);
}

TEST_F(SubscriptionsTest, HasLimits) {
  EXPECT_EQ(all.add(to("a/#/b"), tell), 0U);
  EXPECT_EQ(last(), DTU_E_INVALID);
  for (size_t i = 0; i < Subscriptions::kMostPending; ++i) EXPECT_NE(all.add(to("p" + std::to_string(i)), tell), 0U);
  EXPECT_EQ(all.add(to("one more"), tell), 0U);
  EXPECT_EQ(last(), DTU_AGAIN);
  while (filters.size() < Subscriptions::kMostFilters) filters.push_back(to("f" + std::to_string(filters.size())));
  all.all_failed("gone");
  EXPECT_EQ(all.add(to("one more"), tell), 0U);
  EXPECT_EQ(last(), DTU_E_INVALID);
}

}  // namespace
}  // namespace mqtt
