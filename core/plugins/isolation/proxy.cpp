#include "plugins/isolation/proxy.hpp"

#include <sys/epoll.h>
#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <utility>

#include "events/exchange.hpp"
#include "plugins/folders.hpp"
#include "plugins/isolation/receive.hpp"
#include "plugins/kv.hpp"
#include "plugins/sound.hpp"

namespace dtud::plugins::isolation {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kLookAgain_ms = 5;
constexpr int kMostLooks = 100;              // then it is helped along
constexpr size_t kMostPending = 16U << 20U;  // more than all windows together: it has stopped reading
constexpr int64_t kStall_s = 10, kBlockingStall_s = 120;

dtu_error failure(const std::string& text) {
  dtu_error e{};
  e.struct_size = sizeof e;
  e.code = DTU_E_IO;
  e.flags = DTU_ERR_RETRYABLE;
  text.copy(e.message, sizeof e.message - 1);
  return e;
}

}  // namespace

Proxy::Proxy(Instance& instance, const StandIn& component, Isolation& isolation)
    : instance_(instance),
      component_(component),
      isolation_(isolation),
      context_(isolation.context()),
      timer_(context_.main.timers().create(timer_due, this)),
      beat_timer_(context_.main.timers().create(beat_due, this)) {}

Proxy::~Proxy() {
  *alive_ = false;
  context_.stalls.forget(this);
  if (watch_ != 0) context_.main.unwatch(watch_);
  context_.main.timers().destroy(timer_);
  context_.main.timers().destroy(beat_timer_);
  for (const uint64_t id : metrics_) context_.metrics.settle(id);
  isolation_.forget(*this);
  isolation_.runs(instance_.name(), nullptr);
  if (instance_.crowded()) instance_.set_crowded(false);
  wire_.close();
  isolation_.bury(std::move(child_));
}

// --- the process -----------------------------------------------------------------------------------------------------

dtu_status Proxy::create(dtu_str config, dtu_error* error) {
  if (!component_.file.is_absolute())  // built in: there is no file another process could open
    return dtu::fail(error, DTU_E_UNSUPPORTED,
                     component_.plugin_id + " is linked into dtud: it cannot be isolated; remove \"isolate\"");
  Descriptor socket;
  std::string why = child_.begin(isolation_.program(), instance_.name(), socket);
  if (why.empty()) {
    wire_ = Wire(std::move(socket));
    watch_ = context_.main.watch(wire_.fd(), events_ = EPOLLIN, run_readable, this);
    if (watch_ == 0) why = "its process cannot be watched";
  }
  if (!why.empty()) {
    *error = failure(why);
    return error->code;
  }
  const int64_t limit_s = component_.limits.stall_s != 0                    ? component_.limits.stall_s
                          : (component_.their_caps & DTU_CAP_BLOCKING) != 0 ? kBlockingStall_s
                                                                            : kStall_s;
  // On the watch's thread; told at each look until it is killed.
  context_.stalls.observe(
      this, [this, page = child_.activity(), limit_ns = limit_s * 1000 * kMs, alive = alive_](int64_t now) {
        const int64_t began = page->began_ns.load(std::memory_order_relaxed);
        if (began == 0 || now - began < limit_ns) return;
        context_.main.post([this, alive, held = now - began] {
          if (*alive) stalled(held);
        });
      });
  isolation_.runs(instance_.name(), this);
  context_.main.timers().arm(beat_timer_, monotonic_ns() + isolation_.heartbeat().interval.count() * kMs);
  return say(Frame::setup, [&](Writer&& out) {
    out.number(kVersion).text(instance_.name()).text(component_.plugin_id).text(component_.file.string());
    out.number(component_.kind).text(component_.type).text(config);
    out.text(context_.kv != nullptr ? context_.kv->dir() : "");
    out.text(context_.folders != nullptr ? context_.folders->dir() : "");
    out.number(context_.folders != nullptr ? context_.folders->quota() : 0);
    out.number(static_cast<int32_t>(context_.log.threshold())).number(component_.limits.memory_mb);
  });
}

void Proxy::said() {
  if (std::exchange(dirty_, true)) return;
  isolation_.flush_soon(*this);
}

void Proxy::flush() {
  dirty_ = false;
  if (ended_) return;
  wire_.flush();  // should the other end be gone: reading tells
  if (wire_.pending() > kMostPending) return broken("does not read the frames of dtud");
  const uint32_t wanted = EPOLLIN | (wire_.pending() != 0 ? EPOLLOUT : 0U);
  if (wanted != events_) context_.main.rewatch(watch_, events_ = wanted);
}

