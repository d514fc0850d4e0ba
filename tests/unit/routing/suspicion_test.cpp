// A message the peer never takes costs itself and nothing else; a peer or a network that fails costs nothing.
#include "routing/suspicion.hpp"

#include <dtu/channel.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <string>
#include <vector>

namespace dtud::routing {
namespace {

constexpr int64_t kMs = 1'000'000;
using Texts = std::vector<std::string>;

// A channel to a peer, with a clock of its own. What the router does with the outbox and the suspicion, in short.
class Rig {
 public:
  explicit Rig(uint32_t messages = 20, OutboxLimits limits = {1000, 1U << 20U, Policy::block}) : outbox_(limits) {
    for (uint32_t i = 0; i < messages; ++i) push(std::to_string(i));
    outbox_.on_rejected([this](Rejected reason, uint64_t bytes) {
      EXPECT_EQ(reason, Rejected::closed);
      rejected_bytes.push_back(bytes);
    });
  }
  void push(const std::string& text, uint32_t flags = 0) {
    dtu_msg m{};
    m.payload = {text.data(), text.size()};
    m.flags = flags;
    ASSERT_TRUE(outbox_.push(KeptMessage::keep(m)));
    pushed.push_back(text);
  }
  // The channel connects: the registration message goes first.
  void connect(const std::string& hello) {
    dtu_msg registration{};
    registration.payload = {hello.data(), hello.size()};
    outbox_.push_registration(KeptMessage::keep(registration));
    up();
  }
  // Once nothing waits: what was not delivered.
  [[nodiscard]] std::vector<std::string> rejected() const {
    EXPECT_EQ(outbox_.messages(), 0U);
    std::vector<std::string> texts;
    for (const std::string& text : pushed)
      if (std::find(delivered.begin(), delivered.end(), text) == delivered.end()) texts.push_back(text);
    return texts;
  }
  [[nodiscard]] bool in_order() const {
    return std::is_sorted(delivered.begin(), delivered.end(),
                          [](const std::string& a, const std::string& b) { return std::stoi(a) < std::stoi(b); });
  }
  void pass(int64_t ms) { now_ += ms * kMs; }
  void up() { suspicion_.up(now_); }
  void down() { suspicion_.down(outbox_); }
  // Sends what may be sent now, waiting for it when it has to. The texts of what is in flight then.
  std::vector<std::string> send() {
    for (int turns = 0; turns < 100 && outbox_.has_waiting(); ++turns) {
      uint32_t most = Outbox::kBatch;
      if (suspicion_.any()) {
        const auto allowed = suspicion_.allowed(outbox_, now_);
        if (allowed.messages == 0 && outbox_.in_flight() != 0) break;
        if (allowed.messages == 0) {
          waited_ms += (allowed.ask_again_ns - now_) / kMs;
          now_ = allowed.ask_again_ns;
          continue;
        }
        most = allowed.messages;
      }
      std::array<dtu_msg, Outbox::kBatch> msgs;
      const uint32_t n = outbox_.take(msgs.data(), most);
      if (n == 0 && outbox_.in_flight() == 0) continue;
      if (n == 0) break;
      if (outbox_.took_alone()) suspicion_.alone();
      if (suspicion_.any()) suspicion_.sent(now_);
      for (uint32_t i = 0; i < n; ++i)
        flight.push_back({msgs[i].token, std::string(msgs[i].payload.ptr, msgs[i].payload.len)});
      outbox_.untake(0);
    }
    std::vector<std::string> texts;
    for (const auto& [token, text] : flight) texts.push_back(text);
    return texts;
  }
  // The oldest in flight, or all of it.
  void complete(dtu_status status, bool all = false) {
    do {
      const auto [token, text] = flight.front();
      flight.erase(flight.begin());
      const bool reject = status == DTU_E_REFUSED && suspicion_.refused(outbox_, token, now_);
      using End = Suspicion::End;
      if (suspicion_.any() && status != DTU_E_REFUSED)
        suspicion_.completed(outbox_, token, status == DTU_OK ? End::confirmed : End::kept);
      ASSERT_TRUE(reject ? outbox_.reject(token) : outbox_.complete(token, status));
      if (status == DTU_OK) delivered.push_back(text);
    } while (all && !flight.empty());
  }
  // The peer closes, and the channel connects again.
  void closed_by_peer(int64_t after_ms = 5) {
    pass(after_ms);
    complete(DTU_E_REFUSED, true);
    down();
    pass(10);
    up();
  }
  // Goes on until all is gone or the peer closed so often. It closes when it is sent something bad, before it confirms.
  size_t run(const std::function<bool(const std::string&)>& is_bad, size_t most_closes = 200) {
    for (size_t closes = 0; outbox_.messages() != 0;) {
      const auto texts = send();
      if (texts.empty()) ADD_FAILURE() << "nothing is sent any more";
      if (texts.empty() || testing::Test::HasFatalFailure()) return closes;
      bool closed = false;
      for (const std::string& text : texts) closed = closed || is_bad(text);
      if (!closed) {
        pass(20);
        complete(DTU_OK, true);
      } else {
        if (++closes > most_closes) return closes;
        closed_by_peer();
      }
    }
    return 0;
  }

