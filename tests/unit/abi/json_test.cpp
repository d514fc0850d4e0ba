// dtu/sdk/json.hpp: what plugins read their configuration with. The text may come from anybody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <dtu/sdk/json.hpp>

#include <vector>

namespace {

using dtu::Json;
using testing::ElementsAre;

// What it threw, or "" when it did not.
template <typename Body>
std::string thrown(Body body) {
  try {
    body();
  } catch (const dtu::Failure& f) {
    EXPECT_EQ(f.code(), DTU_E_INVALID);
    return f.what();
  }
  return "";
}

TEST(SdkJson, MembersAndDefaults) {
  const std::string text =
      R"( {"url": "h", "port": -12, "x": 1.5e1, "on": true, "null": null, "in": {"a": [1, "two"]}} )";
  const Json json(text);
  EXPECT_EQ(json["url"].text(), "h");
  EXPECT_EQ(json["port"].integer(), -12);
  EXPECT_EQ(json["x"].number(), 15);
  EXPECT_EQ(json["port"].number(), -12);
  EXPECT_TRUE(json["on"].flag());
  EXPECT_EQ(json["in"].raw(), R"({"a": [1, "two"]})");
  EXPECT_TRUE(json["in"]["a"].exists());
  for (const char* nothing : {"null", "gone"}) {
    EXPECT_FALSE(json[nothing].exists());
    EXPECT_EQ(json[nothing].text("other"), "other");
    EXPECT_EQ(json[nothing].integer(7), 7);
    EXPECT_EQ(json[nothing].number(0.5), 0.5);
    EXPECT_TRUE(json[nothing].flag(true));
    EXPECT_FALSE(json[nothing]["deeper"]["still"].exists());
  }
  EXPECT_EQ(thrown([&] { (void)json["url"]["of a text"]; }), "url has to be an object");
  for (const char* document : {"null", "[]", "3", "\"text\""})
    EXPECT_EQ(thrown([&] { (void)Json(document)["key"]; }), "the value has to be an object") << document;
}

TEST(SdkJson, EachInOrder) {
  const std::string text = R"({"b": 1, "a": [true, {}], "c": []})";
  std::vector<std::string> seen;
  Json(text).each([&](std::string_view key, const Json& value) {
    seen.push_back(std::string(key) + "=" + std::string(value.raw()));
    if (key == "a") value.each([&](std::string_view k, const Json& v) { seen.push_back(std::string(k) + v.name()); });
    if (key == "c") value.each([&](std::string_view, const Json&) { seen.emplace_back("nothing is in there"); });
  });
  EXPECT_THAT(seen, ElementsAre("b=1", "a=[true, {}]", "a[]", "a[]", "c=[]"));
  EXPECT_EQ(thrown([] { Json("3").each([](std::string_view, const Json&) {}); }),
            "the value has to be a list or an object");
}

TEST(SdkJson, AWrongTypeIsNamedWithItsPath) {
  const std::string text = R"({"a": {"b": "x", "n": 1.5}})";
  const Json json(text);
  EXPECT_EQ(thrown([&] { (void)json["a"]["b"].integer(); }), "a.b has to be a whole number of 64 bits");
  EXPECT_EQ(thrown([&] { (void)json["a"]["n"].integer(); }), "a.n has to be a whole number of 64 bits");
  EXPECT_EQ(thrown([&] { (void)json["a"].text(); }), "a has to be a text");
  EXPECT_EQ(thrown([&] { (void)json["a"]["b"].flag(); }), "a.b has to be true or false");
  EXPECT_EQ(thrown([&] { (void)json["a"]["b"].number(); }), "a.b has to be a number");
  EXPECT_EQ(Json("9223372036854775807").integer(), INT64_MAX);
  EXPECT_NE(thrown([] { (void)Json("9223372036854775808").integer(); }), "");
}

TEST(SdkJson, Texts) {
  EXPECT_EQ(Json(R"("a\"\\\/\b\f\n\r\tz")").text(), "a\"\\/\b\f\n\r\tz");
  EXPECT_EQ(Json(R"("\u0041\u00e9\u20AC\ud83d\ude00")").text(), "A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  EXPECT_EQ(Json(R"("\ud83d\n\ude00\ud83dx")").text(), "\xEF\xBF\xBD\n\xEF\xBF\xBD\xEF\xBF\xBDx");
  EXPECT_EQ(Json(R"({"k\u0065y": "v"})")["key"].text(), "v");
  EXPECT_EQ(Json(R"({"k": 1, "k": 2})")["k"].integer(), 1) << "the first";
}

TEST(SdkJson, WhatIsWrittenIsReadBack) {
  std::string all;
  for (int c = 0; c < 128; ++c) all += static_cast<char>(c);
  all += "\xC3\xA9";
  EXPECT_EQ(Json(dtu::quoted(all)).text(), all);
  EXPECT_EQ(dtu::quoted("\x1f\""), R"("\u001f\"")");
}

TEST(SdkJson, WhatIsNoJsonIsRefused) {
  for (const char* text : {"",
                           " ",
                           "{",
                           "}",
                           "[",
                           "[1",
                           "[1,]",
                           "{\"a\"}",
                           "{\"a\":}",
                           "{\"a\":1,}",
                           "{a:1}",
                           "'a'",
                           "\"",
                           "\"\\\"",
                           "\"\\x\"",
                           "\"\\u12\"",
                           "\"\\u-123\"",
                           "01",
                           "-",
                           "1.",
                           ".5",
                           "1e",
                           "+1",
                           "tru",
                           "nul",
                           "truefalse",
                           "1 2",
                           "\"a\nb\"",
                           "[1 2]",
                           "{\"a\" 1}",
                           "{1: 2}",
                           "\"\\ud83",
                           "NaN",
                           "\xEF\xBB\xBF{}",
                           "{\"a\":1}x"})
    EXPECT_EQ(thrown([&] { const Json json{text}; }), "this is no JSON") << text;
  EXPECT_EQ(thrown([] { const Json json(std::string_view("\"\\\0\"", 4)); }), "this is no JSON");
  const std::string deep = std::string(100000, '[') + std::string(100000, ']');
  EXPECT_EQ(thrown([&] { const Json json(deep); }), "this is no JSON");
  EXPECT_EQ(thrown([] { const Json json("[[[[{\"a\":[]}]]]]"); }), "");
}

// Every prefix of a document, and the document with every byte changed, is read or refused, nothing else.
TEST(SdkJson, CutAndChangedTextsAreHarmless) {
  const std::string text = R"({"a": [1, -2.5e+3, "x\u00e9\ud83d\ude00\n"], "b": {"c": null, "d": true}})";
  for (size_t i = 0; i < text.size(); ++i) {
    EXPECT_EQ(thrown([&] { const Json json(std::string_view(text).substr(0, i)); }), "this is no JSON");
    for (int c = 0; c < 256; c += 5) {
      std::string changed = text;
      changed[i] = static_cast<char>(c);
      thrown([&] {
        const Json json(changed);
        (void)json["a"].exists();
        json.each([](std::string_view, const Json& value) {
          thrown([&] { value.each([](std::string_view, const Json& v) { thrown([&] { (void)v.text(); }); }); });
        });
      });
    }
  }
}

}  // namespace
