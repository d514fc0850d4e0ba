/* dtu.points/1: named values of a board, as JSON: device.imei "86..." , radio.csq 17, battery.mv 3590, gpio.4 1. */
#ifndef DTU_POINTS_H_
#define DTU_POINTS_H_

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dtu_point_info {
  uint32_t struct_size, flags;
  dtu_str name; /* lower case, dots between parts */
  dtu_str unit; /* "mV", "V", "Cel" (UCUM), "" */
  dtu_str title;
} dtu_point_info;
#define DTU_POINT_WRITABLE 1u

#define DTU_POINTS_IFACE "dtu.points/1"
typedef struct dtu_points {
  uint32_t struct_size, reserved;
  dtu_status (*list)(void* self, void (*each)(void* ctx, const dtu_point_info*), void* ctx, dtu_error*); /* [lane] */

  /* [lane] DTU_OK: the value comes, or came within the call, by host->reply(call). A failure is the answer. */
  dtu_status (*read)(void* self, dtu_str name, uint64_t call, dtu_error*);
  dtu_status (*write)(void* self, dtu_str name, dtu_str json, uint64_t call, dtu_error*); /* [lane] optional */
  /* [lane] optional: like read, but the answer comes when the value is not, or no longer, the one of `json`: an edge on
   * an input, without asking over and over. DTU_E_UNSUPPORTED: this point cannot tell. */
  dtu_status (*await)(void* self, dtu_str name, dtu_str json, uint64_t call, dtu_error*);
  void (*cancel)(void* self, uint64_t call); /* [lane] optional: nobody waits for this await any more */
} dtu_points;

#ifdef __cplusplus
}
#endif
#endif /* DTU_POINTS_H_ */
