#include "plugins/isolation/receive.hpp"

#include <algorithm>
#include <array>

#include "plugins/event_service.hpp"
#include "plugins/isolation/proxy.hpp"

namespace dtud::plugins::isolation {
namespace {

constexpr size_t kMostOffers = 1024, kMostPorts = 256, kMostCodes = 64;
constexpr size_t kMostOfferBytes = 4U << 20U;  // all of them
constexpr size_t kLongestHealth = 64U << 10U, kLongestName = 1024;
constexpr size_t kMostListBytes = 1U << 20U;

dtu_str str(std::string_view s) { return {s.data(), s.size()}; }

}  // namespace

// A value that cannot be read is 0 or "", so nothing is done before the frame is known to be whole.
struct Handlers {
  static bool starting(const Proxy& p) { return p.phase_ == Proxy::Phase::starting; }
  // True: one more of them may be kept.
  static bool fits(Proxy& p, size_t count, size_t most, size_t bytes) {
    p.offer_bytes_ += bytes;
    if (starting(p) && count < most && p.offer_bytes_ <= kMostOfferBytes) return true;
    p.broken("offers more than the limits allow, or too late");
    return false;
  }

  static void offer_command(Proxy& p, Reader& in) {
    Proxy::Offers::Command c;
    c.flags = in.u32();
    c.name = in.text(kLongestName);
    c.title = in.text(kLongestName);
    c.schema = in.text();
    const uint32_t count = in.u32();
    for (uint32_t i = 0; i < std::min<uint32_t>(count, kMostCodes) && !in.broken(); ++i) c.codes.push_back(in.u32());
    if (in.whole() && fits(p, p.offers_.commands.size(), kMostOffers, c.schema.size() + 2 * kLongestName))
      p.offers_.commands.push_back(std::move(c));
  }
  static void offer_point(Proxy& p, Reader& in) {
    Proxy::Offers::Point o;
    o.flags = in.u32();
    o.name = in.text(kLongestName);
    o.unit = in.text(kLongestName);
    o.title = in.text(kLongestName);
    if (in.whole() && fits(p, p.offers_.points.size(), kMostOffers, kLongestName))
      p.offers_.points.push_back(std::move(o));
  }
  static void offer_port(Proxy& p, Reader& in) {
    Proxy::Offers::PortInfo o;
    o.flags = in.u32();
    o.id = in.text(kLongestName);
    o.device = in.text(kLongestName);
    o.title = in.text(kLongestName);
    if (in.whole() && fits(p, p.offers_.ports.size(), kMostPorts, kLongestName))
      p.offers_.ports.push_back(std::move(o));
  }
  static void started(Proxy& p, Reader& in) {
    const dtu_status status = in.i32();
    dtu_error error{};
    in.error(error);
    if (!in.whole() || !starting(p)) return;
    p.phase_ = Proxy::Phase::running;
    p.failed_ = status < 0;
    p.instance_.begun(status < 0 ? status : DTU_PENDING, error);  // should it be up, it has said so before
  }
  static void stopped(Proxy& p, Reader& in) {
    if (in.whole() && p.phase_ == Proxy::Phase::stopping) p.stopped();
  }
  static void report(Proxy& p, Reader& in) {
    const uint64_t source = in.u64();
    const int32_t state = in.i32();
    dtu_error error{};
    const bool has = in.error(error);
    if (!in.whole() || (source == 0 && state == DTU_STATE_STOPPED)) return;  // that comes by `stopped`
    if (source == 0 && state == DTU_STATE_FAILED) p.failed_ = true;
    p.instance_.reported(source, state, has ? &error : nullptr);
  }

