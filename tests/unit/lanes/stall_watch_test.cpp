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
    StallWatch watch({milliseconds(5), milliseconds(50)},
                     [&](const Lane& lane, const std::string& name, milliseconds so_long) {
                       EXPECT_GE(so_long, milliseconds(50));
                       if (++told == 1) who.set_value(lane.name() + "/" + name);
                     });
    watch.add(held);
    watch.add(idle);
    std::promise<void> release;
    auto released = release.get_future().share();
    const std::string plugin = "channel 7";
    held.post([&, released] {
      const Lane::Running running(held, plugin);
      released.wait_for(seconds(20));
    });
    auto name = who.get_future();
    ASSERT_EQ(name.wait_for(seconds(10)), std::future_status::ready);
    EXPECT_EQ(name.get(), "held/channel 7");
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

}  // namespace
}  // namespace dtud
