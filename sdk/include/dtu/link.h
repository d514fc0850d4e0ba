/* dtu.link/1, a service for dialects: where messages go. */
#ifndef DTU_LINK_H_
#define DTU_LINK_H_

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DTU_DISCARD_TO_PORT 1u   /* what waits for the port */
#define DTU_DISCARD_FROM_PORT 2u /* what was received and not read yet */

/* How a port runs now, instead of as its configuration says. 0 in a member: as configured. */
typedef struct dtu_line {
  uint32_t struct_size;
  uint32_t baud;     /* bits per second */
  uint32_t databits; /* 5 to 8 */
  uint32_t stopbits; /* DTU_STOP_... (ports.h) */
  int32_t parity;    /* DTU_PARITY_... (ports.h); -1: as configured */
  uint32_t reserved;
} dtu_line;

/* The host only queues, so no call comes back into the plugin from inside one of these. DTU_OK: queued (or dropped and
 * counted, by the overflow policy of the channel); DTU_E_NOT_FOUND: no such channel on this link, or no port;
 * DTU_E_INVALID: too long; DTU_AGAIN: not taken, 65,536 messages of this channel are followed and not told of. A
 * message with a token is told of once: dtu_dialect.sent and delivered. Not of one whose call here failed. The tokens
 * are the dialect's own: two messages may have the same one, and each is told of. */
#define DTU_LINK_SERVICE "dtu.link/1"
typedef struct dtu_link_service {
  uint32_t struct_size, reserved;
  dtu_status (*to_port)(dtu_instance*, uint64_t link, const dtu_msg*); /* [lane] */
  dtu_status (*to_channel)(dtu_instance*, uint64_t link, uint32_t channel,
                           const dtu_msg*); /* [lane] source: the peer */
  /* Counts something the dialect had to drop ("bad_crc"), visible as dtu_dialect_drops{reason=...}. */
  void (*drop)(dtu_instance*, uint64_t link, dtu_str reason, uint64_t bytes); /* [lane] */

  /* [lane] Forgets what is under way at the port (DTU_DISCARD_..., one or both), in the host, the board and the driver.
   * A followed message is told of: DTU_E_DROPPED, "discard". Counted as dropped. `bytes` (may be null): how many there
   * were, but for those in the driver, and in a board on a lane or in a process of its own. What was read before and is
   * on its way to this session still comes. DTU_E_NOT_FOUND: the link has no port. */
  dtu_status (*discard)(dtu_instance*, uint64_t link, uint32_t which, uint64_t* bytes);

  /* [lane] Runs the port otherwise from the next message on: what was given to to_port() before is on the wire as it
   * was. It holds until close() of the session; then the port runs as configured. Null: as configured. DTU_OK: it will;
   * a board that then refuses is told of by port_state(UP) with an error, and the line stays as it was.
   * DTU_E_UNSUPPORTED: this board cannot; DTU_E_NOT_FOUND: the link has no port that is open; DTU_E_INVALID: no such
   * setting. The error may be null. */
  dtu_status (*set_line)(dtu_instance*, uint64_t link, const dtu_line*, dtu_error*);
} dtu_link_service;

#ifdef __cplusplus
}
#endif
#endif /* DTU_LINK_H_ */
