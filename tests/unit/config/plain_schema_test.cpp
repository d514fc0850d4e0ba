#include "config/plain_schema.hpp"

#include <gtest/gtest.h>

#include "config/json_text.hpp"
#include "config/syntax.hpp"
#include "config/validate.hpp"

namespace dtud::config {
namespace {

constexpr char kOrder[] = R"({"type": "object", "required": ["number", "text"], "additionalProperties": false,
  "properties": {"number": {"type": "string", "minLength": 1, "maxLength": 4, "title": "To"},
                 "text": {"type": "string"}, "flash": {"type": "boolean", "default": false},
                 "class": {"type": "integer", "minimum": 0, "maximum": 3}, "more": {"title": "Anything"},
                 "word": {"type": "string", "enum": ["a", "b"]}}})";
constexpr char kOpen[] = R"({"type": "object", "properties": {"n": {"type": "integer"}}})";

std::vector<std::string> texts() {
  return {R"({"number": "1", "text": ""})",
          R"( { "text" : "x" , "number":"1234" } )",
          R"({"number": "12345", "text": ""})",
          R"({"number": "", "text": ""})",
          R"({"number": "äöüß", "text": "ä"})",
          R"({"number": "\u0061", "text": ""})",
          R"({"number": 1, "text": ""})",
          R"({"number": "1"})",
          R"({"number": "1", "text": "", "class": 3, "flash": true})",
          R"({"number": "1", "text": "", "class": 4})",
          R"({"number": "1", "text": "", "class": -1})",
          R"({"number": "1", "text": "", "class": 1.0})",
          R"({"number": "1", "text": "", "class": "1"})",
          R"({"number": "1", "text": "", "class": 99999999999999999})",
          R"({"number": "1", "text": "", "flash": 1})",
          R"({"number": "1", "text": "", "flash": null})",
          R"({"number": "1", "text": "", "more": {"a": [1, "}]", {"b": "\""}], "c": null}})",
          R"({"number": "1", "text": "", "more": [[], {}, ","]})",
          R"({"number": "1", "text": "", "word": "a"})",
          R"({"number": "1", "text": "", "word": "c"})",
          R"({"number": "1", "text": "", "other": 1})",
          R"({"n\u0075mber": "1", "text": ""})",
          R"({"n": 7, "other": {"x": "y"}})",
          R"({"n": 9007199254740993})",
          R"({"n": 1e3})",
          R"({"n": "7"})",
          "{}",
          "{ }",
          "[]",
          "7",
          "\"x\"",
          "null"};
}

std::vector<std::string> schemas() {
  return {kOrder,
          kOpen,
          R"({"type": "object"})",
          R"({"type": "object", "additionalProperties": false})",
          R"({"type": "object", "additionalProperties": {"type": "integer"}})",
          R"({"type": "object", "minProperties": 1})",
          R"({"type": "object", "required": ["other"]})",
          R"({"type": "object", "required": ["n"], "properties": {"n": {}}})",
          R"({"type": "object", "properties": {"n": {"type": ["integer", "string"]}}})",
          R"({"type": "object", "properties": {"n": {"type": "integer", "maximum": 6.5}}})",
          R"({"type": "object", "properties": {"n": {"type": "integer", "multipleOf": 2}}})",
          R"({"type": "object", "properties": {"n": {"not": {}}}})",
          R"({"type": "object", "properties": {"n": false}})",
          R"({"type": "object", "allOf": [{"required": ["n"]}]})",
          R"({"type": ["object", "null"]})",
          R"({"type": "array"})",
          "{}"};
}

TEST(PlainSchema, NeverAcceptsWhatTheValidatorDoesNot) {
  for (const std::string& schema : schemas()) {
    const PlainSchema plain(parse_trusted(schema));
    std::string broken;
    const auto validator = Validator::make(parse_trusted(schema), broken);
    ASSERT_NE(validator, nullptr) << schema << broken;
    for (const std::string& text : texts()) {
      ASSERT_TRUE(check_syntax(text).empty()) << text;
      if (plain.surely_accepts(text)) {
        EXPECT_TRUE(validator->accepts(parse_trusted(text))) << schema << "\n" << text;
      }
    }
  }
}

TEST(PlainSchema, KnowsWhatCommandsAreUsuallyGiven) {
  const PlainSchema order(parse_trusted(kOrder)), open(parse_trusted(kOpen)),
      any(parse_trusted(R"({"type": "object"})"));
  EXPECT_TRUE(order.surely_accepts(texts()[0]));
  EXPECT_TRUE(order.surely_accepts(texts()[1]));
  EXPECT_TRUE(order.surely_accepts(R"({"number": "1", "text": "", "class": 3, "flash": true})"));
  EXPECT_TRUE(order.surely_accepts(R"({"number": "1", "text": "", "more": {"a": [1, "}]", {"b": "\""}], "c": null}})"));
  EXPECT_TRUE(open.surely_accepts(R"({"n": 7, "other": {"x": "y"}})"));
  for (const char* text : {"{}", "{ }", R"({"a": {"b": []}})"}) EXPECT_TRUE(any.surely_accepts(text)) << text;
  EXPECT_FALSE(order.surely_accepts("{}"));
}

// Nobody gives it such a text; it must not run on all the same.
TEST(PlainSchema, EndsWithWhatIsNoJson) {
  const PlainSchema any(parse_trusted(R"({"type": "object"})"));
  for (const char* text :
       {"", "{", "{\"", "{\"a", "{\"a\"", "{\"a\":", "{\"a\":[", "{\"a\":1", "{,", "{:", "{]", "{\\"})
    EXPECT_FALSE(any.surely_accepts(text)) << text;
}

}  // namespace
}  // namespace dtud::config
