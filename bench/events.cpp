// What an event costs: publish() of a plugin, the hub, the mailbox and the function of one subscriber, all on the main
// lane; and a publish() that is refused because the budget is used up. Gates: 4 us and 0.2 us.
#include <benchmark/benchmark.h>

#include <dtu/sdk.hpp>
#include <dtu/sdk/events.hpp>

#include <cstdlib>
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
  Eventful(dtu::Host host, std::string_view /*config*/) : Component(host) { last = this; }
  void list_commands(const Each& /*each*/) override {}
  dtu_status invoke(uint64_t, std::string_view, std::string_view, const dtu_caller&) override {
    return DTU_E_NOT_FOUND;
  }
  dtu_status tell() { return events_.publish("bench.news", kObject); }
  static Eventful* last;
  uint64_t heard = 0;

 private:
  dtu::Events events_{host_};
  dtu::Subscription all_{host_, "bench.", [this](const dtu_event&) { ++heard; }};
};
Eventful* Eventful::last = nullptr;

class Rig : public bench::DeafUpcalls {
 public:
  Rig() {
    component_.kind = DTU_KIND_COMMAND;
    component_.type = "bench";
    component_.create = dtu::Glue<Eventful>::create;
    component_.ops = dtu::Glue<Eventful>::ops;
    component_.events = {{"bench.news", "News", "", 0}};
    turn();  // from here on this thread is the lane's
    instance_.emplace(context_, plugins::Instance::Spec{"command bench", &component_, "bench", "{}"});
    instance_->start();
    turn();
  }
  ~Rig() override {
    instance_->stop(1000, [] {});
    turn();
  }
  Rig(const Rig&) = delete;
  Rig& operator=(const Rig&) = delete;
  // Everything that was posted.
  void turn() {
    lane_.stop();
    lane_.run();
  }
  void renew() { instance_->handle().budget.renew(); }

 private:
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
};

// range(0) events are told, then heard.
void event_with_one_subscriber(benchmark::State& state) {
  Rig rig;
  const auto batch = static_cast<uint64_t>(state.range(0));
  uint64_t told = 0;
  const uint64_t before = allocations.load();
  for (auto _ : state) {
    rig.renew();
    for (uint64_t i = 0; i < batch; ++i)
      if (Eventful::last->tell() != DTU_OK) std::abort();
    rig.turn();
    told += batch;
  }
  if (Eventful::last->heard != told) state.SkipWithError("events were lost");
  const auto events = static_cast<double>(told);
  state.counters["allocs_per_event"] = static_cast<double>(allocations.load() - before) / events;
  state.counters["per_event"] = benchmark::Counter(events, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}
BENCHMARK(event_with_one_subscriber)->Arg(1)->Arg(64);

void refused_publish(benchmark::State& state) {
  Rig rig;
  while (Eventful::last->tell() == DTU_OK) {
  }
  for (auto _ : state) benchmark::DoNotOptimize(Eventful::last->tell());
}
BENCHMARK(refused_publish);

}  // namespace
