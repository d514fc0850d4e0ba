// The test host keeps its own promises: what it records, what it complains of.
#include "host/test_host.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>
#include <sys/eventfd.h>
#include <unistd.h>
#include <dtu/sdk.hpp>
#include <dtu/sdk/events.hpp>
#include <dtu/sdk/kept.hpp>

#include <filesystem>
#include <thread>

#include "host/buffers.hpp"

namespace {

using dtu::test::Answer;
using dtu::test::Request;
using dtu::test::TestHost;
using std::chrono::milliseconds;
using testing::ElementsAre;
using testing::HasSubstr;

// A channel that does what the test tells it to.
class Puppet : public dtu::Component, public dtu::ChannelIface {
 public:
  Puppet(dtu::Host host, std::string_view config) : Component(host) {
    if (config == "refuse") throw dtu::Failure(DTU_E_INVALID, "the configuration is refused");
    if (config == "chatty") host_.report(DTU_STATE_UP);
  }
  dtu_status start() override { return DTU_OK; }
  dtu_status stop(uint32_t /*deadline_ms*/) override { return stop_status; }
  void writable(uint64_t source) override { writable_sources.push_back(source); }
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override {
    for (*taken = 0; *taken < n && *taken < room; ++*taken) {
      kept.push_back(host_.keep(msgs[*taken].owner));
      tokens.push_back(msgs[*taken].token);
    }
    return *taken == n ? DTU_OK : DTU_AGAIN;
  }
  dtu::Host& host() { return host_; }

