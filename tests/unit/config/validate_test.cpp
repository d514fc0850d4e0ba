// Each kind of failure, said in plain words.
#include "config/validate.hpp"

#include <gtest/gtest.h>

#include "config/json_text.hpp"
#include "config/nearest.hpp"

namespace dtud::config {
namespace {

std::string wrong(const std::string& schema, const std::string& value, const Paths& secrets = {}) {
  std::string error;
  const auto validator = Validator::make(parse_trusted(schema), error);
  if (validator == nullptr) return "schema: " + error;
  std::vector<Problem> problems;
  (void)validator->check(parse_trusted(value), "", secrets, problems);
  std::string out;
  for (const auto& p : problems) {
    out += (out.empty() ? "" : "\n") + p.path + ": " + (p.kind == Problem::Kind::missing ? "missing " : "") + p.message;
  }
  return out;
}

// The same for a schema of the one key "v".
std::string v(const std::string& schema, const std::string& value) {
  return wrong(R"({"type": "object", "properties": {"v": )" + schema + "}}", "{\"v\": " + value + "}");
}

TEST(Validate, Types) {
  EXPECT_EQ(v(R"({"type": "integer"})", R"("x")"), R"(/v: "x" is not allowed: give a whole number)");
  EXPECT_EQ(v(R"({"type": "integer"})", "1.5"), "/v: 1.5 is not allowed: give a whole number");
  EXPECT_EQ(v(R"({"type": "boolean"})", "2"), "/v: 2 is not allowed: give true or false");
  EXPECT_EQ(v(R"({"type": "string"})", "[]"), "/v: a list is not allowed: give a text");
  EXPECT_EQ(v(R"({"type": "array"})", "{}"), "/v: an object is not allowed: give a list");
  EXPECT_EQ(v(R"({"type": "object"})", "1"), "/v: 1 is not allowed: give an object { ... }");
  EXPECT_EQ(v(R"({"type": ["integer", "boolean"]})", R"("x")"),
            R"(/v: "x" is not allowed: give a whole number, or true or false)");
  EXPECT_EQ(v(R"({"type": "null"})", "1"), "/v: 1 is not allowed: give null");
}

TEST(Validate, Numbers) {
  const char* port = R"({"type": "integer", "minimum": 1, "maximum": 65535})";
  EXPECT_EQ(v(port, "0"), "/v: 0 is not allowed: give a whole number from 1 to 65535");
  EXPECT_EQ(v(port, R"("70000")"), "/v: 70000 is not allowed: give a whole number from 1 to 65535");
  EXPECT_EQ(v(port, "65535"), "");
  EXPECT_EQ(v(R"({"type": "integer", "minimum": 1})", "0"), "/v: 0 is not allowed: give a whole number of at least 1");
  EXPECT_EQ(v(R"({"type": "number", "maximum": 1})", "1.5"), "/v: 1.5 is not allowed: give a number of at most 1");
  EXPECT_EQ(v(R"({"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 9})", "0"),
            "/v: 0 is not allowed: give a number above 0 below 9");
  EXPECT_EQ(v(R"({"type": "integer", "multipleOf": 5})", "7"),
            "/v: 7 is not allowed: give a whole number, a multiple of 5");
  EXPECT_EQ(v(R"({"type": "integer", "multipleOf": 5})", "10"), "");
}

TEST(Validate, Texts) {
  EXPECT_EQ(v(R"({"type": "string", "maxLength": 3})", R"("abcd")"),
            R"(/v: "abcd" is not allowed: give a text of at most 3 characters)");
  EXPECT_EQ(v(R"({"type": "string", "maxLength": 2})", "\"\xE6\xB8\xA9\xE5\xBA\xA6\""), "");  // characters, not bytes
  EXPECT_EQ(v(R"({"type": "string", "minLength": 3, "maxLength": 3})", R"("ab")"),
            R"(/v: "ab" is not allowed: give a text of 3 characters)");
  EXPECT_EQ(v(R"({"type": "string", "minLength": 3})", R"("ab")"),
            R"(/v: "ab" is not allowed: give a text of at least 3 characters)");
  EXPECT_EQ(v(R"({"type": "string", "minLength": 2, "maxLength": 3})", R"("a")"),
            R"(/v: "a" is not allowed: give a text of 2 to 3 characters)");
  EXPECT_EQ(v(R"({"type": "string", "pattern": "^/", "description": "an absolute path"})", R"("a")"),
            R"(/v: "a" is not allowed: give an absolute path)");
  EXPECT_EQ(v(R"({"type": "string", "pattern": "^[ab]$"})", R"("c")"),
            R"(/v: "c" is not allowed: give a text that matches ^[ab]$)");
  EXPECT_EQ(v(R"({"type": "string", "pattern": "^[ab]$", "description": "a or b"})", R"("c")"),
            R"(/v: "c" is not allowed: give a text (a or b))");
  EXPECT_EQ(v(R"({"enum": ["get", "post"]})", R"("put")"), R"(/v: "put" is not allowed: give one of "get", "post")");
  EXPECT_EQ(v(R"({"const": 1})", "2"), "/v: 2 is not allowed: give 1");
}

TEST(Validate, LongValuesAreCut) {
  EXPECT_EQ(v(R"({"type": "integer"})", "\"" + std::string(200, 'x') + "\""),
            "/v: \"" + std::string(59, 'x') + "... is not allowed: give a whole number");
}

TEST(Validate, SecretsAreNotShown) {
  EXPECT_EQ(wrong(R"({"properties": {"v": {"type": "string", "maxLength": 3}}})", R"({"v": "hunter2"})", {"/v"}),
            "/v: *** is not allowed: give a text of at most 3 characters");
}

TEST(Validate, Keys) {
  const char* port = R"({"type": "object", "additionalProperties": false, "required": ["url"],
                         "properties": {"baudrate": {}, "databits": {}, "url": {"type": "string", "minLength": 1}}})";
  EXPECT_EQ(wrong(port, R"({"url": "x", "baudrat": 1})"), R"(/baudrat: unknown key: did you mean "baudrate"?)");
  EXPECT_EQ(wrong(port, R"({"url": "x", "BaudRate": 1})"), R"(/BaudRate: unknown key: did you mean "baudrate"?)");
  EXPECT_EQ(wrong(port, R"({"url": "x", "colour": 1})"), "/colour: unknown key: known are baudrate, databits, url");
  EXPECT_EQ(wrong(port, "{}"), "/url: missing give a text that is not empty");
  EXPECT_EQ(wrong(R"({"additionalProperties": false})", R"({"a": 1})"), "/a: unknown key: none is known here");
  EXPECT_EQ(wrong(R"({"required": ["a"]})", "{}"), "/a: missing ");
  EXPECT_EQ(wrong(R"({"propertyNames": {"type": "string", "maxLength": 2}})", R"({"abc": 1})"),
            "/abc: is not allowed as a key: give a text of at most 2 characters");
  EXPECT_EQ(wrong(R"({"dependencies": {"user": ["password"]}})", R"({"user": 1})"),
            R"(/password: missing needed together with "user")");
  EXPECT_EQ(wrong(R"({"type": "object", "minProperties": 1})", "{}"),
            ": an object is not allowed: give an object { ... } that is not empty");
}

