#include "plugin_host/orders.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "plugin_host/bridge.hpp"
#include "plugin_host/limits.hpp"
#include "plugins/loader/types.hpp"
#include "plugins/sound.hpp"

namespace dtud::host {
namespace {

using namespace plugins::isolation;

constexpr uint32_t kMostChannels = 128;

dtu_str str(const std::string& s) { return {s.data(), s.size()}; }

}  // namespace

// Texts of calls are copied before the plugin is called: it may be on another lane, or wait for dtud inside the call,
// and the frame is gone by then.
struct Orders {
  static void setup(Bridge& b, Reader& in) {
    const uint32_t version = in.u32();
    Instance::Spec spec;
    spec.name = in.text();
    spec.plugin_id = in.text();
    const std::string file(in.text());
    const uint32_t kind = in.u32();
    const std::string type(in.text());
    spec.config = in.text();
    const std::string kv(in.text()), folders(in.text());
    const uint64_t quota = in.u64();
    b.log_.set_threshold(static_cast<Level>(in.i32()));
    const uint32_t memory_mb = in.u32();
    if (!in.whole() || version != kVersion || b.instance_ != nullptr)
      return b.cannot("dtu-plugin-host and dtud are of different builds: install both again");
    if (const std::string why = limit_memory(memory_mb); !why.empty()) b.log_.warning(spec.name, why);
    auto loaded = [&] {
      const Doing doing(&b.activity_, "load", b.lane_.now_ns());
      return plugins::load(file);
    }();
    auto* plugin = std::get_if<std::shared_ptr<const plugins::LoadedPlugin>>(&loaded);
    if (plugin == nullptr) return b.cannot(std::get<plugins::Refusal>(loaded).text);
    b.plugin_ = *plugin;
    b.keep_in(kv, folders, quota);
    for (const plugins::LoadedComponent& c : b.plugin_->components)
      if (c.kind == kind && c.type == type) spec.component = &c;
    if (spec.component == nullptr) return b.cannot(file + " no longer contains " + plugins::full_type(kind, type));
    b.instance_ = Instance::make(b.context_, std::move(spec));
    Instance& i = *b.instance_;
    if (i.tables().channel.send != nullptr)
      b.channel_ = std::make_shared<Feed>(
          i, "send",
          [&i](const dtu_msg* msgs, uint32_t n, uint32_t* taken, dtu_error* error) {
            return i.tables().channel.send(i.self(), msgs, n, taken, error);
          },
          Feed::Told{[&b](uint32_t messages, uint64_t bytes) {
                       b.taken_messages_ += messages;
                       b.taken_bytes_ += bytes;
                       b.inbox_.expect_completions();
                     },
                     nullptr});
    i.start();
  }

  static void stop(Bridge& b, Reader& in) {
    const uint32_t deadline_ms = in.u32();
    if (b.ending_) return;
    b.ending_ = true;
    b.instance_->stop(deadline_ms, [] {});  // stopped() ends it all
  }

  // --- data
  static void send(Bridge& b, Reader& in) {
    MessageView m;
    in.message(m);
    if (!in.whole() || b.channel_ == nullptr) return;
    KeptMessage kept = KeptMessage::keep(m.msg);
    if (!kept || !b.channel_serves_) {  // it was sent before dtud heard that the channel is down
      b.say(Frame::complete, [&](Writer&& out) { out.number(m.a).number(DTU_E_CLOSED); });
      ++b.taken_messages_;
      b.taken_bytes_ += cost_of(m.msg);
      return;
    }
    b.channel_->push(m.a, std::move(kept));
  }
  static void write(Bridge& b, Reader& in) {
    MessageView m;
    in.message(m);
    const auto port = b.ports_.find(m.a);
    if (!in.whole() || port == b.ports_.end()) return;
    m.msg.source = m.a;
    if (KeptMessage kept = KeptMessage::keep(m.msg)) port->second.feed->push(0, std::move(kept));
  }
  static void consumed(Bridge& b, Reader& in) {
    const uint64_t key = in.u64();
    const uint64_t bytes = in.u64();
    const auto it = b.sources_.find(key);
    if (!in.whole() || it == b.sources_.end()) return;
    it->second.outstanding -= std::min(bytes, it->second.outstanding);
    if (it->second.outstanding > kEmitWindow / 2 || !std::exchange(it->second.refused, false)) return;
    b.instance_->tell_writable(key);
  }