  uint32_t room = 100;
  dtu_status stop_status = DTU_OK;
  std::vector<dtu::Buffer> kept;
  std::vector<uint64_t> tokens;
  std::vector<uint64_t> writable_sources;
};

constexpr const char* schema = "{}";
DTU_COMPONENT(puppet, Puppet, DTU_KIND_CHANNEL, "puppet", "Puppet", schema, 0, dtu::channel_iface<Puppet>);

Puppet& puppet_of(const dtu::test::Instance& i) { return *static_cast<Puppet*>(i.self()); }

TEST(TestHost, RecordsWhatIsEmittedAsCopies) {
  TestHost host;
  auto inst = host.create(puppet);
  ASSERT_TRUE(inst) << inst.error();
  ASSERT_EQ(inst.start(), DTU_OK);
  EXPECT_TRUE(puppet_of(inst).host().emit(7, "hello", "0"));
  ASSERT_EQ(host.emitted().size(), 1U);
  EXPECT_EQ(host.emitted()[0].payload, "hello");
  EXPECT_EQ(host.emitted()[0].route, "0");
  EXPECT_EQ(host.emitted_bytes(7), "hello");
  EXPECT_EQ(host.emitted()[0].by, inst.handle());
}

TEST(TestHost, RefusedEmittersAreToldWhenThereIsRoom) {
  TestHost host;
  auto inst = host.create(puppet);
  inst.start();
  host.block_emit_after(1);
  EXPECT_TRUE(puppet_of(inst).host().emit(1, "a"));
  EXPECT_TRUE(puppet_of(inst).host().emit(2, "b").again());
  EXPECT_EQ(host.emitted().size(), 1U);
  host.block_emit(false);
  EXPECT_TRUE(puppet_of(inst).writable_sources.empty()) << "never inside the test's call";
  ASSERT_TRUE(host.run_until([&] { return !puppet_of(inst).writable_sources.empty(); }));
  EXPECT_THAT(puppet_of(inst).writable_sources, ElementsAre(2U));
}

TEST(TestHost, TooLongIsInvalid) {
  TestHost host;
  auto inst = host.create(puppet);
  const std::string route(DTU_ROUTE_MAX + 1, 'x');
  dtu_msg m{};
  m.route = dtu::str(route);
  uint32_t taken = 9;
  EXPECT_EQ(puppet_of(inst).host().emit(&m, 1, &taken), DTU_E_INVALID);
  EXPECT_EQ(taken, 0U);
  const dtu::EmitResult refused = puppet_of(inst).host().emit(1, "x", route);
  EXPECT_FALSE(refused) << "it was not taken";
  EXPECT_FALSE(refused.again()) << "and never will be";
  EXPECT_EQ(refused.status(), DTU_E_INVALID);
}

TEST(TestHost, TokensAreCompletedExactlyOnce) {
  TestHost host;
  host.tolerate_misbehaviour();
  auto inst = host.create(puppet);
  inst.start();
  puppet_of(inst).room = 2;
  const auto sent = inst.send({{"a", "0"}, {"b", "0"}, {"c", "0"}});
  EXPECT_EQ(sent.status, DTU_AGAIN);
  EXPECT_EQ(sent.taken, 2U);
  EXPECT_EQ(sent.tokens, puppet_of(inst).tokens);
  EXPECT_EQ(inst.open_tokens(), 2U);
  puppet_of(inst).host().complete(sent.tokens[0], DTU_OK);
  EXPECT_EQ(inst.open_tokens(), 1U);
  EXPECT_TRUE(host.misbehaviour().empty());
  puppet_of(inst).host().complete(sent.tokens[0], DTU_OK);
  EXPECT_THAT(host.misbehaviour(), ElementsAre(HasSubstr("twice")));
  EXPECT_EQ(host.completions().size(), 2U);
}

TEST(TestHost, SendingATokenAgainOpensItAgain) {
  TestHost host;
  auto inst = host.create(puppet);
  const auto first = inst.send({{"a", "0"}});
  puppet_of(inst).host().complete(first.tokens[0], DTU_E_CLOSED);
  dtu::test::Message again{"a", "0"};
  again.token = first.tokens[0];
  EXPECT_EQ(inst.send({again}).status, DTU_OK);
  puppet_of(inst).host().complete(first.tokens[0], DTU_OK);
  EXPECT_EQ(inst.open_tokens(), 0U);
}

TEST(TestHost, ForeignThreadsMaySpeakButNotUseTheLane) {
  TestHost host;
  host.tolerate_misbehaviour();
  auto inst = host.create(puppet);
  inst.start();
  dtu::Host h = puppet_of(inst).host();
  int posted = 0;
  std::thread foreign([&] {
    h.report(DTU_STATE_UP);
    h.warn("from afar");
    EXPECT_TRUE(h.emit(0, "x"));
    dtu_post(
        &h.need<dtu_post_service>(DTU_POST_SERVICE), h.instance(), [](void* n) { ++*static_cast<int*>(n); }, &posted);
  });
  foreign.join();
  ASSERT_TRUE(host.run_until([&] { return posted == 1; }));
  EXPECT_EQ(host.state(inst), DTU_STATE_UP);
  EXPECT_TRUE(host.logged("afar"));
  EXPECT_TRUE(host.misbehaviour().empty());
  std::thread rude([&] { const dtu::Timer timer(h, [] {}); });
  rude.join();
  EXPECT_THAT(host.misbehaviour().at(0), HasSubstr("timer.create from a foreign thread"));
}

TEST(TestHost, ComplainsOfLeftTimersAndLateCalls) {
  TestHost host;
  host.tolerate_misbehaviour();
  auto inst = host.create(puppet);
  dtu::Host h = puppet_of(inst).host();
  uint64_t id = 0;
  dtu_create_timer(
      &h.need<dtu_timer_service>(DTU_TIMER_SERVICE), h.instance(), [](void*) {}, nullptr, &id);
  inst.destroy();
  EXPECT_THAT(host.misbehaviour(), ElementsAre(HasSubstr("timer")));
  uint32_t taken = 0;
  const dtu_msg m{};
  EXPECT_EQ(h.emit(&m, 1, &taken), DTU_E_CLOSED);
  EXPECT_THAT(host.misbehaviour().back(), HasSubstr("emit after destroy()"));
}

TEST(TestHost, ComplainsOfKeptBuffers) {
  dtu_buf* forgotten = nullptr;
  EXPECT_NONFATAL_FAILURE(
      {
        TestHost host;
        auto inst = host.create(puppet);
        dtu::Host h = puppet_of(inst).host();
        uint8_t* bytes = nullptr;
        dtu::Buffer kept = h.alloc(3, &bytes);
        forgotten = kept.get();
        h.raw()->buf_ref(h.instance(), forgotten);
        inst.destroy();
        kept.reset();
      },
      "1 buffers were never given back");
  dtu::test::buffers::unref(forgotten);
}

TEST(TestHost, CreateMayNotReport) {
  TestHost host;
  host.tolerate_misbehaviour();
  auto chatty = host.create(puppet, "chatty");
  EXPECT_THAT(host.misbehaviour(), ElementsAre(HasSubstr("report from create()")));
  auto refused = host.create(puppet, "refuse");
  EXPECT_FALSE(refused);
  EXPECT_EQ(refused.status(), DTU_E_INVALID);
  EXPECT_EQ(refused.error(), "the configuration is refused");
}

TEST(TestHost, FakeClockRunsTimersInOrder) {
  TestHost host;
  host.use_fake_clock();
  auto inst = host.create(puppet);
  dtu::Host h = puppet_of(inst).host();
  std::vector<std::string> fired;
  dtu::Timer slow(h, [&] { fired.emplace_back("slow"); });
  dtu::Timer fast(h, [&] { fired.emplace_back("fast"); });
  slow.arm_ms(3'600'000);
  fast.arm_ms(1'500'000, 1'500'000);
  const int64_t before = h.monotonic_ns();
  host.advance(std::chrono::hours(1));
  EXPECT_THAT(fired, ElementsAre("fast", "fast", "slow"));
  EXPECT_EQ(h.monotonic_ns() - before, std::chrono::nanoseconds(std::chrono::hours(1)).count());
}

TEST(TestHost, WatchesDescriptors) {
  TestHost host;
  auto inst = host.create(puppet);
  const int fd = eventfd(0, EFD_NONBLOCK);
  uint32_t seen = 0;
  {
    dtu::FdWatch watch(puppet_of(inst).host(), fd, DTU_FD_READ, [&](uint32_t events) {
      seen |= events;
      eventfd_t ignored = 0;
      eventfd_read(fd, &ignored);
    });
    host.run_for(milliseconds(1));
    EXPECT_EQ(seen, 0U);
    eventfd_write(fd, 1);
    EXPECT_TRUE(host.run_until([&] { return seen == DTU_FD_READ; }));
  }
  close(fd);
}

struct Answers {
  std::vector<std::string> got;
  static void done(void* ctx, const dtu_answer* a) {
    static_cast<Answers*>(ctx)->got.push_back(std::to_string(a->status) + " " + std::string(dtu::view(a->json)) +
                                              (a->error == nullptr ? "" : a->error->message));
  }
};

TEST(TestHost, AnswersCommandsAndPointsFromTheLoop) {
  TestHost host;
  auto inst = host.create(puppet);
  const dtu::Host h = puppet_of(inst).host();
  const auto& invoke = h.need<dtu_invoke_service>(DTU_INVOKE_SERVICE);
  Answers answers;
  host.set_point("radio.csq", "17");
  host.on_code(3, [](const Request& r) -> Answer { return {DTU_OK, "\"" + r.remote + "\""}; });
  host.on_command("later", [](const Request&) { return std::nullopt; });
  dtu_request q{};
  q.struct_size = sizeof q;
  q.code = 3;
  q.caller = DTU_CALLER_REMOTE;
  q.remote = dtu::str("sms 10086");
  q.done = Answers::done;
  q.ctx = &answers;
  EXPECT_EQ(invoke.invoke(h.instance(), &q, nullptr, nullptr), DTU_OK);
  const dtu_point_request csq{sizeof csq, 0, dtu::str("radio.csq"), {}, Answers::done, nullptr, &answers};
  const dtu_point_request none{sizeof none, 0, dtu::str("no.such"), {}, Answers::done, nullptr, &answers};
  EXPECT_EQ(invoke.read_point(h.instance(), &csq, nullptr, nullptr), DTU_OK);
  EXPECT_EQ(invoke.read_point(h.instance(), &none, nullptr, nullptr), DTU_OK);
  q.command = dtu::str("later");
  EXPECT_EQ(invoke.invoke(h.instance(), &q, nullptr, nullptr), DTU_OK);
  EXPECT_TRUE(answers.got.empty()) << "never inside the call";
  ASSERT_TRUE(host.run_until([&] { return answers.got.size() == 3; }));
  host.answer(host.requests().back().id, {DTU_OK, "true"});
  EXPECT_THAT(answers.got, ElementsAre("0 \"sms 10086\"", "0 17", "-9 no point is called no.such", "0 true"));
  host.refuse_invoke(DTU_E_CLOSED);
  EXPECT_EQ(invoke.invoke(h.instance(), &q, nullptr, nullptr), DTU_E_CLOSED);
}

TEST(TestHost, KeepsStateAndMetrics) {
  TestHost host;
  auto inst = host.create(puppet);
  const dtu::Host h = puppet_of(inst).host();
  const auto& kv = h.need<dtu_kv_service>(DTU_KV_SERVICE);
  EXPECT_EQ(dtu_kv_set(&kv, h.instance(), dtu::str("secret"), dtu::str("s3")), DTU_PENDING);
  EXPECT_EQ(dtu_kv_set(&kv, h.instance(), dtu::str("a/b"), dtu::str("x")), DTU_E_INVALID);
  EXPECT_EQ(host.kv("puppet")["secret"], "s3");
  const auto& metrics = h.need<dtu_metrics_service>(DTU_METRICS_SERVICE);
  uint64_t id = 0;
  ASSERT_EQ(metrics.add(h.instance(), DTU_METRIC_COUNTER, dtu::str("frames"), dtu::str("Frames."), &id), DTU_OK);
  metrics.increase(h.instance(), id, 3);
  EXPECT_EQ(host.metric("frames"), 3);
  EXPECT_EQ(host.metric("other"), std::nullopt);
  host.withhold(DTU_KV_SERVICE);
  EXPECT_EQ(h.service<dtu_kv_service>(DTU_KV_SERVICE), nullptr);
}

TEST(TestHost, KeptValuesAndAFolderInCxx) {
  TestHost host;
  auto inst = host.create(puppet);
  const dtu::Host h = puppet_of(inst).host();
  const dtu::Kept kept(h);
  std::vector<std::string> told;
  EXPECT_FALSE(kept.get("a"));
  EXPECT_TRUE(kept.set("a", "1", [&](dtu_status status) { told.push_back("a " + std::to_string(status)); }));
  EXPECT_TRUE(kept.set("empty", std::string_view()));
  EXPECT_EQ(kept.get("a"), "1");
  EXPECT_EQ(kept.get("empty"), "");
  EXPECT_TRUE(kept.remove("a", [&](dtu_status) { throw std::runtime_error("stopped here"); }));
  EXPECT_FALSE(kept.set("no/key", "1", [&](dtu_status) { told.emplace_back("never"); }));
  EXPECT_TRUE(told.empty());
  ASSERT_TRUE(host.run_until([&] { return !host.logs().empty(); }));
  EXPECT_THAT(told, ElementsAre("a 0"));
  EXPECT_THAT(host.logs().back().text, HasSubstr("stopped here"));
  EXPECT_FALSE(kept.get("a"));
  const dtu::Folder folder = dtu::folder(h);
  EXPECT_FALSE(folder.full);
  EXPECT_TRUE(std::filesystem::is_directory(folder.path)) << folder.path;
}

TEST(TestHost, RecordsWhatADialectSends) {
  TestHost host;
  auto inst = host.create(puppet);
  const dtu::Host h = puppet_of(inst).host();
  const auto& link = h.need<dtu_link_service>(DTU_LINK_SERVICE);
  host.on_link_write([](const dtu::test::LinkWrite& w) { return w.channel == 9 ? DTU_E_NOT_FOUND : DTU_OK; });
  const dtu::test::OwnedMsg m({"bytes", "0"});
  EXPECT_EQ(link.to_port(h.instance(), 5, m.get()), DTU_OK);
  EXPECT_EQ(link.to_channel(h.instance(), 5, 3, m.get()), DTU_OK);
  EXPECT_EQ(link.to_channel(h.instance(), 5, 9, m.get()), DTU_E_NOT_FOUND);
  link.drop(h.instance(), 5, dtu::str("bad_crc"), 12);
  ASSERT_EQ(host.link_writes().size(), 2U);
  EXPECT_EQ(host.link_writes()[1].channel, 3U);
  EXPECT_EQ(host.link_writes()[1].payload, "bytes");
  EXPECT_EQ(host.drops().at(0).reason, "bad_crc");
}

TEST(TestHost, StopMayFinishLater) {
  TestHost host;
  auto inst = host.create(puppet);
  inst.start();
  puppet_of(inst).stop_status = DTU_PENDING;
  EXPECT_FALSE(inst.stop_and_wait(milliseconds(1)));
  dtu::Timer timer(puppet_of(inst).host(), [&] { puppet_of(inst).host().report(DTU_STATE_STOPPED); });
  timer.arm_ms(1);
  EXPECT_TRUE(inst.stop_and_wait());
}

// A component that tells and hears.
class Eventful : public dtu::Component, public dtu::CommandsIface {
 public:
  static constexpr dtu_event_info events[] = {dtu::event("unit.news", "News"), dtu::state_event("unit.mood", "Mood")};
  Eventful(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  void list_commands(const Each& /*each*/) override {}
  dtu_status invoke(uint64_t, std::string_view, std::string_view, const dtu_caller&) override {
    return DTU_E_NOT_FOUND;
  }
  dtu_status tell(std::string_view name, std::string_view json) { return events_.publish(name, json); }
  std::vector<std::string> heard;

 private:
  dtu::Events events_{host_};
  dtu::Subscription all_{host_, "unit.", [this](const dtu_event& e) {
                           heard.push_back(std::string(dtu::view(e.source)) + " " + std::string(dtu::view(e.json)) +
                                           ((e.flags & DTU_EVENT_LAST) != 0   ? " last"
                                            : (e.flags & DTU_EVENT_GONE) != 0 ? " gone"
                                                                              : ""));
                         }};
};
DTU_COMPONENT(eventful, Eventful, DTU_KIND_COMMAND, "eventful", "Eventful", R"({"type": "object"})", 0,
              dtu::commands_iface<Eventful>, dtu::events_iface<Eventful>);

TEST(TestHostEvents, AreTakenAndTold) {
  TestHost host;
  host.tell("unit.mood", R"({"n":1})", "hal x", DTU_EVENT_STATE);
  auto one = host.create(eventful);
  ASSERT_TRUE(one) << one.error();
  auto& plugin = *static_cast<Eventful*>(one.self());
  ASSERT_EQ(one.start(), DTU_OK);
  EXPECT_EQ(plugin.tell("unit.news", "{}"), DTU_OK);
  EXPECT_TRUE(plugin.heard.empty()) << "inside the call";
  host.tell("other.news", "{}");
  host.tell("unit.mood", "{}", "hal x", DTU_EVENT_STATE | DTU_EVENT_GONE);
  ASSERT_TRUE(host.run_until([&] { return plugin.heard.size() == 3; }));
  EXPECT_EQ(plugin.heard, (std::vector<std::string>{R"(hal x {"n":1} last)", "eventful {}", "hal x {} gone"}));
  ASSERT_EQ(host.events().size(), 1U);
  EXPECT_EQ(host.events()[0].name, "unit.news");
}

TEST(TestHostEvents, WhatDtudWouldRefuseIsMisbehaviour) {
  TestHost host;
  host.tolerate_misbehaviour();
  auto one = host.create(eventful);
  ASSERT_EQ(one.start(), DTU_OK);
  auto& plugin = *static_cast<Eventful*>(one.self());
  EXPECT_EQ(plugin.tell("unit.other", "{}"), DTU_E_DENIED);
  EXPECT_EQ(plugin.tell("unit.news", "[]"), DTU_E_INVALID);
  EXPECT_EQ(plugin.tell("unit.mood", R"({"a":")" + std::string(4096, 'x') + R"("})"), DTU_E_INVALID);
  EXPECT_EQ(host.misbehaviour().size(), 3U);
  for (int i = 0; i < 1000; ++i) (void)plugin.tell("unit.news", "{}");
  EXPECT_EQ(host.misbehaviour().size(), 4U) << "a flood is said once";
}

}  // namespace
