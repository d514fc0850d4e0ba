// Damaged documents of all kinds: no crash, nothing thrown, no document without a reason said, no secret told.
#include <gtest/gtest.h>

#include <random>

#include "config/json_text.hpp"
#include "fixture.hpp"

namespace dtud::config {
namespace {

// One small damage, of the kinds hands and lines do.
std::string damaged(std::string text, std::mt19937& random) {
  const auto pick = [&](size_t n) { return std::uniform_int_distribution<size_t>(0, n - 1)(random); };
  const char* pieces[] = {"\"",   "{",       "}",    "[",    "]",   ",",  ":",  "\\",   "//",      "0", "-1",
                          "null", "\"***\"", "\"\"", "true", "1e9", "{}", "[]", "\xFF", "\\ud800", "\n"};
  const size_t at = pick(text.size());
  switch (pick(5)) {
    case 0:
      text.erase(at, 1 + pick(4));
      break;
    case 1:
      text.insert(at, pieces[pick(std::size(pieces))]);
      break;
    case 2:
      text[at] = static_cast<char>(pick(256));
      break;
    case 3:
      text.insert(at, text.substr(pick(text.size()), pick(40)));
      break;
    default: {  // a whole value for another
      const auto colon = text.find(':', at);
      const auto end = text.find_first_of(",}", colon);
      if (end != std::string::npos) text.replace(colon + 1, end - colon - 1, pieces[pick(std::size(pieces))]);
    }
  }
  return text;
}

TEST(Mutation, AnyDamageIsSaidNotThrown) {
  std::mt19937 random(20240501);  // the same every time
  const Installed installed;
  const auto sample = device(kSample, installed);
  for (int i = 0; i < 600; ++i) {
    std::string text = kSample;
    const int damages = 1 + i % 3;
    for (int n = 0; n < damages; ++n) text = damaged(text, random);
    Device d;
    ASSERT_NO_THROW(d = device(text, installed)) << text;
    EXPECT_TRUE(d.config || has_errors(d.findings)) << text;
    for (const auto& f : d.findings) {
      EXPECT_GE(f.line, 1) << to_text(f);
      EXPECT_GE(f.column, 1) << to_text(f);
      EXPECT_FALSE(f.message.empty());
    }
    // What is not JSON to us is none to Poco either, or we are stricter; never the other way round.
    EXPECT_EQ(d.said.find("please report"), std::string::npos) << text;
    if (!d.config) continue;
    Findings findings;
    const auto back = unmask(masked(*d.config), *d.config, findings);
    EXPECT_TRUE(findings.empty()) << all(findings) << text;
    const auto again = device(back, installed);
    ASSERT_TRUE(again.config) << back;
    EXPECT_EQ(again.config->secrets, d.config->secrets) << text;
    EXPECT_EQ(Poco::Dynamic::Var(again.config->document).toString(), Poco::Dynamic::Var(d.config->document).toString());
  }
}

}  // namespace
}  // namespace dtud::config