  // --- ports
  static dtu_port_settings read_settings(Reader& in) {
    dtu_port_settings settings{};
    settings.struct_size = sizeof settings;
    settings.baud = in.u32();
    settings.databits = in.u32();
    settings.parity = in.u32();
    settings.stopbits = in.u32();
    settings.flow = in.u32();
    settings.direction_gpio = in.i32();
    settings.direction_level = in.u32();
    return settings;
  }
  static void discard_port(Bridge& b, Reader& in) {
    const uint64_t key = in.u64();
    const uint32_t which = in.u32();
    const auto port = b.ports_.find(key);
    if (!in.whole() || port == b.ports_.end()) return;
    if ((which & DTU_DISCARD_TO_PORT) != 0) port->second.feed->give_back([](uint64_t) {});
    Instance& i = *b.instance_;
    const auto fn = i.tables().ports.discard;
    if (fn == nullptr || port->second.handle == nullptr) return;
    b.call(
        "discard",
        [&i, fn, handle = port->second.handle, which](dtu_error&) { return fn(i.self(), handle, which), DTU_OK; },
        nullptr);
  }
  static void set_line(Bridge& b, Reader& in) {
    const uint64_t key = in.u64();
    const dtu_port_settings settings = read_settings(in);
    const auto port = b.ports_.find(key);
    Instance& i = *b.instance_;
    const auto fn = i.tables().ports.set_line;
    if (!in.whole() || port == b.ports_.end() || fn == nullptr || port->second.handle == nullptr) return;
    b.call(
        "set_line",
        [&i, fn, handle = port->second.handle, settings](dtu_error& e) { return fn(i.self(), handle, &settings, &e); },
        [&b, key](dtu_status status, const dtu_error& error) {
          if (status < 0) b.say(Frame::line_refused, [&](Writer&& out) { out.number(key).error(&error); });
        });
  }
  static void set_signals(Bridge& b, Reader& in) {
    const uint64_t key = in.u64();
    const uint32_t mask = in.u32(), values = in.u32();
    const auto port = b.ports_.find(key);
    Instance& i = *b.instance_;
    const auto fn = i.tables().ports.set_signals;
    if (!in.whole() || port == b.ports_.end() || fn == nullptr || port->second.handle == nullptr) return;
    b.call(
        "set_signals",
        [&i, fn, handle = port->second.handle, mask, values](dtu_error& e) {
          return fn(i.self(), handle, mask, values, &e);
        },
        [&b, key](dtu_status status, const dtu_error& error) {
          if (status < 0) b.say(Frame::line_refused, [&](Writer&& out) { out.number(key).error(&error); });
        });
  }
  static void ask_signals(Bridge& b, Reader& in) {
    const uint64_t key = in.u64();
    const auto port = b.ports_.find(key);
    Instance& i = *b.instance_;
    const auto fn = i.tables().ports.signals;
    if (!in.whole() || port == b.ports_.end() || fn == nullptr || port->second.handle == nullptr) return;
    struct Found {
      uint32_t known = 0, values = 0;
    };
    auto found = std::make_shared<Found>();
    b.call(
        "signals",
        [&i, fn, found, handle = port->second.handle](dtu_error& e) {
          return fn(i.self(), handle, &found->known, &found->values, &e);
        },
        [&b, key, found](dtu_status status, const dtu_error& error) {
          b.say(Frame::signals, [&](Writer&& out) {
            out.number(key).number(status).number(found->known).number(found->values);
            out.error(status < 0 ? &error : nullptr);
          });
        });
  }
  static void open_port(Bridge& b, Reader& in) {
    const uint64_t key = in.u64();
    const std::string id(in.text());
    const dtu_port_settings settings = read_settings(in);
    if (!in.whole()) return;
    Instance& i = *b.instance_;
    struct Opened {
      void* handle = nullptr;
      uint32_t flags = 0;
      bool pending = false;
    };
    auto opened = std::make_shared<Opened>();
    auto handle = std::make_shared<void*>(nullptr);
    Bridge::Port& port = b.ports_[key];
    port.feed = std::make_shared<Feed>(
        i, "write",
        [&i, handle](const dtu_msg* msgs, uint32_t n, uint32_t* taken, dtu_error* error) {
          return i.tables().ports.write(i.self(), *handle, msgs, n, taken, error);
        },
        Feed::Told{[&b, key](uint32_t messages, uint64_t bytes) {
                     b.say(Frame::taken, [&](Writer&& out) { out.number(key).number(messages).number(bytes); });
                   },
                   [&b, key](uint64_t bytes, const dtu_error& error) {
                     b.say(Frame::refused, [&](Writer&& out) { out.number(key).number(bytes).error(&error); });
                   }});
    b.call(
        "open",
        [&i, id, settings, key, opened, handle](dtu_error& error) {
          const dtu_ports& table = i.tables().ports;
          const dtu_status status = table.open(i.self(), str(id), &settings, key, &opened->handle, &error);
          *handle = opened->handle;
          if (status >= 0 && table.flags != nullptr) opened->flags = table.flags(i.self(), opened->handle);
          return status;
        },
        [&b, key, opened](dtu_status status, const dtu_error& error) {
          const auto port = b.ports_.find(key);
          if (port == b.ports_.end()) {  // closed meanwhile
            if (status >= 0) close(b, opened->handle);
            return;
          }
          port->second.handle = opened->handle;
          if (status < 0) port->second.feed->close();
          b.say(Frame::port_opened, [&](Writer&& out) {
            out.number(key).number(status).number(opened->flags).error(status < 0 ? &error : nullptr);
          });
        });
  }
  static void close(Bridge& b, void* handle) {
    Instance& i = *b.instance_;
    b.call(
        "close", [&i, handle](dtu_error&) { return i.tables().ports.close(i.self(), handle), DTU_OK; }, nullptr);
  }
  static void close_port(Bridge& b, Reader& in) {
    const uint64_t key = in.u64();
    const auto port = b.ports_.find(key);
    if (!in.whole() || port == b.ports_.end()) return;
    void* handle = port->second.handle;
    port->second.feed->close();
    b.ports_.erase(port);
    b.sources_.erase(key);
    if (handle != nullptr) close(b, handle);
  }
  static void ask_drained(Bridge& b, Reader& in) {
    const uint64_t key = in.u64();
    const auto port = b.ports_.find(key);
    if (!in.whole() || port == b.ports_.end() || port->second.handle == nullptr) return;
    Instance& i = *b.instance_;
    auto answer = std::make_shared<int32_t>(1);
    b.call(
        "drained",
        [&i, answer, handle = port->second.handle](dtu_error&) {
          if (i.tables().ports.drained != nullptr) *answer = i.tables().ports.drained(i.self(), handle);
          return DTU_OK;
        },
        [&b, key, answer](dtu_status, const dtu_error&) {
          b.say(Frame::drained, [&](Writer&& out) { out.number(key).number(*answer); });
        });
  }

