#include <gtest/gtest.h>

#include <dtu/kit/net/resolver.hpp>

namespace net {
namespace {

TEST(Resolver, TheSystemKnowsLocalhost) {
  const Resolved r = system_lookup("localhost", 1234);
  ASSERT_FALSE(r.addresses.empty()) << r.error;
  EXPECT_EQ(r.addresses[0].port(), 1234);
}

TEST(Resolver, ANameThatCannotBeIsToldWithWhatToDo) {
  const Resolved r = system_lookup("no..such..name", 1);
  EXPECT_TRUE(r.addresses.empty());
  EXPECT_EQ(r.error.rfind("the name no..such..name has no address (", 0), 0U) << r.error;
  EXPECT_NE(r.error.find("name servers"), std::string::npos);
}

}  // namespace
}  // namespace net
