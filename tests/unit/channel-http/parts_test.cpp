#include <gtest/gtest.h>

#include "retry.hpp"

namespace channel_http {
namespace {

TEST(Retry, WaitsDoubleWithJitterUpToTheMost) {
  EXPECT_EQ(wait_ms(1, 1000, 60'000, 0, 0), 1000U);
  EXPECT_EQ(wait_ms(1, 1000, 60'000, 0.999, 0), 500U);
  EXPECT_EQ(wait_ms(3, 1000, 60'000, 0, 0), 4000U);
  EXPECT_EQ(wait_ms(7, 1000, 60'000, 0, 0), 60'000U);
  EXPECT_EQ(wait_ms(32, 3'600'000, 3'600'000, 0.5, 0), 2'700'000U);
  EXPECT_EQ(wait_ms(1, 1000, 60'000, 0, 90'000), 90'000U);
}

TEST(Retry, HeaderIsSecondsOrADateAndBounded) {
  EXPECT_EQ(retry_after_ms("", 0), 0U);
  EXPECT_EQ(retry_after_ms("7", 0), 7000U);
  EXPECT_EQ(retry_after_ms("0", 0), 0U);
  EXPECT_EQ(retry_after_ms("-5", 0), 0U);
  EXPECT_EQ(retry_after_ms("86400", 0), kRetryAfterMost_ms);
  EXPECT_EQ(retry_after_ms("99999999999999999999999", 0), kRetryAfterMost_ms);
  EXPECT_EQ(retry_after_ms("soon", 0), 0U);
  EXPECT_EQ(retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 - 30), 30'000U);
  EXPECT_EQ(retry_after_ms("Sun, 06 Nov 1994 08:49:37 GMT", 784111777 + 30), 0U);
}

}  // namespace
}  // namespace channel_http
