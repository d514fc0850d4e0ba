#include "settings.hpp"

#include <Poco/JSON/Object.h>
#include <Poco/JSON/Parser.h>
#include <gtest/gtest.h>
#include <ostream>
#include <sstream>

#include <dtu/sdk.hpp>

#include "remote.hpp"
#include "schema.json.hpp"

namespace channel_tcp {
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

// What a check finds, each as "error /key, ".
std::string paths(const std::string& json) {
  std::istringstream lines(dtu::test::check(test::component(), json));
  std::string all;
  for (std::string line; std::getline(lines, line);) all += line.substr(0, line.find(": ")) + ", ";
  return all;
}

TEST(Settings, ReadsTheExampleOfTheProtocolAndIgnoresTheHostsKeys) {
  const Settings s = read_settings(R"({"protocol": "tcp", "ping": "hi", "heartbeat": 30, "url": "220.180.239.212",
      "port": 8305, "keepAlive": 300, "serialID": "2", "uplink": "raw", "reg": 1, "outbox": {"messages": 5}})");
  EXPECT_FALSE(s.server);
  EXPECT_EQ(s.host, "220.180.239.212");
  EXPECT_EQ(s.port, 8305);
  EXPECT_EQ(s.ping, "hi");
  EXPECT_EQ(s.heartbeat_s, 30U);
  EXPECT_EQ(s.keep_alive_s, 300U);
}

TEST(Settings, ReadsAServer) {
  const Settings s = read_settings(R"({"mode": "server", "port": 0, "url": "", "max_clients": 2, "when_empty": "hold",
      "slow_client_s": 3, "reconnect": {"min_ms": 20, "max_ms": 40}})");
  EXPECT_TRUE(s.server);
  EXPECT_EQ(s.host, "127.0.0.1");
  EXPECT_EQ(s.max_clients, 2U);
  EXPECT_TRUE(s.hold_when_empty);
  EXPECT_EQ(s.slow_client_s, 3U);
  EXPECT_EQ(s.reconnect_min_ms, 20U);
  EXPECT_EQ(s.reconnect_max_ms, 40U);
  EXPECT_EQ(read_settings(R"({"mode": "server", "url": "::"})").host, "::");
  EXPECT_EQ(read_settings(R"({"mode": "server", "url": "[::1]"})").host, "::1");
}

TEST(Settings, ReadsWhoMayDoWhat) {
  const Settings s = read_settings(R"({"mode": "server", "when_full": "kick-old", "answers": "asker",
      "allowed": ["10.0.0.0/8", "fd00::/8"], "read_only": ["10.0.0.5"]})");
  EXPECT_TRUE(s.kick_old);
  EXPECT_TRUE(s.answers_to_asker);
  EXPECT_EQ(s.allowed.size(), 2U);
  EXPECT_TRUE(net::any_contains(s.read_only, *net::numeric_address("10.0.0.5", 1)));
  EXPECT_FALSE(net::any_contains(s.read_only, *net::numeric_address("10.0.0.6", 1)));
}

TEST(Settings, ReadsBackupServers) {
  const Settings s = read_settings(R"({"url": "h", "port": 1, "backup": ["b.example:2", "[fd00::1]:3"],
      "backup_after": 5, "return_s": 60})");
  ASSERT_EQ(s.backup.size(), 2U);
  EXPECT_EQ(s.backup[0].text(), "b.example:2");
  EXPECT_EQ(s.backup[1].text(), "[fd00::1]:3");
  EXPECT_EQ(s.backup_after, 5U);
  EXPECT_EQ(s.return_s, 60U);
}

TEST(Settings, TheDefaultsAreTheSchemas) {
  const auto schema = Poco::JSON::Parser().parse(std::string(schema_json)).extract<Poco::JSON::Object::Ptr>();
  const auto properties = schema->getObject("properties");
  const Settings s;
  const auto standard = [&](const std::string& key) {
    return properties->getObject(key)->getValue<uint32_t>("default");
  };
  EXPECT_EQ(standard("heartbeat"), s.heartbeat_s);
  EXPECT_EQ(standard("keepAlive"), s.keep_alive_s);
  EXPECT_EQ(standard("max_clients"), s.max_clients);
  EXPECT_EQ(standard("slow_client_s"), s.slow_client_s);
  EXPECT_EQ(standard("backup_after"), s.backup_after);
  EXPECT_EQ(standard("return_s"), s.return_s);
  EXPECT_EQ(properties->getObject("backup")->getArray("default")->size(), s.backup.size());
  EXPECT_EQ(properties->getObject("tls")->getValue<bool>("default"), s.tls.on);
  EXPECT_EQ(properties->getObject("rfc2217")->getValue<bool>("default"), s.rfc2217);
  EXPECT_EQ(properties->getObject("when_full")->getValue<std::string>("default"), s.kick_old ? "kick-old" : "refuse");
  EXPECT_EQ(properties->getObject("answers")->getValue<std::string>("default"), s.answers_to_asker ? "asker" : "all");
  EXPECT_EQ(properties->getObject("allowed")->getArray("default")->size(), s.allowed.size());
  EXPECT_EQ(properties->getObject("read_only")->getArray("default")->size(), s.read_only.size());
  const auto again = properties->getObject("reconnect")->getObject("properties");
  EXPECT_EQ(again->getObject("min_ms")->getValue<uint32_t>("default"), s.reconnect_min_ms);
  EXPECT_EQ(again->getObject("max_ms")->getValue<uint32_t>("default"), s.reconnect_max_ms);
  for (const auto& [key, value] : *properties) {
    const auto p = value.extract<Poco::JSON::Object::Ptr>();
    EXPECT_TRUE(p->has("title") && p->has("description")) << key;
    EXPECT_EQ(p->has("default"), key != "url" && key != "port") << key << ": a client has to name its server";
  }
}

