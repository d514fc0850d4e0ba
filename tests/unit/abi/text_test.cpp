// Strings and errors across the boundary.
#include <gtest/gtest.h>
#include <dtu/sdk/text.hpp>

#include <stdexcept>

namespace {

constexpr size_t room = sizeof(dtu_error::message) - 1;

TEST(Fail, FillsTheErrorAndReturnsTheCode) {
  dtu_error e{};
  EXPECT_EQ(dtu::fail(&e, DTU_E_IO, "port 1: gone", DTU_ERR_RETRYABLE), DTU_E_IO);
  EXPECT_EQ(e.struct_size, sizeof e);
  EXPECT_EQ(e.code, DTU_E_IO);
  EXPECT_EQ(e.flags, DTU_ERR_RETRYABLE);
  EXPECT_STREQ(e.message, "port 1: gone");
  EXPECT_EQ(dtu::fail(nullptr, DTU_E_IO, "nobody cares"), DTU_E_IO);
  EXPECT_EQ(dtu::fail(&e, DTU_E_IO, {}), DTU_E_IO);
  EXPECT_STREQ(e.message, "");
}

// A text of every length around the room, of characters of one to four bytes: cut only between characters.
TEST(Fail, NeverCutsInsideACharacter) {
  for (const std::string character : {"x", "\xC2\xB5", "\xE2\x82\xAC", "\xF0\x9F\x93\xA1"}) {
    for (size_t lead = 0; lead < 5; ++lead) {
      std::string text(lead, '-');
      while (text.size() < room + 8) text += character;
      dtu_error e{};
      dtu::fail(&e, DTU_E_IO, text);
      const std::string cut = e.message;
      EXPECT_EQ(text.compare(0, cut.size(), cut), 0);
      EXPECT_EQ((cut.size() - lead) % character.size(), 0U) << character << " after " << lead;
      EXPECT_GT(cut.size() + character.size(), room) << "cut more than needed";
    }
  }
}

TEST(Fail, ATextThatJustFitsIsWhole) {
  const std::string text = std::string(room - 3, 'x') + "\xE2\x82\xAC";
  dtu_error e{};
  dtu::fail(&e, DTU_E_IO, text);
  EXPECT_EQ(e.message, text);
}

TEST(Fail, BytesThatAreNotUtf8AreCutAnyway) {
  const std::string text(room + 50, '\x80');
  dtu_error e{};
  dtu::fail(&e, DTU_E_IO, text);
  EXPECT_STREQ(e.message, "");
}

TEST(Guarded, WhateverIsThrownBecomesAStatus) {
  dtu_error e{};
  EXPECT_EQ(dtu::guarded(&e, []() -> dtu_status { return 5; }), 5);
  EXPECT_EQ(dtu::guarded(&e, []() -> dtu_status { throw dtu::Failure::retryable(DTU_E_IO, "no network"); }), DTU_E_IO);
  EXPECT_STREQ(e.message, "no network");
  EXPECT_EQ(e.flags, DTU_ERR_RETRYABLE);
  EXPECT_EQ(dtu::guarded(&e, []() -> dtu_status { throw std::runtime_error("broken"); }), DTU_E_EXCEPTION);
  EXPECT_STREQ(e.message, "broken");
  EXPECT_EQ(e.flags, 0U);
  EXPECT_EQ(dtu::guarded(&e, []() -> dtu_status { throw 42; }), DTU_E_EXCEPTION);
  EXPECT_EQ(dtu::guarded(nullptr, []() -> dtu_status { throw 42; }), DTU_E_EXCEPTION);
}

TEST(View, OfNothingIsEmpty) {
  EXPECT_EQ(dtu::view({}), "");
  EXPECT_EQ(dtu::str({}).len, 0U);
}

}  // namespace