  static void emit(Proxy& p, Reader& in) {
    MessageView m;
    in.message(m);
    if (in.whole()) p.emitted(m.msg);
  }
  static void complete(Proxy& p, Reader& in) {
    const uint64_t token = in.u64();
    const dtu_status status = in.i32();
    if (in.whole() && token != 0) p.context_.up.complete(p.instance_, token, status);
  }
  static void taken(Proxy& p, Reader& in) {
    const uint64_t key = in.u64();
    const uint32_t messages = in.u32();
    const uint64_t bytes = in.u64();
    if (!in.whole()) return;
    if (key == 0)
      p.channel_took(messages, bytes);
    else
      p.port_took(key, messages, bytes, nullptr);
  }
  static void refused(Proxy& p, Reader& in) {
    const uint64_t key = in.u64();
    const uint64_t bytes = in.u64();
    dtu_error error{};
    in.error(error);
    if (in.whole()) p.port_took(key, 1, bytes, &error);
  }

  static void port_opened(Proxy& p, Reader& in) {
    const uint64_t key = in.u64();
    const dtu_status status = in.i32();
    const uint32_t flags = in.u32();
    dtu_error error{};
    in.error(error);
    const auto it = p.ports_.find(key);
    if (!in.whole() || it == p.ports_.end()) return;
    it->second->flags = flags;
    if (status == DTU_PENDING) return;
    p.instance_.reported(key, status == DTU_OK ? DTU_STATE_UP : DTU_STATE_FAILED, status == DTU_OK ? nullptr : &error);
  }
  static void drained(Proxy& p, Reader& in) {
    const uint64_t key = in.u64();
    const int32_t drained = in.i32();
    const auto it = p.ports_.find(key);
    if (!in.whole() || it == p.ports_.end()) return;
    it->second->asked_drained = false;
    it->second->drained = drained != 0 && it->second->ahead == 0;
  }

  static void reply(Proxy& p, Reader& in) {
    const uint64_t call = in.u64();
    const dtu_status status = in.i32();
    const std::string_view json = in.text(DTU_PAYLOAD_MAX);
    dtu_error error{};
    const bool has = in.error(error);
    const uint32_t age_ms = in.u32();
    const uint32_t flags = in.u32();
    if (!in.whole()) return;
    const dtu_reply given{sizeof given, status, call, str(json), has ? &error : nullptr, age_ms, flags};
    (void)p.context_.up.reply(p.instance_, given);
  }

  static void session_refused(Proxy& p, Reader& in) {
    const uint64_t id = in.u64();
    dtu_error error{};
    in.error(error);
    const auto it = p.sessions_.find(id);
    if (!in.whole() || it == p.sessions_.end()) return;
    const uint64_t link = it->second.link;
    p.context_.up.session_refused(p.instance_, link, error);
  }
  static void heard(Proxy& p, Reader& in) {
    const uint64_t bytes = in.u64();
    if (in.whole()) p.heard(bytes);
  }
  static void to_port(Proxy& p, Reader& in) {
    MessageView m;
    in.message(m);
    if (in.whole() && p.context_.up.to_port(p.instance_, m.a, m.msg) != DTU_OK) p.not_taken(m.a, 0, m.msg.token);
  }
  static void to_channel(Proxy& p, Reader& in) {
    MessageView m;
    in.message(m);
    if (in.whole() && p.context_.up.to_channel(p.instance_, m.a, m.b, m.msg) != DTU_OK)
      p.not_taken(m.a, m.b, m.msg.token);
  }
  static void drop(Proxy& p, Reader& in) {
    const uint64_t link = in.u64();
    const std::string_view reason = in.text(kLongestName);
    const uint64_t bytes = in.u64();
    if (in.whole()) p.context_.up.drop(p.instance_, link, reason, bytes);
  }

