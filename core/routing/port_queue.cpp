// The way to a port: its queue, what its HAL took and is not on the wire yet, and latest times. One that is followed,
// or has a latest time, is the last one that the HAL has until it is on the wire: so its end is known for itself, and
// one with a latest time is begun when it is written.
#include <algorithm>
#include <array>
#include <utility>

#include "plugins/sound.hpp"
#include "routing/router.hpp"

namespace dtud::routing {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kShortestPause_ns = kMs, kLongestPause_ns = 20 * kMs;  // between two questions of whether it is out
constexpr int64_t kLongestFirstPause_ns = 1000 * kMs;
constexpr int64_t kEchoLate_ns = 200 * kMs;  // after the last bit; a USB adapter keeps bytes for up to 16 ms
constexpr uint64_t kEchoLateChars = 20;      // if that is more

}  // namespace

const char* name_of(PortDrop reason) {
  constexpr std::array<const char*, kPortDrops> names{"full",      "expired", "refused",
                                                      "no_memory", "no_link", "discarded"};
  return names.at(static_cast<size_t>(reason));
}

void Router::queue_for_port(Port& port, const dtu_msg& msg, uint64_t token) {
  KeptMessage kept = KeptMessage::keep(msg);
  if (!kept) {
    ++port.dropped(PortDrop::no_memory);
    return ended(port.link, 0, token, DTU_E_DROPPED, "memory");
  }
  // Bounded also where nobody could be asked to wait: a chunk that became many messages, a port that is gone.
  while (port.awaited() ? port.overcrowded() : port.crowded()) {
    if (port.shown != 0) {  // the oldest are being shown to the HAL
      ++port.dropped(PortDrop::full);
      return ended(port.link, 0, token, DTU_E_DROPPED, "full");
    }
    drop_from(port, PortDrop::full, DTU_E_DROPPED, "full");
  }
  port.queued_bytes += kept.payload_size();
  port.queue.push_back({std::move(kept), token, msg.latest_ns});
  if (msg.latest_ns != 0 && port.queue.size() == 1) arm(port);
  mark(port);
}

Port::Queued Router::take_from(Port& port) {
  Port::Queued first = port.queue.pop_front();
  port.queued_bytes -= first.message.payload_size();
  ++port.left;
  if (port.shown != 0) --port.shown;
  return first;
}

void Router::drop_from(Port& port, PortDrop why, dtu_status status, std::string_view reason) {
  if (std::exchange(port.echo_shown, false)) port.echo.forget();
  const Port::Queued first = take_from(port);
  ++port.dropped(why);
  ended(port.link, 0, first.token, status, reason);
}

// What was discarded while the HAL had it in its hands.
void Router::drop_doomed(Port& port) {
  for (; port.shown == 0 && port.doomed != 0; --port.doomed)
    drop_from(port, PortDrop::discarded, DTU_E_DROPPED, "discard");
}

// Only from the front, and not before the one that the HAL has, so that fates come in the order of the messages.
void Router::expire(Port& port) {
  if (port.queue.empty() || port.queue.front().latest_ns == 0 || port.line.token != 0) return;
  const int64_t now = monotonic_ns();
  while (!port.queue.empty() && port.shown == 0) {
    const int64_t latest = port.queue.front().latest_ns;
    if (latest == 0 || now <= latest) break;
    drop_from(port, PortDrop::expired, DTU_E_TIMEOUT, "");
  }
}

// Its timer: for the next message whose time passes, for the next question to the HAL.
void Router::arm(Port& port) {
  int64_t next = port.line.awaited && !port.line.asking ? port.line.ask_ns : 0;
  if (const auto& changes = port.control.changes; !changes.empty() && changes.front().made)
    // One that is due is looked at as the port is served: the timer would find it due again and again.
    if (const int64_t look = changes.front().look_ns; look > lane_.now_ns() && (next == 0 || look < next)) next = look;
  if (!port.queue.empty() && port.shown == 0 && port.line.token == 0)
    if (const int64_t latest = port.queue.front().latest_ns; latest != 0 && (next == 0 || latest < next))
      next = latest + 1;
  const int64_t now = lane_.now_ns();
  const auto at = [&](int64_t when) {
    if (when > now && (next == 0 || when < next)) next = when;
  };
  if (port.echo.waiting() && port.echo_end_ns != 0) at(port.echo_end_ns);
  if (!port.queue.empty()) at(port.quiet_until_ns);
  if (next != 0 && port.timer != 0) lane_.timers().arm(port.timer, next);
}

