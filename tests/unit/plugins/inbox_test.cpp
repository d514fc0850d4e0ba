// Host calls from threads that are not the main lane's.
#include "rig.hpp"

namespace dtud::test {
namespace {

struct InboxTest : ::testing::Test {
  const plugins::LoadedComponent hal = hal_component();
  Script script;
  Rig rig;
  plugins::InstancePtr instance;
  std::atomic<bool> blocked{false};
  std::vector<uint64_t> sources;  // on the lane
  std::vector<std::string> payloads;

  void SetUp() override {
    rig.on([&] {
      rig.on_emit = [this](const dtu_msg* m, uint32_t n, uint32_t* taken) {
        for (; *taken < n; ++*taken) {
          if (blocked && m[*taken].source != 2) return DTU_AGAIN;
          sources.push_back(m[*taken].source);
          payloads.emplace_back(dtu::view(m[*taken].payload));
        }
        return DTU_OK;
      };
      instance = rig.make("hal test", hal, script);
      instance->start();
    });
  }
  void TearDown() override { rig.stop(instance); }
  [[nodiscard]] plugins::Handle& handle() { return plugins::Handle::of(script.host().instance()); }
  static dtu_status emit(dtu::Host host, uint64_t source, std::string_view payload) {
    dtu_msg m{};
    m.source = source;
    m.payload = dtu::str(payload);
    uint32_t taken = 0;
    return host.emit(&m, 1, &taken);
  }
};

TEST_F(InboxTest, KeepsTheOrderAcrossBackPressure) {
  blocked = true;
  const dtu::Host host = script.host();
  for (int i = 0; i < 100; ++i) ASSERT_EQ(emit(host, 1, std::to_string(i)), DTU_OK);
  rig.on([&] { EXPECT_TRUE(payloads.empty()); });
  blocked = false;
  for (int i = 100; i < 200; ++i) ASSERT_EQ(emit(host, 1, std::to_string(i)), DTU_OK);
  ASSERT_TRUE(rig.eventually([&] { return payloads.size() == 200; }));
  for (int i = 0; i < 200; ++i) EXPECT_EQ(payloads[static_cast<size_t>(i)], std::to_string(i));
}

// B11: writable() named source 0, so a HAL never learned which of its ports may go on.
TEST_F(InboxTest, IsBoundedAndTellsEachSourceOfTheRoom) {
  std::vector<uint64_t> told;
  script.writable = [&](dtu::Host, uint64_t source) { told.push_back(source); };
  blocked = true;
  const std::string kilo(1024, 'x');
  const dtu::Host host = script.host();
  int fitted = 0;
  while (emit(host, 1, kilo) == DTU_OK) ASSERT_LT(++fitted, 4096);
  EXPECT_GT(fitted, 3000);
  EXPECT_EQ(emit(host, 3, kilo), DTU_AGAIN);
  EXPECT_EQ(emit(host, 3, kilo), DTU_AGAIN);
  blocked = false;
  ASSERT_TRUE(rig.eventually([&] { return told.size() == 2; }));
  EXPECT_EQ(told, (std::vector<uint64_t>{1, 3}));
  EXPECT_EQ(emit(host, 1, kilo), DTU_OK);
}

TEST_F(InboxTest, NoWakeUpIsLost) {
  constexpr int kMessages = 20000;
  std::mutex mutex;
  std::condition_variable changed;
  bool room = false;
  script.writable = [&](dtu::Host, uint64_t) {
    const std::lock_guard<std::mutex> lock(mutex);
    room = true;
    changed.notify_all();
  };
  const dtu::Host host = script.host();
  bool lost = false;
  std::thread emitter([&] {
    const std::string pad(2000, 'x');
    for (int i = 0; i < kMessages && !lost;) {
      if (emit(host, 1, std::to_string(i) + pad) == DTU_OK) {
        ++i;
        continue;
      }
      std::unique_lock<std::mutex> lock(mutex);
      if (!changed.wait_for(lock, kDeadline, [&] { return room; })) lost = true;
      room = false;
    }
  });
  emitter.join();
  EXPECT_FALSE(lost);
  ASSERT_TRUE(rig.eventually([&] { return payloads.size() == kMessages; }));
  for (int i = 0; i < kMessages; ++i) ASSERT_EQ(std::stoi(payloads[static_cast<size_t>(i)]), i);
}

TEST_F(InboxTest, RefusesWhatIsTooLong) {
  const std::string huge(DTU_PAYLOAD_MAX + 1, 'x');
  EXPECT_EQ(emit(script.host(), 1, huge), DTU_E_INVALID);
}

TEST_F(InboxTest, WhatWaitsForAGoneInstanceIsForgotten) {
  blocked = true;
  for (int i = 0; i < 10; ++i) ASSERT_EQ(emit(script.host(), 1, "x"), DTU_OK);
  rig.stop(instance);
  blocked = false;
  rig.on([] {});
  rig.on([&] {
    EXPECT_TRUE(payloads.empty());
    instance = rig.make("hal test", hal, script);
    instance->start();
  });
  ASSERT_EQ(emit(script.host(), 1, "new"), DTU_OK);
  ASSERT_TRUE(rig.eventually([&] { return payloads == std::vector<std::string>{"new"}; }));
}

// A plugin that says the same thing for ever filled the memory.
TEST_F(InboxTest, APluginThatCallsWithoutEndIsTakenDownAndMemoryIsBounded) {
  std::promise<void> held, go;
  rig.lane.post([&] {
    held.set_value();
    (void)go.get_future().wait_for(kDeadline);
  });
  held.get_future().wait();
  const dtu::Host host = script.host();
  for (int i = 0; i < 1'000'000; ++i) host.writable(1);
  EXPECT_EQ(host.reply(1, std::string(1000, 'x')), DTU_AGAIN);
  EXPECT_LE(handle().inbox_call_bytes.load(), plugins::Inbox::kMostCallBytes);
  go.set_value();
  ASSERT_TRUE(rig.eventually([&] { return rig.logged("calls the host faster than dtud can handle"); }));
  ASSERT_TRUE(rig.eventually([&] { return handle().inbox_call_bytes.load() == 0; }));
  EXPECT_EQ(emit(host, 1, "x"), DTU_E_CLOSED) << "it was taken down";
}

TEST_F(InboxTest, PostsAreBounded) {
  std::promise<void> held, go;
  rig.lane.post([&] {
    held.set_value();
    (void)go.get_future().wait_for(kDeadline);
  });
  held.get_future().wait();
  const dtu::Host host = script.host();
  const auto& service = host.need<dtu_post_service>(DTU_POST_SERVICE);
  static std::atomic<int> ran;
  ran = 0;
  const auto post = [&] {
    return dtu_post(
        &service, host.instance(), [](void*) { ++ran; }, nullptr);
  };
  int taken = 0;
  while (taken < 100'000 && post() == DTU_OK) ++taken;
  EXPECT_EQ(taken, 16384);
  EXPECT_EQ(post(), DTU_AGAIN);
  go.set_value();
  ASSERT_TRUE(rig.eventually([&] { return ran == taken; }));
  EXPECT_EQ(post(), DTU_OK);
}

}  // namespace
}  // namespace dtud::test
