// Every callback that the host keeps for a plugin is ended once: when it has run, when it was ended, when the instance
// goes, and when the host did not take it. Requests: awaited, cancelled, of a provider that goes.
#include <dtu/sdk/calls.hpp>

#include <sys/eventfd.h>
#include <unistd.h>

#include "rig.hpp"

namespace dtud::test {
namespace {

// What the host keeps: how often it ran, and how often it was ended.
struct Kept {
  std::atomic<int> ran{0}, ended{0};
  std::atomic<dtu_status> status{DTU_PENDING};
  std::atomic<uint32_t> flags{0};
  std::function<void()> while_running, when_ended;

  static void run(void* self) {
    auto& me = *static_cast<Kept*>(self);
    ++me.ran;
    if (me.while_running) me.while_running();
  }
  static void run_watch(void* self, uint32_t) { run(self); }
  static void answered(void* self, const dtu_answer* a) {
    auto& me = *static_cast<Kept*>(self);
    me.status = a->status;
    me.flags = a->error != nullptr ? a->error->flags : 0;
    run(self);
  }
  static void end(void* self) {
    auto& me = *static_cast<Kept*>(self);
    ++me.ended;
    if (me.when_ended) me.when_ended();
  }
  dtu_timer timer() { return {sizeof(dtu_timer), 0, run, end, this}; }
  dtu_watch watch(int fd) { return {sizeof(dtu_watch), fd, DTU_FD_READ, 0, run_watch, end, this}; }
  dtu_task task() { return {sizeof(dtu_task), 0, run, end, this}; }
  dtu_request request() {
    dtu_request r{};
    r.struct_size = sizeof r;
    r.command = dtu::str("test.run");
    r.code = -1;
    r.done = answered;
    r.destroy = end;
    r.ctx = this;
    return r;
  }
  dtu_point_request point() {
    return {sizeof(dtu_point_request), 0, dtu::str("test.door"), dtu::str("0"), answered, end, this};
  }
};

struct Services {
  dtu_instance* i;
  const dtu_timer_service& timer;
  const dtu_fd_service& fd;
  const dtu_post_service& post;
  const dtu_invoke_service& invoke;
  explicit Services(dtu::Host h)
      : i(h.instance()),
        timer(h.need<dtu_timer_service>(DTU_TIMER_SERVICE)),
        fd(h.need<dtu_fd_service>(DTU_FD_SERVICE)),
        post(h.need<dtu_post_service>(DTU_POST_SERVICE)),
        invoke(h.need<dtu_invoke_service>(DTU_INVOKE_SERVICE)) {}
};

// The asker lives on the main lane, or on one of its own.
struct Callbacks : ::testing::TestWithParam<uint64_t> {
  const plugins::LoadedComponent provider_component = scripted_board();
  const plugins::LoadedComponent asker_component = channel_component(GetParam());
  Kept timer, watch, request, await, task, other;
  Script provider_script, asker_script;
  Rig rig;
  plugins::InstancePtr provider, asker;
  const int fd = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

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
      commands::Point p;
      p.name = "test.door";
      p.provider = provider.get();
      EXPECT_EQ(rig.directory.add(std::move(p)), "");
    });
    ASSERT_TRUE(rig.eventually([&] { return provider->state() == DTU_STATE_UP && asker->state() == DTU_STATE_UP; }));
  }
  void TearDown() override {
    if (asker) rig.stop(asker);
    if (provider) rig.stop(provider);
    ::close(fd);
  }
  [[nodiscard]] bool on_main() const { return GetParam() == 0; }
  [[nodiscard]] Services host() const { return Services(asker_script.host()); }
  // Runs fn on the asker's lane and waits for it.
  template <typename Fn>
  void on_lane(Fn fn) {
    std::promise<void> done;
    asker->lane().post([&] {
      fn(host());
      done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(kDeadline), std::future_status::ready);
  }
  void keep_provider_silent() {
    provider_script.invoke = [](dtu::Host, uint64_t) { return DTU_OK; };
    provider_script.await = [](dtu::Host, uint64_t) { return DTU_OK; };
  }
};

