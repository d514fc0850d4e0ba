// The frames of the serial line. The examples with CRCs are those of the protocol document.
#include "frames.hpp"

#include <gmock/gmock.h>

#include <string>
#include <vector>

namespace {

using sim::Frame;
using sim::FrameReader;
using sim::Layout;
using testing::ElementsAre;

constexpr Layout kCommand{true, false}, kCommandTopic{true, true}, kThrough{false, false}, kThroughTopic{false, true};

std::string shown(const Frame& f) { return std::to_string(f.channel) + "/" + std::to_string(f.topic) + "/" + f.data; }

struct Collected {
  std::vector<std::string> frames;
  FrameReader::OnFrame add() {
    return [this](const Frame& f) { frames.push_back(shown(f)); };
  }
};

TEST(Frames, EncodesTheDocumentedExamples) {
  EXPECT_EQ(sim::encode(kCommand, {1, 0, "abcedf"}), "1,6,1398235801,abcedf");
  EXPECT_EQ(sim::encode(kCommandTopic, {1, 1, "abcedf"}), "1,1,6,1398235801,abcedf");
  EXPECT_EQ(sim::encode(kThrough, {0, 0, "abcedf"}), "6,1398235801,abcedf");
  EXPECT_EQ(sim::encode(kCommandTopic, {2, 0, "hello"}), "2,0,5,907060870,hello");
}

TEST(Frames, CountsBytesNotCharacters) {
  EXPECT_EQ(sim::encode(kThrough, {0, 0, "\xE6\xB8\xA9\xE5\xBA\xA6"}), "6,4022148802,\xE6\xB8\xA9\xE5\xBA\xA6");
}

TEST(Frames, ReadsWhatItEncodesInEveryLayoutByteByByte) {
  for (const Layout layout : {kCommand, kCommandTopic, kThrough, kThroughTopic}) {
    const Frame sent{layout.channel ? 7U : 0U, layout.topic ? 3U : 0U, std::string("a,b\0\n,1,2", 9)};
    FrameReader reader(layout);
    Collected got;
    for (const char byte : sim::encode(layout, sent)) reader.feed({&byte, 1}, got.add());
    EXPECT_THAT(got.frames, ElementsAre(shown(sent)));
    EXPECT_EQ(reader.dropped_bytes(), 0U);
  }
}

TEST(Frames, SeveralInOneReadAllCount) {
  FrameReader reader(kCommand);
  Collected got;
  reader.feed("1,6,1398235801,abcedf1,6,2584251182,ijklmn", got.add());
  EXPECT_THAT(got.frames, ElementsAre("1/0/abcedf", "1/0/ijklmn"));
}

TEST(Frames, ALostByteCostsOnlyItsOwnFrame) {
  FrameReader reader(kCommand);
  Collected got;
  reader.feed("1,6,1398235801,abcdf1,6,2584251182,ijklmn", got.add());  // the first is one byte short
  EXPECT_THAT(got.frames, ElementsAre("1/0/ijklmn"));
  EXPECT_EQ(reader.dropped_bytes(), 20U);
}

TEST(Frames, NoiseAndAWrongCrcAreDropped) {
  FrameReader reader(kThrough);
  Collected got;
  reader.feed("\xFF\xFEhello 6,1398235800,abcedf", got.add());
  reader.idle(got.add());
  EXPECT_TRUE(got.frames.empty());
  EXPECT_GT(reader.dropped_bytes(), 20U);
}

TEST(Frames, SilenceEndsTheShortEmptyFrame) {
  FrameReader command(kCommand);
  FrameReader through(kThrough);
  Collected got;
  command.feed("5,0", got.add());
  through.feed("0", got.add());
  EXPECT_TRUE(got.frames.empty());
  command.idle(got.add());
  through.idle(got.add());
  EXPECT_THAT(got.frames, ElementsAre("5/0/", "0/0/"));
}

TEST(Frames, SilenceDropsAnIncompleteFrameAndFindsTheOneItHeldBack) {
  FrameReader reader(kThrough);
  Collected got;
  reader.feed("60,1398235801,abc6,2584251182,ijklmn", got.add());  // says 60 bytes and has fewer
  EXPECT_TRUE(got.frames.empty());
  reader.idle(got.add());
  EXPECT_THAT(got.frames, ElementsAre("0/0/ijklmn"));
}

TEST(Frames, ALengthNobodyMayHaveIsRefusedAtOnce) {
  FrameReader reader(kThrough);
  Collected got;
  reader.feed("4000000000,1,x", got.add());
  reader.feed("99999999999999999999,", got.add());
  reader.feed("65537,1,x", got.add());
  reader.feed("6,1398235801,abcedf", got.add());
  reader.idle(got.add());
  EXPECT_THAT(got.frames, testing::Contains("0/0/abcedf"));
}

}  // namespace
