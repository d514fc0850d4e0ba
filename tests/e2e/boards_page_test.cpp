// The documents of docs/boards.md are ones that dtud takes, and they open the ports.
#include <gtest/gtest.h>

#include "harness/dtud.hpp"
#include "harness/pty.hpp"

namespace e2e {
namespace {

// The blocks of that kind on a page, in order.
std::vector<std::string> blocks(const std::string& page, const std::string& kind) {
  const std::string text = read_file(E2E_DOCS "/" + page), mark = "```" + kind + "\n";
  std::vector<std::string> all;
  for (size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at)) {
    at += mark.size();
    all.push_back(text.substr(at, text.find("```", at) - at));
  }
  return all;
}

struct BoardsPage : testing::Test {
  std::vector<std::string> json = blocks("boards.md", "json");  // the board file, the device document
  Dtud dtud;
  void SetUp() override { ASSERT_GE(json.size(), 2U); }
};

TEST_F(BoardsPage, ItsBoardFileIsValid) {
  const Json hals = at(parse_json(json[0]), "hal");
  ASSERT_EQ(size(hals), 2U);
  for (size_t i = 0; i < size(hals); ++i) dtud.hal(to_json(at(hals, "[" + std::to_string(i) + "]")));
  // The devices of that board are not here, which is a warning.
  const Ran ran = dtud.device(json[1]).check();
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_EQ(ran.output.find("error"), std::string::npos) << ran.output;
}

TEST_F(BoardsPage, ItsDeviceDocumentOpensEachPort) {
  const Json ports = at(parse_json(json[0]), "hal[0].ports");
  ASSERT_EQ(text(ports, "1.device"), "/dev/ttyS1");
  ASSERT_NE(text(ports, "2.device"), "");
  const Pty first, second;
  dtud.ports({{"1", first.device()}, {"2", second.device()}});
  dtud.device(json[1]);
  dtud.start();
  EXPECT_TRUE(dtud.port_is("1", "up"));
  EXPECT_TRUE(dtud.port_is("2", "up"));
  EXPECT_EQ(dtud.stop(), 0);
}

}  // namespace
}  // namespace e2e
