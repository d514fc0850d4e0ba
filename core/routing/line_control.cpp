// What dialects and plugins do to the line itself: forgetting what is under way, other settings for a while, signals.
//
// Everybody who asks has a layer of wishes over the configuration. What results is set when what the port was given
// before is on the wire; DTR, RTS and the end of a BREAK do not wait for that.
#include <dtu/sdk/text.hpp>

#include <algorithm>
#include <array>
#include <utility>

#include "plugins/sound.hpp"
#include "routing/router.hpp"

namespace dtud::routing {
namespace {

constexpr int64_t kMs = 1'000'000;
constexpr int64_t kLeastSilence_ns = 20 * kMs;            // D5: a USB adapter keeps bytes for up to 16 ms
constexpr uint64_t kSilenceChars = 20;                    // if that is more
constexpr int64_t kAskAfter_ns = 1'000'000;               // the first question of whether the line is empty
constexpr int64_t kLookEvery_ns = 1'000'000;              // for signals that are not known yet
constexpr int64_t kLookFor_ns = 1'000'000'000;            // then the answer goes without them
constexpr uint32_t kSlowest = 50, kFastest = 12'000'000;  // bits per second
constexpr const char* kNoOtherSettings = "this board cannot change the settings of an open port";
constexpr size_t kMostWaiting = 64;  // changes that somebody waits for
constexpr uint32_t kSwitched = DTU_SIGNAL_DTR | DTU_SIGNAL_RTS | DTU_SIGNAL_BREAK;
constexpr uint32_t kAtOpen = DTU_SIGNAL_DTR | DTU_SIGNAL_RTS;  // on: Linux raises both before a program can do anything

constexpr std::array kFields{&dtu_port_settings::baud, &dtu_port_settings::databits, &dtu_port_settings::parity,
                             &dtu_port_settings::stopbits, &dtu_port_settings::flow};

bool same(const dtu_port_settings& a, const dtu_port_settings& b) {
  return a.baud == b.baud && a.databits == b.databits && a.parity == b.parity && a.stopbits == b.stopbits &&
         a.flow == b.flow;
}

// "" or what is wrong with it.
std::string wrong_with(const dtu_port_settings& s) {
  const auto outside = [](const char* what, uint32_t value, const char* allowed) {
    return std::string(what) + " " + std::to_string(value) + " is not allowed: " + allowed;
  };
  if (s.baud < kSlowest || s.baud > kFastest) return outside("baud rate", s.baud, "give 50 to 12000000");
  if (s.databits < 5 || s.databits > 8) return outside("data bits", s.databits, "give 5 to 8");
  if (s.parity > DTU_PARITY_SPACE) return outside("parity", s.parity, "give 0 to 4");
  if (s.stopbits < DTU_STOP_1 || s.stopbits > DTU_STOP_1_5)
    return outside("stop bits", s.stopbits, "give 1, 2 or 3 (1.5)");
  if (s.flow > DTU_FLOW_XONXOFF) return outside("flow control", s.flow, "give 0 to 2");
  return {};
}

void put_on(dtu_port_settings& to, const LineWish& wish) {
  to.baud = wish.baud.value_or(to.baud);
  to.databits = wish.databits.value_or(to.databits);
  to.parity = wish.parity.value_or(to.parity);
  to.stopbits = wish.stopbits.value_or(to.stopbits);
  to.flow = wish.flow.value_or(to.flow);
}

LineWish sum(LineWish a, const LineWish& b) {
  if (b.baud) a.baud = b.baud;
  if (b.databits) a.databits = b.databits;
  if (b.parity) a.parity = b.parity;
  if (b.stopbits) a.stopbits = b.stopbits;
  if (b.flow) a.flow = b.flow;
  a.signals = (a.signals & ~b.mask) | (b.signals & b.mask);
  a.mask |= b.mask;
  return a;
}

bool same(const LineWish& a, const LineWish& b) {
  return a.baud == b.baud && a.databits == b.databits && a.parity == b.parity && a.stopbits == b.stopbits &&
         a.flow == b.flow && a.mask == b.mask && a.signals == b.signals;
}

dtu_port_settings wanted(const Port& port) {
  dtu_port_settings settings = port.configured();
  for (const auto& layer : port.control.layers) put_on(settings, layer.wish);
  return settings;
}

uint32_t wanted_signals(const Port& port) {
  const auto& open = port.config.at_open;
  uint32_t signals = (kAtOpen & ~open.mask) | (open.values & open.mask);
  for (const auto& layer : port.control.layers)
    signals = (signals & ~layer.wish.mask) | (layer.wish.signals & layer.wish.mask);
  return signals;
}

// As they will be when the changes that wait are made.
const dtu_port_settings& coming(const Port& port) {
  for (auto c = port.control.changes.rbegin(); c != port.control.changes.rend(); ++c)
    if (c->settings) return *c->settings;
  return port.control.in_force;
}

void put_layer(Port& port, const LineAsker& by, const LineWish& wish) {
  auto& layers = port.control.layers;
  const auto at = std::find_if(layers.begin(), layers.end(), [&](const auto& l) { return l.by == by; });
  if (wish.empty()) {
    if (at != layers.end()) layers.erase(at);
  } else if (at != layers.end()) {
    at->wish = wish;
  } else {
    layers.push_back({by, wish});
  }
}

LineWish layer_of(const Port& port, const LineAsker& by) {
  for (const auto& layer : port.control.layers)
    if (layer.by == by) return layer.wish;
  return {};
}

// It asks only how the line runs.
bool is_look(const LineControl::Change& c) { return c.wish.empty() && (!c.reset || c.before.empty()); }

// What the changes after this one took from its settings, they take from what it would have changed.
void without(Port& port, std::deque<LineControl::Change>::iterator gone) {
  auto& all = port.control.changes;
  dtu_port_settings before = port.control.in_force;
  for (auto c = all.begin(); c != gone; ++c) before = c->settings.value_or(before);
  for (uint32_t dtu_port_settings::*field : kFields) {
    const uint32_t value = (*gone->settings).*field;
    if (value == before.*field) continue;
    for (auto c = gone + 1; c != all.end(); ++c) {
      if (!c->settings) continue;
      if ((*c->settings).*field != value) break;  // changed again
      (*c->settings).*field = before.*field;
    }
  }
}

// It would cut or garble what is still on its way.
bool needs_empty_line(const LineControl::Change& c) {
  return c.settings.has_value() || (c.mask & c.signals & DTU_SIGNAL_BREAK) != 0;
}

}  // namespace

dtu_port_settings Port::configured() const {
  return {sizeof(dtu_port_settings), config.baud, config.databits,       config.parity,
          config.stopbits,           config.flow, config.direction_gpio, config.direction_level};
}

int64_t Port::duration_ns(uint64_t bytes) const {
  const dtu_port_settings s = control.in_force.baud != 0 ? control.in_force : configured();
  const uint32_t bits = 1 + s.databits + (s.parity != DTU_PARITY_NONE ? 1 : 0) + (s.stopbits == DTU_STOP_1 ? 1 : 2);
  return static_cast<int64_t>(bytes) * bits * 1'000'000'000LL / std::max(1U, s.baud);
}

int64_t Port::silence_ns() const {
  if (config.packet.idle_chars != 0) return duration_ns(config.packet.idle_chars);
  if (config.silence_ms != 0) return config.silence_ms * kMs;
  return std::max(kLeastSilence_ns, duration_ns(kSilenceChars));
}

dtu_status Router::discard(const plugins::Instance& speaker, uint64_t link_id, uint32_t which, uint64_t& bytes) {
  Link* link = link_of(link_id);
  if (link == nullptr || link->speaker != &speaker || link->port == nullptr) return DTU_E_NOT_FOUND;
  bytes = discard(*link->port, which);
  return DTU_OK;
}

uint64_t Router::discard(Port& port, uint32_t which) {
  uint64_t bytes = 0;
  if ((which & DTU_DISCARD_TO_PORT) != 0) {
    bytes = port.queued_bytes;
    if (const uint64_t token = std::exchange(port.line.token, 0); token != 0) {
      ++port.dropped(PortDrop::discarded);
      ended(port.link, 0, token, DTU_E_DROPPED, "discard");
    }
    // What the HAL is being shown cannot be taken back: it is dropped when that is over. The rest goes now; fates come
    // in the order of the messages, so those in front of it have to be told first.
    if (port.shown != 0)
      port.doomed = port.queue.size();
    else
      while (!port.queue.empty()) drop_from(port, PortDrop::discarded, DTU_E_DROPPED, "discard");
  }
  if ((which & DTU_DISCARD_FROM_PORT) != 0 && port.link != nullptr && port.link->raw()) {
    if (const size_t partial = port.link->packetizer->clear(); partial != 0) {
      count_drop(*port.link, "discard", partial);
      bytes += partial;
    }
  }
  if (port.handle != nullptr && port.hal->alive() && port.hal->tables().ports.discard != nullptr) {
    plugins::Instance* hal = port.hal;
    const bool now = hal->on_main();
    hal->call(
        [hal, handle = port.handle, which] {
          uint64_t forgotten = 0;
          hal->guarded("discard", nullptr,
                       [&] { return forgotten = hal->tables().ports.discard(hal->self(), handle, which), DTU_OK; });
          return forgotten;
        },
        [now, &bytes](uint64_t forgotten) {
          if (now) bytes += forgotten;  // else nobody waits for it
        });
  }
  mark(port);
  unblock_channels_of(port);
  return bytes;
}

dtu_status Router::can_change(const Port& port, const LineWish& wish, dtu_error* error) const {
  if (port.hal == nullptr || port.handle == nullptr)
    return dtu::fail(error, DTU_E_NOT_FOUND, port.name + " is not open");
  const dtu_ports& table = port.hal->tables().ports;
  LineWish settings = wish;
  settings.mask = 0;
  if (!settings.empty() && table.set_line == nullptr) return dtu::fail(error, DTU_E_UNSUPPORTED, kNoOtherSettings);
  if (wish.mask != 0 && table.set_signals == nullptr)
    return dtu::fail(error, DTU_E_UNSUPPORTED, "this board cannot switch the signals of a port");
  return DTU_OK;
}

dtu_status Router::set_line(const plugins::Instance& speaker, uint64_t link_id, const dtu_line& line,
                            dtu_error* error) {
  Link* link = link_of(link_id);
  if (link == nullptr || link->speaker != &speaker || link->port == nullptr)
    return dtu::fail(error, DTU_E_NOT_FOUND, "this link has no port");
  Port& port = *link->port;
  if (line.parity < -1) return dtu::fail(error, DTU_E_INVALID, "parity: give 0 to 4, or -1 for the configured one");
  LineWish wish;
  if (line.baud != 0) wish.baud = line.baud;
  if (line.databits != 0) wish.databits = line.databits;
  if (line.stopbits != 0) wish.stopbits = line.stopbits;
  if (line.parity >= 0) wish.parity = static_cast<uint32_t>(line.parity);
  dtu_port_settings checked = port.configured();
  put_on(checked, wish);
  if (const std::string wrong = wrong_with(checked); !wrong.empty()) return dtu::fail(error, DTU_E_INVALID, wrong);
  if (const dtu_status status = can_change(port, wish, error); status != DTU_OK) return status;
  if (port.hal->tables().ports.set_line == nullptr)  // also for the configured ones, which it has
    return dtu::fail(error, DTU_E_UNSUPPORTED, kNoOtherSettings);
  put_layer(port, {&speaker, link_id}, wish);
  LineControl::Change change;
  change.settings = wanted(port);
  push_change(port, std::move(change));
  return DTU_OK;
}

uint64_t Router::ask_line(Port& port, const LineAsker& by, const LineWish& wish, bool reset, LineDone done) {
  const auto refuse = [&](dtu_status status, const std::string& why) { return done(status, why, {}), uint64_t{0}; };
  dtu_error error{};
  error.struct_size = sizeof error;
  const LineWish before = layer_of(port, by), now = reset ? wish : sum(before, wish);
  dtu_port_settings checked = port.configured();
  put_on(checked, now);
  if (const std::string wrong = wrong_with(checked); !wrong.empty()) return refuse(DTU_E_INVALID, wrong);
  if (const dtu_status status = can_change(port, wish, &error); status != DTU_OK)
    return refuse(status, text_of(&error, port.name));
  if (port.state != DTU_STATE_UP)
    return refuse(DTU_E_IO, port.name + " is not usable" + (port.error.empty() ? "" : ": " + port.error));
  if (port.control.changes.size() >= kMostWaiting)
    return refuse(DTU_AGAIN, port.name + " has " + std::to_string(kMostWaiting) +
                                 " changes to make already: wait for an answer before the next one");
  LineControl::Change change;
  const uint64_t number = change.number = ++port.control.last_number;
  change.by = by;
  change.wish = wish;
  change.before = before;
  change.now = now;
  change.reset = reset;
  change.done = std::move(done);
  if (is_look(change)) return look_first(port, std::move(change)), number;
  put_layer(port, by, now);
  if (const dtu_port_settings settings = wanted(port); !same(settings, coming(port))) change.settings = settings;
  change.mask = wish.mask | (reset ? before.mask : 0U);
  change.signals = wanted_signals(port) & change.mask;
  push_change(port, std::move(change));
  return number;
}

// Before the changes that wait, for it waits for none of them.
void Router::look_first(Port& port, LineControl::Change look) {
  auto& all = port.control.changes;
  look.after = port.left;
  auto at = all.begin();
  if (at != all.end() && (port.control.changing || at->made)) ++at;  // it is being made
  at = std::find_if(at, all.end(), [](const auto& c) { return !c.done || !is_look(c); });
  all.insert(at, std::move(look));
  mark(port);
  lane_.wake();
}

void Router::tell_asker(Port& port, const LineControl::Change& change, dtu_status status, const std::string& why,
                        const LineState& state) {
  if (status < 0 && this->port(port.id) == &port) take_back(port, change);
  change.done(status, why, state);
}

// A change that failed leaves the line as it was before, unless somebody asked for something else meanwhile.
void Router::take_back(Port& port, const LineControl::Change& failed) {
  if (!same(layer_of(port, failed.by), failed.now)) return;
  put_layer(port, failed.by, failed.before);
  LineControl::Change change;
  if (const dtu_port_settings settings = wanted(port); !same(settings, coming(port))) change.settings = settings;
  if (change.settings && can_change(port, {}, nullptr) == DTU_OK) push_change(port, std::move(change));
}

void Router::withdraw(Port& port, uint64_t number) {
  auto& all = port.control.changes;
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& c) { return c.done && c.number == number; });
  if (number == 0 || at == all.end()) return;
  if (is_look(*at)) return static_cast<void>(all.erase(at));
  const LineControl::Change gone = *at;
  // The wishes that came later are put on what was before.
  LineWish expected = gone.now, layer = gone.before;
  for (auto c = at + 1; c != all.end(); ++c) {
    if (!c->done || !(c->by == gone.by) || is_look(*c)) continue;
    expected = c->now;
    c->before = layer;
    layer = c->now = c->reset ? c->wish : sum(layer, c->wish);
  }
  if (same(layer_of(port, gone.by), expected)) put_layer(port, gone.by, layer);  // else its layer was ended meanwhile
  LineControl::Change undo;
  if (at == all.begin() && (port.control.changing || at->made)) {  // it is being made: done() finds nobody
    at->now = at->before;
    undo.mask = gone.mask;
    undo.signals = wanted_signals(port) & undo.mask;
  } else {
    if (gone.settings) without(port, at);
    all.erase(at);
  }
  if (const dtu_port_settings settings = wanted(port); !same(settings, coming(port))) undo.settings = settings;
  if ((undo.settings || undo.mask != 0) && can_change(port, {}, nullptr) == DTU_OK) push_change(port, std::move(undo));
  mark(port);
  lane_.wake();
}

