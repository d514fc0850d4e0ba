// What plugin ABI 0 lays down, checked by the compiler: names, types, places, values. It is compiled in every test run
// for LP64 and for 32-bit ARM. Whoever changes an ABI header changes this file in the same commit and says there why
// (POLICY.md).
//
//   FROZEN  a value type: travels in arrays, its size is fixed for the major
//   TABLE   grows at its end; the size is written down too, so that no field is added without a line here
//   FIELD   (struct, place on LP64, place on 32-bit ARM, name, type)
//
// No standard library: 32-bit targets are checked with -ffreestanding and no sysroot.
#include <dtu/abi.h>
#include <dtu/channel.h>
#include <dtu/commands.h>
#include <dtu/dialect.h>
#include <dtu/events.h>
#include <dtu/host.h>
#include <dtu/keys.h>
#include <dtu/points.h>
#include <dtu/ports.h>
#include <dtu/services.h>

namespace {

template <typename A, typename B>
struct Same {
  static constexpr bool value = false;
};
template <typename A>
struct Same<A, A> {
  static constexpr bool value = true;
};
constexpr bool equal(const char* a, const char* b) {
  while (*a != '\0' && *a == *b) ++a, ++b;
  return *a == *b;
}

}  // namespace

// i386 aligns 64-bit integers to 4 bytes in structs; it is not a target, so only types and values are checked there.
#if defined(__i386__)
#define PLACE(have, lp64, ilp32) true
#else
static_assert(sizeof(void*) == 8 || sizeof(void*) == 4, "LP64 and 32-bit ARM are written down here");
#define PLACE(have, lp64, ilp32) ((have) == (sizeof(void*) == 8 ? (lp64) : (ilp32)))
#endif
#define VALUE(name, value) static_assert((name) == (value), #name " has another value")
#define TEXT(name, value) static_assert(equal(name, value), #name " has another value")
#define TYPE(name, ...) static_assert(Same<name, __VA_ARGS__>::value, #name " is another type")
#define FROZEN(S, lp64, ilp32) static_assert(PLACE(sizeof(S), lp64, ilp32), #S " may not change its size")
#if defined(DTU_ABI_MAY_GROW)  // tells an addition from a change (gate.sh)
#define TABLE(S, lp64, ilp32) static_assert(sizeof(S) >= (sizeof(void*) == 8 ? (lp64) : (ilp32)), #S " has shrunk")
#else
#define TABLE(S, lp64, ilp32) \
  static_assert(PLACE(sizeof(S), lp64, ilp32), #S " has another size: write down what it gained")
#endif
#define FIELD(S, lp64, ilp32, field, ...)                                            \
  static_assert(PLACE(offsetof(S, field), lp64, ilp32), #S "." #field " has moved"); \
  static_assert(Same<decltype(S::field), __VA_ARGS__>::value, #S "." #field " is another type")

TYPE(dtu_status, int32_t);
TYPE(dtu_fn, void (*)(void*));
TYPE(dtu_text_fn, void (*)(void*, dtu_str));
TYPE(dtu_finding_fn, void (*)(void*, const dtu_finding*));
TYPE(dtu_answer_fn, void (*)(void*, const dtu_answer*));
TYPE(decltype(DTU_ENTRY), const dtu_plugin);

// abi.h
VALUE(DTU_ABI_MAJOR, 0);
VALUE(DTU_MAGIC, 0x50555444u);
VALUE(DTU_OK, 0);
VALUE(DTU_PENDING, 1);
VALUE(DTU_UNCONFIRMED, 2);
VALUE(DTU_AGAIN, -1);
VALUE(DTU_E_INVALID, -2);
VALUE(DTU_E_UNSUPPORTED, -3);
VALUE(DTU_E_IO, -4);
VALUE(DTU_E_EXCEPTION, -6);
VALUE(DTU_E_CLOSED, -7);
VALUE(DTU_E_INTERNAL, -8);
VALUE(DTU_E_NOT_FOUND, -9);
VALUE(DTU_E_DENIED, -10);
VALUE(DTU_E_WRONG_PASSWORD, -11);
VALUE(DTU_E_LOCKED, -12);
VALUE(DTU_E_TIMEOUT, -13);
VALUE(DTU_E_STOPPED, -14);
VALUE(DTU_E_REFUSED, -15);
VALUE(DTU_E_DROPPED, -16);
VALUE(DTU_ERR_RETRYABLE, 1u);
VALUE(DTU_MSG_COMMAND, 1u);
VALUE(DTU_MSG_CLOCK_UNSET, 2u);
VALUE(DTU_MSG_RETAINED, 4u);
VALUE(DTU_MSG_REGISTRATION, 8u);
VALUE(DTU_ROUTE_MAX, 255u);
VALUE(DTU_PAYLOAD_MAX, 1u << 20);
VALUE(DTU_DEVICE_MAX, 64u);
VALUE(DTU_E_CANCELLED, -17);
VALUE(DTU_PARITY_MARK, 3u);
VALUE(DTU_PARITY_SPACE, 4u);
VALUE(DTU_STOP_1, 1u);
VALUE(DTU_STOP_2, 2u);
VALUE(DTU_STOP_1_5, 3u);
VALUE(DTU_DISCARD_TO_PORT, 1u);
VALUE(DTU_DISCARD_FROM_PORT, 2u);
VALUE(DTU_KV_MAX, 1u << 20);
VALUE(DTU_KEY_CUTS, 1u);
VALUE(DTU_KEYS_MAX, 32u);
TEXT(DTU_FOLDER_SERVICE, "dtu.folder/1");
TEXT(DTU_KEYS_IFACE, "dtu.keys/1");
VALUE(DTU_STATE_CONNECTING, 1);
VALUE(DTU_STATE_UP, 2);
VALUE(DTU_STATE_DEGRADED, 3);
VALUE(DTU_STATE_DOWN, 4);
VALUE(DTU_STATE_FAILED, 5);
VALUE(DTU_STATE_STOPPED, 6);
VALUE(DTU_KIND_CHANNEL, 1u);
VALUE(DTU_KIND_HAL, 2u);
VALUE(DTU_KIND_COMMAND, 3u);
VALUE(DTU_CAP_BLOCKING, 1u);
VALUE(DTU_CAP_TOPICS, 2u);
VALUE(DTU_CAP_REQUESTS, 4u);
VALUE(DTU_CAP_CONNECTIONLESS, 8u);

FROZEN(dtu_str, 16, 16);
FIELD(dtu_str, 0, 0, ptr, const char*);
FIELD(dtu_str, 8, 8, len, uint64_t);

FROZEN(dtu_error, 256, 256);
FIELD(dtu_error, 0, 0, struct_size, uint32_t);
FIELD(dtu_error, 4, 4, code, dtu_status);
FIELD(dtu_error, 8, 8, flags, uint32_t);
FIELD(dtu_error, 12, 12, protocol_code, uint32_t);
FIELD(dtu_error, 16, 16, message, char[240]);

FROZEN(dtu_prop, 32, 32);
FIELD(dtu_prop, 0, 0, key, dtu_str);
FIELD(dtu_prop, 16, 16, value, dtu_str);

FROZEN(dtu_msg, 120, 112);
FIELD(dtu_msg, 0, 0, token, uint64_t);
FIELD(dtu_msg, 8, 8, source, uint64_t);
FIELD(dtu_msg, 16, 16, time_ns, int64_t);
FIELD(dtu_msg, 24, 24, route, dtu_str);
FIELD(dtu_msg, 40, 40, payload, dtu_str);
FIELD(dtu_msg, 56, 56, owner, dtu_buf*);
FIELD(dtu_msg, 64, 60, props, const dtu_prop*);
FIELD(dtu_msg, 72, 64, prop_count, uint32_t);
FIELD(dtu_msg, 76, 68, flags, uint32_t);
FIELD(dtu_msg, 80, 72, device, dtu_str);
FIELD(dtu_msg, 96, 88, latest_ns, int64_t);
FIELD(dtu_msg, 104, 96, reserved, uint64_t[2]);

FROZEN(dtu_iface, 16, 8);
FIELD(dtu_iface, 0, 0, id, const char*);
FIELD(dtu_iface, 8, 4, table, const void*);

TABLE(dtu_finding, 40, 40);
FIELD(dtu_finding, 0, 0, struct_size, uint32_t);
FIELD(dtu_finding, 4, 4, level, uint32_t);
FIELD(dtu_finding, 8, 8, path, dtu_str);
FIELD(dtu_finding, 24, 24, text, dtu_str);
VALUE(DTU_FINDING_ERROR, 1u);
VALUE(DTU_FINDING_WARNING, 2u);
VALUE(DTU_FINDING_CLAIM, 3u);
VALUE(DTU_FINDING_OFFER, 4u);

TABLE(dtu_ops, 56, 32);
FIELD(dtu_ops, 0, 0, struct_size, uint32_t);
FIELD(dtu_ops, 4, 4, reserved, uint32_t);
FIELD(dtu_ops, 8, 8, start, dtu_status (*)(void*, dtu_error*));
FIELD(dtu_ops, 16, 12, stop, dtu_status (*)(void*, uint32_t, dtu_error*));
FIELD(dtu_ops, 24, 16, destroy, void (*)(void*));
FIELD(dtu_ops, 32, 20, writable, void (*)(void*, uint64_t));
FIELD(dtu_ops, 40, 24, health, dtu_status (*)(void*, void (*)(void*, dtu_str), void*));
FIELD(dtu_ops, 48, 28, check, dtu_status (*)(dtu_str, dtu_finding_fn, void*, dtu_error*));

TABLE(dtu_component, 72, 56);
FIELD(dtu_component, 0, 0, struct_size, uint32_t);
FIELD(dtu_component, 4, 4, kind, uint32_t);
FIELD(dtu_component, 8, 8, type, const char*);
FIELD(dtu_component, 16, 12, title, const char*);
FIELD(dtu_component, 24, 16, config_schema, const char*);
FIELD(dtu_component, 32, 24, caps, uint64_t);
FIELD(dtu_component, 40, 32, create, dtu_status (*)(const dtu_host*, dtu_instance*, dtu_str, void**, dtu_error*));
FIELD(dtu_component, 48, 36, ops, const dtu_ops*);
FIELD(dtu_component, 56, 40, ifaces, const dtu_iface*);
FIELD(dtu_component, 64, 48, iface_count, uint64_t);

TABLE(dtu_plugin, 64, 48);
FIELD(dtu_plugin, 0, 0, magic, uint32_t);
FIELD(dtu_plugin, 4, 4, struct_size, uint32_t);
FIELD(dtu_plugin, 8, 8, abi_major, uint16_t);
FIELD(dtu_plugin, 10, 10, abi_minor, uint16_t);
FIELD(dtu_plugin, 12, 12, min_host_minor, uint16_t);
FIELD(dtu_plugin, 14, 14, reserved, uint16_t);
FIELD(dtu_plugin, 16, 16, id, const char*);
FIELD(dtu_plugin, 24, 20, version, const char*);
FIELD(dtu_plugin, 32, 24, vendor, const char*);
FIELD(dtu_plugin, 40, 28, license, const char*);
FIELD(dtu_plugin, 48, 32, components, const dtu_component* const*);
FIELD(dtu_plugin, 56, 40, component_count, uint64_t);

// host.h
VALUE(DTU_LOG_ERROR, 3);
VALUE(DTU_LOG_WARNING, 4);
VALUE(DTU_LOG_INFO, 6);
VALUE(DTU_LOG_DEBUG, 7);

TABLE(dtu_host, 96, 52);
FIELD(dtu_host, 0, 0, struct_size, uint32_t);
FIELD(dtu_host, 4, 4, abi_major, uint16_t);
FIELD(dtu_host, 6, 6, abi_minor, uint16_t);
FIELD(dtu_host, 8, 8, log, void (*)(dtu_instance*, int32_t, dtu_str));
FIELD(dtu_host, 16, 12, buf_alloc, dtu_buf* (*)(dtu_instance*, uint64_t, uint8_t**));
FIELD(dtu_host, 24, 16, buf_ref, void (*)(dtu_instance*, dtu_buf*));
FIELD(dtu_host, 32, 20, buf_unref, void (*)(dtu_instance*, dtu_buf*));
FIELD(dtu_host, 40, 24, emit, dtu_status (*)(dtu_instance*, const dtu_msg*, uint32_t, uint32_t*));
FIELD(dtu_host, 48, 28, complete, void (*)(dtu_instance*, const dtu_completion*));
FIELD(dtu_host, 56, 32, writable, void (*)(dtu_instance*, uint64_t));
FIELD(dtu_host, 64, 36, report, void (*)(dtu_instance*, const dtu_state*));
FIELD(dtu_host, 72, 40, reply, dtu_status (*)(dtu_instance*, const dtu_reply*));
FIELD(dtu_host, 80, 44, service, const void* (*)(dtu_instance*, const char*));
FIELD(dtu_host, 88, 48, monotonic_ns, int64_t (*)());

// channel.h
TEXT(DTU_CHANNEL_IFACE, "dtu.channel/1");

TABLE(dtu_channel, 24, 16);
FIELD(dtu_channel, 0, 0, struct_size, uint32_t);
FIELD(dtu_channel, 4, 4, reserved, uint32_t);
FIELD(dtu_channel, 8, 8, send, dtu_status (*)(void*, const dtu_msg*, uint32_t, uint32_t*, dtu_error*));
FIELD(dtu_channel, 16, 12, flush, dtu_status (*)(void*, uint32_t, dtu_error*));

// ports.h
VALUE(DTU_PARITY_NONE, 0u);
VALUE(DTU_PARITY_EVEN, 1u);
VALUE(DTU_PARITY_ODD, 2u);
VALUE(DTU_FLOW_NONE, 0u);
VALUE(DTU_FLOW_RTSCTS, 1u);
VALUE(DTU_FLOW_XONXOFF, 2u);
VALUE(DTU_SIGNAL_DTR, 1u);
VALUE(DTU_SIGNAL_RTS, 2u);
VALUE(DTU_SIGNAL_BREAK, 4u);
VALUE(DTU_SIGNAL_CTS, 8u);
VALUE(DTU_SIGNAL_DSR, 16u);
VALUE(DTU_SIGNAL_DCD, 32u);
VALUE(DTU_SIGNAL_RI, 64u);
TEXT(DTU_PORTS_IFACE, "dtu.ports/1");
VALUE(DTU_PORT_HOLDS, 1u);

TABLE(dtu_port_info, 56, 56);
FIELD(dtu_port_info, 0, 0, struct_size, uint32_t);
FIELD(dtu_port_info, 4, 4, flags, uint32_t);
FIELD(dtu_port_info, 8, 8, id, dtu_str);
FIELD(dtu_port_info, 24, 24, device, dtu_str);
FIELD(dtu_port_info, 40, 40, title, dtu_str);

TABLE(dtu_port_settings, 32, 32);
FIELD(dtu_port_settings, 0, 0, struct_size, uint32_t);
FIELD(dtu_port_settings, 4, 4, baud, uint32_t);
FIELD(dtu_port_settings, 8, 8, databits, uint32_t);
FIELD(dtu_port_settings, 12, 12, parity, uint32_t);
FIELD(dtu_port_settings, 16, 16, stopbits, uint32_t);
FIELD(dtu_port_settings, 20, 20, flow, uint32_t);
FIELD(dtu_port_settings, 24, 24, direction_gpio, int32_t);
FIELD(dtu_port_settings, 28, 28, direction_level, uint32_t);

TABLE(dtu_ports, 88, 48);
FIELD(dtu_ports, 0, 0, struct_size, uint32_t);
FIELD(dtu_ports, 4, 4, reserved, uint32_t);
FIELD(dtu_ports, 8, 8, list, dtu_status (*)(void*, void (*)(void*, const dtu_port_info*), void*, dtu_error*));
FIELD(dtu_ports, 16, 12, open, dtu_status (*)(void*, dtu_str, const dtu_port_settings*, uint64_t, void**, dtu_error*));
FIELD(dtu_ports, 24, 16, close, void (*)(void*, void*));
FIELD(dtu_ports, 32, 20, write, dtu_status (*)(void*, void*, const dtu_msg*, uint32_t, uint32_t*, dtu_error*));
FIELD(dtu_ports, 40, 24, drained, int32_t (*)(void*, void*));
FIELD(dtu_ports, 48, 28, flags, uint32_t (*)(void*, void*));
FIELD(dtu_ports, 56, 32, discard, uint64_t (*)(void*, void*, uint32_t));
FIELD(dtu_ports, 64, 36, set_line, dtu_status (*)(void*, void*, const dtu_port_settings*, dtu_error*));
FIELD(dtu_ports, 72, 40, set_signals, dtu_status (*)(void*, void*, uint32_t, uint32_t, dtu_error*));
FIELD(dtu_ports, 80, 44, signals, dtu_status (*)(void*, void*, uint32_t*, uint32_t*, dtu_error*));

// points.h
VALUE(DTU_POINT_WRITABLE, 1u);
TEXT(DTU_POINTS_IFACE, "dtu.points/1");

TABLE(dtu_point_info, 56, 56);
FIELD(dtu_point_info, 0, 0, struct_size, uint32_t);
FIELD(dtu_point_info, 4, 4, flags, uint32_t);
FIELD(dtu_point_info, 8, 8, name, dtu_str);
FIELD(dtu_point_info, 24, 24, unit, dtu_str);
FIELD(dtu_point_info, 40, 40, title, dtu_str);

TABLE(dtu_points, 48, 28);
FIELD(dtu_points, 0, 0, struct_size, uint32_t);
FIELD(dtu_points, 4, 4, reserved, uint32_t);
FIELD(dtu_points, 8, 8, list, dtu_status (*)(void*, void (*)(void*, const dtu_point_info*), void*, dtu_error*));
FIELD(dtu_points, 16, 12, read, dtu_status (*)(void*, dtu_str, uint64_t, dtu_error*));
FIELD(dtu_points, 24, 16, write, dtu_status (*)(void*, dtu_str, dtu_str, uint64_t, dtu_error*));
FIELD(dtu_points, 32, 20, await, dtu_status (*)(void*, dtu_str, dtu_str, uint64_t, dtu_error*));
FIELD(dtu_points, 40, 24, cancel, void (*)(void*, uint64_t));

// commands.h
VALUE(DTU_COMMAND_PASSWORD, 1u);
VALUE(DTU_COMMAND_LOCAL, 2u);
VALUE(DTU_COMMAND_WHEN_STOPPED, 4u);
VALUE(DTU_COMMAND_SHARED, 16u);
VALUE(DTU_COMMAND_INTERNAL, 32u);
VALUE(DTU_COMMAND_CHANGES, 8u);
TEXT(DTU_COMMANDS_IFACE, "dtu.commands/1");

TABLE(dtu_command_info, 72, 72);
FIELD(dtu_command_info, 0, 0, struct_size, uint32_t);
FIELD(dtu_command_info, 4, 4, flags, uint32_t);
FIELD(dtu_command_info, 8, 8, name, dtu_str);
FIELD(dtu_command_info, 24, 24, title, dtu_str);
FIELD(dtu_command_info, 40, 40, args_schema, dtu_str);
FIELD(dtu_command_info, 56, 56, codes, const uint32_t*);
FIELD(dtu_command_info, 64, 64, code_count, uint64_t);

TABLE(dtu_commands, 32, 20);
FIELD(dtu_commands, 0, 0, struct_size, uint32_t);
FIELD(dtu_commands, 4, 4, reserved, uint32_t);
FIELD(dtu_commands, 8, 8, list, dtu_status (*)(void*, void (*)(void*, const dtu_command_info*), void*, dtu_error*));
FIELD(dtu_commands, 16, 12, invoke, dtu_status (*)(void*, const dtu_invocation*, dtu_error*));
FIELD(dtu_commands, 24, 16, cancel, void (*)(void*, uint64_t));

// dialect.h
TEXT(DTU_DIALECT_IFACE, "dtu.dialect/1");

TABLE(dtu_bound_channel, 48, 48);
FIELD(dtu_bound_channel, 0, 0, struct_size, uint32_t);
FIELD(dtu_bound_channel, 4, 4, id, uint32_t);
FIELD(dtu_bound_channel, 8, 8, type, dtu_str);
FIELD(dtu_bound_channel, 24, 24, caps, uint64_t);
FIELD(dtu_bound_channel, 32, 32, config, dtu_str);

TABLE(dtu_link_info, 104, 104);
FIELD(dtu_link_info, 0, 0, struct_size, uint32_t);
FIELD(dtu_link_info, 4, 4, reserved, uint32_t);
FIELD(dtu_link_info, 8, 8, link, uint64_t);
FIELD(dtu_link_info, 16, 16, dialect, dtu_str);
FIELD(dtu_link_info, 32, 32, port, dtu_str);
FIELD(dtu_link_info, 48, 48, baud, uint32_t);
FIELD(dtu_link_info, 52, 52, bits_per_char, uint32_t);
FIELD(dtu_link_info, 56, 56, port_config, dtu_str);
FIELD(dtu_link_info, 72, 72, device_config, dtu_str);
FIELD(dtu_link_info, 88, 88, channels, const dtu_bound_channel* const*);
FIELD(dtu_link_info, 96, 96, channel_count, uint64_t);

TABLE(dtu_dialect, 88, 48);
FIELD(dtu_dialect, 0, 0, struct_size, uint32_t);
FIELD(dtu_dialect, 4, 4, reserved, uint32_t);
FIELD(dtu_dialect, 8, 8, names, const char* const*);
FIELD(dtu_dialect, 16, 12, open, dtu_status (*)(void*, const dtu_link_info*, void**, dtu_error*));
FIELD(dtu_dialect, 24, 16, close, void (*)(void*, void*));
FIELD(dtu_dialect, 32, 20, from_port, void (*)(void*, void*, const dtu_msg*));
FIELD(dtu_dialect, 40, 24, from_channel, void (*)(void*, void*, uint32_t, const dtu_msg*));
FIELD(dtu_dialect, 48, 28, channel_state, void (*)(void*, void*, uint32_t, int32_t, const dtu_error*));
FIELD(dtu_dialect, 56, 32, unfinished, void (*)(void*, void*, void (*)(void*, dtu_str), void*));
FIELD(dtu_dialect, 64, 36, port_state, void (*)(void*, void*, int32_t, const dtu_error*));
FIELD(dtu_dialect, 72, 40, sent, void (*)(void*, void*, const dtu_fate*));
FIELD(dtu_dialect, 80, 44, delivered, void (*)(void*, void*, const dtu_fate*));

// services.h
TEXT(DTU_TIMER_SERVICE, "dtu.timer/1");
TEXT(DTU_FD_SERVICE, "dtu.fd/1");
VALUE(DTU_FD_READ, 1u);
VALUE(DTU_FD_WRITE, 2u);
VALUE(DTU_FD_ERROR, 4u);
TEXT(DTU_POST_SERVICE, "dtu.post/1");
TEXT(DTU_KV_SERVICE, "dtu.kv/1");
TEXT(DTU_METRICS_SERVICE, "dtu.metrics/1");
VALUE(DTU_METRIC_COUNTER, 1u);
VALUE(DTU_METRIC_GAUGE, 2u);
VALUE(DTU_CALLER_SELF, 0u);
VALUE(DTU_CALLER_PORT, 1u);
VALUE(DTU_CALLER_CHANNEL, 2u);
VALUE(DTU_CALLER_REMOTE, 3u);
VALUE(DTU_CALLER_CONSOLE, 4u);
VALUE(DTU_CALLER_HOST, 5u);
VALUE(DTU_CALLER_ASKER, 6u);
TEXT(DTU_INVOKE_SERVICE, "dtu.invoke/1");
TEXT(DTU_LINK_SERVICE, "dtu.link/1");

TABLE(dtu_timer_service, 40, 24);
FIELD(dtu_timer_service, 0, 0, struct_size, uint32_t);
FIELD(dtu_timer_service, 4, 4, reserved, uint32_t);
FIELD(dtu_timer_service, 8, 8, create, dtu_status (*)(dtu_instance*, const dtu_timer*, uint64_t*));
FIELD(dtu_timer_service, 16, 12, arm, dtu_status (*)(dtu_instance*, uint64_t, uint64_t, uint64_t));
FIELD(dtu_timer_service, 24, 16, disarm, dtu_status (*)(dtu_instance*, uint64_t));
FIELD(dtu_timer_service, 32, 20, destroy, dtu_status (*)(dtu_instance*, uint64_t));

TABLE(dtu_fd_service, 32, 20);
FIELD(dtu_fd_service, 0, 0, struct_size, uint32_t);
FIELD(dtu_fd_service, 4, 4, reserved, uint32_t);
FIELD(dtu_fd_service, 8, 8, add, dtu_status (*)(dtu_instance*, const dtu_watch*, uint64_t*));
FIELD(dtu_fd_service, 16, 12, modify, dtu_status (*)(dtu_instance*, uint64_t, uint32_t));
FIELD(dtu_fd_service, 24, 16, remove, dtu_status (*)(dtu_instance*, uint64_t));

TABLE(dtu_post_service, 16, 12);
FIELD(dtu_post_service, 0, 0, struct_size, uint32_t);
FIELD(dtu_post_service, 4, 4, reserved, uint32_t);
FIELD(dtu_post_service, 8, 8, post, dtu_status (*)(dtu_instance*, const dtu_task*));

TABLE(dtu_kv_service, 24, 16);
FIELD(dtu_kv_service, 0, 0, struct_size, uint32_t);
FIELD(dtu_kv_service, 4, 4, reserved, uint32_t);
FIELD(dtu_kv_service, 8, 8, get, dtu_status (*)(dtu_instance*, dtu_str, dtu_text_fn, void*));
FIELD(dtu_kv_service, 16, 12, change, dtu_status (*)(dtu_instance*, const dtu_kv_change*));

TABLE(dtu_metrics_service, 32, 20);
FIELD(dtu_metrics_service, 0, 0, struct_size, uint32_t);
FIELD(dtu_metrics_service, 4, 4, reserved, uint32_t);
FIELD(dtu_metrics_service, 8, 8, add, dtu_status (*)(dtu_instance*, uint32_t, dtu_str, dtu_str, uint64_t*));
FIELD(dtu_metrics_service, 16, 12, increase, void (*)(dtu_instance*, uint64_t, uint64_t));
FIELD(dtu_metrics_service, 24, 16, set, void (*)(dtu_instance*, uint64_t, int64_t));

TABLE(dtu_answer, 40, 40);
FIELD(dtu_answer, 0, 0, struct_size, uint32_t);
FIELD(dtu_answer, 4, 4, status, dtu_status);
FIELD(dtu_answer, 8, 8, json, dtu_str);
FIELD(dtu_answer, 24, 24, error, const dtu_error*);
FIELD(dtu_answer, 32, 28, age_ms, uint32_t);
FIELD(dtu_answer, 36, 32, flags, uint32_t);

TABLE(dtu_request, 152, 144);
FIELD(dtu_request, 0, 0, struct_size, uint32_t);
FIELD(dtu_request, 4, 4, caller, uint32_t);
FIELD(dtu_request, 8, 8, command, dtu_str);
FIELD(dtu_request, 24, 24, code, int64_t);
FIELD(dtu_request, 32, 32, args, dtu_str);
FIELD(dtu_request, 48, 48, password, dtu_str);
FIELD(dtu_request, 64, 64, link, uint64_t);
FIELD(dtu_request, 72, 72, for_call, uint64_t);
FIELD(dtu_request, 80, 80, channel, uint32_t);
FIELD(dtu_request, 84, 84, deadline_ms, uint32_t);
FIELD(dtu_request, 88, 88, peer, uint64_t);
FIELD(dtu_request, 96, 96, remote, dtu_str);
FIELD(dtu_request, 112, 112, to, dtu_str);
FIELD(dtu_request, 128, 128, done, dtu_answer_fn);
FIELD(dtu_request, 136, 132, destroy, void (*)(void*));
FIELD(dtu_request, 144, 136, ctx, void*);

TABLE(dtu_invoke_service, 72, 40);
FIELD(dtu_invoke_service, 0, 0, struct_size, uint32_t);
FIELD(dtu_invoke_service, 4, 4, reserved, uint32_t);
FIELD(dtu_invoke_service, 8, 8, invoke, dtu_status (*)(dtu_instance*, const dtu_request*, uint64_t*, dtu_error*));
FIELD(dtu_invoke_service, 16, 12, read_point,
      dtu_status (*)(dtu_instance*, const dtu_point_request*, uint64_t*, dtu_error*));
FIELD(dtu_invoke_service, 24, 16, write_point,
      dtu_status (*)(dtu_instance*, const dtu_point_request*, uint64_t*, dtu_error*));
FIELD(dtu_invoke_service, 32, 20, await_point,
      dtu_status (*)(dtu_instance*, const dtu_point_request*, uint64_t*, dtu_error*));
FIELD(dtu_invoke_service, 40, 24, cancel, dtu_status (*)(dtu_instance*, uint64_t));
FIELD(dtu_invoke_service, 48, 28, after_answers, dtu_status (*)(dtu_instance*, uint32_t, const dtu_task*));
FIELD(dtu_invoke_service, 56, 32, list_points,
      dtu_status (*)(dtu_instance*, dtu_str, void (*)(void*, const dtu_point_info*), void*));
FIELD(dtu_invoke_service, 64, 36, list_commands,
      dtu_status (*)(dtu_instance*, dtu_str, void (*)(void*, dtu_str, const dtu_command_info*), void*));

TABLE(dtu_link_service, 48, 28);
FIELD(dtu_link_service, 0, 0, struct_size, uint32_t);
FIELD(dtu_link_service, 4, 4, reserved, uint32_t);
FIELD(dtu_link_service, 8, 8, to_port, dtu_status (*)(dtu_instance*, uint64_t, const dtu_msg*));
FIELD(dtu_link_service, 16, 12, to_channel, dtu_status (*)(dtu_instance*, uint64_t, uint32_t, const dtu_msg*));
FIELD(dtu_link_service, 24, 16, drop, void (*)(dtu_instance*, uint64_t, dtu_str, uint64_t));
FIELD(dtu_link_service, 32, 20, discard, dtu_status (*)(dtu_instance*, uint64_t, uint32_t, uint64_t*));
FIELD(dtu_link_service, 40, 24, set_line, dtu_status (*)(dtu_instance*, uint64_t, const dtu_line*, dtu_error*));

// --- events ----------------------------------------------------------------------------------------------------------

TEXT(DTU_EVENTS_IFACE, "dtu.events/1");
TEXT(DTU_EVENTS_SERVICE, "dtu.events/1");
VALUE(DTU_EVENTS_MAX, 64);
VALUE(DTU_EVENT_STATE, 1);
VALUE(DTU_EVENT_LAST, 2);
VALUE(DTU_EVENT_GONE, 4);
VALUE(DTU_EVENT_JSON_MAX, 16384);
VALUE(DTU_EVENT_STATE_JSON_MAX, 4096);
VALUE(DTU_SUBSCRIPTIONS_MAX, 64);
TYPE(dtu_event_fn, void (*)(void*, const dtu_event*));

TABLE(dtu_event_info, 32, 20);
FIELD(dtu_event_info, 0, 0, struct_size, uint32_t);
FIELD(dtu_event_info, 4, 4, flags, uint32_t);
FIELD(dtu_event_info, 8, 8, name, const char*);
FIELD(dtu_event_info, 16, 12, title, const char*);
FIELD(dtu_event_info, 24, 16, schema, const char*);

TABLE(dtu_events, 16, 12);
FIELD(dtu_events, 0, 0, struct_size, uint32_t);
FIELD(dtu_events, 4, 4, count, uint32_t);
FIELD(dtu_events, 8, 8, list, const dtu_event_info* const*);

TABLE(dtu_event, 80, 80);
FIELD(dtu_event, 0, 0, struct_size, uint32_t);
FIELD(dtu_event, 4, 4, flags, uint32_t);
FIELD(dtu_event, 8, 8, name, dtu_str);
FIELD(dtu_event, 24, 24, source, dtu_str);
FIELD(dtu_event, 40, 40, seq, uint64_t);
FIELD(dtu_event, 48, 48, time_ns, int64_t);
FIELD(dtu_event, 56, 56, json, dtu_str);
FIELD(dtu_event, 72, 72, missed, uint64_t);

TABLE(dtu_subscription, 48, 40);
FIELD(dtu_subscription, 0, 0, struct_size, uint32_t);
FIELD(dtu_subscription, 4, 4, reserved, uint32_t);
FIELD(dtu_subscription, 8, 8, pattern, dtu_str);
FIELD(dtu_subscription, 24, 24, fn, dtu_event_fn);
FIELD(dtu_subscription, 32, 28, destroy, void (*)(void*));
FIELD(dtu_subscription, 40, 32, ctx, void*);

TABLE(dtu_events_service, 32, 20);
FIELD(dtu_events_service, 0, 0, struct_size, uint32_t);
FIELD(dtu_events_service, 4, 4, reserved, uint32_t);
FIELD(dtu_events_service, 8, 8, publish, dtu_status (*)(dtu_instance*, dtu_str, dtu_str));
FIELD(dtu_events_service, 16, 12, subscribe, dtu_status (*)(dtu_instance*, const dtu_subscription*, uint64_t*));
FIELD(dtu_events_service, 24, 16, unsubscribe, dtu_status (*)(dtu_instance*, uint64_t));

TABLE(dtu_completion, 24, 24);
FIELD(dtu_completion, 0, 0, struct_size, uint32_t);
FIELD(dtu_completion, 4, 4, status, dtu_status);
FIELD(dtu_completion, 8, 8, token, uint64_t);
FIELD(dtu_completion, 16, 16, error, const dtu_error*);

TABLE(dtu_state, 24, 24);
FIELD(dtu_state, 0, 0, struct_size, uint32_t);
FIELD(dtu_state, 4, 4, state, int32_t);
FIELD(dtu_state, 8, 8, source, uint64_t);
FIELD(dtu_state, 16, 16, error, const dtu_error*);

TABLE(dtu_reply, 48, 48);
FIELD(dtu_reply, 0, 0, struct_size, uint32_t);
FIELD(dtu_reply, 4, 4, status, dtu_status);
FIELD(dtu_reply, 8, 8, call, uint64_t);
FIELD(dtu_reply, 16, 16, json, dtu_str);
FIELD(dtu_reply, 32, 32, error, const dtu_error*);
FIELD(dtu_reply, 40, 36, age_ms, uint32_t);
FIELD(dtu_reply, 44, 40, flags, uint32_t);

TABLE(dtu_caller, 40, 40);
FIELD(dtu_caller, 0, 0, struct_size, uint32_t);
FIELD(dtu_caller, 4, 4, kind, uint32_t);
FIELD(dtu_caller, 8, 8, number, uint64_t);
FIELD(dtu_caller, 16, 16, peer, uint64_t);
FIELD(dtu_caller, 24, 24, name, dtu_str);

TABLE(dtu_invocation, 56, 56);
FIELD(dtu_invocation, 0, 0, struct_size, uint32_t);
FIELD(dtu_invocation, 4, 4, deadline_ms, uint32_t);
FIELD(dtu_invocation, 8, 8, call, uint64_t);
FIELD(dtu_invocation, 16, 16, name, dtu_str);
FIELD(dtu_invocation, 32, 32, args, dtu_str);
FIELD(dtu_invocation, 48, 48, caller, const dtu_caller*);

TABLE(dtu_point_request, 64, 56);
FIELD(dtu_point_request, 0, 0, struct_size, uint32_t);
FIELD(dtu_point_request, 4, 4, deadline_ms, uint32_t);
FIELD(dtu_point_request, 8, 8, point, dtu_str);
FIELD(dtu_point_request, 24, 24, json, dtu_str);
FIELD(dtu_point_request, 40, 40, done, dtu_answer_fn);
FIELD(dtu_point_request, 48, 44, destroy, void (*)(void*));
FIELD(dtu_point_request, 56, 48, ctx, void*);

TABLE(dtu_task, 32, 20);
FIELD(dtu_task, 0, 0, struct_size, uint32_t);
FIELD(dtu_task, 4, 4, reserved, uint32_t);
FIELD(dtu_task, 8, 8, fn, void (*)(void*));
FIELD(dtu_task, 16, 12, destroy, void (*)(void*));
FIELD(dtu_task, 24, 16, ctx, void*);

TABLE(dtu_line, 24, 24);
FIELD(dtu_line, 0, 0, struct_size, uint32_t);
FIELD(dtu_line, 4, 4, baud, uint32_t);
FIELD(dtu_line, 8, 8, databits, uint32_t);
FIELD(dtu_line, 12, 12, stopbits, uint32_t);
FIELD(dtu_line, 16, 16, parity, int32_t);
FIELD(dtu_line, 20, 20, reserved, uint32_t);

TABLE(dtu_timer, 32, 20);
FIELD(dtu_timer, 0, 0, struct_size, uint32_t);
FIELD(dtu_timer, 4, 4, reserved, uint32_t);
FIELD(dtu_timer, 8, 8, fn, dtu_fn);
FIELD(dtu_timer, 16, 12, destroy, dtu_fn);
FIELD(dtu_timer, 24, 16, ctx, void*);

TABLE(dtu_watch, 40, 28);
FIELD(dtu_watch, 0, 0, struct_size, uint32_t);
FIELD(dtu_watch, 4, 4, fd, int32_t);
FIELD(dtu_watch, 8, 8, events, uint32_t);
FIELD(dtu_watch, 12, 12, reserved, uint32_t);
FIELD(dtu_watch, 16, 16, fn, void (*)(void*, uint32_t));
FIELD(dtu_watch, 24, 20, destroy, dtu_fn);
FIELD(dtu_watch, 32, 24, ctx, void*);

TABLE(dtu_kv_change, 64, 56);
FIELD(dtu_kv_change, 0, 0, struct_size, uint32_t);
FIELD(dtu_kv_change, 4, 4, reserved, uint32_t);
FIELD(dtu_kv_change, 8, 8, key, dtu_str);
FIELD(dtu_kv_change, 24, 24, value, dtu_str);
FIELD(dtu_kv_change, 40, 40, done, void (*)(void*, dtu_status, const dtu_error*));
FIELD(dtu_kv_change, 48, 44, destroy, dtu_fn);
FIELD(dtu_kv_change, 56, 48, ctx, void*);

TABLE(dtu_folder_usage, 24, 24);
FIELD(dtu_folder_usage, 0, 0, struct_size, uint32_t);
FIELD(dtu_folder_usage, 4, 4, reserved, uint32_t);
FIELD(dtu_folder_usage, 8, 8, used, uint64_t);
FIELD(dtu_folder_usage, 16, 16, quota, uint64_t);

TABLE(dtu_folder_service, 24, 16);
FIELD(dtu_folder_service, 0, 0, struct_size, uint32_t);
FIELD(dtu_folder_service, 4, 4, reserved, uint32_t);
FIELD(dtu_folder_service, 8, 8, path, dtu_status (*)(dtu_instance*, dtu_text_fn, void*));
FIELD(dtu_folder_service, 16, 12, usage, dtu_status (*)(dtu_instance*, dtu_folder_usage*));

TABLE(dtu_key_info, 32, 20);
FIELD(dtu_key_info, 0, 0, struct_size, uint32_t);
FIELD(dtu_key_info, 4, 4, flags, uint32_t);
FIELD(dtu_key_info, 8, 8, name, const char*);
FIELD(dtu_key_info, 16, 12, title, const char*);
FIELD(dtu_key_info, 24, 16, schema, const char*);

TABLE(dtu_keys, 16, 12);
FIELD(dtu_keys, 0, 0, struct_size, uint32_t);
FIELD(dtu_keys, 4, 4, count, uint32_t);
FIELD(dtu_keys, 8, 8, list, const dtu_key_info* const*);

TABLE(dtu_fate, 40, 40);
FIELD(dtu_fate, 0, 0, struct_size, uint32_t);
FIELD(dtu_fate, 4, 4, status, dtu_status);
FIELD(dtu_fate, 8, 8, token, uint64_t);
FIELD(dtu_fate, 16, 16, channel, uint32_t);
FIELD(dtu_fate, 20, 20, reserved, uint32_t);
FIELD(dtu_fate, 24, 24, reason, dtu_str);
