#include <gmock/gmock.h>

#include "upgrade/version.hpp"

namespace dtud::upgrade {
namespace {

// Each is newer than the one before.
constexpr const char* kInOrder[] = {"0.9",
                                    "1.0-alpha",
                                    "1.0-beta",
                                    "1.0-beta2",
                                    "1.0-rc1",
                                    "1.0",
                                    "1.0.1",
                                    "1.2",
                                    "1.10",
                                    "1.10.0.1",
                                    "2",
                                    "10",
                                    "20261120",
                                    "99999999999999999999999",
                                    "100000000000000000000000"};

TEST(Version, PartByPartAsNumbers) {
  for (const char* const* a = std::begin(kInOrder); a != std::end(kInOrder); ++a)
    for (const char* const* b = std::begin(kInOrder); b != std::end(kInOrder); ++b) {
      const int order = compare_versions(*a, *b);
      EXPECT_EQ(order < 0, a < b) << *a << " and " << *b;
      EXPECT_EQ(order > 0, a > b) << *a << " and " << *b;
    }
}

TEST(Version, WhatIsTheSame) {
  for (const auto& [a, b] : {std::pair{"1", "1.0"}, std::pair{"v1.2", "1.2"}, std::pair{"V1.2.0", "v1.2"},
                             std::pair{"1.02", "1.2"}, std::pair{"", ""}, std::pair{"", "0"}, std::pair{"...", ""},
                             std::pair{"1_2 3", "1.2.3"}, std::pair{"EC600NCNLAR03A05", "ec600ncnlar03a05"}})
    EXPECT_EQ(compare_versions(a, b), 0) << a << " and " << b;
}

TEST(Version, AsVendorsWriteThem) {
  EXPECT_GT(compare_versions("EC600NCNLAR03A10M08", "EC600NCNLAR03A05M08"), 0);
  EXPECT_GT(compare_versions("1.0", ""), 0);
  EXPECT_LT(compare_versions("v", "1"), 0);
}

}  // namespace
}  // namespace dtud::upgrade
