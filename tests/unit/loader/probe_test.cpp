// What a plugin's constructors may do, and what is said of it: the child breaks, never the test.
#include "plugins/loader/probe.hpp"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <cstdlib>

#include "folder.hpp"

namespace dtud::plugins {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using End = Probed::End;

// As short as a busy machine allows: nothing here has to be over in time, only the hanging one has to be given up.
const ProbeLimits limits{std::chrono::milliseconds(500), std::chrono::milliseconds(20'000), 1};

Probed probe_fixture(const Folder& folder, const std::string& name) {
  return probe(DTU_PLUGIN_PROBE, {folder.fixture(name), {}, false, {}, false}, limits);
}

TEST(Probe, TellsWhatAFileHolds) {
  const Folder folder;
  const fs::path file = folder.fixture("two_components");
  const Probed p = probe(DTU_PLUGIN_PROBE, {file, {}, false, {}, true}, ProbeLimits{});
  ASSERT_EQ(p.end, End::good) << p.text;
  EXPECT_EQ(p.text, "");
  EXPECT_TRUE(is_sha256(p.sha256)) << p.sha256;
  EXPECT_EQ(p.size, fs::file_size(file));
  EXPECT_EQ(p.identity, identity_of(file));
  EXPECT_EQ(p.signature.state, "");
  EXPECT_EQ(p.plugin.version, "1.0.0");
  EXPECT_EQ(p.plugin.abi, "0.2");
  ASSERT_EQ(p.plugin.components.size(), 2U);
  EXPECT_EQ(p.plugin.components[1].kind, "command");
  EXPECT_THAT(p.plugin.components[1].dialects, ElementsAre("two-a", "two-b"));
  EXPECT_THAT(p.plugin.components[0].schema, HasSubstr("object"));
}

TEST(Probe, ARefusalIsToldInTheLoadersWords) {
  const Folder folder;
  const Probed p = probe_fixture(folder, "other_major");
  EXPECT_EQ(p.end, End::refused);
  EXPECT_EQ(p.text, (folder.path() / "other_major.so").string() +
                        ": built for plugin ABI 3, this dtud speaks 0: get a build for 0");
}

struct Deadly {
  const char* fixture;
  const char* text;
};
void PrintTo(const Deadly& deadly, std::ostream* out) { *out << deadly.fixture; }
class DeadlyFixture : public testing::TestWithParam<Deadly> {};
TEST_P(DeadlyFixture, DiesInTheChildAndIsNamed) {
  const Folder folder;
  ProbeLimits patient = limits;
  patient.deadline *= 10;  // who spins is given it when others want the processor too; who hangs is not
  const bool spins = std::string(GetParam().fixture) == "ctor_spin";
  const Probed p =
      probe(DTU_PLUGIN_PROBE, {folder.fixture(GetParam().fixture), {}, false, {}, false}, spins ? patient : limits);
  EXPECT_EQ(p.end, End::died);
  EXPECT_THAT(p.text, HasSubstr(GetParam().text));
  EXPECT_EQ(p.text.find(folder.path().string()), 0U) << p.text;
  EXPECT_TRUE(is_sha256(p.sha256));
}
INSTANTIATE_TEST_SUITE_P(Probe, DeadlyFixture,
                         testing::Values(Deadly{"ctor_abort", ": died of signal 6 (SIGABRT) while being probed"},
                                         Deadly{"ctor_hang", ": did not return within 500 ms while being probed"},
                                         Deadly{"ctor_spin",
                                                ": used more than 1 s of the processor while being probed"},
                                         Deadly{"ctor_exit", ": ended its process (exit status 0) while being probed"}),
                         [](const auto& info) { return std::string(info.param.fixture); });

TEST(Probe, AKillIsNotTakenForACrash) {
  const Folder folder;
  const Probed p = probe_fixture(folder, "ctor_kill");
  EXPECT_EQ(p.end, End::killed);
  EXPECT_THAT(p.text, HasSubstr("died of signal 9"));
}

TEST(Probe, WhatAConstructorStartedGoesWithIt) {
  const Folder folder;
  const fs::path marker = folder.path() / "child";
  ASSERT_EQ(setenv("DTU_FIXTURE_MARKER", marker.c_str(), 1), 0);
  const Probed p = probe_fixture(folder, "ctor_fork");
  ASSERT_EQ(unsetenv("DTU_FIXTURE_MARKER"), 0);
  EXPECT_EQ(p.end, End::good) << p.text;
  const pid_t child = std::stoi(fs::read_symlink(marker).string());
  // It was killed; whoever reaps it may take a moment.
  const std::string stat = "/proc/" + std::to_string(child) + "/stat";
  const auto gone = [&] {
    std::ifstream file(stat);
    std::string text;
    std::getline(file, text);
    const size_t at = text.rfind(')');
    return at == std::string::npos || text[at + 2] == 'Z' || text[at + 2] == 'X';
  };
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!gone() && std::chrono::steady_clock::now() < deadline) usleep(1000);
  EXPECT_TRUE(gone());
}

TEST(Probe, WhatAConstructorPrintsIsNoAnswer) {
  const Folder folder;
  const Probed p = probe_fixture(folder, "ctor_print");
  ASSERT_EQ(p.end, End::good) << p.text;
  EXPECT_EQ(p.plugin.id, "org.dtukit.fixture.ctor-print");
}

TEST(Probe, AConstructorCannotSayWhatTheFileIs) {
  const Folder folder;
  const Probed p = probe_fixture(folder, "ctor_forge");
  EXPECT_TRUE(is_sha256(p.sha256)) << p.sha256;
  EXPECT_EQ(p.signature.state, "");
  EXPECT_NE(p.end, End::good);
}

TEST(Probe, HeldContentIsNotRun) {
  const Folder folder;
  const fs::path file = folder.fixture("ctor_marker");
  const Probed first = probe(DTU_PLUGIN_PROBE, {file, {}, false, {}, false}, ProbeLimits{});
  ASSERT_EQ(first.end, End::good) << first.text;
  const fs::path marker = folder.path() / "ran";
  ASSERT_EQ(setenv("DTU_FIXTURE_MARKER", marker.c_str(), 1), 0);
  const fs::path copy = folder.path() / "copy.so";
  fs::copy_file(file, copy);
  const Probed p = probe(DTU_PLUGIN_PROBE, {copy, {}, false, {std::string(64, '0'), first.sha256}, false}, limits);
  ASSERT_EQ(unsetenv("DTU_FIXTURE_MARKER"), 0);
  EXPECT_EQ(p.end, End::held);
  EXPECT_EQ(p.sha256, first.sha256);
  EXPECT_FALSE(fs::exists(marker));
}

TEST(Probe, WithoutAProbeNothingIsSaidOfTheFile) {
  const Folder folder;
  const Probed p = probe("/nowhere/dtu-plugin-probe", {folder.fixture("pure_c"), {}, false, {}, false}, limits);
  EXPECT_EQ(p.end, End::unavailable);
  EXPECT_THAT(p.text, HasSubstr("/nowhere/dtu-plugin-probe cannot be run"));
  const Probed silent = probe("/bin/true", {folder.path() / "pure_c.so", {}, false, {}, false}, limits);
  EXPECT_EQ(silent.end, End::refused);
  EXPECT_THAT(silent.text, HasSubstr("cannot be probed: the probe ended with exit status 0"));
}

TEST(Probe, AFileThatIsNotThere) {
  const Probed p = probe(DTU_PLUGIN_PROBE, {"/nowhere/x.so", {}, false, {}, false}, limits);
  EXPECT_EQ(p.end, End::refused);
  EXPECT_THAT(p.text, HasSubstr("/nowhere/x.so: cannot be opened"));
}

TEST(Probe, AFileThatIsReplacedMeanwhileIsRefused) {
  const Folder folder;
  const fs::path file = folder.fixture("ctor_replace");
  const fs::path other = folder.fixture("pure_c");
  ASSERT_EQ(setenv("DTU_FIXTURE_CRASH_IN", "dtu-plugin-probe", 1), 0);
  ASSERT_EQ(setenv("DTU_FIXTURE_FROM", other.c_str(), 1), 0);
  ASSERT_EQ(setenv("DTU_FIXTURE_TO", file.c_str(), 1), 0);
  const Probed p = probe(DTU_PLUGIN_PROBE, {file, {}, false, {}, false}, limits);
  for (const char* name : {"DTU_FIXTURE_CRASH_IN", "DTU_FIXTURE_FROM", "DTU_FIXTURE_TO"}) unsetenv(name);
  EXPECT_EQ(p.end, End::refused);
  EXPECT_THAT(p.text, HasSubstr("was changed while being probed"));
}

}  // namespace
}  // namespace dtud::plugins
