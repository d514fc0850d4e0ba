#include "routing/handover.hpp"

#include <algorithm>

#include "plugins/instances.hpp"

namespace dtud::routing {

Handover::Handover(Router& router, plugins::Instance& from) : router_(router), from_(from) {
  if (from.component().kind == DTU_KIND_CHANNEL) channel_ = static_cast<Channel*>(from.tenant());
  if (channel_ != nullptr) {
    carried_ = channel_->carries();
    channel_->held = true;
  }
  for (const auto& port : router.ports_)
    if (port->hal == &from && port->state == DTU_STATE_UP) {
      port->held = true;
      ports_.push_back(port.get());
    }
  for (const auto& link : router.links_)
    if (link->speaker == &from && link->session != nullptr) {
      link->held = true;
      spoken_.push_back(link.get());
    }
}

Handover::~Handover() {
  if (channel_ != nullptr) {
    channel_->held = false;
    channel_->grace = 0;
    router_.mark(*channel_);
  }
  for (Port* port : ports_) {
    port->held = false;
    port->grace = 0;
    router_.mark(*port);
    router_.unblock_channels_of(*port);
  }
  for (Link* link : spoken_) {
    link->held = false;
    router_.unblock(*link);
  }
  router_.lane_.wake();
}

void Handover::hurry(uint32_t deadline_ms) {
  if (!carried_ || from_.tables().channel.flush == nullptr || channel_->outbox.in_flight() == 0) return;
  from_.call(
      [&from = from_, deadline_ms] {
        dtu_error error{};
        error.struct_size = sizeof error;
        return from.guarded("flush", &error,
                            [&] { return from.tables().channel.flush(from.self(), deadline_ms, &error); });
      },
      [](dtu_status) {});
}

bool Handover::quiet() {
  if (channel_ != nullptr && (channel_->sending || (channel_->carries() && channel_->outbox.in_flight() != 0)))
    return false;
  return lines_are_drained();
}

bool Handover::lines_are_drained() {
  std::vector<void*> open;
  for (const Port* port : ports_) {
    if (port->writing) return false;
    if (port->handle != nullptr) open.push_back(port->handle);
  }
  if (open.empty() || from_.tables().ports.drained == nullptr || !from_.alive()) return true;
  const auto ask = [&from = from_, open = std::move(open)] {
    return std::all_of(open.begin(), open.end(), [&](void* port) {
      int32_t drained = 1;
      from.guarded("drained", nullptr,
                   [&] { return drained = from.tables().ports.drained(from.self(), port), DTU_OK; });
      return drained != 0;
    });
  };
  if (from_.on_main()) return ask();
  if (std::exchange(asked_->drained, false)) return true;
  if (!std::exchange(asked_->under_way, true))
    from_.call(ask, [asked = asked_](bool drained) {
      asked->under_way = false;
      asked->drained = drained;
    });
  return false;
}

bool Handover::collect() {
  if (!from_.alive()) return true;
  if (!std::exchange(collecting_, true)) {
    if (channel_ != nullptr) {
      channel_->grace = kGrace;
      if (std::exchange(channel_->owes_writable, false)) from_.tell_writable(0);
    }
    for (Port* port : ports_) {
      port->grace = kGrace;
      if (std::exchange(port->owes_writable, false)) from_.tell_writable(port->key);
    }
    from_.call([] { return true; }, [asked = asked_](bool) { asked->collected = true; });
  }
  return asked_->collected && from_.handle().inbox_bytes.load() == 0;
}

std::string Handover::missing() const {
  const auto state = [](int32_t state, const std::string& why) {
    return std::string(plugins::name_of_state(state)) + (why.empty() ? "" : ": " + why);
  };
  if (carried_ && !channel_->carries()) {
    const plugins::Instance* now = channel_->instance.get();
    return channel_->name + " is " + (now != nullptr ? state(now->state(), now->error()) : "not served");
  }
  for (const Port* port : ports_)
    if (port->state != DTU_STATE_UP) return port->name + " is " + state(port->state, port->error);
  for (const Link* link : spoken_)
    if (link->session == nullptr)
      return (link->port != nullptr ? link->port->name : "link " + std::to_string(link->id)) +
             " has nobody who speaks \"" + link->dialect + "\"";
  return {};
}

}  // namespace dtud::routing
