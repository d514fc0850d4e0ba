// Parts in any order, interleaved, twice, never, and more of them than there is room for.
#include "sms/joiner.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "sms/alphabet.hpp"

namespace {

using namespace hal_ec600::sms;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int64_t kPatience = 1000;

Pdu part(const std::string& from, uint16_t reference, unsigned total, unsigned number, const std::string& text) {
  Pdu pdu;
  pdu.peer.text = from;
  pdu.time = "2026-11-30T18:05:0" + std::to_string(number % 10) + "+08:00";
  for (const char32_t c : from_utf8(text)) pdu.body += *septets_of(c);
  if (total > 1) pdu.part = Part{reference, false, static_cast<uint8_t>(total), static_cast<uint8_t>(number)};
  return pdu;
}
Slot slot(uint32_t index) { return {"ME", index}; }

TEST(SmsJoiner, AWholeMessageGoesThrough) {
  Joiner joiner(kPatience);
  const auto out = joiner.add(part("+1", 0, 1, 1, "hello"), slot(3), 0);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].text, "hello");
  EXPECT_THAT(out[0].slots, ElementsAre(slot(3)));
  EXPECT_EQ(joiner.waiting(), 0U);
}

TEST(SmsJoiner, AnyOrderInterleavedOnce) {
  std::vector<std::pair<Pdu, Slot>> all;
  uint32_t index = 0;
  for (const char* from : {"+1", "+2"})
    for (uint16_t reference = 0; reference < 3; ++reference)
      for (unsigned number = 1; number <= 5; ++number)
        all.emplace_back(
            part(from, reference, 5, number, from + std::to_string(reference) + "/" + std::to_string(number)),
            slot(index++));
  std::mt19937 random(11);
  for (int round = 0; round < 50; ++round) {
    std::shuffle(all.begin(), all.end(), random);
    Joiner joiner(kPatience);
    std::vector<std::string> texts;
    for (const auto& [pdu, where] : all)
      for (const Message& m : joiner.add(pdu, where, 0)) {
        texts.push_back(m.text);
        EXPECT_EQ(m.slots.size(), 5U);
        EXPECT_EQ(m.parts, 5U);
        EXPECT_THAT(m.missing, IsEmpty());
      }
    std::sort(texts.begin(), texts.end());
    ASSERT_EQ(texts.size(), 6U);
    EXPECT_EQ(texts[0], "+10/1+10/2+10/3+10/4+10/5");
    EXPECT_EQ(joiner.parts(), 0U);
  }
}

TEST(SmsJoiner, APartThatComesTwiceCountsOnce) {
  Joiner joiner(kPatience);
  EXPECT_THAT(joiner.add(part("+1", 1, 2, 1, "a"), slot(1), 0), IsEmpty());
  EXPECT_THAT(joiner.add(part("+1", 1, 2, 1, "a"), slot(1), 0), IsEmpty()) << "the same one, read again";
  EXPECT_THAT(joiner.take_doubles(), IsEmpty());
  EXPECT_THAT(joiner.add(part("+1", 1, 2, 1, "a"), slot(2), 0), IsEmpty());
  EXPECT_THAT(joiner.take_doubles(), ElementsAre(slot(2)));
  const auto out = joiner.add(part("+1", 1, 2, 2, "b"), slot(3), 0);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].text, "ab");
}

TEST(SmsJoiner, AReferenceThatIsUsedAgainEndsTheOlderMessage) {
  Joiner joiner(kPatience);
  EXPECT_THAT(joiner.add(part("+1", 1, 2, 1, "old"), slot(1), 0), IsEmpty());
  const auto out = joiner.add(part("+1", 1, 2, 1, "new"), slot(2), 0);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].text, "old…");
  EXPECT_THAT(out[0].missing, ElementsAre(2U));
  EXPECT_EQ(joiner.waiting(), 1U);
}

