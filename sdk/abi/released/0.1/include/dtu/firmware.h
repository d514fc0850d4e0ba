/* dtu.firmware/1: what a board can install on itself. The host downloads, verifies and restarts; who offers this
 * interface (a HAL) writes the file to where it belongs and says what runs. */
#ifndef DTU_FIRMWARE_H_
#define DTU_FIRMWARE_H_

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dtu_firmware_image {
  uint32_t struct_size, flags;
  dtu_str kind;    /* one of those facts() named: "firmware", "package" */
  dtu_str file;    /* absolute path of the verified file; stays as it is until the call is answered */
  dtu_str version; /* "" = the order did not say */
} dtu_firmware_image;

#define DTU_FIRMWARE_IFACE "dtu.firmware/1"
typedef struct dtu_firmware {
  uint32_t struct_size, reserved;

  /* In each, [lane]; DTU_OK: the answer comes, or came within the call, by host->reply(call). A failure is the answer.
   *
   * What can be installed and what runs, by kind: {"firmware": {"version": "1.4.0", "slot": "A", "confirmed": true,
   * "rolled_back": false}}. All members may be left out. version: of what runs. slot: names the copy that runs, where
   * there are several. confirmed false: the board goes back to the one before at a restart, unless mark_good comes
   * first. rolled_back true: it did so at the last restart. */
  dtu_status (*facts)(void* self, uint64_t call, dtu_error*);

  /* Installs; what runs now stays untouched until the restart. It may be asked again after a power cut in the middle.
   * The answer: {"restart": "dtud" | "board" | "none"}, what it takes to run it; "" or null = as board.json says. */
  dtu_status (*install)(void* self, const dtu_firmware_image*, uint64_t call, dtu_error*);

  /* Optional: how much of that install is done, in per cent; -1: not known. Asked once a second. */
  int32_t (*progress)(void* self, uint64_t call);

  /* Optional: what runs is good and is what runs after the next restart too. */
  dtu_status (*mark_good)(void* self, dtu_str kind, uint64_t call, dtu_error*);

  /* Optional: that install is not wanted any more. It is still answered, as failed or, if it was too late, as done. */
  void (*cancel)(void* self, uint64_t call);
} dtu_firmware;

#ifdef __cplusplus
}
#endif
#endif /* DTU_FIRMWARE_H_ */
