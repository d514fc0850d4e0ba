#include "control/feed.hpp"

#include <gtest/gtest.h>
#include <poll.h>

#include <array>
#include <thread>

namespace dtud::control {
namespace {

bool readable(const Feed& feed, int timeout_ms = 20'000) {
  pollfd p{feed.fd(), POLLIN, 0};
  return ::poll(&p, 1, timeout_ms) == 1;
}

TEST(Feed, GivesWhatWasPushedInOrder) {
  Feed feed;
  EXPECT_TRUE(feed.push("a"));
  EXPECT_TRUE(feed.push("b"));
  EXPECT_TRUE(readable(feed));
  EXPECT_EQ(feed.take(), "a\nb\n");
  EXPECT_FALSE(readable(feed, 0));
  EXPECT_EQ(feed.take(), "");
}

TEST(Feed, CountsWhatDoesNotFitAndSaysSoWhereItWas) {
  Feed feed({2, 100});
  EXPECT_TRUE(feed.push("1"));
  EXPECT_TRUE(feed.push("2"));
  EXPECT_FALSE(feed.push("3"));
  EXPECT_FALSE(feed.push("4"));
  EXPECT_EQ(feed.take(), "1\n2\n{\"missed\": 2}\n");
  EXPECT_TRUE(feed.push("5"));
  EXPECT_EQ(feed.take(), "5\n");
  EXPECT_EQ(feed.missed(), 2U);
}

TEST(Feed, IsBoundedInBytes) {
  Feed feed({100, 10});
  EXPECT_FALSE(feed.push("0123456789"));  // with its newline it is one too long
  EXPECT_TRUE(readable(feed));
  EXPECT_EQ(feed.take(), "{\"missed\": 1}\n");
  EXPECT_TRUE(feed.push("012345678"));
  EXPECT_FALSE(feed.push(""));
  EXPECT_EQ(feed.take(), "012345678\n{\"missed\": 1}\n");
}

TEST(Feed, AGapStaysWhereItWasThoughSmallerLinesWouldFit) {
  Feed feed({100, 10});
  EXPECT_TRUE(feed.push("12345"));
  EXPECT_FALSE(feed.push("123456789"));
  EXPECT_FALSE(feed.push("1"));
  EXPECT_EQ(feed.take(), "12345\n{\"missed\": 2}\n");
}

TEST(Feed, WhatIsQueuedSurvivesClosing) {
  Feed feed;
  feed.push("a");
  feed.close();
  EXPECT_FALSE(feed.push("b"));
  EXPECT_TRUE(readable(feed));
  EXPECT_EQ(feed.take(), "a\n");
  EXPECT_TRUE(readable(feed) && feed.closed());
  EXPECT_EQ(feed.missed(), 0U);
}

TEST(Feed, WakesItsReader) {
  Feed feed;
  std::thread writer([&] { feed.push("x"); });
  EXPECT_TRUE(readable(feed));
  writer.join();
  std::thread closer([&] {
    EXPECT_EQ(feed.take(), "x\n");
    feed.close();
  });
  closer.join();
  EXPECT_TRUE(readable(feed) && feed.closed());
}

TEST(Feed, LosesNothingBetweenThreads) {
  Feed feed({64, 4096});
  constexpr int each = 20'000;
  std::array<std::thread, 2> writers;
  for (auto& w : writers)
    w = std::thread([&] {
      for (int i = 0; i < each; ++i) feed.push("x");
    });
  std::thread closer([&] {
    for (auto& w : writers) w.join();
    feed.close();
  });
  uint64_t lines = 0;
  uint64_t told = 0;
  for (bool over = false; !over && readable(feed);) {
    const bool closed = feed.closed();
    const std::string text = feed.take();
    over = closed && text.empty();
    for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
      if (text[at] == 'x') ++lines;
      if (text[at] == '{') told += std::stoull(text.substr(at + 11));
    }
  }
  closer.join();
  EXPECT_EQ(lines + told, 2U * each);
  EXPECT_EQ(told, feed.missed());
}

}  // namespace
}  // namespace dtud::control
