#include "request.hpp"

#include <gmock/gmock.h>

#include "answer.hpp"
#include "json_view.hpp"
#include "status_codes.hpp"

namespace command_dtu::test {
namespace {

using ::testing::HasSubstr;

TEST(Request, CodesInEveryForm) {
  const std::pair<const char*, int64_t> forms[] = {
      {"0", 0},     {"16", 16},   {"\"16\"", 16}, {"\"0x10\"", 16}, {"\"0X10\"", 16}, {"\"0xff\"", 255},
      {"255", 255}, {"\"4\"", 4}, {"3.0", 3},     {"\"3.00\"", 3},  {"\" 3 \"", 3},   {"\" 0x03 \"", 3}};
  for (const auto& [text, code] : forms) {
    const Request r = read_request("{\"cmd_code\":" + std::string(text) + "}");
    EXPECT_EQ(r.error_code, 0) << text << r.error;
    EXPECT_EQ(r.code, code) << text;
    EXPECT_EQ(r.code_text, text);
    EXPECT_EQ(r.args, "{}");
  }
}

TEST(Request, CodesThatAreNone) {
  for (const char* text :
       {"-1", "1.5", "1e3", "4294967296", "99999999999999999999999999", "\"\"", "\" \"", "\"1 2\"", "\"0x\"", "\"1.\"",
        "\"-1\"", "\"1x\"", "true", "null", "[]", "{}", "\"0x1ffffffff\"", "2147483648"}) {
    const Request r = read_request("{\"cmd_code\":" + std::string(text) + "}");
    EXPECT_EQ(r.error_code, wrong_type) << text;
    EXPECT_THAT(r.error, HasSubstr("is not a function code")) << text;
    EXPECT_EQ(r.code, -1) << text;
  }
  EXPECT_THAT(read_request(R"({"cmd_code": {"password": "qzX"}})").error, testing::Not(HasSubstr("qzX")));
  EXPECT_EQ(read_request("{}").error_code, json_unusable);
}

TEST(Request, WhereParametersSit) {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"cmd_code":7,"data":{"adcn":1}})", R"({"adcn":1})"},
      {R"({"cmd_code":7,"adcn":1})", R"({"adcn":1})"},
      {R"({"cmd_code":7,"adcn":1,"data":{ }})", R"({"adcn":1})"},
      {R"({"cmd_code":7,"adcn":1,"data":""})", R"({"adcn":1})"},
      {R"({"cmd_code":7,"adcn":1,"data":null})", R"({"adcn":1})"},
      {R"({"cmd_code":7,"data":"{\"adcn\": 1}"})", R"({"adcn": 1})"},
      {R"({"cmd_code":50,"number":"1","data":"hi"})", R"({"number":"1","data":"hi"})"},
      {R"({"cmd_code":0,"data":"1234"})", R"({"data":"1234"})"},
      {R"({"cmd_code":0,"data":[1]})", R"({"data":[1]})"},
      {R"({"msg_id":1,"topic_id":1,"password":"p","cmd_code":0,"status":1,"a\"b":1})", R"({"a\"b":1})"},
  };
  for (const auto& [text, args] : rows) EXPECT_EQ(read_request(text).args, args) << text;
}

TEST(Request, PasswordAndTopic) {
  Request r = read_request(R"({"cmd_code":4,"password":"012345","topic_id":1})");
  EXPECT_EQ(r.password, "012345");
  EXPECT_EQ(r.topic_id, "1");
  EXPECT_EQ(read_request(R"({"cmd_code":4,"password":12345})").password, "12345");
  EXPECT_EQ(read_request(R"({"cmd_code":4,"password":""})").password, "");
  EXPECT_EQ(read_request(R"({"cmd_code":4})").password, std::nullopt);
  EXPECT_EQ(read_request(R"({"cmd_code":4,"password":["x"]})").error_code, wrong_type);
  // Seed 001, section 5.
  r = read_request(R"({"Password":"012345","code":255,"data":{}})");
  EXPECT_EQ(r.code, 255);
  EXPECT_EQ(r.password, "012345");
}

