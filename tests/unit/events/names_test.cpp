#include "events/names.hpp"

#include <gmock/gmock.h>

namespace dtud::events {
namespace {

using testing::HasSubstr;

TEST(EventNames, OnesThatAPluginMayDeclare) {
  for (const char* name : {"sms.received", "wifi", "com.example.tank-1.level_mm", "systems.up"})
    EXPECT_EQ(wrong_with_name(name), "") << name;
}

TEST(EventNames, OnesThatNobodyMayHave) {
  for (const std::string& name : {std::string(), std::string("Sms"), std::string("a b"), std::string("sms."),
                                  std::string(".sms"), std::string("a..b"), std::string("a/b"), std::string(65, 'a')})
    EXPECT_THAT(wrong_with_name(name), HasSubstr("1 to 64")) << name;
}

TEST(EventNames, OnesThatAreTheKernels) {
  for (const char* name : {"system.started", "config.applied", "channel.state", "port.state", "plugin.fault",
                           "command.x", "access.locked", "event.x", "spool.x", "system"})
    EXPECT_THAT(wrong_with_name(name), HasSubstr("are dtud's")) << name;
}

TEST(EventNames, APatternIsANameOrWholeFirstParts) {
  struct Case {
    const char *pattern, *name;
    bool selects;
  };
  for (const Case& c : {Case{"sms.received", "sms.received", true},
                        {"sms.received", "sms.received.x", false},
                        {"sms.", "sms.received", true},
                        {"sms.", "sms", false},
                        {"sms.", "smsx.y", false},
                        {"sms", "sms.received", false},
                        {"", "sms.received", true},
                        {"a.b.", "a.b.c", true},
                        {"a.b.", "a.bc", false}}) {
    EXPECT_TRUE(is_pattern(c.pattern)) << c.pattern;
    EXPECT_EQ(selects(c.pattern, c.name), c.selects) << c.pattern << " " << c.name;
  }
  for (const char* none : {".", "sms*", "Sms.", "..", " ", "a..b."}) EXPECT_FALSE(is_pattern(none)) << none;
}

}  // namespace
}  // namespace dtud::events
