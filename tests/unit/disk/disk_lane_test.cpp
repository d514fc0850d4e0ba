#include "disk/disk_lane.hpp"

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <thread>
#include <vector>

namespace dtud {
namespace {

constexpr std::chrono::seconds kDeadline{30};

class RunningLane {
 public:
  RunningLane() : thread_([this] { lane.run(); }) {}
  ~RunningLane() { end(); }
  void end() {
    if (!thread_.joinable()) return;
    lane.stop();
    thread_.join();
  }
  Lane lane{"test"};

 private:
  std::thread thread_;
};

bool in_time(std::promise<void>& promise) {
  return promise.get_future().wait_for(kDeadline) == std::future_status::ready;
}

TEST(DiskLane, RunsJobsInOrderAndDeliversResultsOnTheMainLane) {
  RunningLane main;
  DiskLane disk(main.lane);
  const auto here = std::make_shared<int>();
  std::vector<int> results;  // main lane
  std::vector<int> jobs;     // disk lane
  bool elsewhere = true;
  std::promise<void> done;
  main.lane.post([&] {
    for (int i = 0; i < 100; ++i)
      disk.run(
          here,
          [&, i] {
            elsewhere = elsewhere && !main.lane.is_current();
            jobs.push_back(i);
            return i;
          },
          [&](int i) {
            EXPECT_TRUE(main.lane.is_current());
            results.push_back(i);
            if (i == 99) done.set_value();
          });
    EXPECT_TRUE(results.empty());  // never within run()
  });
  ASSERT_TRUE(in_time(done));
  EXPECT_TRUE(elsewhere);
  ASSERT_EQ(results.size(), 100U);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(results[static_cast<size_t>(i)], i);
  EXPECT_EQ(jobs, results);
}

TEST(DiskLane, DoesTheJobOfAnAskerThatIsGoneAndDoesNotCallIt) {
  RunningLane main;
  bool done = false, called = false;
  std::promise<void> last;
  {
    DiskLane disk(main.lane);
    main.lane.post([&] {
      auto asker = std::make_shared<int>();
      disk.run(
          asker, [&] { return done = true; }, [&](bool) { called = true; });
      asker.reset();
      disk.run(
          std::make_shared<int>(), [] { return true; }, [](bool) {});
      main.lane.post([&] { last.set_value(); });
    });
    ASSERT_TRUE(in_time(last));
  }  // waits for the jobs
  EXPECT_TRUE(done);
  main.end();
  EXPECT_FALSE(called);
}

TEST(DiskLane, DeliversAResultOnAnotherLane) {
  RunningLane main, other;
  DiskLane disk(main.lane);
  const auto here = std::make_shared<int>();
  std::promise<void> done;
  other.lane.post([&] {
    disk.run_for(
        other.lane, here, [] { return true; },
        [&](bool) {
          EXPECT_TRUE(other.lane.is_current());
          done.set_value();
        });
  });
  ASSERT_TRUE(in_time(done));
}

}  // namespace
}  // namespace dtud
