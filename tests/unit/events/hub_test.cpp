// E1, E3, E6 and E8 where the hub keeps them.
#include "events/hub.hpp"

#include <gmock/gmock.h>

#include "subscriber.hpp"

namespace dtud::events {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct EventHub : testing::Test {
  ManualLane lane;
  Hub hub{lane.get()};
  Subscriber one{hub, lane.get()}, two{hub, lane.get()};
  Subscriber::Subscription a{}, b{};
};

TEST_F(EventHub, AnEventHasANameASourceANumberATimeAndAnObject) {
  ASSERT_EQ(one.subscribe(a, "sms.received"), DTU_OK);
  hub.publish("hal sim", kNews, R"({"text":"hello"})");
  hub.publish("hal sim", kNews, "{}");
  lane.settle();
  ASSERT_EQ(a.seen.size(), 2U);
  EXPECT_EQ(a.seen[0].name, "sms.received");
  EXPECT_EQ(a.seen[0].source, "hal sim");
  EXPECT_EQ(a.seen[0].json, R"({"text":"hello"})");
  EXPECT_EQ(a.seen[0].flags, 0U);
  EXPECT_LT(a.seen[0].seq, a.seen[1].seq);
  EXPECT_EQ(hub.told(), 2U);
}

TEST_F(EventHub, OnlyThoseWhoSubscribedToItGetIt) {
  ASSERT_EQ(one.subscribe(a, "sms."), DTU_OK);
  ASSERT_EQ(two.subscribe(b, "wifi.link"), DTU_OK);
  hub.publish("hal sim", kNews, "{}");
  lane.settle();
  EXPECT_EQ(a.seen.size(), 1U);
  EXPECT_THAT(b.seen, IsEmpty());
}

TEST_F(EventHub, TheLastStatesComeFirstInTheirOrderThenWhatFollows) {
  hub.publish("hal one", kState, R"({"n":1})");
  hub.publish("hal two", kState, R"({"n":2})");
  hub.publish("hal one", kState, R"({"n":3})");
  hub.publish("hal one", kNews, R"({"n":4})");
  ASSERT_EQ(one.subscribe(a, "wifi."), DTU_OK);
  hub.publish("hal two", kState, R"({"n":5})");
  lane.settle();
  EXPECT_THAT(texts(a.seen), ElementsAre(R"({"n":2})", R"({"n":3})", R"({"n":5})"));
  EXPECT_EQ(a.seen[0].flags, DTU_EVENT_STATE | DTU_EVENT_LAST);
  EXPECT_EQ(a.seen[1].flags, DTU_EVENT_STATE | DTU_EVENT_LAST);
  EXPECT_EQ(a.seen[2].flags, DTU_EVENT_STATE);
}

TEST_F(EventHub, TwoSubscriptionsOfOneInstanceEachGetTheStateOnce) {
  hub.publish("hal one", kState, R"({"n":1})");
  ASSERT_EQ(one.subscribe(a, "wifi."), DTU_OK);
  hub.publish("hal one", kState, R"({"n":2})");
  ASSERT_EQ(one.subscribe(b, "wifi.link"), DTU_OK);
  hub.publish("hal one", kNews, "{}");
  lane.settle();
  EXPECT_THAT(texts(a.seen), ElementsAre(R"({"n":1})", R"({"n":2})"));
  EXPECT_THAT(texts(b.seen), ElementsAre(R"({"n":2})"));
  EXPECT_EQ(b.seen[0].flags, DTU_EVENT_STATE | DTU_EVENT_LAST);
}

TEST_F(EventHub, ASourceThatStopsIsTold) {
  ASSERT_EQ(one.subscribe(a, "wifi."), DTU_OK);
  hub.publish("hal one", kState, R"({"n":1})");
  hub.publish("hal one", kNews, "{}");
  lane.settle();
  hub.gone("hal on");
  hub.gone("hal one");
  hub.gone("hal one");
  lane.settle();
  ASSERT_EQ(a.seen.size(), 2U);
  EXPECT_EQ(a.seen[1].flags, DTU_EVENT_STATE | DTU_EVENT_GONE);
  EXPECT_EQ(a.seen[1].source, "hal one");
  EXPECT_EQ(a.seen[1].json, "{}");
  ASSERT_EQ(two.subscribe(b, "wifi."), DTU_OK);
  lane.settle();
  EXPECT_THAT(b.seen, IsEmpty()) << "the state of one that is gone is not told any more";
}

TEST_F(EventHub, TheStatesThatDtudTellsAboutAnInstanceAreNotTheInstances) {
  hub.tell("plugin.state", "hal one", R"({"state":"up"})", true);
  hub.gone("hal one");
  ASSERT_EQ(one.subscribe(a, "plugin."), DTU_OK);
  lane.settle();
  ASSERT_EQ(a.seen.size(), 1U);
  EXPECT_EQ(a.seen[0].flags, DTU_EVENT_STATE | DTU_EVENT_LAST);
  hub.gone("plugin.state", "hal one");
  lane.settle();
  EXPECT_EQ(a.seen.back().flags, DTU_EVENT_STATE | DTU_EVENT_GONE);
}

TEST_F(EventHub, ARefusedSubscriptionIsDestroyedOnce) {
  struct Case {
    const char* what;
    dtu_status status;
    std::function<void(dtu_subscription&)> bend;
    int destroyed;
  };
  const std::string all;
  for (const Case& c : {Case{"no function", DTU_E_INVALID, [](auto& s) { s.fn = nullptr; }, 1},
                        Case{"no pattern", DTU_E_INVALID,
                             [](auto& s) {
                               s.pattern = {"", 0};
                             },
                             1},
                        Case{"a null pattern", DTU_E_INVALID,
                             [](auto& s) {
                               s.pattern = {nullptr, 4};
                             },
                             1},
                        Case{"a bad pattern", DTU_E_INVALID,
                             [](auto& s) {
                               s.pattern = {"sms*", 4};
                             },
                             1},
                        Case{"too short", DTU_E_INVALID, [](auto& s) { s.struct_size = 8; }, 0}}) {
    Subscriber::Subscription s{};
    dtu_subscription subscription = Subscriber::about(s, "sms.");
    c.bend(subscription);
    uint64_t id = 0;
    EXPECT_EQ(hub.subscribe(one.mailbox, &subscription, &id), c.status) << c.what;
    EXPECT_EQ(s.destroyed, c.destroyed) << c.what;
  }
  EXPECT_EQ(hub.subscribe(one.mailbox, nullptr, nullptr), DTU_E_INVALID);
  dtu_subscription no_id = Subscriber::about(a, "sms.");
  EXPECT_EQ(hub.subscribe(one.mailbox, &no_id, nullptr), DTU_E_INVALID);
  EXPECT_EQ(a.destroyed, 1);
}

TEST_F(EventHub, AnInstanceHasSixtyFourSubscriptions) {
  std::vector<Subscriber::Subscription> many(65);
  for (size_t i = 0; i < 64; ++i) ASSERT_EQ(one.subscribe(many[i], "sms."), DTU_OK);
  EXPECT_EQ(one.subscribe(many[64], "sms."), DTU_AGAIN);
  EXPECT_EQ(many[64].destroyed, 1);
  EXPECT_TRUE(one.mailbox->unsubscribe(many[0].id));
  EXPECT_EQ(one.subscribe(many[64], "sms."), DTU_OK);
  one.mailbox->release();
  for (const auto& s : many) EXPECT_EQ(s.destroyed, &s == &many[64] ? 2 : 1);
}

TEST_F(EventHub, AFollowerSeesStatesFirstAndUnderstandsTheEmptyPattern) {
  hub.publish("hal one", kState, "{}");
  std::vector<std::string> lines;
  const uint64_t id = hub.follow(
      "", [&](const Event& e, uint32_t flags) { lines.push_back(e.name + (flags & DTU_EVENT_LAST ? " last" : "")); });
  hub.publish("hal one", kNews, "{}");
  hub.unfollow(id);
  hub.publish("hal one", kNews, "{}");
  EXPECT_THAT(lines, ElementsAre("wifi.link last", "sms.received"));
}

}  // namespace
}  // namespace dtud::events