  // --- points
  static void read_point(Bridge& b, Reader& in) {
    const uint64_t id = in.u64();
    const std::string name(in.text());
    Instance& i = *b.instance_;
    b.call_for(id, "read",
               [&i, id, name](dtu_error& e) { return i.tables().points.read(i.self(), str(name), id, &e); });
  }
  static void write_point(Bridge& b, Reader& in) {
    const uint64_t id = in.u64();
    const std::string name(in.text()), json(in.text());
    Instance& i = *b.instance_;
    b.call_for(id, "write", [&i, id, name, json](dtu_error& e) {
      return i.tables().points.write(i.self(), str(name), str(json), id, &e);
    });
  }
  static void await_point(Bridge& b, Reader& in) {
    const uint64_t id = in.u64();
    const std::string name(in.text()), json(in.text());
    Instance& i = *b.instance_;
    b.call_for(id, "await", [&i, id, name, json](dtu_error& e) {
      return i.tables().points.await(i.self(), str(name), str(json), id, &e);
    });
  }

  // One that only has a number and answers nothing: a table's function, by a pointer to its member.
  template <typename Table>
  static void tell(Bridge& b, Reader& in, const char* function, Table plugins::Tables::*table,
                   void (*Table::*member)(void*, uint64_t)) {
    const uint64_t id = in.u64();
    Instance& i = *b.instance_;
    const auto fn = i.tables().*table.*member;
    if (in.whole() && fn != nullptr)
      b.call(
          function, [&i, fn, id](dtu_error&) { return fn(i.self(), id), DTU_OK; }, nullptr);
  }
  static void cancel_point(Bridge& b, Reader& in) {
    tell(b, in, "cancel", &plugins::Tables::points, &dtu_points::cancel);
  }
  static void cancel_invoke(Bridge& b, Reader& in) {
    tell(b, in, "cancel", &plugins::Tables::commands, &dtu_commands::cancel);
  }

