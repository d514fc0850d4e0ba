// The kernel without its documents: a main lane on a thread of its own, a Router and Calls, and instances of test
// components. Everything but `on`, `eventually` and `lane` is for the lane.
#pragma once
#include <gtest/gtest.h>

#include <future>
#include <thread>

#include "commands/calls.hpp"
#include "events/hub.hpp"
#include "plugins/folders.hpp"
#include "plugins/instance.hpp"
#include "plugins/instances.hpp"
#include "plugins/kv.hpp"
#include "routing/router.hpp"
#include "script.hpp"
#include "temporary_folder.hpp"

namespace dtud::test {

class Rig : public plugins::Upcalls {
 public:
  Rig() : thread_([this] { lane.run(); }) {}
  ~Rig() override {
    // One that was given up may have told the test that it goes on, and not come back yet.
    EXPECT_TRUE(eventually([this] { return instances.still_inside() == nullptr; }));
    lane.stop();
    thread_.join();
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // Runs fn on the lane and waits for it.
  template <typename Fn>
  void on(Fn fn) {
    std::promise<void> done;
    lane.post([&] {
      fn();
      done.set_value();
    });
    ASSERT_EQ(done.get_future().wait_for(kDeadline), std::future_status::ready) << "the main lane is held up";
  }
  // Looks, on the lane and once per turn of it, until `what` is so.
  template <typename What>
  [[nodiscard]] bool eventually(What what) {
    const auto end = std::chrono::steady_clock::now() + kDeadline;
    for (bool is = false; std::chrono::steady_clock::now() < end; std::this_thread::yield()) {
      on([&] { is = what(); });
      if (is) return true;
    }
    return false;
  }
  plugins::InstancePtr make(const std::string& name, const plugins::LoadedComponent& c, const Script& script) {
    return plugins::Instance::make(context, {name, &c, "test", script.config()});
  }
  // Stops it and frees it, as owners do.
  void stop(plugins::InstancePtr& instance, uint32_t deadline_ms = 5000) {
    auto done = std::make_shared<std::promise<void>>();
    auto future = done->get_future();
    on([&] {
      instance->stop(deadline_ms, [&instance, done] {
        instance.reset();
        done->set_value();
      });
    });
    ASSERT_EQ(future.wait_for(kDeadline), std::future_status::ready) << "never stopped";
  }
  void stop(routing::Channel& channel) { stop(channel.instance); }

  routing::Channel& add_channel(uint32_t id, const plugins::LoadedComponent& c, const Script& script,
                                routing::OutboxLimits limits = {}) {
    routing::Channel& channel = router.add_channel(id, limits);
    start(channel, c, script);
    return channel;
  }
  void start(routing::Channel& channel, const plugins::LoadedComponent& c, const Script& script) {
    channel.instance = make(channel.name, c, script);
    channel.instance->set_tenant(&channel);
    channel.instance->start();
  }
  routing::Port& add_port(const std::string& id) {
    config::PortConfig config;
    config.id = id;
    return router.add_port(config);
  }
  static KeptMessage message(std::string_view payload) {
    dtu_msg m{};
    m.payload = dtu::str(payload);
    return KeptMessage::keep(m);
  }
  bool logged(const std::string& text) const {
    for (const LogLine& line : log.newest(1000))
      if (line.text.find(text) != std::string::npos) return true;
    return false;
  }

  // plugins::Upcalls, as Kernel has them.
  void started(plugins::Instance& i) override {
    if (on_started) on_started(i);
  }
  void stopping(plugins::Instance& i) override { router.instance_stopping(i); }
  void stopped(plugins::Instance& i) override {
    ++runs_ended;
    directory.remove_of(i);
    events.gone(i.name());
    calls.gone(i);
    router.instance_stopped(i);
  }
  void state_changed(plugins::Instance& i, uint64_t source, int32_t state, const dtu_error* e) override {
    if (source != 0) return router.port_state(i, source, state, e);
    if (i.component().kind == DTU_KIND_CHANNEL && i.tenant() != nullptr)
      router.channel_state(*static_cast<routing::Channel*>(i.tenant()), state, e);
  }
  dtu_status emit(plugins::Instance& i, const dtu_msg* m, uint32_t n, uint32_t* taken) override {
    return on_emit ? on_emit(m, n, taken) : router.emit(i, m, n, taken);
  }
  void complete(plugins::Instance& i, uint64_t token, dtu_status s) override { router.complete(i, token, s); }
  void writable(plugins::Instance& i, uint64_t source) override { router.writable(i, source); }
  dtu_status to_port(plugins::Instance& i, uint64_t link, const dtu_msg& m) override {
    return router.to_port(i, link, m);
  }
  dtu_status to_channel(plugins::Instance& i, uint64_t link, uint32_t channel, const dtu_msg& m) override {
    return router.to_channel(i, link, channel, m);
  }
  void drop(plugins::Instance& i, uint64_t link, std::string_view reason, uint64_t bytes) override {
    router.drop(i, link, reason, bytes);
  }
  dtu_status discard(plugins::Instance& i, uint64_t link, uint32_t which, uint64_t* bytes) override {
    return router.discard(i, link, which, *bytes);
  }
  dtu_status set_line(plugins::Instance& i, uint64_t link, const dtu_line& line, dtu_error* error) override {
    return router.set_line(i, link, line, error);
  }
  dtu_status reply(plugins::Instance& i, const dtu_reply& r) override {
    commands::Answer answer{r.status, std::string(dtu::view(r.json)), r.error != nullptr ? r.error->message : ""};
    answer.age_ms = r.age_ms;
    answer.stale = (r.flags & DTU_REPLY_STALE) != 0;
    return calls.reply(i, r.call, std::move(answer));
  }
  static commands::Done answer_to(plugins::Asking& asking) {
    return [told = std::move(asking.told)](const commands::Answer& a) {
      const dtu_error error = dtu::make_error(a.status, a.error, a.flags);
      told({sizeof(dtu_answer), a.status, dtu::str(a.json), a.status == DTU_OK ? nullptr : &error, a.age_ms,
            a.stale ? DTU_REPLY_STALE : 0U});
    };
  }
  dtu_status invoke(plugins::Instance& asker, const dtu_request& r, plugins::Asking asking, dtu_error*) override {
    commands::Request request;
    request.command = dtu::view(r.command);
    request.caller = {commands::Caller::Kind::self, 0, 0, asker.name()};
    request.deadline_ms = r.deadline_ms;
    return calls.invoke(request, &asker, answer_to(asking), asking.number).status;
  }
  dtu_status read_point(plugins::Instance& asker, const dtu_point_request& r, plugins::Asking asking,
                        dtu_error*) override {
    return calls.read_point(dtu::view(r.point), &asker, answer_to(asking), {asking.number, r.deadline_ms}).status;
  }
  dtu_status write_point(plugins::Instance&, const dtu_point_request&, plugins::Asking, dtu_error*) override {
    return DTU_E_NOT_FOUND;
  }
  dtu_status await_point(plugins::Instance& asker, const dtu_point_request& r, plugins::Asking asking,
                         dtu_error*) override {
    uint64_t id = 0;
    return calls
        .await_point(dtu::view(r.point), dtu::view(r.json), &asker, answer_to(asking), id,
                     {asking.number, r.deadline_ms})
        .status;
  }
  void cancel(plugins::Instance& asker, uint64_t number) override { calls.cancel(asker, number); }
  void after_answers(plugins::Instance&, uint32_t, plugins::Asking asking) override {
    lane.post([asking] { asking.told({sizeof(dtu_answer), DTU_OK, {}, nullptr, 0, 0}); });
  }
  dtu_status list_points(std::string_view, void (*)(void*, const dtu_point_info*), void*) override { return DTU_OK; }
  dtu_status list_commands(std::string_view, plugins::CommandSink, void*) override { return DTU_OK; }

  Lane lane{"test"};
  Log log{Level::debug, false};
  StallWatch stalls{{}, [](const StallWatch::Stall&) {}};
  plugins::Metrics metrics;
  plugins::Inbox inbox{lane, *this};
  events::Hub events{lane};
  TemporaryFolder state;
  DiskLane disk{lane};
  plugins::KvStore kv{state.path() + "/kv", disk};
  plugins::Folders folders{lane, disk, state.path() + "/folders", 1U << 20U};
  plugins::Context context{lane,      log, *this,   inbox,   metrics, stalls,
                           instances, &kv, nullptr, nullptr, &events, &folders};
  plugins::Instances instances{context};
  routing::Router router{lane, log};
  commands::Directory directory;
  commands::Access access;
  commands::Calls calls{lane, log, directory, access};
  std::function<void(plugins::Instance&)> on_started;
  std::function<dtu_status(const dtu_msg*, uint32_t, uint32_t*)> on_emit;
  std::atomic<int> runs_ended{0};

 private:
  std::thread thread_;
};

}  // namespace dtud::test