TEST(Settings, TheCheckReadsTheFilesOfTls) {
  const std::string missing = dtu::test::check(test::component(), R"({"url": "h", "port": 1, "tls": {"ca": "/none"}})");
  EXPECT_NE(missing.find("error /tls/ca: /none cannot be read"), std::string::npos) << missing;
  EXPECT_EQ(dtu::test::check(test::component(), R"({"url": "h", "port": 1, "tls": true})"), "");
}

TEST(Settings, TheCheckNamesEachFault) {
  EXPECT_EQ(paths(R"({"mode": "server", "port": 9999, "serialID": "1", "backup": ["a:1"],
                      "allowed": ["10.0.0.0/33", "10.0.0.0/8", "foo"], "read_only": ["bar"], "tls": true})"),
            "error /allowed/0, error /allowed/2, error /read_only/0, error /tls, warning /backup, claim /port, ");
  EXPECT_EQ(paths(R"({"mode": "server", "port": 9999, "url": "here", "rfc2217": true, "tls": true,
                      "reconnect": {"min_ms": 500, "max_ms": 400}})"),
            "error /reconnect/max_ms, error /url, error /rfc2217, error /tls, ");
  EXPECT_EQ(paths(R"({"url": "a b", "port": 1, "backup": ["b", "c:1", "d"], "tls": {"ca": "/none"}})"),
            "error /backup/0, error /backup/2, error /url, error /tls/ca, ");
}

TEST(Settings, TheCheckNamesWhatHasNoEffect) {
  EXPECT_EQ(paths(R"({"url": "h", "port": 1, "max_clients": 2, "when_full": "kick-old", "allowed": ["::1"],
                      "read_only": ["foo"], "answers": "asker", "rfc2217": true, "slow_client_s": 3,
                      "when_empty": "hold"})"),
            "error /read_only/0, warning /max_clients, warning /when_full, warning /allowed, warning /read_only, "
            "warning /answers, warning /rfc2217, warning /slow_client_s, warning /when_empty, ");
  EXPECT_EQ(paths(R"({"url": "h", "port": 1, "backup_after": 4, "return_s": 5})"),
            "warning /backup_after, warning /return_s, ");
  EXPECT_EQ(paths(R"({"mode": "server", "backup": ["h:1"], "backup_after": 4, "return_s": 5})"),
            "warning /backup, warning /backup_after, warning /return_s, ");
}

// dtud hands over every key: at its default it is nothing that somebody wants.
TEST(Settings, TheCheckIsSilentAboutDefaults) {
  const auto schema = Poco::JSON::Parser().parse(std::string(schema_json)).extract<Poco::JSON::Object::Ptr>();
  for (const char* mode : {"client", "server"}) {
    Poco::JSON::Object config;
    for (const auto& [key, value] : *schema->getObject("properties"))
      if (const auto p = value.extract<Poco::JSON::Object::Ptr>(); p->has("default"))
        config.set(key, p->get("default"));
    config.set("mode", std::string(mode)).set("url", std::string("127.0.0.1")).set("port", 7001);
    std::ostringstream text;
    config.stringify(text);
    EXPECT_EQ(paths(text.str()), config.getValue<std::string>("mode") == "server" ? "claim /port, " : "") << text.str();
  }
}

struct Refused {
  const char* json;
  const char* key;
};
void PrintTo(const Refused& refused, std::ostream* out) { *out << refused.key; }
class SettingsRefuse : public testing::TestWithParam<Refused> {};

TEST_P(SettingsRefuse, NamingTheKey) {
  const std::string text = refusal(GetParam().json);
  EXPECT_EQ(text.rfind(GetParam().key, 0), 0U) << "says: " << text;
}

// What the schema refuses is refused before the plugin sees it.
INSTANTIATE_TEST_SUITE_P(
    All, SettingsRefuse,
    testing::Values(Refused{R"({"url": "h"})", "port"}, Refused{R"({"port": 1})", "url"},
                    Refused{R"({"url": "tcp://h", "port": 1})", "url"}, Refused{R"({"url": "a b", "port": 1})", "url"},
                    Refused{R"({"mode": "server", "url": "localhost"})", "url"},
                    Refused{R"({"mode": "server", "allowed": ["10.0.0.0/8", "here"]})", "allowed.1: \"here\""},
                    Refused{R"({"mode": "server", "rfc2217": true})", "rfc2217: true without serialID"},
                    Refused{R"({"mode": "server", "tls": true})", "tls: a server without tls.cert"},
                    Refused{R"({"url": "h", "port": 1, "backup": ["b:1", "b"]})", "backup.1: \"b\""},
                    Refused{R"({"url": "h", "port": 1, "backup": ["tcp://b:1"]})", "backup.0"},
                    Refused{R"({"url": "h", "port": 1, "backup": ["fd00::1:5"]})", "backup.0"},
                    Refused{R"({"mode": "server", "read_only": ["10.0.0.1/8"]})", "read_only.0"},
                    Refused{R"({"url": "h", "port": 1, "reconnect": {"min_ms": 500, "max_ms": 400}})", "reconnect"}));

}  // namespace
}  // namespace channel_tcp
