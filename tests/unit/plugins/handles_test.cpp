// Every function of every table of the host, called with an instance that is none, and with each argument that it must
// not follow: the call does nothing, and it is counted.
#include <iterator>

#include "rig.hpp"

namespace dtud::test {
namespace {

using plugins::Fault;

// The tables of the host, as an instance has them.
struct Host {
  const dtu_host* host;
  const dtu_timer_service& timer;
  const dtu_fd_service& fd;
  const dtu_post_service& post;
  const dtu_kv_service& kv;
  const dtu_folder_service& folder;
  const dtu_metrics_service& metrics;
  const dtu_invoke_service& invoke;
  const dtu_link_service& link;

  explicit Host(dtu::Host h)
      : host(h.raw()),
        timer(h.need<dtu_timer_service>(DTU_TIMER_SERVICE)),
        fd(h.need<dtu_fd_service>(DTU_FD_SERVICE)),
        post(h.need<dtu_post_service>(DTU_POST_SERVICE)),
        kv(h.need<dtu_kv_service>(DTU_KV_SERVICE)),
        folder(h.need<dtu_folder_service>(DTU_FOLDER_SERVICE)),
        metrics(h.need<dtu_metrics_service>(DTU_METRICS_SERVICE)),
        invoke(h.need<dtu_invoke_service>(DTU_INVOKE_SERVICE)),
        link(h.need<dtu_link_service>(DTU_LINK_SERVICE)) {}
};

struct Call {
  const char* name;
  void (*make)(const Host&, dtu_instance*);
};

void nothing(void*) {}
void no_text(void*, dtu_str) {}
void no_event(void*, uint32_t) {}
void no_answer(void*, const dtu_answer*) {}
void no_point(void*, const dtu_point_info*) {}
const dtu_str kNowhere{nullptr, 1000};
const dtu_str kText{"text", 4};

dtu_msg message(dtu_str payload) {
  dtu_msg m{};
  m.payload = payload;
  return m;
}
dtu_request request(dtu_str command) {
  dtu_request r{};
  r.struct_size = sizeof r;
  r.command = command;
  r.done = no_answer;
  return r;
}
const dtu_msg kMessage = message(kText), kNoPayload = message(kNowhere);
const dtu_request kRequest = request(kText), kNoCommand = request(kNowhere);
dtu_point_request of_point(dtu_str point, dtu_str json, dtu_answer_fn done = no_answer) {
  return {sizeof(dtu_point_request), 0, point, json, done, nullptr, nullptr};
}
const dtu_point_request kPoint = of_point(kText, kText), kPointNowhere = of_point(kNowhere, kText),
                        kValueNowhere = of_point(kText, kNowhere), kPointForNobody = of_point(kText, kText, nullptr);

const dtu_task kTask{sizeof(dtu_task), 0, nothing, nullptr, nullptr},
    kNoTask{sizeof(dtu_task), 0, nullptr, nullptr, nullptr};

// A place for what is answered, which nobody reads.
uint64_t* a_number() {
  thread_local uint64_t number = 0;
  return &number;
}

dtu_folder_usage* a_usage() {
  thread_local dtu_folder_usage usage{sizeof(dtu_folder_usage), 0, 0, 0};
  return &usage;
}

// With sound arguments: only the instance is wrong.
constexpr Call kEach[] = {
    {"log", [](const Host& h, dtu_instance* i) { h.host->log(i, DTU_LOG_INFO, kText); }},
    {"buf_alloc", [](const Host& h, dtu_instance* i) { EXPECT_EQ(h.host->buf_alloc(i, 1, nullptr), nullptr); }},
    {"buf_ref", [](const Host& h, dtu_instance* i) { h.host->buf_ref(i, nullptr); }},
    {"buf_unref", [](const Host& h, dtu_instance* i) { h.host->buf_unref(i, nullptr); }},
    {"emit", [](const Host& h, dtu_instance* i) { EXPECT_EQ(h.host->emit(i, &kMessage, 1, nullptr), DTU_E_CLOSED); }},
    {"complete", [](const Host& h, dtu_instance* i) { dtu_complete(h.host, i, 1, DTU_OK); }},
    {"writable", [](const Host& h, dtu_instance* i) { h.host->writable(i, 0); }},
    {"report", [](const Host& h, dtu_instance* i) { dtu_report(h.host, i, 0, DTU_STATE_UP, nullptr); }},
    {"reply", [](const Host& h, dtu_instance* i) { dtu_reply_to(h.host, i, 1, DTU_OK, kText, nullptr); }},
    {"timer create",
     [](const Host& h, dtu_instance* i) { dtu_create_timer(&h.timer, i, nothing, nullptr, a_number()); }},
    {"timer arm", [](const Host& h, dtu_instance* i) { h.timer.arm(i, 1, 1, 0); }},
    {"timer disarm", [](const Host& h, dtu_instance* i) { h.timer.disarm(i, 1); }},
    {"timer destroy", [](const Host& h, dtu_instance* i) { h.timer.destroy(i, 1); }},
    {"fd add",
     [](const Host& h, dtu_instance* i) { dtu_add_watch(&h.fd, i, 0, DTU_FD_READ, no_event, nullptr, a_number()); }},
    {"fd modify", [](const Host& h, dtu_instance* i) { h.fd.modify(i, 1, 0); }},
    {"fd remove", [](const Host& h, dtu_instance* i) { h.fd.remove(i, 1); }},
    {"post", [](const Host& h, dtu_instance* i) { dtu_post(&h.post, i, nothing, nullptr); }},
    {"kv get", [](const Host& h, dtu_instance* i) { h.kv.get(i, kText, no_text, nullptr); }},
    {"kv change", [](const Host& h, dtu_instance* i) { dtu_kv_set(&h.kv, i, kText, kText); }},
    {"kv change", [](const Host& h, dtu_instance* i) { dtu_kv_remove(&h.kv, i, kText); }},
    {"folder path", [](const Host& h, dtu_instance* i) { h.folder.path(i, no_text, nullptr); }},
    {"folder usage", [](const Host& h, dtu_instance* i) { h.folder.usage(i, a_usage()); }},
    {"metric add",
     [](const Host& h, dtu_instance* i) { h.metrics.add(i, DTU_METRIC_COUNTER, kText, kText, a_number()); }},
    {"metric increase", [](const Host& h, dtu_instance* i) { h.metrics.increase(i, 1, 1); }},
    {"metric set", [](const Host& h, dtu_instance* i) { h.metrics.set(i, 1, 1); }},
    {"invoke", [](const Host& h, dtu_instance* i) { h.invoke.invoke(i, &kRequest, nullptr, nullptr); }},
    {"read_point", [](const Host& h, dtu_instance* i) { h.invoke.read_point(i, &kPoint, nullptr, nullptr); }},
    {"write_point", [](const Host& h, dtu_instance* i) { h.invoke.write_point(i, &kPoint, nullptr, nullptr); }},
    {"await_point", [](const Host& h, dtu_instance* i) { h.invoke.await_point(i, &kPoint, nullptr, nullptr); }},
    {"cancel", [](const Host& h, dtu_instance* i) { EXPECT_EQ(h.invoke.cancel(i, 1), DTU_E_CLOSED); }},
    {"after_answers", [](const Host& h, dtu_instance* i) { h.invoke.after_answers(i, 0, &kTask); }},
    {"list_points", [](const Host& h, dtu_instance* i) { h.invoke.list_points(i, kText, no_point, nullptr); }},
    {"to_port", [](const Host& h, dtu_instance* i) { h.link.to_port(i, 1, &kMessage); }},
    {"to_channel", [](const Host& h, dtu_instance* i) { h.link.to_channel(i, 1, 1, &kMessage); }},
    {"drop", [](const Host& h, dtu_instance* i) { h.link.drop(i, 1, kText, 1); }},
};
static_assert(sizeof(dtu_host) - offsetof(dtu_host, log) == 11 * sizeof(void*), "one row each but service and clock");

// Of a sound instance: an argument is wrong.
constexpr Call kArguments[] = {
    {"log", [](const Host& h, dtu_instance* i) { h.host->log(i, DTU_LOG_INFO, kNowhere); }},
    {"buf_ref of null", [](const Host& h, dtu_instance* i) { h.host->buf_ref(i, nullptr); }},
    {"buf_unref of null", [](const Host& h, dtu_instance* i) { h.host->buf_unref(i, nullptr); }},
    {"buf_unref of what is no buffer",
     [](const Host& h, dtu_instance* i) {
       alignas(16) char memory[256] = {};
       h.host->buf_unref(i, reinterpret_cast<dtu_buf*>(memory));
       h.host->buf_unref(i, reinterpret_cast<dtu_buf*>(memory + 1));
     }},
    {"buf_unref twice",
     [](const Host& h, dtu_instance* i) {
       dtu_buf* b = h.host->buf_alloc(i, 10, nullptr);
       h.host->buf_unref(i, b);
       h.host->buf_unref(i, b);
     }},
    {"emit of nothing", [](const Host& h, dtu_instance* i) { h.host->emit(i, nullptr, 1, nullptr); }},
    {"emit", [](const Host& h, dtu_instance* i) { h.host->emit(i, &kNoPayload, 1, nullptr); }},
    {"emit with properties nowhere",
     [](const Host& h, dtu_instance* i) {
       dtu_msg m = kMessage;
       m.prop_count = 3;
       h.host->emit(i, &m, 1, nullptr);
     }},
    {"emit with a device nowhere",
     [](const Host& h, dtu_instance* i) {
       dtu_msg m = kMessage;
       m.device = kNowhere;
       h.host->emit(i, &m, 1, nullptr);
     }},
    {"emit with a device that is not UTF-8",
     [](const Host& h, dtu_instance* i) {
       dtu_msg m = kMessage;
       m.device = {"\xff", 1};
       h.host->emit(i, &m, 1, nullptr);
     }},
    {"reply", [](const Host& h, dtu_instance* i) { dtu_reply_to(h.host, i, 1, DTU_OK, kNowhere, nullptr); }},
    {"service", [](const Host& h, dtu_instance* i) { EXPECT_EQ(h.host->service(i, nullptr), nullptr); }},
    {"timer create",
     [](const Host& h, dtu_instance* i) { dtu_create_timer(&h.timer, i, nullptr, nullptr, a_number()); }},
    {"timer create without a place",
     [](const Host& h, dtu_instance* i) { dtu_create_timer(&h.timer, i, nothing, nullptr, nullptr); }},
    {"timer arm", [](const Host& h, dtu_instance* i) { EXPECT_EQ(h.timer.arm(i, 9999, 1, 0), DTU_E_NOT_FOUND); }},
    {"timer arm for ever", [](const Host& h, dtu_instance* i) { h.timer.arm(i, 9999, UINT64_MAX, 0); }},
    {"timer disarm", [](const Host& h, dtu_instance* i) { EXPECT_EQ(h.timer.disarm(i, 0), DTU_E_NOT_FOUND); }},
    {"timer destroy", [](const Host& h, dtu_instance* i) { EXPECT_EQ(h.timer.destroy(i, ~0ULL), DTU_E_NOT_FOUND); }},
    {"fd add",
     [](const Host& h, dtu_instance* i) { dtu_add_watch(&h.fd, i, 0, DTU_FD_READ, nullptr, nullptr, a_number()); }},
    {"fd modify", [](const Host& h, dtu_instance* i) { EXPECT_EQ(h.fd.modify(i, 9999, 0), DTU_E_NOT_FOUND); }},
    {"fd remove", [](const Host& h, dtu_instance* i) { EXPECT_EQ(h.fd.remove(i, 9999), DTU_E_NOT_FOUND); }},
    {"post", [](const Host& h, dtu_instance* i) { EXPECT_EQ(dtu_post(&h.post, i, nullptr, nullptr), DTU_E_INVALID); }},
    {"kv get", [](const Host& h, dtu_instance* i) { h.kv.get(i, kNowhere, no_text, nullptr); }},
    {"kv get for nobody", [](const Host& h, dtu_instance* i) { h.kv.get(i, kText, nullptr, nullptr); }},
    {"kv change", [](const Host& h, dtu_instance* i) { dtu_kv_set(&h.kv, i, kText, kNowhere); }},
    {"kv change", [](const Host& h, dtu_instance* i) { dtu_kv_remove(&h.kv, i, kNowhere); }},
    {"kv change", [](const Host& h, dtu_instance* i) { h.kv.change(i, nullptr); }},
    {"folder path for nobody", [](const Host& h, dtu_instance* i) { h.folder.path(i, nullptr, nullptr); }},
    {"folder usage", [](const Host& h, dtu_instance* i) { h.folder.usage(i, nullptr); }},
    {"metric add",
     [](const Host& h, dtu_instance* i) { h.metrics.add(i, DTU_METRIC_COUNTER, kText, kNowhere, a_number()); }},
    {"metric add without a place",
     [](const Host& h, dtu_instance* i) { h.metrics.add(i, DTU_METRIC_COUNTER, kText, kText, nullptr); }},
    {"metric increase", [](const Host& h, dtu_instance* i) { h.metrics.increase(i, 12345, 1); }},
    {"metric increase of an address",
     [](const Host& h, dtu_instance* i) { h.metrics.increase(i, reinterpret_cast<uintptr_t>(&h), 1); }},
    {"metric set", [](const Host& h, dtu_instance* i) { h.metrics.set(i, 0, 1); }},
    {"invoke of nothing", [](const Host& h, dtu_instance* i) { h.invoke.invoke(i, nullptr, nullptr, nullptr); }},
    {"invoke", [](const Host& h, dtu_instance* i) { h.invoke.invoke(i, &kNoCommand, nullptr, nullptr); }},
    {"read_point", [](const Host& h, dtu_instance* i) { h.invoke.read_point(i, &kPointNowhere, nullptr, nullptr); }},
    {"read_point for nobody",
     [](const Host& h, dtu_instance* i) { h.invoke.read_point(i, &kPointForNobody, nullptr, nullptr); }},
    {"write_point", [](const Host& h, dtu_instance* i) { h.invoke.write_point(i, &kValueNowhere, nullptr, nullptr); }},
    {"await_point", [](const Host& h, dtu_instance* i) { h.invoke.await_point(i, &kPointNowhere, nullptr, nullptr); }},
    {"await_point of nothing",
     [](const Host& h, dtu_instance* i) { h.invoke.await_point(i, nullptr, nullptr, nullptr); }},
    {"after_answers of nothing", [](const Host& h, dtu_instance* i) { h.invoke.after_answers(i, 0, nullptr); }},
    {"after_answers", [](const Host& h, dtu_instance* i) { h.invoke.after_answers(i, 0, &kNoTask); }},
    {"list_points", [](const Host& h, dtu_instance* i) { h.invoke.list_points(i, kNowhere, no_point, nullptr); }},
    {"to_port", [](const Host& h, dtu_instance* i) { h.link.to_port(i, 1, nullptr); }},
    {"to_channel", [](const Host& h, dtu_instance* i) { h.link.to_channel(i, 1, 1, nullptr); }},
    {"drop", [](const Host& h, dtu_instance* i) { h.link.drop(i, 1, kNowhere, 1); }},
};

struct HandlesTest : ::testing::TestWithParam<uint64_t> {
  const plugins::LoadedComponent component = channel_component(GetParam());
  Script script;
  Rig rig;

