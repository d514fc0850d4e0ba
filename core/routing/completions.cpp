#include "routing/completions.hpp"

#include "routing/link.hpp"

namespace dtud::routing {

Completions::Completions(Lane& lane, const std::vector<std::unique_ptr<Channel>>& channels)
    : lane_(lane), channels_(channels), timer_(lane.timers().create(look, this)) {}

Completions::~Completions() { lane_.timers().destroy(timer_); }

void Completions::arm() {
  armed_ = true;
  lane_.timers().arm(timer_, monotonic_ns() + limits_.look_every_ns);
}

void Completions::look(void* self) {
  auto& me = *static_cast<Completions*>(self);
  me.armed_ = false;
  const int64_t now = monotonic_ns();
  for (const auto& channel : me.channels_) {
    me.look_at(*channel, now);
    if (channel->outbox.in_flight() != 0) me.expect();
  }
}

void Completions::look_at(Channel& channel, int64_t now) {
  for (const bool answers : {false, true}) {
    Channel::Oldest& oldest = channel.oldest.at(answers ? 1 : 0);
    const uint64_t token = channel.carries() ? channel.outbox.oldest_in_flight(answers) : 0;
    if (token == 0 || token != oldest.token) {
      oldest = {token, now};
      continue;
    }
    const auto bytes = static_cast<int64_t>(channel.outbox.in_flight_bytes());
    if (now - oldest.since_ns < limits_.ns + bytes * limits_.ns_per_byte) continue;
    const int64_t seconds = (now - oldest.since_ns) / 1'000'000'000;
    oldest = {};
    const std::string what = "took a message " + std::to_string(seconds) +
                             " s ago and has not said what became of it; " +
                             std::to_string(channel.outbox.in_flight()) + " are in flight";
    channel.instance->faults().note(plugins::Fault::no_completion, "send", what);
    // Nobody's blame in particular: it may be the other end that is silent. So it is no way into quarantine.
    channel.instance->condemn("send " + what, false);
    return;
  }
}

}  // namespace dtud::routing
