#include <gtest/gtest.h>

#include <dtu/sdk/text.hpp>

#include "source.hpp"
#include "version.hpp"

namespace command_acquire {
namespace {

TEST(Version, ByNumbersPartByPart) {
  for (const auto& [more, less] : {std::pair{"101", "100"},
                                   {"100", "99"},
                                   {"1.10", "1.9"},
                                   {"2", "1.9.9"},
                                   {"1.0.1", "1"},
                                   {"1", ""},
                                   {"0.1", ""},
                                   {"007.1", "7"}}) {
    EXPECT_TRUE(newer(more, less)) << more << " " << less;
    EXPECT_FALSE(newer(less, more)) << more << " " << less;
  }
  for (const auto& [a, b] : {std::pair{"1", "1"}, {"1.0", "1"}, {"0", ""}, {"01", "1"}}) EXPECT_FALSE(newer(a, b));
  for (const char* bad : {"x", "1.x", "1.", ".1", "-1", "1 ", "99999999999999999999"}) {
    EXPECT_THROW((void)newer(bad, "1"), dtu::Failure) << bad;
    EXPECT_THROW((void)newer("1", bad), dtu::Failure) << bad;
  }
}

TEST(Source, AddressCarriesImeiAndVersion) {
  EXPECT_EQ(address({true, "http://a/b", "100"}, "86"), "http://a/b?imei=86&ver=100");
  EXPECT_EQ(address({true, "http://a/b?c=d#e", "1 &"}, "86"), "http://a/b?c=d&imei=86&ver=1%20%26");
  EXPECT_EQ(plain("\"0049\""), "0049");
  EXPECT_EQ(plain("49"), "49");
  for (const char* none : {"null", "", "{}", "[1", "true"}) EXPECT_EQ(plain(none), "") << none;
}

}  // namespace
}  // namespace command_acquire