void Router::push_change(Port& port, LineControl::Change change) {
  auto& all = port.control.changes;
  change.after = needs_empty_line(change) ? port.left + port.queue.size() : all.empty() ? port.left : all.back().after;
  if (!all.empty() && change.settings) {  // of several that wait for the same message only the last counts
    const LineControl::Change& last = all.back();
    const bool begun = all.size() == 1 && (port.control.changing || last.made);
    if (last.after == change.after && !begun && !last.done && last.mask == 0) all.pop_back();
  }
  all.push_back(std::move(change));
  mark(port);
  lane_.wake();
}

// False: what the HAL took is not on the wire yet; whoever learns that it is calls again.
bool Router::line_must_be_empty(Port& port) {
  if (port.shown != 0) return false;
  if (!port.line.busy || port.hal->tables().ports.drained == nullptr) return true;
  if (!port.line.awaited) {
    port.line.awaited = true;
    port.line.pause_ns = kAskAfter_ns;
    ask_drained(port);
  }
  return !port.line.awaited;
}

// False: a change has to be made first, and the line is not empty or the HAL is making it.
bool Router::settle_line(Port& port) {
  auto& all = port.control.changes;
  while (!all.empty() && all.front().after <= port.left) {
    if (port.control.changing) return false;
    if (all.front().made && lane_.now_ns() < all.front().look_ns) return arm(port), false;
    if (!all.front().made && needs_empty_line(all.front()) && !line_must_be_empty(port)) return false;
    make_change(port);
    if (port.control.changing) return false;
  }
  return true;
}

