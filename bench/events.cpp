// What an event costs: publish() of a plugin, the hub, the mailbox and the function of one subscriber, all on the main
// lane; and a publish() that is refused because the budget is used up. Gates: 4 us and 0.2 us. The lane runs without an
// end, so that each turn costs what it costs in dtud: one look at its descriptors.
#include <benchmark/benchmark.h>

#include <dtu/sdk.hpp>
#include <dtu/sdk/events.hpp>

#include <cstdlib>
#include <functional>
#include <optional>
#include <string>

#include "allocations.hpp"
#include "deaf_upcalls.hpp"
#include "events/hub.hpp"
#include "lanes/lane.hpp"
#include "lanes/stall_watch.hpp"
#include "plugins/instance.hpp"
#include "plugins/instances.hpp"

namespace {

using namespace dtud;

constexpr char kObject[] = R"({"number": "+15555550123", "text": "twenty characters!!!"})";

// Tells, and hears itself.
class Eventful : public dtu::Component, public dtu::CommandsIface {
 public:
  Eventful(dtu::Host host, std::string_view /*config*/) : Component(host) {
    last = this;
    heard = 0;
  }
  void list_commands(const Each& /*each*/) override {}
  dtu_status invoke(uint64_t, std::string_view, std::string_view, const dtu_caller&) override {
    return DTU_E_NOT_FOUND;
  }
  dtu_status tell() { return events_.publish("bench.news", kObject); }
  static Eventful* last;
  static uint64_t heard;  // by the last one made

 private:
  dtu::Events events_{host_};
  dtu::Subscription all_{host_, "bench.", [](const dtu_event&) { ++heard; }};
};
Eventful* Eventful::last = nullptr;
uint64_t Eventful::heard = 0;

// A lane that runs without a pause, on the calling thread.
class Rig : public bench::DeafUpcalls {
 public:
  Rig() {
    component_.kind = DTU_KIND_COMMAND;
    component_.type = "bench";
    component_.create = dtu::Glue<Eventful>::create;
    component_.ops = dtu::Glue<Eventful>::ops;
    component_.events = {{"bench.news", "News", "", 0}};
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;

  // `turns` turns of the lane, with a look at the descriptors in each, as in dtud. In each `events` are told, to be
  // heard in the next one.
  void run(uint64_t turns, uint64_t events) {
    left_ = turns;
    events_ = events;
    lane_.post([this] {
      instance_.emplace(context_, plugins::Instance::Spec{"command bench", &component_, "bench", "{}"});
      instance_->start();
    });
    lane_.post([this] { step(); });
    lane_.run();
  }
  // On its lane, with an instance.
  void run(std::function<void()> what) {
    left_ = 0;
    what_ = std::move(what);
    run(0, 0);
  }
  [[nodiscard]] uint64_t told() const { return told_; }

 private:
  void step() {
    if (left_ == 0) {
      if (what_) what_();
      return end();
    }
    --left_;
    instance_->handle().budget.renew();
    for (uint64_t i = 0; i < events_; ++i, ++told_)
      if (Eventful::last->tell() != DTU_OK) std::abort();
    lane_.post([this] { step(); });
  }
  void end() {
    lane_.post([this] {
      instance_->stop(1000, [] {});
      lane_.stop();
    });
  }

  Lane lane_{"bench"};
  Log log_{Level::error, false};
  StallWatch stalls_{{}, [](const StallWatch::Stall&) {}};
  plugins::Metrics metrics_;
  plugins::Inbox inbox_{lane_, *this};
  events::Hub hub_{lane_};
  plugins::Context context_{lane_, log_, *this, inbox_, metrics_, stalls_, instances_, {}, nullptr, nullptr, &hub_};
  plugins::Instances instances_{context_};
  plugins::LoadedComponent component_;
  std::optional<plugins::Instance> instance_;
  uint64_t left_ = 0, events_ = 0, told_ = 0;
  std::function<void()> what_;
};

// range(0) events in each turn. 0: what the turn itself costs, which an event that comes alone pays for if nothing else
// made the lane wake.
void event_with_one_subscriber(benchmark::State& state) {
  const auto batch = static_cast<uint64_t>(state.range(0));
  const auto turns = static_cast<uint64_t>(state.max_iterations);
  Rig rig;
  const uint64_t before = allocations.load();
  while (state.KeepRunningBatch(state.max_iterations)) rig.run(turns, batch);
  if (Eventful::heard != rig.told()) state.SkipWithError("events were lost");
  if (batch == 0) return;
  const auto events = static_cast<double>(rig.told());
  state.counters["allocs_per_event"] = static_cast<double>(allocations.load() - before) / events;
  state.counters["per_event"] = benchmark::Counter(events, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(event_with_one_subscriber)->Arg(0)->Arg(1)->Arg(64);

void refused_publish(benchmark::State& state) {
  Rig rig;
  rig.run([&state] {
    while (Eventful::last->tell() == DTU_OK) {
    }
    for (auto _ : state) benchmark::DoNotOptimize(Eventful::last->tell());
  });
}
BENCHMARK(refused_publish);

}  // namespace
