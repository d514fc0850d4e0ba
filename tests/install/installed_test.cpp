// dtud from an installation, told nothing: it finds its plugins and its child programs from where it lies.
#include <gtest/gtest.h>

#include <filesystem>

#include "folders.hpp"
#include "harness/dtud.hpp"
#include "harness/wait.hpp"

namespace e2e {
namespace {

// A port that nobody listens on refuses; that it was asked is what only the child can have found out.
constexpr char kOrder[] =
    R"({"url": "http://127.0.0.1:9/x", "version": "2", "md5": "00000000000000000000000000000000"})";

TEST(Installed, FindsItsPluginsAndItsChildren) {
  Dtud dtud;
  dtud.hal(R"({"type": "sim", "ports": {"1": {}}})").board(R"("upgrade": {"allow_http": true})");
  dtud.start();
  const Json plugins = parse_json(dtud.get("/v1/plugins").body);
  size_t files = 0;
  for (const auto& file : std::filesystem::directory_iterator(kInstalled + "/lib/dtukit/plugins")) {
    ++files;
    EXPECT_FALSE(with(plugins, "file", file.path().string()).isEmpty()) << file.path() << " was not found";
  }
  EXPECT_EQ(size(plugins), files) << "and no others: " << to_json(plugins);
  const Ran ordered = dtud.dtuctl({"call", "upgrade.start", kOrder});
  ASSERT_EQ(ordered.status, 0) << ordered.output;
  std::string note;
  EXPECT_TRUE(eventually([&] {
    note = dtud.dtuctl({"call", "upgrade.state"}).output;
    return note.find("refused") != std::string::npos;
  })) << note;
  EXPECT_EQ(dtud.stop(), 0);
}

TEST(Installed, TheDocumentsToBeginWithAreInOrder) {
  Dtud dtud;
  const std::string documents = kInstalled + "/share/doc/dtukit/examples/";
  const Ran ran =
      run({kDtud, "--check", "--board", documents + "board.json", "--device", documents + "dtu_config.json"});
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_NE(ran.output.find("are valid"), std::string::npos) << ran.output;
}

TEST(Installed, AMovedInstallationFindsWhatMovedWithIt) {
  namespace fs = std::filesystem;
  const TempDir dir;
  fs::create_directories(dir.path("there/bin"));
  fs::copy(kInstalled + "/bin", dir.path("there/bin"), fs::copy_options::recursive);
  fs::create_directories(dir.path("there/lib/dtukit/plugins"));
  fs::copy(kInstalled + "/lib/dtukit/plugins/hal-sim.so", dir.path("there/lib/dtukit/plugins"));
  Dtud dtud;
  dtud.programs(dir.path("there/bin")).hal(R"({"type": "sim"})");
  dtud.start();
  const Json plugins = parse_json(dtud.get("/v1/plugins").body);
  EXPECT_EQ(size(plugins), 1U) << to_json(plugins);
  EXPECT_EQ(text(plugins, "[0].file"), fs::canonical(dir.path("there/lib/dtukit/plugins/hal-sim.so")).string());
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