  // --- commands
  static void invoke(Bridge& b, Reader& in) {
    const uint64_t id = in.u64();
    const uint32_t deadline_ms = in.u32();
    const std::string name(in.text()), args(in.text());
    const uint32_t kind = in.u32();
    const uint64_t number = in.u64();
    const uint64_t peer = in.u64();
    const std::string who(in.text());
    Instance& i = *b.instance_;
    b.call_for(id, "invoke", [&i, id, deadline_ms, name, args, kind, number, peer, who](dtu_error& e) {
      const dtu_caller caller{sizeof caller, kind, number, peer, str(who)};
      const dtu_invocation invocation{sizeof invocation, deadline_ms, id, str(name), str(args), &caller};
      return i.tables().commands.invoke(i.self(), &invocation, &e);
    });
  }

  // --- the dialect, which is always on this lane
  static void open_session(Bridge& b, Reader& in) {
    const uint64_t id = in.u64();
    Bridge::Session session;
    session.link = in.u64();
    session.dialect = in.text();
    session.port = in.text();
    dtu_link_info info{};
    info.struct_size = sizeof info;
    info.link = session.link;
    info.baud = in.u32();
    info.bits_per_char = in.u32();
    const std::string port_config(in.text()), device_config(in.text());
    struct Bound {
      dtu_bound_channel channel{};
      std::string type, config;
    };
    std::vector<Bound> bound(std::min(in.u32(), kMostChannels));
    for (Bound& c : bound) {
      c.channel.struct_size = sizeof c.channel;
      c.channel.id = in.u32();
      c.type = in.text();
      c.channel.caps = in.u64();
      c.config = in.text();
      session.channels.push_back(c.channel.id);
    }
    if (!in.whole()) return;
    std::vector<const dtu_bound_channel*> pointers;
    for (Bound& c : bound) {
      c.channel.type = str(c.type);
      c.channel.config = str(c.config);
      pointers.push_back(&c.channel);
    }
    info.port_config = str(port_config);
    info.device_config = str(device_config);
    info.channels = pointers.data();
    info.channel_count = pointers.size();
    Instance& i = *b.instance_;
    const std::string port = session.port, dialect = session.dialect;
    info.dialect = str(dialect);
    info.port = str(port);
    b.sessions_[id] = std::move(session);  // it may ask for its link from inside open()
    dtu_error error{};
    error.struct_size = sizeof error;
    void* handle = nullptr;
    const dtu_status status =
        i.guarded("open session", &error, [&] { return i.tables().dialect.open(i.self(), &info, &handle, &error); });
    if (status != DTU_OK) {
      b.sessions_.erase(id);
      return b.say(Frame::session_refused, [&](Writer&& out) { out.number(id).error(&error); });
    }
    b.sessions_[id].handle = handle;
    const auto left = b.unfinished_.find(port);
    if (port.empty() || left == b.unfinished_.end()) return;
    const Bridge::Unfinished half = std::move(left->second);
    b.unfinished_.erase(left);
    if (half.bytes.empty() || half.dialect != dialect) return;
    dtu_msg msg{};
    msg.time_ns = b.lane_.unix_ns();
    msg.payload = str(half.bytes);
    hear(
        b, handle, "from_port", [&](const dtu_msg& m) { i.tables().dialect.from_port(i.self(), handle, &m); }, msg);
  }
  // What a session gets always has an owner.
  template <typename Fn>
  static void hear(Bridge& b, void*, const char* function, Fn fn, const dtu_msg& msg) {
    const KeptMessage kept = KeptMessage::keep(msg);
    if (!kept) return;
    dtu_msg mine = kept.view(0);
    mine.source = msg.source;
    b.instance_->guarded(function, nullptr, [&] { return fn(mine), DTU_OK; });
  }
  static void close_session(Bridge& b, Reader& in) {
    const uint64_t id = in.u64();
    const auto it = b.sessions_.find(id);
    if (!in.whole() || it == b.sessions_.end()) return;
    const Bridge::Session session = std::move(it->second);
    b.sessions_.erase(it);
    Instance& i = *b.instance_;
    const dtu_dialect& table = i.tables().dialect;
    if (!i.alive()) return;
    if (table.unfinished != nullptr && !session.port.empty()) {
      Bridge::Unfinished half{session.dialect, {}};
      const auto out = [](void* to, dtu_str bytes) {
        if (bytes.len <= DTU_PAYLOAD_MAX) static_cast<std::string*>(to)->assign(view(bytes));
      };
      i.guarded("unfinished", nullptr,
                [&] { return table.unfinished(i.self(), session.handle, out, &half.bytes), DTU_OK; });
      b.unfinished_[session.port] = std::move(half);
    }
    i.guarded("close session", nullptr, [&] { return table.close(i.self(), session.handle), DTU_OK; });
  }
  template <typename Fn>
  static void told(Bridge& b, Reader& in, const char* function, Fn fn) {
    MessageView m;
    in.message(m);
    const auto it = b.sessions_.find(m.a);
    if (!in.whole()) return;
    const uint64_t cost = cost_of(m.msg);
    Instance& i = *b.instance_;
    if (it != b.sessions_.end() && i.alive())
      hear(
          b, it->second.handle, function,
          [&, handle = it->second.handle, channel = m.b](const dtu_msg& msg) { fn(i, handle, channel, msg); }, m.msg);
    b.heard(cost);
  }
  static void from_port(Bridge& b, Reader& in) {
    told(b, in, "from_port", [](Instance& i, void* session, uint32_t, const dtu_msg& msg) {
      i.tables().dialect.from_port(i.self(), session, &msg);
    });
  }
  static void from_channel(Bridge& b, Reader& in) {
    told(b, in, "from_channel", [](Instance& i, void* session, uint32_t channel, const dtu_msg& msg) {
      i.tables().dialect.from_channel(i.self(), session, channel, &msg);
    });
  }
  static void channel_state(Bridge& b, Reader& in) {
    const uint64_t id = in.u64();
    const uint32_t channel = in.u32();
    const int32_t state = in.i32();
    dtu_error error{};
    const bool has = in.error(error);
    const auto it = b.sessions_.find(id);
    Instance& i = *b.instance_;
    if (!in.whole() || it == b.sessions_.end() || !i.alive()) return;
    void* handle = it->second.handle;
    i.guarded("channel_state", nullptr, [&] {
      return i.tables().dialect.channel_state(i.self(), handle, channel, state, has ? &error : nullptr), DTU_OK;
    });
  }

