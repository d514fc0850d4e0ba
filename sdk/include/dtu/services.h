/* Optional host services, fetched by id with host->service. Ids are versioned; a table only grows. */
#ifndef DTU_SERVICES_H_
#define DTU_SERVICES_H_

#include "commands.h"
#include "points.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*dtu_fn)(void* ctx);
typedef void (*dtu_text_fn)(void* ctx, dtu_str text);

/* Timers on the instance's lane. A timer that runs late runs once, not many times. All [lane]. */
#define DTU_TIMER_SERVICE "dtu.timer/1"
typedef struct dtu_timer_service {
  uint32_t struct_size, reserved;
  dtu_status (*create)(dtu_instance*, dtu_fn, void* ctx, uint64_t* id);                 /* disarmed */
  dtu_status (*arm)(dtu_instance*, uint64_t id, uint64_t delay_us, uint64_t period_us); /* period 0: once; re-arms */
  dtu_status (*disarm)(dtu_instance*, uint64_t id);
  dtu_status (*destroy)(dtu_instance*, uint64_t id); /* also from inside its own function */
} dtu_timer_service;

/* Watches a file descriptor on the lane, level-triggered. The descriptor stays the plugin's: remove before close. */
#define DTU_FD_SERVICE "dtu.fd/1"
#define DTU_FD_READ 1u
#define DTU_FD_WRITE 2u
#define DTU_FD_ERROR 4u /* error or hang-up; reported whether asked for or not */
typedef struct dtu_fd_service {
  uint32_t struct_size, reserved;
  dtu_status (*add)(dtu_instance*, int32_t fd, uint32_t events, void (*fn)(void* ctx, uint32_t events), void* ctx,
                    uint64_t* id);                                   /* [lane] */
  dtu_status (*modify)(dtu_instance*, uint64_t id, uint32_t events); /* [lane] 0: only errors */
  dtu_status (*remove)(dtu_instance*, uint64_t id);                  /* [lane] also from inside its own function */
} dtu_fd_service;

/* Runs fn on the instance's lane, soon, in the order posted; dropped if the instance is gone by then. */
#define DTU_POST_SERVICE "dtu.post/1"
typedef struct dtu_post_service {
  uint32_t struct_size, reserved;
  dtu_status (*post)(dtu_instance*, dtu_fn, void* ctx); /* [any] DTU_AGAIN: 16384 of them wait already */
} dtu_post_service;

/* Small durable state of the instance, kept across restarts. Keys: 1 to 64 of [A-Za-z0-9._-]; values up to 64 KiB. */
#define DTU_KV_SERVICE "dtu.kv/1"
typedef struct dtu_kv_service {
  uint32_t struct_size, reserved;
  dtu_status (*get)(dtu_instance*, dtu_str key, dtu_text_fn, void* ctx); /* [lane] DTU_E_NOT_FOUND: fn is not called */
  dtu_status (*set)(dtu_instance*, dtu_str key, dtu_str value);          /* [lane] on disk when it returns DTU_OK */
  dtu_status (*remove)(dtu_instance*, dtu_str key);                      /* [lane] */
} dtu_kv_service;

/* Counters and gauges shown in /metrics as dtu_<name>{component="..."}. name: [a-z0-9_], or name{label="value"}. */
#define DTU_METRICS_SERVICE "dtu.metrics/1"
#define DTU_METRIC_COUNTER 1u
#define DTU_METRIC_GAUGE 2u
typedef struct dtu_metrics_service {
  uint32_t struct_size, reserved;
  dtu_status (*add)(dtu_instance*, uint32_t kind, dtu_str name, dtu_str help,
                    uint64_t* id);                           /* [lane] create or start */
  void (*increase)(dtu_instance*, uint64_t id, uint64_t by); /* [any] */
  void (*set)(dtu_instance*, uint64_t id, int64_t value);    /* [any] */
} dtu_metrics_service;

typedef struct dtu_answer {
  uint32_t struct_size;
  dtu_status status;
  dtu_str json;           /* a JSON value; "" = null */
  const dtu_error* error; /* null when status is DTU_OK */
} dtu_answer;
typedef void (*dtu_answer_fn)(void* ctx, const dtu_answer*);

typedef struct dtu_request {
  uint32_t struct_size, flags;
  dtu_str command;      /* a name; or "" and */
  int64_t code;         /* a function code; -1 = none */
  dtu_str args;         /* a JSON object; "" = {} */
  dtu_str password;     /* ptr null: none was given */
  dtu_str source;       /* who asks, for lock-out and audit: "channel 3", "port 1" */
  uint32_t deadline_ms; /* 0 = the host's default */
  uint32_t reserved;
  dtu_answer_fn done; /* [lane] once, never inside invoke(); not after the asker's stop */
  void* ctx;
  dtu_str to; /* since 0.2: the name of the instance that shall answer a shared command; "" = its first provider */
} dtu_request;
#define DTU_REQ_TRUSTED 1u /* the plugin itself asks, for itself: no password is needed */

/* Runs commands and reads points, whoever offers them. On failure of the call itself, done is not called. */
#define DTU_INVOKE_SERVICE "dtu.invoke/1"
typedef struct dtu_invoke_service {
  uint32_t struct_size, reserved;
  dtu_status (*invoke)(dtu_instance*, const dtu_request*, dtu_error*);                               /* [lane] */
  dtu_status (*read_point)(dtu_instance*, dtu_str point, dtu_answer_fn done, void* ctx, dtu_error*); /* [lane] */
  dtu_status (*write_point)(dtu_instance*, dtu_str point, dtu_str json, dtu_answer_fn done, void* ctx, dtu_error*);
  /* [lane] The points there are now whose names begin with `prefix`, sorted by name, within the call. "gpio." */
  dtu_status (*list_points)(dtu_instance*, dtu_str prefix, void (*each)(void* ctx, const dtu_point_info*), void* ctx);
  /* [lane] since 0.2: the same for commands. `provider` is the name of the instance that offers it; "" = the host.
   * Those of one name come in the order of their providers in board.json: a call without `to` goes to the first. */
  dtu_status (*list_commands)(dtu_instance*, dtu_str prefix,
                              void (*each)(void* ctx, dtu_str provider, const dtu_command_info*), void* ctx);
} dtu_invoke_service;

/* For dialects: where messages go. The host only queues, so neither call comes back into the plugin.
 * DTU_OK: queued (or dropped and counted, by the overflow policy of the channel); DTU_E_NOT_FOUND: no such channel on
 * this link, or no port; DTU_E_INVALID: too long. */
#define DTU_LINK_SERVICE "dtu.link/1"
typedef struct dtu_link_service {
  uint32_t struct_size, reserved;
  dtu_status (*to_port)(dtu_instance*, uint64_t link, const dtu_msg*); /* [lane] */
  dtu_status (*to_channel)(dtu_instance*, uint64_t link, uint32_t channel,
                           const dtu_msg*); /* [lane] source: the peer */
  /* Counts something the dialect had to drop ("bad_crc"), visible as dtu_dialect_drops{reason=...}. */
  void (*drop)(dtu_instance*, uint64_t link, dtu_str reason, uint64_t bytes); /* [lane] */
} dtu_link_service;

#ifdef __cplusplus
}
#endif
#endif /* DTU_SERVICES_H_ */