  static void ask_command(Proxy& p, Reader& in) {
    const uint64_t id = in.u64();
    dtu_request r{};
    r.struct_size = sizeof r;
    r.caller = in.u32();
    r.command = str(in.text(kLongestName));
    r.code = in.number<int64_t>();
    r.args = str(in.text(DTU_PAYLOAD_MAX));
    const bool has_password = in.u32() != 0;
    const std::string_view password = in.text(kLongestName);
    if (has_password) r.password = password.data() != nullptr ? str(password) : dtu_str{"", 0};
    r.deadline_ms = in.u32();
    r.to = str(in.text(kLongestName));
    r.link = in.u64();
    r.channel = in.u32();
    r.peer = in.u64();
    r.for_call = in.u64();
    r.remote = str(in.text(kLongestName));
    if (!in.whole()) return;
    p.asked(id, [&](Asking asking, dtu_error* error) {
      return p.context_.up.invoke(p.instance_, r, std::move(asking), error);
    });
  }
  using AskOfPoint = dtu_status (Upcalls::*)(Instance&, const dtu_point_request&, Asking, dtu_error*);
  template <AskOfPoint kAsk>
  static void ask_of_point(Proxy& p, Reader& in) {
    const uint64_t id = in.u64();
    dtu_point_request r{};
    r.struct_size = sizeof r;
    r.point = str(in.text(kLongestName));
    r.json = str(in.text(DTU_PAYLOAD_MAX));
    r.deadline_ms = in.u32();
    if (!in.whole()) return;
    p.asked(id, [&](Asking asking, dtu_error* error) {
      return (p.context_.up.*kAsk)(p.instance_, r, std::move(asking), error);
    });
  }
  static void ask_after_answers(Proxy& p, Reader& in) {
    const uint64_t id = in.u64();
    const uint32_t deadline_ms = in.u32();
    if (!in.whole()) return;
    p.asked(id, [&](Asking asking, dtu_error*) {
      return p.context_.up.after_answers(p.instance_, deadline_ms, std::move(asking)), DTU_OK;
    });
  }
  static void cancel_ask(Proxy& p, Reader& in) {
    const uint64_t id = in.u64();
    if (in.whole()) p.cancelled(id);
  }
  // What a child is answered that asks for a list.
  struct List {
    std::string bytes;
    uint32_t count = 0;
    [[nodiscard]] bool full() const { return bytes.size() > kMostListBytes; }
    template <typename Number>
    void number(Number value) {
      bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
    }
    void text(const dtu_str& s) {
      number(static_cast<uint32_t>(s.len));
      bytes.append(s.ptr != nullptr ? s.ptr : "", s.len);
    }
  };
  static void tell(Proxy& p, Frame type, dtu_status status, const List& list) {
    p.say(type, [&](Writer&& out) { out.number(status).number(list.count).text(list.bytes); });
  }
  static void ask_points(Proxy& p, Reader& in) {
    const std::string_view prefix = in.text(kLongestName);
    if (!in.whole()) return;
    List list;
    const auto each = [](void* to, const dtu_point_info* info) {
      auto& l = *static_cast<List*>(to);
      if (l.full()) return;
      l.number(info->flags);
      for (const dtu_str& s : {info->name, info->unit, info->title}) l.text(s);
      ++l.count;
    };
    tell(p, Frame::points, p.context_.up.list_points(prefix, each, &list), list);
  }
  static void ask_commands(Proxy& p, Reader& in) {
    const std::string_view prefix = in.text(kLongestName);
    if (!in.whole()) return;
    List list;
    const auto each = [](void* to, dtu_str provider, const dtu_command_info* info) {
      auto& l = *static_cast<List*>(to);
      if (l.full()) return;
      l.number(info->flags);
      l.number(static_cast<uint32_t>(info->code_count));
      for (uint64_t i = 0; i < info->code_count; ++i) l.number(info->codes[i]);
      for (const dtu_str& s : {provider, info->name, info->title, info->args_schema}) l.text(s);
      ++l.count;
    };
    tell(p, Frame::commands, p.context_.up.list_commands(prefix, each, &list), list);
  }

