/* Optional host services, fetched by id with host->service. Ids are versioned; a table only grows. */
#ifndef DTU_SERVICES_H_
#define DTU_SERVICES_H_

#include "invoke.h"
#include "link.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef void (*dtu_fn)(void* ctx);
typedef void (*dtu_text_fn)(void* ctx, dtu_str text);

/* In each struct below `destroy` is optional and is called once, when nothing is called with `ctx` any more: the thing
 * was ended by its function here or by itself, the instance is about to be destroyed, or, within the call, making it
 * failed. A struct that is too short is refused without that: where destroy is cannot be known. */

/* Timers on the instance's lane. A timer that runs late runs once, not many times. All [lane]. */
#define DTU_TIMER_SERVICE "dtu.timer/1"
typedef struct dtu_timer {
  uint32_t struct_size, reserved;
  dtu_fn fn;
  dtu_fn destroy;
  void* ctx;
} dtu_timer;
typedef struct dtu_timer_service {
  uint32_t struct_size, reserved;
  dtu_status (*create)(dtu_instance*, const dtu_timer*, uint64_t* id);                  /* disarmed */
  dtu_status (*arm)(dtu_instance*, uint64_t id, uint64_t delay_us, uint64_t period_us); /* period 0: once; re-arms */
  dtu_status (*disarm)(dtu_instance*, uint64_t id);
  dtu_status (*destroy)(dtu_instance*, uint64_t id); /* also from inside its own function */
} dtu_timer_service;

/* Watches a file descriptor on the lane, level-triggered. The descriptor stays the plugin's: remove before close. */
#define DTU_FD_SERVICE "dtu.fd/1"
#define DTU_FD_READ 1u
#define DTU_FD_WRITE 2u
#define DTU_FD_ERROR 4u /* error or hang-up; reported whether asked for or not */
typedef struct dtu_watch {
  uint32_t struct_size;
  int32_t fd;
  uint32_t events, reserved; /* DTU_FD_READ, DTU_FD_WRITE */
  void (*fn)(void* ctx, uint32_t events);
  dtu_fn destroy;
  void* ctx;
} dtu_watch;
typedef struct dtu_fd_service {
  uint32_t struct_size, reserved;
  dtu_status (*add)(dtu_instance*, const dtu_watch*, uint64_t* id);  /* [lane] */
  dtu_status (*modify)(dtu_instance*, uint64_t id, uint32_t events); /* [lane] 0: only errors */
  dtu_status (*remove)(dtu_instance*, uint64_t id);                  /* [lane] also from inside its own function */
} dtu_fd_service;

/* Runs the task on the instance's lane, soon, in the order posted. If the instance is gone by then it is not run, and
 * only task.destroy is called: on the lane, or, where post() itself fails, within the call on the caller's thread. */
#define DTU_POST_SERVICE "dtu.post/1"
typedef struct dtu_post_service {
  uint32_t struct_size, reserved;
  dtu_status (*post)(dtu_instance*, const dtu_task*); /* [any] DTU_AGAIN: 16384 of them wait already */
} dtu_post_service;

/* Small durable state of the instance, kept across restarts. Keys: 1 to 64 of [A-Za-z0-9._-]; values up to 64 KiB; all
 * of an instance together up to DTU_KV_MAX. */
#define DTU_KV_SERVICE "dtu.kv/1"
#define DTU_KV_MAX (1u << 20) /* bytes of keys and values of one instance */
typedef struct dtu_kv_change {
  uint32_t struct_size, reserved;
  dtu_str key;
  dtu_str value; /* ptr null: the key is removed */
  /* [lane] optional: DTU_OK: it is on the disk, and survives a power cut. DTU_E_IO: it is not, and get() says what was
   * there before. Never inside change(), in the order of the changes; not after stop() was called. */
  void (*done)(void* ctx, dtu_status, const dtu_error*);
  dtu_fn destroy;
  void* ctx;
} dtu_kv_change;
typedef struct dtu_kv_service {
  uint32_t struct_size, reserved;
  /* [lane] The newest value that change() took, within the call. DTU_E_NOT_FOUND: fn is not called */
  dtu_status (*get)(dtu_instance*, dtu_str key, dtu_text_fn, void* ctx);
  /* [lane] DTU_PENDING: taken, done() tells. Does not wait for the disk; what was taken before stop() returns is
   * written. DTU_E_INVALID: the key or the value cannot be kept. DTU_AGAIN: over DTU_KV_MAX with it. DTU_E_IO: the disk
   * failed */
  dtu_status (*change)(dtu_instance*, const dtu_kv_change*);
} dtu_kv_service;

/* A folder of the instance's own, for what is too big for dtu.kv: kept across restarts, mode 0700. It is no barrier:
 * plugins run as one user. Files in it are the plugin's business, also that they survive a power cut. */
#define DTU_FOLDER_SERVICE "dtu.folder/1"
typedef struct dtu_folder_usage {
  uint32_t struct_size, reserved;
  uint64_t used, quota; /* bytes; quota as "folder_mb" of the plugin in board.json says */
} dtu_folder_usage;
typedef struct dtu_folder_service {
  uint32_t struct_size, reserved;
  /* [lane] Its absolute path, within the call. DTU_AGAIN: it holds more than its quota; fn is called all the same:
   * delete something. DTU_E_IO: it cannot be made. */
  dtu_status (*path)(dtu_instance*, dtu_text_fn, void* ctx);
  /* [lane] How much it held when the host last looked: soon after the first path(), and once a minute. DTU_PENDING: it
   * did not look yet. Over the quota it warns, and tells it as a fault. */
  dtu_status (*usage)(dtu_instance*, dtu_folder_usage*);
} dtu_folder_service;

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

/* Short forms for C, without a destroy and without a done. */
static inline dtu_status dtu_kv_set(const dtu_kv_service* kv, dtu_instance* instance, dtu_str key, dtu_str value) {
  dtu_kv_change change = {sizeof(dtu_kv_change), 0, key, value, NULL, NULL, NULL};
  if (value.ptr == NULL && value.len == 0) change.value.ptr = ""; /* null would remove it */
  return kv->change(instance, &change);
}
static inline dtu_status dtu_kv_remove(const dtu_kv_service* kv, dtu_instance* instance, dtu_str key) {
  const dtu_kv_change change = {sizeof(dtu_kv_change), 0, key, {NULL, 0}, NULL, NULL, NULL};
  return kv->change(instance, &change);
}
static inline dtu_status dtu_create_timer(const dtu_timer_service* timers, dtu_instance* instance, dtu_fn fn, void* ctx,
                                          uint64_t* id) {
  const dtu_timer timer = {sizeof(dtu_timer), 0, fn, NULL, ctx};
  return timers->create(instance, &timer, id);
}
static inline dtu_status dtu_add_watch(const dtu_fd_service* fds, dtu_instance* instance, int32_t fd, uint32_t events,
                                       void (*fn)(void* ctx, uint32_t events), void* ctx, uint64_t* id) {
  const dtu_watch watch = {sizeof(dtu_watch), fd, events, 0, fn, NULL, ctx};
  return fds->add(instance, &watch, id);
}
static inline dtu_status dtu_post(const dtu_post_service* posts, dtu_instance* instance, dtu_fn fn, void* ctx) {
  const dtu_task task = {sizeof(dtu_task), 0, fn, NULL, ctx};
  return posts->post(instance, &task);
}

#ifdef __cplusplus
}
#endif
#endif /* DTU_SERVICES_H_ */
