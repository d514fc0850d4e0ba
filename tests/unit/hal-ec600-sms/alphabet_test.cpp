// The GSM 7 bit alphabet and UTF-16, there and back.
#include "sms/alphabet.hpp"

#include <gmock/gmock.h>

namespace {

using namespace hal_ec600::sms;
using namespace std::string_literals;

TEST(SmsAlphabet, EveryCharacterOfBothTablesComesBack) {
  size_t characters = 0;
  for (char32_t c = 1; c < 0x3000; ++c) {
    const auto septets = septets_of(c);
    if (!septets) continue;
    std::string utf8;
    put_utf8(utf8, c);
    EXPECT_EQ(from_septets(*septets), utf8) << "U+" << std::hex << static_cast<uint32_t>(c);
    ++characters;
  }
  EXPECT_EQ(characters, 127U + 10U) << "127 without the escape, and 10 behind it";
}

TEST(SmsAlphabet, KnownCodes) {
  EXPECT_EQ(from_septets("\x00\x11\x1B\x65"s), "@_€");
  EXPECT_EQ(septets_of(U'['), "\x1B\x3C"s);
  EXPECT_EQ(septets_of(U'à'), "\x7F"s);
  EXPECT_EQ(septets_of(U'中'), std::nullopt);
  EXPECT_EQ(septets_of(U'`'), std::nullopt);
}

TEST(SmsAlphabet, EscapesThatMeanNothingAreReadInTheDefaultTable) {
  EXPECT_EQ(from_septets("a\x1B"s
                         "A"s),
            "aA");
  EXPECT_EQ(from_septets("a\x1B"s), "a ");
  EXPECT_EQ(from_septets("\x1B\x1B"s
                         "e"s),
            " e");
}

TEST(SmsAlphabet, PackingAtEveryBitComesBack) {
  std::string septets;
  for (int i = 0; i < 160; ++i) {
    for (unsigned skip = 0; skip < 7; ++skip) EXPECT_EQ(unpacked(packed(septets, skip), skip, septets.size()), septets);
    septets += static_cast<char>((i * 37 + 5) % 128);
  }
  EXPECT_EQ(hex_of(packed("hellohello")), "E8329BFD4697D9EC37");  // 3GPP's own example
}

TEST(SmsAlphabet, UnpackingEndsWithTheOctets) {
  EXPECT_EQ(unpacked("", 0, 10), "");
  EXPECT_EQ(unpacked("\x01", 0, 10).size(), 1U);
  EXPECT_EQ(unpacked("\x01", 7, 10).size(), 0U);
  EXPECT_EQ(unpacked("\x01", 80, 10).size(), 0U);
}

TEST(SmsAlphabet, Utf16WithPairsAndHalves) {
  EXPECT_EQ(from_utf16(utf16_of(U'中') + utf16_of(U'😀') + utf16_of(U'a')), "中😀a");
  const std::string face = utf16_of(U'😀');
  EXPECT_EQ(face.size(), 4U);
  EXPECT_EQ(from_utf16(face.substr(0, 2)), "\xEF\xBF\xBD");
  EXPECT_EQ(from_utf16(face.substr(2)), "\xEF\xBF\xBD");
  EXPECT_EQ(from_utf16(face.substr(0, 3)), "\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(from_utf16(""), "");
}

TEST(SmsAlphabet, BrokenUtf8IsReplaced) {
  EXPECT_EQ(from_utf8("a\x80\xC0\xAFz"), U"a\xFFFD\xFFFD\xFFFDz");
  EXPECT_EQ(from_utf8("\xED\xA0\x80"), U"\xFFFD\xFFFD\xFFFD") << "a surrogate";
  EXPECT_EQ(from_utf8("\xF4\x90\x80\x80").front(), U'\xFFFD') << "above U+10FFFF";
  EXPECT_EQ(from_utf8("\xF0\x9F\x98"), U"\xFFFD\xFFFD\xFFFD") << "cut off";
  EXPECT_EQ(from_utf8("😀é中"), U"😀é中");
}

}  // namespace