  static void port_state(Bridge& b, Reader& in) {
    const uint64_t id = in.u64();
    const int32_t state = in.i32();
    dtu_error error{};
    const bool has = in.error(error);
    const auto it = b.sessions_.find(id);
    Instance& i = *b.instance_;
    if (!in.whole() || it == b.sessions_.end() || !i.alive()) return;
    void* handle = it->second.handle;
    i.guarded("port_state", nullptr,
              [&] { return i.tables().dialect.port_state(i.self(), handle, state, has ? &error : nullptr), DTU_OK; });
  }
  static void fate(Bridge& b, Reader& in) {
    const uint64_t id = in.u64();
    dtu_fate fate{};
    fate.struct_size = sizeof fate;
    fate.channel = in.u32();
    fate.token = in.u64();
    fate.status = in.i32();
    const std::string reason(in.text());  // the plugin may wait for dtud in the call, and the frame is gone then
    fate.reason = str(reason);
    const auto it = b.sessions_.find(id);
    Instance& i = *b.instance_;
    if (!in.whole() || it == b.sessions_.end() || !i.alive()) return;
    const dtu_dialect& table = i.tables().dialect;
    const auto fn = fate.channel == 0 ? table.sent : table.delivered;
    if (fn == nullptr) return;
    void* handle = it->second.handle;
    i.guarded(fate.channel == 0 ? "sent" : "delivered", nullptr, [&] { return fn(i.self(), handle, &fate), DTU_OK; });
  }