TEST(Validate, Lists) {
  EXPECT_EQ(v(R"({"type": "array", "minItems": 3, "maxItems": 3})", "[1]"),
            "/v: a list of 1 entry is not allowed: give a list of 3 entries");
  EXPECT_EQ(v(R"({"type": "array", "items": {"type": "integer"}})", R"([1, "x", {}])"),
            "/v/1: \"x\" is not allowed: give a whole number\n/v/2: an object is not allowed: give a whole number");
  EXPECT_EQ(v(R"({"type": "array", "uniqueItems": true})", "[1, 2, 1]"),
            "/v/2: stands in the list already: remove one");
  EXPECT_EQ(v(R"({"type": "array", "contains": {"const": 5}})", "[1]"), "/v: must hold 5");
  EXPECT_EQ(v(R"({"type": "array", "items": [{}], "additionalItems": false})", "[1, 2]"), "/v/1: is not allowed here");
}

TEST(Validate, Alternatives) {
  const char* reg =
      R"({"anyOf": [{"type": "integer", "minimum": 0, "maximum": 1}, {"type": "string", "maxLength": 3}]})";
  EXPECT_EQ(v(reg, "12345"),
            "/v: 12345 is not allowed: give a whole number from 0 to 1, or a text of at most 3 characters");
  EXPECT_EQ(v(R"({"oneOf": [{"type": "integer"}, {"minimum": 1}]})", "5"),
            "/v: 5 fits more than one of what is allowed here");
  EXPECT_EQ(v(R"({"not": {"const": 99}})", "99"), "/v: 99 is not allowed: give anything but 99");
  // Inside an object the branch that comes closest is explained.
  EXPECT_EQ(v(R"({"anyOf": [{"type": "integer"}, {"type": "object", "properties": {"a": {"type": "integer"}}}]})",
              R"({"a": "x"})"),
            R"(/v/a: "x" is not allowed: give a whole number)");
  EXPECT_EQ(wrong(R"({"properties": {"type": {"enum": ["mos", "tas"], "default": "mos"}},
                      "if": {"properties": {"type": {"const": "mos"}}}, "then": {"required": ["DeviceSecret"]},
                      "else": {"required": ["ProductSecret"]}})",
                  R"({"type": "TAS"})"),
            "/ProductSecret: missing ");
}