void Proxy::run_readable(void* self, uint32_t events) {
  auto& me = *static_cast<Proxy*>(self);
  if ((events & EPOLLOUT) != 0) me.flush();
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0 && !me.ended_) me.readable();
}

void Proxy::readable() {
  const Lane::Running running(context_.main, instance_.name(), "a frame of its process");
  const Wire::Filled filled = wire_.fill();
  if (filled == Wire::Filled::ended) return end_connection();
  if (filled != Wire::Filled::something) return;
  heard_ = true;
  take_frames();
}

void Proxy::take_frames() {
  const auto alive = alive_;  // what a frame says may end this
  Frame type{};
  std::string_view body;
  while (*alive && !ended_) {
    const Wire::Next next = wire_.next(type, body);
    if (next == Wire::Next::none) return;
    if (next == Wire::Next::broken) return broken("sent an invalid frame (wrong length)");
    Reader in(body);
    const bool known = receive(*this, type, in);
    if (!*alive) return;
    if (!known || !in.whole())
      broken("sent an invalid frame (type " + std::to_string(static_cast<uint32_t>(type)) + ")");
  }
}

// It is not to be trusted, or does not work, any more.
void Proxy::broken(const std::string& what) {
  if (reason_.empty()) reason_ = what;
  child_.kill();
  end_connection();
}

