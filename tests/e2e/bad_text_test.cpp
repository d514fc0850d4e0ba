// Issue 9, row 24: text that is not UTF-8, wherever it comes from, made every answer with it unreadable for everybody.
#include <gmock/gmock.h>

#include <fstream>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"
#include "harness/tcp.hpp"

namespace e2e {
namespace {

using testing::HasSubstr;

constexpr const char* kReplacement = "\xEF\xBF\xBD";

struct BadText : testing::TestWithParam<bool> {
  Dtud dtud;
  void every_view_is_shown() const {
    for (const std::vector<std::string>& words : std::vector<std::vector<std::string>>{{"status"},
                                                                                       {"ports"},
                                                                                       {"channels"},
                                                                                       {"commands"},
                                                                                       {"points"},
                                                                                       {"plugins"},
                                                                                       {"log"},
                                                                                       {"audit"},
                                                                                       {"metrics"},
                                                                                       {"config", "show"},
                                                                                       {"config", "show", "--board"},
                                                                                       {"config", "history"},
                                                                                       {"spool"}}) {
      const Ran ran = dtud.dtuctl(words);
      EXPECT_EQ(ran.status, 0) << words.front() << ": " << ran.output;
    }
  }
};

TEST_P(BadText, OfAPluginIsMadeValid) {
  const std::string isolate = GetParam() ? R"(, "isolate": true)" : "";
  dtud.plugins(kPlugins + "\", \"" E2E_FAULTS).board(R"("commands": [{"type": "bad-text")" + isolate + "}]");
  dtud.start();
  ASSERT_TRUE(eventually([&] { return dtud.get("/v1/points").body.find("test.heat") != std::string::npos; }));
  const std::string cafe = std::string("caf") + kReplacement, creme = std::string("cr") + kReplacement + "me";
  EXPECT_TRUE(eventually([&] { return dtud.get("/v1/status").body.find(cafe + " is shut") != std::string::npos; }));
  EXPECT_TRUE(eventually([&] { return dtud.get("/v1/status").body.find(creme) != std::string::npos; }));  // health
  EXPECT_THAT(dtud.get("/v1/log").body, HasSubstr(cafe + " is open"));
  EXPECT_THAT(dtud.get("/v1/commands").body, HasSubstr("Make " + cafe));
  EXPECT_THAT(dtud.get("/v1/points").body, HasSubstr(std::string("Temp") + kReplacement + "rature"));
  EXPECT_THAT(dtud.get("/v1/points/test.heat").body, HasSubstr(std::string("20 ") + kReplacement + "C"));
  const Ran good = dtud.dtuctl({"call", "test.coffee"});
  EXPECT_EQ(good.status, 0);
  EXPECT_THAT(good.output, HasSubstr(creme));
  const Ran bad = dtud.dtuctl({"call", "test.coffee", R"({"x": 1})"});
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.output, HasSubstr("no " + creme));
  // Answers that are not UTF-8 count as faults: of health, of test.coffee and of test.heat.
  const std::string status = dtud.get("/v1/status").body;
  EXPECT_THAT(status, HasSubstr("is not UTF-8: what is not was replaced"));
  every_view_is_shown();
  EXPECT_EQ(dtud.stop(), 0);
}
INSTANTIATE_TEST_SUITE_P(InAndOutOfProcess, BadText, testing::Bool(),
                         [](const auto& info) { return info.param ? "Isolated" : "InDtud"; });

struct BadName : BadText {};

// The file of a plugin, the device of a port, the device document and the state directory.
TEST_F(BadName, OfAFileIsShown) {
  const std::string folder = dtud.path("plug\xE9");
  ASSERT_EQ(::mkdir(folder.c_str(), 0755), 0);
  std::ofstream(folder + "/caf\xE9.so") << "no plugin";
  write_file(dtud.path("conf\xE9.json"), R"({"uconf": {"1": {"mode": "raw"}}})");
  // JSON has a way to name such a file only on the command line.
  dtud.plugins("").environment({"DTUKIT_PLUGIN_PATH=" + kPlugins + ":" + folder});
  dtud.ports({{"1", "/dev/no-such-device"}});
  dtud.start({"--device", dtud.path("conf\xE9.json"), "--state-dir", dtud.path("state\xE9")});
  EXPECT_THAT(dtud.get("/v1/status").body, HasSubstr(std::string("conf") + kReplacement + ".json"));
  every_view_is_shown();
  EXPECT_EQ(dtud.stop(), 0);
}

// The client of a TCP server sends what it likes; a client of the control socket asks for what it likes.
TEST_F(BadName, OfAPeerIsShown) {
  dtud.hal(R"({"type": "sim"})");
  dtud.device("{}");
  dtud.start();
  EXPECT_EQ(dtud.get("/v1/points/caf%e9").status, 404);
  EXPECT_THAT(dtud.get("/v1/points/caf%e9").body, HasSubstr(kReplacement));
  EXPECT_EQ(dtud.post("/v1/call", "{\"command\": \"caf\xE9\"}").status, 400);
  EXPECT_EQ(dtud.put("/v1/points/gpio.1", "\"\xE9\"").status, 400);
  EXPECT_EQ(dtud.put("/v1/config", "{\"conf\": {\"caf\xE9\": {}}}").status, 409);
  every_view_is_shown();
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
