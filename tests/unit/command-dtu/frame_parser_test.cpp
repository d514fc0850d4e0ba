#include "frame_parser.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <random>

#include "frames.hpp"

namespace command_dtu::test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Feeds in pieces of `step` bytes (0: all at once), then lets the line go idle.
Collector parse(const FrameRules& rules, std::string_view stream, size_t step = 0) {
  Collector found;
  FrameParser parser(rules, found);
  if (step == 0) step = std::max<size_t>(stream.size(), 1);
  for (size_t at = 0; at < stream.size(); at += step) parser.feed(stream.substr(at, step));
  if (parser.wants_idle()) parser.line_idle();
  EXPECT_FALSE(parser.wants_idle());
  return found;
}

TEST(FrameParser, WorkedExamplesOfCommandMode) {
  EXPECT_THAT(parse(command_rules(), "1,6,1398235801,abcedf").frames, ElementsAre(Found{false, 1, "", "abcedf"}));
  EXPECT_THAT(parse(command_rules(), "1,0").frames, ElementsAre(Found{false, 1, "", ""}));
  EXPECT_THAT(parse(command_rules(), "2,1,6,1398235801,abcedf").frames, ElementsAre(Found{false, 2, "1", "abcedf"}));
  EXPECT_THAT(parse(command_rules(), "3,16929,6,1398235801,abcedf").frames,
              ElementsAre(Found{false, 3, "16929", "abcedf"}));
  EXPECT_THAT(parse(command_rules(), "2,0,5,907060870,hello").frames, ElementsAre(Found{false, 2, "0", "hello"}));
  EXPECT_THAT(parse(command_rules(), "2,up,5,907060870,hello").frames, ElementsAre(Found{false, 2, "up", "hello"}));
  EXPECT_THAT(parse(command_rules(), R"(99,27,1468383890,{"cmd_code": 0, "data": {}})").frames,
              ElementsAre(Found{true, 0, "", R"({"cmd_code": 0, "data": {}})"}));
}

TEST(FrameParser, WorkedExamplesOfThroughMode) {
  EXPECT_THAT(parse(through_rules(false), "6,1398235801,abcedf").frames, ElementsAre(Found{false, 4, "", "abcedf"}));
  EXPECT_THAT(parse(through_rules(false), "0").frames, ElementsAre(Found{false, 4, "", ""}));
  EXPECT_THAT(parse(through_rules(true), "0,5,907060870,hello").frames, ElementsAre(Found{false, 4, "0", "hello"}));
  EXPECT_THAT(parse(through_rules(true), "0,0,0,").frames, ElementsAre(Found{false, 4, "0", ""}));
}

TEST(FrameParser, CrcInHexadecimalAndOfTheOldFirmware) {
  EXPECT_THAT(parse(command_rules(), "1,6,0x53576299,abcedf").frames, ElementsAre(Found{false, 1, "", "abcedf"}));
  EXPECT_THAT(parse(command_rules(), "1,6,0X53576299,abcedf").frames, ElementsAre(Found{false, 1, "", "abcedf"}));
  FrameRules rules = through_rules(true);
  rules.crc = CrcKind::mpeg2;
  EXPECT_THAT(parse(rules, "0,4,0xcc743053,test").frames, ElementsAre(Found{false, 4, "0", "test"}));
  EXPECT_THAT(parse(rules, "1,4,0xa695c4aa,1234").frames, ElementsAre(Found{false, 4, "1", "1234"}));
  EXPECT_THAT(parse(rules, "0,4,3632233996,test").frames, IsEmpty()) << "zlib's CRC must not pass";
}

TEST(FrameParser, EmptyFramesInARow) {
  EXPECT_THAT(parse(command_rules(), "1,01,6,1398235801,abcedf1,01,0").frames,
              ElementsAre(Found{false, 1, "", ""}, Found{false, 1, "", "abcedf"}, Found{false, 1, "", ""},
                          Found{false, 1, "", ""}));
  EXPECT_THAT(parse(through_rules(false), "006,1398235801,abcedf").frames,
              ElementsAre(Found{false, 4, "", ""}, Found{false, 4, "", ""}, Found{false, 4, "", "abcedf"}));
  // The long form of an empty frame is one empty frame, not two.
  for (const size_t step : {0, 1, 2}) {
    const Collector found = parse(through_rules(false), "0,0,0,0x0,6,1398235801,abcedf", step);
    EXPECT_THAT(found.frames,
                ElementsAre(Found{false, 4, "", ""}, Found{false, 4, "", ""}, Found{false, 4, "", "abcedf"}));
    EXPECT_EQ(found.all_drops(), 0U);
  }
}

TEST(FrameParser, PayloadIsBytes) {
  std::string every;
  for (int i = 0; i < 256; ++i) every += static_cast<char>(i);
  every += "1,6,1398235801,abcedf,,,";  // a frame inside a payload is payload
  EXPECT_THAT(parse(command_rules(), "1," + checked(every)).frames, ElementsAre(Found{false, 1, "", every}));
}