struct Router::Made {
  dtu_status status = DTU_OK;
  dtu_error error{};
  bool settings = false;  // are in force now
  dtu_status looked = DTU_E_UNSUPPORTED;
  uint32_t known = 0, signals = 0;
};

void Router::make_change(Port& port) {
  plugins::Instance* hal = port.hal;
  const LineControl::Change& change = port.control.changes.front();
  const bool made = change.made;
  port.control.changing = true;
  hal->call(
      [hal, handle = port.handle, settings = made ? std::nullopt : change.settings, mask = made ? 0 : change.mask,
       signals = change.signals, look = change.done != nullptr] {
        const dtu_ports& table = hal->tables().ports;
        Made m;
        m.error.struct_size = sizeof m.error;
        if (settings)
          m.status = hal->guarded("set_line", &m.error,
                                  [&] { return table.set_line(hal->self(), handle, &*settings, &m.error); });
        m.settings = settings && m.status >= 0;
        if (mask != 0 && m.status >= 0)
          m.status = hal->guarded("set_signals", &m.error, [&] {
            return table.set_signals(hal->self(), handle, mask & kSwitched, signals, &m.error);
          });
        if (look && m.status >= 0 && table.signals != nullptr) {
          dtu_error why{};
          why.struct_size = sizeof why;
          m.looked = hal->guarded("signals", &why,
                                  [&] { return table.signals(hal->self(), handle, &m.known, &m.signals, &why); });
        }
        return m;
      },
      [this, hal, key = port.key](const Made& m) {
        if (Port* same = port_of(*hal, key); same != nullptr) line_changed(*same, m);
      });
}

