// Metrics and calls from a lane of its own.
#include "rig.hpp"

namespace dtud::test {
namespace {

TEST(Metrics, ACellIsFoundAgainAndCountsFromAnyThread) {
  plugins::Metrics metrics;
  const uint64_t id = metrics.add("channel 1", DTU_METRIC_COUNTER, "sent", "help");
  ASSERT_NE(id, 0U);
  std::thread other([&] {
    for (int i = 0; i < 1000; ++i) metrics.increase("channel 1", id, 1);
  });
  for (int i = 0; i < 1000; ++i) metrics.increase("channel 1", id, 1);
  (void)metrics.read();
  other.join();
  EXPECT_EQ(metrics.add("channel 1", DTU_METRIC_COUNTER, "sent", "help"), id);
  EXPECT_NE(metrics.add("channel 2", DTU_METRIC_COUNTER, "sent", "help"), id);
  EXPECT_EQ(metrics.read().front().value, 2000);
  for (const uint64_t none : {uint64_t{0}, id + 2, uint64_t{64}, ~uint64_t{0}}) {
    EXPECT_FALSE(metrics.increase("channel 1", none, 1)) << none;
    EXPECT_FALSE(metrics.set("channel 1", none, 1)) << none;
  }
  EXPECT_FALSE(metrics.increase("channel 2", id, 1)) << "it is of another instance";
  EXPECT_EQ(metrics.read().front().value, 2000);
}

TEST(Metrics, RefusesBadNamesAndTooMany) {
  plugins::Metrics metrics;
  for (const char* name : {"", "Sent", "a-b", "a b", "a{b}"})
    EXPECT_EQ(metrics.add("i", DTU_METRIC_GAUGE, name, ""), 0U) << name;
  EXPECT_EQ(metrics.add("i", DTU_METRIC_GAUGE, std::string(49, 'a'), ""), 0U);
  for (const char* name :
       {"a{", "a{}", "a{port}", "a{port=\"1\"", "a{port=1}", "a{=\"1\"}", "a{Port=\"1\"}", "a{component=\"1\"}",
        "a{port=\"1\"2\"}", "a{port=\"\\\"}", "a{p=\"1\",q=\"2\"}", "{p=\"1\"}"})
    EXPECT_EQ(metrics.add("i", DTU_METRIC_GAUGE, name, ""), 0U) << name;
  const auto read = plugins::read_metric_name("overruns{port=\"1\"}");
  ASSERT_TRUE(read);
  EXPECT_EQ(read->name, "overruns");
  EXPECT_EQ(read->label, "port");
  EXPECT_EQ(read->value, "1");
  EXPECT_EQ(metrics.add("i", 7, "a", ""), 0U);
  size_t fitted = 0;
  while (metrics.add("i", DTU_METRIC_GAUGE, "m" + std::to_string(fitted), "") != 0) ASSERT_LT(++fitted, 5000U);
  EXPECT_EQ(fitted, 4096U);
}

struct CallsTest : ::testing::Test {
  Gate gate;  // outlives the lanes that pass it
  const plugins::LoadedComponent provider_component = command_component(DTU_CAP_BLOCKING);
  const plugins::LoadedComponent asker_component = channel_component(DTU_CAP_BLOCKING);
  Script provider_script, asker_script;
  Rig rig;
  plugins::InstancePtr provider, asker;
  std::atomic<int> answers{0};
  std::atomic<dtu_status> status{DTU_PENDING};

  void SetUp() override {
    rig.on([&] {
      provider = rig.make("command test", provider_component, provider_script);
      provider->start();
      asker = rig.make("channel 1", asker_component, asker_script);
      asker->start();
      commands::Command c;
      c.name = "test.run";
      c.provider = provider.get();
      EXPECT_EQ(rig.directory.add(std::move(c)), "");
    });
    ASSERT_TRUE(rig.eventually([&] { return provider->state() == DTU_STATE_UP && asker->state() == DTU_STATE_UP; }));
  }
  void TearDown() override {
    if (asker) rig.stop(asker);
    if (provider) rig.stop(provider);
  }
  // From the asker's own lane.
  void ask() {
    const dtu::Host host = asker_script.host();
    dtu_post(&host.need<dtu_post_service>(DTU_POST_SERVICE), host.instance(), &CallsTest::ask_on_lane, this);
  }
  static void ask_on_lane(void* test) {
    auto& me = *static_cast<CallsTest*>(test);
    const dtu::Host host = me.asker_script.host();
    dtu_request r{};
    r.struct_size = sizeof r;
    r.command = dtu::str("test.run");
    r.code = -1;
    r.done = [](void* ctx, const dtu_answer* a) {
      auto& t = *static_cast<CallsTest*>(ctx);
      t.status = a->status;
      ++t.answers;
    };
    r.ctx = test;
    dtu_error e{};
    host.need<dtu_invoke_service>(DTU_INVOKE_SERVICE).invoke(host.instance(), &r, nullptr, &e);
  }
};

TEST_F(CallsTest, FromOneOwnLaneToAnotherAndBack) {
  ask();
  ASSERT_TRUE(rig.eventually([&] { return answers == 1; }));
  EXPECT_EQ(status, DTU_OK);
}

TEST_F(CallsTest, AThrowingInvokeIsTheAnswer) {
  provider_script.invoke = [](dtu::Host, uint64_t) -> dtu_status { throw std::runtime_error("no"); };
  ask();
  ASSERT_TRUE(rig.eventually([&] { return answers == 1; }));
  EXPECT_EQ(status, DTU_E_EXCEPTION);
}

TEST_F(CallsTest, AProviderThatStopsAnswersForIt) {
  Gate asked;
  asked.open();
  provider_script.invoke = [&](dtu::Host, uint64_t) { return asked.pass() ? DTU_OK : DTU_E_INTERNAL; };
  ask();
  ASSERT_TRUE(asked.reached());
  rig.stop(provider);
  ASSERT_TRUE(rig.eventually([&] { return answers == 1; }));
  EXPECT_EQ(status, DTU_E_CLOSED);
}

TEST_F(CallsTest, AStoppedAskerIsNotAnswered) {
  provider_script.invoke = [&](dtu::Host host, uint64_t call) {
    gate.pass();
    return host.reply(call, "1");
  };
  ask();
  ASSERT_TRUE(gate.reached());
  rig.stop(asker);
  gate.open();
  rig.stop(provider);
  EXPECT_EQ(answers, 0);
  rig.on([&] { EXPECT_EQ(rig.calls.under_way(), 0U); });
}

TEST_F(CallsTest, RepliesNobodyAskedForAreRefused) {
  EXPECT_EQ(provider_script.host().reply(12345, "1"), DTU_OK) << "it cannot be known on another thread";
  provider_script.invoke = [&](dtu::Host host, uint64_t call) {
    host.reply(call, "1");
    host.reply(call, "2");
    return DTU_OK;
  };
  ask();
  ASSERT_TRUE(rig.eventually([&] { return answers == 1; }));
  rig.on([] {});
  EXPECT_EQ(answers, 1);
}

}  // namespace
}  // namespace dtud::test
