// Values as real DTU files have them, and what becomes of them.
#include "config/lenient.hpp"

#include <gtest/gtest.h>

#include "config/json_text.hpp"

namespace dtud::config {
namespace {

// The value of "v" in normal form, or "absent".
std::string becomes(const std::string& schema_of_v, const std::string& v) {
  const Schema schema(parse_trusted(R"({"type": "object", "properties": {"v": )" + schema_of_v + "}}"));
  const Json out = normalised(parse_trusted("{\"v\": " + v + "}"), SchemaNode(schema));
  const auto* object = as_object(out);
  return object->has("v") ? to_json(object->get("v")) : "absent";
}

TEST(Lenient, TextsBecomeNumbers) {
  EXPECT_EQ(becomes(R"({"type": "integer"})", R"("1883")"), "1883");
  EXPECT_EQ(becomes(R"({"type": "integer"})", R"(" 1883 ")"), "1883");
  EXPECT_EQ(becomes(R"({"type": "integer"})", R"("-5")"), "-5");
  EXPECT_EQ(becomes(R"({"type": "integer"})", R"("5.0")"), "5");
  EXPECT_EQ(becomes(R"({"type": "number"})", R"("3.5")"), "3.5");
  EXPECT_EQ(becomes(R"({"type": "integer"})", "5.0"), "5");
  EXPECT_EQ(becomes(R"({"type": "integer"})", "true"), "1");
}

TEST(Lenient, WhatIsNoNumberStays) {
  EXPECT_EQ(becomes(R"({"type": "integer"})", R"("1883x")"), R"("1883x")");
  EXPECT_EQ(becomes(R"({"type": "integer"})", R"("0x10")"), R"("0x10")");
  EXPECT_EQ(becomes(R"({"type": "integer"})", R"("1.5")"), R"("1.5")");
  EXPECT_EQ(becomes(R"({"type": "integer"})", "1.5"), "1.5");
  EXPECT_EQ(becomes(R"({"type": "integer"})", "[1]"), "[1]");
  EXPECT_EQ(becomes(R"({"type": "integer"})", R"("9223372036854775808")"), R"("9223372036854775808")");
  EXPECT_EQ(becomes(R"({"type": "number"})", R"("inf")"), R"("inf")");
  EXPECT_EQ(becomes(R"({"type": "number"})", R"("nan")"), R"("nan")");
}

TEST(Lenient, FlagsInEveryForm) {
  for (const char* yes : {"1", R"("1")", "true", R"("true")", R"("True")", "1.0"})
    EXPECT_EQ(becomes(R"({"type": "boolean"})", yes), "true") << yes;
  for (const char* no : {"0", R"("0")", "false", R"("false")", R"("FALSE")"})
    EXPECT_EQ(becomes(R"({"type": "boolean"})", no), "false") << no;
  EXPECT_EQ(becomes(R"({"type": "boolean"})", "2"), "2");
}

TEST(Lenient, NumbersBecomeTexts) {
  EXPECT_EQ(becomes(R"({"type": "string"})", "2"), R"("2")");
  EXPECT_EQ(becomes(R"({"type": "string"})", "1.5"), R"("1.5")");
  EXPECT_EQ(becomes(R"({"type": "string"})", "true"), R"("true")");
  EXPECT_EQ(becomes(R"({"type": "string"})", "{}"), "{}");
}

TEST(Lenient, BlanksAreTheDefaultOrNothing) {
  EXPECT_EQ(becomes(R"({"type": "integer", "default": 60})", R"("")"), "60");
  EXPECT_EQ(becomes(R"({"type": "integer", "default": 60})", R"("  ")"), "60");
  EXPECT_EQ(becomes(R"({"type": "integer", "default": 60})", "null"), "60");
  EXPECT_EQ(becomes(R"({"type": "integer"})", R"("")"), "absent");
  EXPECT_EQ(becomes(R"({"type": "string", "default": "x"})", R"("")"), R"("x")");
  EXPECT_EQ(becomes(R"({"type": "string"})", R"(" ")"), R"("")");
  EXPECT_EQ(becomes(R"({"type": "string", "minLength": 1})", R"("")"), "absent");
  EXPECT_EQ(becomes(R"({"type": "string"})", R"("\n")"), R"("\n")");  // a line end is no blank: a delimiter
  EXPECT_EQ(becomes(R"({"type": ["string", "null"]})", "null"), "null");
}

TEST(Lenient, DefaultsFillDeep) {
  EXPECT_EQ(becomes(R"({"type": "object", "default": {}, "properties": {"a": {"default": 1},
              "b": {"type": "object", "default": {}, "properties": {"c": {"type": "boolean", "default": 1}}}}})",
                    R"("")"),
            R"({"a":1,"b":{"c":true}})");
  EXPECT_EQ(becomes(R"({"type": "object", "properties": {"a": {"default": 1}}})", R"({"z": 2})"), R"({"a":1,"z":2})");
}

