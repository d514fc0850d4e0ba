// Commands in texts, and texts that are none.
#include "sms/order.hpp"

#include <gmock/gmock.h>

#include "sms/alphabet.hpp"

namespace {

using namespace hal_ec600::sms;
using testing::HasSubstr;

TEST(SmsOrder, ALine) {
  const auto order = order_in(" adc.query 640000 {\"adcn\": 1}\n");
  ASSERT_TRUE(order);
  EXPECT_EQ(order->name, "adc.query");
  EXPECT_EQ(order->password, "640000");
  EXPECT_EQ(order->args, "{\"adcn\": 1}");
  EXPECT_FALSE(order->json);
  EXPECT_EQ(order_in("radio.csq")->password, std::nullopt);
  EXPECT_EQ(order_in("radio.csq {}")->args, "{}");
  EXPECT_EQ(order_in("3")->code, 3);
  EXPECT_EQ(order_in("255 640000")->code, 255);
}

TEST(SmsOrder, AFunctionCode) {
  const auto order = order_in(R"({"msg_id": "a-1", "cmd_code": "0x07", "password": "640000", "data": {"adcn": 1}})");
  ASSERT_TRUE(order);
  EXPECT_EQ(order->code, 7);
  EXPECT_EQ(order->password, "640000");
  EXPECT_EQ(order->args, "{\"adcn\": 1}");
  EXPECT_EQ(done(*order, "\"1.25\""), R"({"msg_id":"a-1","cmd_code":"0x07","data":"1.25","status":1})");
  EXPECT_EQ(order_in(R"({"cmd_code": 7, "adcn": 1, "x": "y"})")->args, R"({"adcn":1,"x":"y"})");
  EXPECT_EQ(order_in(R"({"cmd_code": 7, "data": "{\"adcn\": 1}"})")->args, R"({"adcn": 1})");
  EXPECT_EQ(order_in(R"({"code": 7, "password": 640000})")->password, "640000");
  EXPECT_EQ(order_in(R"({"cmd_code": 7, "data": {"password": "p"}})")->password, "p");
}

TEST(SmsOrder, TextsForPeople) {
  for (const char* text : {"",
                           "  ",
                           "hello",
                           "call me",
                           "Radio.csq",
                           "1234",
                           "{",
                           "{}",
                           "[1]",
                           R"({"code": 7})",
                           R"({"cmd_code": -1})",
                           R"({"cmd_code": "x"})",
                           R"({"cmd_code": 1e3})",
                           R"({"cmd_code": null})",
                           R"({"cmd_code": 7, "data": "{"})",
                           ".a",
                           "a.",
                           "a..b",
                           "www.example.org is down today",
                           "radio.csq pass {",
                           R"({"cmd_code": 99999999999999999999})",
                           "中.文"})
    EXPECT_FALSE(order_in(text)) << text;
  EXPECT_FALSE(order_in(std::string(2000, '{')));
}

TEST(SmsOrder, AnswersAreCut) {
  const auto order = order_in("config.get 1");
  EXPECT_EQ(done(*order, ""), "config.get: done");
  EXPECT_EQ(failed(*order, "wrong password"), "config.get failed: wrong password");
  std::string chinese = "\"";
  for (int i = 0; i < 2000; ++i) chinese += "中";
  const std::string answer = done(*order, chinese);
  EXPECT_EQ(from_utf8(answer).size(), kMostAnswer);
  EXPECT_THAT(answer, testing::EndsWith("中…"));
  EXPECT_EQ(cut_to("abc", 3), "abc");
  EXPECT_EQ(cut_to("abcd", 3), "ab…");
}

TEST(SmsOrder, FailuresAsJson) {
  const auto order = order_in(R"({"cmd_code": 7})");
  EXPECT_EQ(failed(*order, "no \"adc\""), R"({"cmd_code":7,"data":null,"status":0,"error":"no \"adc\""})");
}

}  // namespace
