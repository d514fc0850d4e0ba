#include "lanes/lane.hpp"

#include <gtest/gtest.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <future>
#include <thread>

namespace dtud {
namespace {

using std::chrono::seconds;

// A lane that runs on a thread of its own for the length of a test.
class RunningLane {
 public:
  RunningLane() : thread_([this] { lane.run(); }) {}
  ~RunningLane() {
    lane.stop();
    thread_.join();
  }
  // Runs fn on the lane and waits for it.
  template <typename Fn>
  void on_lane(Fn fn) {
    std::promise<void> done;
    lane.post([&] {
      fn();
      done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(seconds(10)), std::future_status::ready);
  }
  Lane lane{"test"};

 private:
  std::thread thread_;
};

TEST(Lane, RunsWhatIsPostedInOrderFromManyThreads) {
  RunningLane running;
  constexpr int kThreads = 4, kEach = 5000;
  std::vector<std::vector<int>> seen(kThreads);
  std::promise<void> all;
  int left = kThreads * kEach;  // only touched on the lane
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < kEach; ++i)
        running.lane.post([&, t, i] {
          seen[t].push_back(i);
          if (--left == 0) all.set_value();
        });
    });
  for (auto& thread : threads) thread.join();
  ASSERT_EQ(all.get_future().wait_for(seconds(30)), std::future_status::ready);
  for (const auto& numbers : seen) {
    ASSERT_EQ(numbers.size(), static_cast<size_t>(kEach));
    for (int i = 0; i < kEach; ++i) ASSERT_EQ(numbers[i], i);
  }
}

TEST(Lane, WakesForADescriptorAndStopsWatchingFromInsideTheCall) {
  RunningLane running;
  std::array<int, 2> pipe{};
  ASSERT_EQ(::pipe(pipe.data()), 0);
  struct Watch {
    Lane* lane;
    uint64_t id = 0;
    std::promise<uint32_t> events;
  } watch{&running.lane, 0, {}};
  running.on_lane([&] {
    watch.id = running.lane.watch(
        pipe[0], EPOLLIN,
        [](void* p, uint32_t events) {
          auto* me = static_cast<Watch*>(p);
          me->lane->unwatch(me->id);
          me->events.set_value(events);  // a second call would throw
        },
        &watch);
    EXPECT_NE(watch.id, 0U);
  });
  ASSERT_EQ(::write(pipe[1], "xy", 2), 2);
  auto events = watch.events.get_future();
  ASSERT_EQ(events.wait_for(seconds(10)), std::future_status::ready);
  EXPECT_EQ(events.get(), static_cast<uint32_t>(EPOLLIN));
  running.on_lane([&] {
    EXPECT_FALSE(running.lane.unwatch(watch.id));
    EXPECT_FALSE(running.lane.rewatch(watch.id, EPOLLIN));
  });
  ::close(pipe[0]);
  ::close(pipe[1]);
}

TEST(Lane, ARemovedWatchIsNotCalledInTheSameTurn) {
  // Two descriptors ready at once: whichever is served first removes the other.
  Lane lane("test");
  std::array<std::array<int, 2>, 2> pipes{};
  struct Watch {
    Lane* lane;
    uint64_t other;
    int calls;
  };
  std::array<Watch, 2> watches{{{&lane, 0, 0}, {&lane, 0, 0}}};
  std::array<uint64_t, 2> ids{};
  for (size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(::pipe(pipes[i].data()), 0);
    ASSERT_EQ(::write(pipes[i][1], "x", 1), 1);
    ids[i] = lane.watch(
        pipes[i][0], EPOLLIN,
        [](void* p, uint32_t) {
          auto* me = static_cast<Watch*>(p);
          ++me->calls;
          me->lane->unwatch(me->other);
          me->lane->stop();
        },
        &watches[i]);
  }
  watches[0].other = ids[1];
  watches[1].other = ids[0];
  lane.run();
  EXPECT_EQ(watches[0].calls + watches[1].calls, 1);
  for (auto& pipe : pipes) {
    ::close(pipe[0]);
    ::close(pipe[1]);
  }
}

TEST(Lane, ATimerArmedSoonerThanTheSleepingOneIsInTime) {
  RunningLane running;
  std::promise<void> fired;
  uint64_t late = 0, soon = 0;
  running.on_lane([&] {
    late = running.lane.timers().create([](void*) {}, nullptr);
    running.lane.timers().arm(late, monotonic_ns() + 3'600'000'000'000);
  });
  running.on_lane([&] {
    soon = running.lane.timers().create([](void* p) { static_cast<std::promise<void>*>(p)->set_value(); }, &fired);
    running.lane.timers().arm(soon, monotonic_ns() + 5'000'000);
  });
  EXPECT_EQ(fired.get_future().wait_for(seconds(10)), std::future_status::ready);
}

TEST(Lane, AnIdleLaneSleeps) {
  RunningLane running;
  std::atomic<int> turns{0};
  running.on_lane([&] { running.lane.add_turn_hook([&] { return ++turns, false; }); });
  // Until the turn that added the hook is over.
  running.on_lane([] {});
  running.on_lane([] {});
  const int before = turns.load();
  std::promise<void> never;
  never.get_future().wait_for(std::chrono::milliseconds(300));  // the measured span, not a wait for an event
  EXPECT_LE(turns.load() - before, 3);  // what the posts before still caused; a tick would be many
}

TEST(Lane, HooksRunUntilNoneHasMoreToDo) {
  Lane lane("test");
  int left = 40;  // more than the rounds of one turn
  lane.add_turn_hook([&] {
    if (left == 0) {
      lane.stop();
      return false;
    }
    --left;
    return true;
  });
  lane.run();
  EXPECT_EQ(left, 0);
}

}  // namespace
}  // namespace dtud