TEST_P(Callbacks, AllEndBeforeTheInstanceIsDestroyed) {
  keep_provider_silent();
  std::atomic<int> too_late{0};
  for (Kept* kept : {&timer, &watch, &request, &await, &task})
    kept->when_ended = [&] { too_late += asker_script.destroyed; };
  on_lane([&](const Services& h) {
    uint64_t id = 0;
    const dtu_timer t = timer.timer();
    const dtu_watch w = watch.watch(fd);
    const dtu_request r = request.request();
    const dtu_point_request p = await.point();
    EXPECT_EQ(h.timer.create(h.i, &t, &id), DTU_OK);
    EXPECT_EQ(h.timer.arm(h.i, id, 3'600'000'000, 0), DTU_OK);
    EXPECT_EQ(h.fd.add(h.i, &w, &id), DTU_OK);
    EXPECT_EQ(h.invoke.invoke(h.i, &r, &id, nullptr), DTU_OK);
    EXPECT_EQ(h.invoke.await_point(h.i, &p, &id, nullptr), DTU_OK);
  });
  asker_script.stop = [&](dtu::Host h) {
    const dtu_task t = task.task();
    return Services(h).post.post(h.instance(), &t);
  };
  rig.stop(asker);
  for (const Kept* kept : {&timer, &watch, &request, &await}) {
    EXPECT_EQ(kept->ran, 0);
    EXPECT_EQ(kept->ended, 1);
  }
  EXPECT_EQ(task.ended, 1);
  EXPECT_EQ(too_late, 0);
  EXPECT_TRUE(rig.eventually([&] { return provider_script.awaits_cancelled == 1; })) << "nobody waits any more";
  EXPECT_FALSE(rig.logged("did not release"));
}

TEST_P(Callbacks, OneThatEndsItselfEndsAfterItsFunction) {
  uint64_t timer_id = 0, watch_id = 0;
  timer.while_running = [&] {
    EXPECT_EQ(host().timer.destroy(host().i, timer_id), DTU_OK);
    EXPECT_EQ(timer.ended, 0) << "its function still runs";
  };
  watch.while_running = [&] {
    EXPECT_EQ(host().fd.remove(host().i, watch_id), DTU_OK);
    EXPECT_EQ(watch.ended, 0) << "its function still runs";
  };
  on_lane([&](const Services& h) {
    const dtu_timer t = timer.timer();
    const dtu_watch w = watch.watch(fd);
    EXPECT_EQ(h.timer.create(h.i, &t, &timer_id), DTU_OK);
    EXPECT_EQ(h.timer.arm(h.i, timer_id, 0, 1000), DTU_OK);
    EXPECT_EQ(h.fd.add(h.i, &w, &watch_id), DTU_OK);
    EXPECT_EQ(::eventfd_write(fd, 1), 0);
  });
  EXPECT_TRUE(rig.eventually([&] { return timer.ended == 1 && watch.ended == 1; }));
  rig.stop(asker);
  for (const Kept* kept : {&timer, &watch}) {
    EXPECT_EQ(kept->ran, 1);
    EXPECT_EQ(kept->ended, 1);
  }
}

TEST_P(Callbacks, WhatIsRefusedEndsWithinTheCallAndAStructTooShortDoesNot) {
  on_lane([&](const Services& h) {
    uint64_t id = 0;
    dtu_timer t = timer.timer();
    EXPECT_EQ(h.timer.create(h.i, &t, nullptr), DTU_E_INVALID);
    EXPECT_EQ(timer.ended, 1);
    dtu_watch w = watch.watch(-1);
    EXPECT_EQ(h.fd.add(h.i, &w, &id), DTU_E_INVALID);
    EXPECT_EQ(watch.ended, 1);
    dtu_task a = task.task();
    a.fn = nullptr;
    EXPECT_EQ(h.post.post(h.i, &a), DTU_E_INVALID);
    EXPECT_EQ(task.ended, 1);
    EXPECT_EQ(h.invoke.after_answers(h.i, 0, &a), DTU_E_INVALID);
    EXPECT_EQ(task.ended, 2);
    dtu_request r = request.request();
    r.command = {nullptr, 7};
    EXPECT_EQ(h.invoke.invoke(h.i, &r, &id, nullptr), DTU_E_INVALID);
    EXPECT_EQ(request.ended, 1);
    dtu_point_request p = await.point();
    p.done = nullptr;
    EXPECT_EQ(h.invoke.await_point(h.i, &p, &id, nullptr), DTU_E_INVALID);
    EXPECT_EQ(await.ended, 1);

    t.struct_size = w.struct_size = a.struct_size = r.struct_size = p.struct_size = 8;
    EXPECT_EQ(h.timer.create(h.i, &t, &id), DTU_E_INVALID);
    EXPECT_EQ(h.fd.add(h.i, &w, &id), DTU_E_INVALID);
    EXPECT_EQ(h.post.post(h.i, &a), DTU_E_INVALID);
    EXPECT_EQ(h.invoke.invoke(h.i, &r, &id, nullptr), DTU_E_INVALID);
    EXPECT_EQ(h.invoke.await_point(h.i, &p, &id, nullptr), DTU_E_INVALID);
  });
  // On a thread that is no lane.
  dtu_timer t = timer.timer();
  uint64_t id = 0;
  EXPECT_EQ(host().timer.create(host().i, &t, &id), DTU_E_CLOSED);
  EXPECT_EQ(timer.ended, 2);
  const Services late = host();
  rig.stop(asker);
  const dtu_task a = other.task();
  EXPECT_EQ(late.post.post(late.i, &a), DTU_E_CLOSED);
  EXPECT_EQ(other.ended, 1);
  EXPECT_EQ(timer.ended, 2);
  EXPECT_EQ(watch.ended, 1);
  EXPECT_EQ(task.ended, 2);
  EXPECT_EQ(request.ended, 1);
  EXPECT_EQ(await.ended, 1);
}

TEST_P(Callbacks, AnAnswerEndsItsRequest) {
  on_lane([&](const Services& h) {
    const dtu_request r = request.request();
    const dtu_point_request p = await.point();
    const dtu_task a = task.task();
    uint64_t id = 0;
    EXPECT_EQ(h.invoke.invoke(h.i, &r, &id, nullptr), DTU_OK);
    EXPECT_NE(id, 0U);
    EXPECT_EQ(h.invoke.await_point(h.i, &p, nullptr, nullptr), DTU_OK);
    EXPECT_EQ(h.invoke.after_answers(h.i, 1000, &a), DTU_OK);
    EXPECT_EQ(request.ran + await.ran + task.ran, 0) << "never inside the call";
  });
  EXPECT_TRUE(rig.eventually([&] { return request.ended == 1 && await.ended == 1 && task.ended == 1; }));
  EXPECT_EQ(request.ran, 1);
  EXPECT_EQ(await.status, DTU_OK);
  EXPECT_EQ(task.ran, 1);
}

TEST_P(Callbacks, ACancelledRequestIsNotAnsweredAndItsProviderIsTold) {
  keep_provider_silent();
  uint64_t asked = 0, awaited = 0;
  on_lane([&](const Services& h) {
    const dtu_request r = request.request();
    const dtu_point_request p = await.point();
    EXPECT_EQ(h.invoke.invoke(h.i, &r, &asked, nullptr), DTU_OK);
    EXPECT_EQ(h.invoke.await_point(h.i, &p, &awaited, nullptr), DTU_OK);
  });
  ASSERT_TRUE(rig.eventually([&] { return rig.calls.under_way() == 2; }));
  rig.on([] {});  // both are handed over
  on_lane([&](const Services& h) {
    EXPECT_EQ(h.invoke.cancel(h.i, asked), DTU_OK);
    EXPECT_EQ(h.invoke.cancel(h.i, awaited), DTU_OK);
    EXPECT_EQ(request.ended, 1);
    EXPECT_EQ(await.ended, 1);
    EXPECT_EQ(h.invoke.cancel(h.i, asked), DTU_E_NOT_FOUND);
    EXPECT_EQ(h.invoke.cancel(h.i, 9999), DTU_E_NOT_FOUND);
  });
  EXPECT_TRUE(rig.eventually([&] { return provider_script.cancelled == 1 && provider_script.awaits_cancelled == 1; }));
  rig.on([&] { EXPECT_EQ(rig.calls.under_way(), 0U); });
  rig.stop(asker);
  for (const Kept* kept : {&request, &await}) {
    EXPECT_EQ(kept->ran, 0);
    EXPECT_EQ(kept->ended, 1);
  }
}

// The answer is in the asker's mailbox, or on its way to that lane, when the request is cancelled.
TEST_P(Callbacks, CancelFindsAnAnswerOnItsWay) {
  uint64_t call = 0;
  provider_script.invoke = [&](dtu::Host, uint64_t c) { return call = c, DTU_OK; };
  uint64_t asked = 0;
  on_lane([&](const Services& h) {
    const dtu_request r = request.request();
    EXPECT_EQ(h.invoke.invoke(h.i, &r, &asked, nullptr), DTU_OK);
  });
  ASSERT_TRUE(rig.eventually([&] { return call != 0; }));
  on_lane([&](const Services& h) {
    if (on_main()) {
      EXPECT_EQ(rig.calls.reply(*provider, call, {DTU_OK, "1", ""}), DTU_OK);
    } else {
      rig.on([&] { EXPECT_EQ(rig.calls.reply(*provider, call, {DTU_OK, "1", ""}), DTU_OK); });
    }
    EXPECT_EQ(h.invoke.cancel(h.i, asked), DTU_OK);
  });
  on_lane([](const Services&) {});
  rig.stop(asker);
  EXPECT_EQ(request.ran, 0);
  EXPECT_EQ(request.ended, 1);
}

TEST_P(Callbacks, AProviderThatStopsAnswersAnAwaitSoThatItCanBeTriedAgain) {
  keep_provider_silent();
  on_lane([&](const Services& h) {
    const dtu_point_request p = await.point();
    EXPECT_EQ(h.invoke.await_point(h.i, &p, nullptr, nullptr), DTU_OK);
  });
  ASSERT_TRUE(rig.eventually([&] { return rig.calls.under_way() == 1; }));
  rig.stop(provider);
  EXPECT_TRUE(rig.eventually([&] { return await.ended == 1; }));
  EXPECT_EQ(await.status, DTU_E_CLOSED);
  EXPECT_NE(await.flags & DTU_ERR_RETRYABLE, 0U);
}

TEST_P(Callbacks, AnAwaitHasADeadlineWhenItAsksForOne) {
  keep_provider_silent();
  on_lane([&](const Services& h) {
    dtu_point_request p = await.point();
    p.deadline_ms = 1;
    EXPECT_EQ(h.invoke.await_point(h.i, &p, nullptr, nullptr), DTU_OK);
  });
  EXPECT_TRUE(rig.eventually([&] { return await.ended == 1; }));
  EXPECT_EQ(await.status, DTU_E_TIMEOUT);
  EXPECT_TRUE(rig.eventually([&] { return provider_script.awaits_cancelled == 1; }));
}

TEST_P(Callbacks, OneThousandAndTwentyFourRequestsAreUnderWay) {
  keep_provider_silent();
  int taken = 0, refused = 0;
  on_lane([&](const Services& h) {
    for (int n = 0; n < 1030; ++n) {
      const dtu_point_request p = await.point();
      const dtu_status status = h.invoke.await_point(h.i, &p, nullptr, nullptr);
      ++(status == DTU_OK ? taken : refused);
      if (status != DTU_OK) {
        EXPECT_EQ(status, DTU_AGAIN);
      }
    }
    EXPECT_EQ(await.ended, refused);
  });
  EXPECT_EQ(taken, 1024);
  on_lane([&](const Services& h) {  // and everybody else may still ask
    const dtu_request r = request.request();
    EXPECT_EQ(h.invoke.invoke(h.i, &r, nullptr, nullptr), DTU_AGAIN) << "all kinds count";
  });
  rig.on([&] {
    commands::Request asked;
    asked.command = "test.run";
    EXPECT_EQ(rig.calls.invoke(asked, nullptr, [](const commands::Answer&) {}).status, DTU_OK);
  });
  rig.stop(asker);
  EXPECT_EQ(await.ended, 1030);
  EXPECT_EQ(await.ran, 0);
}

// Two threads that post and tell events without a pause while the instance goes.
TEST_P(Callbacks, ThreadsThatPostWhileTheInstanceGoesLoseNothing) {
  const Services h = host();
  std::atomic<bool> over{false};
  std::atomic<int> posted{0};
  const auto post = [&] {
    for (; !over; std::this_thread::yield()) {
      const dtu_task a = task.task();
      ++posted;
      static_cast<void>(h.post.post(h.i, &a));
    }
  };
  const dtu_events_service* events = asker_script.host().service<dtu_events_service>(DTU_EVENTS_SERVICE);
  std::thread first(post), second(post), third([&] {
    for (; !over; std::this_thread::yield())
      static_cast<void>(events->publish(h.i, dtu::str("test.x"), dtu::str("{}")));
  });
  EXPECT_TRUE(rig.eventually([&] { return task.ran > 100; }));
  rig.stop(asker);
  over = true;
  for (std::thread* t : {&first, &second, &third}) t->join();
  EXPECT_EQ(task.ended, posted);
  EXPECT_LE(task.ran, posted);
}

// The C++ face: the function and all it captured go with the call, the answer, or the instance.
TEST_P(Callbacks, FunctionsOfCppAreFreed) {
  keep_provider_silent();
  const auto witness = std::make_shared<std::atomic<int>>(0);
  auto call = std::make_unique<dtu::Call>();
  on_lane([&](const Services&) {
    const dtu::Host h = asker_script.host();
    *call = dtu::ask(h, "test.run", "{}", [witness](const dtu::Answer&) { ADD_FAILURE(); });
    EXPECT_TRUE(*call) << call->error();
    dtu::await_point(h, "test.door", "0", [witness](const dtu::Answer&) {}).let_go();
    dtu::Call refused = dtu::read_point(h, {nullptr, 5}, [witness](const dtu::Answer&) {});
    EXPECT_EQ(refused.status(), DTU_E_INVALID);
    EXPECT_EQ(dtu::post(h, [witness] { ++*witness; }), DTU_OK);
  });
  EXPECT_TRUE(rig.eventually([&] { return witness.use_count() == 3; }));
  EXPECT_EQ(*witness, 1);
  on_lane([&](const Services&) { call.reset(); });
  EXPECT_EQ(witness.use_count(), 2);
  rig.stop(asker);
  EXPECT_EQ(witness.use_count(), 1);
  EXPECT_EQ(dtu::post(asker_script.host(), [witness] {}), DTU_E_CLOSED);
  EXPECT_EQ(witness.use_count(), 1);
}

INSTANTIATE_TEST_SUITE_P(Lanes, Callbacks, ::testing::Values(uint64_t{0}, uint64_t{DTU_CAP_BLOCKING}),
                         [](const auto& info) { return info.param == 0 ? "Main" : "Own"; });

}  // namespace
}  // namespace dtud::test
