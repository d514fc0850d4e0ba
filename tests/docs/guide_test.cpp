// The plugins of docs/plugin-guide.md, taken from the page as they stand there, in the real dtud.
#include <gtest/gtest.h>

#include <filesystem>

#include "harness/dtud.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

struct Guide : testing::Test {
  Dtud dtud;

  void SetUp() override {
    dtud.hal(R"({"type": "guide-board"})").hal(R"({"type": "guide-modem"})").hal(R"({"type": "guide-cloud"})");
    dtud.device(R"({"apn": ["iot.example", "me", "hush-1"], "uconf": {"guide": {"mode": "guide-lines"}}, "conf": {
      "1": {"protocol": "guide-echo", "serialID": "guide"}, "2": {"protocol": "guide-echo-c", "serialID": "guide"},
      "3": {"protocol": "guide-queue", "serialID": "guide"}, "4": {"protocol": "guide-check"}}})");
    dtud.start();
  }
  Ran dtuctl(const std::vector<std::string>& arguments) { return dtud.dtuctl(arguments); }
};

TEST_F(Guide, EveryPluginIsLoadedAndUp) {
  EXPECT_TRUE(dtud.port_is("guide", "up"));
  for (const std::string id : {"1", "2", "3", "4"}) EXPECT_TRUE(dtud.channel_is(id, "up")) << id;
  const Json plugins = parse_json(dtud.get("/v1/plugins").body);
  size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(kPlugins))
    files += file.path().extension() == ".so" ? 1 : 0;
  EXPECT_GE(files, 8U);
  ASSERT_EQ(size(plugins), files);
  for (size_t i = 0; i < files; ++i) {
    const Json plugin = at(plugins, "[" + std::to_string(i) + "]");
    EXPECT_EQ(text(plugin, "loaded"), "true") << text(plugin, "file") << ": " << text(plugin, "error");
  }
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Guide, TheModemIsToldItsAccessPointAndSaysWhatRuns) {
  EXPECT_TRUE(eventually([&] { return dtud.log().find("the access point is iot.example") != std::string::npos; }));
  EXPECT_TRUE(eventually([&] { return text(parse_json(dtud.get("/v1/upgrade").body), "runs.modem") == "1"; }));
  EXPECT_EQ(dtud.stop(), 0);
}

TEST_F(Guide, CommandAndPointAnswer) {
  EXPECT_EQ(dtuctl({"call", "guide.upper", R"({"text": "loud"})"}).output, "LOUD\n");
  EXPECT_EQ(dtuctl({"call", "900", R"({"text": "by code"})"}).output, "BY CODE\n");
  EXPECT_EQ(dtuctl({"read", "guide.level"}).output, "0\n");
  EXPECT_EQ(dtuctl({"write", "guide.level", "7"}).status, 0);
  EXPECT_EQ(dtuctl({"read", "guide.level"}).output, "7\n");
}

}  // namespace
}  // namespace e2e
