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

/* What became of a message that a dialect follows. */
typedef struct dtu_fate {
  uint32_t struct_size;
  dtu_status status;
  uint64_t token;   /* as the dialect gave it in dtu_msg.token */
  uint32_t channel; /* 0: a message for the port */
  uint32_t reserved;
  dtu_str reason; /* in words, for the log; "" = the status says it all */
} dtu_fate;

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
  /* [lane] optional, as the others below. The port's state changed (DTU_STATE_...); also once after open(). */
  void (*port_state)(void* self, void* session, int32_t state, const dtu_error*);
  /* [lane] What became of a message given to to_port() with a token. Once for each message, never inside to_port(), in
   * the order of the messages (one that found no room may come before them); not after close(), which ends all of them.
   * Its status:
   *   DTU_OK         the board says it is on the wire; where a HAL cannot tell (no drained()), it took it
   *   DTU_E_TIMEOUT  its latest_ns passed before it was begun
   *   DTU_E_DROPPED  dropped: fate.reason says by what ("discard", "full", "memory")
   *   DTU_E_INVALID  the board can never write it; fate.reason says why
   *   DTU_E_CLOSED   the port went away before it was out: a part of it may be */
  void (*sent)(void* self, void* session, const dtu_fate*);
  /* [lane] What became of a message given to to_channel() with a token. Once for each message, never inside
   * to_channel(), in any order; not after close(). The tokens of a session that ended, or of a dtud that did, are gone,
   * their messages are not. Its status:
   *   DTU_OK           delivered, as the channel says (PUBACK, 2xx)
   *   DTU_UNCONFIRMED  sent; nothing will confirm it (UDP)
   *   DTU_E_DROPPED    dropped; fate.reason says by what:
   *                      "drop-oldest", "drop-newest", "full" (nothing older could go): the overflow policy
   *                      "no client", "memory", "cleared" (by a person), "damaged" (on disk)
   *                      "not taken": the link had changed, or too many are followed; to an isolated dialect only,
   *                      which heard DTU_OK
   *   DTU_E_INVALID    rejected: will never be taken; fate.reason: "refused", "closed", "max_message" */
  void (*delivered)(void* self, void* session, const dtu_fate*);
} dtu_dialect;

#ifdef __cplusplus
}
#endif
#endif /* DTU_DIALECT_H_ */