TEST(SmsJoiner, WhatIsIncompleteIsGivenOutMarkedAfterItsTime) {
  Joiner joiner(kPatience);
  EXPECT_FALSE(joiner.next_ns());
  EXPECT_THAT(joiner.add(part("+1", 1, 5, 4, "four"), slot(4), 0), IsEmpty());
  EXPECT_THAT(joiner.add(part("+1", 1, 5, 1, "one"), slot(1), 500), IsEmpty());
  EXPECT_EQ(joiner.next_ns(), 1500);
  EXPECT_THAT(joiner.expired(1499), IsEmpty());
  const auto out = joiner.expired(1500);
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].text, "one…four…");
  EXPECT_THAT(out[0].missing, ElementsAre(2U, 3U, 5U));
  EXPECT_THAT(out[0].slots, ElementsAre(slot(1), slot(4)));
  EXPECT_FALSE(joiner.next_ns());
}

TEST(SmsJoiner, ReferencesOf8And16BitAndOtherTotalsAreOtherMessages) {
  Joiner joiner(kPatience);
  Pdu wide = part("+1", 1, 2, 2, "w");
  wide.part->wide = true;
  EXPECT_THAT(joiner.add(part("+1", 1, 2, 1, "a"), slot(1), 0), IsEmpty());
  EXPECT_THAT(joiner.add(wide, slot(2), 0), IsEmpty());
  EXPECT_THAT(joiner.add(part("+1", 1, 3, 2, "t"), slot(3), 0), IsEmpty());
  Pdu named = part("+1", 1, 2, 2, "n");
  named.peer.alphanumeric = true;
  EXPECT_THAT(joiner.add(named, slot(4), 0), IsEmpty()) << "a name that looks like the number";
  EXPECT_EQ(joiner.waiting(), 4U);
}

TEST(SmsJoiner, SplitEscapesAndPairsAreReadTogether) {
  Joiner joiner(kPatience);
  Pdu first = part("+1", 1, 2, 1, ""), second = part("+1", 1, 2, 2, "");
  first.body = "\x1B", second.body = "\x65";
  (void)joiner.add(first, slot(1), 0);
  EXPECT_EQ(joiner.add(second, slot(2), 0).at(0).text, "€");
  first.coding = second.coding = Coding::ucs2;
  const std::string face = utf16_of(U'😀');
  first.body = face.substr(0, 2), second.body = face.substr(2);
  (void)joiner.add(first, slot(1), 0);
  EXPECT_EQ(joiner.add(second, slot(2), 0).at(0).text, "😀");
}

TEST(SmsJoiner, MemoryIsBoundedAndNothingIsLost) {
  Joiner joiner(kPatience);
  size_t given = 0;
  for (uint16_t i = 0; i < 1000; ++i) {
    given += joiner.add(part("+1", i, 2, 1, "x"), slot(i), i).size();
    EXPECT_LE(joiner.waiting(), Joiner::kMostWaiting);
  }
  EXPECT_EQ(given + joiner.waiting(), 1000U);
  Joiner wide(kPatience);
  size_t parts = 0;
  for (unsigned number = 1; number < 255; ++number)
    for (uint16_t i = 0; i < 10; ++i) {
      for (const Message& m : wide.add(part("+1", i, 255, number, "x"), slot(number), 0)) parts += m.slots.size();
      ASSERT_LE(wide.parts(), Joiner::kMostParts);
    }
  EXPECT_EQ(parts + wide.parts(), 2540U);
}

TEST(SmsJoiner, TheOldestMakesRoom) {
  Joiner joiner(kPatience);
  EXPECT_FALSE(joiner.make_room());
  (void)joiner.add(part("+1", 1, 2, 1, "a"), slot(1), 0);
  (void)joiner.add(part("+1", 2, 2, 1, "b"), slot(2), 0);
  EXPECT_TRUE(joiner.holds(slot(1)));
  EXPECT_EQ(joiner.make_room()->text, "a…");
  EXPECT_FALSE(joiner.holds(slot(1)));
  EXPECT_TRUE(joiner.holds(slot(2)));
}

}  // namespace
