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

TEST(SmsOrder, ALineAsATelephoneWritesIt) {
  EXPECT_EQ(order_in("Radio.csq Secret99")->name, "radio.csq");
  EXPECT_EQ(order_in("Radio.csq Secret99")->password, "Secret99") << "its letters stay";
  EXPECT_EQ(order_in("RADIO.CSQ")->name, "radio.csq");
  EXPECT_EQ(order_in("0x10 secret99")->code, 16);
  EXPECT_EQ(order_in("0X0A secret99 {\"a\": 1}")->code, 10);
  EXPECT_EQ(order_in("0xff")->code, 255);
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
                           "0x",
                           "0xG1",
                           "0x12345 secret99",
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

TEST(SmsOrder, WhatWasMeantAsACommandIsKnown) {
  const auto word = [](const std::string& text) { return botched_in(text) ? botched_in(text)->word : "-"; };
  EXPECT_EQ(word("Radio.csq secret99 now"), "radio.csq");
  EXPECT_EQ(word("adc.query secret99 {"), "adc.query");
  EXPECT_EQ(word("0xZZ secret99"), "0xzz");
  EXPECT_EQ(word("1234 secret99"), "1234");
  EXPECT_EQ(word("radio.csq, secret99"), "radio.csq,");
  EXPECT_EQ(word("radio.csq\n" + std::string(65, '6')), "radio.csq");
  EXPECT_EQ(word(R"({"cmd_code": 7, "password": "secret99")"), "{");
  EXPECT_EQ(from_utf8(word(std::string(500, 'a') + ".b secret99")).size(), 64U);
  for (const char* people : {"", "hello secret99", "call me.", "radio.csq: 20", "radio.csq failed: wrong password",
                             "...", "radio.csq secret99"})
    EXPECT_EQ(word(people), "-") << people;
}

TEST(SmsOrder, AnAnswerOfAnotherDeviceIsNeitherRunNorAnswered) {
  const auto line = order_in("adc.query"), json = order_in(R"({"cmd_code": 7})");
  Order botched;
  botched.name = "{";
  for (const std::string& answer : {done(*line, ""), done(*line, "1"), failed(*line, "no"), done(*json, "1"),
                                    done(*json, ""), failed(*json, "no"), failed(botched, "no")}) {
    EXPECT_FALSE(order_in(answer)) << answer;
    EXPECT_FALSE(botched_in(answer)) << answer;
  }
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