TEST(Lenient, AllPartsOfASchemaConvert) {
  EXPECT_EQ(becomes(R"({"type": "object", "patternProperties": {"^n": {"type": "integer"}},
                        "additionalProperties": {"type": "string"}})",
                    R"({"n1": "5", "s": 5})"),
            R"({"n1":5,"s":"5"})");
  EXPECT_EQ(becomes(R"({"type": "array", "items": {"type": "integer"}})", R"(["1", 2])"), "[1,2]");
  EXPECT_EQ(becomes(R"({"type": "array", "items": [{"type": "integer"}, {"type": "string"}]})", R"(["1", 2])"),
            R"([1,"2"])");
  EXPECT_EQ(becomes(R"({"allOf": [{"type": "integer"}]})", R"("1")"), "1");
  EXPECT_EQ(becomes(R"({"properties": {"k": {"default": "a"}}, "if": {"properties": {"k": {"const": "a"}}},
                        "then": {"properties": {"x": {"type": "integer"}}}})",
                    R"({"x": "1"})"),
            R"({"k":"a","x":1})");
}

TEST(Lenient, AlternativesTakeTheFirstThatFits) {
  const char* either = R"({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 1}, {"type": "string"}]})";
  EXPECT_EQ(becomes(either, R"("1")"), "1");
  EXPECT_EQ(becomes(either, "1"), "1");
  EXPECT_EQ(becomes(either, R"("7")"), R"("7")");
  EXPECT_EQ(becomes(either, R"("hello")"), R"("hello")");
  EXPECT_EQ(becomes(R"({"type": ["integer", "string"]})", R"("100")"), "100");
  EXPECT_EQ(becomes(R"({"type": ["integer", "string"]})", R"("v1")"), R"("v1")");
  EXPECT_EQ(becomes(R"({"type": ["string", "integer"]})", "5"), "5");
}

TEST(Lenient, OneOfAListOfValues) {
  EXPECT_EQ(becomes(R"({"enum": ["get", "post"]})", R"("GET")"), R"("get")");
  EXPECT_EQ(becomes(R"({"enum": [0, 1, 2, "none"]})", R"("1")"), "1");
  EXPECT_EQ(becomes(R"({"enum": [0, 1, 2, "none"]})", R"("NONE")"), R"("none")");
  EXPECT_EQ(becomes(R"({"enum": ["0", "1"]})", "true"), R"("1")");
  EXPECT_EQ(becomes(R"({"enum": ["off", "on", false, true]})", "0"), "false");
  EXPECT_EQ(becomes(R"({"enum": ["get", "post"]})", R"("put")"), R"("put")");
}

TEST(Lenient, WithoutASchemaNothingChanges) {
  EXPECT_EQ(becomes("{}", R"("5")"), R"("5")");
  EXPECT_EQ(becomes("true", R"("")"), R"("")");
}

TEST(Lenient, TheGivenValueIsNotTouched) {
  const Schema schema(parse_trusted(R"({"properties": {"a": {"properties": {"b": {"type": "integer"}}}}})"));
  const Json given = parse_trusted(R"({"a": {"b": "1"}})");
  EXPECT_EQ(to_json(normalised(given, SchemaNode(schema))), R"({"a":{"b":1}})");
  EXPECT_EQ(to_json(given), R"({"a":{"b":"1"}})");
}

}  // namespace
}  // namespace dtud::config
