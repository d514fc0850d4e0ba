#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <dtu/kit/net/idle_watch.hpp>
#include <memory>
#include <vector>

#include "probe.hpp"

namespace net {
namespace {

using namespace std::chrono_literals;
using Due = IdleWatch::Due;

struct Idleness : testing::Test {
  Idleness() : probe(host) { host.use_fake_clock(); }
  void watch(uint32_t heartbeat_s, uint32_t silence_s) {
    idle = std::make_unique<IdleWatch>(probe.host(), heartbeat_s, silence_s, [this](Due d) {
      seen.push_back(d);
      if (d == Due::silence) idle.reset();
    });
  }
  [[nodiscard]] size_t beats() const {
    return static_cast<size_t>(std::count(seen.begin(), seen.end(), Due::heartbeat));
  }

  dtu::test::TestHost host;
  test::Probe probe;
  std::unique_ptr<IdleWatch> idle;
  std::vector<Due> seen;
};

TEST_F(Idleness, TheHeartbeatComesAfterSoLongWithoutSending) {
  watch(10, 0);
  host.advance(9s);
  idle->sent();
  host.advance(9900ms);
  EXPECT_EQ(beats(), 0U) << "what is sent puts it off";
  host.advance(200ms);
  EXPECT_EQ(beats(), 1U);
  host.advance(30s);
  EXPECT_EQ(beats(), 4U) << "and again as long as nothing else is sent";
  idle->received();
  host.advance(10s);
  EXPECT_EQ(beats(), 5U) << "what is received does not put it off";
}

TEST_F(Idleness, SilenceEndsItOnce) {
  watch(0, 5);
  host.advance(4s);
  idle->received();
  idle->sent();
  host.advance(4s);
  EXPECT_TRUE(seen.empty());
  idle->sent();
  host.advance(2s);
  ASSERT_EQ(seen.size(), 1U) << "what is sent does not put it off";
  EXPECT_EQ(seen[0], Due::silence);
  EXPECT_EQ(idle, nullptr);
}

TEST_F(Idleness, WhatWeDoNotReadIsNotSilence) {
  watch(0, 5);
  idle->not_reading(true);
  host.advance(30s);
  EXPECT_TRUE(seen.empty());
  idle->not_reading(false);
  host.advance(4900ms);
  EXPECT_TRUE(seen.empty());
  host.advance(200ms);
  EXPECT_EQ(seen.size(), 1U);
}

TEST_F(Idleness, NothingIsDueWhenBothAreOff) {
  watch(0, 0);
  host.advance(24h);
  EXPECT_TRUE(seen.empty());
}

}  // namespace
}  // namespace net
