// Events between real instances, on the main lane and on lanes of their own: E2, E3, E5, E6, E8, E9 and E10 as a plugin
// meets them.
#include <dtu/events.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "rig.hpp"

namespace dtud::test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

dtu_status publish(dtu::Host host, std::string_view name, std::string_view json) {
  return host.need<dtu_events_service>(DTU_EVENTS_SERVICE).publish(host.instance(), dtu::str(name), dtu::str(json));
}

// What a subscriber was told; the test looks at it on the subscriber's lane, or when it is stopped.
struct Ear {
  std::vector<std::string> heard;  // "name json"
  std::vector<uint32_t> flags;
  std::atomic<int> count{0}, destroyed{0};
  std::atomic<uint64_t> missed{0};
  uint64_t id = 0;
  std::function<void(const dtu_event&)> then;

  dtu_status subscribe(dtu::Host host, std::string_view pattern) {
    const auto told = [](void* ctx, const dtu_event* e) {
      auto& ear = *static_cast<Ear*>(ctx);
      ear.heard.push_back(std::string(dtu::view(e->name)) + " " + std::string(dtu::view(e->json)));
      ear.flags.push_back(e->flags);
      ear.missed += e->missed;
      if (ear.then) ear.then(*e);
      ++ear.count;
    };
    const auto destroy = [](void* ctx) { ++static_cast<Ear*>(ctx)->destroyed; };
    const dtu_subscription s{sizeof s, 0, dtu::str(pattern), told, destroy, this};
    return host.need<dtu_events_service>(DTU_EVENTS_SERVICE).subscribe(host.instance(), &s, &id);
  }
};

plugins::LoadedComponent teller(uint64_t caps = 0) {
  plugins::LoadedComponent c = command_component(caps);
  c.events = {{"test.news", "News", "", 0},
              {"test.state", "State", "", DTU_EVENT_STATE},
              {"test.number", "A number", R"({"type":"object","properties":{"n":{"type":"integer"}}})", 0}};
  return c;
}

// The lane of who tells, the lane of who listens.
struct EventsTest : ::testing::TestWithParam<std::tuple<uint64_t, uint64_t>> {
  const plugins::LoadedComponent teller_component = teller(std::get<0>(GetParam()));
  const plugins::LoadedComponent listener_component = channel_component(std::get<1>(GetParam()));
  Script teller_script, listener_script;
  Ear ear;
  Rig rig;
  plugins::InstancePtr tells, listens;

