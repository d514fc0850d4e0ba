#include <gtest/gtest.h>
#include <ostream>

#include <dtu/sdk/text.hpp>

#include <string>
#include <string_view>
#include <vector>

#include "rig.hpp"

namespace dtud::plugins::isolation {
namespace {

using test::IsolationRig;

const std::string kThousandBytes(1000, 'x');

// `payload` has to outlive the messages.
std::vector<dtu_msg> some(uint32_t count, std::string_view payload) {
  std::vector<dtu_msg> msgs(count);
  for (uint32_t i = 0; i < count; ++i) {
    msgs[i].token = i + 1;
    msgs[i].payload = dtu::str(payload);
  }
  return msgs;
}

TEST(StandIn, OffersWhatThePluginOffersAsFarAsItCanBeCalledFromHere) {
  const IsolationRig rig(DTU_KIND_HAL);
  EXPECT_EQ(rig.stand_in->caps, DTU_CAP_TOPICS) << "nothing blocks here";
  EXPECT_EQ(rig.stand_in->raw_iface("com.example.own/1"), nullptr);
  const Tables& t = rig.instance->tables();
  EXPECT_NE(t.ports.write, nullptr);
  EXPECT_EQ(t.points.await, nullptr) << "the plugin has none";
}

TEST(StandIn, IsMadeOnceForTheSameComponentAndLimits) {
  IsolationRig rig(DTU_KIND_CHANNEL);
  LoadedComponent c;
  c.kind = DTU_KIND_CHANNEL;
  c.type = "x";
  const LoadedComponent& first = rig.isolation.stand_in(c, "id", "/f.so", {});
  EXPECT_EQ(&first, &rig.isolation.stand_in(c, "id", "/f.so", {}));
  EXPECT_NE(&first, &rig.isolation.stand_in(c, "id", "/f.so", {32, 0}));
}

TEST(Proxy, AChannelIsGivenAWindowAndNoMore) {
  IsolationRig rig(DTU_KIND_CHANNEL);
  const auto msgs = some(2 * kSendMessages, "payload");
  uint32_t taken = 0;
  EXPECT_EQ(rig.proxy->send(msgs.data(), 2 * kSendMessages, &taken), DTU_AGAIN);
  EXPECT_EQ(taken, kSendMessages);
  const auto took = [&](uint32_t count) {
    return rig.say(Frame::taken,
                   [&](Writer&& out) { out.number(uint64_t{0}).number(count).number(count * cost_of(msgs[0])); });
  };
  EXPECT_TRUE(took(kSendMessages / 4));
  EXPECT_EQ(rig.writables, 0U) << "half is told at once, not each";
  EXPECT_TRUE(took(kSendMessages / 4));
  EXPECT_EQ(rig.writables, 1U);
}

// A port's message leaves the router's queue only when the plugin took it; what is refused is told in its place.
TEST(Proxy, APortIsToldWhatTheChildTookOfTheSameQueue) {
  IsolationRig rig(DTU_KIND_HAL);
  const auto msgs = some(8, "x");
  void* handle = nullptr;
  EXPECT_EQ(rig.proxy->open(dtu::str("1"), {}, 77, &handle), DTU_PENDING);
  auto& port = *static_cast<Proxy::Port*>(handle);
  dtu_error error{};
  uint32_t taken = 9;
  EXPECT_EQ(rig.proxy->write(port, msgs.data(), 5, &taken, &error), DTU_AGAIN);
  EXPECT_EQ(taken, 0U);
  EXPECT_EQ(port.ahead, 5U);
  const uint64_t cost = cost_of(msgs[0]);
  EXPECT_TRUE(rig.say(Frame::taken, [&](Writer&& out) { out.number(uint64_t{77}).number(2U).number(2 * cost); }));
  const dtu_error why = dtu::make_error(DTU_E_INVALID, "too long");
  EXPECT_TRUE(rig.say(Frame::refused, [&](Writer&& out) { out.number(uint64_t{77}).number(cost).error(&why); }));
  EXPECT_TRUE(rig.say(Frame::taken, [&](Writer&& out) { out.number(uint64_t{77}).number(1U).number(cost); }));
  EXPECT_EQ(rig.writables, 3U);
  EXPECT_EQ(rig.proxy->write(port, msgs.data(), 8, &taken, &error), DTU_E_INVALID);
  EXPECT_EQ(taken, 2U);
  EXPECT_STREQ(error.message, "too long");
  // The router has dropped that one too: five of the eight are left, the first taken already, the second on its way.
  EXPECT_EQ(rig.proxy->write(port, msgs.data() + 3, 5, &taken, &error), DTU_AGAIN);
  EXPECT_EQ(taken, 1U);
  EXPECT_EQ(port.ahead, 4U);
}

TEST(Proxy, WhatTheRouterHasNoRoomForWaitsInOrder) {
  IsolationRig rig(DTU_KIND_CHANNEL);
  const auto msgs = some(1, kThousandBytes);
  const auto emit = [&] { return rig.say(Frame::emit, [&](Writer&& out) { out.message(0, 0, msgs[0]); }); };
  EXPECT_TRUE(emit());
  EXPECT_EQ(rig.emitted, 1U);
  rig.room = false;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(emit());
  rig.room = true;
  EXPECT_TRUE(emit());
  EXPECT_EQ(rig.emitted, 1U) << "not before those that wait";
  rig.proxy->writable(0);
  EXPECT_EQ(rig.emitted, 12U);
}

TEST(Proxy, ADialectThatDoesNotKeepUpIsCrowded) {
  IsolationRig rig(DTU_KIND_COMMAND);
  void* session = nullptr;
  ASSERT_EQ(rig.proxy->open_session(dtu_link_info{}, &session), DTU_OK);
  const auto msgs = some(1, kThousandBytes);
  uint64_t told = 0;
  while (!rig.instance->crowded() && told < 2 * kDialectWindow) {
    rig.proxy->to_dialect(Frame::from_port, *static_cast<Proxy::Session*>(session), 0, msgs[0]);
    told += cost_of(msgs[0]);
  }
  EXPECT_TRUE(rig.instance->crowded());
  EXPECT_TRUE(rig.say(Frame::heard, [&](Writer&& out) { out.number(told); }));
  EXPECT_FALSE(rig.instance->crowded());
  EXPECT_EQ(rig.rooms, 1U);
}

// What a process that has lost its senses may say: it is the end of the process, whatever it is, and of nothing else.
TEST(Proxy, LiesAreTheEndOfTheProcess) {
  const auto dies_of = [](auto lie) {
    IsolationRig rig(DTU_KIND_CHANNEL);
    lie(rig);
    const auto seen = rig.isolation.look("test 1");
    rig.run_posted();
    const auto after = rig.isolation.look("test 1");
    return after && after->deaths == 1 ? after->last_death : seen ? seen->last_death : std::string();
  };
  EXPECT_NE(
      dies_of([](IsolationRig& r) {
        EXPECT_TRUE(r.say(Frame::taken, [](Writer&& out) { out.number(uint64_t{0}).number(1U).number(uint64_t{1}); }));
      }).find("acknowledged more messages than dtud sent"),
      std::string::npos);
  EXPECT_NE(dies_of([](IsolationRig& r) {
              EXPECT_TRUE(r.say(Frame::heard, [](Writer&& out) { out.number(uint64_t{1}); }));
            }).find("acknowledged more"),
            std::string::npos);
  EXPECT_NE(dies_of([](IsolationRig& r) {
              r.room = false;
              const auto msgs = some(1, kThousandBytes);
              for (int i = 0; i < 100; ++i) (void)r.say(Frame::emit, [&](Writer&& out) { out.message(0, 0, msgs[0]); });
            }).find("emitted more than the limit allows"),
            std::string::npos);
  EXPECT_NE(dies_of([](IsolationRig& r) {
              for (int i = 0; i < 2000; ++i)
                (void)r.say(Frame::offer_point, [](Writer&& out) { out.number(0U).text("p").text("").text(""); });
            }).find("offers more"),
            std::string::npos);
}

TEST(Proxy, UnknownAndBrokenFramesAreNotObeyed) {
  IsolationRig rig(DTU_KIND_CHANNEL);
  for (const uint32_t type : {0U, 1U, 28U, 99U, 126U, UINT32_MAX}) EXPECT_FALSE(rig.hand(static_cast<Frame>(type), ""));
  std::string bytes;
  Writer(bytes, Frame::complete).number(uint64_t{1}).number(int32_t{0});
  const std::string body = bytes.substr(kHead);
  for (size_t length = 0; length < body.size(); ++length)
    EXPECT_FALSE(rig.hand(Frame::complete, body.substr(0, length)));
  EXPECT_EQ(rig.completed, 0U);
  EXPECT_TRUE(rig.hand(Frame::complete, body));
  EXPECT_EQ(rig.completed, 1U);
}

TEST(Metrics, ACounterGoesOnFromWhatAnotherProcessLeft) {
  Metrics metrics;
  std::atomic<int64_t> there{5};
  const uint64_t id = metrics.add("channel 1", DTU_METRIC_COUNTER, "sent", "");
  metrics.increase("channel 1", id, 2);
  metrics.follow(id, &there);
  EXPECT_EQ(metrics.read().front().value, 7);
  metrics.settle(id);
  there = 100;
  EXPECT_EQ(metrics.read().front().value, 7);
  there = 1;
  metrics.follow(id, &there);
  EXPECT_EQ(metrics.read().front().value, 8);
}

}  // namespace
}  // namespace dtud::plugins::isolation
