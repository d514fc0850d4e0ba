#include "settings.hpp"

#include <gmock/gmock.h>

#include <dtu/sdk/text.hpp>

namespace channel_http {
namespace {

std::string why(const std::string& json) {
  try {
    (void)read_settings(json);
    return "accepted";
  } catch (const dtu::Failure& e) {
    EXPECT_EQ(e.code(), DTU_E_INVALID);
    return e.what();
  }
}

TEST(Settings, Defaults) {
  const Settings s = read_settings(R"({"url": "http://a/", "headers": {}, "request": {}, "tls": {}, "reconnect": {}})");
  ASSERT_EQ(s.targets.size(), 1U);
  EXPECT_EQ(s.targets[0].method, "POST");
  EXPECT_EQ(s.targets[0].id, "");
  EXPECT_TRUE(s.targets[0].takes_message());
  EXPECT_EQ(s.timeout_ms, 10'000U);
  EXPECT_EQ(s.answer_max, 65'536U);
  EXPECT_TRUE(s.tls.verify);
}

TEST(Settings, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> rows[] = {
      {R"({})", "url is missing"},
      {R"({"url": "a.example"})", "must begin with http://"},
      {R"({"url": "http://a/", "method": "trace"})", "method is \"TRACE\""},
      {R"({"url": "http://a/", "data": "x", "reg_data": "y"})", "give one"},
      {R"({"url": "http://a/", "timeout": 0})", "timeout"},
      {R"({"url": "http://a/", "timeout": 301})", "timeout"},
      {R"({"url": "http://a/", "answer_max": -1})", "answer_max is -1"},
      {R"({"url": "http://a/", "request": {"99": {}}})", "request.99"},
      {R"({"url": "http://a/", "request": {"1": 5}})", "request.1"},
      {R"({"request": {"1": {}}})", "request.1.url is missing"},
      {R"({"url": "http://a/", "headers": {"host": "b"}})", "headers.host is set by the client"},
      {R"({"url": "http://a/", "headers": {"Content-Length": "5"}})", "set by the client"},
      {R"({"url": "http://a/", "headers": {"content-type": "b"}})", "content_type"},
      {R"({"url": "http://a/", "headers": {"X-A": "b\r\nX-C: d"}})", "headers.X-A"},
      {R"({"url": "http://a/", "headers": {"X A": "b"}})", "is not a header name"},
      {R"({"url": "http://a/", "content_type": "a\r\nb"})", "content_type"},
      {R"([1])", "not a JSON object"},
      {R"({"url": "http://me:pw@a/"})", "Authorization"},
  };
  for (const auto& [json, words] : rows) EXPECT_THAT(why(json), testing::HasSubstr(words)) << json;
}

}  // namespace
}  // namespace channel_http
