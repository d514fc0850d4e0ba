// What `isolate` costs: messages of 64 bytes to a channel that completes at once, in dtud and in a process of its own.
// Time is from send() to the last completion: there and back, so one way is about half of what `isolated` is longer.
// Argument: messages at a time.
#include <benchmark/benchmark.h>

#include <dtu/sdk/text.hpp>

#include <cstdlib>
#include <string>
#include <variant>
#include <vector>

#include "deaf_upcalls.hpp"
#include "plugins/instances.hpp"
#include "plugins/isolation/isolation.hpp"

namespace {

using namespace dtud;

class Rig final : public bench::DeafUpcalls {
 public:
  explicit Rig(benchmark::State& state) : state_(state), batch_(static_cast<uint32_t>(state.range(0))) {
    context_.isolation = &isolation_;
    msgs_.resize(batch_);
    buffer_ = BufferRef(allocate_buffer(payload_.size()));
    payload_.copy(reinterpret_cast<char*>(buffer_.get()->bytes()), payload_.size());
    for (dtu_msg& m : msgs_) {
      m.payload = {reinterpret_cast<const char*>(buffer_.get()->bytes()), payload_.size()};
      m.owner = buffer_.get();
    }
  }
  void run(bool isolated) {
    auto loaded = plugins::load(BENCH_PLUGIN);
    if (const auto* refusal = std::get_if<plugins::Refusal>(&loaded))
      return state_.SkipWithError(refusal->text.c_str());
    const auto& plugin = std::get<std::shared_ptr<const plugins::LoadedPlugin>>(loaded);
    const plugins::LoadedComponent* component = &plugin->components.front();
    if (isolated) component = &isolation_.stand_in(*component, plugin->id, plugin->file, {});
    lane_.add_turn_hook([this] { return done_ == batch_ && next(); });
    instance_ = plugins::Instance::make(context_, {"channel 1", component, "bench", "{}"});
    lane_.post([this] { instance_->start(); });
    lane_.run();
    state_.counters["per_msg"] = benchmark::Counter(static_cast<double>(state_.iterations()) * batch_,
                                                    benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
  }

  void started(plugins::Instance&) override { done_ = batch_; }
  void state_changed(plugins::Instance& i, uint64_t, int32_t state, const dtu_error*) override {
    if (state != DTU_STATE_FAILED) return;
    state_.SkipWithError(i.error().c_str());
    lane_.stop();
  }
  void complete(plugins::Instance&, uint64_t, dtu_status) override { ++done_; }
  void writable(plugins::Instance&, uint64_t) override { give(); }

 private:
  bool next() {
    done_ = 0;
    given_ = 0;
    if (!state_.KeepRunning()) {
      instance_->stop(1000, [this] {
        instance_.reset();
        lane_.stop();
      });
      return false;
    }
    give();
    return true;
  }
  void give() {
    while (given_ < batch_) {
      dtu_error error{};
      uint32_t taken = 0;
      for (uint32_t i = given_; i < batch_; ++i) msgs_[i].token = i + 1;
      const dtu_status status = instance_->guarded("send", &error, [&] {
        return instance_->tables().channel.send(instance_->self(), &msgs_[given_], std::min(64U, batch_ - given_),
                                                &taken, &error);
      });
      given_ += taken;
      if (status != DTU_OK) return;  // writable() follows
    }
  }

  benchmark::State& state_;
  const uint32_t batch_;
  uint32_t given_ = 0, done_ = 0;
  const std::string payload_ = std::string(64, 'x');
  std::vector<dtu_msg> msgs_;
  BufferRef buffer_;
  Lane lane_{"bench"};
  Log log_{Level::error, false};
  StallWatch stalls_{{}, [](const StallWatch::Stall&) {}};
  plugins::Metrics metrics_;
  plugins::Inbox inbox_{lane_, *this};
  plugins::Context context_{lane_, log_, *this, inbox_, metrics_, stalls_, instances_, {}};
  plugins::Instances instances_{context_};
  plugins::isolation::Isolation isolation_{context_, BENCH_HOST};
  plugins::InstancePtr instance_;
};

void in_process(benchmark::State& state) { Rig(state).run(false); }
void isolated(benchmark::State& state) { Rig(state).run(true); }
BENCHMARK(in_process)->Arg(1)->Arg(64)->Arg(1024)->UseRealTime();
BENCHMARK(isolated)->Arg(1)->Arg(64)->Arg(1024)->UseRealTime();

}  // namespace