  static void metric(Proxy& p, Reader& in) {
    const uint32_t slot = in.u32();
    const uint32_t kind = in.u32();
    const std::string name(in.text(kLongestName));
    const std::string help(in.text(kLongestName));
    if (!in.whole()) return;
    if (slot >= kMetrics || p.metrics_.size() >= kMetrics) return p.broken("has too many metrics");
    const uint64_t id = p.context_.metrics.add(p.instance_.name(), kind, name, help);
    if (id == 0 || p.child_.activity() == nullptr) return;
    p.context_.metrics.follow(id, &p.child_.activity()->metrics[slot]);
    p.metrics_.push_back(id);
  }
  static void log(Proxy& p, Reader& in) {
    const int32_t level = in.i32();
    const std::string_view text = in.text();
    const int32_t known = level <= 3 ? 3 : level == 4 ? 4 : level <= 6 ? 6 : 7;
    if (in.whole()) p.context_.log.write(static_cast<Level>(known), p.instance_.name(), text);
  }
  static void health(Proxy& p, Reader& in) {
    const std::string_view json = in.text(DTU_PAYLOAD_MAX);
    if (!in.whole()) return;
    p.asked_health_ = false;
    p.health_ = json.empty() || json.size() > kLongestHealth ? "{}" : json;
  }
  static void fault(Proxy& p, Reader& in) {
    const uint32_t kind = in.u32();
    const auto times = std::min<uint64_t>(in.u64(), UINT32_MAX);
    const std::string_view function = in.text(kLongestName), what = in.text(kLongestName);
    const uint64_t events = in.u64();
    if (!in.whole() || kind >= kFaultKinds) return;
    p.instance_.faults().count_refused_events(std::min(events, times));
    p.instance_.faults().note(static_cast<Fault>(kind), function, what, times);
    if (static_cast<Fault>(kind) == Fault::exception) p.instance_.blame();
  }
  static void alive(Proxy&, Reader&) {}  // every frame is a sign of life

