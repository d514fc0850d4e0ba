#include <gtest/gtest.h>

#include <dtu/kit/mqtt/topic.hpp>

namespace mqtt {
namespace {

TEST(Topic, MatchesAsTheStandardSays) {
  struct Case {
    const char *filter, *topic;
    bool match;
  };
  for (const Case& c : {Case{"a/b", "a/b", true},
                        {"a/b", "a/c", false},
                        {"a/b", "a", false},
                        {"a", "a/b", false},
                        {"a/+", "a/b", true},
                        {"a/+", "a/", true},
                        {"a/+", "a", false},
                        {"a/+", "a/b/c", false},
                        {"+/+", "/x", true},
                        {"/+", "/x", true},
                        {"+", "/x", false},
                        {"#", "a/b/c", true},
                        {"#", "/", true},
                        {"a/#", "a", true},
                        {"a/#", "a/b/c", true},
                        {"a/#", "b", false},
                        {"a/+/#", "a", false},
                        {"a/+/#", "a/b", true},
                        {"#", "$SYS/x", false},
                        {"+/x", "$SYS/x", false},
                        {"$SYS/#", "$SYS/x", true},
                        {"$share/g/a/+", "a/b", true},
                        {"$share/g/#", "a/b", true},
                        {"a//b", "a//b", true},
                        {"a/+/b", "a//b", true},
                        {"a/", "a", false},
                        {"A", "a", false}})
    EXPECT_EQ(matches(c.filter, c.topic), c.match) << c.filter << " " << c.topic;
}

TEST(Topic, FiltersAreChecked) {
  for (const char* good : {"a", "#", "+", "a/+/b/#", "/", "$share/g/a", "a b"})
    EXPECT_EQ(check_filter(good), "") << good;
  for (const char* bad : {"", "a#", "#/a", "a+", "+a/b", "a/#/b", "$share/g"}) EXPECT_NE(check_filter(bad), "") << bad;
  EXPECT_EQ(check_filter(std::string(65535, 'a')), "");
  EXPECT_NE(check_filter(std::string(65536, 'a')), "");
  EXPECT_NE(check_filter(std::string("a\0b", 3)), "");
}

TEST(Topic, TopicsHaveNoWildcards) {
  EXPECT_EQ(check_topic("a/b"), "");
  for (const char* bad : {"", "a/+", "#"}) EXPECT_NE(check_topic(bad), "") << bad;
}

}  // namespace
}  // namespace mqtt
