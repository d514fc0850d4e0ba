// An instance is replaced by another: what was in flight, what waits, what was read already, and calls to it.
#include "routing/handover.hpp"

#include "rig.hpp"

namespace dtud::test {
namespace {

struct HandoverTest : ::testing::TestWithParam<uint64_t> {
  const plugins::LoadedComponent component = channel_component(GetParam());
  const plugins::LoadedComponent hal_c = hal_component(GetParam());
  Script script, fresh, hal_script;
  Rig rig;
  plugins::InstancePtr hal;
  routing::Channel* channel = nullptr;
  routing::Port* port = nullptr;
  std::unique_ptr<routing::Handover> handover;

  void start(routing::OutboxLimits limits = {}) {
    rig.on([&] {
      hal = rig.make("hal test", hal_c, hal_script);
      hal->start();
      port = &rig.add_port("1");
    });
    ASSERT_TRUE(rig.eventually([&] { return hal->state() == DTU_STATE_UP; }));
    rig.on([&] {
      rig.router.open_port(*port, *hal);
      channel = &rig.add_channel(1, component, script, limits);
      rig.router.add_link(port, "raw", {channel}, {});
    });
    ASSERT_TRUE(rig.eventually([&] { return channel->carries() && port->state == DTU_STATE_UP; }));
    // A port that opens on a lane of its own comes last, and decides what "auto" means.
    rig.on([&] { channel->outbox.set_limits(limits); });
  }
  void TearDown() override {
    rig.on([&] { handover.reset(); });
    if (channel->instance) rig.stop(*channel);
    if (hal) rig.stop(hal);
  }
  dtu_status from_port(std::string_view payload) {
    dtu_msg m{};
    m.source = port->key;
    m.payload = dtu::str(payload);
    uint32_t taken = 0;
    return rig.router.emit(*hal, &m, 1, &taken);
  }
  dtu_status from_channel(std::string_view payload) {
    dtu_msg m{};
    m.payload = dtu::str(payload);
    uint32_t taken = 0;
    return rig.router.emit(*channel->instance, &m, 1, &taken);
  }
  void offer(const char* name, plugins::Instance& by) {
    commands::Command c;
    c.name = name;
    c.provider = &by;
    EXPECT_EQ(rig.directory.add(std::move(c)), "");
  }
  void ask(const char* name, plugins::Instance* asker, commands::Done done) {
    commands::Request request;
    request.command = name;
    request.caller = commands::console_caller();
    EXPECT_EQ(rig.calls.invoke(request, asker, std::move(done)).status, DTU_OK);
  }
};
INSTANTIATE_TEST_SUITE_P(Lanes, HandoverTest, ::testing::Values(0, DTU_CAP_BLOCKING),
                         [](const auto& lane) { return lane.param == 0 ? "Main" : "Own"; });

TEST_P(HandoverTest, AChannelGoesOnInOrder) {
  std::atomic<uint64_t> open{0};
  script.send = [&](dtu::Host, const dtu_msg* m, uint32_t n, uint32_t* taken) {
    open = m[0].token;
    *taken = n;
    return DTU_OK;
  };
  start();
  rig.on([&] { EXPECT_EQ(from_port("1"), DTU_OK); });
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.in_flight() == 1 && !channel->sending; }));
  rig.on([&] {
    handover = std::make_unique<routing::Handover>(rig.router, *channel->instance);
    EXPECT_EQ(from_port("2"), DTU_OK);
    EXPECT_FALSE(handover->quiet()) << "the first is in flight";
  });
  rig.on([&] { EXPECT_EQ(channel->traffic.tx_messages, 1U) << "given nothing more"; });
  rig.stop(*channel);
  rig.on([&] {
    EXPECT_NE(handover->missing(), "");
    rig.start(*channel, component, fresh);
  });
  ASSERT_TRUE(rig.eventually([&] { return handover->missing().empty(); }));
  EXPECT_TRUE(fresh.got().empty());
  rig.on([&] { handover.reset(); });
  ASSERT_TRUE(rig.eventually([&] { return channel->outbox.counters().delivered == 2; }));
  EXPECT_EQ(fresh.got(), (std::vector<std::string>{"1", "2"}));
}

// What a HAL had read and found no room for is taken from it, though the link is blocked.
TEST_P(HandoverTest, ABlockedHalGivesWhatItRead) {
  script.send = [](dtu::Host, const dtu_msg*, uint32_t, uint32_t*) { return DTU_AGAIN; };
  hal_script.writable = [](dtu::Host host, uint64_t key) {
    dtu_msg m{};
    m.source = key;
    m.payload = dtu::str(std::string_view("held"));
    uint32_t taken = 0;
    EXPECT_EQ(host.emit(&m, 1, &taken), DTU_OK);
  };
  start({1, 1U << 20U, routing::Policy::block});
  rig.on([&] {
    EXPECT_EQ(from_port("first"), DTU_OK);
    EXPECT_EQ(from_port("held"), DTU_AGAIN);
    handover = std::make_unique<routing::Handover>(rig.router, *hal);
  });
  ASSERT_TRUE(rig.eventually([&] { return handover->quiet(); }));
  ASSERT_TRUE(rig.eventually([&] { return handover->collect(); }));
  rig.on([&] { EXPECT_EQ(channel->outbox.messages(), 2U); });
}

