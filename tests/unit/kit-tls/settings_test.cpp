#include <gtest/gtest.h>

#include <dtu/kit/tls/settings.hpp>

namespace tls {
namespace {

Settings read(const char* json) { return read_settings(dtu::Json(json)); }

TEST(TlsSettings, IsOffWithoutTheKey) {
  for (const char* json : {"{}", R"({"tls": null})", R"({"tls": false})"}) {
    EXPECT_FALSE(read(json).on) << json;
    EXPECT_TRUE(read(json).verify) << json;
  }
}

TEST(TlsSettings, TrueAndAnObjectSwitchItOn) {
  EXPECT_TRUE(read(R"({"tls": true})").on);
  EXPECT_TRUE(read(R"({"tls": {}})").verify);
  const Settings all = read(R"({"tls": {"verify": false, "ca": "a", "cert": "b", "key": "c"}})");
  EXPECT_TRUE(all.on);
  EXPECT_FALSE(all.verify);
  EXPECT_EQ(all.ca + all.cert + all.key, "abc");
}

}  // namespace
}  // namespace tls
