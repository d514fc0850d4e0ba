// What the kernel itself costs a message: port emit -> link -> raw dialect -> outbox -> channel send -> complete,
// through the real Router, with a HAL that does nothing and a channel that completes at once. Also counts allocations,
// which must be 0 a message once the queues have grown.
#include <benchmark/benchmark.h>

#include <dtu/sdk.hpp>

#include <atomic>
#include <cstdlib>
#include <string>
#include <vector>

#include "allocations.hpp"
#include "deaf_upcalls.hpp"
#include "lanes/lane.hpp"
#include "lanes/stall_watch.hpp"
#include "plugins/instance.hpp"
#include "plugins/instances.hpp"
#include "routing/router.hpp"

namespace {

using namespace dtud;

class IdleHal : public dtu::Component, public dtu::PortsIface {
 public:
  IdleHal(dtu::Host host, std::string_view /*config*/) : Component(host) { last = this; }
  void list_ports(const Each& /*each*/) override {}
  dtu_status open(std::string_view /*id*/, const dtu_port_settings& /*s*/, uint64_t key, void** port) override {
    key_ = key;
    *port = this;
    return DTU_OK;
  }
  void close(void* /*port*/) override {}
  dtu_status write(void* /*port*/, const dtu_msg* /*msgs*/, uint32_t n, uint32_t* taken) override {
    *taken = n;
    return DTU_OK;
  }
  void emit(dtu_msg* msgs, uint32_t n) {
    for (uint32_t i = 0; i < n; ++i) msgs[i].source = key_;
    uint32_t taken = 0;
    if (host_.emit(msgs, n, &taken) != DTU_OK || taken != n) std::abort();
  }
  static IdleHal* last;

 private:
  uint64_t key_ = 0;
};
IdleHal* IdleHal::last = nullptr;

class InstantChannel : public dtu::Component, public dtu::ChannelIface {
 public:
  InstantChannel(dtu::Host host, std::string_view /*config*/) : Component(host) {}
  dtu_status start() override {
    host_.report(DTU_STATE_UP);
    return DTU_OK;
  }
  dtu_status send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) override {
    for (*taken = 0; *taken < n; ++*taken) host_.complete(msgs[*taken].token, DTU_OK);
    sent += n;
    return DTU_OK;
  }
  static uint64_t sent;
};
uint64_t InstantChannel::sent = 0;

template <typename T>
plugins::LoadedComponent component(uint32_t kind, const dtu_iface& iface) {
  plugins::LoadedComponent c;
  c.kind = kind;
  c.type = "bench";
  c.create = dtu::Glue<T>::create;
  c.ops = dtu::Glue<T>::ops;
  c.interface_ids = {iface.id};
  c.tables = {iface.table};
  return c;
}

// The part of the kernel a message passes, on the calling thread's lane.
class Rig : public bench::DeafUpcalls {
 public:
  Rig() {
    config::PortConfig port;
    port.id = "1";
    port_ = &router_.add_port(port);
    channel_ = &router_.add_channel(1, {});
    channel_->instance = plugins::Instance::make(context_, {"channel 1", &channel_component_, "bench", "{}"});
    channel_->instance->set_tenant(channel_);
    router_.add_link(port_, "raw", {channel_}, {});
  }
  // Runs `work` on the lane with everything started.
  template <typename Work>
  void run(Work work) {
    lane_.post([&] {
      hal_.start();
      channel_->instance->start();
      router_.open_port(*port_, hal_);
      work();
      channel_->instance->stop(1000, [this] { hal_.stop(1000, [this] { lane_.stop(); }); });
    });
    lane_.run();
  }
  bool deliver() { return router_.deliver(); }

  void stopped(plugins::Instance& i) override { router_.instance_stopped(i); }
  void state_changed(plugins::Instance& i, uint64_t source, int32_t state, const dtu_error* e) override {
    if (source != 0) return router_.port_state(i, source, state, e);
    if (i.tenant() != nullptr) router_.channel_state(*static_cast<routing::Channel*>(i.tenant()), state, e);
  }
  dtu_status emit(plugins::Instance& i, const dtu_msg* m, uint32_t n, uint32_t* taken) override {
    return router_.emit(i, m, n, taken);
  }
  void complete(plugins::Instance& i, uint64_t token, dtu_status s) override { router_.complete(i, token, s); }
  void writable(plugins::Instance& i, uint64_t source) override { router_.writable(i, source); }

 private:
  Lane lane_{"bench"};
  Log log_{Level::error, false};
  StallWatch stalls_{{}, [](const StallWatch::Stall&) {}};
  plugins::Metrics metrics_;
  plugins::Inbox inbox_{lane_, *this};
  plugins::Context context_{lane_, log_, *this, inbox_, metrics_, stalls_, instances_, {}};
  plugins::Instances instances_{context_};
  plugins::LoadedComponent hal_component_ = component<IdleHal>(DTU_KIND_HAL, dtu::ports_iface<IdleHal>);
  plugins::LoadedComponent channel_component_ =
      component<InstantChannel>(DTU_KIND_CHANNEL, dtu::channel_iface<InstantChannel>);
  routing::Router router_{lane_, log_};
  plugins::Instance hal_{context_, {"hal bench", &hal_component_, "bench", "{}"}};
  routing::Port* port_ = nullptr;
  routing::Channel* channel_ = nullptr;
};

// range(0) messages of 64 bytes are emitted in one call, then delivered.
void hop(benchmark::State& state) {
  const auto batch = static_cast<uint32_t>(state.range(0));
  const std::string payload(64, 'x');
  std::vector<dtu_msg> msgs(batch);
  for (dtu_msg& m : msgs) m.payload = dtu::str(payload);
  Rig rig;
  rig.run([&] {
    const auto round = [&] {
      IdleHal::last->emit(msgs.data(), batch);
      while (rig.deliver()) {
      }
    };
    for (int i = 0; i < 1000; ++i) round();  // the queues grow to what is needed
    InstantChannel::sent = 0;
    const uint64_t before = allocations.load();
    uint64_t rounds = 0;
    for (auto _ : state) {
      round();
      ++rounds;
    }
    const auto messages = static_cast<double>(rounds * batch);
    if (InstantChannel::sent != rounds * batch) state.SkipWithError("messages were lost");
    state.counters["allocs_per_msg"] = static_cast<double>(allocations.load() - before) / messages;
    state.counters["per_msg"] = benchmark::Counter(messages, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  });
}
BENCHMARK(hop)->Arg(1)->Arg(64);

}  // namespace
