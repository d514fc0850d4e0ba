// What the checker makes of a schema.
#include "config.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace {

using dtu::check::Schema;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> rules_of(const std::string& text) {
  std::vector<std::string> rules;
  const Schema schema(text);
  for (const auto& r : schema.remarks()) rules.emplace_back(r.rule);
  return rules;
}
std::string object(const std::string& properties, const std::string& more = "") {
  return R"({"type": "object", "additionalProperties": false, "properties": {)" + properties + "}" + more + "}";
}
std::string property(const std::string& name, const std::string& rest) {
  return "\"" + name + R"(": {"title": "T", "description": "D.", )" + rest + "}";
}

TEST(CheckSchema, KnowsTheKeywords) {
  EXPECT_TRUE(rules_of(object(property("n", R"("type": "integer", "minimum": 1, "default": 2)"))).empty());
  for (const char* wrong : {R"("type": "strng")", R"("type": [])", R"("minLength": -1)", R"("minLength": 1.5)",
                            R"("pattern": "(")", R"("enum": [])", R"("required": "a")", R"("required": ["a", "a"])",
                            R"("exclusiveMinimum": true)", R"("uniqueItems": "yes")", R"("allOf": [])",
                            R"("$ref": "#/definitions/none")", R"("additionalProperties": "no")"})
    EXPECT_THAT(rules_of(object(property("n", wrong))), Contains("schema.keyword")) << wrong;
}

TEST(CheckSchema, JudgesDefaultsInsideObjects) {
  EXPECT_THAT(rules_of(object(property("n", R"("type": "string", "enum": ["a"], "default": "b")"))),
              Contains("schema.default"));
  const std::string inner = R"("type": "object", "required": ["a"], "default": {}, "properties": {)" +
                            property("a", R"("type": "integer", "default": 1)") + "}";
  EXPECT_TRUE(rules_of(object(property("o", inner))).empty()) << "what is filled in counts";
}

TEST(CheckSchema, HearsASecretByItsName) {
  EXPECT_THAT(rules_of(object(property("api_token", R"("type": "string")"))), ElementsAre("schema.secret"));
  EXPECT_TRUE(rules_of(object(property("api_token", R"("type": "string", "writeOnly": true)"))).empty());
  EXPECT_TRUE(rules_of(object(R"("key": {"type": "string", "title": "Key file", "description": "PEM."})")).empty());
}

TEST(CheckSchema, CompletesAConfiguration) {
  const Schema schema(object(property("a", R"("type": "integer", "default": 1)") + "," +
                             property("o", R"("type": "object", "default": {}, "properties": {)" +
                                               property("b", R"("type": "boolean", "default": true)") + "}")));
  EXPECT_EQ(schema.completed("{}"), R"({"a":1,"o":{"b":true}})");
  EXPECT_EQ(schema.completed(R"({"a": 5, "o": {"b": false}})"), R"({"a":5,"o":{"b":false}})");
  EXPECT_EQ(schema.completed("[]"), std::nullopt);
  EXPECT_EQ(schema.completed(R"({"a": "one"})"), std::nullopt);
  EXPECT_THAT(schema.why(), HasSubstr("a"));
  EXPECT_EQ(schema.changed(R"({"a":1,"o":{"b":true}})"), R"({"a":2,"o":{"b":true}})");
}

TEST(CheckSchema, MarksSecrets) {
  const Schema schema(object(property("p", R"("type": "string", "writeOnly": true, "default": "")")));
  std::vector<std::string> secrets;
  EXPECT_EQ(schema.marked(R"({"p":"swordfish"})", secrets), R"({"p":"dtu-check-secret-1"})");
  EXPECT_THAT(secrets, ElementsAre("swordfish", "dtu-check-secret-1"));
}

}  // namespace