  static void publish(Proxy& p, Reader& in) {
    const uint32_t number = in.u32();
    const std::string_view json = in.text(DTU_EVENT_JSON_MAX);
    if (!in.whole()) return;
    const auto& declared = p.component_.events;
    // The host on the other side has refused what is wrong or too much: this is none that it let through.
    if (number >= declared.size() || !is_event_object(declared[number], json) ||
        !p.event_budget_.take(json.size(), p.context_.main.now_ns()))
      return p.broken("tells events that its host cannot have let through");
    tell_event(p.instance_, number, std::string(json));
  }
  static void subscribe(Proxy& p, Reader& in) {
    const uint64_t id = in.u64();
    const std::string_view pattern = in.text(kLongestName);
    if (in.whole()) p.subscribe(id, pattern);
  }
  static void unsubscribe(Proxy& p, Reader& in) {
    const uint64_t id = in.u64();
    if (in.whole()) p.unsubscribe(id);
  }
  static void discard(Proxy& p, Reader& in) {
    const uint64_t link = in.u64();
    const uint32_t which = in.u32();
    uint64_t bytes = 0;
    if (in.whole()) (void)p.context_.up.discard(p.instance_, link, which, &bytes);
  }
  static void change_line(Proxy& p, Reader& in) {
    const uint64_t link = in.u64();
    dtu_line line{};
    line.struct_size = sizeof line;
    line.baud = in.u32();
    line.databits = in.u32();
    line.stopbits = in.u32();
    line.parity = in.i32();
    if (!in.whole()) return;
    dtu_error error{};
    error.struct_size = sizeof error;
    if (p.context_.up.set_line(p.instance_, link, line, &error) == DTU_OK) return;
    for (const auto& [id, session] : p.sessions_)  // its call has returned: the state of the port says it
      if (session.link == link)
        p.say(Frame::port_state,
              [id = id, &error](Writer&& out) { out.number(id).number(int32_t{DTU_STATE_UP}).error(&error); });
  }
  static void line_refused(Proxy& p, Reader& in) {
    const uint64_t key = in.u64();
    dtu_error error{};
    in.error(error);
    if (in.whole()) p.instance_.reported(key, DTU_STATE_UP, &error);
  }
  static void signals(Proxy& p, Reader& in) {
    const uint64_t key = in.u64();
    Proxy::Port::Signals found;
    found.status = in.i32();
    found.known = in.u32();
    found.values = in.u32();
    in.error(found.error);
    const auto it = p.ports_.find(key);
    if (!in.whole() || it == p.ports_.end()) return;
    if (found.status == DTU_AGAIN) found.status = DTU_E_UNSUPPORTED;  // it would be asked for ever
    it->second->signals = found;
  }
  static void events_told(Proxy& p, Reader& in) {
    const uint32_t count = in.u32();
    if (in.whole()) p.events_told(count);
  }
};

namespace {

struct Row {
  Frame type;
  void (*handle)(Proxy&, Reader&);
};
// From offer_command on, without a gap.
constexpr std::array<Row, 39> kRows{{{Frame::offer_command, Handlers::offer_command},
                                     {Frame::offer_point, Handlers::offer_point},
                                     {Frame::offer_port, Handlers::offer_port},
                                     {Frame::started, Handlers::started},
                                     {Frame::stopped, Handlers::stopped},
                                     {Frame::report, Handlers::report},
                                     {Frame::emit, Handlers::emit},
                                     {Frame::complete, Handlers::complete},
                                     {Frame::taken, Handlers::taken},
                                     {Frame::refused, Handlers::refused},
                                     {Frame::port_opened, Handlers::port_opened},
                                     {Frame::drained, Handlers::drained},
                                     {Frame::reply, Handlers::reply},
                                     {Frame::session_refused, Handlers::session_refused},
                                     {Frame::heard, Handlers::heard},
                                     {Frame::to_port, Handlers::to_port},
                                     {Frame::to_channel, Handlers::to_channel},
                                     {Frame::drop, Handlers::drop},
                                     {Frame::ask_command, Handlers::ask_command},
                                     {Frame::ask_read, Handlers::ask_of_point<&Upcalls::read_point>},
                                     {Frame::ask_write, Handlers::ask_of_point<&Upcalls::write_point>},
                                     {Frame::ask_points, Handlers::ask_points},
                                     {Frame::ask_commands, Handlers::ask_commands},
                                     {Frame::metric, Handlers::metric},
                                     {Frame::log, Handlers::log},
                                     {Frame::health, Handlers::health},
                                     {Frame::fault, Handlers::fault},
                                     {Frame::alive, Handlers::alive},
                                     {Frame::publish, Handlers::publish},
                                     {Frame::subscribe, Handlers::subscribe},
                                     {Frame::unsubscribe, Handlers::unsubscribe},
                                     {Frame::events_told, Handlers::events_told},
                                     {Frame::ask_await, Handlers::ask_of_point<&Upcalls::await_point>},
                                     {Frame::ask_after_answers, Handlers::ask_after_answers},
                                     {Frame::cancel_ask, Handlers::cancel_ask},
                                     {Frame::discard, Handlers::discard},
                                     {Frame::change_line, Handlers::change_line},
                                     {Frame::line_refused, Handlers::line_refused},
                                     {Frame::signals, Handlers::signals}}};

constexpr bool in_order() {
  for (size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<size_t>(kRows[i].type) != static_cast<size_t>(Frame::offer_command) + i) return false;
  return true;
}
static_assert(in_order(), "a frame is found by its number");

}  // namespace

bool receive(Proxy& to, Frame type, Reader& in) {
  const auto row = static_cast<size_t>(type) - static_cast<size_t>(Frame::offer_command);
  if (row >= kRows.size()) return false;
  kRows[row].handle(to, in);
  return true;
}

}  // namespace dtud::plugins::isolation
