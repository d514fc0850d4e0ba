// What the meter says and answers.
#include "meter.hpp"

#include <gmock/gmock.h>

#include <string>

namespace {

using sim::Meter;
using sim::MeterSettings;
using sim::Syntax;
using testing::HasSubstr;
using testing::StartsWith;

const Meter::OnQuery kIgnore = [](const std::string&, const std::string&) {};

MeterSettings settings(Syntax syntax, bool json = false) {
  MeterSettings s;
  s.syntax = syntax;
  s.json = json;
  return s;
}

TEST(Meter, TheSameSeedGivesTheSameReadings) {
  Meter a(settings(Syntax::lines));
  Meter b(settings(Syntax::lines));
  MeterSettings other = settings(Syntax::lines);
  other.seed = 2;
  Meter c(other);
  std::string all_a, all_b, all_c;
  for (int i = 0; i < 50; ++i) {
    all_a += a.reading();
    all_b += b.reading();
    all_c += c.reading();
  }
  EXPECT_EQ(all_a, all_b);
  EXPECT_NE(all_a, all_c);
}

TEST(Meter, ReadingsOfSeedOneAreTheseAndNoOthers) {
  Meter csv(settings(Syntax::lines));
  EXPECT_EQ(csv.reading(), "1,1000.332,229.9,5.20\n");
  Meter json(settings(Syntax::lines, true));
  EXPECT_EQ(json.reading(), "{\"number\":1,\"energy_wh\":1000.332,\"voltage_v\":229.9,\"current_a\":5.20}\n");
}

TEST(Meter, TheEnergyCounterOnlyGrows) {
  sim::Measurements measurements(9);
  double last = measurements.current().energy_wh;
  for (int i = 0; i < 10000; ++i) {
    const sim::Reading& r = measurements.advance(1000);
    ASSERT_GE(r.energy_wh, last);
    ASSERT_GE(r.voltage_v, 207.0);
    ASSERT_LE(r.voltage_v, 253.0);
    last = r.energy_wh;
  }
}

TEST(Meter, AnswersReadWithTheReadingLastSent) {
  Meter meter(settings(Syntax::lines));
  const std::string sent = meter.reading();
  EXPECT_EQ(meter.receive("read\r\n", kIgnore), sent);
  EXPECT_EQ(meter.counts().queries, 1U);
}

TEST(Meter, SetsItsIntervalWithinLimits) {
  Meter meter(settings(Syntax::lines));
  EXPECT_EQ(meter.receive("set interval 250\n", kIgnore), "ok interval 250\n");
  EXPECT_EQ(meter.every_ms(), 250);
  for (const char* wrong : {"set interval 0\n", "set interval 3600001\n", "set interval x\n", "set interval 5 \n"})
    EXPECT_EQ(meter.receive(wrong, kIgnore), "error interval is 1 to 3600000 ms\n");
  EXPECT_EQ(meter.every_ms(), 250);
}

TEST(Meter, SaysWhatItDoesNotKnow) {
  Meter meter(settings(Syntax::lines));
  EXPECT_THAT(meter.receive("reboot\n", kIgnore), StartsWith("error unknown query \"reboot\""));
  EXPECT_EQ(meter.counts().unknown, 1U);
}

TEST(Meter, DoesNotAnswerItsOwnAnswers) {
  Meter meter(settings(Syntax::lines));
  const std::string answer = meter.receive("nonsense\n", kIgnore);
  EXPECT_EQ(meter.receive(answer, kIgnore), "");
  EXPECT_EQ(meter.receive("ok interval 5\n\n", kIgnore), "");
}

TEST(Meter, AQueryMayComeInPieces) {
  Meter meter(settings(Syntax::lines));
  EXPECT_EQ(meter.receive("set int", kIgnore), "");
  EXPECT_EQ(meter.receive("erval 7\nread", kIgnore), "ok interval 7\n");
}

TEST(Meter, AnEndlessLineIsCutAndCounted) {
  Meter meter(settings(Syntax::lines));
  EXPECT_EQ(meter.receive(std::string(Meter::kMostLine + 500, 'x'), kIgnore), "");
  EXPECT_EQ(meter.counts().dropped_bytes, 500U);
  EXPECT_THAT(meter.receive("\n", kIgnore), HasSubstr("error unknown"));
}

TEST(Meter, CommandFramesCarryChannelAndTopicBothWays) {
  MeterSettings s = settings(Syntax::command_frames);
  s.channel = 3;
  s.topic = 0;
  Meter meter(s);
  const std::string sent = meter.reading();
  EXPECT_THAT(sent, StartsWith("3,0,21,"));
  const std::string query = sim::encode({true, true}, {3, 1, "read"});  // the downlink topic may be another
  EXPECT_EQ(meter.receive(query, kIgnore), sent);
}

TEST(Meter, ThroughFramesHaveNoChannel) {
  Meter meter(settings(Syntax::through_frames));
  const std::string sent = meter.reading();
  EXPECT_THAT(sent, StartsWith("21,"));
  EXPECT_EQ(meter.receive(sim::encode({false, false}, {0, 0, "read"}), kIgnore), sent);
}

TEST(Meter, SilenceEndsAHalfFrame) {
  Meter meter(settings(Syntax::through_frames));
  EXPECT_EQ(meter.receive("4,123,re", kIgnore), "");
  EXPECT_EQ(meter.silence(kIgnore), "");
  EXPECT_EQ(meter.counts().dropped_bytes, 8U);
  EXPECT_NE(meter.receive(sim::encode({false, false}, {0, 0, "read"}), kIgnore), "");
}

}  // namespace
