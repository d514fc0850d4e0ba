// The board file of docs/boards.md is one that dtud takes.
#include <gtest/gtest.h>

#include "harness/dtud.hpp"

namespace e2e {
namespace {

// The first block of that kind on a page.
std::string block(const std::string& page, const std::string& kind) {
  const std::string text = read_file(E2E_DOCS "/" + page), mark = "```" + kind + "\n";
  const size_t begin = text.find(mark);
  return begin == std::string::npos
             ? ""
             : text.substr(begin + mark.size(), text.find("```", begin + mark.size()) - begin - mark.size());
}

TEST(BoardsPage, ItsBoardFileIsValid) {
  const Json hals = at(parse_json(block("boards.md", "json")), "hal");
  ASSERT_EQ(size(hals), 2U);
  Dtud dtud;
  for (size_t i = 0; i < size(hals); ++i) dtud.hal(to_json(at(hals, "[" + std::to_string(i) + "]")));
  // The devices of that board are not here, which is a warning.
  const Ran ran = dtud.device(R"({"uconf": {"1": {}, "2": {}}})").check();
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(ran.output.find("error"), std::string::npos) << ran.output;
}

}  // namespace
}  // namespace e2e
