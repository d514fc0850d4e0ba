#include "plugins/loader/find.hpp"

#include <gmock/gmock.h>

#include "folder.hpp"

namespace dtud::plugins {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(SearchPath, TheFirstSourceThatSaysAnythingCounts) {
  SearchInput in{{"/conf/a", "/conf/b"}, "/env", "/usr/bin/dtud", "/usr/lib"};
  EXPECT_THAT(search_path(in).list, ElementsAre("/conf/a", "/conf/b"));
  in.configured.clear();
  in.environment = "/env::/more/../other";
  EXPECT_THAT(search_path(in).list, ElementsAre("/env", "/other"));
  in.environment.clear();
  EXPECT_THAT(search_path(in).list, ElementsAre("/usr/lib/dtukit/plugins"));
}

TEST(SearchPath, RelativeFoldersAreLeftOutAndNamed) {
  const Folders out = search_path({{"plugins", "/a", "/a/."}, "", "", ""});
  EXPECT_EQ(out.list.front(), "/a");
  EXPECT_THAT(out.problems, ElementsAre(HasSubstr("plugin_path: \"plugins\" is left out")));
}

TEST(SearchPath, OnlyABuildTreeHasItsPluginsBesideBin) {
  const Folder root;
  fs::create_directories(root.path() / "bin");
  fs::create_directories(root.path() / "plugins");
  const SearchInput in{{}, "", root.path() / "bin" / "dtud", "/usr/lib"};
  EXPECT_THAT(search_path(in).list, ElementsAre("/usr/lib/dtukit/plugins"));
  (void)root.file("CMakeCache.txt");
  EXPECT_THAT(search_path(in).list, ElementsAre(root.path() / "plugins"));
}

TEST(SearchPath, KnowsTheRunningProgram) {
  const SearchInput in = SearchInput::from_system({"/x"});
  EXPECT_EQ(in.program.filename(), "loader-test");
  EXPECT_THAT(in.configured, ElementsAre("/x"));
  EXPECT_TRUE(in.libdir.is_absolute());
}

TEST(FindFiles, ByNameNeverDeeperEarlierFolderFirst) {
  const Folder a;
  const Folder b;
  fs::create_directory(a.path() / "deeper");
  (void)a.file("deeper/hidden.so");
  (void)a.file("zeta.so");
  (void)a.file("alpha.so");
  (void)a.file("readme.txt");
  (void)b.file("alpha.so");
  (void)b.file("beta.so");
  const Files out = find_files({a.path(), b.path()});
  EXPECT_THAT(out.list, ElementsAre(a.path() / "alpha.so", a.path() / "zeta.so", b.path() / "beta.so"));
  EXPECT_THAT(out.problems, ElementsAre(HasSubstr("left out")));
}

TEST(FindFiles, AMissingFolderIsAProblemAndNotTheEnd) {
  const Folder a;
  (void)a.file("alpha.so");
  const Files out = find_files({"/no/such/folder", a.path()});
  EXPECT_THAT(out.list, ElementsAre(a.path() / "alpha.so"));
  EXPECT_THAT(out.problems, ElementsAre(HasSubstr("/no/such/folder: cannot be read")));
}

}  // namespace
}  // namespace dtud::plugins