TEST(FrameParser, LongestPayloadAndOneMore) {
  const std::string longest(frame_payload_max, 'x');
  EXPECT_THAT(parse(command_rules(), "1," + checked(longest), 999).frames, ElementsAre(Found{false, 1, "", longest}));
  const Collector found = parse(command_rules(), "1," + checked(longest + "x") + "1,6,1398235801,abcedf", 999);
  EXPECT_THAT(found.frames, ElementsAre(Found{false, 1, "", "abcedf"}));
  EXPECT_GT(found.drops(Drop::too_long), 0U);
}

TEST(FrameParser, LocalCommandAndDataOfLength99) {
  const std::string data(99, 'd');
  const std::string command = R"({"cmd_code":3})";
  EXPECT_THAT(parse(through_rules(false), checked(data) + local(command) + checked(data)).frames,
              ElementsAre(Found{false, 4, "", data}, Found{true, 0, "", command}, Found{false, 4, "", data}));
  // Data of 99 bytes whose CRC and beginning look like a local command that is still coming.
  std::string tricky(99, 'd');
  for (uint32_t i = 0;; ++i) {
    const std::string number = std::to_string(i);
    tricky.replace(0, 14, "123,          ");
    tricky.replace(4, number.size(), number);
    if (crc32(CrcKind::zlib, tricky) < 60000) break;
    ASSERT_LT(i, 10000000U);
  }
  EXPECT_THAT(parse(through_rules(false), checked(tricky)).frames, ElementsAre(Found{false, 4, "", tricky}));
}

TEST(FrameParser, ResynchronisesAfterALostByte) {
  const std::string good = "1,6,1398235801,abcedf";
  for (size_t lost = 0; lost < good.size(); ++lost) {
    std::string broken = good;
    broken.erase(lost, 1);
    const Collector found = parse(command_rules(), good + broken + good + good, 7);
    ASSERT_GE(found.frames.size(), 2U) << "byte " << lost;
    EXPECT_EQ(found.frames.front(), (Found{false, 1, "", "abcedf"}));
    EXPECT_EQ(found.frames.back(), (Found{false, 1, "", "abcedf"}));
    // The loss may take the frame behind it along, never two.
    EXPECT_LE(found.frames.size(), 4U);
    EXPECT_GT(found.all_drops(), 0U);
  }
}

TEST(FrameParser, NoiseIsCountedByteForByte) {
  const Collector found = parse(command_rules(), "\r\n\xff hello 1,6,1398235801,abcedf!1,6,17,abcedf");
  EXPECT_THAT(found.frames, ElementsAre(Found{false, 1, "", "abcedf"}));
  EXPECT_EQ(found.all_drops(), 10U + 1 + 13);
  EXPECT_GT(found.drops(Drop::bad_crc), 0U);
}

TEST(FrameParser, DigitsInsideABrokenFrameAreNoEmptyFrames) {
  const Collector found = parse(through_rules(false), "6,17,0000001,6,1398235801,abcedf0");
  EXPECT_THAT(found.frames, ElementsAre(Found{false, 4, "", "abcedf"}, Found{false, 4, "", ""}));
  Collector later;
  FrameParser parser(through_rules(false), later);
  parser.feed("#");
  parser.feed("0");
  EXPECT_THAT(later.frames, IsEmpty());
  ASSERT_TRUE(parser.wants_idle());
  parser.line_idle();
  parser.feed("0");
  EXPECT_THAT(later.frames, ElementsAre(Found{false, 4, "", ""}));
}

TEST(FrameParser, FramesForNobodyAreLeftOutWhole) {
  // Were only a byte dropped, "7,6,..." would be found again as a frame of its own.
  FrameRules rules = command_rules();
  rules.channels.push_back({7, false, {}});
  const Collector topic = parse(rules, "2,7,6,1398235801,abcedf1,0");
  EXPECT_THAT(topic.frames, ElementsAre(Found{false, 1, "", ""}));
  EXPECT_EQ(topic.drops(Drop::unknown_topic), 23U);
  EXPECT_EQ(topic.all_drops(), 23U);

  const Collector channel = parse(rules, "5,7,6,1398235801,abcedf5,6,1398235801,abcedf5,01,0");
  EXPECT_THAT(channel.frames, ElementsAre(Found{false, 1, "", ""}));
  EXPECT_EQ(channel.drops(Drop::unknown_channel), 23U + 21 + 3);
  EXPECT_EQ(channel.all_drops(), 23U + 21 + 3);

  FrameRules none;
  none.through = true;
  const Collector unbound = parse(none, "6,1398235801,abcedf" + local("{}"));
  EXPECT_THAT(unbound.frames, ElementsAre(Found{true, 0, "", "{}"}));
  EXPECT_EQ(unbound.drops(Drop::unknown_channel), 19U);
}

// Bug 1: "7,123" left of a broken frame and the good frame "1,6,..." read together as a frame of topic 1231.
TEST(FrameParser, RemainsOfABrokenFrameDoNotTakeTheNextOneAlong) {
  for (const char* remains : {"9,9,7,123", "1,6,17,7,abc", "2,2,2,", "#2,77"}) {
    const Collector found = parse(command_rules(), std::string(remains) + "1,6,1398235801,abcedf");
    ASSERT_EQ(found.frames.size(), 1U) << remains;
    EXPECT_EQ(found.frames[0].payload, "abcedf") << remains;
  }
}

