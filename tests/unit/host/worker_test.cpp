// dtu::Worker: results on the lane, bounds, exceptions, and its end at any moment.
#include <gmock/gmock.h>
#include <dtu/sdk.hpp>
#include <dtu/sdk/worker.hpp>

#include <atomic>
#include <future>

#include "host/test_host.hpp"

namespace {

using dtu::test::TestHost;

class Works : public dtu::Component, public dtu::ChannelIface {
 public:
  Works(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  dtu_status send(const dtu_msg*, uint32_t, uint32_t*) override { return DTU_OK; }
  dtu::Host& host() { return host_; }
  std::unique_ptr<dtu::Worker> worker;
};
constexpr const char* schema = "{}";
DTU_COMPONENT(works, Works, DTU_KIND_CHANNEL, "works", "Works", schema, 0, dtu::channel_iface<Works>);

struct WorkerTest : testing::Test {
  TestHost host;
  dtu::test::Instance instance = host.create(works);
  Works& plugin = *static_cast<Works*>(instance.self());
  void SetUp() override { ASSERT_EQ(instance.start(), DTU_OK); }
  dtu::Worker& worker(size_t most = 64, std::chrono::milliseconds idle = std::chrono::milliseconds(10'000)) {
    plugin.worker = std::make_unique<dtu::Worker>(plugin.host(), dtu::Worker::Options{most, "worker-test", idle});
    return *plugin.worker;
  }
};

TEST_F(WorkerTest, AResultComesToTheLaneInOrder) {
  dtu::Worker& w = worker();
  const auto lane = std::this_thread::get_id();
  std::vector<int> results;
  for (int n = 0; n < 10; ++n)
    EXPECT_TRUE(w.run(
        [n, lane] {
          EXPECT_NE(std::this_thread::get_id(), lane);
          return n;
        },
        [&, lane](const dtu::Worked<int>& r) {
          EXPECT_EQ(std::this_thread::get_id(), lane);
          EXPECT_TRUE(r.ok());
          results.push_back(*r.value);
        }));
  EXPECT_TRUE(results.empty()) << "never within the call";
  EXPECT_TRUE(host.run_until([&] { return results.size() == 10; }));
  EXPECT_THAT(results, testing::ElementsAre(0, 1, 2, 3, 4, 5, 6, 7, 8, 9));
}

TEST_F(WorkerTest, AnExceptionIsAStatus) {
  std::vector<std::string> said;
  worker().run([]() -> int { throw dtu::Failure(DTU_E_IO, "the disk is full"); },
               [&](const dtu::Worked<int>& r) { said.push_back(std::to_string(r.status) + " " + r.error); });
  plugin.worker->run([] { throw std::runtime_error("odd"); },
                     [&](const dtu::Worked<void>& r) { said.push_back(std::to_string(r.status) + " " + r.error); });
  EXPECT_TRUE(host.run_until([&] { return said.size() == 2; }));
  EXPECT_THAT(said, testing::ElementsAre("-4 the disk is full", "-6 odd"));
}

TEST_F(WorkerTest, ItsQueueIsBounded) {
  dtu::Worker& w = worker(2);
  std::promise<void> go;
  auto gate = go.get_future().share();
  int told = 0;
  const auto job = [gate] { gate.wait(); };
  const auto then = [&](const dtu::Worked<void>&) { ++told; };
  EXPECT_TRUE(w.run(job, then));
  EXPECT_TRUE(w.run(job, then));
  EXPECT_FALSE(w.run(job, then));
  go.set_value();
  EXPECT_TRUE(host.run_until([&] { return told == 2; }));
  EXPECT_TRUE(w.run(job, then));
  EXPECT_TRUE(host.run_until([&] { return told == 3; }));
}

// The one under way is waited for, the others are not begun, nobody is told, and all functions are freed.
TEST_F(WorkerTest, ItsEndDropsWhatWaits) {
  const auto witness = std::make_shared<int>(0);
  std::atomic<int> began{0};
  std::promise<void> go;
  auto gate = go.get_future().share();
  dtu::Worker& w = worker();
  for (int n = 0; n < 5; ++n)
    EXPECT_TRUE(w.run(
        [&, gate, witness] {
          ++began;
          gate.wait();
        },
        [witness](const dtu::Worked<void>&) { ADD_FAILURE() << "told after its end"; }));
  EXPECT_TRUE(host.run_until([&] { return began == 1; }));
  std::thread opener([&] {
    while (!w.stopping()) std::this_thread::yield();
    go.set_value();
  });
  w.stop();
  opener.join();
  EXPECT_EQ(began, 1);
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_FALSE(w.run([] {}, [](const dtu::Worked<void>&) {}));
  plugin.worker.reset();
  host.run_for(std::chrono::milliseconds(0));
}

// What was posted finds nobody when the worker went before it was run.
TEST_F(WorkerTest, AResultThatWaitsForTheLaneIsDropped) {
  const auto witness = std::make_shared<int>(0);
  std::promise<void> done;
  worker().run([&] { done.set_value(); }, [witness](const dtu::Worked<void>&) { ADD_FAILURE(); });
  done.get_future().wait();
  plugin.worker.reset();
  EXPECT_EQ(witness.use_count(), 1);
  host.run_for(std::chrono::milliseconds(0));
}

TEST_F(WorkerTest, AResultMayEndTheWorker) {
  bool told = false;
  worker().run([] { return 1; },
               [&](const dtu::Worked<int>&) {
                 plugin.worker.reset();
                 told = true;
               });
  EXPECT_TRUE(host.run_until([&] { return told; }));
}

TEST_F(WorkerTest, ItsThreadEndsWithoutWorkAndBeginsAnew) {
  dtu::Worker& w = worker(64, std::chrono::milliseconds(0));
  for (int n = 1; n <= 50; ++n) {
    int told = 0;
    EXPECT_TRUE(w.run([n] { return n; }, [&](const dtu::Worked<int>& r) { told = *r.value; }));
    ASSERT_TRUE(host.run_until([&] { return told == n; }));
  }
}

// It goes with its instance, in the middle of all that.
TEST(Worker, GoesAtAnyMoment) {
  const auto witness = std::make_shared<int>(0);
  for (int round = 0; round < 200; ++round) {
    TestHost host;
    auto instance = host.create(works);
    ASSERT_EQ(instance.start(), DTU_OK);
    auto& plugin = *static_cast<Works*>(instance.self());
    plugin.worker = std::make_unique<dtu::Worker>(plugin.host());
    for (int n = 0; n < 30; ++n) plugin.worker->run([witness, n] { return n; }, [witness](const dtu::Worked<int>&) {});
    for (int turn = 0; turn < round % 5; ++turn) host.run_for(std::chrono::milliseconds(0));
    EXPECT_TRUE(instance.stop_and_wait());
    instance.destroy();
  }
  EXPECT_EQ(witness.use_count(), 1);
}

}  // namespace