void Router::port_due(void* port_ptr) {
  Port& port = *static_cast<Port*>(port_ptr);
  Router& me = *port.router;
  me.expire(port);
  if (port.line.awaited && me.lane_.now_ns() >= port.line.ask_ns) me.ask_drained(port);
  if (port.echo.waiting() && port.echo_end_ns != 0 && me.lane_.now_ns() >= port.echo_end_ns) me.give_up_echo(port);
  me.mark(port);  // a change, or a message after a pause, may be due
  me.unblock_channels_of(port);
  me.arm(port);
}

// False: the HAL has something that has to be on the wire before, or the line has to be quiet for a while.
bool Router::may_begin(Port& port) {
  if (port.paced()) {
    // A message that the HAL was shown and did not take is offered again.
    if (port.echo.waiting() && !port.echo_shown) return false;
    if (port.shown == 0 && port.line.busy && !port.line.awaited && port.hal->tables().ports.drained != nullptr) {
      port.line.awaited = true;  // written before the port was paced
      port.line.pause_ns = kShortestPause_ns;
      ask_drained(port);
    }
    if (lane_.now_ns() < port.quiet_until_ns) return arm(port), false;
  }
  if (!port.line.awaited && port.queue.front().latest_ns != 0 && port.line.busy && port.shown == 0 &&
      port.hal->tables().ports.drained != nullptr) {
    port.line.awaited = true;
    port.line.pause_ns = kShortestPause_ns;
    ask_drained(port);
  }
  return !port.line.awaited;
}

void Router::serve(Port& port) {
  expire(port);
  if (port.held || port.handle == nullptr || !port.hal->alive() || port.state != DTU_STATE_UP || !settle_line(port) ||
      port.writing || port.full || port.queue.empty() || !may_begin(port))
    return;
  struct Batch {
    std::array<dtu_msg, Outbox::kBatch> msgs;
    std::vector<KeptMessage> held;
    uint32_t n = 0, taken = 0;
    dtu_status status = DTU_OK;
    dtu_error error{};
  };
  const auto fill = [&port](Batch& b) {
    b.error.struct_size = sizeof b.error;
    auto most = static_cast<uint32_t>(std::min<size_t>(port.queue.size(), b.msgs.size()));
    if (port.doomed != 0) most = static_cast<uint32_t>(std::min<size_t>(most, port.shown));
    if (!port.control.changes.empty())
      most = static_cast<uint32_t>(std::min<uint64_t>(most, port.control.changes.front().after - port.left));
    for (bool last = false; b.n < most && !last; ++b.n) {
      const Port::Queued& next = port.queue[b.n];
      if (b.n != 0 && next.latest_ns != 0) break;
      next.message.show(0, b.msgs[b.n]);
      b.msgs[b.n].source = port.key;
      last = next.token != 0 || next.latest_ns != 0 || port.paced();
    }
    if (port.config.echo && b.n != 0 && !std::exchange(port.echo_shown, true)) {
      port.echo.expect(port.queue[0].message.payload());
      port.echo_end_ns = 0;
    }
    port.shown = std::max<size_t>(port.shown, b.n);
  };
  plugins::Instance* hal = port.hal;
  const auto write = [hal, handle = port.handle](Batch& b) {
    b.status = hal->guarded("write", &b.error, [&] {
      return hal->tables().ports.write(hal->self(), handle, b.msgs.data(), b.n, &b.taken, &b.error);
    });
  };
  port.writing = true;
  port.writer = hal;
  if (hal->on_main()) {
    Batch b;
    fill(b);
    write(b);
    written(port, b.n, b.taken, b.status, b.error);
  } else {
    auto b = std::make_shared<Batch>();
    fill(*b);
    b->held.reserve(b->n);  // also should the HAL be given up before it comes back
    for (uint32_t i = 0; i < b->n; ++i) b->held.push_back(port.queue[i].message.share());
    hal->call([b, write] { return write(*b), b; },
              [this, &port](const std::shared_ptr<Batch>& b) { written(port, b->n, b->taken, b->status, b->error); });
  }
}

