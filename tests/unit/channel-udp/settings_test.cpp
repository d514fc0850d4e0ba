#include "settings.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>
#include <ostream>

#include <dtu/sdk.hpp>

#include "schema.json.hpp"

namespace channel_udp {
namespace {

std::string refusal(const std::string& json) {
  try {
    static_cast<void>(read_settings(json));
  } catch (const dtu::Failure& f) {
    EXPECT_EQ(f.code(), DTU_E_INVALID);
    return f.what();
  }
  return "";
}

TEST(UdpSettings, ReadsTheExampleOfTheProtocolAndIgnoresTheHostsKeys) {
  const Settings s = read_settings(R"({"protocol": "udp", "ping": "hi", "heartbeat": 30, "url": "220.180.239.212",
      "port": 8305, "keepAlive": 300, "serialID": "2", "uplink": "raw", "reg": 1})");
  EXPECT_EQ(s.host, "220.180.239.212");
  EXPECT_EQ(s.port, 8305);
  EXPECT_EQ(s.ping, "hi");
  EXPECT_EQ(s.heartbeat_s, 30U);
  EXPECT_EQ(s.keep_alive_s, 300U);
  EXPECT_EQ(read_settings(R"({"url": "[::1]", "port": 1})").host, "::1");
}

TEST(UdpSettings, TheDefaultsAreTheSchemas) {
  const auto schema = Poco::JSON::Parser().parse(std::string(schema_json)).extract<Poco::JSON::Object::Ptr>();
  const auto properties = schema->getObject("properties");
  const Settings s = read_settings(R"({"url": "h", "port": 1})");
  EXPECT_EQ(properties->getObject("heartbeat")->getValue<uint32_t>("default"), s.heartbeat_s);
  EXPECT_EQ(properties->getObject("keepAlive")->getValue<uint32_t>("default"), s.keep_alive_s);
  EXPECT_EQ(s.keep_alive_s, 0U) << "a server need not answer";
  const auto again = properties->getObject("reconnect")->getObject("properties");
  EXPECT_EQ(again->getObject("min_ms")->getValue<uint32_t>("default"), s.reconnect_min_ms);
  EXPECT_EQ(again->getObject("max_ms")->getValue<uint32_t>("default"), s.reconnect_max_ms);
  for (const auto& [key, value] : *properties) {
    const auto p = value.extract<Poco::JSON::Object::Ptr>();
    EXPECT_TRUE(p->has("title") && p->has("description")) << key;
    EXPECT_TRUE(p->has("default") || key == "url" || key == "port") << key;
  }
}

struct Refused {
  const char* json;
  const char* key;
};
void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.key; }
class UdpSettingsRefuse : public testing::TestWithParam<Refused> {};

TEST_P(UdpSettingsRefuse, NamingTheKey) {
  const std::string text = refusal(GetParam().json);
  EXPECT_EQ(text.rfind(GetParam().key, 0), 0U) << "says: " << text;
}

// What the schema refuses is refused before the plugin sees it.
INSTANTIATE_TEST_SUITE_P(
    All, UdpSettingsRefuse,
    testing::Values(Refused{R"({"url": "h"})", "port"}, Refused{R"({"port": 1})", "url"},
                    Refused{R"({"url": "udp://h", "port": 1})", "url"},
                    Refused{R"({"url": "h", "port": 1, "reconnect": {"min_ms": 500, "max_ms": 400}})", "reconnect"}));

}  // namespace
}  // namespace channel_udp
