#include "log/log.hpp"

#include <gtest/gtest.h>

namespace dtud {
namespace {

TEST(Log, KeepsTheNewestAndStaysOneLine) {
  Log log(Level::info, false);
  for (int i = 0; i < 1500; ++i) log.info("channel 1", "line " + std::to_string(i));
  log.info("port 1", "two\nlines\x1b[31m");
  const auto lines = log.newest(2);
  ASSERT_EQ(lines.size(), 2U);
  EXPECT_EQ(lines[0].text, "line 1499");
  EXPECT_EQ(lines[1].text, "two lines [31m");
  EXPECT_EQ(log.newest(5000).size(), 1000U);
}

TEST(Log, CutsLongLinesAndLeavesOutWhatIsBelowTheThreshold) {
  Log log(Level::warning, false);
  log.info("kernel", "not wanted");
  log.error("kernel", std::string(5000, 'x'));
  const auto lines = log.newest(10);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].text.size(), 1024U);
}

TEST(Log, FollowersHearUntilTheyLetGo) {
  Log log(Level::info, false);
  std::vector<std::string> heard;
  auto token = log.follow([&](const LogLine& line) { heard.push_back(line.who + ": " + line.text); });
  log.warning("channel 1", "down");
  token.reset();
  log.warning("channel 1", "up");
  EXPECT_EQ(heard, std::vector<std::string>{"channel 1: down"});
}

}  // namespace
}  // namespace dtud