  Suspicion suspicion_;
  Outbox outbox_;
  int64_t now_ = 1000 * kMs, waited_ms = 0;
  std::vector<std::pair<uint64_t, std::string>> flight;
  std::vector<std::string> pushed, delivered;
  std::vector<uint64_t> rejected_bytes;
};

TEST(Suspicion, TheOneThatIsNeverTakenIsRejectedAndTheRestGoesOn) {
  Rig rig;
  rig.up();
  EXPECT_EQ(rig.run([](const std::string& text) { return text == "13"; }), 0U);
  EXPECT_EQ(rig.rejected(), Texts{"13"});
  EXPECT_EQ(rig.rejected_bytes, std::vector<uint64_t>{2});
  EXPECT_EQ(rig.delivered.size(), 19U);
  EXPECT_TRUE(rig.in_order());
  EXPECT_EQ(rig.outbox_.counters().rejected, 1U);
  EXPECT_FALSE(rig.suspicion_.any());
}

TEST(Suspicion, SeveralAreFoundWhereverTheyStand) {
  Rig rig(41);
  rig.up();
  const std::set<std::string> bad{"0", "1", "2", "17", "18", "39"};
  rig.push("answer", DTU_MSG_COMMAND);
  EXPECT_EQ(rig.run([&](const std::string& text) { return bad.count(text) != 0; }), 0U);
  const Texts rejected = rig.rejected();
  EXPECT_EQ(std::set<std::string>(rejected.begin(), rejected.end()), bad);
  EXPECT_EQ(rig.delivered.size(), 36U);
}

TEST(Suspicion, AnAnswerIsFoundToo) {
  Rig rig;
  rig.push("answer", DTU_MSG_COMMAND);
  rig.up();
  EXPECT_EQ(rig.run([](const std::string& text) { return text == "answer"; }), 0U);
  EXPECT_EQ(rig.rejected(), Texts{"answer"});
  EXPECT_EQ(rig.delivered.size(), 20U);
}

// The second one costs fewer connections, and the messages beside it are not sent again.
TEST(Suspicion, OneAsLongAsARejectedOneGoesAlone) {
  Rig rig(0);
  const std::string bad(300, 'x');
  const auto is_bad = [](const std::string& text) { return text.size() >= 300; };
  rig.push(bad);
  rig.push("good");
  rig.up();
  EXPECT_EQ(rig.run(is_bad), 0U);
  ASSERT_EQ(rig.rejected().size(), 1U);
  const uint64_t resent = rig.outbox_.counters().resent;
  rig.pass(60'000);
  for (const std::string& text : {std::string("a"), std::string("b"), bad + "!", std::string("c")}) rig.push(text);
  EXPECT_EQ(rig.send(), (Texts{"a", "b"}));
  rig.complete(DTU_OK, true);
  EXPECT_EQ(rig.send(), Texts{bad + "!"});
  EXPECT_EQ(rig.run(is_bad), 0U);
  EXPECT_EQ(rig.rejected().size(), 2U);
  EXPECT_EQ(rig.outbox_.counters().resent - resent, 2U) << "closed twice for it, and the others had nothing to do";
  // One of that length is taken after all: then it was not the length.
  rig.push(std::string(400, 'y'));
  EXPECT_EQ(rig.send().size(), 1U);
  rig.complete(DTU_OK);
  rig.push(std::string(500, 'z'));
  rig.push("d");
  EXPECT_EQ(rig.send().size(), 2U);
}

// A server that restarts: it closes once, and later takes what it did not confirm.
TEST(Suspicion, APeerThatClosedOnceCostsNothing) {
  Rig rig;
  rig.up();
  EXPECT_EQ(rig.send().size(), 20U);
  rig.closed_by_peer();
  EXPECT_EQ(rig.send(), Texts{"0"});
  rig.complete(DTU_OK);
  EXPECT_EQ(rig.send(), (Texts{"1", "2"})) << "twice as many each time";
  rig.complete(DTU_OK, true);
  EXPECT_EQ(rig.send().size(), 4U);
  rig.complete(DTU_OK, true);
  EXPECT_EQ(rig.run([](const std::string&) { return false; }), 0U);
  EXPECT_EQ(rig.delivered.size(), 20U);
  EXPECT_EQ(rig.outbox_.counters().rejected, 0U);
  EXPECT_EQ(rig.waited_ms, 0);
}

// A proxy whose server is gone: every connection is closed a moment after it was made, whatever is sent.
TEST(Suspicion, APeerThatClosesEveryConnectionCostsNothing) {
  Rig rig(3);
  for (int life = 0; life < 100; ++life) {
    rig.up();
    const int64_t began = rig.now_;
    (void)rig.send();
    if (rig.now_ - began > 50 * kMs) {  // it closed while we waited for the connection to settle
      rig.now_ = began;
      // Nothing went out on this connection.
      for (const auto& [token, text] : rig.flight) ASSERT_TRUE(rig.outbox_.complete(token, DTU_E_CLOSED)) << text;
      rig.flight.clear();
      rig.suspicion_.up(rig.now_);
      rig.down();
      rig.pass(50);
      continue;
    }
    rig.pass(50);
    if (!rig.flight.empty()) rig.complete(DTU_E_REFUSED, true);
    rig.down();
    rig.pass(10);
  }
  EXPECT_EQ(rig.outbox_.counters().rejected, 0U);
  EXPECT_EQ(rig.outbox_.messages(), 3U);
}

// A proxy that gives up on its server after a fixed time, just when a message was sent.
TEST(Suspicion, APeerThatClosesEachConnectionAfterTheSameTimeCostsNothing) {
  for (const int64_t lives_ms : {100, 1900, 2050, 2200, 2400, 3100, 5000, 8000, 11'000, 12'400, 20'000}) {
    Rig rig(3);
    for (int life = 0; life < 50; ++life) {
      rig.up();
      const int64_t ends = rig.now_ + lives_ms * kMs;
      // Sends in time, or the connection is closed before.
      while (rig.flight.empty() && rig.now_ < ends) {
        Suspicion::Allowed allowed;
        if (rig.suspicion_.any()) allowed = rig.suspicion_.allowed(rig.outbox_, rig.now_);
        if (allowed.messages != 0)
          (void)rig.send();
        else
          rig.now_ = std::min(ends, allowed.ask_again_ns);
      }
      rig.now_ = ends;
      if (!rig.flight.empty()) rig.complete(DTU_E_REFUSED, true);
      rig.down();
      rig.pass(300);
    }
    EXPECT_EQ(rig.outbox_.counters().rejected, 0U) << lives_ms;
  }
}

// The link is lost between the closes: then those say nothing.
TEST(Suspicion, ALinkThatFailsClearsTheMessage) {
  Rig rig(1);
  for (int round = 0; round < 20; ++round) {
    for (int closes = 0; closes < 2; ++closes) {
      rig.up();
      ASSERT_EQ(rig.send(), Texts{"0"});
      rig.closed_by_peer();
    }
    ASSERT_EQ(rig.send(), Texts{"0"});
    rig.complete(DTU_E_CLOSED);
    rig.down();
    EXPECT_FALSE(rig.suspicion_.any());
  }
  EXPECT_EQ(rig.outbox_.counters().rejected, 0U);
}

// Only a close soon after the message counts. One that neither closes nor confirms does not hold up the others.
TEST(Suspicion, ACloseLongAfterItDoesNotCountAndSilenceEndsTheCare) {
  Rig rig(3);
  rig.up();
  (void)rig.send();
  rig.closed_by_peer();
  for (int i = 0; i < 10; ++i) {
    ASSERT_EQ(rig.send(), Texts{"0"});
    rig.closed_by_peer(60'000);
  }
  EXPECT_EQ(rig.outbox_.counters().rejected, 0U);
  ASSERT_EQ(rig.send(), Texts{"0"});
  rig.pass(60'000);
  const auto allowed = rig.suspicion_.allowed(rig.outbox_, rig.now_);
  EXPECT_EQ(allowed.messages, Outbox::kBatch);
  EXPECT_FALSE(rig.suspicion_.any());
  EXPECT_EQ(rig.send(), (Texts{"0", "1", "2"}));
}

// A slow peer: what the connection has to be up for before grows with the time it takes to close.
TEST(Suspicion, ASlowLinkIsGivenLonger) {
  Rig rig(2);
  rig.up();
  for (int closes = 0; closes < 10 && rig.outbox_.counters().rejected == 0; ++closes) {
    if (rig.send() == Texts{"1"})
      rig.complete(DTU_OK);
    else
      rig.closed_by_peer(4000);
  }
  EXPECT_EQ(rig.rejected(), Texts{"0"});
  EXPECT_GE(rig.waited_ms, 2 * 16'000);
}

// A channel that stays up and says that its peer refused this one, for now.
TEST(Suspicion, RefusedOnALivingConnectionCountsAsWell) {
  Rig rig(3);
  rig.up();
  rig.pass(10'000);
  for (int times = 0; times < 4; ++times) {
    EXPECT_EQ(rig.send().front(), "0");
    rig.complete(DTU_E_REFUSED);
    if (!rig.flight.empty()) rig.complete(DTU_OK, true);
    rig.pass(1000);
  }
  EXPECT_EQ(rig.outbox_.messages(), 1U);
  rig.push("later");
  EXPECT_EQ(rig.send(), Texts{"0"}) << "in its order";
  rig.complete(DTU_E_REFUSED);
  EXPECT_EQ(rig.send(), Texts{"later"});
  rig.complete(DTU_OK);
  EXPECT_EQ(rig.send(), Texts{"0"}) << "the peer may have begun to take messages";
  rig.complete(DTU_E_REFUSED);
  EXPECT_EQ(rig.rejected(), Texts{"0"});
  EXPECT_EQ(rig.delivered, (Texts{"1", "2", "later"}));
}

// A broker whose disk is full, or a proxy that checks nothing until something is sent: it closes for each message. When
// it takes messages again, all are there. One of them may have been the first, to see whether the peer takes it.
TEST(Suspicion, APeerThatTakesNothingForAWhileCostsNothing) {
  size_t in_order = 0;
  constexpr int kLongest = 300;  // seconds
  for (int seconds = 1; seconds <= kLongest; ++seconds) {
    Rig rig(20);
    rig.up();
    const int64_t ends = rig.now_ + seconds * 1000 * kMs;
    ASSERT_EQ(rig.run([&](const std::string&) { return rig.now_ < ends; }), 0U);
    EXPECT_EQ(rig.rejected(), Texts{}) << seconds;
    const Texts came = rig.delivered;
    if (rig.in_order()) {
      ++in_order;
    } else {
      rig.delivered.erase(rig.delivered.begin());
      EXPECT_TRUE(rig.in_order()) << seconds;
    }
    EXPECT_EQ(rig.outbox_.counters().overtaken, std::stoul(came.front())) << seconds;
  }
  EXPECT_GE(in_order, kLongest / 2U);
}

// It fails again as soon as it took the one that was sent to compare.
TEST(Suspicion, APeerThatTakesOneMessageBetweenTwoOutagesCostsNothingButThoseItRefusedTwice) {
  Rig rig(20);
  rig.up();
  bool taken = false;
  const int64_t ends = rig.now_ + 60'000 * kMs;
  ASSERT_EQ(rig.run([&](const std::string&) {
    if (rig.now_ >= ends) return false;
    if (rig.outbox_.any_aside() && !taken) return !(taken = true);
    return true;
  }),
            0U);
  EXPECT_EQ(rig.rejected(), Texts{"0"});
}

// The time the peer needs, and what the reconnecting takes, is not in it: the pauses of the search are.
TEST(Suspicion, ARunOfThemIsFoundSoon) {
  for (const auto& [bad, seconds] : {std::pair{2, 20}, {3, 30}, {5, 50}, {9, 90}, {40, 1200}}) {
    Rig rig(static_cast<uint32_t>(bad) + 5);
    rig.up();
    const auto is_bad = [bad = bad](const std::string& text) { return std::stoi(text) < bad; };
    const int64_t began = rig.now_;
    int64_t first = 0;
    ASSERT_EQ(rig.run([&](const std::string& text) {
      if (first == 0 && !rig.delivered.empty()) first = rig.now_;
      return is_bad(text);
    }),
              0U);
    EXPECT_EQ(rig.rejected().size(), static_cast<size_t>(bad));
    EXPECT_TRUE(rig.in_order());
    EXPECT_EQ(rig.outbox_.counters().overtaken, 0U);
    EXPECT_LE(rig.now_ - began, seconds * 1000 * kMs) << bad;
    RecordProperty("seconds until the first good one, of " + std::to_string(bad) + " bad ones",
                   std::to_string((first - began) / (1000 * kMs)));
  }
}

// It holds nothing to compare with, and takes nothing more as it stands.
TEST(Suspicion, AnOutboxThatIsFullOfThemTakesOneToCompareWith) {
  for (const Policy policy : {Policy::block, Policy::drop_newest}) {
    Rig rig(3, {3, 1U << 20U, policy});
    rig.up();
    ASSERT_TRUE(rig.outbox_.full());
    for (int closes = 0; closes < 20 && rig.outbox_.full(); ++closes) {
      ASSERT_FALSE(rig.send().empty());
      rig.closed_by_peer();
    }
    ASSERT_FALSE(rig.outbox_.full());
    EXPECT_TRUE(rig.outbox_.has_room());
    rig.push("3");
    EXPECT_TRUE(rig.outbox_.full()) << "one";
    EXPECT_EQ(rig.run([](const std::string& text) { return text != "3"; }), 0U);
    EXPECT_EQ(rig.rejected(), (Texts{"0", "1", "2"}));
  }
}

// A peer that takes nothing: the bound is one.
TEST(Suspicion, AnOutboxThatIsFullOfThemDoesNotGrowWithoutEnd) {
  Rig rig(3, {3, 1U << 20U, Policy::block});
  rig.up();
  for (int closes = 0; closes < 2000; ++closes) {
    ASSERT_FALSE(rig.send().empty());
    rig.closed_by_peer();
    if (!rig.outbox_.full()) rig.push(std::to_string(rig.pushed.size()));
  }
  EXPECT_EQ(rig.outbox_.messages(), 3U + 64);
  EXPECT_EQ(rig.run([](const std::string&) { return false; }), 0U);
  EXPECT_EQ(rig.rejected(), Texts{});
}

// A suspect and nobody to compare with: the peer is asked now and then. The next message ends that.
TEST(Suspicion, WhileNoOtherMessageWaitsTheSuspectIsSentSeldom) {
  Rig rig(1);
  rig.up();
  size_t closes = 0;
  for (const int64_t end = rig.now_ + 3600 * 1000 * kMs; rig.now_ < end; ++closes) {
    ASSERT_EQ(rig.send(), Texts{"0"});
    rig.closed_by_peer();
  }
  EXPECT_EQ(rig.outbox_.counters().rejected, 0U);
  EXPECT_LE(closes, 25U) << "in an hour";
  EXPECT_TRUE(rig.suspicion_.takes_nothing());
  EXPECT_FALSE(rig.suspicion_.takes_nothing()) << "once";
  // The connection is lost for another reason meanwhile.
  rig.down();
  rig.up();
  rig.push("1");
  const int64_t came = rig.now_;
  EXPECT_EQ(rig.run([](const std::string& text) { return text == "0"; }), 0U);
  EXPECT_EQ(rig.rejected(), Texts{"0"});
  EXPECT_LE(rig.now_ - came, 10'000 * kMs);
}

// The peer mends while the suspect waits alone.
TEST(Suspicion, ASuspectThatWaitedAloneIsTakenBeforeTheNextOne) {
  Rig rig(1);
  rig.up();
  for (int closes = 0; closes < 10; ++closes) {
    (void)rig.send();
    rig.closed_by_peer();
  }
  rig.push("1");
  EXPECT_EQ(rig.run([](const std::string&) { return false; }), 0U);
  EXPECT_EQ(rig.delivered, (Texts{"0", "1"}));
}

// The message that was to be tried instead is dropped, by its length.
TEST(Suspicion, ASuspectThatWasSetAsideIsNotForgotten) {
  Rig rig(1);
  rig.push(std::string(100, 'x'));
  rig.up();
  while (!rig.outbox_.any_aside()) {
    ASSERT_FALSE(rig.send().empty());
    rig.closed_by_peer();
  }
  rig.outbox_.set_limits({1000, 1U << 20U, Policy::block, 50});
  rig.outbox_.on_rejected(nullptr);
  EXPECT_EQ(rig.send(), Texts{"0"});
}

// The registration message goes first over each connection, and is taken. Others may not be taken all the same.
TEST(Suspicion, ARegistrationThatIsTakenProvesNothing) {
  Rig rig(2);
  const std::string hello = "hello";
  bool bad = true;
  for (int closes = 0; closes < 50; ++closes) {
    if (closes == 40) bad = false;
    rig.connect(hello);
    while (rig.send().front() == hello || (!bad && !rig.flight.empty())) {
      rig.complete(DTU_OK);
      if (rig.outbox_.messages() == 0) break;
    }
    if (rig.outbox_.messages() == 0) break;
    rig.pass(5);
    rig.complete(DTU_E_REFUSED, true);
    rig.down();
    rig.pass(10);
  }
  EXPECT_EQ(rig.outbox_.counters().rejected, 0U);
  EXPECT_EQ(rig.outbox_.messages(), 0U);
}

// The registration message is the one: what waits goes without it.
TEST(Suspicion, ARegistrationThatIsNeverTakenStopsNobody) {
  Rig rig(3);
  const std::string hello = "hello";
  for (int closes = 0; closes < 20 && rig.outbox_.counters().rejected == 0; ++closes) {
    rig.connect(hello);
    const Texts texts = rig.send();
    rig.pass(5);
    if (texts.front() != hello) {
      rig.complete(DTU_OK, true);
      continue;
    }
    rig.complete(DTU_E_REFUSED, true);
    rig.down();
    rig.pass(10);
  }
  EXPECT_EQ(rig.outbox_.counters().rejected, 1U);
  EXPECT_EQ(rig.run([](const std::string&) { return false; }), 0U);
  EXPECT_EQ(rig.delivered, (Texts{"0", "1", "2"}));
}

}  // namespace
}  // namespace dtud::routing
