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
  EXPECT_EQ(c.options.port, 1883);
  EXPECT_EQ(c.options.keep_alive_s, 60U);
  EXPECT_TRUE(c.options.clean_session);
  EXPECT_EQ(c.options.version, mqtt::Version::v3_1_1);
  EXPECT_FALSE(c.options.tls.on);
  EXPECT_TRUE(c.options.tls.verify);
  EXPECT_EQ(c.options.max_inflight, 64U);
  EXPECT_TRUE(c.targets.empty());
}

TEST(Config, TlsPicksThePort) {
  EXPECT_EQ(parse_config(R"({"url": "a", "tls": true})").options.port, 8883);
  EXPECT_EQ(parse_config(R"({"url": "mqtts://a"})").options.port, 8883);
  EXPECT_TRUE(parse_config(R"({"url": "mqtts://a"})").options.tls.on);
  EXPECT_EQ(parse_config(R"({"url": "mqtts://a:1"})").options.port, 1);
  EXPECT_EQ(parse_config(R"({"url": "a", "port": 7, "tls": {}})").options.port, 7);
}

TEST(Config, LowestIdComesFirst) {
  const Config c = parse_config(R"({"url": "a", "publish": {"b": "1", "10": "2", "9": "3", "09": "4", "a": "5"}})");
  std::string order;
  for (const auto& t : c.targets) order += t.id + " ";
  EXPECT_TRUE(order == "9 09 10 a b " || order == "09 9 10 a b ") << order;
}

TEST(Config, ATopicMayHaveItsOwnSettings) {
  const Config c = parse_config(
      R"({"url": "a", "qos": 1, "retain": true, "publish": {"0": "x", "1": {"topic": "y", "qos": 2, "retain": false}}})");
  EXPECT_EQ(c.targets[0].qos, 1);
  EXPECT_TRUE(c.targets[0].retain);
  EXPECT_EQ(c.targets[1].qos, 2);
  EXPECT_FALSE(c.targets[1].retain);
}

TEST(Config, AKeepAliveOfNothingIsTheDefault) {
  for (const char* value : {"0", "\"\"", "null"})
    EXPECT_EQ(parse_config(R"({"url": "a", "keepAlive": )" + std::string(value) + "}").options.keep_alive_s, 60U);
  EXPECT_EQ(parse_config(R"({"url": "a", "keepAlive": 5})").options.keep_alive_s, 5U);
}

TEST(Config, ASubscriptionMayDeliverRetainedMessages) {
  const Config c = parse_config(
      R"({"url": "a", "subscribe": {"0": "x", "1": {"topic": "y", "retained": "deliver"}, "2": {"topic": "z"}}})");
  EXPECT_FALSE(c.options.subscriptions[0].deliver_retained);
  EXPECT_TRUE(c.options.subscriptions[1].deliver_retained);
  EXPECT_FALSE(c.options.subscriptions[2].deliver_retained);
}

TEST(Config, ABirthMessageIsReadAsAWill) {
  const Config c = parse_config(R"({"url": "a", "birth": {"topic": "t", "payload": "p", "qos": 1, "retain": true}})");
  EXPECT_EQ(c.options.birth.topic, "t");
  EXPECT_EQ(c.options.birth.payload, "p");
  EXPECT_EQ(c.options.birth.qos, 1);
  EXPECT_TRUE(c.options.birth.retain);
  EXPECT_EQ(c.options.will.topic, "");
}

TEST(Config, RefusalsNameTheKey) {
  EXPECT_EQ(refusal(R"({"url": "a", "publish": {"0": "a/#"}})"), "publish.0 must not contain the wildcards + and #");
  EXPECT_EQ(refusal(R"({"url": "a", "subscribe": {"0": "a#"}})"), "subscribe.0 has a # that is not its last level");
  EXPECT_EQ(refusal(R"({"url": "a", "publish": {"0": "a\u0000b"}})"), "publish.0 must not contain a NUL");
  EXPECT_NE(refusal(R"({"url": "a", "publish": {"99": "a"}})").find("publish.99"), std::string::npos);
  EXPECT_NE(refusal(R"({"url": "a", "publish": {"1234567890123456": "a"}})").find("1 to 15"), std::string::npos);
  EXPECT_NE(refusal(R"({"url": "http://a"})").find("the scheme must be"), std::string::npos);
  EXPECT_NE(refusal(R"({"url": "a:1", "port": 2})").find("give one of them"), std::string::npos);
  EXPECT_NE(refusal(R"({"url": "a", "qos": 3})").find("0, 1 and 2"), std::string::npos);
  EXPECT_NE(refusal(R"({"url": "a", "version": "4"})").find("3.1.1 and 5"), std::string::npos);
  EXPECT_NE(refusal(R"({"url": "a", "will": {"topic": "a/+"}})").find("will.topic"), std::string::npos);
  EXPECT_NE(refusal(R"({"url": "a", "birth": {"topic": "a/+"}})").find("birth.topic"), std::string::npos);
  EXPECT_EQ(refusal(R"({"url": "a", "subscribe": {"0": {"topic": "a", "retained": "keep"}}})"),
            "subscribe.0.retained is \"keep\": drop and deliver are allowed");
  EXPECT_NE(refusal("[]").find("not a JSON object"), std::string::npos);
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