void Router::written(Port& port, uint32_t offered, uint32_t taken, dtu_status status, const dtu_error& error) {
  port.writing = false;
  const bool room_told = std::exchange(port.room_told, false);
  if (port.hal != nullptr) port.hal->faults().judge_taken("write", status, taken, offered);
  taken = std::min<uint32_t>(taken, std::min<size_t>(offered, port.queue.size()));
  if (std::exchange(port.full.tried_again, false) && taken != 0 && !room_told && port.hal != nullptr)
    LostRoom::found(*port.hal, "write");
  for (uint32_t i = 0; i < taken; ++i) {
    if (port.doomed != 0) {
      --port.doomed;
      port.line.busy = true;
      drop_from(port, PortDrop::discarded, DTU_E_DROPPED, "discard");
      continue;
    }
    port.echo_shown = false;
    const Port::Queued first = take_from(port);
    const uint64_t bytes = first.message.payload_size();
    ++port.traffic.tx_messages;
    port.traffic.tx_bytes += bytes;
    if (taps_.active()) tap(port.name, false, first.message.view(0));
    port.line.busy = true;
    if (first.token != 0 || first.latest_ns != 0 || port.paced()) took(port, first.token, bytes);
  }
  if (status == DTU_E_INVALID && !port.queue.empty()) {
    // It can never be written: out of the way, or it would block the line for ever.
    const std::string why = text_of(&error, port.name);
    drop_from(port, PortDrop::refused, DTU_E_INVALID, why);
    log_.warning(port.name, "a message was refused and dropped: " + why);
  } else if (status < 0) {
    port.full.set(!room_told, lane_.now_ns());
    if (port.full) lost_room_.expect();
  }
  // The process of an isolated HAL keeps what it was shown.
  if (port.hal == nullptr || port.handle == nullptr || !port.hal->component().isolated) port.shown = 0;
  drop_doomed(port);
  const bool more = !port.queue.empty() && (taken != 0 || room_told || status == DTU_E_INVALID);
  if (more || !port.control.changes.empty()) mark(port);  // also settings that waited for the last message
  arm(port);
  unblock_channels_of(port);
}

// The HAL has the last message for now. Until it is on the wire nothing follows it.
void Router::took(Port& port, uint64_t token, uint64_t bytes) {
  if (port.handle == nullptr || port.state != DTU_STATE_UP) return ended(port.link, 0, token, DTU_E_CLOSED, "");
  port.wire_end_ns = monotonic_ns() + port.duration_ns(bytes);
  if (port.hal->tables().ports.drained == nullptr) {
    on_the_wire(port);
    return ended(port.link, 0, token, DTU_OK, "");
  }
  if (token == 0 && !port.paced()) return;  // the next one asks, if it has to know
  port.line.token = token;
  port.line.awaited = true;
  port.line.pause_ns = std::clamp(port.duration_ns(bytes), kShortestPause_ns, kLongestFirstPause_ns);
  ask_drained(port);
}

void Router::ask_drained(Port& port) {
  if (port.line.asking) return;
  plugins::Instance& hal = *port.hal;
  const auto ask = [&hal, handle = port.handle] {
    int32_t drained = 0;
    hal.guarded("drained", nullptr, [&] { return drained = hal.tables().ports.drained(hal.self(), handle), DTU_OK; });
    return drained != 0;
  };
  if (hal.on_main()) return line_answered(port, ask());
  port.line.asking = true;
  hal.call(ask, [this, &hal, key = port.key, question = ++port.questions](bool drained) {
    Port* port = port_of(hal, key);
    if (port == nullptr || !port->line.asking || port->questions != question) return;  // closed, or down meanwhile
    port->line.asking = false;
    line_answered(*port, drained);
    arm(*port);
  });
}

void Router::line_answered(Port& port, bool drained) {
  Port::Line& line = port.line;
  if (!line.awaited) return;  // it went down in between
  if (!drained) {
    line.ask_ns = lane_.now_ns() + std::max(line.pause_ns, kShortestPause_ns);
    line.pause_ns =
        line.pause_ns > kLongestPause_ns ? kShortestPause_ns : std::min(2 * line.pause_ns, kLongestPause_ns);
    return arm(port);
  }
  const uint64_t token = line.token;
  line = {};
  on_the_wire(port);
  ended(port.link, 0, token, DTU_OK, "");
  mark(port);
}

// A driver may say so too early (most USB adapters do): the length of the message tells too.
void Router::on_the_wire(Port& port) {
  const int64_t end = std::max(monotonic_ns(), port.wire_end_ns);
  port.quiet_until_ns = end + port.config.gap_ms * kMs;
  port.echo_end_ns = end + std::max(kEchoLate_ns, port.duration_ns(kEchoLateChars));
  arm(port);
}

void Router::give_up_echo(Port& port) {
  if (port.owes_writable) {  // it may wait in the HAL, which was not asked for more
    port.echo_end_ns = lane_.now_ns() + kEchoLate_ns;
    return;
  }
  dtu_msg rest{};
  const std::string_view came = port.echo.give_up();
  rest.source = port.key;
  rest.payload = {came.data(), came.size()};
  if (!came.empty()) hand_over_copy(port, rest);
}

// What the HAL had, and was not on the wire, may be lost.
void Router::leave_line(Port& port) {
  port.echo.forget();
  port.echo_shown = false;
  port.quiet_until_ns = 0;
  const uint64_t token = std::exchange(port.line, {}).token;
  ended(port.link, 0, token, DTU_E_CLOSED, "");
  arm(port);
}

}  // namespace dtud::routing
