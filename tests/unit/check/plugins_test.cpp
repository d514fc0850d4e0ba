// Our own plugins break no rule; the checker's list is what its README says; its exit status means something.
#include <gtest/gtest.h>

#include <cctype>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "checker.hpp"

namespace {

namespace fs = std::filesystem;

std::vector<std::string> all_plugins() {
  std::vector<std::string> all;
  std::error_code none;
  for (const auto& entry : fs::directory_iterator(PLUGINS, none))
    if (entry.path().extension() == ".so") all.push_back(entry.path().stem());
  return all;
}

std::string read(const std::string& path) {
  std::ifstream in(path);
  std::ostringstream all;
  all << in.rdbuf();
  return all.str();
}

class InTree : public testing::TestWithParam<std::string> {};
GTEST_ALLOW_UNINSTANTIATED_PARAMETERIZED_TEST(InTree);

TEST_P(InTree, BreaksNoRule) {
  std::vector<std::string> arguments{std::string(PLUGINS) + "/" + GetParam() + ".so"};
  const std::string config = std::string(CONFIGS) + "/" + GetParam() + ".json";
  if (fs::exists(config)) arguments.insert(arguments.end(), {"--config", config});
  const auto said = check_test::check(DTU_CHECK, arguments);
  for (const auto& f : said.findings) EXPECT_NE(f.severity, "error") << f.rule << ": " << f.what;
  EXPECT_EQ(said.exit_code, 0) << said.output;
}

std::string name_of(const testing::TestParamInfo<std::string>& info) {
  std::string name;
  for (const char c : info.param) name += std::isalnum(static_cast<unsigned char>(c)) != 0 ? c : '_';
  return name;
}
INSTANTIATE_TEST_SUITE_P(Check, InTree, testing::ValuesIn(all_plugins()), name_of);

TEST(CheckList, IsWhatTheReadmeHolds) {
  const auto said = check_test::run(DTU_CHECK, {"--list"});
  EXPECT_EQ(said.exit_code, 0);
  EXPECT_NE(read(README).find(said.output), std::string::npos)
      << "the table of rules in sdk/check/README.md is what `dtu-plugin-check --list` prints:\n"
      << said.output;
}

TEST(CheckExit, IsTwoForWrongUsage) {
  EXPECT_EQ(check_test::run(DTU_CHECK, {}).exit_code, 2);
  EXPECT_EQ(check_test::run(DTU_CHECK, {"--no-such-option"}).exit_code, 2);
  EXPECT_EQ(check_test::run(DTU_CHECK, {"x.so", "--only", "no.rule"}).exit_code, 2);
  EXPECT_EQ(check_test::run(DTU_CHECK, {"x.so", "--patience", "soon"}).exit_code, 2);
  EXPECT_EQ(check_test::run(DTU_CHECK, {"x.so", "--config", "/nonexistent/file"}).exit_code, 2);
}

TEST(CheckExit, IsThreeForAFileThatIsNoPlugin) {
  EXPECT_EQ(check_test::run(DTU_CHECK, {"/nonexistent/file.so"}).exit_code, 3);
  EXPECT_EQ(check_test::run(DTU_CHECK, {README}).exit_code, 3);
}

}  // namespace
