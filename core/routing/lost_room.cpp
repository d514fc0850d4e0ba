#include "routing/lost_room.hpp"

#include "routing/link.hpp"

namespace dtud::routing {

LostRoom::LostRoom(Lane& lane, const std::vector<std::unique_ptr<Channel>>& channels,
                   const std::vector<std::unique_ptr<Port>>& ports, TryAgain try_again)
    : lane_(lane),
      channels_(channels),
      ports_(ports),
      try_again_(std::move(try_again)),
      timer_(lane.timers().create(look, this)) {}

LostRoom::~LostRoom() { lane_.timers().destroy(timer_); }

void LostRoom::arm() {
  armed_ = true;
  lane_.timers().arm(timer_, monotonic_ns() + limits_.look_every_ns);
}

void LostRoom::look(void* self) {
  auto& me = *static_cast<LostRoom*>(self);
  me.armed_ = false;
  const int64_t now = monotonic_ns();
  bool any = false;
  for (const auto& channel : me.channels_) any = me.look_at(*channel, now) || any;
  for (const auto& port : me.ports_) any = me.look_at(*port, now) || any;
  if (any) me.expect();
}

// Of an isolated one its own process notices (plugin_host/feed): what is full here is the window.
bool LostRoom::look_at(Channel& channel, int64_t now) {
  if (!channel.full || !channel.carries() || channel.instance->component().isolated) return false;
  // While messages are in flight the end of one is expected to make room.
  if (channel.sending || channel.outbox.in_flight() != 0 || !channel.outbox.has_waiting()) return true;
  if (now - channel.full.since_ns < limits_.ns) return true;
  channel.full.try_again();
  try_again_(&channel, nullptr);
  return true;
}

bool LostRoom::look_at(Port& port, int64_t now) {
  if (!port.full || port.hal == nullptr || port.state != DTU_STATE_UP || port.hal->component().isolated) return false;
  if (port.writing || port.queue.empty() || now - port.full.since_ns < limits_.ns) return true;
  port.full.try_again();
  try_again_(nullptr, &port);
  return true;
}

void LostRoom::found(const plugins::Instance& instance, const char* function) {
  instance.faults().note(plugins::Fault::no_writable, function,
                         "took nothing more, had room again and did not call writable(): it was tried again");
}

}  // namespace dtud::routing
