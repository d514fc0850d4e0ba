// Each fixture breaks the rule that expected.txt names, and no other rule of severity error.
#include <gtest/gtest.h>

#include <cctype>
#include <fstream>
#include <sstream>

#include "checker.hpp"

namespace {

struct Expected {
  std::string fixture, rule, patience;
};

std::vector<Expected> all_expected() {
  std::vector<Expected> all;
  std::ifstream in(EXPECTED);
  for (std::string line; std::getline(in, line);) {
    Expected e;
    if (line.empty() || line[0] == '#') continue;
    std::istringstream(line) >> e.fixture >> e.rule >> e.patience;
    all.push_back(e);
  }
  return all;
}

void PrintTo(const Expected& expected, std::ostream* out) { *out << expected.fixture << " breaks " << expected.rule; }
class Fixture : public testing::TestWithParam<Expected> {};

TEST_P(Fixture, BreaksItsRuleAndNoOther) {
  const auto& [fixture, rule, patience] = GetParam();
  std::vector<std::string> arguments{std::string(FIXTURES) + "/" + fixture + ".so"};
  if (!patience.empty()) arguments.insert(arguments.end(), {"--patience", patience});
  const auto said = check_test::check(DTU_CHECK, arguments);
  const bool has_rule = rule != "-";
  bool is_error = false;
  for (const auto& f : said.findings) {
    if (f.rule == rule) is_error = is_error || f.severity == "error";
    EXPECT_TRUE(f.rule == rule || f.severity != "error") << f.rule << ": " << f.what;
  }
  EXPECT_EQ(has_rule, said.has(rule)) << said.output;
  EXPECT_EQ(said.exit_code, rule == "file.elf" ? 3 : is_error ? 1 : 0) << said.output;
}

std::string name_of(const testing::TestParamInfo<Expected>& info) {
  std::string name;
  for (const char c : info.param.fixture)
    if (std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_') name += c;
  return name;
}
INSTANTIATE_TEST_SUITE_P(Check, Fixture, testing::ValuesIn(all_expected()), name_of);

TEST(Fixtures, AreManyWithARuleEach) { EXPECT_GE(all_expected().size(), 60U); }

}  // namespace
