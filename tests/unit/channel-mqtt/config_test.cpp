#include "config.hpp"

#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>
#include <dtu/sdk/text.hpp>

#include "schema.json.hpp"

namespace channel_mqtt {
namespace {

std::string refusal(const std::string& json) {
  try {
    parse_config(json);
  } catch (const dtu::Failure& f) {
    return f.what();
  }
  return "accepted";
}

TEST(Config, DefaultsAreAsDocumented) {
  const Config c = parse_config(R"({"url": "broker.example", "protocol": "mqtt", "serialID": "1", "uplink": "raw"})");
  EXPECT_EQ(c.plan.options.port, 1883);
  EXPECT_EQ(c.plan.options.keep_alive_s, 60U);
  EXPECT_TRUE(c.plan.options.clean_session);
  EXPECT_EQ(c.plan.options.version, mqtt::Version::v3_1_1);
  EXPECT_FALSE(c.plan.options.tls.on);
  EXPECT_TRUE(c.plan.options.tls.verify);
  EXPECT_EQ(c.plan.options.max_inflight, 64U);
  EXPECT_TRUE(c.plan.targets.empty());
}

TEST(Config, TlsPicksThePort) {
  EXPECT_EQ(parse_config(R"({"url": "a", "tls": true})").plan.options.port, 8883);
  EXPECT_EQ(parse_config(R"({"url": "mqtts://a"})").plan.options.port, 8883);
  EXPECT_TRUE(parse_config(R"({"url": "mqtts://a"})").plan.options.tls.on);
  EXPECT_EQ(parse_config(R"({"url": "mqtts://a:1"})").plan.options.port, 1);
  EXPECT_EQ(parse_config(R"({"url": "a", "port": 7, "tls": {}})").plan.options.port, 7);
}

TEST(Config, LowestIdComesFirst) {
  const Config c = parse_config(R"({"url": "a", "publish": {"b": "1", "10": "2", "9": "3", "09": "4", "a": "5"}})");
  std::string order;
  for (const auto& t : c.plan.targets) order += t.id + " ";
  EXPECT_TRUE(order == "9 09 10 a b " || order == "09 9 10 a b ") << order;
}

TEST(Config, ATopicMayHaveItsOwnSettings) {
  const Config c = parse_config(
      R"({"url": "a", "qos": 1, "retain": true, "publish": {"0": "x", "1": {"topic": "y", "qos": 2, "retain": false}}})");
  EXPECT_EQ(c.plan.targets[0].qos, 1);
  EXPECT_TRUE(c.plan.targets[0].retain);
  EXPECT_EQ(c.plan.targets[1].qos, 2);
  EXPECT_FALSE(c.plan.targets[1].retain);
}

TEST(Config, AKeepAliveOfNothingIsTheDefault) {
  for (const char* value : {"0", "\"\"", "null"})
    EXPECT_EQ(parse_config(R"({"url": "a", "keepAlive": )" + std::string(value) + "}").plan.options.keep_alive_s, 60U);
  EXPECT_EQ(parse_config(R"({"url": "a", "keepAlive": 5})").plan.options.keep_alive_s, 5U);
}

TEST(Config, ASubscriptionMayDeliverRetainedMessages) {
  const Config c = parse_config(
      R"({"url": "a", "subscribe": {"0": "x", "1": {"topic": "y", "retained": "deliver"}, "2": {"topic": "z"}}})");
  EXPECT_FALSE(c.plan.options.subscriptions[0].deliver_retained);
  EXPECT_TRUE(c.plan.options.subscriptions[1].deliver_retained);
  EXPECT_FALSE(c.plan.options.subscriptions[2].deliver_retained);
}

TEST(Config, ABirthMessageIsReadAsAWill) {
  const Config c = parse_config(R"({"url": "a", "birth": {"topic": "t", "payload": "p", "qos": 1, "retain": true}})");
  EXPECT_EQ(c.plan.options.birth.topic, "t");
  EXPECT_EQ(c.plan.options.birth.payload, "p");
  EXPECT_EQ(c.plan.options.birth.qos, 1);
  EXPECT_TRUE(c.plan.options.birth.retain);
  EXPECT_EQ(c.plan.options.will.topic, "");
}

// What the schema refuses is refused before the plugin sees it: see e2e's BadInput.
TEST(Config, RefusalsNameTheKey) {
  EXPECT_EQ(refusal(R"({"url": "a", "publish": {"0": "a/#"}})"), "publish.0 must not contain the wildcards + and #");
  EXPECT_EQ(refusal(R"({"url": "a", "subscribe": {"0": "a#"}})"), "subscribe.0 has a # that is not its last level");
  EXPECT_EQ(refusal(R"({"url": "a", "publish": {"0": "a\u0000b"}})"), "publish.0 must not contain a NUL");
  EXPECT_NE(refusal(R"({"url": "http://a"})").find("the scheme must be"), std::string::npos);
  EXPECT_NE(refusal(R"({"url": "a:1", "port": 2})").find("give one of them"), std::string::npos);
  EXPECT_NE(refusal(R"({"url": "a", "will": {"topic": "a/+"}})").find("will.topic"), std::string::npos);
  EXPECT_NE(refusal(R"({"url": "a", "birth": {"topic": "a/+"}})").find("birth.topic"), std::string::npos);
}

TEST(Config, SchemaIsJson) {
  const auto schema = Poco::JSON::Parser().parse(schema_json).extract<Poco::JSON::Object::Ptr>();
  for (const auto& [name, property] : *schema->getObject("properties")) {
    const auto object = property.extract<Poco::JSON::Object::Ptr>();
    EXPECT_TRUE(object->has("title") && object->has("description")) << name;
  }
}

}  // namespace
}  // namespace channel_mqtt
