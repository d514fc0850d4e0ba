#include "pattern.hpp"

#include <gtest/gtest.h>

#include <string>

namespace {

using sim::pattern_line;
using sim::PatternChecker;

std::string lines(uint64_t from, uint64_t to) {
  std::string out;
  for (uint64_t i = from; i < to; ++i) out += pattern_line(i);
  return out;
}

TEST(Pattern, LinesAre64BytesAndEndOnce) {
  for (const uint64_t number : {0ULL, 1ULL, 4096ULL, 9'999'999'999ULL}) {
    const std::string line = pattern_line(number);
    EXPECT_EQ(line.size(), 64U);
    EXPECT_EQ(line.find('\n'), 63U);
  }
}

TEST(Pattern, AWholeStreamIsGoodHoweverItIsCut) {
  const std::string stream = lines(0, 200);
  for (const size_t cut : {1U, 7U, 63U, 64U, 65U, 4096U}) {
    PatternChecker checker;
    for (size_t at = 0; at < stream.size(); at += cut) checker.feed(std::string_view(stream).substr(at, cut));
    EXPECT_EQ(checker.counts().good, 200U);
    EXPECT_EQ(checker.counts().damaged + checker.counts().lost + checker.counts().repeated, 0U);
    EXPECT_EQ(checker.next(), 200U);
  }
}

TEST(Pattern, NamesWhatIsLostRepeatedAndDamaged) {
  PatternChecker checker;
  checker.feed(lines(0, 3));
  checker.feed(lines(5, 6));  // 3 and 4 are lost
  checker.feed(lines(5, 6));  // repeated
  std::string damaged = pattern_line(6);
  damaged[30] = damaged[30] == 'a' ? 'b' : 'a';
  checker.feed(damaged);
  checker.feed(pattern_line(7).substr(1));  // a byte short
  checker.feed(lines(8, 9));
  EXPECT_EQ(checker.counts().good, 5U);
  EXPECT_EQ(checker.counts().damaged, 2U);
  EXPECT_EQ(checker.counts().repeated, 1U);
  EXPECT_EQ(checker.counts().lost, 4U);
}

}  // namespace
