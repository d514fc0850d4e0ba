// JSON as the documents print it, and what a message may hold besides commands.
#include "loose_json.hpp"

#include <gmock/gmock.h>

#include "message_parts.hpp"

namespace command_dtu::test {
namespace {

std::optional<std::string> loose(const std::string& text) {
  size_t at = 0;
  auto strict = read_loose(text, at);
  if (strict) {
    EXPECT_EQ(at, text.size()) << text;
  }
  return strict;
}

TEST(LooseJson, BecomesStrict) {
  const std::pair<std::string, const char*> rows[] = {
      {R"({"a": 0X40, "b": [0x0, 0xff,], })", R"({"a":64,"b":[0,255]})"},
      {"{ Password: \"x\", message:{data:-1.5e3}}", R"({"Password":"x","message":{"data":-1.5e3}})"},
      {"{\"a\": 1 -- one {\"\n, // two\r\n\"b\": --three\n -2}", R"({"a":1,"b":-2})"},
      {std::string("{\"a\":\"1\0\0\"}", 11), R"({"a":"1\u0000\u0000"})"},
      {R"({"a":"\"\\","b":[true,false,null,{}],"c":{}})", R"({"a":"\"\\","b":[true,false,null,{}],"c":{}})"},
      {R"({"a": 0x0FFFFFFFFFFFFFF})", R"({"a":72057594037927935})"}};
  for (const auto& [text, strict] : rows) EXPECT_EQ(loose(text), strict) << text;
}

TEST(LooseJson, WhatIsStillNoObject) {
  for (const std::string text : {"",
                                 "[]",
                                 "{,}",
                                 "{\"a\":1,,}",
                                 "{\"a\" 1}",
                                 "{\"a\":}",
                                 "{plain:1}",
                                 "{Pass:1}",
                                 "{'a':1}",
                                 "{\"a\":0x}",
                                 "{\"a\":0xg}",
                                 "{\"a\":0x1g}",
                                 "{\"a\":0x1000000000000000}",
                                 "{\"a\":+1}",
                                 "{\"a\":01}",
                                 "{\"a\":\"\n\"}",
                                 "{\"a\":\"\\x\"}",
                                 "{\"a\":\"\xff\"}",
                                 "{\"a\":1]",
                                 "{\"a\":[1}",
                                 "{\"a\":1 - one\n}",
                                 "{a\":1}"})
    EXPECT_EQ(loose(text), std::nullopt) << text;
  EXPECT_EQ(loose("{\"a\":" + std::string(32, '[') + std::string(32, ']') + "}"), std::nullopt) << "too deep";
}

TEST(LooseJson, KnowsWhenMoreMayMakeItWhole) {
  const std::string text = "{Password: \"\\u0041\", \"b\": 0X1F, -- c\n \"d\": [tru";
  for (size_t cut = 1; cut <= text.size(); ++cut) {
    size_t at = 0;
    JsonProblem problem;
    const std::string begun = text.substr(0, cut);
    EXPECT_FALSE(read_loose(begun, at, &problem));
    EXPECT_EQ(problem.position, cut) << begun << ": " << problem.what;
  }
}

std::vector<std::pair<Part::Kind, std::string>> parts_of(std::string_view text, bool stream) {
  std::vector<std::pair<Part::Kind, std::string>> parts;
  for (;;) {
    const Part part = first_part(text, stream);
    if (part.kind == Part::Kind::nothing) return parts;
    parts.emplace_back(part.kind, part.text);
    if (part.end == 0 || part.kind == Part::Kind::unfinished) return parts;
    text.remove_prefix(part.end);
  }
}

TEST(MessageParts, EachIsToldApart) {
  using K = Part::Kind;
  using Parts = std::vector<std::pair<K, std::string>>;
  const std::string csq = R"({"cmd_code":3})";
  EXPECT_EQ(parts_of(csq + csq, false), (Parts{{K::command, csq}, {K::command, csq}}));
  EXPECT_EQ(parts_of(R"({"code":6,"password":""} {"code":6})", false),
            (Parts{{K::command, R"({"code":6,"password":""})"}, {K::object, R"({"code":6})"}}));
  EXPECT_EQ(parts_of("a" + csq + "b", false), (Parts{{K::data, "a"}, {K::command, csq}, {K::data, "b"}}));
  EXPECT_EQ(parts_of("[" + csq + "]", false), (Parts{{K::broken, "[" + csq + "]"}}));
  EXPECT_EQ(parts_of("{\"cmd_code\":3", false), (Parts{{K::broken, "{\"cmd_code\":3"}}));
  EXPECT_EQ(parts_of("{\"cmd_code\":3", true), (Parts{{K::unfinished, "{\"cmd_code\":3"}}));
  EXPECT_EQ(parts_of("{\"cmd_code\":x}, \"password\": 1}" + csq, true),
            (Parts{{K::broken, "{\"cmd_code\":x}, \"password\": 1}"}, {K::command, csq}}));
  EXPECT_EQ(parts_of("{\"a\":x}" + csq, true), (Parts{{K::data, "{\"a\":x}"}, {K::command, csq}}));
  EXPECT_EQ(parts_of(R"({"data":{"cmd_code":0x3}})", true), (Parts{{K::broken, R"({"data":{"cmd_code":0x3}})"}}));
  EXPECT_EQ(parts_of("{\"cmd_code\":\"3}" + csq + csq, false),
            (Parts{{K::broken, "{\"cmd_code\":\"3}"}, {K::command, csq}, {K::command, csq}}));
}

// Brackets and quotes made to be looked at again and again.
TEST(MessageParts, TheWorkIsBounded) {
  for (const char* piece : {"{", "{ --", "{\"", "{\"a\":[", "}{", "{\"a\":{\"b\":", "{\"a\":1{"}) {
    std::string text;
    while (text.size() < 65536) text += piece;
    text += "cmd_code";
    size_t parts = 0;
    for (const bool stream : {false, true}) parts += parts_of(text, stream).size();
    EXPECT_GT(parts, 0U);
  }
}

}  // namespace
}  // namespace command_dtu::test
