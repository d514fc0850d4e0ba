#include "routing/router.hpp"

#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "lanes/wall_clock.hpp"
#include "plugins/sound.hpp"

namespace dtud::routing {
namespace {

constexpr size_t kMostReasons = 32;
constexpr int64_t kSecond_ns = 1'000'000'000;
constexpr int64_t kRetryAfter_ns = kSecond_ns;
constexpr uint32_t kHurry_ms = 1000;

dtu_error blank() {
  dtu_error e{};
  e.struct_size = sizeof e;
  return e;
}

using plugins::Fault;

}  // namespace

Router::Router(Lane& lane, Log& log)
    : lane_(lane),
      log_(log),
      completions_(lane, channels_),
      lost_room_(lane, channels_, ports_,
                 [this](Channel* channel, Port* port) { channel != nullptr ? mark(*channel) : mark(*port); }) {
  lane_.add_turn_hook([this] { return deliver(); });
}

Router::~Router() = default;

void Router::tap(const std::string& target, bool in, const dtu_msg& msg) {
  taps_.tell({msg.time_ns != 0 ? msg.time_ns : lane_.unix_ns(), target, in, dtu::view(msg.route), msg.source,
              dtu::view(msg.payload), dtu::view(msg.device)});
}

void Router::stamp(int64_t& time_ns, uint32_t& flags) {
  if (time_ns == 0) time_ns = lane_.unix_ns();
  flags &= ~DTU_MSG_CLOCK_UNSET;
  if (clock_is_set(time_ns)) return;
  flags |= DTU_MSG_CLOCK_UNSET;
  if (std::exchange(clock_doubted_, true)) return;
  log_.write(Level::warning, "clock",
             "not set: until it is, messages carry a time before this program was built, and DTU_MSG_CLOCK_UNSET");
}

// --- what plugins hand over ------------------------------------------------------------------------------------------

dtu_status Router::emit(plugins::Instance& from, const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  auto* channel = from.component().kind == DTU_KIND_CHANNEL ? static_cast<Channel*>(from.tenant()) : nullptr;
  for (; *taken < n; ++*taken) {
    const dtu_msg& msg = msgs[*taken];
    if (!is_acceptable(msg)) return from.faults().unacceptable(called_in(lane_, "emit"));
    dtu_status status = DTU_E_NOT_FOUND;
    if (channel != nullptr)
      status = from_channel(*channel, msg);
    else if (Port* port = port_of(from, msg.source))
      status = from_port(*port, msg);
    else
      note_unknown(from, msg.source, "emit");
    if (status != DTU_OK) return status;
  }
  return DTU_OK;
}

dtu_status Router::from_port(Port& port, const dtu_msg& msg) {
  Link* link = port.link;
  if (link != nullptr && link->blocked()) {
    if (link->deaf() || port.grace <= 0) {
      tell_waiting(port);
      return DTU_AGAIN;
    }
    port.grace -= static_cast<int64_t>(msg.payload.len);
  }
  if (!port.echo.waiting()) return hand_over(port, msg), DTU_OK;
  const std::string_view read = dtu::view(msg.payload), left = port.echo.take(read);
  if (!port.echo.waiting()) mark(port);
  if (left.empty() && !read.empty()) return DTU_OK;
  dtu_msg rest = msg;
  rest.payload = {left.data(), left.size()};
  if (left.data() >= read.data() && left.data() <= read.data() + read.size()) return hand_over(port, rest), DTU_OK;
  rest.owner = nullptr;  // it is put together
  return hand_over_copy(port, rest), DTU_OK;
}

void Router::hand_over_copy(Port& port, const dtu_msg& msg) {
  const KeptMessage kept = KeptMessage::keep(msg);  // what a session gets always has an owner
  if (!kept) return static_cast<void>(++port.dropped(PortDrop::no_memory));
  dtu_msg mine = kept.view(0);
  mine.source = msg.source;
  hand_over(port, mine);
}

// What was received, without echoes.
void Router::hand_over(Port& port, const dtu_msg& msg) {
  Link* link = port.link;
  ++port.traffic.rx_messages;
  port.traffic.rx_bytes += msg.payload.len;
  if (taps_.active()) tap(port.name, true, msg);
  if (link == nullptr) {
    ++port.dropped(PortDrop::no_link);  // nothing listens to this port
    return;
  }
  if (link->raw()) {
    struct {
      Router& router;
      Link& link;
      const dtu_msg& read;
    } up{*this, *link, msg};  // one capture: a std::function of three would have to allocate
    link->packetizer->add(dtu::view(msg.payload),
                          [&up](std::string_view packet) { up.router.raw_uplink(up.link, up.read, packet); });
    if (link->idle_timer != 0 && link->packetizer->pending())
      lane_.timers().arm(link->idle_timer, lane_.now_ns() + port.silence_ns());
    return;
  }
  plugins::Instance& speaker = *link->speaker;
  dtu_msg stamped = msg;
  stamp(stamped.time_ns, stamped.flags);
  speaker.guarded("from_port", nullptr, [&] {
    speaker.tables().dialect.from_port(speaker.self(), link->session, &stamped);
    return DTU_OK;
  });
}

// Bytes wait in the port because the link has no room: that is no silence of the line, so it ends no frame.
void Router::tell_waiting(Port& port) {
  if (std::exchange(port.owes_writable, true) || port.link->raw() || port.link->deaf()) return;
  const Link& link = *port.link;
  dtu_msg nothing{};
  nothing.source = port.key;
  stamp(nothing.time_ns, nothing.flags);
  nothing.payload = {"", 0};
  const KeptMessage kept = KeptMessage::keep(nothing);  // what a session gets always has an owner
  if (!kept) return;
  const dtu_msg msg = kept.view(0);
  link.speaker->guarded("from_port", nullptr, [&] {
    link.speaker->tables().dialect.from_port(link.speaker->self(), link.session, &msg);
    return DTU_OK;
  });
}

void Router::idle_gap(void* link_ptr) {
  Link& link = *static_cast<Link*>(link_ptr);
  if (link.port != nullptr && link.port->owes_writable) return;  // the rest of the packet waits in the port
  const auto pass_on = [&link](std::string_view packet) { link.router->raw_uplink(link, dtu_msg{}, packet); };
  if (link.packetizer->idle(pass_on) && link.port != nullptr) ++link.port->partial_frames;
}

void Router::raw_uplink(Link& link, const dtu_msg& read, std::string_view packet) {
  if (packet.empty()) return;
  dtu_msg msg{};  // source 0: to every peer
  msg.time_ns = read.time_ns;
  msg.flags = read.flags;
  stamp(msg.time_ns, msg.flags);
  msg.payload = {packet.data(), packet.size()};
  // The reader's buffer may be shared only if the packet is all of it.
  if (packet.data() == read.payload.ptr && packet.size() == read.payload.len) msg.owner = read.owner;
  KeptMessage first = KeptMessage::keep(msg);
  if (!first) {
    count_drop(link, "no_memory", packet.size());
    return;
  }
  for (size_t i = link.channels.size(); i-- > 1;) queue_for_channel(*link.channels[i], first.share());
  if (!link.channels.empty()) queue_for_channel(*link.channels[0], std::move(first));
}

dtu_status Router::from_channel(Channel& channel, const dtu_msg& msg) {
  Link* link = channel.link;
  Port* port = link != nullptr ? link->port : nullptr;
  if (link != nullptr && link->deaf()) {
    channel.owes_writable = true;
    return DTU_AGAIN;
  }
  // A port that is gone must not hold up the commands of its channel: then the queue drops its oldest instead.
  if (port != nullptr && port->crowded() && port->awaited()) {
    if (channel.grace <= 0 || port->overcrowded()) {
      channel.owes_writable = true;
      return DTU_AGAIN;
    }
    channel.grace -= static_cast<int64_t>(msg.payload.len);
  }
  ++channel.traffic.rx_messages;
  channel.traffic.rx_bytes += msg.payload.len;
  if (taps_.active()) tap(channel.name, true, msg);
  if (link == nullptr) return DTU_OK;
  if (link->raw()) {
    if (port == nullptr) return DTU_OK;
    dtu_msg down = msg;  // when it is too late is said here, as other dialects say it
    const uint32_t age_s = port->config.downlink_max_age_s;
    down.latest_ns = age_s != 0 ? monotonic_ns() + age_s * kSecond_ns : 0;
    queue_for_port(*port, down);
    return DTU_OK;
  }
  plugins::Instance& speaker = *link->speaker;
  dtu_msg stamped = msg;
  stamp(stamped.time_ns, stamped.flags);
  speaker.guarded("from_channel", nullptr, [&] {
    speaker.tables().dialect.from_channel(speaker.self(), link->session, channel.id, &stamped);
    return DTU_OK;
  });
  return DTU_OK;
}

dtu_status Router::to_port(const plugins::Instance& speaker, uint64_t link_id, const dtu_msg& msg) {
  Link* link = link_of(link_id);
  if (link == nullptr || link->speaker != &speaker || link->port == nullptr) return DTU_E_NOT_FOUND;
  if (!is_acceptable(msg)) return speaker.faults().unacceptable(called_in(lane_, "to_port"));
  const bool follows = msg.token != 0 && speaker.tables().dialect.sent != nullptr;
  if (follows && link->fates.size() >= Followed::kMost) return DTU_AGAIN;
  queue_for_port(*link->port, msg, follows ? msg.token : 0);
  return DTU_OK;
}

dtu_status Router::to_channel(const plugins::Instance& speaker, uint64_t link_id, uint32_t id, const dtu_msg& msg) {
  Link* link = link_of(link_id);
  if (link == nullptr || link->speaker != &speaker) return DTU_E_NOT_FOUND;
  if (!is_acceptable(msg)) return speaker.faults().unacceptable(called_in(lane_, "to_channel"));
  const auto it =
      std::find_if(link->channels.begin(), link->channels.end(), [id](const Channel* c) { return c->id == id; });
  if (it == link->channels.end()) return DTU_E_NOT_FOUND;
  const bool follows = msg.token != 0 && speaker.tables().dialect.delivered != nullptr;
  if (follows && ((*it)->outbox.followed().full() || link->fates.size() >= Followed::kMost)) return DTU_AGAIN;
  KeptMessage kept = KeptMessage::keep(msg);
  if (!kept) return DTU_E_INTERNAL;
  stamp(kept.time_ns, kept.flags);
  queue_for_channel(**it, std::move(kept), follows ? msg.token : 0);
  return DTU_OK;
}

void Router::drop(const plugins::Instance&, uint64_t link_id, std::string_view reason, uint64_t bytes) {
  if (Link* link = link_of(link_id)) count_drop(*link, is_utf8(reason) ? reason : valid_utf8(reason), bytes);
}

void Router::count_drop(Link& link, std::string_view reason, uint64_t bytes) {
  auto it = link.drops.find(reason);
  if (it == link.drops.end()) {
    const bool room = link.drops.size() < kMostReasons && reason.size() <= 48;
    it = link.drops.try_emplace(room ? std::string(reason) : "other").first;
  }
  ++it->second.messages;
  it->second.bytes += bytes;
}

// --- queues ----------------------------------------------------------------------------------------------------------

void Router::queue_for_channel(Channel& channel, KeptMessage message, uint64_t token) {
  channel.outbox.push(std::move(message), token);
  if (!channel.counted_blocked && channel.link != nullptr && channel.outbox.limits().policy == Policy::block &&
      channel.outbox.full()) {
    channel.counted_blocked = true;
    ++channel.link->blocked_channels;
  }
  mark(channel);
}

void Router::mark(Channel& channel) {
  if (channel.dirty || channel.full || channel.sending) return;
  channel.dirty = true;
  dirty_channels_.push_back(&channel);
}

void Router::mark(Port& port) {
  if (port.dirty || ((port.full || port.writing) && port.control.changes.empty())) return;
  port.dirty = true;
  dirty_ports_.push_back(&port);
}

void Router::outbox_changed(Channel& channel) {
  mark(channel);
  note_room(channel);
}

void Router::note_room(Channel& channel) {
  if (!channel.counted_blocked || !channel.outbox.has_room()) return;
  channel.counted_blocked = false;
  if (channel.link == nullptr) return;
  --channel.link->blocked_channels;
  unblock(*channel.link);
}

void Router::unblock(Link& link) {
  if (link.blocked()) return;
  if (link.port != nullptr && link.port->owes_writable) {
    link.port->owes_writable = false;
    owed_.push_back({link.port, nullptr});
  }
  for (Channel* channel : link.channels)
    if (channel->owes_writable && (link.port == nullptr || !link.port->crowded())) {
      channel->owes_writable = false;
      owed_.push_back({nullptr, channel});
    }
}

void Router::has_room(const plugins::Instance& speaker) {
  for (const auto& link : links_)
    if (link->speaker == &speaker) unblock(*link);
}

void Router::unblock_channels_of(Port& port) {
  const bool room = port.queue.size() <= Port::kMostMessages / 2 && port.queued_bytes <= Port::kMostBytes / 2;
  if (port.link == nullptr || (!room && port.awaited())) return;
  for (Channel* channel : port.link->channels)
    if (channel->owes_writable) {
      channel->owes_writable = false;
      owed_.push_back({nullptr, channel});
    }
}

// --- delivery --------------------------------------------------------------------------------------------------------

bool Router::deliver() {
  bool any = false;
  if (!buried_ports_.empty()) bury();
  if (!fated_.empty()) {
    any = true;
    tell_fates();
  }
  if (!dirty_ports_.empty()) {
    any = true;
    serving_ports_.swap(dirty_ports_);
    for (Port* port : serving_ports_) {
      port->dirty = false;
      serve(*port);
    }
    serving_ports_.clear();
  }
  if (!dirty_channels_.empty()) {
    any = true;
    serving_channels_.swap(dirty_channels_);
    for (Channel* channel : serving_channels_) {
      channel->dirty = false;
      serve(*channel);
    }
    serving_channels_.clear();
  }
  if (!owed_.empty()) {
    any = true;
    telling_.swap(owed_);
    for (const Owed& owed : telling_) {
      plugins::Instance* instance = owed.port != nullptr ? owed.port->hal : owed.channel->instance.get();
      if (instance == nullptr || !instance->alive()) continue;
      instance->tell_writable(owed.port != nullptr ? owed.port->key : 0);
    }
    telling_.clear();
  }
  return any;
}

void Router::serve(Channel& channel) {
  if (channel.held || channel.sending || channel.full || channel.paused || channel.registering || !channel.carries() ||
      !channel.outbox.has_waiting())
    return;
  plugins::Instance& instance = *channel.instance;
  uint32_t most = Outbox::kBatch;
  if (channel.suspicion.any()) {
    const auto allowed = channel.suspicion.allowed(channel.outbox, lane_.now_ns());
    if (allowed.messages == 0) {
      lane_.timers().arm(channel.retry_timer, allowed.ask_again_ns);
      return;
    }
    most = std::min(most, allowed.messages);
  }
  std::array<dtu_msg, Outbox::kBatch> msgs;  // filled by take(): not worth clearing
  const uint32_t n = channel.outbox.take(msgs.data(), most);
  if (n == 0) {
    if (channel.outbox.in_flight() == 0 && channel.outbox.has_waiting()) mark(channel);  // what was set aside
    return note_room(channel);
  }
  if (channel.outbox.took_alone()) channel.suspicion.alone();
  if (channel.suspicion.any()) channel.suspicion.sent(lane_.now_ns());
  if (!instance.on_main()) return serve_from_afar(channel, msgs.data(), n);
  dtu_error error = blank();
  uint32_t taken = 0;
  channel.sending = true;
  const dtu_status status = instance.guarded(
      "send", &error, [&] { return instance.tables().channel.send(instance.self(), msgs.data(), n, &taken, &error); });
  if (taps_.active())
    for (uint32_t i = 0; i < std::min(n, taken); ++i) tap(channel.name, false, msgs[i]);
  for (uint32_t i = 0; i < std::min(n, taken); ++i) channel.traffic.tx_bytes += msgs[i].payload.len;
  sent(channel, n, taken, status, error);
}

// For a channel on a lane of its own: the batch holds the buffers until the call is over, completed or not.
void Router::serve_from_afar(Channel& channel, const dtu_msg* msgs, uint32_t n) {
  struct Batch {
    std::vector<dtu_msg> msgs;
    std::vector<KeptMessage> held;
    uint32_t taken = 0;
    dtu_status status = DTU_OK;
    dtu_error error = blank();
  };
  auto batch = std::make_shared<Batch>();
  batch->msgs.assign(msgs, msgs + n);
  for (uint32_t i = 0; i < n; ++i) batch->held.push_back(channel.outbox.hold(msgs[i].token));
  channel.sending = true;
  plugins::Instance* instance = channel.instance.get();
  instance->call(
      [instance, batch] {
        batch->status = instance->guarded("send", &batch->error, [&] {
          return instance->tables().channel.send(instance->self(), batch->msgs.data(),
                                                 static_cast<uint32_t>(batch->msgs.size()), &batch->taken,
                                                 &batch->error);
        });
        return batch;
      },
      [this, &channel](const std::shared_ptr<Batch>& done) {
        const auto n = static_cast<uint32_t>(done->msgs.size());
        for (uint32_t i = 0; i < std::min(n, done->taken); ++i) {
          channel.traffic.tx_bytes += done->msgs[i].payload.len;
          if (taps_.active()) tap(channel.name, false, done->msgs[i]);
        }
        sent(channel, n, done->taken, done->status, done->error);
      });
}

void Router::sent(Channel& channel, uint32_t offered, uint32_t taken, dtu_status status, const dtu_error& error) {
  const bool refused = taken == 0 && status >= 0;
  channel.instance->faults().judge_taken("send", status, taken, offered);
  taken = std::min(taken, offered);
  channel.sending = false;
  channel.traffic.tx_messages += taken;
  channel.outbox.untake(offered - taken);
  if (channel.outbox.in_flight() != 0) {
    channel.instance->context().inbox.expect_completions();
    completions_.expect();
  }
  const bool room_told = std::exchange(channel.room_told, false);
  if (channel.full.tried_again && taken != 0 && !room_told) LostRoom::found(*channel.instance, "send");
  channel.full.set(status < 0 && !room_told, lane_.now_ns());
  if (channel.full) lost_room_.expect();
  if (status < 0 && status != DTU_AGAIN) log_.debug(channel.name, "send: " + text_of(&error, channel.name));
  if (refused) pause(channel);
  if ((taken != 0 || room_told) && channel.outbox.has_waiting()) mark(channel);
  note_room(channel);
  if (taken != 0 && channel.suspicion.any()) hurry(channel);
}

// One message at a time: what became of it is wanted soon.
void Router::hurry(Channel& channel) {
  plugins::Instance* instance = channel.instance.get();
  if (instance->tables().channel.flush == nullptr || !instance->alive()) return;
  instance->call(
      [instance] {
        dtu_error error = blank();
        return instance->guarded("flush", &error,
                                 [&] { return instance->tables().channel.flush(instance->self(), kHurry_ms, &error); });
      },
      [](dtu_status) {});
}

void Router::complete(plugins::Instance& from, uint64_t token, dtu_status status) {
  auto* channel = from.component().kind == DTU_KIND_CHANNEL ? static_cast<Channel*>(from.tenant()) : nullptr;
  const bool rejected = channel != nullptr && status == DTU_E_REFUSED &&
                        channel->suspicion.refused(channel->outbox, token, lane_.now_ns());
  const bool gone =
      rejected || status == DTU_OK || status == DTU_UNCONFIRMED || status == DTU_E_INVALID || status == DTU_E_DROPPED;
  using End = Suspicion::End;
  if (channel != nullptr && channel->suspicion.any() && status != DTU_E_REFUSED)
    channel->suspicion.completed(channel->outbox, token,
                                 status == DTU_OK ? End::confirmed
                                 : gone           ? End::gone
                                                  : End::kept);
  if (channel == nullptr || !(rejected ? channel->outbox.reject(token) : channel->outbox.complete(token, status)))
    return from.faults().note(Fault::completion, called_in(lane_, "complete"),
                              "is for token " + std::to_string(token) + ", which is not open");
  if (status > 0 && !gone)
    from.faults().note(Fault::completion, called_in(lane_, "complete"),
                       "says " + std::to_string(status) + ", which is no end: the message is sent again");
  if (status == DTU_E_REFUSED && channel->suspicion.takes_nothing())
    log_.warning(channel->name,
                 "the peer closes the connection, or refuses, each time a message is sent alone, and has confirmed no "
                 "other message since. The peer may take no message at all, so none is rejected. Sending is tried "
                 "again, after pauses that grow");
  if (!gone) {
    // If the connection is lost, report(DOWN) follows and report(UP) ends the pause. Otherwise the message alone
    // failed, and trying it again at once could go on for ever.
    pause(*channel);
  } else if (channel->outbox.has_waiting()) {
    mark(*channel);  // it may have waited for something in flight to be over
  }
  note_room(*channel);
}

void Router::pause(Channel& channel) {
  channel.paused = true;
  lane_.timers().arm(channel.retry_timer, lane_.now_ns() + kRetryAfter_ns);
}

void Router::retry_due(void* channel_ptr) {
  Channel& channel = *static_cast<Channel*>(channel_ptr);
  channel.paused = false;
  channel.router->mark(channel);
}

void Router::writable(plugins::Instance& from, uint64_t source) {
  if (from.component().kind == DTU_KIND_CHANNEL) {
    if (auto* channel = static_cast<Channel*>(from.tenant())) {
      channel->full.clear();
      channel->room_told = channel->sending;
      mark(*channel);
    }
  } else if (Port* port = port_of(from, source)) {
    port->full.clear();
    port->room_told = port->writing;
    mark(*port);
  } else {
    note_unknown(from, source, "writable");
  }
}

// The key of a port that was closed may have been on its way; one that never was a key is a fault.
void Router::note_unknown(const plugins::Instance& from, uint64_t source, const char* function) const {
  if (was_key(source)) return;
  from.faults().note(Fault::emit, called_in(lane_, function),
                     "names source " + std::to_string(source) + ", which is no port of it");
}

}  // namespace dtud::routing
