/* What the host offers every instance. Valid from create() until destroy() returns; all [any].
 * A call with the handle of a gone instance does nothing and answers DTU_E_CLOSED. */
#ifndef DTU_HOST_H_
#define DTU_HOST_H_

#include "message.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DTU_LOG_ERROR 3 /* syslog's numbers */
#define DTU_LOG_WARNING 4
#define DTU_LOG_INFO 6
#define DTU_LOG_DEBUG 7

/* What a plugin tells of one message, of its state, of one call. Short forms for C are at the end of this file. */
typedef struct dtu_completion {
  uint32_t struct_size;
  dtu_status status;
  uint64_t token;
  const dtu_error* error; /* optional: why it was rejected or refused, for the log */
} dtu_completion;

typedef struct dtu_state {
  uint32_t struct_size;
  int32_t state;          /* DTU_STATE_... */
  uint64_t source;        /* the key of a port; 0 = the instance */
  const dtu_error* error; /* optional */
} dtu_state;

#define DTU_REPLY_STALE                                                                        \
  1u /* flags of dtu_reply and dtu_answer: the value is older than its provider means it to be \
      */
typedef struct dtu_reply {
  uint32_t struct_size;
  dtu_status status;
  uint64_t call;
  dtu_str json;           /* a JSON value; "" = null */
  const dtu_error* error; /* null when status is DTU_OK */
  uint32_t age_ms;        /* of a point: how long ago the value was measured. 0: now; UINT32_MAX: that long or longer */
  uint32_t flags;         /* DTU_REPLY_STALE */
} dtu_reply;

typedef struct dtu_host {
  uint32_t struct_size;
  uint16_t abi_major, abi_minor;

  void (*log)(dtu_instance*, int32_t level, dtu_str text);

  /* A buffer of len bytes with one reference, or null when memory is short or len is over DTU_PAYLOAD_MAX. References
   * are counted by instance: what one has not given back when destroy() returns is a leak, and said to be its. */
  dtu_buf* (*buf_alloc)(dtu_instance*, uint64_t len, uint8_t** bytes);
  void (*buf_ref)(dtu_instance*, dtu_buf*);
  void (*buf_unref)(dtu_instance*, dtu_buf*); /* also after destroy(), of what it still holds */

  /* Hands over what was read: a HAL from its ports, a channel from its remote end. On return the first *taken messages
   * were taken, in order; the answer is about msgs[*taken], and nothing behind it was looked at:
   *   DTU_OK           there is none, all n were taken
   *   DTU_AGAIN        no room: keep it and the rest until writable() is called with its source
   *   DTU_E_INVALID    too long (DTU_PAYLOAD_MAX, DTU_ROUTE_MAX), never to be taken: leave it out, go on behind it
   *   DTU_E_NOT_FOUND  its source is no open port. What a thread of the plugin's own emits there is taken and dropped
   *   DTU_E_INTERNAL   memory is short
   *   DTU_E_CLOSED     stop() has begun, or the instance is gone; *taken is 0 */
  dtu_status (*emit)(dtu_instance*, const dtu_msg*, uint32_t n, uint32_t* taken);

  /* A channel is done with the message of `token`. Exactly once per token taken, in any order.
   *   DTU_OK          delivered (PUBACK, 2xx, bytes acknowledged): the host forgets it
   *   DTU_E_INVALID   can never be delivered: counted as rejected and forgotten
   *   anything else   not delivered: the host keeps it and sends it again, before what came after it */
  void (*complete)(dtu_instance*, const dtu_completion*);

  /* There is room again after send() or write() answered DTU_AGAIN. source: the port key, 0 for a channel. */
  void (*writable)(dtu_instance*, uint64_t source);

  /* The state changed. source: a port's key, or 0 for the instance. A channel starts as CONNECTING and gets messages
   * only while UP or DEGRADED. The error may be null. */
  void (*report)(dtu_instance*, const dtu_state*);

  /* Answers a call of dtu.commands/1 or dtu.points/1. Once per call. */
  dtu_status (*reply)(dtu_instance*, const dtu_reply*);

  /* An optional service by id ("dtu.timer/1", services.h), or null. The pointer stays valid as long as the host. */
  const void* (*service)(dtu_instance*, const char* id);

  int64_t (*monotonic_ns)(void); /* never jumps; for durations */
} dtu_host;

static inline void dtu_complete(const dtu_host* host, dtu_instance* instance, uint64_t token, dtu_status status) {
  const dtu_completion completion = {sizeof(dtu_completion), status, token, NULL};
  host->complete(instance, &completion);
}
static inline void dtu_report(const dtu_host* host, dtu_instance* instance, uint64_t source, int32_t state,
                              const dtu_error* error) {
  const dtu_state told = {sizeof(dtu_state), state, source, error};
  host->report(instance, &told);
}
static inline dtu_status dtu_reply_to(const dtu_host* host, dtu_instance* instance, uint64_t call, dtu_status status,
                                      dtu_str json, const dtu_error* error) {
  const dtu_reply reply = {sizeof(dtu_reply), status, call, json, error, 0, 0};
  return host->reply(instance, &reply);
}

#ifdef __cplusplus
}
#endif
#endif /* DTU_HOST_H_ */
