#include "plugins/isolation/wire.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

namespace dtud::plugins::isolation {
namespace {

struct WirePair : testing::Test {
  Wire a, b;
  void SetUp() override {
    std::array<int, 2> ends{};
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()), 0);
    a = Wire(Descriptor(ends[0]));
    b = Wire(Descriptor(ends[1]));
  }
  void raw(const std::string& bytes) {
    ASSERT_EQ(::send(a.fd(), bytes.data(), bytes.size(), 0), static_cast<ssize_t>(bytes.size()));
  }
  // The next frame that is there.
  Wire::Next next() {
    const Wire::Next got = b.next(type, body);
    return got == Wire::Next::none && b.fill() == Wire::Filled::something ? b.next(type, body) : got;
  }
  Frame type{};
  std::string_view body;
};

std::string log_frame(const std::string& text) {
  std::string bytes;
  Writer(bytes, Frame::log).text(text);
  return bytes;
}

TEST_F(WirePair, FramesComeWholeHoweverTheyAreCut) {
  const std::string stream = log_frame("one") + log_frame(std::string(1000, 'x')) + log_frame("");
  for (size_t step : {size_t{1}, size_t{7}, size_t{500}, stream.size()}) {
    std::vector<std::string> got;
    for (size_t at = 0; at < stream.size(); at += step) {
      ASSERT_NO_FATAL_FAILURE(raw(stream.substr(at, step)));
      ASSERT_EQ(b.fill(), Wire::Filled::something);
      while (b.next(type, body) == Wire::Next::frame) {
        Reader in(body);
        got.emplace_back(in.text());
      }
    }
    EXPECT_EQ(got, (std::vector<std::string>{"one", std::string(1000, 'x'), ""})) << step;
  }
}

TEST_F(WirePair, TheLongestFrameGoesThroughPieceByPiece) {
  const std::string text(kMostFrame - kHead - 4, 'y');
  Writer(a.out(), Frame::log).text(text);
  ASSERT_GT(a.pending(), text.size());
  Wire::Next got = Wire::Next::none;
  while (got == Wire::Next::none) {
    ASSERT_TRUE(a.flush());
    ASSERT_NE(b.fill(), Wire::Filled::ended);
    got = b.next(type, body);
  }
  ASSERT_EQ(got, Wire::Next::frame);
  Reader in(body);
  EXPECT_EQ(in.text(), text);
  EXPECT_EQ(a.pending(), 0U);
}

TEST_F(WirePair, ALengthNoFrameHasIsTheEnd) {
  for (const uint32_t length : {0U, kHead - 1, kMostFrame + 1, UINT32_MAX}) {
    SetUp();
    std::string bytes(16, 'z');
    std::memcpy(bytes.data(), &length, sizeof length);
    ASSERT_NO_FATAL_FAILURE(raw(bytes));
    EXPECT_EQ(next(), Wire::Next::broken) << length;
  }
}

TEST_F(WirePair, AnAnswerIsFoundBehindOtherFrames) {
  std::string points;
  Writer(points, Frame::points).number(int32_t{5});
  ASSERT_NO_FATAL_FAILURE(raw(log_frame("first") + points + log_frame("second")));
  ASSERT_EQ(b.fill(), Wire::Filled::something);
  std::string answer;
  ASSERT_EQ(b.extract(Frame::points, answer), Wire::Next::frame);
  EXPECT_EQ(Reader(answer).i32(), 5);
  EXPECT_EQ(b.extract(Frame::points, answer), Wire::Next::none);
  for (const char* text : {"first", "second"}) {
    ASSERT_EQ(next(), Wire::Next::frame);
    EXPECT_EQ(Reader(body).text(), text);
  }
}

TEST_F(WirePair, TheEndIsSeenByBoth) {
  b.close();
  Writer(a.out(), Frame::log).text("to nobody");
  EXPECT_FALSE(a.flush());
  EXPECT_EQ(a.fill(), Wire::Filled::ended);
}

}  // namespace
}  // namespace dtud::plugins::isolation
