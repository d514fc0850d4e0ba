// What a port hears of its own sending.
#include <gtest/gtest.h>

#include "routing/echo.hpp"

namespace dtud::routing {
namespace {

TEST(Echo, ExactlyWhatWasSentIsTakenOff) {
  Echo echo;
  EXPECT_EQ(echo.take("not asked"), "not asked");
  echo.expect("question");
  EXPECT_EQ(echo.take("que"), "");
  EXPECT_TRUE(echo.waiting());
  EXPECT_EQ(echo.take("stionanswer"), "answer");
  EXPECT_FALSE(echo.waiting());
  EXPECT_EQ(echo.take("question"), "question") << "an answer may equal the question";
  EXPECT_EQ(echo.counters().mismatches, 0U);
  EXPECT_EQ(echo.counters().missing, 0U);
}

// What came before the difference was no echo either: nothing is lost.
TEST(Echo, ADifferentEchoIsACollisionAndIsPassedOn) {
  Echo echo;
  echo.expect("question");
  EXPECT_EQ(echo.take("que"), "");
  EXPECT_EQ(echo.take("Xtion"), "queXtion");
  EXPECT_FALSE(echo.waiting());
  EXPECT_EQ(echo.counters().mismatches, 1U);
  EXPECT_EQ(echo.take("more"), "more");
}

TEST(Echo, OneThatStaysAwayIsCounted) {
  Echo echo;
  EXPECT_EQ(echo.give_up(), "");
  EXPECT_EQ(echo.counters().missing, 0U) << "none was expected";
  echo.expect("question");
  EXPECT_EQ(echo.take("qu"), "");
  EXPECT_EQ(echo.give_up(), "qu");
  EXPECT_EQ(echo.counters().missing, 1U);
  EXPECT_FALSE(echo.waiting());
}

TEST(Echo, BytesOfEveryValue) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  Echo echo;
  echo.expect(all);
  EXPECT_EQ(echo.take(all + all), all);
}

TEST(Echo, AForgottenOneIsNotTakenOff) {
  Echo echo;
  echo.expect("question");
  EXPECT_EQ(echo.take("qu"), "");
  echo.forget();
  EXPECT_EQ(echo.take("estion"), "estion");
  EXPECT_EQ(echo.counters().mismatches, 0U);
}

}  // namespace
}  // namespace dtud::routing