TEST(Request, APasswordAmongTheParametersIsTakenFromThem) {
  const std::tuple<const char*, const char*, const char*> rows[] = {
      {R"({"cmd_code":7,"data":{"adcn":1,"password":"p"}})", "p", R"({"adcn":1})"},
      {R"({"cmd_code":7,"data":{"Password":5,"adcn":1}})", "5", R"({"adcn":1})"},
      {R"({"cmd_code":7,"data":"{\"password\":\"p\"}"})", "p", "{}"},
      {R"({"cmd_code":7,"password":"a","data":{"password":"p"}})", "a", R"({"password":"p"})"},
      {R"({"cmd_code":51,"data":{"password":"p","new_password":"n"}})", "p", R"({"new_password":"n"})"},
      {R"({"cmd_code":63,"data":{"password":"p","dtu_config":{}}})", "p", R"({"dtu_config":{}})"}};
  for (const auto& [text, password, args] : rows) {
    const Request r = read_request(text);
    EXPECT_EQ(r.password, password) << text;
    EXPECT_EQ(r.args, args) << text;
  }
  // Here it is a parameter.
  for (const char* text :
       {R"({"cmd_code":81,"data":{"password":"n"}})", R"({"cmd_code":"0x63","data":{"password":"n"}})",
        R"({"cmd_code":7,"data":{"password":["n"]}})"}) {
    const Request r = read_request(text);
    EXPECT_EQ(r.password, std::nullopt) << text;
    EXPECT_THAT(r.args, HasSubstr("password")) << text;
  }
}

TEST(Request, WhatIsThereTwiceIsRefused) {
  for (const char* text : {R"({"cmd_code":0,"cmd_code":4})", R"({"cmd_code":4,"password":"a","password":"b"})",
                           R"({"cmd_code":4,"data":{},"d\u0061ta":{"a":1}})"}) {
    const Request r = read_request(text);
    EXPECT_EQ(r.error_code, json_unusable);
    EXPECT_THAT(r.error, HasSubstr("twice"));
  }
}

TEST(Request, Limits) {
  const std::string big(request_max, 'x');
  EXPECT_EQ(read_request("{\"cmd_code\":0,\"data\":\"" + big + "\"}").error_code, too_much_data);
  Request r = read_request("{\"cmd_code\":\"" + big.substr(0, 500) + "\"}");
  EXPECT_EQ(r.code_text, "");
  EXPECT_LT(r.error.size(), 240U);
  r = read_request("{\"cmd_code\":0,\"msg_id\":\"" + big.substr(0, 500) + "\"}");
  EXPECT_EQ(r.error_code, wrong_type);
  EXPECT_EQ(r.msg_id, "");
  EXPECT_EQ(read_request(R"({"cmd_code":0,"msg_id":{}})").error_code, wrong_type);
  EXPECT_EQ(read_request(R"({"cmd_code":0,"msg_id":null})").error_code, 0);
}

TEST(Answer, Forms) {
  const Request r = read_request(R"({"cmd_code":"0x10","msg_id":"m1"})");
  const Outcome good{"{\"temperature\":26.0}", 0, ""};
  const Outcome bad{"", password_wrong, "wrong"};
  EXPECT_EQ(answer_text(r, 7, good, {}, ""),
            R"({"msg_id":"m1","code":"0x10","cmd_code":"0x10","data":{"temperature":26.0},"status":1,"success":1})");
  EXPECT_EQ(
      answer_text(r, 7, bad, {}, ""),
      R"({"msg_id":"m1","code":"0x10","cmd_code":"0x10","data":null,"status":0,"success":0,"error":"wrong","error_code":5002})");
  EXPECT_EQ(answer_text(r, 7, good, {true, false}, "86"),
            R"({"msg_id":"m1","code":"0x10","data":{"temperature":26.0},"status":1})");
  EXPECT_EQ(answer_text(r, 7, bad, {true, true}, "86"),
            R"({"msg_id":"m1","code":"0x10","data":null,"status":0,"error":"wrong","imei":"86"})");
  EXPECT_EQ(answer_text(read_request(R"({"cmd_code":3})"), 1763636249000123, {"\"CSQ17\"", 0, ""}, {}, ""),
            R"({"msg_id":1763636249000123,"code":3,"cmd_code":3,"data":"CSQ17","status":1,"success":1})");
  EXPECT_EQ(answer_text(broken_request(3, {1, "x"}), 1, {"", json_broken, "e\"\xff"}, {true, false}, ""),
            "{\"msg_id\":1,\"code\":null,\"data\":null,\"status\":0,\"error\":\"e\\\"\xEF\xBF\xBD\"}");
}

TEST(Answer, MessageIdsGrow) {
  MessageIds ids;
  const int64_t now = 1763636249000 * 1000000LL;
  uint64_t last = ids.next(now);
  EXPECT_EQ(last / 1000, 1763636249000U);
  for (int i = 0; i < 5000; ++i) {
    const uint64_t id = ids.next(now + i * 1000);
    ASSERT_GT(id, last);
    ASSERT_LT(id, 1ULL << 53U) << "exact as a number in every JSON reader";
    last = id;
  }
  EXPECT_GT(ids.next(-5), last) << "a clock set back";
}

}  // namespace
}  // namespace command_dtu::test
