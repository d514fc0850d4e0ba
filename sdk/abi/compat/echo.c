/* A whole channel in C11: sends everything back to where it came from, in host buffers of its own. */
#include <dtu/channel.h>
#include <stdlib.h>
#include <string.h>

DTU_TYPES("channel:compat-c");

typedef struct echo {
  const dtu_host* host;
  dtu_instance* instance;
} echo;

static dtu_status echo_create(const dtu_host* host, dtu_instance* instance, dtu_str config, void** self,
                              dtu_error* error) {
  (void)config;
  echo* e = malloc(sizeof *e);
  if (e == NULL) {
    if (error != NULL) {
      *error = (dtu_error){.struct_size = sizeof *error, .code = DTU_E_INTERNAL, .message = "memory is short"};
    }
    return DTU_E_INTERNAL;
  }
  *e = (echo){host, instance};
  *self = e;
  return DTU_OK;
}

static dtu_status echo_start(void* self, dtu_error* error) {
  (void)error;
  const echo* e = self;
  dtu_report(e->host, e->instance, 0, DTU_STATE_UP, NULL);
  return DTU_OK;
}

static dtu_status echo_stop(void* self, uint32_t deadline_ms, dtu_error* error) {
  (void)self, (void)deadline_ms, (void)error;
  return DTU_OK;
}

static void echo_destroy(void* self) { free(self); }

static dtu_status echo_send(void* self, const dtu_msg* msgs, uint32_t n, uint32_t* taken, dtu_error* error) {
  (void)error;
  const echo* e = self;
  for (*taken = 0; *taken < n; ++*taken) {
    const dtu_msg* msg = &msgs[*taken];
    uint8_t* bytes = NULL;
    dtu_buf* copy = e->host->buf_alloc(e->instance, msg->payload.len, &bytes);
    if (copy == NULL) return DTU_AGAIN;
    if (msg->payload.len != 0) memcpy(bytes, msg->payload.ptr, msg->payload.len);
    const dtu_msg back = {.route = msg->route, .payload = {(const char*)bytes, msg->payload.len}, .owner = copy};
    uint32_t emitted = 0;
    const dtu_status status = e->host->emit(e->instance, &back, 1, &emitted);
    e->host->buf_unref(e->instance, copy);
    if (status == DTU_AGAIN) return DTU_AGAIN;
    if (msg->token != 0) dtu_complete(e->host, e->instance, msg->token, DTU_OK);
  }
  return DTU_OK;
}

static void echo_writable(void* self, uint64_t source) {
  (void)source;
  const echo* e = self;
  e->host->writable(e->instance, 0);
}

/* It has no settings, so there is nothing to find. */
static dtu_status echo_check(dtu_str config, dtu_finding_fn out, void* ctx, dtu_error* error) {
  (void)config, (void)out, (void)ctx, (void)error;
  return DTU_OK;
}

static const dtu_ops echo_ops = {.struct_size = sizeof(dtu_ops),
                                 .start = echo_start,
                                 .stop = echo_stop,
                                 .destroy = echo_destroy,
                                 .writable = echo_writable,
                                 .check = echo_check};
static const dtu_channel echo_channel = {.struct_size = sizeof(dtu_channel), .send = echo_send};
static const dtu_iface echo_ifaces[] = {{DTU_CHANNEL_IFACE, &echo_channel}};
static const dtu_component echo_component = {.struct_size = sizeof(dtu_component),
                                             .kind = DTU_KIND_CHANNEL,
                                             .type = "compat-c",
                                             .title = "Echo in C",
                                             .config_schema = "{\"type\": \"object\"}",
                                             .create = echo_create,
                                             .ops = &echo_ops,
                                             .ifaces = echo_ifaces,
                                             .iface_count = 1};
static const dtu_component* const components[] = {&echo_component};
const dtu_plugin DTU_ENTRY = {.magic = DTU_MAGIC,
                              .struct_size = sizeof(dtu_plugin),
                              .abi_major = DTU_ABI_MAJOR,
                              .abi_minor = DTU_ABI_MINOR,
                              .id = "org.dtukit.compat.echo",
                              .version = "1.2.3",
                              .vendor = "dtukit",
                              .license = "Apache-2.0",
                              .components = components,
                              .component_count = 1};
