#include "routing/packetizer.hpp"

#include <gtest/gtest.h>

#include <random>
#include <vector>

namespace dtud::routing {
namespace {

using Texts = std::vector<std::string>;

struct PacketizerTest : ::testing::Test {
  Texts out;
  Packetizer::Packet packet = [this](std::string_view bytes) { out.emplace_back(bytes); };
  static Packetizer with(const std::string& delimiter, uint32_t length, uint32_t max, uint32_t idle = 0) {
    config::PacketConfig rule;
    rule.delimiter = delimiter;
    rule.length = length;
    rule.max = max;
    rule.idle_chars = idle;
    return Packetizer(rule);
  }
};

TEST_F(PacketizerTest, WithoutARuleEachReadIsAMessage) {
  Packetizer p{config::PacketConfig{}};
  p.add("abc", packet);
  p.add("d", packet);
  EXPECT_EQ(out, (Texts{"abc", "d"}));
  EXPECT_FALSE(p.pending());
}

TEST_F(PacketizerTest, DelimiterStaysAndMayBeSplit) {
  Packetizer p = with("\r\n", 0, 4096);
  p.add("one\r\ntwo\r", packet);
  EXPECT_EQ(out, (Texts{"one\r\n"}));
  EXPECT_TRUE(p.pending());
  p.add("\nthree\r\n", packet);
  EXPECT_EQ(out, (Texts{"one\r\n", "two\r\n", "three\r\n"}));
}

TEST_F(PacketizerTest, LengthAndMaximumWhicheverIsLess) {
  Packetizer p = with("", 10, 4);
  p.add("abcdefghij", packet);
  EXPECT_EQ(out, (Texts{"abcd", "efgh"}));
  p.add("kl", packet);
  EXPECT_EQ(out.back(), "ijkl");
}

TEST_F(PacketizerTest, ALineLongerThanTheMaximumIsCut) {
  Packetizer p = with("\n", 0, 8);
  p.add("0123456789\nabc\n", packet);
  EXPECT_EQ(out, (Texts{"01234567", "89\n", "abc\n"}));
}

// Else every line after it would begin with the rest of a delimiter.
TEST_F(PacketizerTest, ACutWithinADelimiterShiftsNothing) {
  Packetizer p = with("\r\n", 0, 8);
  p.add("1234567\r\nabc\r\n", packet);
  EXPECT_EQ(out, (Texts{"1234567", "\r\n", "abc\r\n"}));
  out.clear();
  p.add("1234567\r", packet);
  EXPECT_EQ(out, (Texts{"1234567"}));
  p.add("\nabc\r\n", packet);
  EXPECT_EQ(out, (Texts{"1234567", "\r\n", "abc\r\n"}));
  out.clear();
  p.add("1234567\rno delimiter\r\n", packet);
  EXPECT_EQ(out, (Texts{"1234567", "\rno deli", "miter\r\n"})) << "nothing is lost, and none is longer";
  out.clear();
  Packetizer one = with("\r\n", 0, 1);
  one.add("a\r\n", packet);
  EXPECT_EQ(out, (Texts{"a", "\r", "\n"})) << "a maximum below the delimiter";
}

// With a length, silence ends what is too short: the next byte begins a frame.
TEST_F(PacketizerTest, AFrameThatLostAByteShiftsNothing) {
  Packetizer p = with("", 4, 4096);
  p.add("aaaabbb", packet);  // one b is lost
  EXPECT_TRUE(p.pending());
  EXPECT_TRUE(p.idle(packet));
  p.add("ccccdddd", packet);
  EXPECT_FALSE(p.idle(packet)) << "nothing is left";
  EXPECT_EQ(out, (Texts{"aaaa", "bbb", "cccc", "dddd"}));
  Packetizer idle = with("", 0, 4096, 3);
  idle.add("abc", packet);
  EXPECT_FALSE(idle.idle(packet)) << "without a length silence ends whole messages";
}

TEST_F(PacketizerTest, WhatIsForgottenIsNoMessage) {
  Packetizer p = with("\n", 0, 4096);
  p.add("abc", packet);
  EXPECT_EQ(p.clear(), 3U);
  p.add("d\n", packet);
  EXPECT_EQ(out, (Texts{"d\n"}));
}

TEST_F(PacketizerTest, IdleEndsWhatIsThere) {
  Packetizer p = with("", 0, 4096, 3);
  p.add("abc", packet);
  p.add("def", packet);
  EXPECT_TRUE(out.empty());
  EXPECT_FALSE(p.idle(packet));
  EXPECT_FALSE(p.idle(packet));
  EXPECT_EQ(out, (Texts{"abcdef"}));
}

TEST_F(PacketizerTest, AnySplitOfTheStreamGivesTheSamePackets) {
  std::string stream;
  std::minstd_rand random(7);
  for (int i = 0; i < 300; ++i) stream += std::string(random() % 40, 'a' + static_cast<char>(i % 26)) + "\r\n";
  Packetizer whole = with("\r\n", 0, 64);
  whole.add(stream, packet);
  const Texts expected = out;
  ASSERT_GT(expected.size(), 290U);
  for (int round = 0; round < 50; ++round) {
    out.clear();
    Packetizer p = with("\r\n", 0, 64);
    for (size_t at = 0; at < stream.size();) {
      const size_t n = 1 + random() % 90;
      p.add(std::string_view(stream).substr(at, n), packet);
      at += n;
    }
    ASSERT_EQ(out, expected) << "round " << round;
  }
}

}  // namespace
}  // namespace dtud::routing
