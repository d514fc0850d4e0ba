#include "log/log.hpp"
#include "log/utf8.hpp"

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

TEST(Utf8, WhatIsNoTextBecomesAReplacementForEachByte) {
  const std::string r = "\xEF\xBF\xBD";
  EXPECT_EQ(valid_utf8("caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82"), "caf\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x99\x82");
  EXPECT_EQ(valid_utf8("caf\xE9!"), "caf" + r + "!");
  EXPECT_EQ(valid_utf8("\xC0\x80"), r + r);                  // overlong
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), r + r + r);          // a surrogate
  EXPECT_EQ(valid_utf8("\xF4\x90\x80\x80"), r + r + r + r);  // beyond U+10FFFF
  EXPECT_EQ(valid_utf8("\xE2\x82"), r + r);                  // cut off
  EXPECT_TRUE(is_utf8(valid_utf8("\xFF\xFE\x80")));
  EXPECT_EQ(valid_utf8(""), "");
}

TEST(Utf8, IsCutBetweenCharacters) {
  EXPECT_EQ(valid_utf8("a\xE2\x82\xAC", 4), "a\xE2\x82\xAC");
  EXPECT_EQ(valid_utf8("a\xE2\x82\xAC", 3), "a");
  EXPECT_EQ(valid_utf8("a\xE9", 3), "a");
  EXPECT_EQ(valid_utf8("a\xE9", 0), "");
}

TEST(Log, IsValidUtf8WhateverIsWritten) {
  Log log(Level::info, false);
  log.info("caf\xE9", std::string(1022, 'x') + "\xE2\x82\xAC");
  const auto lines = log.newest(1);
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].who, "caf\xEF\xBF\xBD");
  EXPECT_EQ(lines[0].text, std::string(1022, 'x'));
}

}  // namespace
}  // namespace dtud
