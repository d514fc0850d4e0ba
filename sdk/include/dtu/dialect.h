/* dtu.dialect/1: a wire syntax between a port and the channels bound to it. A component offers one or more by name
 * ("command", "through"); the configuration picks one per link (work_mode, uconf.<n>.mode). */
#ifndef DTU_DIALECT_H_
#define DTU_DIALECT_H_

#include "services.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dtu_bound_channel {
  uint32_t struct_size;
  uint32_t id;    /* 1 to 98 */
  dtu_str type;   /* "mqtt" */
  uint64_t caps;  /* of its component: DTU_CAP_TOPICS */
  dtu_str config; /* JSON of conf.<id>; secrets masked */
} dtu_bound_channel;

typedef struct dtu_link_info {
  uint32_t struct_size, reserved;
  uint64_t link;          /* the host's name for it in dtu.link/1 */
  dtu_str dialect;        /* the name asked for */
  dtu_str port;           /* "" = a link without a port: its channels serve commands only (D16) */
  uint32_t baud;          /* bits per second; 0 without a port */
  uint32_t bits_per_char; /* start + data + parity + stop */
  dtu_str port_config;    /* JSON of uconf.<n> */
  dtu_str device_config;  /* JSON of the scalar top-level keys (plate, convert, reply, ...); secrets masked */
  const dtu_bound_channel* const* channels;
  uint64_t channel_count;
} dtu_link_info;

#define DTU_DIALECT_IFACE "dtu.dialect/1"
typedef struct dtu_dialect {
  uint32_t struct_size, reserved;
  const char* const* names;                                                         /* ends with null */
  dtu_status (*open)(void* self, const dtu_link_info*, void** session, dtu_error*); /* [lane] */
  void (*close)(void* self, void* session);                                         /* [lane] */
  /* [lane] Bytes as they were read, any piece of the stream, never refused. None: more waits in the port, no silence.
   */
  void (*from_port)(void* self, void* session, const dtu_msg*);
  /* [lane] One message of channel `channel`; msg->source is the peer to answer. */
  void (*from_channel)(void* self, void* session, uint32_t channel, const dtu_msg*);
  /* [lane] optional: a channel's state changed (DTU_STATE_...). */
  void (*channel_state)(void* self, void* session, uint32_t channel, int32_t state, const dtu_error*);
  /* [lane] optional, before close: the bytes from the port that are part of something unfinished. A new configuration
   * gives the link a new session, and that one gets them first: no frame is lost in between. */
  void (*unfinished)(void* self, void* session, void (*out)(void* ctx, dtu_str bytes), void* ctx);
} dtu_dialect;

#ifdef __cplusplus
}
#endif
#endif /* DTU_DIALECT_H_ */
