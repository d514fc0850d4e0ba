#include "plugin_host/bridge.hpp"

#include <poll.h>
#include <sys/epoll.h>
#include <unistd.h>
#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <future>

#include "log/counted.hpp"
#include "plugin_host/orders.hpp"
#include "plugins/sound.hpp"

namespace dtud::host {
namespace {

using namespace plugins::isolation;

constexpr uint32_t kSettle_ms = 5000;  // for the disk, after stop(); dtud's deadline may end it before
constexpr size_t kMostRemote = 256;    // bytes of a name that are said
constexpr std::chrono::seconds kLongestList{10};
constexpr uint32_t kLastMoments_ms = 250;  // to stop in when dtud hangs up; it kills after 300

}  // namespace

Bridge::Bridge(Lane& lane, Descriptor socket, Activity& activity)
    : lane_(lane),
      wire_(std::move(socket)),
      activity_(activity),
      log_(Level::debug, false),
      stalls_({}, [](const StallWatch::Stall&) {}),  // dtud watches us
      inbox_(lane, *this),
      disk_(lane),
      context_{lane, log_, *this, inbox_, metrics_, stalls_, instances_, {}, nullptr, &activity, this},
      instances_(context_) {
  // dtud counts and says them; several at once are told in one.
  instances_.faults().on_note({[this] {
                                 if (!faults_untold_.exchange(true)) lane_.post([this] { tell_faults(); });
                               },
                               false});
  log_follower_ = log_.follow([this](const LogLine& line) { log_line(line.level, line.text); });
  metrics_.keep_in(
      activity.metrics.data(), activity.metrics.size(), [this](size_t cell, const plugins::Metrics::Reading& m) {
        const auto tell = [this, cell, m] {
          say(Frame::metric,
              [&](Writer&& out) { out.number(static_cast<uint32_t>(cell)).number(m.kind).text(m.name).text(m.help); });
        };
        lane_.is_current() ? tell() : lane_.post(tell);
      });
  lane_.add_turn_hook([this] { return turn(); });
  watch_ = lane_.watch(wire_.fd(), events_ = EPOLLIN, run_readable, this);
}

Bridge::~Bridge() = default;

// It is all over: nothing of the plugin's is run any more, not even what it left for exit().
void Bridge::leave(int status) { std::_Exit(status); }

// --- frames ----------------------------------------------------------------------------------------------------------

void Bridge::run_readable(void* self, uint32_t events) {
  auto& me = *static_cast<Bridge*>(self);
  if ((events & ~static_cast<uint32_t>(EPOLLOUT)) != 0) me.readable();
}

void Bridge::readable() {
  const Wire::Filled filled = wire_.fill();
  if (filled == Wire::Filled::ended) return hung_up();
  if (filled == Wire::Filled::something) take_frames();
}

void Bridge::take_frames() {
  Frame type{};
  std::string_view body;
  for (;;) {
    const Wire::Next next = wire_.next(type, body);
    if (next == Wire::Next::none) return;
    Reader in(body);
    if (next == Wire::Next::broken || !obey(*this, type, in)) {
      activity_.say("dtud sent an invalid frame");
      leave(EXIT_FAILURE);
    }
  }
}

// At the end of each turn: what waits is offered, and all that is said goes out in one write.
bool Bridge::turn() {
  bool any = channel_ != nullptr && channel_serves_ && channel_->serve();
  for (auto it = ports_.begin(); it != ports_.end(); ++it) any = it->second.feed->serve() || any;
  if (taken_messages_ != 0) {
    // Told alone only when dtud may be waiting for it.
    const bool half = taken_messages_ >= kSendMessages / 2 || taken_bytes_ >= kSendWindow / 2;
    if (half || wire_.pending() != 0) {
      Writer(wire_.out(), Frame::taken).number(uint64_t{0}).number(taken_messages_).number(taken_bytes_);
      taken_messages_ = 0;
      taken_bytes_ = 0;
    }
  }
  if (told_events_ != 0) Writer(wire_.out(), Frame::events_told).number(std::exchange(told_events_, 0U));
  if (wire_.pending() != 0) wire_.flush();  // should dtud be gone: reading tells
  const uint32_t wanted = EPOLLIN | (wire_.pending() != 0 ? EPOLLOUT : 0U);
  if (wanted != events_) lane_.rewatch(watch_, events_ = wanted);
  return any;
}

void Bridge::flush_all() {
  if (!wire_.flush_all()) leave(EXIT_FAILURE);
}

void Bridge::hung_up() {
  lane_.unwatch(std::exchange(watch_, 0));
  if (std::exchange(ending_, true)) return;
  if (instance_ == nullptr || !instance_->alive()) leave(EXIT_SUCCESS);
  instance_->stop(kLastMoments_ms, [] { leave(EXIT_SUCCESS); });
}

void Bridge::tell_faults() {
  if (!faults_untold_.exchange(false)) return;
  for (const plugins::Faults* faults : instances_.faults().all())
    for (const auto& [kind, last] : faults->read()) {
      uint64_t& told = told_faults_.at(static_cast<size_t>(kind));
      const uint64_t times = last.count - std::exchange(told, last.count);
      if (times == 0) continue;
      // Those refused after read() are in the next flood.
      const uint64_t refused = kind == plugins::Fault::flood ? faults->refused_events() : told_refused_;
      const uint64_t events = std::min(times, refused - told_refused_);
      told_refused_ += events;
      say(Frame::fault, [kind = kind, &last = last, times, events](Writer&& out) {
        out.number(static_cast<uint32_t>(kind)).number(times).text(last.function).text(last.text).number(events);
      });
    }
}

void Bridge::log_line(Level level, std::string_view text) {
  const auto tell = [this](Level level, std::string_view text) {
    say(Frame::log, [&](Writer&& out) { out.number(static_cast<int32_t>(level)).text(text); });
  };
  if (lane_.is_current()) return tell(level, text);
  if (lines_.fetch_add(1) >= kMostLines) {
    lines_.fetch_sub(1);
    lines_lost_.fetch_add(1);
    return;
  }
  lane_.post([this, tell, level, text = std::string(text)] {
    lines_.fetch_sub(1);
    tell(level, text);
    if (const size_t lost = lines_lost_.exchange(0); lost != 0)
      tell(Level::warning, counted(lost, "line") + " of the log lost: too many at once");
  });
}

// --- life cycle ------------------------------------------------------------------------------------------------------

void Bridge::cannot(const std::string& why) {
  dtu_error error{};
  error.struct_size = sizeof error;
  error.code = DTU_E_INVALID;
  why.copy(error.message, sizeof error.message - 1);
  say(Frame::started, [&](Writer&& out) { out.number(error.code).error(&error); });
  flush_all();
  leave(EXIT_FAILURE);
}

void Bridge::started(Instance&) {
  list_offers();
  // Behind the offers, also where each takes the way over the plugin's lane.
  instance_->call([] { return DTU_OK; },
                  [this](dtu_status) {
                    reported_start_ = true;
                    say(Frame::started, [](Writer&& out) { out.number(DTU_OK).error(nullptr); });
                  });
}

void Bridge::list_offers() {
  const auto list = [this](const char* function, auto fn) {
    call(
        function, [fn](dtu_error& e) { return fn(&e); },
        [this, function](dtu_status status, const dtu_error& error) {
          if (status < 0) log_line(Level::warning, std::string(function) + " failed: " + error.message);
        });
  };
  // Each from the plugin's lane; the lines are put together there and said here.
  const auto say_all = [this](std::string bytes) {
    const auto tell = [this, bytes = std::move(bytes)] {
      wire_.out().append(bytes);
      if (wire_.pending() > kMostPending) flush_all();
    };
    lane_.is_current() ? tell() : lane_.post(tell);
  };
  Instance& i = *instance_;
  const plugins::Tables& t = i.tables();
  if (t.commands.list != nullptr)
    list("list commands", [&i, &t, say_all](dtu_error* error) {
      std::string bytes;
      const auto each = [](void* to, const dtu_command_info* c) {
        if (c == nullptr || c->code_count > 64 || (c->codes == nullptr && c->code_count != 0)) return;
        Writer out(*static_cast<std::string*>(to), Frame::offer_command);
        out.number(c->flags).text(view(c->name)).text(view(c->title)).text(view(c->args_schema));
        out.number(static_cast<uint32_t>(c->code_count));
        for (uint64_t k = 0; k < c->code_count; ++k) out.number(c->codes[k]);
      };
      const dtu_status status = t.commands.list(i.self(), each, &bytes, error);
      say_all(std::move(bytes));
      return status;
    });
  if (t.points.list != nullptr)
    list("list points", [&i, &t, say_all](dtu_error* error) {
      std::string bytes;
      const auto each = [](void* to, const dtu_point_info* p) {
        if (p == nullptr) return;
        Writer(*static_cast<std::string*>(to), Frame::offer_point)
            .number(p->flags)
            .text(view(p->name))
            .text(view(p->unit))
            .text(view(p->title));
      };
      const dtu_status status = t.points.list(i.self(), each, &bytes, error);
      say_all(std::move(bytes));
      return status;
    });
  if (t.ports.list != nullptr)
    list("list ports", [&i, &t, say_all](dtu_error* error) {
      std::string bytes;
      const auto each = [](void* to, const dtu_port_info* p) {
        if (p == nullptr) return;
        Writer(*static_cast<std::string*>(to), Frame::offer_port)
            .number(p->flags)
            .text(view(p->id))
            .text(view(p->device))
            .text(view(p->title));
      };
      const dtu_status status = t.ports.list(i.self(), each, &bytes, error);
      say_all(std::move(bytes));
      return status;
    });
}

// Whatever the reason: this process was for this one run.
void Bridge::stopped(Instance&) {
  if (kv_ != nullptr && !kv_->settle(std::chrono::milliseconds(kSettle_ms)))
    log_.error(instance_->name(), "the disk is too slow: what dtu.kv was given last may be lost");
  if (watch_ == 0) leave(EXIT_SUCCESS);
  tell_faults();
  say(Frame::stopped, [](Writer&&) {});
  flush_all();
  leave(EXIT_SUCCESS);
}

void Bridge::state_changed(Instance&, uint64_t source, int32_t state, const dtu_error* error) {
  // What follows in dtud ends this run, so the faults that led here have to be known there before.
  if (source == 0 && state == DTU_STATE_FAILED) tell_faults();
  if (source == 0 && state == DTU_STATE_FAILED && !reported_start_) {
    reported_start_ = true;
    const dtu_status status = error != nullptr && error->code < 0 ? error->code : DTU_E_INTERNAL;
    dtu_error why{};
    why.struct_size = sizeof why;
    if (error != nullptr) why = *error;
    // A FAILED that start() reported, instead of failing, is tried again as always.
    if (error == nullptr || error->code >= 0) why.flags |= DTU_ERR_RETRYABLE;
    return say(Frame::started, [&](Writer&& out) { out.number(status).error(&why); });
  }
  const bool carries = state == DTU_STATE_UP || state == DTU_STATE_DEGRADED;
  if (source == 0 && channel_ != nullptr) {
    channel_serves_ = carries;
    if (carries)
      channel_->room();
    else  // back to where they can be kept, dropped, or stored
      channel_->give_back([this](uint64_t token) { complete(*instance_, token, DTU_E_CLOSED); });
  }
  if (const auto port = ports_.find(source); port != ports_.end() && carries) port->second.feed->room();
  say(Frame::report, [&](Writer&& out) { out.number(source).number(state).error(error); });
}

// --- data ------------------------------------------------------------------------------------------------------------

dtu_status Bridge::emit(Instance& from, const dtu_msg* msgs, uint32_t n, uint32_t* taken) {
  const bool channel = from.component().kind == DTU_KIND_CHANNEL;
  for (; *taken < n; ++*taken) {
    const dtu_msg& msg = msgs[*taken];
    if (!is_acceptable(msg)) return from.faults().unacceptable(called_in(lane_, "emit"));
    if (!channel && ports_.count(msg.source) == 0) return DTU_E_NOT_FOUND;
    Source& source = sources_[channel ? 0 : msg.source];
    if (source.outstanding > kEmitWindow) {
      source.refused = true;
      return DTU_AGAIN;
    }
    source.outstanding += cost_of(msg);
    if (msg.time_ns == 0) {  // it may have to wait: the time it was read is now
      dtu_msg stamped = msg;
      stamped.time_ns = lane_.unix_ns();
      Writer(wire_.out(), Frame::emit).message(0, 0, stamped);
    } else {
      Writer(wire_.out(), Frame::emit).message(0, 0, msg);
    }
  }
  return DTU_OK;
}

void Bridge::complete(Instance&, uint64_t token, dtu_status status) {
  say(Frame::complete, [&](Writer&& out) { out.number(token).number(status); });
}

void Bridge::writable(Instance&, uint64_t source) {
  if (channel_ != nullptr) return channel_->room();
  if (const auto port = ports_.find(source); port != ports_.end()) port->second.feed->room();
}

Bridge::Session* Bridge::session_of_link(uint64_t link) {
  for (auto& [id, session] : sessions_)
    if (session.link == link) return &session;
  return nullptr;
}

dtu_status Bridge::to_port(Instance& from, uint64_t link, const dtu_msg& msg) {
  const Session* session = session_of_link(link);
  if (session == nullptr || session->port.empty()) return DTU_E_NOT_FOUND;
  if (!is_acceptable(msg)) return from.faults().unacceptable(called_in(lane_, "to_port"));
  say(Frame::to_port, [&](Writer&& out) { out.message(link, 0, msg); });
  return DTU_OK;
}

dtu_status Bridge::to_channel(Instance& from, uint64_t link, uint32_t channel, const dtu_msg& msg) {
  const Session* session = session_of_link(link);
  if (session == nullptr) return DTU_E_NOT_FOUND;
  if (!is_acceptable(msg)) return from.faults().unacceptable(called_in(lane_, "to_channel"));
  const auto& ids = session->channels;
  if (std::find(ids.begin(), ids.end(), channel) == ids.end()) return DTU_E_NOT_FOUND;
  say(Frame::to_channel, [&](Writer&& out) { out.message(link, channel, msg); });
  return DTU_OK;
}

void Bridge::drop(Instance&, uint64_t link, std::string_view reason, uint64_t bytes) {
  say(Frame::drop, [&](Writer&& out) { out.number(link).text(reason.substr(0, 64)).number(bytes); });
}

dtu_status Bridge::discard(Instance&, uint64_t link, uint32_t which, uint64_t*) {
  const Session* session = session_of_link(link);
  if (session == nullptr || session->port.empty()) return DTU_E_NOT_FOUND;
  say(Frame::discard, [&](Writer&& out) { out.number(link).number(which); });
  return DTU_OK;
}

// What the board says of it is told by port_state.
dtu_status Bridge::set_line(Instance&, uint64_t link, const dtu_line& line, dtu_error*) {
  const Session* session = session_of_link(link);
  if (session == nullptr || session->port.empty()) return DTU_E_NOT_FOUND;
  say(Frame::change_line, [&](Writer&& out) {
    out.number(link).number(line.baud).number(line.databits).number(line.stopbits).number(line.parity);
  });
  return DTU_OK;
}

void Bridge::heard(uint64_t bytes) {
  heard_bytes_ += bytes;
  if (heard_bytes_ < kDialectWindow / 2) return;
  const uint64_t all = std::exchange(heard_bytes_, 0);
  say(Frame::heard, [&](Writer&& out) { out.number(all); });
}

// --- calls -----------------------------------------------------------------------------------------------------------

dtu_status Bridge::reply(Instance&, const dtu_reply& r) {
  if (r.json.len > DTU_PAYLOAD_MAX) return DTU_E_INVALID;
  say(Frame::reply, [&](Writer&& out) {
    out.number(r.call).number(r.status).text(r.json).error(r.error).number(r.age_ms).number(r.flags);
  });
  return DTU_OK;
}

// As from any lane but dtud's main one, what is wrong with the call itself comes as its answer. Requests bounds how
// many there are, and its numbers are those of the frames.
dtu_status Bridge::ask(Frame type, plugins::Asking asking, const std::function<void(Writer&)>& fill) {
  const uint64_t id = asking.number;
  waiting_[id] = std::move(asking.told);
  say(type, [&](Writer&& out) { fill(out.number(id)); });
  return DTU_OK;
}

void Bridge::keep_in(const std::string& kv, const std::string& folders, uint64_t quota) {
  if (!kv.empty()) kv_ = std::make_unique<plugins::KvStore>(kv, disk_);
  if (!folders.empty()) folders_ = std::make_unique<plugins::Folders>(lane_, disk_, folders, quota);
  context_.kv = kv_.get();
  context_.folders = folders_.get();
}

dtu_status Bridge::invoke(Instance&, const dtu_request& r, plugins::Asking asking, dtu_error*) {
  if (r.args.len > DTU_PAYLOAD_MAX) return DTU_E_INVALID;
  return ask(Frame::ask_command, std::move(asking), [&](Writer& out) {
    out.number(r.caller).text(r.command).number(r.code).text(r.args);
    out.number(static_cast<uint32_t>(r.password.ptr != nullptr ? 1 : 0)).text(r.password);
    out.number(r.deadline_ms).text(r.to).number(r.link).number(r.channel).number(r.peer).number(r.for_call);
    out.text(dtu::view(r.remote).substr(0, kMostRemote));  // what is too long is refused there
  });
}

dtu_status Bridge::ask_of_point(Frame type, const dtu_point_request& r, plugins::Asking asking) {
  if (r.json.len > DTU_PAYLOAD_MAX) return DTU_E_INVALID;
  return ask(type, std::move(asking), [&](Writer& out) { out.text(r.point).text(r.json).number(r.deadline_ms); });
}

dtu_status Bridge::read_point(Instance&, const dtu_point_request& r, plugins::Asking asking, dtu_error*) {
  return ask_of_point(Frame::ask_read, r, std::move(asking));
}

dtu_status Bridge::write_point(Instance&, const dtu_point_request& r, plugins::Asking asking, dtu_error*) {
  return ask_of_point(Frame::ask_write, r, std::move(asking));
}

dtu_status Bridge::await_point(Instance&, const dtu_point_request& r, plugins::Asking asking, dtu_error*) {
  return ask_of_point(Frame::ask_await, r, std::move(asking));
}

void Bridge::cancel(Instance&, uint64_t number) {
  if (waiting_.erase(number) != 0) say(Frame::cancel_ask, [&](Writer&& out) { out.number(number); });
}

void Bridge::after_answers(Instance&, uint32_t deadline_ms, plugins::Asking asking) {
  (void)ask(Frame::ask_after_answers, std::move(asking), [&](Writer& out) { out.number(deadline_ms); });
}

// The one kind of call that is answered within itself. A lane of the plugin's own, which may block, waits for the main
// one; that one waits for dtud, which answers in its next turn.
dtu_status Bridge::ask_list(Frame asked, Frame answered, std::string_view prefix,
                            const std::function<void(Reader&)>& take_one) {
  std::string body;
  dtu_status status = DTU_OK;
  if (lane_.is_current()) {
    status = fetch_list(asked, answered, prefix, body);
  } else {
    auto fetched = std::make_shared<std::promise<std::string>>();
    std::future<std::string> future = fetched->get_future();
    lane_.post([this, asked, answered, prefix = std::string(prefix), fetched] {
      std::string bytes;
      (void)fetch_list(asked, answered, prefix, bytes);
      fetched->set_value(std::move(bytes));
    });
    if (future.wait_for(kLongestList) != std::future_status::ready) return DTU_E_TIMEOUT;
    body = future.get();
    if (body.empty()) status = DTU_E_CLOSED;
  }
  if (status != DTU_OK) return status;
  Reader in(body);
  status = in.i32();
  const uint32_t count = in.u32();
  Reader list(in.text());
  for (uint32_t i = 0; i < count && !list.broken(); ++i) take_one(list);
  return status;
}

dtu_status Bridge::fetch_list(Frame asked, Frame answered, std::string_view prefix, std::string& body) {
  if (watch_ == 0) return DTU_E_CLOSED;
  say(asked, [&](Writer&& out) { out.text(prefix); });
  flush_all();
  for (;;) {
    const Wire::Next next = wire_.extract(answered, body);
    if (next == Wire::Next::frame) break;
    pollfd ready{wire_.fd(), POLLIN, 0};
    ::poll(&ready, 1, -1);  // dtud's watch over us is the deadline
    if (next == Wire::Next::broken || wire_.fill() == Wire::Filled::ended) leave(EXIT_FAILURE);
  }
  // Frames that came before the answer wait in the buffer, and nothing would wake us for them.
  lane_.post([this] { take_frames(); });
  return DTU_OK;
}

dtu_status Bridge::list_points(std::string_view prefix, void (*each)(void*, const dtu_point_info*), void* ctx) {
  return ask_list(Frame::ask_points, Frame::points, prefix, [&](Reader& list) {
    dtu_point_info info{};
    info.struct_size = sizeof info;
    info.flags = list.u32();
    for (dtu_str* s : {&info.name, &info.unit, &info.title}) *s = dtu::str(list.text());
    if (!list.broken()) each(ctx, &info);
  });
}

dtu_status Bridge::list_commands(std::string_view prefix, plugins::CommandSink each, void* ctx) {
  return ask_list(Frame::ask_commands, Frame::commands, prefix, [&](Reader& list) {
    dtu_command_info info{};
    info.struct_size = sizeof info;
    info.flags = list.u32();
    std::vector<uint32_t> codes;
    for (uint32_t left = list.u32(); left != 0 && !list.broken(); --left) codes.push_back(list.u32());
    info.codes = codes.data();
    info.code_count = codes.size();
    dtu_str provider{};
    for (dtu_str* s : {&provider, &info.name, &info.title, &info.args_schema}) *s = dtu::str(list.text());
    if (!list.broken()) each(ctx, provider, &info);
  });
}

// --- events ----------------------------------------------------------------------------------------------------------

void Bridge::on_main(std::function<void()> fn) { lane_.is_current() ? fn() : lane_.post(std::move(fn)); }

void Bridge::publish(std::string_view, const events::Declared& what, std::string json) {
  const auto number = static_cast<uint32_t>(&what - instance_->component().events.data());
  say(Frame::publish, [&](Writer&& out) { out.number(number).text(json); });
}

// dtud selects, keeps the order and drops; here it only finds its way to the function. On the plugin's lane.
dtu_status Bridge::subscribe(const events::MailboxPtr& mailbox, const dtu_subscription* subscription, uint64_t* id) {
  if (!events::is_whole(subscription)) return DTU_E_INVALID;
  const dtu_subscription& s = *subscription;
  if (!events::is_sound(s, id)) return mailbox->refuse(s, DTU_E_INVALID);
  const dtu_status status = mailbox->add(s, {}, 0, *id);
  if (status != DTU_OK) return mailbox->refuse(s, status);
  on_main([this, id = *id, pattern = std::string(s.pattern.ptr, s.pattern.len)] {
    say(Frame::subscribe, [&](Writer&& out) { out.number(id).text(pattern); });
  });
  return DTU_OK;
}

bool Bridge::unsubscribe(events::Mailbox& mailbox, uint64_t id) {
  if (!mailbox.unsubscribe(id)) return false;
  on_main([this, id] { say(Frame::unsubscribe, [&](Writer&& out) { out.number(id); }); });
  return true;
}

void Bridge::call(const char* function, std::function<dtu_status(dtu_error&)> fn,
                  std::function<void(dtu_status, const dtu_error&)> then) {
  using Outcome = std::pair<dtu_status, dtu_error>;
  Instance& i = *instance_;
  i.call(
      [&i, function, fn = std::move(fn)] {
        Outcome outcome{DTU_OK, {}};
        outcome.second.struct_size = sizeof outcome.second;
        outcome.first = i.guarded(function, &outcome.second, [&] { return fn(outcome.second); });
        return outcome;
      },
      [then = std::move(then)](const Outcome& outcome) {
        if (then) then(outcome.first, outcome.second);
      });
}

void Bridge::call_for(uint64_t id, const char* function, std::function<dtu_status(dtu_error&)> fn) {
  call(function, std::move(fn), [this, id](dtu_status status, const dtu_error& error) {
    if (status < 0) (void)reply(*instance_, {sizeof(dtu_reply), status, id, {}, &error, 0, 0});
  });
}

}  // namespace dtud::host
