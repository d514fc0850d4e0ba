/* A channel in C11: what a line sends comes back on it. No thread, no global state: everything is in `loopback`, and
 * every call of one instance happens on its lane, one after the other. */
#include <dtu/channel.h>
#include <dtu/services.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "json.h"
#include "schema.json.h"

DTU_TYPES("channel:loopback");

typedef struct loopback {
  const dtu_host* host;
  dtu_instance* instance;
  uint64_t longest; /* bytes of a message */
  uint64_t messages, bytes;
  const dtu_metrics_service* metrics; /* null when the host has none */
  uint64_t bytes_metric;
} loopback;

static dtu_str text(const char* s) {
  dtu_str str = {s, 0};
  while (s[str.len] != '\0') ++str.len;
  return str;
}

static dtu_status fail(dtu_error* error, dtu_status code, uint32_t flags, const char* what) {
  if (error != NULL) {
    *error = (dtu_error){.struct_size = sizeof *error, .code = code, .flags = flags};
    snprintf(error->message, sizeof error->message, "%s", what);
  }
  return code;
}

static dtu_status loopback_create(const dtu_host* host, dtu_instance* instance, dtu_str config, void** self,
                                  dtu_error* error) {
  dtu_str value;
  uint64_t longest;
  if (!json_member(config, "longest", &value) || !json_number(value, &longest))
    return fail(error, DTU_E_INVALID, 0, "/longest: a whole number of bytes is needed, such as 1024");
  loopback* me = calloc(1, sizeof *me);
  if (me == NULL) return fail(error, DTU_E_INTERNAL, DTU_ERR_RETRYABLE, "memory is short");
  me->longest = longest;
  me->host = host;
  me->instance = instance;
  me->metrics = host->service(instance, DTU_METRICS_SERVICE);
  *self = me;
  return DTU_OK;
}

static dtu_status loopback_start(void* self, dtu_error* error) {
  (void)error;
  loopback* me = self;
  if (me->metrics != NULL && me->metrics->add(me->instance, DTU_METRIC_COUNTER, text("loopback_bytes"),
                                              text("Bytes given back"), &me->bytes_metric) != DTU_OK)
    me->metrics = NULL;
  dtu_report(me->host, me->instance, 0, DTU_STATE_UP, NULL);
  return DTU_OK;
}

static dtu_status loopback_stop(void* self, uint32_t deadline_ms, dtu_error* error) {
  (void)self, (void)deadline_ms, (void)error; /* nothing is under way: send() completes what it takes */
  return DTU_OK;
}

static void loopback_destroy(void* self) { free(self); }

/* A message is taken only when there is room for its answer. When there is none, the host keeps it, and offers it again
 * once writable() has said that there is. */
static dtu_status loopback_send(void* self, const dtu_msg* msgs, uint32_t n, uint32_t* taken, dtu_error* error) {
  (void)error;
  loopback* me = self;
  for (*taken = 0; *taken < n; ++*taken) {
    const dtu_msg* msg = &msgs[*taken];
    if (msg->payload.len > me->longest) { /* can never be given back: the host counts it as rejected */
      if (msg->token != 0) dtu_complete(me->host, me->instance, msg->token, DTU_E_INVALID);
      continue;
    }
    const dtu_msg back = {.payload = msg->payload, .owner = msg->owner}; /* the same buffer: no copy */
    uint32_t emitted = 0;
    const dtu_status status = me->host->emit(me->instance, &back, 1, &emitted);
    if (status == DTU_AGAIN) return DTU_AGAIN;
    if (status == DTU_OK) {
      ++me->messages;
      me->bytes += msg->payload.len;
      if (me->metrics != NULL) me->metrics->increase(me->instance, me->bytes_metric, msg->payload.len);
    }
    if (msg->token != 0) dtu_complete(me->host, me->instance, msg->token, status);
  }
  return DTU_OK;
}

/* The host has room again after an emit() it answered with DTU_AGAIN: so have we. */
static void loopback_writable(void* self, uint64_t source) {
  (void)source;
  const loopback* me = self;
  me->host->writable(me->instance, 0);
}

static dtu_status loopback_health(void* self, void (*out)(void* ctx, dtu_str json), void* ctx) {
  const loopback* me = self;
  char json[96];
  snprintf(json, sizeof json, "{\"messages\": %" PRIu64 ", \"bytes\": %" PRIu64 "}", me->messages, me->bytes);
  out(ctx, text(json));
  return DTU_OK;
}

static const dtu_ops ops = {.struct_size = sizeof(dtu_ops),
                            .start = loopback_start,
                            .stop = loopback_stop,
                            .destroy = loopback_destroy,
                            .writable = loopback_writable,
                            .health = loopback_health};
static const dtu_channel channel = {.struct_size = sizeof(dtu_channel), .send = loopback_send};
static const dtu_iface ifaces[] = {{DTU_CHANNEL_IFACE, &channel}};
static const dtu_component component = {.struct_size = sizeof(dtu_component),
                                        .kind = DTU_KIND_CHANNEL,
                                        .type = "loopback",
                                        .title = "Loopback",
                                        .config_schema = schema_json,
                                        .create = loopback_create,
                                        .ops = &ops,
                                        .ifaces = ifaces,
                                        .iface_count = 1};
static const dtu_component* const components[] = {&component};
const dtu_plugin DTU_ENTRY = {.magic = DTU_MAGIC,
                              .struct_size = sizeof(dtu_plugin),
                              .abi_major = DTU_ABI_MAJOR,
                              .abi_minor = DTU_ABI_MINOR,
                              .id = "org.example.channel-loopback",
                              .version = "1.0.0",
                              .vendor = "Example Ltd",
                              .license = "Apache-2.0",
                              .components = components,
                              .component_count = 1};