void Router::line_changed(Port& port, const Made& made) {
  LineControl& control = port.control;
  control.changing = false;
  if (control.changes.empty()) return;
  LineControl::Change& front = control.changes.front();
  if (made.settings && front.settings) control.before = std::exchange(control.in_force, *front.settings);
  if (made.status >= 0 && front.done && made.looked == DTU_AGAIN) {
    const int64_t now = lane_.now_ns();
    if (!std::exchange(front.made, true)) front.end_ns = now + kLookFor_ns;
    front.look_ns = now + kLookEvery_ns;
    if (now < front.end_ns) return arm(port);
  }
  const LineControl::Change change = std::move(front);
  control.changes.pop_front();
  mark(port);
  const std::string why = made.status < 0 ? text_of(&made.error, port.name) : "";
  if (change.done) {
    LineState state{control.in_force, 0, 0};
    if (made.looked == DTU_OK) state = {control.in_force, made.known, made.signals & made.known};
    return tell_asker(port, change, made.status, why, state);
  }
  if (made.status < 0) {
    const dtu_port_settings s = change.settings.value_or(control.in_force);
    log_.error(port.name, change.settings
                              ? "cannot run at " + std::to_string(s.baud) + " baud, " + std::to_string(s.databits) +
                                    " data bits, parity " + std::to_string(s.parity) + ": " + why
                              : "cannot switch its signals: " + why);
    port_state(*port.hal, port.key, port.state, &made.error);
  } else if (change.settings && !port.error.empty() && port.state == DTU_STATE_UP) {
    port_state(*port.hal, port.key, port.state, nullptr);
  }
}

