/* dtu.events/1: what a component tells whoever wants to know. "sms.received" {"number": "+1555", "text": "hello"}.
 *
 * An event has a name, the instance that told it, a sequence number, the time, and a JSON object. It is never an order
 * and never the only copy of a fact: it may be missed, and none survives a restart of dtud. Nobody waits for a
 * subscriber. What it carries came from outside (a text message, the name of a network): it is hostile, and holds no
 * secret. Members are only added to its object; what means something else gets another name.
 *
 * Names: 1 to 64 of [a-z0-9_.-], parts with dots between. The first parts system, config, channel, port, plugin,
 * command, access, event and spool are dtud's own. A vendor's own names begin with its reversed domain.
 *
 * Order: the events and the answers (dtu_host.reply) of one instance reach each other instance in the order they were
 * given. Between instances it is the order in which dtud took them. There is no order against messages. */
#ifndef DTU_EVENTS_H_
#define DTU_EVENTS_H_

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The events a component tells: an interface without functions, constant data as the descriptor is. */
typedef struct dtu_event_info {
  uint32_t struct_size, flags; /* DTU_EVENT_STATE or 0 */
  const char* name;            /* "sms.received" */
  const char* title;           /* "A text message came" */
  const char* schema;          /* JSON Schema draft-07 of its object; null or "" = any object */
} dtu_event_info;

#define DTU_EVENTS_IFACE "dtu.events/1"
typedef struct dtu_events {
  uint32_t struct_size, count;       /* at most DTU_EVENTS_MAX */
  const dtu_event_info* const* list; /* `count` of them */
} dtu_events;
#define DTU_EVENTS_MAX 64u

/* Of a declaration, and of a dtu_event. STATE: the event says how something is, so that only the newest one matters.
 * The host keeps the last one of each source, gives it to whoever subscribes, and lets only the newest wait. */
#define DTU_EVENT_STATE 1u
#define DTU_EVENT_LAST 2u /* of a dtu_event: told before this subscription was made */
#define DTU_EVENT_GONE 4u /* of a dtu_event: its source stopped, its last STATE holds no more; the object is {} */

typedef struct dtu_event {
  uint32_t struct_size, flags; /* DTU_EVENT_... */
  dtu_str name;
  dtu_str source;  /* the instance that told it ("hal sim"). An event of dtud: what it is about, or "kernel" */
  uint64_t seq;    /* grows with each event of any source, from 1 at the start of dtud */
  int64_t time_ns; /* Unix time at which dtud took it */
  dtu_str json;    /* an object */
  uint64_t missed; /* how many events for this instance were dropped since the one before: its queue was full */
} dtu_event;
typedef void (*dtu_event_fn)(void* ctx, const dtu_event*);

typedef struct dtu_subscription {
  uint32_t struct_size, reserved;
  dtu_str pattern; /* a name; or the first parts of names with a dot at the end: "sms." */
  dtu_event_fn fn; /* [lane] never inside a call into the instance, not before create() returned, not after stop() was
                      called. Everything in the event is valid until fn returns */
  void (*destroy)(void* ctx); /* [lane] optional: called once, when nothing is called with `ctx` any more: the
                                 subscription ended, the instance is about to be destroyed, or subscribe() failed */
  void* ctx;
} dtu_subscription;

#define DTU_EVENT_JSON_MAX (16u << 10)      /* bytes of an event's object */
#define DTU_EVENT_STATE_JSON_MAX (4u << 10) /* of one with DTU_EVENT_STATE */
#define DTU_SUBSCRIPTIONS_MAX 64u           /* of an instance */

#define DTU_EVENTS_SERVICE "dtu.events/1"
typedef struct dtu_events_service {
  uint32_t struct_size, reserved;

  /* [any] Tells an event of this component's list. It only queues. A state may be told as often as it changes, not over
   * and over: an instance may tell 200 events at once, 20 a second and 64 KiB a second in the long run.
   *   DTU_E_DENIED   the name is not in the list
   *   DTU_E_INVALID  `json` is no JSON object, or too long
   *   DTU_AGAIN      too many: this one is dropped and counted as a flood
   *   DTU_E_CLOSED   stop() has begun, or the instance is gone */
  dtu_status (*publish)(dtu_instance*, dtu_str name, dtu_str json);

  /* [lane] The last STATE of each source that `pattern` names comes first, marked DTU_EVENT_LAST, then what follows;
   * nothing in between is missed and nothing comes twice. A queue holds 256 events or 256 KiB of an instance that does
   * not keep up; then the oldest of the source with the most in it is dropped, dtud's own last.
   *   DTU_E_INVALID  a null function, a pattern that names nothing, or a struct that is too short (then destroy is not
   *                  called: where it is cannot be known)
   *   DTU_AGAIN      the instance has DTU_SUBSCRIPTIONS_MAX already
   *   DTU_E_CLOSED   the call is on another thread, stop() has begun, or the instance is gone */
  dtu_status (*subscribe)(dtu_instance*, const dtu_subscription*, uint64_t* id);
  dtu_status (*unsubscribe)(dtu_instance*, uint64_t id); /* [lane] also from inside its own fn */
} dtu_events_service;

#ifdef __cplusplus
}
#endif
#endif /* DTU_EVENTS_H_ */
