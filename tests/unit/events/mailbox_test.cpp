// E3, E5, E8 and E9 where a subscriber's queue keeps them.
#include "events/mailbox.hpp"

#include <gmock/gmock.h>

#include "subscriber.hpp"

namespace dtud::events {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

struct EventMailbox : testing::Test {
  ManualLane lane;
  Hub hub{lane.get()};
  Subscriber one{hub, lane.get()};
  Subscriber::Subscription a{}, b{};

  void publish(const std::string& source, const std::string& json) { hub.publish(source, kNews, json); }
};

TEST_F(EventMailbox, EventsAndAnswersComeInTheOrderTheyWereGiven) {
  ASSERT_EQ(one.subscribe(a, "sms."), DTU_OK);
  std::vector<std::string> order;
  a.then = [&](const Seen& s) { order.push_back(s.json); };
  publish("hal", "{1}");
  one.mailbox->answer([&] { order.emplace_back("answer 2"); });
  publish("hal", "{3}");
  one.mailbox->answer([&] { order.emplace_back("answer 4"); });
  EXPECT_EQ(one.mailbox->answers_waiting(), 2U);
  lane.settle();
  EXPECT_THAT(order, ElementsAre("{1}", "answer 2", "{3}", "answer 4"));
  EXPECT_EQ(one.mailbox->answers_waiting(), 0U);
}

TEST_F(EventMailbox, NothingIsDeliveredInsideACall) {
  ASSERT_EQ(one.subscribe(a, "sms."), DTU_OK);
  a.then = [&](const Seen& s) {
    EXPECT_EQ(one.inside, 1);
    if (s.json != "{1}") return;
    publish("hal", "{2}");
    ASSERT_EQ(one.subscribe(b, "sms."), DTU_OK);
  };
  publish("hal", "{1}");
  EXPECT_THAT(a.seen, IsEmpty()) << "told inside publish";
  lane.settle();
  EXPECT_THAT(texts(a.seen), ElementsAre("{1}", "{2}"));
  EXPECT_THAT(texts(b.seen), IsEmpty()) << "made after {2}";
}

TEST_F(EventMailbox, NothingIsDeliveredBeforeItIsOpenOrAfterItIsClosed) {
  Subscriber late{hub, lane.get()};
  late.mailbox = std::make_shared<Mailbox>(lane.get(), [](const char*, const auto& fn) { fn(); });
  Subscriber::Subscription s{};
  hub.publish("hal", kState, "{}");
  ASSERT_EQ(late.subscribe(s, "wifi."), DTU_OK);
  lane.settle();
  EXPECT_THAT(s.seen, IsEmpty());
  late.mailbox->open();
  lane.settle();
  EXPECT_EQ(s.seen.size(), 1U);
  hub.publish("hal", kState, "{}");
  late.mailbox->answer([] { FAIL() << "an answer after the end"; });
  late.mailbox->close();
  hub.publish("hal", kState, "{}");
  late.mailbox->answer([] { FAIL() << "an answer after the end"; });
  lane.settle();
  EXPECT_EQ(s.seen.size(), 1U);
  EXPECT_EQ(s.destroyed, 0) << "only release() does that";
  Subscriber::Subscription too_late{};
  EXPECT_EQ(late.subscribe(too_late, "wifi."), DTU_E_CLOSED);
  EXPECT_EQ(too_late.destroyed, 1);
  late.mailbox->release();
  EXPECT_EQ(s.destroyed, 1);
}

TEST_F(EventMailbox, UnsubscribingFromInsideItsOwnFunctionDestroysAfterIt) {
  ASSERT_EQ(one.subscribe(a, "sms."), DTU_OK);
  ASSERT_EQ(one.subscribe(b, "sms."), DTU_OK);
  a.then = [&](const Seen&) {
    EXPECT_TRUE(one.mailbox->unsubscribe(a.id));
    EXPECT_FALSE(one.mailbox->unsubscribe(a.id));
    EXPECT_EQ(a.destroyed, 0) << "while it runs";
    EXPECT_TRUE(one.mailbox->unsubscribe(b.id));
    EXPECT_EQ(b.destroyed, 1);
  };
  publish("hal", "{1}");
  publish("hal", "{2}");
  lane.settle();
  EXPECT_THAT(texts(a.seen), ElementsAre("{1}"));
  EXPECT_THAT(b.seen, IsEmpty());
  EXPECT_EQ(a.destroyed, 1);
  one.mailbox->release();
  EXPECT_EQ(a.destroyed, 1);
  EXPECT_EQ(b.destroyed, 1);
}

TEST_F(EventMailbox, OfAStateOnlyTheNewestWaits) {
  ASSERT_EQ(one.subscribe(a, "wifi."), DTU_OK);
  for (int i = 0; i < 1000; ++i) hub.publish("hal one", kState, "{" + std::to_string(i) + "}");
  hub.publish("hal two", kState, "{two}");
  lane.settle();
  EXPECT_THAT(texts(a.seen), ElementsAre("{999}", "{two}"));
  EXPECT_EQ(a.seen[0].missed, 0U) << "an older state is not missed";
  EXPECT_EQ(one.mailbox->missed(), 0U);
}

TEST_F(EventMailbox, TheOldestOfWhoHasTheMostGoesAndIsCounted) {
  ASSERT_EQ(one.subscribe(a, "sms."), DTU_OK);
  publish("quiet", "{quiet}");
  for (int i = 0; i < 300; ++i) publish("loud", "{" + std::to_string(i) + "}");
  lane.settle();
  ASSERT_EQ(a.seen.size(), Mailbox::kMostEvents);
  EXPECT_EQ(a.seen[0].json, "{quiet}");
  EXPECT_EQ(a.seen[0].missed, 45U) << "the next event says it";
  EXPECT_EQ(a.seen[1].json, "{45}");
  EXPECT_EQ(a.seen[1].missed, 0U);
  EXPECT_EQ(a.seen.back().json, "{299}");
  EXPECT_EQ(one.mailbox->missed(), 45U);
}

TEST_F(EventMailbox, ManyBytesCountAsManyEventsDo) {
  ASSERT_EQ(one.subscribe(a, "sms."), DTU_OK);
  publish("small", "{small}");
  publish("small", "{small}");
  const std::string large = "{" + std::string(16000, 'x') + "}";
  for (int i = 0; i < 20; ++i) publish("large", large);
  lane.settle();
  ASSERT_EQ(a.seen.size(), 18U) << "16 of them are 256 KiB";
  EXPECT_EQ(a.seen[0].json, "{small}");
  EXPECT_EQ(a.seen[1].json, "{small}");
  EXPECT_EQ(a.seen[0].missed, 4U);
}

TEST_F(EventMailbox, DtudsOwnEventsGoLast) {
  Subscriber::Subscription k{};
  ASSERT_EQ(one.subscribe(a, "sms."), DTU_OK);
  ASSERT_EQ(one.subscribe(k, "config."), DTU_OK);
  for (int i = 0; i < 100; ++i) hub.tell("config.applied", "kernel", "{}", false);
  for (int i = 0; i < 1000; ++i) publish("loud", "{}");
  for (int i = 0; i < 100; ++i) hub.tell("config.applied", "kernel", "{}", false);
  lane.settle();
  EXPECT_EQ(k.seen.size(), 200U);
  EXPECT_EQ(a.seen.size(), 56U);
  for (int i = 0; i < 300; ++i) hub.tell("config.applied", "kernel", "{}", false);
  publish("late", "{late}");
  lane.settle();
  EXPECT_EQ(k.seen.size(), 200U + 256U);
  EXPECT_EQ(a.seen.size(), 56U) << "no event of dtud goes for one of a plugin";
}

TEST_F(EventMailbox, AtMost256ATurn) {
  std::vector<Subscriber::Subscription> many(64);
  for (size_t i = 0; i < 64; ++i) hub.publish("hal " + std::to_string(i), kState, "{}");
  for (auto& s : many) ASSERT_EQ(one.subscribe(s, "wifi."), DTU_OK);
  const auto total = [&] {
    size_t n = 0;
    for (const auto& s : many) n += s.seen.size();
    return n;
  };
  std::vector<size_t> at_turns;
  std::function<void()> look = [&] {
    at_turns.push_back(total());
    if (at_turns.size() < 4) lane.get().post(look);
  };
  lane.get().post(look);
  lane.settle();
  EXPECT_THAT(at_turns, ElementsAre(256U, 512U, 768U, 1024U));
  EXPECT_EQ(total(), 64U * 64U) << "and none is lost";
}

TEST_F(EventMailbox, WhilePausedEverythingWaitsInItsOrder) {
  ASSERT_EQ(one.subscribe(a, "sms."), DTU_OK);
  std::vector<std::string> order;
  a.then = [&](const Seen& s) {
    order.push_back(s.json);
    if (s.json == "{1}") one.mailbox->pause(true);
  };
  publish("hal", "{1}");
  one.mailbox->answer([&] { order.emplace_back("answer"); });
  publish("hal", "{2}");
  lane.settle();
  EXPECT_THAT(order, ElementsAre("{1}"));
  publish("hal", "{3}");
  one.mailbox->pause(false);
  lane.settle();
  EXPECT_THAT(order, ElementsAre("{1}", "answer", "{2}", "{3}"));
}

TEST_F(EventMailbox, AnEventThatIsGivenGoesToItsSubscriptionOnly) {
  uint64_t id = 0;
  dtu_subscription s = Subscriber::about(a, "sms.");
  ASSERT_EQ(one.mailbox->add(s, {}, 0, id), DTU_OK);
  int told = 0;
  Event event;
  event.name = "sms.received";
  event.json = "{1}";
  one.mailbox->give(id, std::make_shared<const Event>(event), DTU_EVENT_LAST, 7, [&] { ++told; });
  one.mailbox->give(id + 1, std::make_shared<const Event>(event), 0, 0, [&] { ++told; });
  lane.settle();
  ASSERT_EQ(a.seen.size(), 1U);
  EXPECT_EQ(a.seen[0].flags, DTU_EVENT_LAST);
  EXPECT_EQ(a.seen[0].missed, 7U);
  EXPECT_EQ(told, 2) << "also of one that nobody wants any more";
}

}  // namespace
}  // namespace dtud::events