  void start_teller() {
    rig.on([&] {
      tells = rig.make("command teller", teller_component, teller_script);
      tells->start();
    });
    ASSERT_TRUE(rig.eventually([&] { return tells->state() == DTU_STATE_UP; }));
  }
  void start_listener() {
    rig.on([&] {
      listens = rig.make("channel 1", listener_component, listener_script);
      listens->start();
    });
    ASSERT_TRUE(rig.eventually([&] { return listens->state() == DTU_STATE_UP; }));
  }
  void TearDown() override {
    if (listens) rig.stop(listens);
    if (tells) rig.stop(tells);
  }
  // On the lane of the instance, waited for.
  void in(const plugins::InstancePtr& instance, const std::function<void()>& fn) {
    std::promise<void> done;
    instance->lane().post([&] {
      fn();
      done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(kDeadline), std::future_status::ready);
  }
  uint64_t faults(const plugins::InstancePtr& of, plugins::Fault kind, std::string* text = nullptr) {
    for (const auto& [k, occurrence] : of->faults().read()) {
      if (k != kind) continue;
      if (text != nullptr) *text = occurrence.text;
      return occurrence.count;
    }
    return 0;
  }
};
INSTANTIATE_TEST_SUITE_P(Lanes, EventsTest,
                         ::testing::Combine(::testing::Values(0, DTU_CAP_BLOCKING),
                                            ::testing::Values(0, DTU_CAP_BLOCKING)),
                         [](const auto& info) {
                           const auto name = [](uint64_t caps) { return caps == 0 ? "Main" : "Own"; };
                           return std::string(name(std::get<0>(info.param))) + "To" + name(std::get<1>(info.param));
                         });

TEST_P(EventsTest, ASubscriberIsTold) {
  listener_script.create = [&](dtu::Host host) { EXPECT_EQ(ear.subscribe(host, "test."), DTU_OK); };
  start_listener();
  start_teller();
  in(tells, [&] { EXPECT_EQ(publish(teller_script.host(), "test.news", R"({"a":1})"), DTU_OK); });
  EXPECT_EQ(publish(teller_script.host(), "test.state", "{}"), DTU_OK) << "from a thread of its own";
  ASSERT_TRUE(rig.eventually([&] { return ear.count == 2; }));
  rig.stop(listens);
  EXPECT_THAT(ear.heard, ElementsAre(R"(test.news {"a":1})", "test.state {}"));
  EXPECT_EQ(ear.destroyed, 1);
}

// E3: an instance that tells and answers is heard in the order it did so. DTU_EVENTS_COUNT: how many calls.
TEST_P(EventsTest, EventsAndAnswersOfOneInstanceKeepTheirOrder) {
  const char* set = std::getenv("DTU_EVENTS_COUNT");
  const int kRounds = set != nullptr ? std::max(1, std::atoi(set)) : 200;
  std::vector<std::string> order;  // of the listener's lane
  std::atomic<int> answers{0};
  teller_script.invoke = [&](dtu::Host host, uint64_t call) {
    tells->handle().budget.renew();  // the order is looked at here, not how much it may tell
    EXPECT_EQ(publish(host, "test.news", R"({"before":1})"), DTU_OK);
    host.reply(call, "1");
    EXPECT_EQ(publish(host, "test.news", R"({"after":1})"), DTU_OK);
    return DTU_OK;
  };
  ear.then = [&](const dtu_event& e) { order.emplace_back(dtu::view(e.json)); };
  listener_script.create = [&](dtu::Host host) { EXPECT_EQ(ear.subscribe(host, "test."), DTU_OK); };
  rig.on_started = [&](plugins::Instance& i) {
    if (&i != tells.get()) return;
    commands::Command c;
    c.name = "test.run";
    c.provider = &i;
    EXPECT_EQ(rig.directory.add(std::move(c)), "");
  };
  start_listener();
  start_teller();
  struct Ask {
    std::vector<std::string>& order;
    std::atomic<int>& answers;
  } ask{order, answers};
  constexpr int kAtOnce = 64;  // with two events each they fit into the listener's queue
  for (int i = 0; i < kRounds; ++i) {
    ASSERT_TRUE(rig.eventually([&] { return i - answers < kAtOnce && 2 * i - ear.count < 2 * kAtOnce; }));
    in(listens, [&] {
      dtu_request r{};
      r.struct_size = sizeof r;
      r.command = dtu::str(std::string_view("test.run"));
      r.done = [](void* ctx, const dtu_answer*) {
        static_cast<Ask*>(ctx)->order.emplace_back("answer");
        ++static_cast<Ask*>(ctx)->answers;
      };
      r.ctx = &ask;
      dtu_error e{};
      const dtu::Host host = listener_script.host();
      EXPECT_EQ(host.need<dtu_invoke_service>(DTU_INVOKE_SERVICE).invoke(host.instance(), &r, nullptr, &e), DTU_OK);
    });
  }
  ASSERT_TRUE(rig.eventually([&] { return answers == kRounds && ear.count == 2 * kRounds; }));
  rig.stop(listens);
  ASSERT_EQ(order.size(), 3U * static_cast<size_t>(kRounds));
  for (size_t i = 0; i < order.size(); i += 3)
    ASSERT_THAT((std::vector<std::string>{order[i], order[i + 1], order[i + 2]}),
                ElementsAre(R"({"before":1})", "answer", R"({"after":1})"))
        << i;
}

TEST_P(EventsTest, WhatIsNotDeclaredOrNotAnObjectIsRefusedAndNoted) {
  start_teller();
  const dtu::Host host = teller_script.host();
  struct Case {
    const char* name;
    std::string json;
    dtu_status status;
    const char* fault;
  };
  const std::string large = R"({"a":")" + std::string(16U << 10U, 'x') + R"("})";
  const std::string state = R"({"a":")" + std::string(4U << 10U, 'x') + R"("})";
  for (const Case& c : {Case{"test.other", "{}", DTU_E_DENIED, "\"test.other\", which its dtu.events/1 does not list"},
                        {"config.applied", "{}", DTU_E_DENIED, "does not list"},
                        {"test.news", "", DTU_E_INVALID, "not a JSON object"},
                        {"test.news", "[1]", DTU_E_INVALID, "not a JSON object"},
                        {"test.news", "{\"a\":}", DTU_E_INVALID, "not a JSON object"},
                        {"test.news", large, DTU_E_INVALID, "at most 16384"},
                        {"test.state", state, DTU_E_INVALID, "at most 4096"}}) {
    const uint64_t before = faults(tells, plugins::Fault::malformed);
    EXPECT_EQ(publish(host, c.name, c.json), c.status) << c.name << " " << c.json.substr(0, 20);
    std::string text;
    EXPECT_EQ(faults(tells, plugins::Fault::malformed, &text), before + 1);
    EXPECT_THAT(text, HasSubstr(c.fault));
  }
  rig.on([&] { EXPECT_EQ(rig.events.told(), 0U); });
}

// E10: the first event of each name is held against its schema.
TEST_P(EventsTest, TheFirstOfANameIsHeldAgainstItsSchema) {
  start_teller();
  EXPECT_EQ(publish(teller_script.host(), "test.number", R"({"n":"one"})"), DTU_OK);
  EXPECT_EQ(publish(teller_script.host(), "test.number", R"({"n":"two"})"), DTU_OK);
  ASSERT_TRUE(rig.eventually([&] { return rig.events.told() == 2; }));
  std::string text;
  EXPECT_EQ(faults(tells, plugins::Fault::malformed, &text), 1U);
  EXPECT_THAT(text, HasSubstr("test.number, which does not fit its schema: /n"));
}

// Issue 9, row 24: text that is not UTF-8 made every view with it unreadable.
TEST_P(EventsTest, TextThatIsNotUtf8IsReplacedAndNoted) {
  listener_script.create = [&](dtu::Host host) { EXPECT_EQ(ear.subscribe(host, "test."), DTU_OK); };
  start_listener();
  start_teller();
  EXPECT_EQ(publish(teller_script.host(), "test.news", "{\"a\":\"caf\xE9\"}"), DTU_OK);
  EXPECT_TRUE(rig.eventually([&] { return ear.count == 1; }));
  const std::string most = "{\"a\":\"" + std::string(DTU_EVENT_JSON_MAX - 8, '\xE9') + "\"}";
  EXPECT_EQ(publish(teller_script.host(), "test.news", most), DTU_E_INVALID);
  EXPECT_EQ(publish(teller_script.host(), "test.news", "{}"), DTU_OK);
  EXPECT_TRUE(rig.eventually([&] { return ear.count == 2; }));
  EXPECT_EQ(faults(tells, plugins::Fault::malformed), 2U);
  rig.stop(listens);
  EXPECT_THAT(ear.heard, ElementsAre("test.news {\"a\":\"caf\xEF\xBF\xBD\"}", "test.news {}"));
}

// E9: beyond its budget a publisher is refused, and that is a flood.
TEST_P(EventsTest, AFloodIsRefusedAndCounted) {
  start_teller();
  int told = 0, refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    const dtu_status status = publish(teller_script.host(), "test.news", "{}");
    (status == DTU_OK ? told : refused) += 1;
    ASSERT_TRUE(status == DTU_OK || status == DTU_AGAIN) << status;
  }
  EXPECT_GE(told, 200);
  EXPECT_GT(refused, 0);
  ASSERT_TRUE(rig.eventually([&] { return rig.events.told() == static_cast<uint64_t>(told); }));
  plugins::Faults& record = tells->faults();
  rig.stop(tells);
  uint64_t counted = 0;
  for (const auto& [kind, occurrence] : record.read())
    if (kind == plugins::Fault::flood) counted = occurrence.count;
  EXPECT_EQ(counted, static_cast<uint64_t>(refused)) << "each once";
}