// An isolated HAL says later that it did not make the last change. True: whoever waits for it was told.
bool Router::line_refused(Port& port, const std::string& why) {
  LineControl& control = port.control;
  if (port.hal == nullptr || !port.hal->component().isolated) return false;
  if (control.before.baud != 0) control.in_force = std::exchange(control.before, {});
  if (control.changes.empty() || !control.changes.front().made || !control.changes.front().done) return false;
  const LineControl::Change refused = std::move(control.changes.front());
  control.changes.pop_front();
  mark(port);
  tell_asker(port, refused, DTU_E_UNSUPPORTED, why, {});
  return true;
}

// Whoever asked is gone: the line is as if it had not asked.
void Router::forget_asker(Port& port, const LineAsker& by) {
  const LineWish wish = layer_of(port, by);
  if (wish.empty()) return;
  put_layer(port, by, {});
  if (port.hal == nullptr || port.handle == nullptr) return;
  const dtu_ports& table = port.hal->tables().ports;
  LineControl::Change change;
  if (const dtu_port_settings settings = wanted(port); table.set_line != nullptr && !same(settings, coming(port)))
    change.settings = settings;
  if (table.set_signals != nullptr && port.state == DTU_STATE_UP) change.mask = wish.mask;
  change.signals = wanted_signals(port) & change.mask;
  if (change.settings || change.mask != 0) push_change(port, std::move(change));
}

