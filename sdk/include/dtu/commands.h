/* dtu.commands/1: named functions anyone may call through any dialect, dtuctl or the local API. */
#ifndef DTU_COMMANDS_H_
#define DTU_COMMANDS_H_

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct dtu_command_info {
  uint32_t struct_size, flags;
  dtu_str name; /* "radio.csq": lower case, dots between parts */
  dtu_str title;
  dtu_str args_schema;   /* JSON Schema of the arguments; "" = none are taken */
  const uint32_t* codes; /* function codes it answers to, in every numbering (D1) */
  uint64_t code_count;
} dtu_command_info;
#define DTU_COMMAND_PASSWORD 1u     /* a source other than the local console must give the password */
#define DTU_COMMAND_LOCAL 2u        /* only the local console may call it */
#define DTU_COMMAND_WHEN_STOPPED 4u /* also while the protocol is stopped (D1, 253) */
#define DTU_COMMAND_SHARED 16u      /* since 0.2: other components may offer it too, if each of them says so */
#define DTU_COMMAND_INTERNAL 32u /* since 0.2: only the host may call it, and a plugin for itself (DTU_REQ_TRUSTED) */
#define DTU_COMMAND_CHANGES 8u   /* changes or sends something: who called it is kept in the audit file */

#define DTU_COMMANDS_IFACE "dtu.commands/1"
typedef struct dtu_commands {
  uint32_t struct_size, reserved;
  dtu_status (*list)(void* self, void (*each)(void* ctx, const dtu_command_info*), void* ctx, dtu_error*); /* [lane] */

  /* [lane] DTU_OK: the answer comes, or came within the call, by host->reply(call). A failure is the answer. Access was
   * checked and `args` satisfies the schema. `source` says who asks: "console", "channel 3", "port 1". */
  dtu_status (*invoke)(void* self, uint64_t call, dtu_str name, dtu_str args, dtu_str source, dtu_error*);
  void (*cancel)(void* self, uint64_t call); /* [lane] optional: the deadline passed, the answer is ignored now */
} dtu_commands;

#ifdef __cplusplus
}
#endif
#endif /* DTU_COMMANDS_H_ */
