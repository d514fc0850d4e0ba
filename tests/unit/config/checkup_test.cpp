// What components claim and offer, seen together.
#include <gmock/gmock.h>

#include <ostream>

#include "fixture.hpp"

namespace dtud::config {
namespace {

using testing::HasSubstr;

struct Claimed {
  const char* first;
  const char* second;
  bool both;  // may be used at once
};

void PrintTo(const Claimed& c, std::ostream* out) {
  *out << c.first << (c.both ? " beside " : " against ") << c.second;
}

class Claims : public testing::TestWithParam<Claimed> {};

Device with_claims(const std::string& first, const std::string& second) {
  const Installed installed;
  Schemas schemas = installed.schemas();
  schemas.check = [&](uint32_t, const std::string&, const std::string& json, bool) {
    Checkup checkup;
    checkup.claims.push_back({"/url", json.find("one") != std::string::npos ? first : second});
    return std::optional<Checkup>(checkup);
  };
  Device out;
  out.config =
      read_device(R"({"conf": {"1": {"protocol": "mqtt", "url": "one"}, "2": {"protocol": "mqtt", "url": "two"}}})",
                  "d.json", schemas, out.findings);
  out.said = all(out.findings);
  return out;
}

TEST_P(Claims, OverlapOrDoNot) {
  const auto& [first, second, both] = GetParam();
  for (const auto& d : {with_claims(first, second), with_claims(second, first)}) {
    EXPECT_EQ(d.said.empty(), both) << d.said;
    ASSERT_TRUE(d.config);
    EXPECT_EQ(d.config->channels.size(), 2U) << "neither is left out";
    const std::string error = both ? "" : "error: /conf/2/url: channel 1 uses ";
    EXPECT_THAT(d.said, HasSubstr(error));
  }
}

INSTANTIATE_TEST_SUITE_P(Names, Claims,
                         testing::Values(Claimed{"tcp:1:a", "tcp:1:a", false}, Claimed{"tcp:1:a", "tcp:1:b", true},
                                         Claimed{"tcp:1:*", "tcp:1:a", false}, Claimed{"tcp:1:*", "tcp:2:a", true},
                                         Claimed{"tcp:1:*", "tcp:1:v4:*", false},
                                         Claimed{"tcp:1:v6:*", "tcp:1:v4:*", true},
                                         Claimed{"tcp:1:v6:*", "tcp:1:*", false}, Claimed{"tcp:1", "tcp:1:*", true}),
                         [](const auto& info) { return "Pair" + std::to_string(info.index); });

TEST(Offers, OfTwoHalsHaveDifferentNames) {
  Installed installed;
  installed.hals["sim"] = "{}";
  Schemas schemas = installed.schemas();
  std::vector<std::string> names{"port:1", "port:2"};
  size_t asked = 0;
  schemas.check = [&](uint32_t, const std::string&, const std::string&, bool) {
    Checkup checkup;
    checkup.offers.push_back({"/ports", names.at(asked++)});
    return std::optional<Checkup>(checkup);
  };
  const auto said = [&] {
    Findings findings;
    asked = 0;
    (void)read_board(R"({"hal": [{"type": "linux"}, {"type": "sim"}]})", "b.json", schemas, findings);
    return all(findings);
  };
  EXPECT_EQ(said().find("already"), std::string::npos) << said();
  names[1] = "port:1";
  EXPECT_NE(said().find("port:1 already: give it another name"), std::string::npos) << said();
  names = {"network:apn", "network:apn"};
  EXPECT_EQ(said().find("already"), std::string::npos) << "each gets the access point: " << said();
}

TEST(Offers, AreKnownWhenEveryHalTells) {
  const Installed installed;
  Schemas schemas = installed.schemas();
  std::vector<std::optional<Checkup>> answers;
  size_t asked = 0;
  schemas.check = [&](uint32_t, const std::string&, const std::string&, bool) { return answers.at(asked++); };
  const auto offered = [&](std::vector<std::optional<Checkup>> told) {
    answers = std::move(told);
    asked = 0;
    Findings findings;
    const auto board = read_board(R"({"hal": [{"type": "linux"}, {"type": "linux"}]})", "b.json", schemas, findings);
    return board ? board->product.offered("port") : std::nullopt;
  };
  const auto offers = [](std::vector<Checkup::Note> names) {
    Checkup checkup;
    checkup.offers = std::move(names);
    return std::optional<Checkup>(checkup);
  };
  using testing::ElementsAre;
  using testing::IsEmpty;
  using testing::Optional;
  EXPECT_THAT(offered({offers({{"", "port:1"}}), offers({{"", "port:2"}})}), Optional(ElementsAre("1", "2")));
  EXPECT_THAT(offered({offers({{"", "port:"}}), offers({{"", "port:"}})}), Optional(IsEmpty()));
  EXPECT_EQ(offered({offers({{"", "port:1"}}), std::nullopt}), std::nullopt) << "one has no check()";
  EXPECT_EQ(offered({offers({{"", "port:1"}}), offers({{"", "gpio:1"}})}), std::nullopt) << "one does not tell";
}

}  // namespace
}  // namespace dtud::config
