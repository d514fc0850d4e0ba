#include "commands/arguments.hpp"

#include <gtest/gtest.h>

namespace dtud::commands {
namespace {

constexpr char kSchema[] = R"({"type": "object", "properties": {"new_password": {"type": "string", "minLength": 1}},
                               "required": ["new_password"], "additionalProperties": false})";

TEST(Arguments, Right) {
  EXPECT_EQ(Arguments("").wrong("{}"), "");
  EXPECT_EQ(Arguments("").wrong(R"({"anything": 1})"), "");
  EXPECT_EQ(Arguments(kSchema).wrong(R"({"new_password": "x"})"), "");
}

TEST(Arguments, WrongOnesSayWhatIsWrong) {
  EXPECT_NE(Arguments("").wrong("[1]"), "");
  EXPECT_NE(Arguments("").wrong("{\"a\": "), "");
  EXPECT_NE(Arguments(kSchema).wrong("{}").find("new_password"), std::string::npos);
  EXPECT_NE(Arguments(kSchema).wrong(R"({"new_password": ""})").find("/new_password"), std::string::npos);
  EXPECT_NE(Arguments(kSchema).wrong(R"({"new_pasword": "x"})").find("new_pasword"), std::string::npos);
}

TEST(Arguments, AreReadInTheTypesOfTheSchema) {
  Arguments arguments(R"({"type": "object", "properties": {"text": {"type": "string"}, "id": {"type": "integer"},
                          "set": {"type": "object", "properties": {"b": {"default": 1}}}}})");
  const std::string given = R"({"text":123456,"id":"3","set":{"z":null,"a":"1"}})";
  ASSERT_EQ(arguments.wrong(given), "");
  EXPECT_EQ(config::to_json(arguments.read(given)), R"({"text":"123456","id":3,"set":{"z":null,"a":"1"}})");
  EXPECT_EQ(config::to_json(Arguments("").read(R"({"id":"3"})")), R"({"id":"3"})");
}

// A schema is compiled once and used for every call: what was wrong with one call must not stay wrong.
TEST(Arguments, TheSameSchemaAnswersEachCallByItself) {
  Arguments arguments(kSchema);
  for (int i = 0; i < 3; ++i) {
    EXPECT_NE(arguments.wrong("{}"), "");
    EXPECT_EQ(arguments.wrong(R"({"new_password": "x"})"), "");
    EXPECT_NE(arguments.wrong(R"({"new_password": [7]})"), "");
  }
}

// A text that is too long for a pattern is refused, and the next one is looked at.
TEST(Arguments, ATextTooLongForAPatternIsForgotten) {
  Arguments arguments(R"({"type": "object", "properties": {"name": {"type": "string", "pattern": "^[a-z]+$"}}})");
  EXPECT_NE(arguments.wrong("{\"name\": \"" + std::string(5000, 'a') + "\"}"), "");
  EXPECT_EQ(arguments.wrong(R"({"name": "abc"})"), "");
  EXPECT_NE(arguments.wrong(R"({"name": "ABC"})"), "");
}

TEST(Arguments, ABrokenSchemaIsWrongForEveryCall) {
  Arguments arguments(R"({"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}})");
  Arguments list("[1]"), no_json("{\"type\": ");
  for (int i = 0; i < 2; ++i) {
    EXPECT_NE(no_json.wrong("{}").find("invalid schema"), std::string::npos);
    EXPECT_NE(arguments.wrong(R"({"a": 1})"), "");
    EXPECT_NE(list.wrong("{}").find("invalid schema"), std::string::npos);
  }
}

}  // namespace
}  // namespace dtud::commands