// Nobody drops for a port that will be back in a moment: whoever sends waits.
TEST_P(HandoverTest, APortThatIsAwaitedDropsNothing) {
  start();
  rig.on([&] { handover = std::make_unique<routing::Handover>(rig.router, *hal); });
  rig.stop(hal);
  rig.on([&] {
    uint32_t taken = 0;
    while (from_channel("x") == DTU_OK) ++taken;
    EXPECT_EQ(taken, routing::Port::kMostMessages);
    EXPECT_EQ(port->dropped(), 0U);
    EXPECT_NE(handover->missing(), "");
    handover.reset();
    EXPECT_EQ(from_channel("x"), DTU_OK) << "gone for good: its channel's commands come through";
    EXPECT_EQ(port->dropped(), 1U);
  });
}

// Calls to a provider that is being replaced wait, and are its successor's.
TEST_P(HandoverTest, CallsWaitForTheSuccessor) {
  start();
  const plugins::LoadedComponent command_c = command_component(GetParam());
  Script one, two;
  const auto answer = [](const char* json) {
    return [json](dtu::Host host, uint64_t call) { return host.reply(call, json); };
  };
  one.invoke = answer("1");
  two.invoke = answer("2");
  plugins::InstancePtr old, next;
  std::vector<std::string> answers;
  const auto ask_for = [&](const char* name) {
    ask(name, nullptr, [&](const commands::Answer& a) { answers.push_back(a.status == DTU_OK ? a.json : a.error); });
  };
  rig.on([&] {
    old = rig.make("command one", command_c, one);
    next = rig.make("command one", command_c, two);
    old->start();
  });
  ASSERT_TRUE(rig.eventually([&] { return old->running(); }));
  rig.on([&] {
    offer("kept", *old);
    offer("lost", *old);
    rig.calls.hold(*old);
    ask_for("kept");
    ask_for("lost");
  });
  rig.on([&] {
    EXPECT_TRUE(answers.empty());
    EXPECT_EQ(rig.calls.under_way(*old), 0U) << "they are not its any more";
    rig.directory.rehome(*old, *next);
    rig.calls.rehome(*old, *next);
  });
  rig.stop(old);
  rig.on([&] { next->start(); });
  ASSERT_TRUE(rig.eventually([&] { return next->running(); }));
  rig.on([&] {
    EXPECT_TRUE(answers.empty());
    rig.directory.remove_of(*next);
    offer("kept", *next);
    rig.calls.release(*next);
  });
  ASSERT_TRUE(rig.eventually([&] { return answers.size() == 2; }));
  EXPECT_EQ(answers, (std::vector<std::string>{"lost is not offered any more", "2"}));
  rig.stop(next);
}

// B26: a dialect asks for its own commands. Such a call waited for the successor, that is, for the end of the call.
TEST_P(HandoverTest, WhatItAsksItselfIsAnsweredBeforeItGoes) {
  start();
  const plugins::LoadedComponent command_c = command_component(GetParam());
  Script one;
  one.invoke = [](dtu::Host host, uint64_t call) { return host.reply(call, "1"); };
  plugins::InstancePtr old;
  std::string answered;
  rig.on([&] {
    old = rig.make("command one", command_c, one);
    old->start();
  });
  ASSERT_TRUE(rig.eventually([&] { return old->running(); }));
  rig.on([&] {
    offer("own", *old);
    rig.calls.hold(*old);
    ask("own", old.get(), [&](const commands::Answer& a) { answered = a.json + a.error; });
    EXPECT_EQ(rig.calls.under_way(*old), 1U);
  });
  ASSERT_TRUE(rig.eventually([&] { return rig.calls.under_way(*old) == 0; }));
  EXPECT_EQ(answered, "1");
  rig.on([&] { rig.calls.release(*old); });
  rig.stop(old);
}

// B27: between the answer and its telling nothing was under way, and the asker was replaced without it.
TEST_P(HandoverTest, AnAnswerThatIsNotToldYetIsUnderWay) {
  start();
  const plugins::LoadedComponent command_c = command_component(GetParam());
  Script script_of_provider, script_of_asker;
  std::atomic<uint64_t> asked{0};
  script_of_provider.invoke = [&](dtu::Host, uint64_t call) {
    asked = call;
    return DTU_OK;
  };
  plugins::InstancePtr provider, asker;
  std::atomic<bool> told{false};
  rig.on([&] {
    provider = rig.make("command provider", command_c, script_of_provider);
    asker = rig.make("command asker", command_c, script_of_asker);
    provider->start();
    asker->start();
  });
  ASSERT_TRUE(rig.eventually([&] { return provider->running() && asker->running(); }));
  rig.on([&] {
    offer("slow", *provider);
    ask("slow", asker.get(), [&](const commands::Answer&) { asker->answer([&] { told = true; }); });
  });
  ASSERT_TRUE(rig.eventually([&] { return asked != 0; }));
  rig.on([&] {
    EXPECT_EQ(rig.calls.reply(*provider, asked, {DTU_OK, "1", ""}), DTU_OK);
    EXPECT_FALSE(told);
    EXPECT_EQ(rig.calls.under_way(*asker), 1U);
  });
  ASSERT_TRUE(rig.eventually([&] { return rig.calls.under_way(*asker) == 0; }));
  EXPECT_TRUE(told);
  rig.stop(asker);
  rig.stop(provider);
}

}  // namespace
}  // namespace dtud::test
