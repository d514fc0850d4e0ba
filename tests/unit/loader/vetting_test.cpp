// Quarantine, the cache, and that what is opened is what was looked at.
#include "plugins/loader/vetting.hpp"

#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <iterator>

#include "folder.hpp"
#include "lanes/call_page.hpp"

namespace dtud::plugins {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using Verdict = CacheEntry::Verdict;

struct VettingTest : testing::Test {
  Folder folder;
  std::vector<std::string> said;
  Vetting::Setup setup{DTU_PLUGIN_PROBE,
                       (folder.path() / "state" / "plugins").string(),
                       {},
                       false,
                       "1.0",
                       false,
                       {std::chrono::milliseconds(500), std::chrono::milliseconds(20'000), 1}};
  std::unique_ptr<Vetting> vetting;
  VettingTest() { restart(); }

  // As a start of dtud does; what was before has ended.
  void restart() {
    vetting.reset();
    vetting = std::make_unique<Vetting>(setup, [this](const std::string& line) { said.push_back(line); });
    vetting->begin();
  }
  [[nodiscard]] fs::path cache() const { return folder.path() / "state" / "plugins" / "probes.json"; }
  // A probe that cannot be run shows whether one was needed.
  void without_probe() {
    setup.program = "/nowhere/probe";
    restart();
  }
  static void replace(const fs::path& file, const std::string& fixture) {
    const Folder other;
    fs::rename(other.fixture(fixture), file.string() + ".new");
    fs::rename(file.string() + ".new", file);
  }
};

TEST_F(VettingTest, AGoodAnswerIsKeptAndNeedsNoProbeAnyMore) {
  const fs::path file = folder.fixture("pure_c");
  const auto first = vetting->vet(file);
  EXPECT_EQ(first.refusal, "");
  vetting->keep();
  without_probe();
  const auto again = vetting->vet(file);
  EXPECT_EQ(again.refusal, "");
  EXPECT_EQ(again.sha256, first.sha256);
  EXPECT_EQ(again.plugin.id, "org.dtukit.fixture.pure_c");
  EXPECT_THAT(said, IsEmpty());
  const LoadResult result = vetting->open(again);
  EXPECT_TRUE(std::holds_alternative<std::shared_ptr<const LoadedPlugin>>(result));
}

TEST_F(VettingTest, AnotherDtudOrAnotherFileIsProbedAnew) {
  const fs::path file = folder.fixture("pure_c");
  (void)vetting->vet(file);
  vetting->keep();
  setup.version = "1.1";
  without_probe();
  EXPECT_EQ(vetting->vet(file).plugin.id, "");
  EXPECT_THAT(said, ElementsAre(HasSubstr("opened without being probed")));
  setup.version = "1.0";
  restart();
  EXPECT_NE(vetting->vet(file).plugin.id, "");
  replace(file, "two_components");
  EXPECT_EQ(vetting->vet(file).plugin.id, "");
}

TEST_F(VettingTest, ACrashQuarantinesUntilTheFileChanges) {
  const fs::path file = folder.fixture("ctor_abort");
  const auto first = vetting->vet(file);
  EXPECT_TRUE(first.quarantined);
  EXPECT_EQ(first.refusal,
            file.string() +
                ": is quarantined: died of signal 6 (SIGABRT) while being probed: get another build of it, "
                "or have it tried again by dtuctl plugins retry ctor_abort.so");
  without_probe();  // it is not probed again
  const auto again = vetting->vet(file);
  EXPECT_TRUE(again.quarantined);
  EXPECT_EQ(again.refusal, first.refusal);
  setup.program = DTU_PLUGIN_PROBE;
  restart();
  replace(file, "pure_c");
  EXPECT_EQ(vetting->vet(file).refusal, "");
}

TEST_F(VettingTest, TheSameContentIsQuarantinedUnderAnyName) {
  const fs::path file = folder.fixture("ctor_abort");
  (void)vetting->vet(file);
  const fs::path copy = folder.path() / "copy.so";
  fs::copy_file(file, copy);
  fs::remove(file);
  restart();
  const auto v = vetting->vet(copy);
  EXPECT_TRUE(v.quarantined);
  EXPECT_THAT(v.refusal, HasSubstr("died of signal 6"));
  EXPECT_EQ(v.refusal.find("2 times"), std::string::npos) << "it was run again: " << v.refusal;
}

TEST_F(VettingTest, RetryForgivesByAnyName) {
  const fs::path file = folder.fixture("ctor_crash_in");
  (void)vetting->vet(file);
  const std::string sha256 = vetting->vet(file).sha256;
  for (const std::string& name :
       {file.string(), std::string("ctor_crash_in.so"), std::string("org.dtukit.fixture.ctor-crash-in"), sha256}) {
    vetting->quarantine(file, "crashed dtud in send");
    EXPECT_TRUE(vetting->vet(file).quarantined) << name;
    EXPECT_THAT(vetting->forgive(name), ElementsAre(file.string())) << name;
    EXPECT_EQ(vetting->vet(file).refusal, "") << name;
  }
  EXPECT_THAT(vetting->forgive("ctor_crash_in.so"), IsEmpty());
}

TEST_F(VettingTest, ARefusalIsNoQuarantineAndIsSaidAgain) {
  const fs::path file = folder.fixture("other_major");
  for (int i = 0; i < 2; ++i) {
    const auto v = vetting->vet(file);
    EXPECT_FALSE(v.quarantined);
    EXPECT_THAT(v.refusal, HasSubstr("built for plugin ABI 3"));
    vetting->keep();
    restart();
  }
}

TEST_F(VettingTest, AKillIsForgivenOnce) {
  const fs::path file = folder.fixture("ctor_kill");
  const auto first = vetting->vet(file);
  EXPECT_FALSE(first.quarantined);
  EXPECT_THAT(first.refusal, HasSubstr("died of signal 9"));
  EXPECT_THAT(first.refusal, HasSubstr("tried once more"));
  restart();
  const auto second = vetting->vet(file);
  EXPECT_TRUE(second.quarantined);
  EXPECT_THAT(second.refusal, HasSubstr("2 times"));
}

// The end of a process in the middle of opening a file, as the next one finds it.
void die_while_opening(Vetting::Setup setup, const fs::path& file) {
  const pid_t pid = fork();
  if (pid == 0) {
    setenv("DTU_FIXTURE_CRASH_IN", "vetting-test", 1);
    Vetting vetting(std::move(setup), [](const std::string&) {});
    vetting.begin();
    const auto v = vetting.vet(file);
    vetting.keep();
    if (v.refusal.empty()) (void)vetting.open(v);
    _exit(0);
  }
  int status = 0;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  ASSERT_TRUE(WIFSIGNALED(status));
}

TEST_F(VettingTest, WhatDtudDiedOfTwiceIsQuarantined) {
  const fs::path file = folder.fixture("ctor_crash_in");
  vetting.reset();
  die_while_opening(setup, file);
  restart();
  EXPECT_THAT(said, ElementsAre(HasSubstr("dtud ended while it opened this file; the file is tried once more")));
  EXPECT_EQ(vetting->vet(file).refusal, "");
  vetting.reset();
  die_while_opening(setup, file);
  restart();
  const auto v = vetting->vet(file);
  EXPECT_TRUE(v.quarantined);
  EXPECT_THAT(v.refusal, HasSubstr("is quarantined: dtud ended while it opened this file, 2 times"));
}

// The power is cut in the moment in which the file is opened, start after start.
TEST_F(VettingTest, PowerCutsAreNoDeathsOfDtud) {
  const fs::path file = folder.fixture("ctor_crash_in");
  const fs::path mark = setup.folder + "/opening";
  for (int cut = 1; cut <= 5; ++cut) {
    vetting.reset();
    die_while_opening(setup, file);
    std::ifstream in(mark);
    std::string words((std::istreambuf_iterator<char>(in)), {});
    const auto boot = words.find(boot_id());
    ASSERT_NE(boot, std::string::npos) << words;
    words[boot] = words[boot] == '0' ? '1' : '0';
    { std::ofstream(mark, std::ios::binary) << words; }
    restart();
    EXPECT_EQ(vetting->vet(file).quarantined, cut == 5) << cut;
  }
  EXPECT_THAT(vetting->vet(file).refusal,
              HasSubstr("the board was started again while dtud opened this file, 5 times"));
}

TEST_F(VettingTest, OpeningItOnceMoreClearsTheSuspicion) {
  const fs::path file = folder.fixture("ctor_crash_in");
  vetting.reset();
  die_while_opening(setup, file);
  restart();
  EXPECT_TRUE(std::holds_alternative<std::shared_ptr<const LoadedPlugin>>(vetting->open(vetting->vet(file))));
  vetting->keep();
  restart();
  ASSERT_NE(vetting->known(file), nullptr);
  EXPECT_EQ(vetting->known(file)->verdict, Verdict::good);
  EXPECT_EQ(vetting->known(file)->count, 0U);
}

TEST_F(VettingTest, WhatIsSwappedAfterTheLookIsNotOpened) {
  const fs::path file = folder.fixture("pure_c");
  const auto v = vetting->vet(file);
  ASSERT_EQ(v.refusal, "");
  replace(file, "ctor_abort");
  const LoadResult result = vetting->open(v);  // opening it would end this test
  ASSERT_TRUE(std::holds_alternative<Refusal>(result));
  EXPECT_THAT(std::get<Refusal>(result).text, HasSubstr("was changed after it was probed"));
}

TEST_F(VettingTest, WhatIsWrittenToAfterTheLookIsNotOpened) {
  const fs::path file = folder.fixture("pure_c");
  const auto v = vetting->vet(file);
  { std::ofstream(file, std::ios::binary | std::ios::app) << "more"; }
  ASSERT_TRUE(std::holds_alternative<Refusal>(vetting->open(v)));
}

TEST_F(VettingTest, WhatIsSwappedWhileItIsOpenedIsNotUsed) {
  const fs::path file = folder.fixture("ctor_replace"), other = folder.fixture("pure_c");
  const auto v = vetting->vet(file);
  ASSERT_EQ(v.refusal, "");
  setenv("DTU_FIXTURE_CRASH_IN", "vetting-test", 1);
  setenv("DTU_FIXTURE_FROM", other.c_str(), 1);
  setenv("DTU_FIXTURE_TO", file.c_str(), 1);
  const LoadResult result = vetting->open(v);
  for (const char* name : {"DTU_FIXTURE_CRASH_IN", "DTU_FIXTURE_FROM", "DTU_FIXTURE_TO"}) unsetenv(name);
  ASSERT_TRUE(std::holds_alternative<Refusal>(result));
  EXPECT_THAT(std::get<Refusal>(result).text, HasSubstr("while dtud opened it, and is not used"));
}

TEST_F(VettingTest, ACacheThatIsNotOursCountsAsEmpty) {
  const fs::path file = folder.fixture("pure_c");
  (void)vetting->vet(file);
  vetting->keep();
  const std::string good = [&] {
    std::ifstream in(cache());
    return std::string{std::istreambuf_iterator<char>(in), {}};
  }();
  size_t read = 0;
  for (const std::string& text :
       {std::string("not JSON"), std::string("{\"version\": 2, \"entries\": []}"), std::string("{\"version\": 1}"),
        std::string("[1, 2]"), good.substr(0, good.size() / 2), std::string(2U << 20U, ' '),
        std::string("{\"version\": 1, \"entries\": [null, 7, {}, {\"path\": \"x\", \"verdict\": \"good\"}]}")}) {
    said.clear();
    { std::ofstream(cache(), std::ios::binary) << text; }
    restart();
    EXPECT_EQ(vetting->known(file), nullptr) << text.substr(0, 80);
    EXPECT_EQ(vetting->vet(file).refusal, "");
    read += said.size();
  }
  EXPECT_EQ(read, 7U);  // of the last one each entry is wrong
  vetting->keep();
  restart();
  EXPECT_NE(vetting->known(file), nullptr);
}

TEST_F(VettingTest, ACacheThatCannotBeWrittenIsSaidOnce) {
  const fs::path blocked = folder.file("file");
  setup.folder = (blocked / "plugins").string();
  restart();
  EXPECT_EQ(vetting->vet(folder.fixture("pure_c")).refusal, "");
  vetting->keep();
  EXPECT_TRUE(vetting->vet(folder.fixture("ctor_abort")).quarantined);
  EXPECT_TRUE(vetting->vet(folder.path() / "ctor_abort.so").quarantined);
  vetting->keep();
  size_t kept = 0;
  for (const std::string& line : said) kept += line.find("cannot be stored") != std::string::npos ? 1 : 0;
  EXPECT_EQ(kept, 1U) << testing::PrintToString(said);
}

TEST_F(VettingTest, ACheckWritesNothing) {
  setup.read_only = true;
  setup.folder = (folder.path() / "other" / "plugins").string();
  restart();
  EXPECT_TRUE(vetting->vet(folder.fixture("ctor_abort")).quarantined);
  vetting->keep();
  EXPECT_FALSE(fs::exists(folder.path() / "other"));
}

// A file that is too long to be read again would forget the quarantines, too.
TEST_F(VettingTest, SchemasThatDoNotFitIntoTheCacheAreForgotten) {
  ProbeCache many((folder.path() / "many.json").string());
  CacheEntry e;
  e.identity = "1:2:3";
  e.sha256 = std::string(64, 'a');
  e.plugin.whole = true;
  e.plugin.components.push_back({"channel", "x", "", 0, {}, {}, std::string(20'000, ' '), {"check"}, {}, {}});
  for (int i = 0; i < 100; ++i) {
    e.path = "/p/" + std::to_string(i);
    many.put(e);
    if (i != 0) continue;
    EXPECT_EQ(many.save(), "");
    ProbeCache one((folder.path() / "many.json").string());
    EXPECT_EQ(one.load(), "");
    ASSERT_NE(one.find("/p/0"), nullptr);
    EXPECT_TRUE(one.find("/p/0")->plugin.whole);
    EXPECT_EQ(one.find("/p/0")->plugin.components.front().lacks, std::vector<std::string>{"check"});
  }
  EXPECT_EQ(many.save(), "");
  ProbeCache again((folder.path() / "many.json").string());
  EXPECT_EQ(again.load(), "");
  ASSERT_NE(again.find("/p/99"), nullptr);
  EXPECT_FALSE(again.find("/p/99")->plugin.whole);
  EXPECT_EQ(again.find("/p/99")->plugin.components.front().schema, "");
}

TEST_F(VettingTest, TheCacheIsBounded) {
  ProbeCache many((folder.path() / "many.json").string());
  CacheEntry e;
  e.identity = "1:2:3";
  e.sha256 = std::string(64, 'a');
  e.plugin.components.push_back({"channel", "x", "", 0, {}, {}, "", {}, {}, {}});
  for (int i = 0; i < 500; ++i) {
    e.path = "/p/" + std::to_string(i);
    e.verdict = i == 7 ? Verdict::quarantined : Verdict::good;
    many.put(e);
  }
  EXPECT_EQ(many.entries().size(), 128U);
  EXPECT_NE(many.find("/p/499"), nullptr);
  EXPECT_NE(many.find("/p/7"), nullptr);  // who is quarantined stays
  EXPECT_EQ(many.save(), "");
  ProbeCache again((folder.path() / "many.json").string());
  EXPECT_EQ(again.load(), "");
  EXPECT_EQ(again.entries().size(), 128U);
}

}  // namespace
}  // namespace dtud::plugins
