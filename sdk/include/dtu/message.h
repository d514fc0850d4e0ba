/* dtu_msg: one message on its way between a port, a dialect and a channel. */
#ifndef DTU_MESSAGE_H_
#define DTU_MESSAGE_H_

#include "abi.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dtu_buf dtu_buf; /* owned by the host, reference-counted; written only before its first emit */

typedef struct dtu_prop {
  dtu_str key, value;
} dtu_prop;

/* One message. Everything reachable from a const dtu_msg * is valid until the call returns. To keep the payload
 * longer, buf_ref(owner). From host to plugin `owner` is never null; from plugin to host null means "copy it". */
typedef struct dtu_msg {
  /* Host to channel: give it back once with host->complete. Dialect to host: its own number, which sent() or
   * delivered() gives back (dialect.h). 0: nothing is to be told. */
  uint64_t token;
  uint64_t source; /* a port: the key given to open(). A channel: its peer (one TCP client); 0 = all, or the only one */
  int64_t time_ns; /* Unix time at which it was read; 0 = now */
  dtu_str route;   /* a channel's topic id ("0"); "" = its first. At most DTU_ROUTE_MAX bytes */
  dtu_str payload;
  dtu_buf* owner;
  const dtu_prop* props; /* facts about the message ("topic"); they do not outlive the call */
  uint32_t prop_count;
  uint32_t flags;
  /* The device behind this one that the message is of (a meter, a sub-device of a gateway); "" = this one. It stays
   * with the message in every queue, also on disk. At most DTU_DEVICE_MAX bytes. */
  dtu_str device;
  int64_t latest_ns; /* dialect to port: after this time (host->monotonic_ns) it is not sent any more; 0 = none */
  uint64_t reserved[2];
} dtu_msg;
#define DTU_MSG_COMMAND 1u     /* an answer or an event: goes before data */
#define DTU_MSG_CLOCK_UNSET 2u /* time_ns is of a clock nobody had set: no date. Set by the host */
#define DTU_MSG_RETAINED 4u    /* since 0.2, from a channel: kept by the server, sent before we connected. No command */
/* Since 0.2, to a channel: a registration message. A channel with many peers sends it first to later ones, too, or with
 * "reg_on": "start" to its first peer only. Dropped because there is no peer yet: it is not counted as dropped. */
#define DTU_MSG_REGISTRATION 8u
#define DTU_ROUTE_MAX 255u
#define DTU_DEVICE_MAX 64u
#define DTU_PAYLOAD_MAX (1u << 20) /* bytes; more is refused with DTU_E_INVALID */

#ifdef __cplusplus
}
#endif
#endif /* DTU_MESSAGE_H_ */