TEST(FrameParser, StalePartialFrameGivesUpWhatStandsBehindIt) {
  Collector found;
  FrameParser parser(command_rules(), found);
  parser.feed("1,60000,1,x1,6,1398235801,abcedf");
  EXPECT_THAT(found.frames, IsEmpty());
  parser.line_idle();
  EXPECT_THAT(found.frames, ElementsAre(Found{false, 1, "", "abcedf"}));
  EXPECT_GT(found.drops(Drop::stale), 0U);
  EXPECT_EQ(found.all_drops(), 11U);
}

TEST(FrameParser, RefusesNumbersOutOfForm) {
  for (const char* bad : {"1,06,1398235801,abcedf", "1,-6,1398235801,abcedf", "1,6,4294967296,abcedf",
                          "1,6,0x153577e19,abcedf", "1,6,,abcedf", "1, 6,1398235801,abcedf",
                          "1,99999999999999999999,1,a", "100,6,1398235801,abcedf", "0,6,1398235801,abcedf"}) {
    const Collector found = parse(command_rules(), bad);
    for (const Found& f : found.frames) EXPECT_TRUE(f.payload.empty()) << bad;
    EXPECT_GT(found.all_drops(), 0U) << bad;
  }
}

// Any mixture of frames and noise gives the same, however it is cut.
TEST(FrameParser, CutsDoNotMatter) {
  std::mt19937 random(20260101);
  const auto below = [&](uint32_t n) { return static_cast<uint32_t>(random() % n); };
  for (int round = 0; round < 300; ++round) {
    const bool through = below(2) != 0;
    const FrameRules rules = through ? through_rules(below(2) != 0) : command_rules();
    std::string stream;
    for (uint32_t i = 0; i < 12; ++i) {
      std::string data;
      for (uint32_t n = below(below(8) == 0 ? 700 : 20); n > 0; --n) data += "0,9x\n{"[below(6)];
      std::string piece;
      switch (below(6)) {
        case 0:
          piece = local(data);
          break;
        case 1:
          piece = through ? checked(data) : "1," + checked(data);
          break;
        case 2:
          piece = through ? "0," + checked(data) : "2,up," + checked(data);
          break;
        case 3:
          piece = data;
          break;
        case 4:
          piece = through ? "0" : "1,0";
          break;
        default:
          piece = "1,1," + checked(data);
      }
      if (below(5) == 0 && !piece.empty()) piece.erase(below(static_cast<uint32_t>(piece.size())), 1);
      stream += piece;
    }
    const Collector whole = parse(rules, stream);
    for (const size_t step : {1, 2, 3, 7, 64}) {
      const Collector cut = parse(rules, stream, step);
      ASSERT_EQ(cut.frames, whole.frames) << "round " << round << ", pieces of " << step << "\n" << stream;
      ASSERT_EQ(cut.all_drops(), whole.all_drops()) << "round " << round << ", pieces of " << step;
    }
  }
}

TEST(FrameParser, RandomBytesNeverHoldMoreThanOneFrame) {
  std::mt19937 random(7);
  Collector found;
  FrameParser parser(command_rules(), found);
  for (int i = 0; i < 200000; ++i) {
    std::string bytes;
    for (uint32_t n = random() % 12; n > 0; --n) bytes += "0123456789,,,,x"[random() % 15];
    parser.feed(bytes);
    ASSERT_LE(parser.held(), 256U * 1024);
  }
}

// One mebibyte of headers, each claiming a payload with a wrong CRC: done naively, 6 thousand million byte steps.
// Counted, not timed, so that a busy machine cannot hide or fake it.
TEST(FrameParser, WorstCaseIsLinear) {
  for (const char* header : {"1,60000,0,", "1,65536,1,1,256,1,", "2,0,65536,7,", "5,5,60000,5,", "1,257,9,"}) {
    std::string stream;
    while (stream.size() < 1U << 20U) stream += header;
    for (const size_t step : {stream.size(), size_t{100}}) {
      Collector found;
      FrameParser parser(command_rules(), found);
      size_t feeds = 0;
      for (size_t at = 0; at < stream.size(); at += step, ++feeds)
        parser.feed(std::string_view(stream).substr(at, step));
      parser.line_idle();
      for (const Found& f : found.frames) ASSERT_TRUE(f.payload.empty());
      EXPECT_LE(parser.looks(), stream.size() + 2 * feeds + 1) << header << " in pieces of " << step;
      // At most two runs between marks, or one short payload, for each header of at least 8 bytes; each byte once for
      // the marks, and once more for what moved into the buffer.
      const uint64_t headers = stream.size() / 8;
      EXPECT_LE(parser.crc_work(), 2 * stream.size() + headers * 256) << header << " in pieces of " << step;
      EXPECT_LE(parser.held(), 256U * 1024);
    }
  }
}

}  // namespace
}  // namespace command_dtu::test
