// The structure Router works on: ports, channels and links come and go here.
#include <algorithm>
#include <utility>

#include "log/counted.hpp"
#include "plugins/sound.hpp"
#include "routing/router.hpp"

namespace dtud::routing {
namespace {

constexpr int64_t kRejectionLogEvery_ns = 10'000'000'000;

template <typename T>
void erase(std::vector<T*>& list, const T* item) {
  list.erase(std::remove(list.begin(), list.end(), item), list.end());
}

template <typename T, typename Match>
std::unique_ptr<T> extract(std::vector<std::unique_ptr<T>>& list, Match match) {
  const auto it = std::find_if(list.begin(), list.end(), [&](const auto& item) { return match(*item); });
  if (it == list.end()) return nullptr;
  auto item = std::move(*it);
  list.erase(it);
  return item;
}

dtu_str text(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace

Port* Router::port(std::string_view id) {
  for (const auto& p : ports_)
    if (p->id == id) return p.get();
  return nullptr;
}

Channel* Router::channel(uint32_t id) {
  for (const auto& c : channels_)
    if (c->id == id) return c.get();
  return nullptr;
}

Port* Router::port_of(const plugins::Instance& hal, uint64_t key) {
  const auto slot = static_cast<uint32_t>(key);
  if (slot >= keys_.size() || keys_[slot].key != key) return nullptr;
  Port* port = keys_[slot].port;
  return port != nullptr && port->hal == &hal ? port : nullptr;
}

bool Router::was_key(uint64_t key) const {
  return static_cast<uint32_t>(key) < keys_.size() && key >> 32U != 0 && key >> 32U <= last_key_;
}

Link* Router::link_of(uint64_t id) {
  for (const auto& l : links_)
    if (l->id == id) return l.get();
  return nullptr;
}

Port& Router::add_port(const config::PortConfig& config) {
  ports_.push_back(std::make_unique<Port>(config.id));
  Port& port = *ports_.back();
  port.config = config;
  port.router = this;
  port.timer = lane_.timers().create(port_due, &port);
  return port;
}

void Router::remove_port(const std::string& id) {
  auto gone = extract(ports_, [&](const Port& p) { return p.id == id; });
  if (gone == nullptr) return;
  close_port(*gone);
  lane_.timers().destroy(std::exchange(gone->timer, 0));
  erase(dirty_ports_, gone.get());
  owed_.erase(std::remove_if(owed_.begin(), owed_.end(), [&](const Owed& o) { return o.port == gone.get(); }),
              owed_.end());
  gone->queue = {};  // what the HAL looks at is held; nothing is left to serve
  if (gone->writing) buried_ports_.push_back(std::move(gone));
}

Channel& Router::add_channel(uint32_t id, OutboxLimits limits) {
  channels_.push_back(std::make_unique<Channel>(id, limits));
  Channel& channel = *channels_.back();
  channel.router = this;
  channel.retry_timer = lane_.timers().create(retry_due, &channel);
  channel.outbox.on_rejected([this, &channel](Rejected reason, uint64_t bytes) { rejected(channel, reason, bytes); });
  channel.outbox.followed().on_fate([this, &channel](uint64_t token, dtu_status status, const char* reason) {
    ended(channel.link, channel.id, token, status, reason);
  });
  return channel;
}

void Router::rejected(Channel& channel, Rejected reason, uint64_t bytes) {
  int64_t& logged_ns = channel.rejection_logged_ns.at(static_cast<size_t>(reason));
  const int64_t now = lane_.now_ns();
  if (logged_ns != 0 && now - logged_ns < kRejectionLogEvery_ns) return;
  logged_ns = now;
  const std::string key = "conf." + std::to_string(channel.id) + ".max_message";
  std::string why;
  switch (reason) {
    case Rejected::refused:
      why = "the channel says that it can never be delivered";
      break;
    case Rejected::closed:
      why = "the peer closed the connection, or refused, " + std::to_string(Suspicion::kMost) +
            " times after this message was sent alone, and confirmed another one. If the peer has a limit, set " + key;
      break;
    case Rejected::max_message:
      why = key + " is " + std::to_string(channel.outbox.limits().max_message);
      break;
  }
  const uint64_t all = channel.outbox.counters().rejections.at(static_cast<size_t>(reason)).messages;
  log_.warning(channel.name, "a message of " + std::to_string(bytes) + " bytes is rejected: " + why + " (" +
                                 std::to_string(all) + " rejected for this reason since the start)");
}

void Router::remove_channel(uint32_t id) {
  auto gone = extract(channels_, [id](const Channel& c) { return c.id == id; });
  if (gone == nullptr) return;
  lane_.timers().destroy(gone->retry_timer);
  erase(dirty_channels_, gone.get());
  owed_.erase(std::remove_if(owed_.begin(), owed_.end(), [&](const Owed& o) { return o.channel == gone.get(); }),
              owed_.end());
  const routing::Backlog* backlog = gone->outbox.backlog();
  const uint64_t kept = backlog != nullptr ? backlog->messages() : 0;
  if (const uint64_t lost = gone->outbox.messages() - kept; lost != 0)
    log_.warning(gone->name, "removed with " + counted(lost, "undelivered message"));
  if (kept != 0)
    log_.warning(gone->name, "removed; " + counted(kept, "stored message") + " kept for the next channel with its id");
}

void Router::bury() {
  const auto back = [](const auto& item) { return !item->writing; };
  buried_ports_.erase(std::remove_if(buried_ports_.begin(), buried_ports_.end(), back), buried_ports_.end());
}

Link& Router::add_link(Port* port, std::string dialect, std::vector<Channel*> channels,
                       const config::PacketConfig& packet) {
  links_.push_back(std::make_unique<Link>());
  Link& link = *links_.back();
  link.router = this;
  link.id = ++last_link_;
  link.port = port;
  link.dialect = std::move(dialect);
  link.channels = std::move(channels);
  if (link.dialect == "raw") {
    link.packetizer = std::make_unique<Packetizer>(packet);
    if (packet.idle_chars != 0 || packet.length != 0) link.idle_timer = lane_.timers().create(idle_gap, &link);
  }
  if (port != nullptr) port->link = &link;
  for (Channel* channel : link.channels) {
    channel->link = &link;
    if (channel->outbox.limits().policy == Policy::block && channel->outbox.full()) {
      channel->counted_blocked = true;
      ++link.blocked_channels;
    }
  }
  return link;
}

void Router::remove_link(Link& link) {
  // What a raw port's packet still lacks will not come through this link any more.
  if (link.raw()) (void)link.packetizer->idle([&](std::string_view packet) { raw_uplink(link, dtu_msg{}, packet); });
  close_session(link);
  if (link.idle_timer != 0) lane_.timers().destroy(link.idle_timer);
  // Whoever waits because of this link tries again, and meets the next one.
  if (link.port != nullptr) {
    link.port->link = nullptr;
    if (std::exchange(link.port->owes_writable, false)) owed_.push_back({link.port, nullptr});
  }
  for (Channel* channel : link.channels) {
    channel->link = nullptr;
    channel->counted_blocked = false;
    if (std::exchange(channel->owes_writable, false)) owed_.push_back({nullptr, channel});
  }
  lane_.wake();
  extract(links_, [&](const Link& l) { return &l == &link; });
}

void Router::open_port(Port& port, plugins::Instance& hal) {
  const bool changes = port.state != DTU_STATE_CONNECTING;
  leave_hal(port);
  // A key is a slot and a count, so that the key of an earlier opening is not taken for this one.
  const auto free = std::find_if(keys_.begin(), keys_.end(), [](const KeySlot& s) { return s.port == nullptr; });
  const auto slot = static_cast<uint32_t>(free - keys_.begin());
  if (free == keys_.end()) keys_.emplace_back();
  port.key = (uint64_t{++last_key_} << 32U) | slot;
  keys_[slot] = {port.key, &port};
  port.hal = &hal;
  port.state = DTU_STATE_CONNECTING;
  port.error.clear();
  if (changes) tell_port_state(port, nullptr);
  struct Opened {
    dtu_status status = DTU_OK;
    void* handle = nullptr;
    uint32_t flags = 0;
    dtu_error error{};
  };
  const uint64_t key = port.key;
  hal.call(
      [&hal, id = port.id, settings = port.configured(), key] {
        Opened o;
        o.error.struct_size = sizeof o.error;
        const dtu_ports& table = hal.tables().ports;
        o.status = hal.guarded("open", &o.error,
                               [&] { return table.open(hal.self(), text(id), &settings, key, &o.handle, &o.error); });
        if (o.status >= 0 && table.flags != nullptr)
          hal.guarded("flags", nullptr, [&] { return o.flags = table.flags(hal.self(), o.handle), DTU_OK; });
        return o;
      },
      [this, &hal, key](const Opened& o) {
        Port* port = port_of(hal, key);
        if (port == nullptr) {  // closed meanwhile
          if (o.status >= 0) close(hal, o.handle);
          return;
        }
        if (o.status < 0) return port_state(hal, key, DTU_STATE_FAILED, &o.error);
        port->handle = o.handle;
        learn_flags(*port, o.flags);
        resume_line(*port);
        if (o.status == DTU_OK && port->state == DTU_STATE_CONNECTING) port_state(hal, key, DTU_STATE_UP, nullptr);
        mark(*port);
      });
}

void Router::learn_flags(Port& port, uint32_t flags) {
  port.holds = (flags & DTU_PORT_HOLDS) != 0;
  if (port.link == nullptr) return;
  for (Channel* channel : port.link->channels)
    if (channel->config.outbox.overflow == config::Overflow::automatic) {
      OutboxLimits limits = channel->outbox.limits();
      limits.policy = port.holds ? Policy::block : Policy::drop_oldest;
      channel->outbox.set_limits(limits);
    }
}

void Router::close_port(Port& port) {
  const bool changes = port.state != DTU_STATE_DOWN;
  leave_hal(port);
  if (!changes) return;
  port.error.clear();
  tell_port_state(port, nullptr);
}

void Router::leave_hal(Port& port) {
  if (port.key != 0) keys_[static_cast<uint32_t>(port.key)] = KeySlot{};
  if (port.hal != nullptr && port.handle != nullptr) {
    switch_before_close(port);
    close(*port.hal, port.handle);
  }
  port.key = 0;
  port.handle = nullptr;
  port.hal = nullptr;
  port.full.clear();
  port.owes_writable = false;
  port.state = DTU_STATE_DOWN;
  leave_line(port);
  leave_settings(port);
  if (!port.writing) port.shown = 0;
  drop_doomed(port);
  unblock_channels_of(port);
}

void Router::close(plugins::Instance& hal, void* port) {
  if (!hal.alive()) return;
  hal.call(
      [&hal, port] {
        return hal.guarded("close", nullptr, [&] { return hal.tables().ports.close(hal.self(), port), DTU_OK; });
      },
      [](dtu_status) {});
}

void Router::open_session(Link& link, plugins::Instance& speaker, const std::string& device_json) {
  std::vector<dtu_bound_channel> bound;
  std::vector<const dtu_bound_channel*> pointers;
  bound.reserve(link.channels.size());
  for (const Channel* c : link.channels) {
    const uint64_t caps = c->instance != nullptr ? c->instance->component().caps : 0;
    bound.push_back({sizeof(dtu_bound_channel), c->id, text(c->config.type), caps, text(c->config.masked_json)});
    pointers.push_back(&bound.back());
  }
  dtu_link_info info{};
  info.struct_size = sizeof info;
  info.link = link.id;
  info.dialect = text(link.dialect);
  if (link.port != nullptr) {
    const config::PortConfig& c = link.port->config;
    info.port = text(link.port->id);
    info.baud = c.baud;
    info.bits_per_char = c.bits_per_char();
    info.port_config = text(c.json);
  }
  info.device_config = text(device_json);
  info.channels = pointers.data();
  info.channel_count = pointers.size();
  dtu_error error{};
  error.struct_size = sizeof error;
  void* session = nullptr;
  link.speaker = &speaker;
  const dtu_status status = speaker.guarded(
      "open session", &error, [&] { return speaker.tables().dialect.open(speaker.self(), &info, &session, &error); });
  if (status != DTU_OK) return refused(link, error);
  link.session = session;
  for (Channel* channel : link.channels)
    if (channel->instance != nullptr) channel_state(*channel, channel->instance->state(), nullptr);
  if (link.port != nullptr) {
    tell_port_state(*link.port, nullptr);
    if (link.session != nullptr) give_unfinished(link);
  }
  unblock(link);
}

void Router::refused(const Link& link, const dtu_error& error) {
  log_.error(link.port != nullptr ? link.port->name : "link " + std::to_string(link.id),
             "dialect \"" + link.dialect + "\" refused it: " + text_of(error));
}

void Router::session_refused(const plugins::Instance& speaker, uint64_t id, const dtu_error& error) {
  Link* link = link_of(id);
  if (link == nullptr || link->speaker != &speaker || link->session == nullptr) return;
  close_session(*link);
  refused(*link, error);
}

// Half a frame outlives the session: a new configuration must not cost the message that was just coming in.
void Router::keep_unfinished(const Link& link) {
  const dtu_dialect& table = link.speaker->tables().dialect;
  if (link.port == nullptr || table.unfinished == nullptr) return;
  link.port->unfinished.clear();
  link.port->unfinished_of = link.dialect;
  link.speaker->guarded("unfinished", nullptr, [&] {
    const auto out = [](void* to, dtu_str bytes) {
      if (bytes.len <= DTU_PAYLOAD_MAX) static_cast<std::string*>(to)->assign(view(bytes));
    };
    return table.unfinished(link.speaker->self(), link.session, out, &link.port->unfinished), DTU_OK;
  });
}

void Router::give_unfinished(const Link& link) {
  const std::string bytes = std::exchange(link.port->unfinished, {});
  if (bytes.empty() || link.port->unfinished_of != link.dialect) return;
  dtu_msg msg{};
  msg.source = link.port->key;
  stamp(msg.time_ns, msg.flags);
  msg.payload = text(bytes);
  const KeptMessage kept = KeptMessage::keep(msg);  // what a session gets always has an owner
  if (!kept) return;
  msg = kept.view(0);
  link.speaker->guarded("from_port", nullptr, [&] {
    return link.speaker->tables().dialect.from_port(link.speaker->self(), link.session, &msg), DTU_OK;
  });
}

void Router::close_session(Link& link) {
  plugins::Instance* speaker = link.speaker;
  if (link.session != nullptr && speaker != nullptr && speaker->alive()) {
    keep_unfinished(link);
    speaker->guarded("close session", nullptr,
                     [&] { return speaker->tables().dialect.close(speaker->self(), link.session), DTU_OK; });
  }
  end_following(link);
  if (link.port != nullptr) forget_asker(*link.port, {speaker, link.id});
  link.session = nullptr;
  link.speaker = nullptr;
}

void Router::channel_state(Channel& channel, int32_t state, const dtu_error* error) {
  if (state == DTU_STATE_UP || state == DTU_STATE_DEGRADED) {
    channel.suspicion.up(lane_.now_ns());
    channel.full.clear();
    channel.paused = false;
    channel.room_told = channel.sending;
    mark(channel);
  } else {
    channel.suspicion.down(channel.outbox);
  }
  Link* link = channel.link;
  if (link == nullptr || link->session == nullptr || !link->speaker->alive()) return;
  const dtu_dialect& table = link->speaker->tables().dialect;
  if (table.channel_state == nullptr) return;
  link->speaker->guarded("channel_state", nullptr, [&] {
    return table.channel_state(link->speaker->self(), link->session, channel.id, state, error), DTU_OK;
  });
}

void Router::register_channel(Channel& channel, std::string_view text) {
  channel.registering = false;
  channel.registered = true;
  dtu_msg message{};
  message.flags = DTU_MSG_COMMAND | DTU_MSG_REGISTRATION;
  stamp(message.time_ns, message.flags);
  message.payload = {text.data(), text.size()};
  if (KeptMessage kept = KeptMessage::keep(message)) channel.outbox.push_registration(std::move(kept));
  mark(channel);
}

void Router::port_state(plugins::Instance& hal, uint64_t key, int32_t state, const dtu_error* error) {
  Port* port = port_of(hal, key);
  if (port == nullptr) return note_unknown(hal, key, "report");
  const std::string why = text_of(error, port->name);
  // Those of an isolated HAL came with this word; any other was asked when it opened.
  if (state == DTU_STATE_UP && port->handle != nullptr && hal.component().isolated)
    learn_flags(*port, hal.tables().ports.flags(hal.self(), port->handle));
  if (state == DTU_STATE_UP && error != nullptr && error->code < 0)
    if (line_refused(*port, why)) return;
  if (port->state == state && port->error == why) return;
  const bool comes = state == DTU_STATE_UP && port->state != DTU_STATE_UP;
  port->state = state;
  port->error = why;
  port->error_code = error != nullptr ? error->code : DTU_OK;
  const bool up = state == DTU_STATE_UP;
  if (hal.count_change()) log_.write(up ? Level::info : Level::warning, port->name, up ? "up" : "not usable: " + why);
  if (up) {
    port->full.clear();
    port->room_told = port->writing;
    if (comes) switch_again(*port);
    mark(*port);
  } else {
    leave_line(*port);
    fail_changes(*port, DTU_E_IO, port->name + " is not usable" + (why.empty() ? "" : ": " + why));
  }
  tell_port_state(*port, error);
  unblock_channels_of(*port);
}

void Router::instance_stopping(const plugins::Instance& instance) {
  for (const auto& link : links_)
    if (link->speaker == &instance) close_session(*link);
  for (const auto& port : ports_) forget_asker(*port, {&instance, 0});
  for (const auto& port : ports_)
    if (port->hal == &instance) close_port(*port);
}

// Nothing of the instance is under way any more, and what an abandoned one still does is not heard.
void Router::instance_stopped(const plugins::Instance& instance) {
  for (const auto& channel : channels_)
    if (channel->instance.get() == &instance) {
      channel->outbox.return_all();
      channel->suspicion.down(channel->outbox);
      channel->full.clear();
      channel->paused = channel->owes_writable = channel->sending = channel->room_told = false;
    }
  for (const auto& port : ports_)
    if (port->writer == &instance) {
      port->writing = port->room_told = port->control.changing = false;
      port->shown = 0;
      drop_doomed(*port);
    }
  for (const auto& port : buried_ports_)
    if (port->writer == &instance) port->writing = false;
  for (const auto& port : ports_) forget_asker(*port, {&instance, 0});
  for (const auto& port : ports_)
    if (port->hal == &instance) {
      port->handle = nullptr;
      close_port(*port);
    }
  for (const auto& link : links_)
    if (link->speaker == &instance) {
      end_following(*link);
      link->session = nullptr;
      link->speaker = nullptr;
    }
}

bool Router::answers_are_out() {
  for (const auto& channel : channels_)
    if (channel->carries() && channel->outbox.answers_waiting() != 0) return false;
  for (const auto& port : ports_) {
    if (port->state != DTU_STATE_UP || port->handle == nullptr) continue;
    if (!port->queue.empty()) return false;
    const dtu_ports& table = port->hal->tables().ports;
    int32_t drained = 1;
    if (port->hal->on_main() && table.drained != nullptr)
      port->hal->guarded("drained", nullptr,
                         [&] { return drained = table.drained(port->hal->self(), port->handle), DTU_OK; });
    if (drained == 0) return false;
  }
  return true;
}

}  // namespace dtud::routing
