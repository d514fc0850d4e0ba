/* The plugin ABI of dtukit: what both sides of the boundary share. Pure C11, no dependency.
 *
 * A plugin is a shared object that exports one constant, `dtu_plugin_v0`. It describes components; a component is a
 * kind (what a product picks), a type (what a configuration names), a JSON Schema, life-cycle functions and a list of
 * interfaces. A plugin links with nothing of dtukit: it calls the host through tables.
 *
 * Two classes of struct
 *   tables       start with struct_size, grow only at their end, travel by pointer, one at a time. Read a field the
 *                other side may be too old to have through DTU_HAS.
 *   value types  (dtu_str, dtu_msg, dtu_prop, dtu_error, dtu_iface) travel in arrays and are frozen for the major.
 *
 * Threads: every function carries one of these tags.
 *   [load]  a thread of the host, without an instance: constant data is read, and check() is called.
 *   [lane]  the instance's lane: calls into one instance never overlap and each happens-before the next.
 *   [any]   any thread, also from inside a [lane] call. Never blocks, never calls back into the plugin.
 *
 * Strings are UTF-8 and not NUL-terminated, unless the type is const char *. What is compatible: sdk/abi/POLICY.md. */
#ifndef DTU_ABI_H_
#define DTU_ABI_H_

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#ifndef DTU_ABI_MAJOR /* overridden only by the fixtures that forge another release */
#define DTU_ABI_MAJOR 0
#endif
#ifndef DTU_ABI_MINOR
#define DTU_ABI_MINOR 2
#endif
#define DTU_MAGIC 0x50555444u /* "DTUP", little endian */

#define DTU_CAT_(a, b) a##b
#define DTU_CAT(a, b) DTU_CAT_(a, b)
#define DTU_ENTRY DTU_CAT(dtu_plugin_v, DTU_ABI_MAJOR)
#define DTU_EXPORT __attribute__((visibility("default")))

/* True when the other side's table is long enough to hold `field`, and the field is set. */
#define DTU_HAS(p, type, field) ((p)->struct_size >= offsetof(type, field) + sizeof((p)->field) && (p)->field)

typedef int32_t dtu_status; /* 0 success, below 0 failure, above 0 a state */
#define DTU_OK 0
#define DTU_PENDING 1          /* begun; the result comes later, by the way the function names */
#define DTU_AGAIN (-1)         /* full: see how many were taken, keep the rest until told there is room */
#define DTU_E_INVALID (-2)     /* an argument or a message that can never succeed */
#define DTU_E_UNSUPPORTED (-3) /* this board, build or peer cannot */
#define DTU_E_IO (-4)          /* the device or the network failed; trying again may help */
#define DTU_E_EXCEPTION (-6)   /* a C++ exception was stopped at the boundary */
#define DTU_E_CLOSED (-7)      /* the instance, session or call is gone */
#define DTU_E_INTERNAL (-8)
#define DTU_E_NOT_FOUND (-9)
#define DTU_E_DENIED (-10) /* a password is needed and none was given */
#define DTU_E_WRONG_PASSWORD (-11)
#define DTU_E_LOCKED (-12) /* too many wrong passwords from this source: wait */
#define DTU_E_TIMEOUT (-13)
#define DTU_E_STOPPED (-14)   /* the protocol was stopped by a command (D1, function code 253) */
#define DTU_E_CANCELLED (-17) /* who asked does not want it any more; -15 and -16 are in channel.h */

typedef struct dtu_str {
  const char* ptr;
  uint64_t len;
} dtu_str;

/* Allocated by the caller, filled by the callee; a null pointer means the caller does not care. */
typedef struct dtu_error {
  uint32_t struct_size;
  dtu_status code;
  uint32_t flags;
  uint32_t protocol_code; /* the status code of the DTU protocol that says it best (4002 = HTTP 500); 0 = none */
  char message[240];      /* NUL-terminated: what happened, to what, what to do. No secrets. */
} dtu_error;
#define DTU_ERR_RETRYABLE 1u /* worth another try by itself; without it an operator is needed */

typedef struct dtu_instance dtu_instance; /* host handle of a running component, checked by generation */
struct dtu_host;                          /* host.h */

/* States an instance or a port reports. */
#define DTU_STATE_CONNECTING 1 /* trying; messages wait */
#define DTU_STATE_UP 2         /* can carry messages */
#define DTU_STATE_DEGRADED 3   /* carries messages, but see the error */
#define DTU_STATE_DOWN 4       /* cannot, and keeps trying by itself */
#define DTU_STATE_FAILED 5     /* cannot, and gave up: the host restarts the instance with back-off */
#define DTU_STATE_STOPPED 6    /* a stop() that answered DTU_PENDING is finished */

/* An interface a component offers: "dtu.channel/1" and its table. */
typedef struct dtu_iface {
  const char* id;
  const void* table;
} dtu_iface;

