/* dtu.channel/1: a remote end. What comes from it is handed over with host->emit (source = peer, route = topic id). */
#ifndef DTU_CHANNEL_H_
#define DTU_CHANNEL_H_

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

#define DTU_CHANNEL_IFACE "dtu.channel/1"

/* Further results that a channel may give to host->complete; a host older than ABI 0.2 sends such a message again.
 *   DTU_UNCONFIRMED  sent, and nothing will ever confirm it (UDP): counted apart from delivered, and forgotten
 *   DTU_E_DROPPED    dropped because the configuration says so (no client is connected): counted as dropped, forgotten
 *   DTU_E_REFUSED    the peer itself closed the connection, or refused, after it took at least a part of this message:
 *                    sent again, and then alone. A message for which the peer closes again and again, while it takes
 *                    others, is rejected. Not for a time-out, a lost network or a refused connection: those say
 *                    nothing about the message */
#define DTU_UNCONFIRMED 2
#define DTU_E_REFUSED (-15)
#define DTU_E_DROPPED (-16)

typedef struct dtu_channel {
  uint32_t struct_size, reserved;

  /* [lane] Takes the first *taken of n messages, in order, and completes each token later with host->complete.
   * DTU_AGAIN: full for now; call host->writable(instance, 0) when there is room. Any other failure: nothing more
   * is sent until the next report(UP). When the connection is lost, complete the open tokens with DTU_E_CLOSED, or
   * DTU_E_REFUSED when the peer closed it, before report(DOWN): they are sent again after the next report(UP). */
  dtu_status (*send)(void* self, const dtu_msg*, uint32_t n, uint32_t* taken, dtu_error*);

  /* [lane] optional: push out what send() took. DTU_PENDING: completions tell. */
  dtu_status (*flush)(void* self, uint32_t deadline_ms, dtu_error*);
} dtu_channel;

#ifdef __cplusplus
}
#endif
#endif /* DTU_CHANNEL_H_ */