TEST(Validate, ReferencesAreFollowed) {
  const char* schema = R"({"properties": {"p": {"$ref": "#/definitions/port"}},
                           "definitions": {"port": {"type": "integer", "maximum": 9}}})";
  EXPECT_EQ(wrong(schema, R"({"p": "5"})"), "");
  EXPECT_EQ(wrong(schema, R"({"p": 10})"), "/p: 10 is not allowed: give a whole number of at most 9");
}

TEST(Validate, EverythingAtOnceButEachPathOnce) {
  EXPECT_EQ(wrong(R"({"additionalProperties": false, "required": ["c"], "properties": {
                      "a": {"type": "integer", "allOf": [{"minimum": 5}, {"minimum": 6}]}, "c": {"type": "boolean"}}})",
                  R"({"a": 1, "b": 2})"),
            "/c: missing give true or false\n/a: 1 is not allowed: give a number of at least 5\n/b: unknown key: did "
            "you mean \"a\"?");
}

TEST(Validate, ValijsonHasTheLastWord) {
  // A format we have no words for.
  EXPECT_EQ(v(R"({"type": "string", "format": "date"})", R"("yesterday")"),
            "/v: does not satisfy its schema: see the README of its plugin");
}

TEST(Validate, ABadSchemaIsSaidNotThrown) {
  EXPECT_NE(wrong(R"({"properties": 5})", "{}").find("schema"), std::string::npos);
  EXPECT_NE(v(R"({"type": "string", "pattern": "("})", R"("x")").find("the schema for this cannot be used"),
            std::string::npos);
  EXPECT_NE(v(R"({"$ref": "#/definitions/none"})", "1").find("schema"), std::string::npos);
}

TEST(Validate, ALongTextIsNotMatched) {
  const std::string text = "\"" + std::string(100000, 'a') + "\"";
  EXPECT_NE(v(R"({"type": "string", "pattern": "^(a|b)*$"})", text).find("not longer than 1024 bytes"),
            std::string::npos);
  EXPECT_NE(v(R"({"not": {"pattern": "^(a|b)*$"}})", text).find("more than 1024 bytes"), std::string::npos);
}

TEST(Nearest, ATypingMistakeAway) {
  const std::vector<std::string> keys = {"baudrate", "databits", "parity", "url", "serialID"};
  EXPECT_EQ(nearest("baudrat", keys), "baudrate");
  EXPECT_EQ(nearest("buadrate", keys), "baudrate");
  EXPECT_EQ(nearest("serial_id", keys), "serialID");
  EXPECT_EQ(nearest("ulr", keys), "url");
  EXPECT_EQ(nearest("colour", keys), "");
  EXPECT_EQ(nearest(std::string(100000, 'x'), keys), "");
  EXPECT_EQ(nearest("", {}), "");
}

}  // namespace
}  // namespace dtud::config