// E5 and E8: nothing before create() returned, nothing after stop() was called, and destroy once.
TEST_P(EventsTest, NothingComesBeforeCreateReturnedOrAfterStop) {
  start_teller();
  std::atomic<bool> inside{false}, stopped{false};
  std::atomic<int> wrong{0};
  ear.then = [&](const dtu_event&) { wrong += inside || stopped ? 1 : 0; };
  listener_script.create = [&](dtu::Host host) {
    inside = true;
    EXPECT_EQ(ear.subscribe(host, "test."), DTU_OK);
    for (int i = 0; i < 10; ++i) EXPECT_EQ(publish(teller_script.host(), "test.news", "{}"), DTU_OK);
    inside = false;
  };
  listener_script.stop = [&](dtu::Host) {
    stopped = true;
    return DTU_OK;
  };
  start_listener();
  std::atomic<bool> over{false};
  std::thread other([&] {
    while (!over) (void)publish(teller_script.host(), "test.state", "{}");
  });
  ASSERT_TRUE(rig.eventually([&] { return ear.count > 10; }));
  rig.stop(listens);
  over = true;
  other.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(ear.destroyed, 1);
}

TEST_P(EventsTest, ASubscriptionMadeInACreateThatFailsIsDestroyedAndHearsNothing) {
  start_teller();
  EXPECT_EQ(publish(teller_script.host(), "test.state", "{}"), DTU_OK);
  ASSERT_TRUE(rig.eventually([&] { return rig.events.told() == 1; }));
  listener_script.create = [&](dtu::Host host) {
    EXPECT_EQ(ear.subscribe(host, "test."), DTU_OK);
    throw dtu::Failure(DTU_E_INVALID, "on purpose");
  };
  rig.on([&] {
    listens = rig.make("channel 1", listener_component, listener_script);
    listens->start();
  });
  ASSERT_TRUE(rig.eventually([&] { return ear.destroyed == 1; }));
  rig.stop(listens);
  EXPECT_EQ(ear.count, 0);
  EXPECT_EQ(ear.destroyed, 1);
}

