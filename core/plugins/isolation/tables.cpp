#include "plugins/isolation/tables.hpp"

#include "plugins/isolation/proxy.hpp"

namespace dtud::plugins::isolation {
namespace {

Proxy& at(void* self) { return *static_cast<Proxy*>(self); }
Proxy::Port& port_at(void* port) { return *static_cast<Proxy::Port*>(port); }
const Proxy::Session& session_at(void* session) { return *static_cast<const Proxy::Session*>(session); }
dtu_str str(const std::string& s) { return {s.data(), s.size()}; }

// --- life cycle ------------------------------------------------------------------------------------------------------

dtu_status create(const dtu_host*, dtu_instance* i, dtu_str config, void** self, dtu_error* error) noexcept {
  const Handle& handle = Handle::of(i);
  Instance& instance = *handle.instance.load();
  const auto& component = static_cast<const StandIn&>(instance.component());
  auto proxy = std::make_unique<Proxy>(instance, component, *handle.context->isolation);
  const dtu_status status = proxy->create(config, error);
  if (status == DTU_OK) *self = proxy.release();
  return status;
}

constexpr dtu_ops kOps{
    sizeof(dtu_ops),
    0,
    [](void*, dtu_error*) noexcept -> dtu_status { return DTU_PENDING; },  // the process starts it as it creates it
    [](void* self, uint32_t ms, dtu_error*) noexcept { return at(self).stop(ms); },
    [](void* self) noexcept { std::unique_ptr<Proxy>(static_cast<Proxy*>(self)).reset(); },
    [](void* self, uint64_t source) noexcept { at(self).writable(source); },
    [](void* self, dtu_text_fn out, void* ctx) noexcept -> dtu_status { return at(self).health(out, ctx), DTU_OK; },
    nullptr};  // the plugin's own is called, in a process of its own (kernel/checks)

// --- calls -----------------------------------------------------------------------------------------------------------

// A call that says only its number.
template <Frame kType>
void tell_call(void* self, uint64_t call) noexcept {
  at(self).say(kType, [&](Writer&& out) { out.number(call); });
}

constexpr dtu_points kPoints{
    sizeof(dtu_points),
    0,
    [](void* self, void (*each)(void*, const dtu_point_info*), void* ctx, dtu_error*) noexcept -> dtu_status {
      for (const auto& o : at(self).offers().points) {
        const dtu_point_info info{sizeof info, o.flags, str(o.name), str(o.unit), str(o.title)};
        each(ctx, &info);
      }
      return DTU_OK;
    },
    [](void* self, dtu_str name, uint64_t call, dtu_error*) noexcept {
      return at(self).say(Frame::read_point, [&](Writer&& out) { out.number(call).text(name); });
    },
    [](void* self, dtu_str name, dtu_str json, uint64_t call, dtu_error*) noexcept {
      return at(self).say(Frame::write_point, [&](Writer&& out) { out.number(call).text(name).text(json); });
    },
    [](void* self, dtu_str name, dtu_str json, uint64_t call, dtu_error*) noexcept {
      return at(self).say(Frame::await_point, [&](Writer&& out) { out.number(call).text(name).text(json); });
    },
    tell_call<Frame::cancel_point>};

constexpr dtu_commands kCommands{
    sizeof(dtu_commands), 0,
    [](void* self, void (*each)(void*, const dtu_command_info*), void* ctx, dtu_error*) noexcept -> dtu_status {
      for (const auto& o : at(self).offers().commands) {
        const dtu_command_info info{sizeof info,   o.flags,        str(o.name),   str(o.title),
                                    str(o.schema), o.codes.data(), o.codes.size()};
        each(ctx, &info);
      }
      return DTU_OK;
    },
    [](void* self, const dtu_invocation* i, dtu_error*) noexcept {
      return at(self).say(Frame::invoke, [&](Writer&& out) {
        const dtu_caller& who = *i->caller;
        out.number(i->call).number(i->deadline_ms).text(i->name).text(i->args);
        out.number(who.kind).number(who.number).number(who.peer).text(who.name);
      });
    },
    tell_call<Frame::cancel_invoke>};

// --- data ------------------------------------------------------------------------------------------------------------

constexpr dtu_channel kChannel{sizeof(dtu_channel), 0,
                               [](void* self, const dtu_msg* msgs, uint32_t n, uint32_t* taken, dtu_error*) noexcept {
                                 return at(self).send(msgs, n, taken);
                               },
                               nullptr};

constexpr dtu_ports kPorts{
    sizeof(dtu_ports),
    0,
    [](void* self, void (*each)(void*, const dtu_port_info*), void* ctx, dtu_error*) noexcept -> dtu_status {
      for (const auto& o : at(self).offers().ports) {
        const dtu_port_info info{sizeof info, o.flags, str(o.id), str(o.device), str(o.title)};
        each(ctx, &info);
      }
      return DTU_OK;
    },
    [](void* self, dtu_str id, const dtu_port_settings* s, uint64_t key, void** port, dtu_error*) noexcept {
      return at(self).open(id, *s, key, port);
    },
    [](void* self, void* port) noexcept { at(self).close(port_at(port)); },
    [](void* self, void* port, const dtu_msg* msgs, uint32_t n, uint32_t* taken, dtu_error* error) noexcept {
      return at(self).write(port_at(port), msgs, n, taken, error);
    },
    [](void* self, void* port) noexcept { return at(self).drained(port_at(port)); },
    [](void*, void* port) noexcept { return port_at(port).flags; },
    [](void* self, void* port, uint32_t which) noexcept -> uint64_t {
      at(self).say(Frame::discard_port, [&](Writer&& out) { out.number(port_at(port).key).number(which); });
      return 0;
    },
    [](void* self, void* port, const dtu_port_settings* s, dtu_error*) noexcept {
      return at(self).say(Frame::set_line, [&](Writer&& out) {
        out.number(port_at(port).key).number(s->baud).number(s->databits).number(s->parity).number(s->stopbits);
        out.number(s->flow).number(s->direction_gpio).number(s->direction_level);
      });
    },
    [](void* self, void* port, uint32_t mask, uint32_t values, dtu_error*) noexcept {
      return at(self).say(Frame::set_signals,
                          [&](Writer&& out) { out.number(port_at(port).key).number(mask).number(values); });
    },
    [](void* self, void* port, uint32_t* known, uint32_t* values, dtu_error* error) noexcept {
      return at(self).signals(port_at(port), known, values, error);
    }};

constexpr dtu_dialect kDialect{
    sizeof(dtu_dialect),
    0,
    nullptr,  // the names: of each stand-in
    [](void* self, const dtu_link_info* link, void** session, dtu_error*) noexcept {
      return at(self).open_session(*link, session);
    },
    [](void* self, void* session) noexcept { at(self).close_session(session_at(session)); },
    [](void* self, void* session, const dtu_msg* msg) noexcept {
      at(self).to_dialect(Frame::from_port, session_at(session), 0, *msg);
    },
    [](void* self, void* session, uint32_t channel, const dtu_msg* msg) noexcept {
      at(self).to_dialect(Frame::from_channel, session_at(session), channel, *msg);
    },
    [](void* self, void* session, uint32_t channel, int32_t state, const dtu_error* error) noexcept {
      at(self).say(Frame::channel_state, [&](Writer&& out) {
        out.number(session_at(session).id).number(channel).number(state).error(error);
      });
    },
    nullptr,  // what is unfinished stays with the process, for the next session of that port
    [](void* self, void* session, int32_t state, const dtu_error* error) noexcept {
      at(self).say(Frame::port_state,
                   [&](Writer&& out) { out.number(session_at(session).id).number(state).error(error); });
    },
    [](void* self, void* session, const dtu_fate* fate) noexcept { at(self).tell_fate(session_at(session), *fate); },
    [](void* self, void* session, const dtu_fate* fate) noexcept { at(self).tell_fate(session_at(session), *fate); }};

// What they do not have is not there here either.
void fill(const LoadedComponent& of, dtu_points& ours) {
  ours = kPoints;
  if (!of.has("points.write")) ours.write = nullptr;
  if (!of.has("points.await")) ours.await = nullptr;
  if (!of.has("points.cancel")) ours.cancel = nullptr;
}
void fill(const LoadedComponent& of, dtu_commands& ours) {
  ours = kCommands;
  if (!of.has("commands.cancel")) ours.cancel = nullptr;
}
void fill(const LoadedComponent& of, dtu_ports& ours) {
  ours = kPorts;
  if (!of.has("ports.drained")) ours.drained = nullptr;
  if (!of.has("ports.discard")) ours.discard = nullptr;
  if (!of.has("ports.set_line")) ours.set_line = nullptr;
  if (!of.has("ports.set_signals")) ours.set_signals = nullptr;
  if (!of.has("ports.signals")) ours.signals = nullptr;
}
void fill(const LoadedComponent& of, dtu_dialect& ours) {
  ours = kDialect;
  if (!of.has("dialect.channel_state")) ours.channel_state = nullptr;
  if (!of.has("dialect.port_state")) ours.port_state = nullptr;
  if (!of.has("dialect.sent")) ours.sent = nullptr;
  if (!of.has("dialect.delivered")) ours.delivered = nullptr;
}
void fill(const LoadedComponent&, dtu_channel& ours) { ours = kChannel; }

template <typename Table>
void offer(const LoadedComponent& of, StandIn& to, const char* id, Table& table) {
  if (!of.offers(id)) return;
  fill(of, table);
  to.interface_ids.emplace_back(id);
  to.tables.push_back(&table);
}

}  // namespace

void fill_tables(const LoadedComponent& of, StandIn& to) {
  to.create = create;
  to.ops = kOps;
  if (!of.has("health")) to.ops.health = nullptr;
  Tables& t = to.ours;
  offer(of, to, DTU_CHANNEL_IFACE, t.channel);
  offer(of, to, DTU_PORTS_IFACE, t.ports);
  offer(of, to, DTU_POINTS_IFACE, t.points);
  offer(of, to, DTU_COMMANDS_IFACE, t.commands);
  offer(of, to, DTU_DIALECT_IFACE, t.dialect);
  for (const std::string& name : to.dialects) to.dialect_names.push_back(name.c_str());
  to.dialect_names.push_back(nullptr);
  t.dialect.names = to.dialect_names.data();
}

}  // namespace dtud::plugins::isolation