  // --- answers and questions
  static void answer(Bridge& b, Reader& in) {
    const uint64_t id = in.u64();
    const dtu_status status = in.i32();
    const std::string json(in.text());
    dtu_error error{};
    const bool has = in.error(error);
    const uint32_t age_ms = in.u32();
    const uint32_t flags = in.u32();
    if (!in.whole()) return;
    const auto it = b.waiting_.find(id);
    if (it == b.waiting_.end()) return;
    const auto told = std::move(it->second);
    b.waiting_.erase(it);
    told({sizeof(dtu_answer), status, str(json), has ? &error : nullptr, age_ms, flags});
  }
  static void event(Bridge& b, Reader& in) {
    const uint64_t id = in.u64();
    auto event = std::make_shared<events::Event>();
    const uint32_t flags = in.u32();
    event->name = in.text();
    event->source = in.text();
    event->seq = in.u64();
    event->time_ns = in.number<int64_t>();
    event->json = in.text();
    const uint64_t missed = in.u64();
    if (!in.whole() || b.instance_ == nullptr || b.instance_->mailbox() == nullptr) return;
    b.instance_->mailbox()->give(id, std::move(event), flags, missed, [&b] { b.on_main([&b] { ++b.told_events_; }); });
  }
  static void ask_health(Bridge& b, Reader&) {
    Instance& i = *b.instance_;
    auto said = std::make_shared<std::string>();
    b.call(
        "health",
        [&i, said](dtu_error&) -> dtu_status {
          const auto take = [](void* to, dtu_str json) {
            if (json.len <= DTU_PAYLOAD_MAX) static_cast<std::string*>(to)->assign(view(json));
          };
          return i.component().ops.health != nullptr ? i.component().ops.health(i.self(), take, said.get()) : DTU_OK;
        },
        [&b, said](dtu_status, const dtu_error&) { b.say(Frame::health, [&](Writer&& out) { out.text(*said); }); });
  }
  static void ask_alive(Bridge& b, Reader&) {
    b.say(Frame::alive, [](Writer&&) {});
  }
};

namespace {

struct Row {
  Frame type;
  void (*obey)(Bridge&, Reader&);
  bool when_alive;  // only while the plugin's functions may be called
};
constexpr std::array<Row, 31> kRows{{{Frame::setup, Orders::setup, false},
                                     {Frame::stop, Orders::stop, false},
                                     {Frame::send, Orders::send, false},
                                     {Frame::write, Orders::write, false},
                                     {Frame::consumed, Orders::consumed, false},
                                     {Frame::open_port, Orders::open_port, true},
                                     {Frame::close_port, Orders::close_port, true},
                                     {Frame::ask_drained, Orders::ask_drained, true},
                                     {Frame::read_point, Orders::read_point, true},
                                     {Frame::write_point, Orders::write_point, true},
                                     {Frame::await_point, Orders::await_point, true},
                                     {Frame::cancel_point, Orders::cancel_point, true},
                                     {Frame::invoke, Orders::invoke, true},
                                     {Frame::cancel_invoke, Orders::cancel_invoke, true},
                                     {Frame::open_session, Orders::open_session, true},
                                     {Frame::close_session, Orders::close_session, true},
                                     {Frame::from_port, Orders::from_port, false},
                                     {Frame::from_channel, Orders::from_channel, false},
                                     {Frame::channel_state, Orders::channel_state, true},
                                     {Frame::answer, Orders::answer, true},
                                     {Frame::points, nullptr, false},  // taken where it is waited for
                                     {Frame::commands, nullptr, false},
                                     {Frame::ask_health, Orders::ask_health, true},
                                     {Frame::ask_alive, Orders::ask_alive, false},
                                     // Also while it is being created: it may have subscribed already.
                                     {Frame::event, Orders::event, false},
                                     {Frame::port_state, Orders::port_state, true},
                                     {Frame::fate, Orders::fate, true},
                                     {Frame::discard_port, Orders::discard_port, true},
                                     {Frame::set_line, Orders::set_line, true},
                                     {Frame::set_signals, Orders::set_signals, true},
                                     {Frame::ask_signals, Orders::ask_signals, true}}};

constexpr bool in_order() {
  for (size_t i = 0; i < kRows.size(); ++i)
    if (static_cast<size_t>(kRows[i].type) != static_cast<size_t>(Frame::setup) + i) return false;
  return true;
}
static_assert(in_order(), "a frame is found by its number");

}  // namespace

bool obey(Bridge& bridge, Frame type, Reader& in) {
  const auto row = static_cast<size_t>(type) - static_cast<size_t>(Frame::setup);
  if (row >= kRows.size() || kRows[row].obey == nullptr) return false;
  if (kRows[row].when_alive && !bridge.alive()) return true;
  kRows[row].obey(bridge, in);
  return !in.broken();
}

}  // namespace dtud::host