// Nobody waits any longer for a port that is gone.
void Router::fail_changes(Port& port, dtu_status status, const std::string& why) {
  std::vector<LineControl::Change> waiting;
  auto& all = port.control.changes;
  for (auto c = all.begin(); c != all.end();) {
    const bool begun = c == all.begin() && port.control.changing;  // the HAL's answer to it comes
    if (!c->done && c->settings) {
      ++c;
      continue;
    }
    waiting.push_back(*c);
    c->done = nullptr;
    c = begun ? c + 1 : all.erase(c);
  }
  for (const LineControl::Change& change : waiting)
    if (change.done) tell_asker(port, change, status, why, {});
}

// A line that is closed during a BREAK would stay so.
void Router::switch_before_close(Port& port) {
  plugins::Instance* hal = port.hal;
  if (port.state != DTU_STATE_UP || !hal->alive() || hal->tables().ports.set_signals == nullptr) return;
  uint32_t mask = port.config.at_close.mask;
  const uint32_t values = port.config.at_close.values;
  for (const auto& layer : port.control.layers) mask |= layer.wish.mask & layer.wish.signals & DTU_SIGNAL_BREAK;
  if (mask == 0) return;
  hal->call(
      [hal, handle = port.handle, mask, values] {
        return hal->guarded("set_signals", nullptr, [&] {
          dtu_error ignored{};
          ignored.struct_size = sizeof ignored;
          return hal->tables().ports.set_signals(hal->self(), handle, mask, values, &ignored);
        });
      },
      [](dtu_status) {});
}

// The HAL lets it go: what was asked for ends, but for what a session did.
void Router::leave_settings(Port& port) {
  fail_changes(port, DTU_E_CLOSED, port.name + " was closed");
  auto& layers = port.control.layers;
  layers.erase(std::remove_if(layers.begin(), layers.end(), [](const auto& l) { return l.by.link == 0; }),
               layers.end());
  port.control.changes.clear();
  port.control.changing = false;
  port.control.in_force = port.control.before = {};
}

// It was opened as configured.
void Router::resume_line(Port& port) {
  port.control.in_force = port.configured();
  LineControl::Change change;
  change.settings = wanted(port);
  if (!same(*change.settings, port.control.in_force) && port.hal->tables().ports.set_line != nullptr)
    push_change(port, std::move(change));
}

// The device is there: Linux has just raised both signals.
void Router::switch_again(Port& port) {
  LineControl::Change change;
  change.mask = port.config.at_open.mask;
  for (auto& layer : port.control.layers) {
    layer.wish.mask &= ~DTU_SIGNAL_BREAK;  // ended with the device that went away
    change.mask |= layer.wish.mask;
  }
  change.signals = wanted_signals(port) & change.mask;
  if (change.mask == 0) return;
  if (port.hal->tables().ports.set_signals == nullptr)
    return log_.error(port.name, "this board cannot switch DTR and RTS: leave out \"dtr\" and \"rts\" of this port");
  push_change(port, std::move(change));
}

}  // namespace dtud::routing
