// The constant tables behind the base classes of component.hpp: thunks that recover the object and stop exceptions.
#pragma once
#include <dtu/sdk/component.hpp>

#include <iterator>

namespace dtu {

#define DTU_GUARD(err, expr) guarded(err, [&]() -> dtu_status { return expr; })

template <typename T>
struct Glue {
  static T& at(void* p) noexcept { return *static_cast<T*>(p); }
  template <typename Body>
  static void caught(void* p, Body&& body) noexcept {
    dtu_error e{};
    if (guarded(&e, [&] {
          body();
          return DTU_OK;
        }) != DTU_OK)
      at(p).failed(e);
  }
  static dtu_status tell_signals(PortSignals now, uint32_t* known, uint32_t* values) noexcept {
    *known = now.known;
    *values = now.values;
    return DTU_OK;
  }
  static dtu_status create(const dtu_host* h, dtu_instance* i, dtu_str cfg, void** self, dtu_error* err) noexcept {
    return guarded(err, [&] {
      *self = std::make_unique<T>(Host(h, i), view(cfg)).release();
      return DTU_OK;
    });
  }
  static constexpr dtu_ops ops{
      sizeof(dtu_ops),
      0,
      [](void* p, dtu_error* e) noexcept { return DTU_GUARD(e, at(p).start()); },
      [](void* p, uint32_t ms, dtu_error* e) noexcept { return DTU_GUARD(e, at(p).stop(ms)); },
      [](void* p) noexcept { std::unique_ptr<T>(static_cast<T*>(p)).reset(); },
      [](void* p, uint64_t source) noexcept { Glue::caught(p, [&] { at(p).writable(source); }); },
      [](void* p, dtu_text_fn out, void* ctx) noexcept {
        return DTU_GUARD(nullptr, (out(ctx, str(at(p).health())), DTU_OK));
      },
      CheckOf<T>::function};
  static constexpr dtu_channel channel() noexcept {
    return {sizeof(dtu_channel), 0,
            [](void* p, const dtu_msg* m, uint32_t n, uint32_t* t, dtu_error* e) noexcept {
              return DTU_GUARD(e, at(p).send(m, n, t));
            },
            [](void* p, uint32_t ms, dtu_error* e) noexcept { return DTU_GUARD(e, at(p).flush(ms)); }};
  }
  template <typename Info>
  using EachFn = void (*)(void*, const Info*);
  static constexpr dtu_ports ports() noexcept {
    return {sizeof(dtu_ports),
            0,
            [](void* p, EachFn<dtu_port_info> f, void* c, dtu_error* e) noexcept {
              return DTU_GUARD(e, (at(p).list_ports([&](const dtu_port_info& i) { f(c, &i); }), DTU_OK));
            },
            [](void* p, dtu_str id, const dtu_port_settings* s, uint64_t k, void** out, dtu_error* e) noexcept {
              return DTU_GUARD(e, at(p).open(view(id), *s, k, out));
            },
            [](void* p, void* port) noexcept { Glue::caught(p, [&] { at(p).close(port); }); },
            [](void* p, void* port, const dtu_msg* m, uint32_t n, uint32_t* t, dtu_error* e) noexcept {
              return DTU_GUARD(e, at(p).write(port, m, n, t));
            },
            [](void* p, void* port) noexcept -> int32_t {
              int32_t drained = 0;  // what stays when it throws
              Glue::caught(p, [&] { drained = at(p).drained(port) ? 1 : 0; });
              return drained;
            },
            [](void* p, void* port) noexcept -> uint32_t {
              uint32_t flags = 0;
              Glue::caught(p, [&] { flags = at(p).flags(port); });
              return flags;
            },
            [](void* p, void* port, uint32_t which) noexcept -> uint64_t {
              uint64_t bytes = 0;
              Glue::caught(p, [&] { bytes = at(p).discard(port, which); });
              return bytes;
            },
            [](void* p, void* port, const dtu_port_settings* s, dtu_error* e) noexcept {
              return DTU_GUARD(e, at(p).set_line(port, *s));
            },
            [](void* p, void* port, uint32_t mask, uint32_t values, dtu_error* e) noexcept {
              return DTU_GUARD(e, at(p).set_signals(port, mask, values));
            },
            [](void* p, void* port, uint32_t* known, uint32_t* values, dtu_error* e) noexcept {
              return DTU_GUARD(e, Glue::tell_signals(at(p).signals(port), known, values));
            }};
  }
  static constexpr dtu_points points() noexcept {
    return {sizeof(dtu_points),
            0,
            [](void* p, EachFn<dtu_point_info> f, void* c, dtu_error* e) noexcept {
              return DTU_GUARD(e, (at(p).list_points([&](const dtu_point_info& i) { f(c, &i); }), DTU_OK));
            },
            [](void* p, dtu_str name, uint64_t call, dtu_error* e) noexcept {
              return DTU_GUARD(e, at(p).read_point(view(name), call));
            },
            [](void* p, dtu_str name, dtu_str json, uint64_t call, dtu_error* e) noexcept {
              return DTU_GUARD(e, at(p).write_point(view(name), view(json), call));
            },
            [](void* p, dtu_str name, dtu_str json, uint64_t call, dtu_error* e) noexcept {
              return DTU_GUARD(e, at(p).await_point(view(name), view(json), call));
            },
            [](void* p, uint64_t call) noexcept { Glue::caught(p, [&] { at(p).cancel_point(call); }); }};
  }
  static constexpr dtu_commands commands() noexcept {
    return {sizeof(dtu_commands), 0,
            [](void* p, EachFn<dtu_command_info> f, void* c, dtu_error* e) noexcept {
              return DTU_GUARD(e, (at(p).list_commands([&](const dtu_command_info& i) { f(c, &i); }), DTU_OK));
            },
            [](void* p, const dtu_invocation* i, dtu_error* e) noexcept { return DTU_GUARD(e, at(p).invocation(*i)); },
            [](void* p, uint64_t call) noexcept { Glue::caught(p, [&] { at(p).cancel(call); }); }};
  }
  using Session = DialectIface::Session;
  static constexpr dtu_dialect dialect() noexcept {
    return {sizeof(dtu_dialect),
            0,
            T::dialect_names,
            [](void* p, const dtu_link_info* l, void** s, dtu_error* e) noexcept {
              return DTU_GUARD(e, (*s = at(p).open_session(*l).release(), DTU_OK));
            },
            [](void*, void* s) noexcept { std::unique_ptr<Session>(static_cast<Session*>(s)).reset(); },
            [](void* p, void* s, const dtu_msg* m) noexcept {
              Glue::caught(p, [&] { static_cast<Session*>(s)->from_port(*m); });
            },
            [](void* p, void* s, uint32_t ch, const dtu_msg* m) noexcept {
              Glue::caught(p, [&] { static_cast<Session*>(s)->from_channel(ch, *m); });
            },
            [](void* p, void* s, uint32_t ch, int32_t st, const dtu_error* e) noexcept {
              Glue::caught(p, [&] { static_cast<Session*>(s)->channel_state(ch, st, e); });
            },
            [](void* p, void* s, dtu_text_fn out, void* ctx) noexcept {
              Glue::caught(p, [&] { out(ctx, str(static_cast<const Session*>(s)->unfinished())); });
            },
            [](void* p, void* s, int32_t st, const dtu_error* e) noexcept {
              Glue::caught(p, [&] { static_cast<Session*>(s)->port_state(st, e); });
            },
            [](void* p, void* s, const dtu_fate* f) noexcept {
              Glue::caught(p, [&] { static_cast<Session*>(s)->sent(*f); });
            },
            [](void* p, void* s, const dtu_fate* f) noexcept {
              Glue::caught(p, [&] { static_cast<Session*>(s)->delivered(*f); });
            }};
  }
};

template <typename T>
inline constexpr dtu_channel channel_table = Glue<T>::channel();
template <typename T>
inline constexpr dtu_ports ports_table = Glue<T>::ports();
template <typename T>
inline constexpr dtu_points points_table = Glue<T>::points();
template <typename T>
inline constexpr dtu_commands commands_table = Glue<T>::commands();
template <typename T>
inline constexpr dtu_dialect dialect_table = Glue<T>::dialect();
template <typename T>
inline constexpr dtu_iface channel_iface{DTU_CHANNEL_IFACE, &channel_table<T>};
template <typename T>
inline constexpr dtu_iface ports_iface{DTU_PORTS_IFACE, &ports_table<T>};
template <typename T>
inline constexpr dtu_iface points_iface{DTU_POINTS_IFACE, &points_table<T>};
template <typename T>
inline constexpr dtu_iface commands_iface{DTU_COMMANDS_IFACE, &commands_table<T>};
template <typename T>
inline constexpr dtu_iface dialect_iface{DTU_DIALECT_IFACE, &dialect_table<T>};

}  // namespace dtu

// Constant descriptor of one component; the last arguments are its interfaces.
#define DTU_COMPONENT(var, Class, kind_, type_, title_, schema_, caps_, ...)                                       \
  static constexpr dtu_iface var##_ifaces[] = {__VA_ARGS__};                                                       \
  static constexpr dtu_component var {                                                                             \
    sizeof(dtu_component), kind_, type_, title_, schema_, caps_, dtu::Glue<Class>::create, &dtu::Glue<Class>::ops, \
        var##_ifaces, std::size(var##_ifaces)                                                                      \
  }

// The one exported symbol. types_ is "kind:type" for each component, separated by spaces.
#define DTU_PLUGIN(id_, version_, vendor_, license_, types_, ...)                                        \
  DTU_TYPES(types_);                                                                                     \
  static constexpr const dtu_component* dtu_components_[] = {__VA_ARGS__};                               \
  extern "C" DTU_EXPORT constexpr dtu_plugin DTU_ENTRY {                                                 \
    DTU_MAGIC, sizeof(dtu_plugin), DTU_ABI_MAJOR, DTU_ABI_MINOR, 0, 0, id_, version_, vendor_, license_, \
        dtu_components_, std::size(dtu_components_)                                                      \
  }
