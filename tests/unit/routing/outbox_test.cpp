#include "routing/outbox.hpp"

#include <dtu/channel.h>
#include <gtest/gtest.h>

#include <array>
#include <random>
#include <set>
#include <string>
#include <vector>

namespace dtud::routing {
namespace {

KeptMessage message(const std::string& text, uint32_t flags = 0) {
  dtu_msg m{};
  m.payload = {text.data(), text.size()};
  m.flags = flags;
  return KeptMessage::keep(m);
}

struct Taken {
  std::vector<std::string> texts;
  std::vector<uint64_t> tokens;
};

Taken take(Outbox& outbox) {
  std::array<dtu_msg, Outbox::kBatch> msgs{};
  Taken t;
  const uint32_t n = outbox.take(msgs.data());
  for (uint32_t i = 0; i < n; ++i) {
    t.texts.emplace_back(msgs[i].payload.ptr, msgs[i].payload.len);
    t.tokens.push_back(msgs[i].token);
  }
  return t;
}

using Texts = std::vector<std::string>;

OutboxLimits limits(uint32_t messages, Policy policy, uint64_t bytes = 1U << 20U) { return {messages, bytes, policy}; }

TEST(Outbox, FirstInFirstOutAndGoneOnlyWhenCompleted) {
  Outbox outbox(limits(100, Policy::drop_oldest));
  for (const char* text : {"a", "b", "c"}) outbox.push(message(text));
  const Taken t = take(outbox);
  EXPECT_EQ(t.texts, (Texts{"a", "b", "c"}));
  EXPECT_EQ(outbox.messages(), 3U);
  EXPECT_EQ(outbox.in_flight(), 3U);
  EXPECT_FALSE(outbox.has_waiting());
  EXPECT_TRUE(outbox.complete(t.tokens[1], DTU_OK));  // in any order
  EXPECT_TRUE(outbox.complete(t.tokens[0], DTU_OK));
  EXPECT_TRUE(outbox.complete(t.tokens[2], DTU_OK));
  EXPECT_EQ(outbox.messages(), 0U);
  EXPECT_EQ(outbox.bytes(), 0U);
  EXPECT_EQ(outbox.counters().delivered, 3U);
}

TEST(Outbox, WhatIsSetAsideIsPassedOverAndKeepsItsPlace) {
  Outbox outbox(limits(100, Policy::drop_oldest));
  for (const char* text : {"a", "b", "c", "d"}) outbox.push(message(text));
  std::array<dtu_msg, Outbox::kBatch> msgs{};
  ASSERT_EQ(outbox.take(msgs.data(), 1), 1U);
  outbox.untake(0);
  EXPECT_EQ(outbox.count_refusal(msgs[0].token).times, 1U);
  outbox.set_refused_aside();
  EXPECT_TRUE(outbox.complete(msgs[0].token, DTU_E_REFUSED));
  EXPECT_TRUE(outbox.any_aside());
  const Taken t = take(outbox);
  EXPECT_EQ(t.texts, (Texts{"b", "c", "d"}));
  outbox.untake(2);
  EXPECT_TRUE(outbox.complete(t.tokens[0], DTU_E_CLOSED));
  outbox.put_back();
  EXPECT_EQ(take(outbox).texts, (Texts{"a", "b", "c", "d"}));
  EXPECT_EQ(outbox.messages(), 4U);
}

TEST(Outbox, WhatWasDeliveredAfterANewerOneIsCounted) {
  Outbox outbox(limits(100, Policy::drop_oldest));
  for (const char* text : {"a", "b"}) outbox.push(message(text));
  std::array<dtu_msg, Outbox::kBatch> msgs{};
  ASSERT_EQ(outbox.take(msgs.data(), 1), 1U);
  outbox.untake(0);
  EXPECT_FALSE(outbox.count_refusal(msgs[0].token).other_taken);
  outbox.set_refused_aside();
  EXPECT_TRUE(outbox.complete(msgs[0].token, DTU_E_REFUSED));
  EXPECT_TRUE(outbox.complete(take(outbox).tokens.at(0), DTU_OK));
  outbox.put_back(true);
  const Taken a = take(outbox);
  ASSERT_EQ(a.texts, Texts{"a"});
  EXPECT_EQ(outbox.was_refused(a.tokens[0]), 1U);
  EXPECT_TRUE(outbox.count_refusal(a.tokens[0]).other_taken);
  EXPECT_TRUE(outbox.complete(a.tokens[0], DTU_OK));
  EXPECT_EQ(outbox.counters().delivered, 2U);
  EXPECT_EQ(outbox.counters().overtaken, 1U);
}

// It is the oldest that has to make room, and it does.
TEST(Outbox, WhatIsSetAsideIsDroppedFirst) {
  Outbox outbox(limits(2, Policy::drop_oldest));
  for (const char* text : {"a", "b"}) outbox.push(message(text));
  std::array<dtu_msg, Outbox::kBatch> msgs{};
  ASSERT_EQ(outbox.take(msgs.data(), 1), 1U);
  outbox.untake(0);
  EXPECT_EQ(outbox.count_refusal(msgs[0].token).times, 1U);
  outbox.set_refused_aside();
  EXPECT_TRUE(outbox.complete(msgs[0].token, DTU_E_REFUSED));
  EXPECT_TRUE(outbox.push(message("c")));
  EXPECT_FALSE(outbox.any_aside());
  EXPECT_EQ(outbox.messages(), 2U);
  EXPECT_EQ(outbox.counters().dropped, 1U);
}

TEST(Outbox, ATokenCountsOnce) {
  Outbox outbox(limits(100, Policy::drop_oldest));
  outbox.push(message("a"));
  const Taken t = take(outbox);
  EXPECT_TRUE(outbox.complete(t.tokens[0], DTU_OK));
  EXPECT_FALSE(outbox.complete(t.tokens[0], DTU_OK));
  EXPECT_FALSE(outbox.complete(0, DTU_OK));
  EXPECT_FALSE(outbox.complete(~uint64_t{0}, DTU_OK));
  EXPECT_EQ(outbox.counters().delivered, 1U);
}

TEST(Outbox, WhatFailedGoesBeforeWhatCameAfterIt) {
  Outbox outbox(limits(100, Policy::drop_oldest));
  for (const char* text : {"a", "b", "c", "d"}) outbox.push(message(text));
  const Taken t = take(outbox);
  outbox.push(message("e"));
  outbox.complete(t.tokens[1], DTU_OK);
  // Failures in any order end up in the order of the messages.
  outbox.complete(t.tokens[3], DTU_E_CLOSED);
  outbox.complete(t.tokens[0], DTU_E_CLOSED);
  outbox.complete(t.tokens[2], DTU_E_IO);
  EXPECT_EQ(take(outbox).texts, (Texts{"a", "c", "d", "e"}));
  EXPECT_EQ(outbox.counters().resent, 3U);
}

TEST(Outbox, NotTakenStaysAtTheFront) {
  Outbox outbox(limits(100, Policy::drop_oldest));
  for (const char* text : {"a", "b", "c"}) outbox.push(message(text));
  outbox.push(message("cmd", DTU_MSG_COMMAND));
  EXPECT_EQ(take(outbox).texts, (Texts{"cmd", "a", "b", "c"}));
  outbox.untake(3);
  EXPECT_EQ(outbox.in_flight(), 1U);
  EXPECT_EQ(take(outbox).texts, (Texts{"a", "b", "c"}));
  outbox.untake(3);
  EXPECT_EQ(take(outbox).texts, (Texts{"a", "b", "c"}));
}

TEST(Outbox, AnswersGoFirstAndHaveRoomOfTheirOwn) {
  Outbox outbox(limits(2, Policy::drop_newest));
  outbox.push(message("a"));
  outbox.push(message("b"));
  EXPECT_FALSE(outbox.push(message("c")));
  EXPECT_TRUE(outbox.push(message("answer", DTU_MSG_COMMAND)));
  EXPECT_EQ(outbox.answers_waiting(), 1U);
  EXPECT_EQ(take(outbox).texts, (Texts{"answer", "a", "b"}));
}

TEST(Outbox, AStoppedChannelGivesAllBackInOrder) {
  Outbox outbox(limits(100, Policy::drop_oldest));
  for (const char* text : {"a", "b", "c", "d", "e"}) outbox.push(message(text));
  const Taken t = take(outbox);
  outbox.complete(t.tokens[0], DTU_OK);
  outbox.complete(t.tokens[2], DTU_OK);
  outbox.return_all();
  EXPECT_EQ(outbox.in_flight(), 0U);
  EXPECT_FALSE(outbox.complete(t.tokens[1], DTU_OK)) << "a token of the run before";
  EXPECT_EQ(take(outbox).texts, (Texts{"b", "d", "e"}));
}

TEST(Outbox, DropOldestKeepsTheNewestAndCounts) {
  Outbox outbox(limits(3, Policy::drop_oldest));
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(outbox.push(message(std::to_string(i))));
  EXPECT_EQ(outbox.counters().dropped, 7U);
  const Taken t = take(outbox);
  EXPECT_EQ(t.texts, (Texts{"7", "8"}));
  for (const uint64_t token : t.tokens) outbox.complete(token, DTU_OK);
  EXPECT_EQ(take(outbox).texts, (Texts{"9"}));
}

// A slow channel that takes all it gets had all of the outbox in flight, and then the newest was dropped.
TEST(Outbox, DropOldestLetsAChannelHaveHalfAndKeepsTheNewest) {
  Outbox outbox(limits(4, Policy::drop_oldest));
  for (const char* text : {"a", "b", "c", "d"}) outbox.push(message(text));
  const Taken t = take(outbox);
  EXPECT_EQ(t.texts, (Texts{"a", "b"}));
  EXPECT_FALSE(outbox.has_waiting());
  EXPECT_TRUE(take(outbox).texts.empty());
  for (const char* text : {"e", "f", "g"}) EXPECT_TRUE(outbox.push(message(text)));
  EXPECT_EQ(outbox.counters().dropped, 3U) << "c, d and e";
  outbox.complete(t.tokens[0], DTU_OK);
  EXPECT_TRUE(outbox.has_waiting());
  EXPECT_EQ(take(outbox).texts, (Texts{"f"}));
  outbox.return_all();
  EXPECT_EQ(take(outbox).texts, (Texts{"b", "f"}));
}

TEST(Outbox, DropOldestLetsAChannelHaveHalfOfTheBytes) {
  Outbox outbox(limits(1000, Policy::drop_oldest, 100));
  outbox.push(message(std::string(60, 'x')));
  outbox.push(message("y"));
  outbox.push(message("z"));
  EXPECT_EQ(take(outbox).texts, (Texts{std::string(60, 'x')})) << "one may always go";
  EXPECT_TRUE(outbox.push(message(std::string(60, 'n'))));
  EXPECT_TRUE(outbox.push(message("newest"))) << "the oldest that waited went";
}

TEST(Outbox, OneMessageOfRoomIsOneInFlight) {
  Outbox outbox(limits(1, Policy::drop_oldest));
  outbox.push(message("a"));
  const Taken t = take(outbox);
  EXPECT_EQ(t.texts, (Texts{"a"}));
  EXPECT_FALSE(outbox.push(message("c"))) << "nothing waits, so the newest goes";
  EXPECT_EQ(outbox.counters().dropped, 1U);
  outbox.complete(t.tokens[0], DTU_OK);
  EXPECT_TRUE(outbox.push(message("d")));
}

TEST(Outbox, BoundsCountBytesToo) {
  Outbox outbox(limits(1000, Policy::drop_newest, 100));
  EXPECT_TRUE(outbox.push(message(std::string(60, 'x'))));
  EXPECT_TRUE(outbox.push(message(std::string(60, 'y'))));
  EXPECT_TRUE(outbox.full());
  EXPECT_FALSE(outbox.push(message("z")));
  EXPECT_EQ(outbox.bytes(), 120U);
}

TEST(Outbox, BlockTakesAChunkThatBecameManyButNotWithoutEnd) {
  Outbox outbox(limits(10, Policy::block));
  for (uint64_t i = 0; i < 10 + Outbox::kChunkMessages; ++i) ASSERT_TRUE(outbox.push(message("x")));
  EXPECT_TRUE(outbox.full());
  EXPECT_FALSE(outbox.push(message("x")));
  EXPECT_EQ(outbox.counters().dropped, 1U);
}

TEST(Outbox, RoomIsToldOnlyWellBelowTheBound) {
  Outbox outbox(limits(8, Policy::block));
  for (int i = 0; i < 8; ++i) outbox.push(message("x"));
  const Taken t = take(outbox);
  outbox.complete(t.tokens[0], DTU_OK);
  EXPECT_FALSE(outbox.full());
  EXPECT_FALSE(outbox.has_room());
  outbox.complete(t.tokens[1], DTU_OK);
  outbox.complete(t.tokens[2], DTU_OK);
  EXPECT_TRUE(outbox.has_room());
}

TEST(Outbox, RejectedIsForgottenAndCountedApart) {
  Outbox outbox(limits(8, Policy::block));
  outbox.push(message("too large for this broker"));
  outbox.complete(take(outbox).tokens[0], DTU_E_INVALID);
  EXPECT_EQ(outbox.messages(), 0U);
  EXPECT_EQ(outbox.counters().rejected, 1U);
  EXPECT_EQ(outbox.counters().delivered, 0U);
}

TEST(Outbox, WhatIsSentUnconfirmedOrDroppedByTheChannelIsNotDelivered) {
  Outbox outbox(limits(8, Policy::block));
  for (const char* text : {"a", "b", "c"}) outbox.push(message(text));
  const Taken t = take(outbox);
  outbox.complete(t.tokens[0], DTU_UNCONFIRMED);
  outbox.complete(t.tokens[1], DTU_E_DROPPED);
  outbox.complete(t.tokens[2], DTU_OK);
  const auto counters = outbox.counters();
  EXPECT_EQ(counters.unconfirmed, 1U);
  EXPECT_EQ(counters.dropped, 1U);
  EXPECT_EQ(counters.no_receiver, 1U);
  EXPECT_EQ(counters.delivered, 1U);
  EXPECT_EQ(counters.resent, 0U);
  EXPECT_EQ(outbox.messages(), 0U);
}

TEST(Outbox, WhatIsLongerThanMaxMessageIsRejectedAlsoIfItWaitedBefore) {
  Outbox outbox(limits(8, Policy::block));
  std::vector<uint64_t> bytes;
  outbox.on_rejected([&](Rejected reason, uint64_t n) {
    EXPECT_EQ(reason, Rejected::max_message);
    bytes.push_back(n);
  });
  outbox.push(message("long"));
  outbox.push(message("a"));
  OutboxLimits bounded = limits(8, Policy::block);
  bounded.max_message = 3;
  outbox.set_limits(bounded);
  EXPECT_FALSE(outbox.push(message("longer")));
  EXPECT_FALSE(outbox.push(message("an answer", DTU_MSG_COMMAND)));
  EXPECT_TRUE(outbox.push(message("abc")));
  EXPECT_EQ(take(outbox).texts, (Texts{"a", "abc"}));
  EXPECT_EQ(bytes, (std::vector<uint64_t>{6, 9, 4}));
  const auto rejection = outbox.counters().rejections.at(static_cast<size_t>(Rejected::max_message));
  EXPECT_EQ(rejection.messages, 3U);
  EXPECT_EQ(rejection.bytes, 19U);
  EXPECT_EQ(rejection.last_bytes, 4U);
}

// Every message is delivered exactly once or still there, whatever the channel does; in order when it only fails.
TEST(Outbox, NothingIsLostOrDoubledUnderRandomChannels) {
  for (uint32_t seed = 1; seed <= 30; ++seed) {
    std::minstd_rand random(seed);
    Outbox outbox(limits(10000, Policy::block));
    std::vector<std::pair<uint64_t, std::string>> open;
    std::set<std::string> delivered;
    int pushed = 0;
    for (int step = 0; step < 3000; ++step) {
      switch (random() % 6) {
        case 0:
        case 1:
          outbox.push(message(std::to_string(pushed++)));
          break;
        case 2: {
          const Taken t = take(outbox);
          const auto kept = static_cast<uint32_t>(t.tokens.empty() ? 0 : random() % (t.tokens.size() + 1));
          outbox.untake(static_cast<uint32_t>(t.tokens.size()) - kept);
          for (uint32_t i = 0; i < kept; ++i) open.emplace_back(t.tokens[i], t.texts[i]);
          break;
        }
        case 3:
          if (random() % 20 == 0) {
            outbox.return_all();
            open.clear();
          }
          break;
        default:
          if (!open.empty()) {
            const size_t i = random() % open.size();
            const bool ok = random() % 3 != 0;
            ASSERT_TRUE(outbox.complete(open[i].first, ok ? DTU_OK : DTU_E_CLOSED));
            if (ok) {
              ASSERT_TRUE(delivered.insert(open[i].second).second) << "twice: " << open[i].second;
            }
            open.erase(open.begin() + static_cast<ptrdiff_t>(i));
          }
      }
      ASSERT_EQ(outbox.messages() + delivered.size(), static_cast<size_t>(pushed));
      ASSERT_EQ(outbox.in_flight(), open.size());
    }
    outbox.return_all();
    int last = -1;
    for (Taken t = take(outbox); !t.texts.empty(); t = take(outbox))
      for (size_t i = 0; i < t.texts.size(); ++i) {
        EXPECT_GT(std::stoi(t.texts[i]), last) << "order";
        last = std::stoi(t.texts[i]);
        ASSERT_TRUE(delivered.insert(t.texts[i]).second);
        outbox.complete(t.tokens[i], DTU_OK);
      }
    EXPECT_EQ(delivered.size(), static_cast<size_t>(pushed));
    EXPECT_EQ(outbox.bytes(), 0U);
  }
}

TEST(KeptMessage, SharesALargeBufferOnlyWithALargePayload) {
  dtu_buf* buffer = allocate_buffer(4096);
  ASSERT_NE(buffer, nullptr);
  dtu_msg m{};
  m.owner = buffer;
  m.payload = {reinterpret_cast<const char*>(buffer->bytes()), 64};
  EXPECT_NE(KeptMessage::keep(m).view(0).owner, buffer) << "64 bytes must not pin 4 KiB";
  m.payload.len = 4000;
  EXPECT_EQ(KeptMessage::keep(m).view(0).owner, buffer);
  unref(buffer);
}

TEST(KeptMessage, CarriesItsRoute) {
  dtu_msg m{};
  m.payload = {"payload", 7};
  m.route = {"12", 2};
  const KeptMessage kept = KeptMessage::keep(m);
  const dtu_msg v = kept.view(9);
  EXPECT_EQ(std::string(v.route.ptr, v.route.len), "12");
  EXPECT_EQ(std::string(v.payload.ptr, v.payload.len), "payload");
  EXPECT_EQ(v.token, 9U);
}

TEST(Buffer, NoMoreThanTheLimit) {
  EXPECT_EQ(allocate_buffer(uint64_t{4} << 30U), nullptr);
  EXPECT_EQ(allocate_buffer(~uint64_t{0}), nullptr);
  dtu_buf* largest = allocate_buffer(DTU_PAYLOAD_MAX);
  ASSERT_NE(largest, nullptr);
  unref(largest);
}

}  // namespace
}  // namespace dtud::routing