  // Runs it in start() of an instance, and waits for the end of that.
  void run_in(plugins::InstancePtr& instance, std::function<void(const plugins::Faults&)> fn) {
    std::atomic<bool> done{false};
    script.start = [&](dtu::Host host) {
      fn(plugins::Handle::of(host.instance()).instance.load()->faults());
      host.report(DTU_STATE_UP);
      done = true;
      return DTU_OK;
    };
    rig.on([&] {
      instance = rig.make("channel 1", component, script);
      instance->start();
    });
    EXPECT_TRUE(rig.eventually([&] { return done.load(); }));
  }
};
INSTANTIATE_TEST_SUITE_P(Lanes, HandlesTest, ::testing::Values(0, DTU_CAP_BLOCKING),
                         [](const auto& lane) { return lane.param == 0 ? "Main" : "Own"; });

TEST_P(HandlesTest, AnInstanceThatIsNoneIsCountedAgainstTheOneThatRuns) {
  plugins::InstancePtr instance;
  run_in(instance, [&](const plugins::Faults& faults) {
    const Host host(script.host());
    char nobody[sizeof(plugins::Handle)] = {};
    const auto behind = reinterpret_cast<uintptr_t>(script.host().instance()) + (uintptr_t{1} << 20U);
    for (dtu_instance* i : {static_cast<dtu_instance*>(nullptr), reinterpret_cast<dtu_instance*>(uintptr_t{8}),
                            reinterpret_cast<dtu_instance*>(nobody), reinterpret_cast<dtu_instance*>(behind)})
      for (const Call& call : kEach) {
        const uint64_t before = faults.total();
        call.make(host, i);
        EXPECT_EQ(faults.total(), before + 1) << call.name << " with " << i;
        const std::string named = faults.read().front().second.function;
        EXPECT_EQ(named, std::string(call.name) + " in start");
      }
  });
  rig.stop(instance);
}

TEST_P(HandlesTest, AnArgumentThatCannotBeUsedIsCounted) {
  plugins::InstancePtr instance;
  run_in(instance, [&](const plugins::Faults& faults) {
    const Host host(script.host());
    for (const Call& call : kArguments) {
      const uint64_t before = faults.total();
      call.make(host, script.host().instance());
      EXPECT_GT(faults.total(), before) << call.name;
    }
  });
  rig.stop(instance);
}

// A timer of one instance is nothing to another.
TEST_P(HandlesTest, NumbersOfAnotherInstanceAreNotFound) {
  plugins::InstancePtr instance, other;
  uint64_t timer = 0, metric = 0;
  run_in(instance, [&](const plugins::Faults&) {
    const Host host(script.host());
    ASSERT_EQ(dtu_create_timer(&host.timer, script.host().instance(), nothing, nullptr, &timer), DTU_OK);
    ASSERT_EQ(host.metrics.add(script.host().instance(), DTU_METRIC_GAUGE, kText, kText, &metric), DTU_OK);
  });
  std::atomic<bool> done{false};
  script.start = [&](dtu::Host h) {
    const Host host(h);
    EXPECT_EQ(host.timer.arm(h.instance(), timer, 1, 0), DTU_E_NOT_FOUND);
    EXPECT_EQ(host.timer.destroy(h.instance(), timer), DTU_E_NOT_FOUND);
    host.metrics.set(h.instance(), metric, 7);
    EXPECT_EQ(plugins::Handle::of(h.instance()).instance.load()->faults().total(), 3U);
    done = true;
    return DTU_OK;
  };
  rig.on([&] {
    other = rig.make("channel 2", component, script);
    other->start();
  });
  ASSERT_TRUE(rig.eventually([&] { return done.load(); }));
  for (const auto& reading : rig.metrics.read()) EXPECT_EQ(reading.value, 0);
  rig.stop(other);
  rig.stop(instance);
}

// Whose thread it is nobody knows: it is counted all the same.
TEST_P(HandlesTest, FromAnotherThreadItIsCountedAgainstUnknown) {
  plugins::InstancePtr instance;
  run_in(instance, [](const plugins::Faults&) {});
  std::thread([&] {
    const Host host(script.host());
    for (const Call& call : kEach) call.make(host, nullptr);
  }).join();
  const plugins::Faults* unknown = rig.instances.faults().newest("unknown");
  ASSERT_NE(unknown, nullptr);
  EXPECT_EQ(unknown->total(), std::size(kEach));
  rig.stop(instance);
}

// States and sources, which are looked at on the main lane.
TEST_P(HandlesTest, AStateThatThereIsNotAndSourcesThatAreNoneAreCounted) {
  const plugins::LoadedComponent hal = hal_component(GetParam());
  plugins::InstancePtr instance;
  script.start = [](dtu::Host host) {
    host.report(99);
    host.report(DTU_STATE_UP, 77);
    host.writable(77);
    host.report(DTU_STATE_UP);
    return DTU_OK;
  };
  rig.on([&] {
    instance = rig.make("hal x", hal, script);
    instance->start();
  });
  ASSERT_TRUE(rig.eventually([&] { return instance->state() == DTU_STATE_UP; }));
  rig.on([&] {
    const auto faults = instance->faults().read();
    ASSERT_EQ(faults.size(), 2U);
    EXPECT_EQ(faults[0].first, Fault::emit);
    EXPECT_EQ(faults[0].second.count, 2U);
    EXPECT_EQ(faults[1].first, Fault::malformed);
    EXPECT_EQ(faults[1].second.function, "report");
  });
  rig.stop(instance);
}

// A handle that many others came after.
TEST_P(HandlesTest, AStaleInstanceIsFoundOut) {
  plugins::InstancePtr instance;
  dtu_instance* stale = nullptr;
  run_in(instance, [&](const plugins::Faults&) { stale = script.host().instance(); });
  rig.stop(instance);
  for (int i = 0; i < 300; ++i) {
    run_in(instance, [](const plugins::Faults&) {});
    rig.stop(instance);
  }
  run_in(instance, [&](const plugins::Faults& faults) {
    const Host host(script.host());
    const uint64_t before = faults.total();
    for (const Call& call : kEach) call.make(host, stale);
    EXPECT_EQ(faults.total(), before + std::size(kEach));
  });
  EXPECT_EQ(plugins::Handle::find(stale), nullptr);
  rig.stop(instance);
}

}  // namespace
}  // namespace dtud::test
