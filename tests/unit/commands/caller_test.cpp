#include "commands/caller.hpp"

#include <gtest/gtest.h>

namespace dtud::commands {
namespace {

TEST(Caller, ARemoteHasANameThatCanBePrinted) {
  for (const char* good : {"sms +15550100", "x", "\xC3\xA4\xE2\x82\xAC", "a channel", "report 1"})
    EXPECT_EQ(wrong_remote_name(good), "") << good;
  EXPECT_EQ(wrong_remote_name(std::string(64, 'x')), "");
  for (const std::string& bad : {std::string(), std::string(65, 'x'), std::string(" x"), std::string("x "),
                                 std::string("a\nb"), std::string("a\0b", 3), std::string("\xC3"),
                                 std::string("a\xE2\x80\xAE"
                                             "b"),
                                 std::string("a\xC2\x85"), std::string("a\xE2\x80\x8B"), std::string("a\x7F")})
    EXPECT_NE(wrong_remote_name(bad), "") << bad;
}

TEST(Caller, ARemoteIsNotCalledLikeSomebodyOfOurs) {
  for (const char* ours : {"console", "CONSOLE", "dtud", "channel 3", "Channel 99", "port 1", "hal sim", "command dtu",
                           "channel", "file", "signal", "kernel"})
    EXPECT_TRUE(looks_like_ours(ours)) << ours;
  for (const char* free : {"sms channel 3", "consoles", "port-1", "somebody"})
    EXPECT_FALSE(looks_like_ours(free)) << free;
}

}  // namespace
}  // namespace dtud::commands
