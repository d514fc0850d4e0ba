#include "lanes/stall_watch.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <future>

namespace dtud {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

TEST(StallWatch, NamesWhoHoldsTheLaneOnceAndNotAnIdleLane) {
  Lane held("held"), idle("idle");
  std::thread held_thread([&] { held.run(); }), idle_thread([&] { idle.run(); });
  std::atomic<int> told{0};
  std::promise<std::string> who;
  {
    StallWatch watch({milliseconds(5), milliseconds(50)}, [&](const StallWatch::Stall& stall) {
      EXPECT_GE(stall.held, milliseconds(50));
      EXPECT_FALSE(stall.slow);
      if (++told == 1) who.set_value(stall.lane.name() + "/" + stall.who + "/" + stall.function);
    });
    watch.add(held, true);
    watch.add(idle, true);
    std::promise<void> release;
    auto released = release.get_future().share();
    const std::string plugin = "channel 7";
    held.post([&, released] {
      const Lane::Running running(held, plugin, "send");
      released.wait_for(seconds(20));
    });
    auto name = who.get_future();
    ASSERT_EQ(name.wait_for(seconds(10)), std::future_status::ready);
    EXPECT_EQ(name.get(), "held/channel 7/send");
    // Several more looks at the same stall.
    std::promise<void> never;
    never.get_future().wait_for(milliseconds(100));
    EXPECT_EQ(told.load(), 1);
    release.set_value();
    watch.remove(held);
    watch.remove(idle);
  }
  held.stop();
  idle.stop();
  held_thread.join();
  idle_thread.join();
}

// Two calls in a row on a lane that must not block: the one that takes long is told once, as slow, the other is not.
TEST(StallWatch, TellsOfASlowCallOnceAndOfALaneThatMayBlockNever) {
  Lane lane("main"), blocking("blocking");
  std::thread thread([&] { lane.run(); }), other([&] { blocking.run(); });
  std::mutex mutex;
  std::vector<std::string> told;
  std::promise<void> both;
  {
    StallWatch watch({milliseconds(5), seconds(60), milliseconds(20)}, [&](const StallWatch::Stall& stall) {
      const std::lock_guard<std::mutex> lock(mutex);
      EXPECT_TRUE(stall.slow);
      told.push_back(stall.who + "/" + stall.function);
      if (told.size() == 2) both.set_value();
    });
    watch.add(lane);
    watch.add(blocking, true);
    std::promise<void> release, release_next;
    const std::string plugin = "channel 7";
    const auto hold = [&](Lane& which, const char* function, std::shared_future<void> until) {
      const Lane::Running running(which, plugin, function);
      until.wait_for(seconds(20));
    };
    const auto until = release.get_future().share(), until_next = release_next.get_future().share();
    blocking.post([&] { hold(blocking, "blocks", until_next); });
    lane.post([&] { hold(lane, "send", until); });
    lane.post([&] { hold(lane, "write", until_next); });
    const auto slow = [&](size_t times) {
      for (const auto end = std::chrono::steady_clock::now() + seconds(20); std::chrono::steady_clock::now() < end;) {
        const std::lock_guard<std::mutex> lock(mutex);
        if (told.size() >= times) return true;
      }
      return false;
    };
    ASSERT_TRUE(slow(1));
    release.set_value();
    ASSERT_EQ(both.get_future().wait_for(seconds(20)), std::future_status::ready);
    release_next.set_value();
    watch.remove(lane);
    watch.remove(blocking);
  }
  EXPECT_EQ(told, (std::vector<std::string>{"channel 7/send", "channel 7/write"}));
  lane.stop();
  blocking.stop();
  thread.join();
  other.join();
}

}  // namespace
}  // namespace dtud
