// What a person installed: copied by its content, listed, replaced, taken back, removed.
#include "plugins/loader/store.hpp"

#include <gmock/gmock.h>

#include <deque>

#include "folder.hpp"

namespace dtud::plugins {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

struct StoreTest : testing::Test {
  Folder folder;
  fs::path where = folder.path() / "plugins";
  Store store{where};
  StoreTest() { fs::create_directory(where); }

  // Each step is done at once here; "" or why not.
  std::string put(const fs::path& staged, const Probed& probed, const fs::path& file) {
    std::string problem = "no answer";
    store.put(staged, probed, file.string(), [&](const std::string& said) { problem = said; });
    return problem;
  }
  std::string go_back(const std::string& id) {
    std::string problem = "no answer";
    store.go_back(id, [&](const std::string& said) { problem = said; });
    return problem;
  }
  std::string remove(const std::string& id) {
    std::string problem = "no answer";
    store.remove(id, [&](const std::string& said) { problem = said; });
    return problem;
  }
  // As `plugins install` does it; "" or why not.
  std::string install(const fs::path& file) {
    std::string error;
    const fs::path staged = store.stage(file, error);
    if (staged.empty()) return error;
    const Probed probed = probe(DTU_PLUGIN_PROBE, {staged, {}, false, {}, false}, ProbeLimits{});
    if (probed.end == Probed::End::good) return put(staged, probed, file);
    Store::drop(staged);
    return probed.text;
  }
  [[nodiscard]] size_t files() const {
    size_t n = 0;
    for (const auto& entry : fs::directory_iterator(where)) n += entry.path().extension() == ".so" ? 1 : 0;
    return n;
  }
};

TEST_F(StoreTest, PutsAFileUnderItsContent) {
  const fs::path file = folder.fixture("build_1");
  ASSERT_EQ(install(file), "");
  const Installed* i = store.find("org.dtukit.fixture.build");
  ASSERT_NE(i, nullptr);
  EXPECT_EQ(i->version, "1.0.0");
  EXPECT_EQ(i->file, file.string());
  EXPECT_EQ(i->previous, "");
  EXPECT_TRUE(fs::exists(store.path_of(i->sha256)));
  Store again(where);
  ASSERT_EQ(again.load(), "");
  ASSERT_NE(again.find("org.dtukit.fixture.build"), nullptr);
  EXPECT_EQ(again.find("org.dtukit.fixture.build")->sha256, i->sha256);
}

TEST_F(StoreTest, AnotherBuildStandsBesideTheOneBefore) {
  ASSERT_EQ(install(folder.fixture("build_1")), "");
  const std::string first = store.list()[0].sha256;
  ASSERT_EQ(install(folder.fixture("build_2")), "");
  ASSERT_EQ(store.list().size(), 1U);
  EXPECT_EQ(store.list()[0].version, "2.0.0");
  EXPECT_EQ(store.list()[0].previous, first);
  store.tidy();
  EXPECT_EQ(files(), 2U);
  ASSERT_EQ(go_back("org.dtukit.fixture.build"), "");
  EXPECT_EQ(store.list()[0].sha256, first);
  ASSERT_EQ(go_back("org.dtukit.fixture.build"), "");
  EXPECT_EQ(store.list()[0].previous, first) << "and forth again";
  store.tidy();
  EXPECT_EQ(files(), 2U);
}

TEST_F(StoreTest, TheSameBuildTwiceIsTheSame) {
  ASSERT_EQ(install(folder.fixture("build_1")), "");
  ASSERT_EQ(install(folder.path() / "build_1.so"), "");
  EXPECT_EQ(store.list()[0].previous, "");
  EXPECT_EQ(files(), 1U);
}

TEST_F(StoreTest, RemovingForgetsAndRemoves) {
  ASSERT_EQ(install(folder.fixture("build_1")), "");
  ASSERT_EQ(remove("org.dtukit.fixture.build"), "");
  EXPECT_THAT(remove("org.dtukit.fixture.build"), HasSubstr("is not installed"));
  EXPECT_EQ(files(), 0U);
  { std::ofstream(where / "staged-1.so") << "half"; }
  { std::ofstream(where / "keep.txt") << "somebody's"; }
  store.tidy();
  EXPECT_EQ(files(), 0U);
  EXPECT_TRUE(fs::exists(where / "keep.txt"));
}

TEST_F(StoreTest, WhatIsRefusedLeavesNothing) {
  EXPECT_THAT(install(folder.fixture("other_major")), HasSubstr("built for plugin ABI 3"));
  EXPECT_THAT(install(folder.path() / "none.so"), HasSubstr("cannot be opened"));
  fs::create_directory(folder.path() / "dir.so");
  EXPECT_THAT(install(folder.path() / "dir.so"), HasSubstr("not a regular file"));
  EXPECT_EQ(files(), 0U);
  EXPECT_TRUE(store.list().empty());
}

TEST_F(StoreTest, TheSignatureComesAlong) {
  const fs::path file = folder.fixture("build_1");
  { std::ofstream(file.string() + ".sig") << "a signature"; }
  ASSERT_EQ(install(file), "");
  const fs::path kept = store.path_of(store.list()[0].sha256);
  EXPECT_TRUE(fs::exists(kept.string() + ".sig"));
  fs::remove(file.string() + ".sig");
  ASSERT_EQ(install(file), "");
  EXPECT_FALSE(fs::exists(kept.string() + ".sig")) << "an old signature stays with an unsigned file";
}

TEST_F(StoreTest, AnIndexThatIsNotOursCountsAsEmpty) {
  ASSERT_EQ(install(folder.fixture("build_1")), "");
  for (const char* text : {"nonsense", "[]", "{\"version\": 9, \"plugins\": []}", "{\"version\": 1}"}) {
    { std::ofstream(where / "installed.json") << text; }
    Store again(where);
    EXPECT_THAT(again.load(), HasSubstr("installed.json is not what dtud wrote")) << text;
    EXPECT_TRUE(again.list().empty());
    EXPECT_TRUE(fs::exists(where / "installed.json.rejected"));
    again.tidy();
    EXPECT_TRUE(fs::exists(store.path_of(store.list()[0].sha256))) << "a person may mend the index";
  }
  { std::ofstream(where / "installed.json") << R"({"version": 1, "plugins": [{"id": "x", "sha256": "../../etc/x"}]})"; }
  Store again(where);
  EXPECT_THAT(again.load(), HasSubstr("1 of the plugins in it cannot be used"));
  EXPECT_TRUE(again.list().empty());
}

// An index that cannot be read is not replaced, and no build is removed.
TEST_F(StoreTest, AnIndexThatCannotBeReadIsLeftAlone) {
  ASSERT_EQ(install(folder.fixture("build_1")), "");
  const fs::path kept = store.path_of(store.list()[0].sha256), index = where / "installed.json";
  fs::rename(index, where / "away");
  fs::create_symlink("/nonexistent/place", index);
  Store again(where);
  EXPECT_THAT(again.load(), HasSubstr("installed.json, a link to nothing"));
  again.tidy();
  std::string problem;
  again.mark_failed(std::string(64, 'a'), "why", [&](const std::string& said) { problem = said; });
  EXPECT_THAT(problem, HasSubstr("is not replaced"));
  fs::rename(where / "away", index);
  Store mended(where);
  EXPECT_EQ(mended.load(), "");
  EXPECT_EQ(mended.list().size(), 1U);
  EXPECT_TRUE(fs::exists(kept));
}

// With jobs that take their time: nothing counts before it is done, and of two steps the second changes what the first
// one left.
TEST_F(StoreTest, StepsThatComeTogetherAreDoneInOrder) {
  std::deque<std::function<void()>> jobs;
  store.write_by([&](const Store::Job& job, const Store::Then& then) { jobs.push_back([=] { then(job()); }); });
  std::vector<std::string> said;
  const auto then = [&](const std::string& problem) { said.push_back(problem); };
  store.choose({"one", "1.0.0", std::string(64, 'a'), "", 0, {}, ""}, then);
  store.choose({"two", "1.0.0", std::string(64, 'b'), "", 0, {}, ""}, then);
  store.remove("one", then);
  store.remove("one", then);
  EXPECT_EQ(jobs.size(), 1U);
  EXPECT_TRUE(store.list().empty());
  for (; !jobs.empty(); jobs.pop_front()) jobs.front()();
  EXPECT_THAT(said, testing::ElementsAre("", "", "", HasSubstr("one is not installed")));
  Store again(where);
  ASSERT_EQ(again.load(), "");
  ASSERT_EQ(again.list().size(), 1U);
  EXPECT_EQ(again.list()[0].id, "two");
}

TEST_F(StoreTest, APlaceThatIsNotThere) {
  const Store nowhere(folder.path() / "nowhere");
  std::string error;
  EXPECT_TRUE(nowhere.stage(folder.fixture("build_1"), error).empty());
  EXPECT_THAT(error, HasSubstr("nowhere cannot be used"));
}

}  // namespace
}  // namespace dtud::plugins