// E6: the last state first; when its source stops it is gone.
TEST_P(EventsTest, TheStateOfOneThatStopsIsGone) {
  start_teller();
  EXPECT_EQ(publish(teller_script.host(), "test.state", R"({"n":1})"), DTU_OK);
  ASSERT_TRUE(rig.eventually([&] { return rig.events.told() == 1; }));
  listener_script.start = [&](dtu::Host host) {
    EXPECT_EQ(ear.subscribe(host, "test.state"), DTU_OK);
    host.report(DTU_STATE_UP);
    return DTU_OK;
  };
  start_listener();
  ASSERT_TRUE(rig.eventually([&] { return ear.count == 1; }));
  rig.stop(tells);
  ASSERT_TRUE(rig.eventually([&] { return ear.count == 2; }));
  rig.stop(listens);
  EXPECT_THAT(ear.heard, ElementsAre(R"(test.state {"n":1})", "test.state {}"));
  EXPECT_THAT(ear.flags, ElementsAre(DTU_EVENT_STATE | DTU_EVENT_LAST, DTU_EVENT_STATE | DTU_EVENT_GONE));
}

TEST_P(EventsTest, SubscribingOnAnotherThreadIsRefusedAndDestroyedOnce) {
  start_listener();
  EXPECT_EQ(ear.subscribe(listener_script.host(), "test."), DTU_E_CLOSED);
  EXPECT_EQ(ear.destroyed, 1);
  in(listens, [&] { EXPECT_EQ(ear.subscribe(listener_script.host(), "test*"), DTU_E_INVALID); });
  EXPECT_EQ(ear.destroyed, 2);
  EXPECT_EQ(faults(listens, plugins::Fault::thread), 1U);
  EXPECT_EQ(faults(listens, plugins::Fault::malformed), 1U);
}

// A thread of the plugin tells on while its instance comes and goes.
TEST_P(EventsTest, AThreadMayTellWhileItsInstanceIsDestroyed) {
  listener_script.create = [&](dtu::Host host) { EXPECT_EQ(ear.subscribe(host, "test."), DTU_OK); };
  start_listener();
  for (int round = 0; round < 20; ++round) {
    start_teller();
    std::atomic<bool> over{false};
    std::atomic<int> told{0};
    std::thread other([&] {
      const dtu::Host host = teller_script.host();
      dtu_status status = DTU_OK;
      while (!over || status != DTU_E_CLOSED) {
        status = publish(host, "test.news", "{}");
        if (status == DTU_OK) ++told;
      }
    });
    ASSERT_TRUE(rig.eventually([&] { return told > 5; }));
    rig.stop(tells);
    over = true;
    other.join();
  }
  EXPECT_GT(ear.count, 100);
}

// A function of a subscriber that throws ends its run, as any call does.
TEST_P(EventsTest, ASubscriberThatThrowsIsAtFault) {
  start_teller();
  ear.then = [](const dtu_event&) { throw std::runtime_error("on purpose"); };
  listener_script.create = [&](dtu::Host host) {
    if (listener_script.created != 0) return;
    EXPECT_EQ(ear.subscribe(host, "test."), DTU_OK);
  };
  start_listener();
  EXPECT_EQ(publish(teller_script.host(), "test.news", "{}"), DTU_OK);
  ASSERT_TRUE(rig.eventually([&] { return faults(listens, plugins::Fault::exception) == 1; }));
  ASSERT_TRUE(rig.eventually([&] { return ear.destroyed == 1; }));
}

TEST(EventsService, AHostWithoutAHubHasNone) {
  Script script;
  const plugins::LoadedComponent component = channel_component();
  Rig rig;
  rig.context.events = nullptr;
  plugins::InstancePtr instance;
  rig.on([&] {
    instance = rig.make("channel 1", component, script);
    instance->start();
  });
  ASSERT_TRUE(rig.eventually([&] { return instance->state() == DTU_STATE_UP; }));
  EXPECT_EQ(script.host().service<dtu_events_service>(DTU_EVENTS_SERVICE), nullptr);
  rig.stop(instance);
}

}  // namespace
}  // namespace dtud::test