/* What check() finds. `path` is a JSON pointer into the configuration: "/tls/ca"; "" = all of it. `text` is for people
 * and holds no secrets. Of a CLAIM and an OFFER, which are no faults, it is a name instead, "kind:rest":
 *   CLAIM  what only one component of a product may use: "tcp-listen:7001:127.0.0.1". A name that ends with * overlaps
 *          every name with the same beginning: "tcp-listen:7001:*".
 *   OFFER  of a HAL: "port:1", "gpio:4", "output:4" (may be a direction pin), "firmware:modem", "network:apn". It names
 *          all of a kind, or none of it; "port:" says that it has no port. */
typedef struct dtu_finding {
  uint32_t struct_size, level; /* DTU_FINDING_... */
  dtu_str path, text;
} dtu_finding;
#define DTU_FINDING_ERROR 1u   /* create() or start() refuses it, or it can never work */
#define DTU_FINDING_WARNING 2u /* it works, but not as intended, or something it needs is missing at the moment */
#define DTU_FINDING_CLAIM 3u
#define DTU_FINDING_OFFER 4u
typedef void (*dtu_finding_fn)(void* ctx, const dtu_finding*);

/* create -> start -> ... -> stop -> destroy. It emits, completes, reports, replies in between only. Null: has none. */
typedef struct dtu_ops {
  uint32_t struct_size, reserved;
  dtu_status (*start)(void* self, dtu_error*);                      /* [lane] PENDING: report(UP) comes later */
  dtu_status (*stop)(void* self, uint32_t deadline_ms, dtu_error*); /* [lane] PENDING: report(STOPPED) comes later */
  void (*destroy)(void* self);                                      /* [lane] after stop; gives back what is left */
  void (*writable)(void* self, uint64_t source);                    /* [lane] optional: emit may go on after AGAIN;
                                                                       source: the port key, 0 for a channel */
  dtu_status (*health)(void* self,
                       void (*out)(void* ctx, dtu_str json), /* [lane] optional: one JSON object for status */
                       void* ctx);
  /* [load] optional: what is wrong with `config`, which is as create() gets it. It makes no instance, opens no socket
   * and no device, keeps nothing, and does not wait; files that `config` names may be read. It may be called while
   * instances run. DTU_OK: it looked, whatever it found. */
  dtu_status (*check)(dtu_str config, dtu_finding_fn out, void* ctx, dtu_error*);
} dtu_ops;

#define DTU_KIND_CHANNEL 1u
#define DTU_KIND_HAL 2u
#define DTU_KIND_COMMAND 3u

#define DTU_CAP_BLOCKING 1u /* calls may block: gets a lane (thread) of its own */
#define DTU_CAP_TOPICS 2u   /* channel: messages carry a topic id in `route` */
#define DTU_CAP_REQUESTS 4u /* channel: each message is a request of its own (HTTP): sends no registration (D13) */
#define DTU_CAP_CONNECTIONLESS 8u /* channel: UP proves nothing (UDP, HTTP); only what comes from it does */

/* One creatable thing: constant data. */
typedef struct dtu_component {
  uint32_t struct_size, kind;
  const char* type;          /* "mqtt" */
  const char* title;         /* "MQTT broker" */
  const char* config_schema; /* JSON Schema draft-07 of its part of the configuration */
  uint64_t caps;
  /* [lane] `config` satisfies the schema, defaults filled in. It may log and use services, but tells nothing yet. */
  dtu_status (*create)(const struct dtu_host*, dtu_instance*, dtu_str config, void** self, dtu_error*);
  const dtu_ops* ops;
  const dtu_iface* ifaces;
  uint64_t iface_count;
} dtu_component;

typedef struct dtu_plugin {
  uint32_t magic, struct_size;
  uint16_t abi_major, abi_minor;               /* of the headers it was built with */
  uint16_t min_host_minor, reserved;           /* oldest host minor it can live with */
  const char *id, *version, *vendor, *license; /* "org.example.mqtt", "2.1.0", "Example Ltd", SPDX */
  const dtu_component* const* components;
  uint64_t component_count;
} dtu_plugin;

/* The one exported symbol. Its name carries the major. */
DTU_EXPORT extern const dtu_plugin DTU_ENTRY;

/* Says without running any code which types a file holds, so that the host opens only the files it needs:
 * DTU_TYPES("channel:mqtt hal:x"). A file without it is opened to be asked. */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define DTU_KEPT_ __attribute__((used, retain, section("dtu_types"))) /* also by a linker with --gc-sections */
#endif
#endif
#ifndef DTU_KEPT_
#define DTU_KEPT_ __attribute__((used, section("dtu_types")))
#endif
#define DTU_TYPES(list) DTU_KEPT_ static const char dtu_types_[] = list

#ifdef __cplusplus
}
#endif
#endif /* DTU_ABI_H_ */
