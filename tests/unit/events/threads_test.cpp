// Subscribers on lanes of their own: nobody waits for a slow one, and what is told while they come is neither missed
// nor told twice.
#include <gmock/gmock.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>
#include <thread>

#include "subscriber.hpp"

namespace dtud::events {
namespace {

constexpr std::chrono::seconds kPatience{60};

class RunningLane {
 public:
  explicit RunningLane(const std::string& name) : lane_(name), thread_([this] { lane_.run(); }) {}
  ~RunningLane() {
    lane_.stop();
    thread_.join();
  }
  Lane& get() { return lane_; }
  void on(const std::function<void()>& fn) {
    std::promise<void> done;
    lane_.post([&] {
      fn();
      done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(kPatience), std::future_status::ready);
  }

 private:
  Lane lane_;
  std::thread thread_;
};

// Held up inside its function until it is let go.
class Gate {
 public:
  void pass() {
    std::unique_lock<std::mutex> lock(mutex_);
    ++waiting_;
    changed_.notify_all();
    changed_.wait_for(lock, kPatience, [this] { return open_; });
  }
  void wait_for_one() {
    std::unique_lock<std::mutex> lock(mutex_);
    ASSERT_TRUE(changed_.wait_for(lock, kPatience, [this] { return waiting_ > 0; }));
  }
  void open() {
    const std::lock_guard<std::mutex> lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int waiting_ = 0;
  bool open_ = false;
};

// What is told last, so that a subscriber knows that it has seen everything.
const Declared kEnd{"sms.end", "", "", 0};

TEST(EventThreads, NineSubscribersGetEverythingWhileTheTenthSleeps) {
  constexpr uint64_t kEvents = 20'000;
  RunningLane main("main");
  Hub hub(main.get());
  struct One {
    explicit One(Hub& hub, int i) : lane("lane " + std::to_string(i)), subscriber(hub, lane.get()) {}
    RunningLane lane;
    Subscriber subscriber;
    Subscriber::Subscription subscription{};
    std::promise<void> ended;
    std::atomic<uint64_t> got{0}, missed{0};
  };
  std::vector<std::unique_ptr<One>> all;
  Gate gate;
  for (int i = 0; i < 10; ++i) {
    One& one = *all.emplace_back(std::make_unique<One>(hub, i));
    one.subscription.then = [&one, &gate, i](const Seen& s) {
      one.missed += s.missed;
      one.got += 1;
      if (s.name == "sms.end") one.ended.set_value();
      if (i == 9 && one.got == 1) gate.pass();
    };
    one.lane.on([&] { ASSERT_EQ(one.subscriber.subscribe(one.subscription, "sms."), DTU_OK); });
  }
  // The publisher goes on when the nine have taken what was told, so that they miss nothing.
  main.on([&] { hub.publish("hal", kNews, "{}"); });
  gate.wait_for_one();
  for (uint64_t told = 1; told < kEvents;) {
    main.on([&] {
      for (int i = 0; i < 100 && told < kEvents; ++i, ++told) hub.publish("hal", kNews, "{}");
    });
    for (int i = 0; i < 9; ++i) all[static_cast<size_t>(i)]->lane.on([] {});
  }
  EXPECT_EQ(all[9]->got, 1U) << "the slow one is still inside its first event";
  main.on([&] { hub.publish("hal", kEnd, "{}"); });
  gate.open();
  for (const auto& one : all) ASSERT_EQ(one->ended.get_future().wait_for(kPatience), std::future_status::ready);
  for (size_t i = 0; i < 9; ++i) {
    EXPECT_EQ(all[i]->got, kEvents + 1) << i;
    EXPECT_EQ(all[i]->missed, 0U) << i;
  }
  EXPECT_EQ(all[9]->got, 1U + Mailbox::kMostEvents);
  EXPECT_EQ(all[9]->got + all[9]->missed, kEvents + 1) << "and is told how many it missed";
  for (const auto& one : all) one->lane.on([&] { one->subscriber.mailbox->release(); });
}

TEST(EventThreads, TenThousandSubscriptionsDuringPublishingMissNothingAndSeeNothingTwice) {
  constexpr int kSubscriptions = 10'000;
  RunningLane main("main"), lane("subscriber");
  Hub hub(main.get());
  Subscriber subscriber(hub, lane.get());
  std::atomic<bool> over{false};
  std::atomic<uint64_t> told{0};
  // A state whose number is its order. Each is told once the one before was delivered: none may be superseded here.
  std::function<void()> publish = [&] {
    if (over) return;
    hub.publish("hal", kState, "{" + std::to_string(++told) + "}");
    lane.get().post([&] { main.get().post(publish); });
  };
  main.get().post(publish);
  int missed = 0, twice = 0, without_last = 0, done = 0;
  for (; done < kSubscriptions; ++done) {
    Subscriber::Subscription s{};
    std::promise<void> enough;
    s.then = [&](const Seen&) {
      if (s.seen.size() == 3) enough.set_value();
    };
    lane.on([&] { ASSERT_EQ(subscriber.subscribe(s, "wifi."), DTU_OK); });
    ASSERT_EQ(enough.get_future().wait_for(kPatience), std::future_status::ready);
    lane.on([&] { ASSERT_TRUE(subscriber.mailbox->unsubscribe(s.id)); });
    const bool first_is_last = (s.seen[0].flags & DTU_EVENT_LAST) != 0;
    if (!first_is_last && s.seen[0].json != "{1}") ++without_last;
    for (size_t i = 1; i < s.seen.size(); ++i) {
      const int step = std::stoi(s.seen[i].json.substr(1)) - std::stoi(s.seen[i - 1].json.substr(1));
      missed += step > 1 ? 1 : 0;
      twice += step < 1 || (s.seen[i].flags & DTU_EVENT_LAST) != 0 ? 1 : 0;
    }
    ASSERT_EQ(s.destroyed, 1);
  }
  over = true;
  EXPECT_EQ(done, kSubscriptions);
  EXPECT_EQ(missed, 0);
  EXPECT_EQ(twice, 0);
  EXPECT_EQ(without_last, 0);
  lane.on([] {});
  main.on([] {});
  lane.on([&] { subscriber.mailbox->release(); });
}

// All of them at once, of 160 instances on eight lanes.
TEST(EventThreads, TenThousandSubscribersAtOnceGetTheLastStateThenEachThatFollows) {
  constexpr size_t kLanes = 8, kInstances = 20, kEach = 63;
  static_assert(kLanes * kInstances * kEach >= 10'000 && kEach <= Mailbox::kMostSubscriptions);
  struct Ear {
    int64_t newest = -1;
    int without_last = 0, wrong = 0;
    static void told(void* ctx, const dtu_event* e) {
      auto& ear = *static_cast<Ear*>(ctx);
      const int64_t n = std::stoll(std::string(e->json.ptr + 1, e->json.len - 1));
      const bool last = (e->flags & DTU_EVENT_LAST) != 0;
      if (ear.newest < 0)
        ear.without_last += last || n == 1 ? 0 : 1;
      else
        ear.wrong += last || n != ear.newest + 1 ? 1 : 0;
      ear.newest = n;
    }
  };
  struct One {
    explicit One(size_t i) : lane("lane " + std::to_string(i)) {}
    RunningLane lane;
    std::deque<Subscriber> instances;
    std::deque<Ear> ears;
    std::function<void()> subscribe;
    std::promise<void> all_there;
  };
  RunningLane main("main");
  Hub hub(main.get());
  std::deque<One> lanes;
  for (size_t i = 0; i < kLanes; ++i) {
    One& one = lanes.emplace_back(i);
    for (size_t k = 0; k < kInstances; ++k) one.instances.emplace_back(hub, one.lane.get());
    // A few a turn, and then it is somebody else's: so that what is told comes in between.
    one.subscribe = [&one, &main] {
      for (int few = 0; few < 3 && one.ears.size() < kInstances * kEach; ++few) {
        Subscriber& to = one.instances[one.ears.size() / kEach];
        constexpr std::string_view kPattern = "wifi.link";
        const dtu_subscription s{sizeof s,  0,       {kPattern.data(), kPattern.size()},
                                 Ear::told, nullptr, &one.ears.emplace_back()};
        uint64_t id = 0;
        ASSERT_EQ(to.hub.subscribe(to.mailbox, &s, &id), DTU_OK);
      }
      if (one.ears.size() == kInstances * kEach) return one.all_there.set_value();
      main.get().post([&one] { one.lane.get().post(one.subscribe); });
    };
  }
  int64_t told = 0;
  const auto publish = [&] {
    main.on([&] { hub.publish("hal", kState, "{" + std::to_string(++told) + "}"); });
    for (One& one : lanes) one.lane.on([] {});  // each is delivered before the next supersedes it
  };
  publish();
  std::deque<std::future<void>> there;
  for (One& one : lanes) {
    there.push_back(one.all_there.get_future());
    one.lane.get().post(one.subscribe);
  }
  for (auto& one : there)
    while (one.wait_for(std::chrono::seconds(0)) != std::future_status::ready) ASSERT_NO_FATAL_FAILURE(publish());
  for (int i = 0; i < 5; ++i) publish();
  for (One& one : lanes)
    one.lane.on([&one] {
      for (Subscriber& s : one.instances) s.mailbox->release();
    });
  EXPECT_GT(told, 10) << "nothing was told while they subscribed";
  size_t ears = 0;
  int64_t behind = 0, without_last = 0, wrong = 0;
  for (One& one : lanes)
    for (const Ear& ear : one.ears) {
      ++ears;
      behind += ear.newest == told ? 0 : 1;
      without_last += ear.without_last;
      wrong += ear.wrong;
    }
  EXPECT_GE(ears, 10'000U);
  EXPECT_EQ(without_last, 0);
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(behind, 0);
}

TEST(EventThreads, AMailboxMayCloseWhileOthersTell) {
  RunningLane main("main");
  Hub hub(main.get());
  std::atomic<bool> over{false};
  std::function<void()> publish = [&] {
    if (over) return;
    for (int i = 0; i < 10; ++i) hub.publish("hal", kNews, "{}");
    main.get().post(publish);
  };
  main.get().post(publish);
  for (int round = 0; round < 200; ++round) {
    RunningLane lane("subscriber");
    Subscriber subscriber(hub, lane.get());
    Subscriber::Subscription s{};
    std::promise<void> told;
    s.then = [&](const Seen&) {
      if (s.seen.size() == 1) told.set_value();
    };
    lane.on([&] { ASSERT_EQ(subscriber.subscribe(s, "sms."), DTU_OK); });
    ASSERT_EQ(told.get_future().wait_for(kPatience), std::future_status::ready);
    main.on([&] { subscriber.mailbox->close(); });
    size_t seen = 0;
    lane.on([&] {
      seen = s.seen.size();
      subscriber.mailbox->release();
    });
    lane.on([&] { EXPECT_EQ(s.seen.size(), seen) << "told after the end"; });
    EXPECT_EQ(s.destroyed, 1);
  }
  over = true;
  main.on([] {});
}

}  // namespace
}  // namespace dtud::events
