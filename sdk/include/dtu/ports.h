/* dtu.ports/1: byte lines of a board. What is read is handed over with host->emit (source = the key of open). */
#ifndef DTU_PORTS_H_
#define DTU_PORTS_H_

#include "link.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dtu_port_info {
  uint32_t struct_size, flags;
  dtu_str id;     /* "1": what uconf and serialID name. 1 to 16 of A-Z a-z 0-9 . _ - */
  dtu_str device; /* "/dev/ttyS1" */
  dtu_str title;
} dtu_port_info;

#define DTU_PARITY_NONE 0u
#define DTU_PARITY_EVEN 1u
#define DTU_PARITY_ODD 2u
#define DTU_PARITY_MARK 3u /* since 0.2, as SPACE: where the driver has them */
#define DTU_PARITY_SPACE 4u
#define DTU_STOP_1 1u /* stopbits */
#define DTU_STOP_2 2u
#define DTU_STOP_1_5 3u /* since 0.2: where the driver has it (a 16550 with 5 data bits) */
#define DTU_FLOW_NONE 0u
#define DTU_FLOW_RTSCTS 1u
#define DTU_FLOW_XONXOFF 2u        /* since 0.2: the bytes 0x11 and 0x13 belong to the line, and are no data */
typedef struct dtu_port_settings { /* uconf.<n>, seed 001 section 6.1.8 */
  uint32_t struct_size;
  uint32_t baud;     /* bits per second */
  uint32_t databits; /* 5 to 8 */
  uint32_t parity, stopbits, flow;
  /* RS-485 by a pin (direction_pin, dtu.md 1.1): the host's pin number and its level while sending. A HAL that has the
   * pin switches it around every write; one that cannot fails open() and says so. */
  int32_t direction_gpio; /* -1: none */
  uint32_t direction_level;
} dtu_port_settings;

/* Signals of a line, as a mask; a set bit is "on". What a UART calls asserted is on, whatever its level is. */
#define DTU_SIGNAL_DTR 1u   /* ours */
#define DTU_SIGNAL_RTS 2u   /* ours, unless the flow control or the driver's RS-485 mode has it */
#define DTU_SIGNAL_BREAK 4u /* ours: the line is held at "space" while it is on. Bytes sent meanwhile are lost */
#define DTU_SIGNAL_CTS 8u   /* the other end's, as the rest */
#define DTU_SIGNAL_DSR 16u
#define DTU_SIGNAL_DCD 32u
#define DTU_SIGNAL_RI 64u

#define DTU_PORTS_IFACE "dtu.ports/1"
#define DTU_PORT_HOLDS \
  1u /* dtu_port.flags: when not read, the sender waits (flow control, pty) instead of losing bytes */
typedef struct dtu_ports {
  uint32_t struct_size, reserved;
  dtu_status (*list)(void* self, void (*each)(void* ctx, const dtu_port_info*), void* ctx, dtu_error*); /* [lane] */

  /* [lane] Opens port `id`; *port is the HAL's own name for it in the calls below, `key` the host's name for it in
   * emit, writable and report. DTU_PENDING: the device is not there yet; the HAL keeps looking and tells by
   * report(key, UP | DOWN | FAILED). A device that goes away later is reported DOWN and picked up again by the HAL. */
  dtu_status (*open)(void* self, dtu_str id, const dtu_port_settings*, uint64_t key, void** port, dtu_error*);
  void (*close)(void* self, void* port); /* [lane] no emit for its key afterwards */

  /* [lane] Takes the first *taken of n messages to write, in order; a message begun is kept (buf_ref) until it is out.
   * DTU_AGAIN: full; host->writable(instance, key) tells of room. */
  dtu_status (*write)(void* self, void* port, const dtu_msg*, uint32_t n, uint32_t* taken, dtu_error*);

  /* [lane] optional: what is written so far is on the wire: 1, still going out: 0. */
  int32_t (*drained)(void* self, void* port);

  /* [lane] optional: DTU_PORT_HOLDS and other facts of an open port. */
  uint32_t (*flags)(void* self, void* port);

  /* [lane] optional: forgets what write() took and did not send (DTU_DISCARD_TO_PORT: also what a driver holds) and
   * what was received and not handed over (DTU_DISCARD_FROM_PORT). The answer: how many bytes of its own were
   * forgotten; what the driver forgot is not counted. */
  uint64_t (*discard)(void* self, void* port, uint32_t which);

  /* [lane] optional: other settings for an open port. The host calls it when drained() says that what write() took is
   * out. The direction pin stays as open() got it. A failure leaves the port as it was. */
  dtu_status (*set_line)(void* self, void* port, const dtu_port_settings*, dtu_error*);

  /* [lane] optional: switches the signals of `mask` (DTR, RTS, BREAK) to their bits in `values`, at once. It does not
   * wait: the host switches BREAK on and off by two calls. DTU_E_UNSUPPORTED: this line has no such signal;
   * DTU_E_INVALID: somebody else has it (RTS under flow control). The host ends a BREAK before close(); otherwise
   * close() leaves the signals as they are. After report(UP) the host switches again what has to be so. */
  dtu_status (*set_signals)(void* self, void* port, uint32_t mask, uint32_t values, dtu_error*);

  /* [lane] optional: how the signals are. *known: those that can be read; *values: which of them are on. DTU_AGAIN: not
   * known yet, the host asks again soon. */
  dtu_status (*signals)(void* self, void* port, uint32_t* known, uint32_t* values, dtu_error*);
} dtu_ports;

#ifdef __cplusplus
}
#endif
#endif /* DTU_PORTS_H_ */