void Proxy::stalled(int64_t held_ns) {
  if (ended_ || !reason_.empty()) return;
  broken("did not return from " + child_.doing() + "() for " + std::to_string(held_ns / 1'000'000'000) + " s");
}

// Its main lane is in a call into the plugin, whose length has a limit of its own. A plugin that may block has another
// lane; only its file is loaded on the main one.
bool Proxy::stall_watch_decides() const {
  if (child_.busy_since_ns() == 0) return false;
  return (component_.their_caps & DTU_CAP_BLOCKING) == 0 || child_.doing() == "load";
}

void Proxy::beat() {
  if (ended_ || phase_ == Phase::stopping) return;  // stop() has a deadline
  const Heartbeat& limits = isolation_.heartbeat();
  if (std::exchange(heard_, false)) {
    missed_ = 0;
    asked_alive_ = false;
  } else if (asked_alive_ && !stall_watch_decides() && ++missed_ >= limits.missed) {
    return broken("did not answer for " + std::to_string(limits.missed * limits.interval.count() / 1000) + " s");
  }
  if (!std::exchange(asked_alive_, true)) say(Frame::ask_alive, [](Writer&&) {});
  context_.main.timers().arm(beat_timer_, monotonic_ns() + limits.interval.count() * kMs);
}

void Proxy::end_connection() {
  if (std::exchange(ended_, true)) return;
  context_.main.timers().disarm(beat_timer_);
  context_.main.unwatch(std::exchange(watch_, 0));
  wire_.close();
  looks_ = 0;
  look_for_end();
}

// The process itself is a moment later than its socket.
void Proxy::look_for_end() {
  if (child_.reap()) return over();
  if (++looks_ > kMostLooks) child_.kill();
  context_.main.timers().arm(timer_, monotonic_ns() + kLookAgain_ms * kMs);
}

dtu_error Proxy::death() const {
  return failure(reason_.empty() ? child_.how() : "its process " + reason_ + ": it was killed");
}

void Proxy::over() {
  if (phase_ == Phase::stopping) return stopped();
  if (failed_) return;  // as it said it would
  const dtu_error why = death();
  isolation_.died(instance_.name(), why.message);
  const std::string where = child_.doing();
  instance_.faults().note(Fault::died, where.empty() ? "no call" : where, "was under way: " + text_of(why));
  if (phase_ == Phase::running) return instance_.reported(0, DTU_STATE_FAILED, &why);
  context_.main.post([this, alive = alive_, why] {
    if (*alive) instance_.begun(why.code, why);
  });
}

// --- life cycle ------------------------------------------------------------------------------------------------------

dtu_status Proxy::stop(uint32_t deadline_ms) {
  phase_ = Phase::stopping;
  if (ended_ || deadline_ms == 0) return DTU_OK;  // destroy() hangs up, and it stops then
  say(Frame::stop, [&](Writer&& out) { out.number(deadline_ms); });
  context_.main.timers().arm(timer_, monotonic_ns() + deadline_ms * kMs);
  return DTU_PENDING;
}

void Proxy::timer_due(void* self) {
  auto& me = *static_cast<Proxy*>(self);
  if (me.ended_) return me.look_for_end();
  me.context_.log.warning(me.instance_.name(), "did not stop in time: its process is killed");
  me.reason_ = "did not stop in time";
  me.child_.kill();
  me.stopped();
}

void Proxy::stopped() {
  if (!std::exchange(told_, true)) instance_.reported(0, DTU_STATE_STOPPED, nullptr);
}

void Proxy::health(dtu_text_fn out, void* ctx) {
  if (!std::exchange(asked_health_, true)) say(Frame::ask_health, [](Writer&&) {});
  out(ctx, {health_.data(), health_.size()});
}

// --- data, to the child ----------------------------------------------------------------------------------------------

dtu_status Proxy::send(const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  for (*taken = 0; *taken < n && !ended_; ++*taken) {
    if (window_messages_ >= kSendMessages || window_bytes_ >= kSendWindow) break;
    const dtu_msg& msg = msgs[*taken];
    Writer(wire_.out(), Frame::send).message(msg.token, 0, msg);
    ++window_messages_;
    window_bytes_ += cost_of(msg);
  }
  if (*taken != 0) said();
  if (*taken == n) return DTU_OK;
  owes_writable_ = true;
  return DTU_AGAIN;
}

dtu_status Proxy::open(dtu_str id, const dtu_port_settings& settings, uint64_t key, void** port) {
  auto made = std::make_unique<Port>();
  made->key = key;
  *port = made.get();
  ports_[key] = std::move(made);
  say(Frame::open_port, [&](Writer&& out) {
    out.number(key).text(id).number(settings.baud).number(settings.databits).number(settings.parity);
    out.number(settings.stopbits).number(settings.flow).number(settings.direction_gpio);
    out.number(settings.direction_level);
  });
  return DTU_PENDING;
}

void Proxy::close(Port& port) {
  const uint64_t key = port.key;
  say(Frame::close_port, [&](Writer&& out) { out.number(key); });
  sources_.erase(key);
  ports_.erase(key);
}

dtu_status Proxy::write(Port& port, const dtu_msg* msgs, uint32_t n, uint32_t* taken, dtu_error* error) {
  for (*taken = 0; port.done != 0 && *taken < n; ++*taken) {
    const bool refused = (port.refused & 1U) != 0;
    port.refused >>= 1U;
    --port.done;
    if (!refused) continue;
    *error = port.why;
    return DTU_E_INVALID;
  }
  for (uint32_t i = *taken + port.ahead; i < n && !ended_; ++i) {
    if (port.ahead >= kWriteMessages || port.ahead_bytes >= kSendWindow) break;
    Writer(wire_.out(), Frame::write).message(port.key, 0, msgs[i]);
    ++port.ahead;
    port.ahead_bytes += cost_of(msgs[i]);
    port.drained = false;
    said();
  }
  return *taken == n ? DTU_OK : DTU_AGAIN;
}

int32_t Proxy::drained(Port& port) {
  if (port.ahead == 0 && port.drained) return 1;
  if (port.ahead == 0 && !std::exchange(port.asked_drained, true))
    say(Frame::ask_drained, [&](Writer&& out) { out.number(port.key); });
  return 0;
}

// The first call asks, a later one finds the answer; what was asked before it was done by then.
dtu_status Proxy::signals(Port& port, uint32_t* known, uint32_t* values, dtu_error* error) {
  if (port.asked_signals && port.signals.status != DTU_AGAIN) {
    port.asked_signals = false;
    const Port::Signals found = std::exchange(port.signals, {});
    *known = found.known;
    *values = found.values;
    if (error != nullptr && found.status < 0) *error = found.error;
    return found.status;
  }
  if (!std::exchange(port.asked_signals, true)) say(Frame::ask_signals, [&](Writer&& out) { out.number(port.key); });
  return DTU_AGAIN;
}

dtu_status Proxy::open_session(const dtu_link_info& link, void** session) {
  const uint64_t id = ++last_session_;
  Session& made = sessions_[id];
  made = {id, link.link};
  *session = &made;
  return say(Frame::open_session, [&](Writer&& out) {
    out.number(id).number(link.link).text(link.dialect).text(link.port).number(link.baud).number(link.bits_per_char);
    out.text(link.port_config).text(link.device_config).number(static_cast<uint32_t>(link.channel_count));
    for (uint64_t i = 0; i < link.channel_count; ++i) {
      const dtu_bound_channel& c = *link.channels[i];
      out.number(c.id).text(c.type).number(c.caps).text(c.config);
    }
  });
}

void Proxy::close_session(const Session& session) {
  const uint64_t id = session.id;
  say(Frame::close_session, [&](Writer&& out) { out.number(id); });
  sessions_.erase(id);
}

void Proxy::to_dialect(Frame type, const Session& session, uint32_t channel, const dtu_msg& msg) {
  if (ended_) return;
  Writer(wire_.out(), type).message(session.id, channel, msg);
  said();
  unheard_bytes_ += cost_of(msg);
  if (unheard_bytes_ > kDialectWindow && !instance_.crowded()) instance_.set_crowded(true);
}

void Proxy::tell_fate(const Session& session, const dtu_fate& fate) {
  say(Frame::fate, [&](Writer&& out) {
    out.number(session.id).number(fate.channel).number(fate.token).number(fate.status).text(view(fate.reason));
  });
}

// The plugin was answered already.
void Proxy::not_taken(uint64_t link, uint32_t channel, uint64_t token) {
  static constexpr std::string_view kReason = "not taken";
  if (token == 0) return;
  const dtu_fate fate{sizeof fate, DTU_E_DROPPED, token, channel, 0, {kReason.data(), kReason.size()}};
  for (const auto& [id, session] : sessions_)
    if (session.link == link) return tell_fate(session, fate);
}

void Proxy::heard(uint64_t bytes) {
  if (bytes > unheard_bytes_) return broken("acknowledged more bytes than dtud sent");
  unheard_bytes_ -= bytes;
  if (!instance_.crowded() || unheard_bytes_ > kDialectWindow / 2) return;
  instance_.set_crowded(false);
  context_.up.has_room(instance_);
}

// --- data, from the child --------------------------------------------------------------------------------------------

Proxy::Source* Proxy::source_of(const dtu_msg& msg, uint64_t& key) {
  key = component_.kind == DTU_KIND_CHANNEL ? 0 : msg.source;
  const bool known = component_.kind == DTU_KIND_CHANNEL || ports_.count(key) != 0;
  return known ? &sources_[key] : nullptr;  // a port that was closed meanwhile
}

// False: there is no room.
bool Proxy::deliver(const dtu_msg& msg) {
  if (instance_.handle().closing.load(std::memory_order_relaxed)) return true;
  uint32_t taken = 0;
  return context_.up.emit(instance_, &msg, 1, &taken) != DTU_AGAIN;
}

void Proxy::emitted(const dtu_msg& read) {
  uint64_t key = 0;
  Source* source = source_of(read, key);
  if (source == nullptr) return;
  const uint64_t cost = cost_of(read);
  // In a buffer, so that whoever keeps it shares the bytes.
  const BufferRef buffer(allocate_buffer(read.payload.len + read.route.len + read.device.len));
  if (!buffer) return taken_from(key, *source, cost);  // as if the plugin had found no memory
  auto* bytes = reinterpret_cast<char*>(buffer.get()->bytes());
  view(read.payload).copy(bytes, read.payload.len);
  view(read.route).copy(bytes + read.payload.len, read.route.len);
  view(read.device).copy(bytes + read.payload.len + read.route.len, read.device.len);
  dtu_msg msg = read;
  msg.payload.ptr = bytes;
  msg.route.ptr = bytes + read.payload.len;
  msg.device.ptr = msg.route.ptr + read.route.len;
  msg.owner = buffer.get();
  if (source->held.empty() && deliver(msg)) {
    const auto still = sources_.find(key);  // what it led to may have closed the port
    if (still != sources_.end()) taken_from(key, still->second, cost);
    return;
  }
  if (source->held_bytes > kEmitWindow) return broken("emitted more than the limit allows");
  KeptMessage kept = KeptMessage::keep(msg);
  if (!kept) return taken_from(key, *source, cost);
  source->held_bytes += cost;
  source->held.push_back(std::move(kept));
}

void Proxy::writable(uint64_t key) {
  for (auto it = sources_.find(key); it != sources_.end() && !it->second.held.empty(); it = sources_.find(key)) {
    const KeptMessage first = it->second.held.front().share();
    if (!deliver(first.view(0))) return;
    it = sources_.find(key);  // what it led to may have closed the port
    if (it == sources_.end()) return;
    const uint64_t cost = cost_of(first.view(0));
    it->second.held.pop_front();
    it->second.held_bytes -= cost;
    taken_from(key, it->second, cost);
  }
}

void Proxy::taken_from(uint64_t key, Source& source, uint64_t bytes) {
  source.owed += bytes;
  if (source.owed < kEmitWindow / 2) return;
  const uint64_t owed = std::exchange(source.owed, 0);
  say(Frame::consumed, [&](Writer&& out) { out.number(key).number(owed); });
}

void Proxy::channel_took(uint32_t messages, uint64_t bytes) {
  if (messages > window_messages_ || bytes > window_bytes_) return broken("acknowledged more messages than dtud sent");
  window_messages_ -= messages;
  window_bytes_ -= bytes;
  if (!owes_writable_ || window_messages_ > kSendMessages / 2 || window_bytes_ > kSendWindow / 2) return;
  owes_writable_ = false;
  context_.up.writable(instance_, 0);
}

void Proxy::port_took(uint64_t key, uint32_t messages, uint64_t bytes, const dtu_error* refused) {
  const auto it = ports_.find(key);
  if (it == ports_.end()) return;  // closed meanwhile
  Port& port = *it->second;
  if (messages > port.ahead || bytes > port.ahead_bytes) return broken("acknowledged more messages than dtud sent");
  port.ahead -= messages;
  port.ahead_bytes -= bytes;
  if (refused != nullptr) {
    port.why = *refused;
    port.refused |= uint64_t{1} << port.done;
  }
  port.done += messages;
  context_.up.writable(instance_, key);
}

// --- calls, from the child -------------------------------------------------------------------------------------------

void Proxy::answer(uint64_t id, dtu_answer a) {
  if (a.json.len > DTU_PAYLOAD_MAX) {
    a.status = DTU_E_INVALID;
    a.json = {};
  }
  say(Frame::answer, [&](Writer&& out) {
    out.number(id).number(a.status).text(a.json).error(a.error).number(a.age_ms).number(a.flags);
  });
}

// The answer takes its turn behind the events that were told before it, and finds nobody when the request was cancelled
// meanwhile. The mailbox drops it when this run is over, so this object is still there.
void Proxy::asked(uint64_t id, const std::function<dtu_status(Asking, dtu_error*)>& put) {
  dtu_error error{};
  error.struct_size = sizeof error;
  if (asked_.size() >= kMostAsked) return answer(id, {sizeof(dtu_answer), DTU_AGAIN, {}, &error, 0, 0});
  if (!asked_.insert(id).second) return broken("asks twice under one number");
  const auto told = [this, id](const dtu_answer& a) {
    const std::string json(view(a.json));
    const bool failed = a.error != nullptr;
    instance_.answer([this, id, a = dtu_answer(a), json, failed, why = failed ? *a.error : dtu_error{}]() mutable {
      a.json = dtu::str(json);
      a.error = failed ? &why : nullptr;
      answered(id, a);
    });
  };
  const dtu_status status = put({id, told}, &error);
  if (status == DTU_OK) return;
  asked_.erase(id);
  answer(id, {sizeof(dtu_answer), status, {}, &error, 0, 0});
}

void Proxy::cancelled(uint64_t id) {
  if (asked_.erase(id) != 0) context_.up.cancel(instance_, id);
}

void Proxy::answered(uint64_t id, const dtu_answer& a) {
  if (asked_.erase(id) != 0) answer(id, a);
}

// --- events ----------------------------------------------------------------------------------------------------------

void Proxy::subscribe(uint64_t id, std::string_view pattern) {
  if (context_.events == nullptr || instance_.mailbox()->closed()) return;
  if (heard_events_.count(id) != 0) return broken("subscribes twice under one number");
  auto heard = std::make_unique<Heard>(Heard{this, id, 0});
  const dtu_subscription s{sizeof s, 0, {pattern.data(), pattern.size()}, tell, nullptr, heard.get()};
  if (context_.events->subscribe(instance_.mailbox(), &s, &heard->at_hub) != DTU_OK)
    return broken("makes a subscription that its host cannot have let through");
  heard_events_.emplace(id, std::move(heard));
}

void Proxy::unsubscribe(uint64_t id) {
  const auto node = heard_events_.extract(id);
  if (node) (void)context_.events->unsubscribe(*instance_.mailbox(), node.mapped()->at_hub);
}

// What the child has not told its plugin yet is bounded: the rest waits in the mailbox, where it can be dropped.
void Proxy::tell(void* heard, const dtu_event* e) {
  auto& me = *static_cast<Heard*>(heard)->by;
  const uint64_t id = static_cast<Heard*>(heard)->id;
  me.say(Frame::event, [&](Writer&& out) {
    out.number(id).number(e->flags).text(e->name).text(e->source).number(e->seq).number(e->time_ns);
    out.text(e->json).number(e->missed);
  });
  if (++me.events_ahead_ >= kEventWindow) me.instance_.mailbox()->pause(true);
}

void Proxy::events_told(uint32_t count) {
  if (count > events_ahead_) return broken("was told fewer events than it says");
  events_ahead_ -= count;
  if (events_ahead_ < kEventWindow) instance_.mailbox()->pause(false);
}

}  // namespace dtud::plugins::isolation
