/* dtu.invoke/1, a service: runs commands and reads points, whoever offers them. */
#ifndef DTU_INVOKE_H_
#define DTU_INVOKE_H_

#include "commands.h"
#include "points.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dtu_answer {
  uint32_t struct_size;
  dtu_status status;
  dtu_str json;           /* a JSON value; "" = null */
  const dtu_error* error; /* null when status is DTU_OK */
  uint32_t age_ms, flags; /* of a point's value, as its provider gave them (dtu_reply) */
} dtu_answer;
typedef void (*dtu_answer_fn)(void* ctx, const dtu_answer*);

/* Each request below has done, destroy and ctx.
 *   done     [lane] called once, never inside the call that asks, and not after the asker's stop() was called
 *   destroy  [lane] optional, called once: nothing is called with ctx any more. After done(), after cancel(), when the
 *            instance stops, and, within the call, when asking fails. */
typedef struct dtu_request {
  uint32_t struct_size;
  uint32_t caller;      /* DTU_CALLER_...: for whom the plugin asks */
  dtu_str command;      /* a name; or "" and */
  int64_t code;         /* a function code; -1 = none */
  dtu_str args;         /* a JSON object; "" = {} */
  dtu_str password;     /* ptr null: none was given */
  uint64_t link;        /* for a CHANNEL or a PORT: the link of the session, in dtu.link/1 */
  uint64_t for_call;    /* for an ASKER: the call of dtu.commands/1 that this instance is answering */
  uint32_t channel;     /* for a CHANNEL: its number */
  uint32_t deadline_ms; /* 0 = the host's default */
  uint64_t peer;        /* for a CHANNEL: dtu_msg.source of the message that asks */
  dtu_str remote;       /* for a REMOTE: who it is, "sms +15550100". At most 64 bytes */
  dtu_str to;           /* the name of the instance that shall answer a shared command; "" = its first provider */
  dtu_answer_fn done;
  void (*destroy)(void* ctx);
  void* ctx;
} dtu_request;

/* Read, write or wait for one point. */
typedef struct dtu_point_request {
  uint32_t struct_size;
  uint32_t deadline_ms; /* 0 = the host's default; await_point: 0 = none, only cancel() ends it */
  dtu_str point;
  dtu_str json; /* write_point: the value. await_point: the value it has; the answer comes when it is another one */
  dtu_answer_fn done;
  void (*destroy)(void* ctx);
  void* ctx;
} dtu_point_request;

/* A function that the host keeps until it runs, once. destroy: as above. */
typedef struct dtu_task {
  uint32_t struct_size, reserved;
  void (*fn)(void* ctx);
  void (*destroy)(void* ctx);
  void* ctx;
} dtu_task;

/* `call` (may be null) gets a number for cancel(). On failure of the asking itself done is not called. An instance may
 * have 1024 requests under way, then DTU_AGAIN. */
#define DTU_INVOKE_SERVICE "dtu.invoke/1"
typedef struct dtu_invoke_service {
  uint32_t struct_size, reserved;
  dtu_status (*invoke)(dtu_instance*, const dtu_request*, uint64_t* call, dtu_error*);            /* [lane] */
  dtu_status (*read_point)(dtu_instance*, const dtu_point_request*, uint64_t* call, dtu_error*);  /* [lane] */
  dtu_status (*write_point)(dtu_instance*, const dtu_point_request*, uint64_t* call, dtu_error*); /* [lane] */
  /* [lane] DTU_E_UNSUPPORTED, at once or as the answer: this point cannot tell of its changes. Then read it. */
  dtu_status (*await_point)(dtu_instance*, const dtu_point_request*, uint64_t* call, dtu_error*);
  /* [lane] Nobody waits for this request any more: done is not called, destroy is, and who was to answer is told.
   * Also from inside another request's done. DTU_E_NOT_FOUND: there is no such request of this instance. */
  dtu_status (*cancel)(dtu_instance*, uint64_t call);

  /* [lane] Runs the task when the answers that have been given so far, to whomever, have left: written to the port,
   * completed by the channel, or fetched by the local client; at the latest after `deadline_ms` (at most 60,000). For
   * what cuts the way the answer takes: a restart, a new address. */
  dtu_status (*after_answers)(dtu_instance*, uint32_t deadline_ms, const dtu_task*);

  /* [lane] The points there are now whose names begin with `prefix`, sorted by name, within the call. "gpio." */
  dtu_status (*list_points)(dtu_instance*, dtu_str prefix, void (*each)(void* ctx, const dtu_point_info*), void* ctx);
  /* [lane] The same for commands. `provider` is the name of the instance that offers it; "" = the host. Those of one
   * name come in the order of their providers in board.json: a call without `to` goes to the first. */
  dtu_status (*list_commands)(dtu_instance*, dtu_str prefix,
                              void (*each)(void* ctx, dtu_str provider, const dtu_command_info*), void* ctx);
} dtu_invoke_service;

#ifdef __cplusplus
}
#endif
#endif /* DTU_INVOKE_H_ */
